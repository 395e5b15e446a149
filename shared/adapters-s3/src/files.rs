//! Files of imports and exports of products.

use crate::objects::{Objects, status};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use domain::product_import::MEDIA_TYPE;
use kernel::Failure;
use ports::{ObjectState, ProductFiles};

#[derive(Debug, Clone)]
pub struct S3Files(Objects);

impl S3Files {
    pub fn new(client: Client, bucket: String) -> Self {
        Self(Objects { client, bucket, dependency: "product files" })
    }
}

impl ProductFiles for S3Files {
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        self.0.upload_link(key, media_type, bytes, ttl_s).await
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        self.0.link(key, ttl_s).await
    }

    async fn state(&self, key: &str) -> Result<Option<ObjectState>, Failure> {
        match self.0.client.head_object().bucket(&self.0.bucket).key(key).send().await {
            Ok(head) => Ok(Some(ObjectState {
                size: head.content_length.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                etag: head.e_tag.unwrap_or_default(),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.0.failure(&error)),
        }
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        position: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.0.read(key, etag, position, length).await
    }

    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), Failure> {
        self.0.put(key, MEDIA_TYPE, lines).await
    }

    async fn begin(&self, key: &str) -> Result<String, Failure> {
        let begin = self.0.client.create_multipart_upload().bucket(&self.0.bucket).key(key).content_type(MEDIA_TYPE);
        let begun = begin.send().await.map_err(|error| self.0.failure(&error))?;
        begun.upload_id.ok_or_else(|| Failure::internal("an upload has no id"))
    }

    async fn put_part(&self, key: &str, upload: &str, number: usize, lines: Vec<u8>) -> Result<String, Failure> {
        let number = i32::try_from(number).map_err(Failure::internal)?;
        let part = self.0.client.upload_part().bucket(&self.0.bucket).key(key).upload_id(upload).part_number(number);
        let put = part.body(ByteStream::from(lines)).send().await;
        let put = put.map_err(|error| self.0.failure(&error))?;
        put.e_tag.ok_or_else(|| Failure::internal("a part has no ETag"))
    }

    async fn complete(&self, key: &str, upload: &str, parts: &[String]) -> Result<(), Failure> {
        let parts =
            (1..).zip(parts).map(|(number, etag)| CompletedPart::builder().part_number(number).e_tag(etag).build());
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let complete = self.0.client.complete_multipart_upload().bucket(&self.0.bucket).key(key).upload_id(upload);
        let Err(error) = complete.multipart_upload(parts).send().await else { return Ok(()) };
        let is_unknown = error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("NoSuchUpload");
        if is_unknown && self.state(key).await?.is_some() {
            return Ok(());
        }
        Err(self.0.failure(&error))
    }
}
