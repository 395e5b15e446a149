//! Objects of one bucket that clients upload or download by link.

use adapters::aws;
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::Failure;
use std::time::Duration;

/// A bucket, and what failures call it. Futures are boxed, so that the client is compiled here, and not in each function's crate.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub client: Client,
    pub bucket: String,
    pub dependency: &'static str,
}

impl Objects {
    /// Type and length are signed headers: S3 refuses a request with others.
    pub fn upload_link<'a>(
        &'a self,
        key: &'a str,
        media_type: &'a str,
        bytes: u64,
        ttl_s: u32,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        async move {
            let length = i64::try_from(bytes).map_err(Failure::internal)?;
            let put =
                self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type).content_length(length);
            let request = put.presigned(presigning(ttl_s)?).await;
            Ok(request.map_err(|error| self.failure(&error))?.uri().to_owned())
        }
        .boxed()
    }

    pub fn link<'a>(&'a self, key: &'a str, ttl_s: u32) -> BoxFuture<'a, Result<String, Failure>> {
        async move {
            let request = self.client.get_object().bucket(&self.bucket).key(key).presigned(presigning(ttl_s)?).await;
            Ok(request.map_err(|error| self.failure(&error))?.uri().to_owned())
        }
        .boxed()
    }

    /// At most `length` bytes, at least one, from `position`, which is within the object. `None` if there is no object, or, with an ETag, if there
    /// is another one.
    pub fn read<'a>(
        &'a self,
        key: &'a str,
        etag: Option<&'a str>,
        position: u64,
        length: u64,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>> {
        async move {
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
        .boxed()
    }

    pub fn put<'a>(&'a self, key: &'a str, media_type: &'a str, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type);
            let put = put.body(ByteStream::from(bytes)).send().await;
            put.map(drop).map_err(|error| self.failure(&error))
        }
        .boxed()
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
