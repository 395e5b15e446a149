//! Documents, product images and the event archive in S3.

mod files;
mod images;
mod objects;
mod records;

use adapters::aws;
use adapters::config::Config;
use adapters::wiring::{Result, Wiring};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_types::SdkConfig;
use kernel::Failure;

pub use files::S3Files;
pub use images::S3Images;
pub use records::S3Records;

use objects::Objects;

/// Invoices as documents.
pub fn documents(wiring: &Wiring) -> Result<S3Documents> {
    let bucket = wiring.bucket_name(&catalog::INVOICES)?;
    Ok(S3Documents::new(client(wiring.config(), wiring.sdk()?)?, bucket))
}

/// The archive of events.
pub fn archive(wiring: &Wiring) -> Result<S3Archive> {
    let bucket = wiring.bucket_name(&catalog::ARCHIVE)?;
    Ok(S3Archive::new(client(wiring.config(), wiring.sdk()?)?, bucket))
}

/// Uploads and variants of product images.
pub fn images(wiring: &Wiring) -> Result<S3Images> {
    let bucket = wiring.bucket_name(&catalog::PRODUCT_IMAGES)?;
    Ok(S3Images::new(client(wiring.config(), wiring.sdk()?)?, bucket))
}

/// Files of imports and exports of products.
pub fn files(wiring: &Wiring) -> Result<S3Files> {
    let bucket = wiring.bucket_name(&catalog::PRODUCT_FILES)?;
    Ok(S3Files::new(client(wiring.config(), wiring.sdk()?)?, bucket))
}

/// The archive of records.
pub fn record_archive(wiring: &Wiring) -> Result<S3Records> {
    let bucket = wiring.bucket_name(&catalog::RECORD_ARCHIVE)?;
    Ok(S3Records::new(client(wiring.config(), wiring.sdk()?)?, bucket))
}

/// Emulators serve no host name for each bucket, so there the name of the bucket goes into the path.
fn client(config: &Config, sdk: &SdkConfig) -> Result<Client> {
    let is_emulated = config.endpoint_url()?.is_some();
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(is_emulated).build();
    Ok(Client::from_conf(config))
}

/// Write-once documents in a bucket.
#[derive(Debug, Clone)]
pub struct S3Documents {
    client: Client,
    bucket: String,
}

impl S3Documents {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

impl ports::Documents for S3Documents {
    async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        match put.if_none_match("*").body(ByteStream::from(bytes)).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(response)) if response.raw().status().as_u16() == 412 => Ok(()),
            // Concurrent writes: S3 has not decided yet which one succeeds.
            Err(SdkError::ServiceError(response)) if response.raw().status().as_u16() == 409 => {
                Err(Failure::unavailable("documents", response.err().code().unwrap_or("conflict")))
            }
            Err(error) => Err(aws::to_failure("documents", &error)),
        }
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| aws::to_failure("documents", &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    async fn exists(&self, key: &str) -> Result<bool, Failure> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|response| response.is_not_found()) => Ok(false),
            Err(error) => Err(aws::to_failure("documents", &error)),
        }
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        let (client, bucket) = (self.client.clone(), self.bucket.clone());
        Objects { client, bucket, dependency: "documents" }.link(key, ttl_s).await
    }
}

#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    bucket: String,
}

impl S3Archive {
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
            .map_err(|error| aws::to_failure("archive", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::Documents;

    #[tokio::test]
    async fn document_link_is_signed_and_uses_the_path_on_an_emulator() {
        let config = Config::from_vars([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]);
        let client = client(&config, &aws::sdk_config(&config).unwrap()).unwrap();
        let link = S3Documents::new(client, "invoices".to_owned()).link("2026/2026-000001.pdf", 600).await.unwrap();
        assert!(link.starts_with("http://127.0.0.1:4566/invoices/2026/2026-000001.pdf?"), "{link}");
        assert!(link.contains("X-Amz-Expires=600") && link.contains("X-Amz-Signature="), "{link}");
    }

    #[tokio::test]
    async fn upload_link_signs_the_type_and_the_size_of_the_file() {
        let config = Config::from_vars([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        ]);
        let client = client(&config, &aws::sdk_config(&config).unwrap()).unwrap();
        let images = S3Images::new(client, "images".to_owned());
        let link = ports::ImageObjects::upload_link(&images, "uploads/a/b", "image/png", 7, 900).await.unwrap();
        assert!(link.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost"), "{link}");
    }
}
