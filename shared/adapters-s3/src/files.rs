//! Files of imports and exports of products.

use crate::images::presigning;
use adapters::aws;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use domain::product_import::MEDIA_TYPE;
use kernel::Failure;
use ports::{ObjectState, ProductFiles};

const DEPENDENCY: &str = "product files";

#[derive(Debug, Clone)]
pub struct S3Files {
    client: Client,
    bucket: String,
}

impl S3Files {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    match error {
        SdkError::ServiceError(response) => Some(response.raw().status().as_u16()),
        _ => None,
    }
}

impl ProductFiles for S3Files {
    /// Type and length are signed headers: S3 refuses a request with others.
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        let length = i64::try_from(bytes).map_err(Failure::internal)?;
        let put =
            self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type).content_length(length);
        let request = put.presigned(presigning(ttl_s)?).await;
        Ok(request.map_err(|error| aws::to_failure(DEPENDENCY, &error))?.uri().to_owned())
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        let request = self.client.get_object().bucket(&self.bucket).key(key).presigned(presigning(ttl_s)?).await;
        Ok(request.map_err(|error| aws::to_failure(DEPENDENCY, &error))?.uri().to_owned())
    }

    async fn state(&self, key: &str) -> Result<Option<ObjectState>, Failure> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(Some(ObjectState {
                size: head.content_length.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                etag: head.e_tag.unwrap_or_default(),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(aws::to_failure(DEPENDENCY, &error)),
        }
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        position: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let range = format!("bytes={position}-{}", position.saturating_add(length).saturating_sub(1));
        let get = self.client.get_object().bucket(&self.bucket).key(key).range(range);
        let object = match get.set_if_match(etag.map(str::to_owned)).send().await {
            Ok(object) => object,
            Err(error) if matches!(status(&error), Some(404 | 412)) => return Ok(None),
            Err(error) => return Err(aws::to_failure(DEPENDENCY, &error)),
        };
        let bytes = object.body.collect().await.map_err(|error| Failure::unavailable(DEPENDENCY, error))?;
        Ok(Some(bytes.into_bytes().into()))
    }

    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(MEDIA_TYPE);
        let put = put.body(ByteStream::from(lines)).send().await;
        put.map(drop).map_err(|error| aws::to_failure(DEPENDENCY, &error))
    }

    async fn begin(&self, key: &str) -> Result<String, Failure> {
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key).content_type(MEDIA_TYPE);
        let begun = begin.send().await.map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
        begun.upload_id.ok_or_else(|| Failure::internal("an upload has no id"))
    }

    async fn put_part(&self, key: &str, upload: &str, number: usize, lines: Vec<u8>) -> Result<String, Failure> {
        let number = i32::try_from(number).map_err(Failure::internal)?;
        let part = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
        let put = part.body(ByteStream::from(lines)).send().await;
        let put = put.map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
        put.e_tag.ok_or_else(|| Failure::internal("a part has no ETag"))
    }

    async fn complete(&self, key: &str, upload: &str, parts: &[String]) -> Result<(), Failure> {
        let parts =
            (1..).zip(parts).map(|(number, etag)| CompletedPart::builder().part_number(number).e_tag(etag).build());
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        let Err(error) = complete.multipart_upload(parts).send().await else { return Ok(()) };
        let is_unknown = error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("NoSuchUpload");
        if is_unknown && self.state(key).await?.is_some() {
            return Ok(());
        }
        Err(aws::to_failure(DEPENDENCY, &error))
    }
}
