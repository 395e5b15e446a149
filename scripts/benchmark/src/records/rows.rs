//! The rows of the benchmark: each follows from its number, so that reads know which exist.

use domain::record::{Record, RecordId, SourceName};
use kernel::{Timestamp, Uuid};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use xtask::Result;

/// Records of a day, and so of a partition.
pub const ROWS_A_DAY: u64 = 1_000_000;
const SOURCES: u64 = 100;
/// Bytes of a payload as it is stored.
pub const PAYLOAD_BYTES: usize = 200;
const DAY_MS: u64 = 86_400_000;

/// The start of the first day: so long ago that the retention still has it, with room for eighty days until today.
static FIRST_MS: LazyLock<u64> = LazyLock::new(|| {
    let today = Timestamp::now().as_millisecond().unsigned_abs() / DAY_MS;
    (today - 80) * DAY_MS
});

/// When the row of this number was recorded.
pub fn recorded_at(number: u64) -> Result<Timestamp> {
    let millis = *FIRST_MS + number / ROWS_A_DAY * DAY_MS + number % ROWS_A_DAY * DAY_MS / ROWS_A_DAY;
    Timestamp::from_millisecond(i64::try_from(millis).map_err(crate::orders::message)?).map_err(crate::orders::message)
}

/// SplitMix64, for bits that look random and follow from a number.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Id of the row of this number in the table of records.
pub fn id(number: u64) -> Result<RecordId> {
    let unique = u128::from(mix(number)) << 64 | u128::from(mix(!number));
    Ok(RecordId::new(recorded_at(number)?, unique))
}

/// Id of the same row in the plain table: a UUIDv4.
pub fn plain_id(number: u64) -> Uuid {
    let random = u128::from(mix(number)) << 64 | u128::from(mix(!number));
    Uuid::from_u128(random & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62)
}

/// Name of the source of the row of this number.
pub fn source(number: u64) -> String {
    format!("source-{}", number % SOURCES)
}

fn payload(number: u64) -> Map<String, Value> {
    let mut members = Map::from_iter([
        ("reading".to_owned(), json!(mix(number) % 100_000)),
        ("sensor".to_owned(), json!(format!("sensor-{}", number % 10_000))),
        ("text".to_owned(), json!("")),
    ]);
    let length = serde_json::to_string(&members).map_or(0, |text| text.len());
    // Hexadecimal digits: a payload that does not compress to nothing.
    let filling: String = (0..16).map(|part| format!("{:016x}", mix(number ^ part << 50))).collect();
    let filling = filling.get(..PAYLOAD_BYTES.saturating_sub(length)).unwrap_or_default();
    members.insert("text".to_owned(), json!(filling));
    members
}

/// The row of this number as a record.
pub fn record(number: u64) -> Result<Record> {
    let recorded_at = recorded_at(number)?;
    Ok(Record {
        id: id(number)?,
        source: SourceName::parse(&source(number))?,
        schema_version: 1,
        received_at: recorded_at,
        payload: payload(number),
    })
}

/// The payload of the row of this number as it is stored.
pub fn payload_text(number: u64) -> Result<String> {
    serde_json::to_string(&payload(number)).map_err(crate::orders::message)
}
