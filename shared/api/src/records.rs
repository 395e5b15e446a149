//! Records, and the sources that they are from.

use crate::rfc3339;
use domain::{
    record::{Record, RecordId, Rollup, SourceName},
    source::{PayloadSchema, Source, SourceStatus, Writers},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Records that were accepted, and are written within seconds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AcceptedRecordsView {
    /// Number of records: all of the request.
    pub accepted: usize,
    /// Their ids, in the order of the request.
    pub ids: Vec<RecordId>,
}

impl From<Vec<RecordId>> for AcceptedRecordsView {
    fn from(ids: Vec<RecordId>) -> Self {
        Self { accepted: ids.len(), ids }
    }
}

/// Data that a source sent, as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordView {
    /// Id of the record: a UUIDv7 with the time of the record.
    pub id: RecordId,
    /// Name of the source.
    pub source: SourceName,
    /// The version of the schema of the source that accepted it.
    pub schema_version: u32,
    /// When it was measured, to the millisecond.
    #[schemars(extend("format" = "date-time"))]
    pub recorded_at: String,
    /// When it was accepted.
    #[schemars(extend("format" = "date-time"))]
    pub received_at: String,
    /// Payload, valid against the schema of the source.
    pub payload: Map<String, Value>,
}

impl From<&Record> for RecordView {
    fn from(record: &Record) -> Self {
        Self {
            id: record.id,
            source: record.source.clone(),
            schema_version: record.schema_version,
            recorded_at: rfc3339(record.id.recorded_at()),
            received_at: rfc3339(record.received_at),
            payload: record.payload.clone(),
        }
    }
}

/// The records of a source in an hour.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RollupView {
    /// Start of the hour, by the times of the records.
    #[schemars(extend("format" = "date-time"))]
    pub hour: String,
    /// Number of records.
    pub records: u64,
    /// Bytes of their payloads as JSON without white space.
    pub bytes: u64,
}

impl From<&Rollup> for RollupView {
    fn from(rollup: &Rollup) -> Self {
        Self { hour: rfc3339(rollup.hour), records: rollup.records, bytes: rollup.bytes }
    }
}

/// A source of records.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SourceView {
    /// Name of the source.
    pub name: SourceName,
    /// Whether it takes records.
    pub status: SourceStatus,
    /// Service clients that may send and read its records; empty for staff alone.
    pub writers: Writers,
    /// Version of its current schema.
    pub schema_version: u32,
    /// The current schema, which new records must follow.
    pub schema: PayloadSchema,
    /// Time of creation.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When the current schema was registered.
    #[schemars(extend("format" = "date-time"))]
    pub schema_created_at: String,
    /// When it was closed; null while it is open.
    #[schemars(extend("format" = "date-time"))]
    pub closed_at: Option<String>,
}

impl From<&Source> for SourceView {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            status: source.status,
            writers: source.writers.clone(),
            schema_version: source.schema_version,
            schema: source.schema.clone(),
            created_at: rfc3339(source.created_at),
            schema_created_at: rfc3339(source.schema_created_at),
            closed_at: source.closed_at.map(rfc3339),
        }
    }
}

/// A source of records in a list, without its schema.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SourceItemView {
    /// Name of the source.
    pub name: SourceName,
    /// Whether it takes records.
    pub status: SourceStatus,
    /// Number of service clients that may send and read its records; staff always may.
    pub writers: usize,
    /// Version of its current schema.
    pub schema_version: u32,
    /// Time of creation.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When it was closed; null while it is open.
    #[schemars(extend("format" = "date-time"))]
    pub closed_at: Option<String>,
}

impl From<&Source> for SourceItemView {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            status: source.status,
            writers: source.writers.ids().count(),
            schema_version: source.schema_version,
            created_at: rfc3339(source.created_at),
            closed_at: source.closed_at.map(rfc3339),
        }
    }
}
