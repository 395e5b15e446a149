//! Documents and the archive: S3.

use crate::aws;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use kernel::Failure;
use std::time::Duration;

/// Documents in a bucket, each written once.
#[derive(Debug, Clone)]
pub struct S3Documents {
    client: Client,
    bucket: String,
}

impl S3Documents {
    /// The documents in this bucket.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

impl ports::Documents for S3Documents {
    async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        match put.if_none_match("*").body(ByteStream::from(bytes)).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.raw().status().as_u16() == 412 => Ok(()),
            // Two wrote at once, and S3 has not decided which was first.
            Err(SdkError::ServiceError(answer)) if answer.raw().status().as_u16() == 409 => {
                Err(Failure::unavailable("documents", answer.err().code().unwrap_or("conflict")))
            }
            Err(error) => Err(aws::failed("documents", &error)),
        }
    }

    async fn exists(&self, key: &str) -> Result<bool, Failure> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|answer| answer.is_not_found()) => Ok(false),
            Err(error) => Err(aws::failed("documents", &error)),
        }
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        let ttl = Duration::from_secs(u64::from(ttl_s));
        let presigning = PresigningConfig::expires_in(ttl).map_err(Failure::internal)?;
        let request = self.client.get_object().bucket(&self.bucket).key(key).presigned(presigning).await;
        Ok(request.map_err(|error| aws::failed("documents", &error))?.uri().to_owned())
    }
}

/// The archive of events in a bucket.
#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    bucket: String,
}

impl S3Archive {
    /// The archive in this bucket.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

impl ports::Archive for S3Archive {
    async fn put(&self, key: &str, lines: String) -> Result<(), Failure> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("application/x-ndjson")
            .body(ByteStream::from(lines.into_bytes()))
            .send()
            .await
            .map(drop)
            .map_err(|error| aws::failed("archive", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use ports::Documents;

    #[tokio::test]
    async fn a_link_is_signed_expires_and_names_the_document_by_path_on_an_emulator() {
        let config = Config::from_vars([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]);
        let client = aws::s3(&config, &aws::sdk(&config).unwrap()).unwrap();
        let link = S3Documents::new(client, "invoices".to_owned()).link("2026/2026-000001.pdf", 600).await.unwrap();
        assert!(link.starts_with("http://127.0.0.1:4566/invoices/2026/2026-000001.pdf?"), "{link}");
        assert!(link.contains("X-Amz-Expires=600") && link.contains("X-Amz-Signature="), "{link}");
    }
}
