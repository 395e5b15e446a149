//! Ports of the sources of records, and of what accepts records.

use domain::record::{Position, Record, SourceName};
use domain::source::{PayloadSchema, SchemaOf, Source};
use kernel::{Failure, FieldError, IdempotencyKey, IdempotencyOutcome, Page, StoredReply, Timestamp};
use serde_json::{Map, Value};

/// The sources of records.
pub trait SourceStore {
    /// Stores a new source with the first version of its schema, and the response of its request if that has a key. `source-exists` if its name
    /// is taken: then the key stays free.
    async fn create_source(
        &self,
        source: &Source,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores the response of a key to a request that changed nothing, such as a rejection.
    async fn store_source_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// A source with the current version of its schema.
    async fn source(&self, name: &SourceName) -> Result<Option<Source>, Failure>;

    /// The sources by name.
    async fn sources(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Source>, Failure>;

    /// Stores the next version of the schema of a source. Returns `false` and changes nothing unless the source is open and has the version
    /// before.
    async fn add_schema(&self, source: &Source) -> Result<bool, Failure>;

    /// Closes a source, if it is open. Returns `false` if there is none.
    async fn close_source(&self, name: &SourceName, now: Timestamp) -> Result<bool, Failure>;
}

/// What a request to store records needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordAdmission {
    /// Those of the wanted sources that exist.
    pub sources: Vec<Source>,
    /// Up to where each partition of the topic is written.
    pub written: Vec<Position>,
    /// Whether the same request was made before under the key. Its records may be in the log.
    pub is_repeated: bool,
}

pub trait RecordIntake {
    /// Binds the key to the body of the request for a day, and reads what the request needs, in one round trip. `idempotency-key-reused` if
    /// the key is bound to another body.
    async fn admit(&self, key: &IdempotencyKey, sources: &[SourceName]) -> Result<RecordAdmission, Failure>;
}

/// The topic of records.
pub trait RecordLog {
    /// Appends records. All are replicated before this returns; after a failure, some may be, and the same records are appended again.
    async fn append_records(&self, records: &[Record]) -> Result<(), Failure>;

    /// End offsets of the partitions that this process has appended to, as of its last append to each.
    fn ends(&self) -> Vec<Position>;
}

/// JSON Schemas of payloads. Nothing that a schema refers to is fetched.
pub trait PayloadSchemas {
    /// Checks that a schema is valid and stands by itself, and counts the payloads that violate it. The errors have pointers into the schema.
    fn try_schema(&self, schema: &PayloadSchema, payloads: &[&Map<String, Value>]) -> Result<usize, Vec<FieldError>>;

    /// How a payload violates a schema, with pointers into the payload; empty if it does not. `of` names the schema, which never changes, so
    /// that it is compiled once.
    fn violations(
        &self,
        of: &SchemaOf,
        schema: &PayloadSchema,
        payload: &Map<String, Value>,
    ) -> Result<Vec<FieldError>, Failure>;
}
