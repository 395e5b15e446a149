//! Records: what service clients send in large numbers. The time of a record is in its id.

mod days;

pub use days::*;

use kernel::{Date, Failure, TimeZone, Timestamp, Uuid};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt, str::FromStr};

/// Days for which the database keeps records, and how long ago a record may have been made when it is sent.
pub const RETENTION_DAYS: i32 = 90;

/// Bits of an id below the time.
const TIME_SHIFT: u32 = 80;
const VERSION_7: u128 = 7 << 76;
const VARIANT: u128 = 0b10 << 62;
/// The bits that are neither time, nor version, nor variant.
const UNIQUE: u128 = (0xfff << 64) | ((1 << 62) - 1);

/// Id of a record: a UUIDv7 whose time is that of the record, in milliseconds. Ids are ordered like times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Uuid", into = "Uuid")]
pub struct RecordId(Uuid);

impl RecordId {
    /// The id of a record of this time. `unique` distinguishes it from others of the same millisecond; its bits at the places of version and variant
    /// are not used.
    pub fn new(recorded_at: Timestamp, unique: u128) -> Self {
        Self(Uuid::from_u128(millis(recorded_at) << TIME_SHIFT | VERSION_7 | VARIANT | (unique & UNIQUE)))
    }

    /// An id that no record of an earlier time reaches and none of this time or a later one is below: a bound of a range.
    pub fn least(at: Timestamp) -> Uuid {
        Uuid::from_u128(millis(at) << TIME_SHIFT)
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The time of the record, to the millisecond.
    pub fn recorded_at(self) -> Timestamp {
        let millis = i64::try_from(self.0.as_u128() >> TIME_SHIFT).unwrap_or_default();
        Timestamp::from_millisecond(millis).unwrap_or_default()
    }

    /// The day of the record in UTC, which decides its partition.
    pub fn day(self) -> Date {
        day(self.recorded_at())
    }

    /// The start of the hour of the record.
    pub fn hour(self) -> Timestamp {
        let at = self.recorded_at();
        Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(3_600)).unwrap_or(at)
    }
}

fn millis(at: Timestamp) -> u128 {
    u128::try_from(at.as_millisecond()).unwrap_or_default()
}

/// The day of a time in UTC.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl TryFrom<Uuid> for RecordId {
    type Error = &'static str;

    fn try_from(id: Uuid) -> Result<Self, Self::Error> {
        let at = i64::try_from(id.as_u128() >> TIME_SHIFT).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        match id.get_version_num() == 7 && at.is_some_and(kernel::time::is_accepted) {
            true => Ok(Self(id)),
            false => Err("must be the id of a record: a UUIDv7 of a time between the years 1970 and 9998"),
        }
    }
}

impl From<RecordId> for Uuid {
    fn from(id: RecordId) -> Self {
        id.0
    }
}

impl FromStr for RecordId {
    type Err = Failure;

    /// Text that is not such an id is `NotFound`: no record has it.
    fn from_str(text: &str) -> Result<Self, Failure> {
        let id: Uuid = text.parse().map_err(|_| Failure::not_found("record"))?;
        Self::try_from(id).map_err(|_| Failure::not_found("record"))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for RecordId {
    fn schema_name() -> Cow<'static, str> {
        "RecordId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// Most characters of the name of a source.
const MAX_SOURCE_NAME: usize = 64;

/// The name of a source of records: 1 to 64 characters a–z, 0–9 and `-`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(String);

impl SourceName {
    /// Parses a name; an error is a phrase to follow the name of the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_name = (1..=MAX_SOURCE_NAME).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("must be 1 to {MAX_SOURCE_NAME} characters a-z, 0-9 and -, starting with a letter")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourceName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for SourceName {
    fn schema_name() -> Cow<'static, str> {
        "SourceName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": MAX_SOURCE_NAME })
    }
}

/// A record that was accepted. Also a value of the topic of records, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SerializedRecord", into = "SerializedRecord")]
pub struct Record {
    pub id: RecordId,
    pub source: SourceName,
    /// The version of the schema of the source that accepted it.
    pub schema_version: u32,
    /// When the API accepted it.
    pub received_at: Timestamp,
    pub payload: Map<String, Value>,
}

/// The form of a record on the topic.
#[derive(Clone, Serialize, Deserialize)]
struct SerializedRecord {
    id: RecordId,
    source: SourceName,
    schema_version: u32,
    recorded_at: Timestamp,
    received_at: Timestamp,
    payload: Map<String, Value>,
}

impl TryFrom<SerializedRecord> for Record {
    type Error = &'static str;

    fn try_from(wire: SerializedRecord) -> Result<Self, Self::Error> {
        let SerializedRecord { id, source, schema_version, recorded_at, received_at, payload } = wire;
        if recorded_at.as_millisecond() != id.recorded_at().as_millisecond() {
            return Err("recorded_at must be the time of the id");
        }
        if schema_version == 0 || i32::try_from(schema_version).is_err() {
            return Err("schema_version must be the number of a version");
        }
        if !kernel::time::is_accepted(received_at) {
            return Err("received_at must be between the years 1970 and 9998");
        }
        Ok(Self { id, source, schema_version, received_at, payload })
    }
}

impl From<Record> for SerializedRecord {
    fn from(record: Record) -> Self {
        let Record { id, source, schema_version, received_at, payload } = record;
        Self { recorded_at: id.recorded_at(), id, source, schema_version, received_at, payload }
    }
}

/// The payload as it is stored: JSON without spaces, its members in the order of their names.
pub fn payload_text(payload: &Map<String, Value>) -> Result<String, Failure> {
    serde_json::to_string(payload).map_err(Failure::internal)
}

/// Where the writer is in a partition of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub partition: i32,
    /// The offset of the record that is written next.
    pub next_offset: i64,
}

/// The records of a source in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    pub source: SourceName,
    /// Start of the hour, by the times of the records.
    pub hour: Timestamp,
    pub records: u64,
    /// Bytes of their payloads as [stored](payload_text).
    pub bytes: u64,
}

/// Adds `new` records up by source and hour, ordered by both.
pub fn roll_up<'a>(new: impl IntoIterator<Item = (&'a SourceName, RecordId, usize)>) -> Vec<Rollup> {
    let mut sums = std::collections::BTreeMap::<(&SourceName, Timestamp), (u64, u64)>::new();
    for (source, id, bytes) in new {
        let sum = sums.entry((source, id.hour())).or_default();
        *sum = (sum.0 + 1, sum.1 + u64::try_from(bytes).unwrap_or(u64::MAX));
    }
    let rollup = |((source, hour), (records, bytes)): ((&SourceName, _), _)| Rollup {
        source: source.clone(),
        hour,
        records,
        bytes,
    };
    sums.into_iter().map(rollup).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record(recorded_at: &str) -> Record {
        Record {
            id: RecordId::new(at(recorded_at), 7),
            source: SourceName::parse("greenhouse").unwrap(),
            schema_version: 1,
            received_at: at("2026-11-21T08:45:00Z"),
            payload: Map::from_iter([("temperature".to_owned(), json!(21.5))]),
        }
    }

    #[test]
    fn id_has_the_time_of_its_record_and_is_a_uuid_of_version_7() {
        let id = RecordId::new(at("2026-11-21T08:45:00.123456Z"), u128::MAX);
        assert_eq!(id.recorded_at(), at("2026-11-21T08:45:00.123Z"));
        assert_eq!((id.uuid().get_version_num(), id.uuid().get_variant() as u8), (7, 1));
        assert_eq!((id.day().to_string().as_str(), id.hour()), ("2026-11-21", at("2026-11-21T08:00:00Z")));
        assert_eq!(RecordId::try_from(id.uuid()), Ok(id));
        assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
    }

    #[test]
    fn ids_are_ordered_like_times_and_bounds_lie_between_them() {
        let (first, second) = (at("2026-11-21T08:45:00.122Z"), at("2026-11-21T08:45:00.123Z"));
        assert!(RecordId::new(first, u128::MAX) < RecordId::new(second, 0));
        let bound = RecordId::least(second);
        assert!(RecordId::new(first, u128::MAX).uuid() < bound && bound < RecordId::new(second, 0).uuid());
    }

    #[test]
    fn other_ids_are_no_records() {
        for id in ["", "x", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "ffffffff-ffff-7fff-bfff-ffffffffffff"] {
            assert_eq!(id.parse::<RecordId>().unwrap_err().code, "not-found", "{id}");
        }
    }

    #[test]
    fn record_is_read_as_it_was_written() {
        let record = record("2026-11-21T08:44:00Z");
        let value = serde_json::to_value(&record).unwrap();
        assert_eq!(value["recorded_at"], json!("2026-11-21T08:44:00Z"));
        assert_eq!(serde_json::from_value::<Record>(value).unwrap(), record);
    }

    #[test]
    fn record_whose_members_contradict_each_other_cannot_be_read() {
        let good = serde_json::to_value(record("2026-11-21T08:44:00Z")).unwrap();
        for (member, value, expected) in [
            ("recorded_at", json!("2026-11-21T08:44:00.001Z"), "recorded_at must be the time of the id"),
            ("schema_version", json!(0), "schema_version must be"),
            ("schema_version", json!(4_000_000_000_u32), "schema_version must be"),
            ("received_at", json!("-000001-01-01T00:00:00Z"), "received_at must be"),
            ("source", json!("Green house"), "must be 1 to 64 characters"),
            ("id", json!("f47ac10b-58cc-4372-a567-0e02b2c3d479"), "must be the id of a record"),
            ("payload", json!([]), "expected a map"),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            let error = serde_json::from_value::<Record>(bad).unwrap_err().to_string();
            assert!(error.contains(expected), "{member}: {error}");
        }
    }

    #[test]
    fn names_of_sources_are_short_and_plain() {
        let long = "a".repeat(65);
        for name in ["", "1a", "-a", "a_b", "A", "ä", "a b", &long] {
            assert!(SourceName::parse(name).is_err(), "{name}");
        }
        assert!(["a", "a-1", &long[1..]].iter().all(|name| SourceName::parse(name).is_ok()));
    }

    #[test]
    fn records_are_added_up_by_source_and_hour() {
        let (a, b) = (SourceName::parse("a").unwrap(), SourceName::parse("b").unwrap());
        let id = |text: &str| RecordId::new(at(text), 1);
        let new = [
            (&b, id("2026-11-21T08:59:59.999Z"), 10),
            (&a, id("2026-11-21T09:00:00Z"), 1),
            (&a, id("2026-11-21T08:00:00Z"), 2),
            (&a, id("2026-11-21T08:30:00Z"), 3),
        ];
        let sums = roll_up(new).into_iter().map(|one| (one.source.to_string(), one.hour, one.records, one.bytes));
        let (eight, nine) = (at("2026-11-21T08:00:00Z"), at("2026-11-21T09:00:00Z"));
        let expected = [("a".to_owned(), eight, 2, 5), ("a".to_owned(), nine, 1, 1), ("b".to_owned(), eight, 1, 10)];
        assert_eq!(sums.collect::<Vec<_>>(), expected);
    }
}
