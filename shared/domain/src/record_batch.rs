//! Requests to store records: what is checked before a record is accepted, and the ids that a request gives its records.
//!
//! A request is accepted as a whole or refused as a whole, with every error that was found: nobody has to find out which half was taken.

use crate::{
    record::{Position, RETENTION_DAYS, Record, RecordId, SourceName, payload_text},
    source::{PayloadSchema, SchemaOf, Source, SourceStatus},
};
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, Timestamp, Uuid, time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, collections::BTreeSet};

/// Records of one request.
pub const MAX_RECORDS: usize = 500;
/// Longest payload, in bytes of JSON without white space.
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024;
/// How far ahead the clock of a client may be, in seconds.
pub const MAX_AHEAD_S: i64 = 300;
/// Errors that a response names.
pub const MAX_ERRORS: usize = 50;
/// Seconds after which a client that was refused because of the backlog tries again.
pub const BACKLOG_RETRY_S: u32 = 10;

/// A record as a client sends it. What is wrong with the text of a member is found together with all other errors of the request.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    /// Name of the source.
    #[schemars(with = "SourceName")]
    source: String,
    /// When it was measured: at most five minutes ahead, and at most 90 days ago.
    #[schemars(extend("format" = "date-time"))]
    recorded_at: String,
    /// As the current schema of the source demands; at most 16 KiB.
    payload: Map<String, Value>,
}

/// A request with one record, or with a list of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendRecords {
    #[serde(default)]
    records: Option<Vec<NewRecord>>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    recorded_at: Option<String>,
    #[serde(default)]
    payload: Option<Map<String, Value>>,
}

impl JsonSchema for SendRecords {
    fn schema_name() -> Cow<'static, str> {
        "SendRecords".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<NewRecord>();
        json_schema!({
            "description": "One record, or a list of 1 to 500, which is accepted or refused as a whole.",
            "anyOf": [one, {
                "type": "object",
                "properties": { "records": { "type": "array", "items": one, "minItems": 1, "maxItems": MAX_RECORDS } },
                "required": ["records"],
                "additionalProperties": false,
            }],
        })
    }
}

/// A record of a request whose members could be parsed.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    pointer: String,
    id: RecordId,
    source: SourceName,
    payload: Map<String, Value>,
}

/// The records of a request, with their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch(Vec<Draft>);

impl SendRecords {
    /// Checks what can be checked without knowing the sources. `key` decides the ids: a repeated request has the same.
    pub fn parse(self, key: &IdempotencyKey, now: Timestamp) -> Result<Batch, Failure> {
        let mut errors = Errors::default();
        let mut drafts = Vec::new();
        for (position, (pointer, record)) in self.into_list()?.into_iter().enumerate() {
            drafts.extend(draft(pointer, record, unique(key, position), now, &mut errors));
        }
        errors.none()?;
        Ok(Batch(drafts))
    }

    /// The records with the pointers to them.
    fn into_list(self) -> Result<Vec<(String, NewRecord)>, Failure> {
        let Self { records, source, recorded_at, payload } = self;
        let Some(records) = records else {
            let required = |name| Failure::field(format!("/{name}"), "is required, unless there is a list of records");
            let source = source.ok_or_else(|| required("source"))?;
            let recorded_at = recorded_at.ok_or_else(|| required("recorded_at"))?;
            let payload = payload.ok_or_else(|| required("payload"))?;
            return Ok(vec![(String::new(), NewRecord { source, recorded_at, payload })]);
        };
        for (name, is_sent) in
            [("source", source.is_some()), ("recorded_at", recorded_at.is_some()), ("payload", payload.is_some())]
        {
            if is_sent {
                return Err(Failure::field(format!("/{name}"), "must be left out beside a list of records"));
            }
        }
        if records.is_empty() || records.len() > MAX_RECORDS {
            return Err(Failure::field("/records", format!("must be 1 to {MAX_RECORDS} records")));
        }
        Ok(records.into_iter().enumerate().map(|(index, one)| (format!("/records/{index}"), one)).collect())
    }
}

/// A record whose members are right; `None` after errors, which are noted.
fn draft(pointer: String, record: NewRecord, unique: u128, now: Timestamp, errors: &mut Errors) -> Option<Draft> {
    let NewRecord { source, recorded_at, payload } = record;
    let source = errors.check(&pointer, "source", SourceName::parse(&source));
    let recorded_at = errors.check(&pointer, "recorded_at", check_time(&recorded_at, now));
    let size = errors.check(&pointer, "payload", check_size(&payload));
    let (source, recorded_at, ()) = (source?, recorded_at?, size?);
    Some(Draft { pointer, id: RecordId::new(recorded_at, unique), source, payload })
}

fn check_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let at = time::parse(text)?;
    // To the millisecond, as the id has it.
    let age_ms = now.as_millisecond() - at.as_millisecond();
    if age_ms < -MAX_AHEAD_S * 1_000 {
        return Err(format!("must be at most {MAX_AHEAD_S} seconds in the future"));
    }
    if age_ms > i64::from(RETENTION_DAYS) * 86_400_000 {
        return Err(format!("must be at most {RETENTION_DAYS} days in the past"));
    }
    Ok(at)
}

fn check_size(payload: &Map<String, Value>) -> Result<(), String> {
    let length = payload_text(payload).map_err(|failure| failure.detail)?.len();
    match length <= MAX_PAYLOAD_BYTES {
        true => Ok(()),
        false => Err(format!("must be at most {MAX_PAYLOAD_BYTES} bytes of JSON, and has {length}")),
    }
}

/// What tells the record at `position` of a request from all others: of the caller, the key and the body, so that another request under a key
/// that has expired has other ids.
fn unique(key: &IdempotencyKey, position: usize) -> u128 {
    let mut hash = Sha256::new();
    for part in [&key.scope, &key.key, &key.fingerprint] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(position.to_be_bytes());
    hash.finalize().iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// Decides whether payloads follow a schema: the errors of a payload, with pointers into it.
pub type Violations<'a> =
    &'a dyn Fn(&SchemaOf, &PayloadSchema, &Map<String, Value>) -> Result<Vec<FieldError>, Failure>;

impl Batch {
    /// The sources of the records, each once.
    pub fn sources(&self) -> Vec<SourceName> {
        self.0.iter().map(|draft| &draft.source).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// The ids, in the order of the records.
    pub fn ids(&self) -> Vec<RecordId> {
        self.0.iter().map(|draft| draft.id).collect()
    }

    /// The records, if each is of one of `sources` that the caller may write to and that is open, and follows its current schema.
    pub fn accept(
        self,
        sources: &[Source],
        (principal, role): (Uuid, &str),
        violations: Violations<'_>,
        now: Timestamp,
    ) -> Result<Vec<Record>, Failure> {
        let find = |name: &SourceName| {
            sources.iter().find(|source| source.name == *name && source.writers.admit(principal, role))
        };
        let named = |is_wrong: &dyn Fn(&Draft) -> bool, detail: &str| -> Errors {
            let wrong = self.0.iter().filter(|draft| is_wrong(draft));
            wrong.fold(Errors::default(), |errors, draft| errors.with(format!("{}/source", draft.pointer), detail))
        };
        let missing =
            named(&|draft| find(&draft.source).is_none(), "is not the name of a source that you may write to");
        missing.none_as(FailureKind::NotFound, "not-found", "There is no such source.")?;
        let is_closed = |draft: &Draft| find(&draft.source).is_some_and(|one| one.status == SourceStatus::Closed);
        let closed = named(&is_closed, "is the name of a source that is closed");
        closed.none_as(FailureKind::Conflict, "source-closed", "The source is closed and takes no more records.")?;
        let mut errors = Errors::default();
        for draft in &self.0 {
            if let Some(source) = find(&draft.source) {
                for error in violations(&source.current_schema(), &source.schema, &draft.payload)? {
                    errors = errors.with(format!("{}/payload{}", draft.pointer, error.pointer), &error.detail);
                }
            }
        }
        errors.none()?;
        let version = |name: &SourceName| find(name).map_or(0, |source| source.schema_version);
        let versions: Vec<u32> = self.0.iter().map(|draft| version(&draft.source)).collect();
        let record = |(draft, schema_version): (Draft, u32)| Record {
            id: draft.id,
            source: draft.source,
            schema_version,
            received_at: now,
            payload: draft.payload,
        };
        Ok(self.0.into_iter().zip(versions).map(record).collect())
    }
}

/// Fails if more records wait to be written than `limit`: `ends` is where partitions of the topic end, as far as the process knows.
pub fn check_backlog(ends: &[Position], written: &[Position], limit: u64) -> Result<(), Failure> {
    let written_to = |partition| written.iter().find(|one| one.partition == partition).map_or(0, |one| one.next_offset);
    let waiting = ends.iter().map(|end| (end.next_offset - written_to(end.partition)).max(0)).sum::<i64>();
    if u64::try_from(waiting).unwrap_or_default() <= limit {
        return Ok(());
    }
    let detail =
        "More records wait to be written than the limit allows; send the request again later, with the same key.";
    Err(Failure {
        retry_after_s: Some(BACKLOG_RETRY_S),
        internal: Some(format!("{waiting} records wait to be written")),
        ..Failure::new(FailureKind::Unavailable, "backlog-full", detail)
    })
}

/// The errors of a request: the first of them, and how many there are.
#[derive(Debug, Default)]
struct Errors {
    named: Vec<FieldError>,
    count: usize,
}

impl Errors {
    fn with(mut self, pointer: String, detail: &str) -> Self {
        self.note(pointer, detail);
        self
    }

    fn note(&mut self, pointer: String, detail: &str) {
        self.count += 1;
        if self.named.len() < MAX_ERRORS {
            self.named.push(FieldError { pointer, detail: detail.to_owned() });
        }
    }

    fn check<T>(&mut self, pointer: &str, member: &str, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|detail| self.note(format!("{pointer}/{member}"), &detail)).ok()
    }

    fn none(self) -> Result<(), Failure> {
        if self.count > MAX_ERRORS {
            let detail = format!("{} fields are invalid; the first {MAX_ERRORS} are named", self.count);
            return Err(Failure { detail, ..Failure::fields(self.named) });
        }
        match self.named.is_empty() {
            true => Ok(()),
            false => Err(Failure::fields(self.named)),
        }
    }

    fn none_as(self, kind: FailureKind, code: &'static str, detail: &str) -> Result<(), Failure> {
        match self.named.is_empty() {
            true => Ok(()),
            false => Err(Failure { fields: self.named, ..Failure::new(kind, code, detail) }),
        }
    }
}

#[cfg(test)]
#[path = "record_batch_tests.rs"]
mod tests;
