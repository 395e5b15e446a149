//! Product images in one bucket: uploads, variants and quarantined files, distinguished by the prefix of the key.

use adapters::aws;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use kernel::Failure;
use std::time::Duration;

const DEPENDENCY: &str = "images";

#[derive(Debug, Clone)]
pub struct S3Images {
    client: Client,
    bucket: String,
}

impl S3Images {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

pub(crate) fn presigning(ttl_s: u32) -> Result<PresigningConfig, Failure> {
    PresigningConfig::expires_in(Duration::from_secs(ttl_s.into())).map_err(Failure::internal)
}

impl ports::ImageObjects for S3Images {
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

    async fn read(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, Failure> {
        let range = format!("bytes=0-{}", at_most.saturating_sub(1));
        let object = match self.client.get_object().bucket(&self.bucket).key(key).range(range).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|response| response.is_no_such_key()) => {
                return Ok(None);
            }
            Err(error) => return Err(aws::to_failure(DEPENDENCY, &error)),
        };
        let bytes = object.body.collect().await.map_err(|error| Failure::unavailable(DEPENDENCY, error))?;
        Ok(Some(bytes.into_bytes().into()))
    }

    async fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type);
        let put = put.body(ByteStream::from(bytes)).send().await;
        put.map(drop).map_err(|error| aws::to_failure(DEPENDENCY, &error))
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Failure> {
        for key in keys {
            let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
            deleted.map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
        }
        Ok(())
    }
}
