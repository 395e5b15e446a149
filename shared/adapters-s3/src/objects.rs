//! Objects of one bucket that clients upload or download by link.

use adapters::aws;
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use kernel::Failure;
use std::time::Duration;

/// A bucket, and what failures call it.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub client: Client,
    pub bucket: String,
    pub dependency: &'static str,
}

impl Objects {
    /// Type and length are signed headers: S3 refuses a request with others.
    pub async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure> {
        let length = i64::try_from(bytes).map_err(Failure::internal)?;
        let put =
            self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type).content_length(length);
        let request = put.presigned(presigning(ttl_s)?).await;
        Ok(request.map_err(|error| self.failure(&error))?.uri().to_owned())
    }

    pub async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        let request = self.client.get_object().bucket(&self.bucket).key(key).presigned(presigning(ttl_s)?).await;
        Ok(request.map_err(|error| self.failure(&error))?.uri().to_owned())
    }

    /// At most `length` bytes, at least one, from `position`, which is within the object. `None` if there is no object, or, with an ETag, if there
    /// is another one.
    pub async fn read(
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
            Err(error) if error.as_service_error().is_some_and(|response| response.is_no_such_key()) => {
                return Ok(None);
            }
            Err(error) if status(&error) == Some(412) => return Ok(None),
            Err(error) => return Err(self.failure(&error)),
        };
        let bytes = object.body.collect().await.map_err(|error| Failure::unavailable(self.dependency, error))?;
        Ok(Some(bytes.into_bytes().into()))
    }

    pub async fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type);
        let put = put.body(ByteStream::from(bytes)).send().await;
        put.map(drop).map_err(|error| self.failure(&error))
    }

    pub fn failure<E>(&self, error: &SdkError<E>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        aws::to_failure(self.dependency, error)
    }
}

/// The HTTP status of a response that is an error.
pub(crate) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    match error {
        SdkError::ServiceError(response) => Some(response.raw().status().as_u16()),
        _ => None,
    }
}

pub(crate) fn presigning(ttl_s: u32) -> Result<PresigningConfig, Failure> {
    PresigningConfig::expires_in(Duration::from_secs(ttl_s.into())).map_err(Failure::internal)
}
