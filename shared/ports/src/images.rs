//! Ports of product images.

use domain::image::{Format, MediaType, Refusal, Size};
use kernel::Failure;

/// One size of an image in one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub size: Size,
    pub format: Format,
    pub bytes: Vec<u8>,
}

/// Makes the variants of an upload.
pub trait ImageProcessor {
    /// All variants of an upload that was announced with this media type, upright and without metadata, or why it is refused. Whatever the
    /// bytes are, it neither panics nor takes more memory than the largest image that is accepted.
    fn variants(&self, announced: MediaType, bytes: &[u8]) -> Result<Result<Vec<Variant>, Refusal>, Failure>;
}

/// Uploads and variants of images.
pub trait ImageObjects {
    /// A link to upload one object with. It demands the media type and the size in bytes, and ends after `ttl_s` seconds.
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure>;

    /// A link to download an object with, for `ttl_s` seconds. Whether the object exists is not checked.
    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure>;

    /// The object, or its first `at_most` bytes if it is longer; `None` if there is none.
    async fn read(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, Failure>;

    async fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure>;

    /// Deletes objects. One that does not exist counts as deleted.
    async fn delete(&self, keys: &[String]) -> Result<(), Failure>;
}
