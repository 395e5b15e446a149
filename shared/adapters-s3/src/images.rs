//! Product images in one bucket: uploads, variants and quarantined files, distinguished by the prefix of the key.

use crate::objects::Objects;
use aws_sdk_s3::Client;
use kernel::Failure;

#[derive(Debug, Clone)]
pub struct S3Images(Objects);

impl S3Images {
    pub fn new(client: Client, bucket: String) -> Self {
        Self(Objects { client, bucket, dependency: "images" })
    }
}

impl ports::ImageObjects for S3Images {
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        self.0.upload_link(key, media_type, bytes, ttl_s).await
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        self.0.link(key, ttl_s).await
    }

    async fn read(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, Failure> {
        self.0.read(key, None, 0, at_most).await
    }

    async fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.0.put(key, media_type, bytes).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Failure> {
        for key in keys {
            let deleted = self.0.client.delete_object().bucket(&self.0.bucket).key(key).send().await;
            deleted.map_err(|error| self.0.failure(&error))?;
        }
        Ok(())
    }
}
