//! The days of records: made ahead, kept for the retention, and archived in files.

use super::{RETENTION_DAYS, Record, day, payload_text};
use kernel::{Date, Failure, Timestamp, seconds_after};

/// Days beyond the retention until a day is archived: the retention of the topic, in which a record may wait to be written, plus one.
const DELAY_DAYS: i32 = 8;

/// Days ahead of the time of a record: clocks differ by minutes, so that its day is today or tomorrow.
const DAYS_AHEAD: i32 = 1;

/// Which days need a partition, and which are to be archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionPlan {
    pub today: Date,
    /// The last day whose partition is made ahead.
    pub create_until: Date,
    /// The first day that stays in the database. Earlier ones are archived.
    pub archive_before: Date,
}

/// The plan at a time.
pub fn partition_plan(now: Timestamp) -> Result<PartitionPlan, Failure> {
    let in_days = |days: i32| Ok::<_, Failure>(day(seconds_after(now, i64::from(days) * 86_400)?));
    Ok(PartitionPlan {
        today: day(now),
        create_until: in_days(DAYS_AHEAD + 1)?,
        archive_before: in_days(-RETENTION_DAYS - DELAY_DAYS)?,
    })
}

/// Checks that the day of a record can have a partition `now`. The API accepts nothing else; this bounds what another producer can cause.
pub fn check_day(record: &Record, now: Timestamp) -> Result<(), Failure> {
    let PartitionPlan { create_until, archive_before, .. } = partition_plan(now)?;
    let detail = match record.id.day() {
        day if day < archive_before => "is of a day that is archived",
        day if day > create_until => "is days in the future",
        _ => return Ok(()),
    };
    Err(Failure::field("/recorded_at", detail))
}

/// Records of a file of the archive, at most.
const PART_RECORDS: usize = 100_000;
/// Bytes of payload in a file of the archive, at most: what a function holds in memory several times.
const PART_BYTES: usize = 32 << 20;

/// A file of the archive that is being filled.
#[derive(Debug, Default)]
pub struct ArchivePart {
    records: Vec<Record>,
    bytes: usize,
}

impl ArchivePart {
    /// Adds records that follow.
    pub fn extend(&mut self, records: Vec<Record>) -> Result<(), Failure> {
        for record in &records {
            self.bytes += payload_text(&record.payload)?.len();
        }
        self.records.extend(records);
        Ok(())
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether it has as much as a file should have.
    pub fn is_full(&self) -> bool {
        self.records.len() >= PART_RECORDS || self.bytes >= PART_BYTES
    }
}

/// Key of a file of the archive. Queries find the files of a day by its directory.
pub fn part_key(day: Date, part: u32) -> String {
    format!("records/day={day}/part-{part:06}.parquet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RecordId, SourceName};
    use serde_json::Map;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record(recorded_at: &str) -> Record {
        Record {
            id: RecordId::new(at(recorded_at), 7),
            source: SourceName::parse("greenhouse").unwrap(),
            schema_version: 1,
            received_at: at("2026-11-21T08:45:00Z"),
            payload: Map::new(),
        }
    }

    #[test]
    fn day_is_archived_after_the_retention_and_the_delay() {
        let now = at("2026-11-21T08:45:00Z");
        let plan = partition_plan(now).unwrap();
        assert_eq!(
            (plan.create_until.to_string(), plan.archive_before.to_string()),
            ("2026-11-23".into(), "2026-08-15".into())
        );
        for (time, is_writable) in [
            ("2026-08-14T23:59:59Z", false),
            ("2026-08-15T00:00:00Z", true),
            ("2026-11-23T23:59:59Z", true),
            ("2026-11-24T00:00:00Z", false),
        ] {
            assert_eq!(check_day(&record(time), now).is_ok(), is_writable, "{time}");
        }
    }
}
