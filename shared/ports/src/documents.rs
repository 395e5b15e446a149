//! Port of documents.

use kernel::Failure;

/// Stores documents, each written once.
pub trait Documents {
    /// Stores a document, unless the key exists.
    async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure>;

    /// The keys that begin with `prefix`, sorted.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure>;

    async fn exists(&self, key: &str) -> Result<bool, Failure>;

    /// A presigned URL that is valid for `ttl_s` seconds.
    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure>;
}
