//! Makes the partitions of the next days, and moves days that are past their retention to the archive: closed, copied in files, dropped.
//!
//! Each step can be repeated, and the next run continues after the last one that is recorded: a crash between any two loses nothing. Days are
//! archived in their order, so that what is archived is older than what is not.

use domain::record::{self, ArchivePart};
use edge::{schedule::Tick, telemetry::metrics};
use kernel::{Date, Failure};
use ports::{ArchivedPart, RecordArchive, RecordDays};
use serde::Serialize;
use std::time::Duration;

/// Stop this long before the deadline: a page and a file take seconds, and the duration of a run with much to do is no
/// alarm.
const TIME_RESERVE: Duration = Duration::from_secs(150);
/// Records of a page: with the largest payloads, what a function can hold.
const PAGE: u32 = 2_000;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Days that have a partition, from today on.
    pub ahead: usize,
    /// Files that were written.
    pub files: u32,
    /// Records in them.
    pub records: u64,
    /// Days that were dropped.
    pub dropped: u32,
    /// Days past their retention that are left for the next run.
    pub behind: usize,
}

/// Opens and archives days.
pub async fn handle(days: &impl RecordDays, archive: &impl RecordArchive, tick: Tick) -> Result<Summary, Failure> {
    let plan = record::partition_plan(tick.now)?;
    let mut summary = Summary::default();
    let mut next = plan.today;
    while next <= plan.create_until {
        days.open(next).await?;
        summary.ahead += 1;
        next = next.tomorrow().map_err(Failure::internal)?;
    }
    let due: Vec<Date> = days.stored().await?.into_iter().filter(|day| *day < plan.archive_before).collect();
    metrics::value("RecordDaysDue", metrics::Unit::Count, due.len() as u64);
    for (index, day) in due.iter().enumerate() {
        days.close(*day).await?;
        if !copy(days, archive, *day, &tick, &mut summary).await? {
            summary.behind = due.len() - index;
            break;
        }
        days.retire(*day).await?;
        summary.dropped += 1;
    }
    Ok(summary)
}

/// Copies the records of a day that are not in the archive yet; `false` if the time was over before.
async fn copy(
    days: &impl RecordDays,
    archive: &impl RecordArchive,
    day: Date,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<bool, Failure> {
    let mut last = days.last_part(day).await?;
    while !tick.has_less_than(TIME_RESERVE) {
        let (part, after) = last.as_ref().map_or((1, None), |last| (last.part + 1, Some(last.last)));
        let mut file = ArchivePart::default();
        while !file.is_full() {
            let after = file.records().last().map(|record| record.id).or(after);
            let page = days.page(day, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            file.extend(page)?;
            if is_last {
                break;
            }
        }
        let (Some(first), Some(end)) = (file.records().first(), file.records().last()) else { return Ok(true) };
        let key = record::part_key(day, part);
        let bytes = archive.put(&key, file.records()).await?;
        let records = file.records().len() as u64;
        let written = ArchivedPart { day, part, key, first: first.id, last: end.id, records, bytes };
        days.add_part(&written).await?;
        summary.files += 1;
        summary.records += records;
        last = Some(written);
    }
    Ok(false)
}
