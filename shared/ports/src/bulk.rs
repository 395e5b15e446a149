//! Ports of imports and exports of products.

use domain::job::Job;
use kernel::{Failure, Page, Timestamp, Uuid};

/// A job that this invocation has leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob<J> {
    pub job: J,
    /// Fencing token: grows with each lease, so that the holder of an earlier lease can no longer save the job.
    pub fencing_token: u64,
}

/// Jobs and their progress.
pub trait JobStore {
    /// Stores a new job, which may be leased on from `due_at`.
    async fn create<J: Job>(&self, job: &J, due_at: Timestamp) -> Result<(), Failure>;

    async fn get<J: Job>(&self, id: Uuid) -> Result<Option<J>, Failure>;

    /// The jobs of this type, newest first: their ids are in the order of their creation.
    async fn list<J: Job>(&self, limit: u32, cursor: Option<&str>) -> Result<Page<J>, Failure>;

    /// Takes on the open job of this type that has been due longest; `None` if none is due. It is due again at `until`, unless it is saved.
    async fn lease<J: Job>(&self, now: Timestamp, until: Timestamp) -> Result<Option<LeasedJob<J>>, Failure>;

    /// Stores a job that was leased on, due again at `due_at` if it is open. `false`, and nothing is stored, if it was leased on again since.
    async fn save<J: Job>(&self, leased: &LeasedJob<J>, due_at: Timestamp) -> Result<bool, Failure>;
}

/// Metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectState {
    /// Size in bytes.
    pub size: u64,
    pub etag: String,
}

/// Files of imports and exports.
pub trait ProductFiles {
    /// A link to upload one object with. It demands the media type and the size in bytes, and ends after `ttl_s` seconds.
    async fn upload_link(&self, key: &str, media_type: &str, bytes: u64, ttl_s: u32) -> Result<String, Failure>;

    /// A link to download an object with, for `ttl_s` seconds. Whether the object exists is not checked.
    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure>;

    /// The state of an object; `None` if there is none.
    async fn state(&self, key: &str) -> Result<Option<ObjectState>, Failure>;

    /// At most `length` bytes, at least one, of the object from `position`, which is within it. `None` if there is no object, or, with an ETag, if
    /// there is another one.
    async fn read(&self, key: &str, etag: Option<&str>, position: u64, length: u64)
    -> Result<Option<Vec<u8>>, Failure>;

    /// Stores an object of JSON lines, in place of one that there may be.
    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), Failure>;

    /// Begins the upload of an object of JSON lines in parts. Returns the id of the upload.
    async fn begin(&self, key: &str) -> Result<String, Failure>;

    /// Stores a part, numbered from 1, in place of one that there may be. Every part but the last one has at least
    /// [`domain::product_export::PART_BYTES`] bytes. Returns its ETag.
    async fn put_part(&self, key: &str, upload: &str, number: usize, lines: Vec<u8>) -> Result<String, Failure>;

    /// Completes a multipart upload. Completing it again succeeds.
    async fn complete(&self, key: &str, upload: &str, parts: &[String]) -> Result<(), Failure>;
}
