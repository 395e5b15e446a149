//! `scripts/bench records --conservation N`: N records through Kafka while the function is killed again and again in the middle of batches.
//! Every record must be in the table once, and counted once.

use super::{
    rows,
    tables::{BATCH, Tables},
    writers::{self, Writers},
};
use crate::{environment::Stage, orders::message};
use serde_json::Value;
use std::{process::Command, time::Duration};
use tokio::runtime::Runtime;
use xtask::Result;

/// Of so many batches, one is killed.
const KILL_EVERY: u64 = 4;
/// The longest time after which a batch is killed: a batch takes about as long.
const LATEST_MS: u64 = 120;

const WRONG_SUMS: &str = "
    WITH real AS (
        SELECT source, to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 3600000 * 3600) AS hour,
            count(*) AS records, sum(octet_length(payload)) AS bytes
        FROM records.records GROUP BY 1, 2
    )
    SELECT count(*) FROM real FULL JOIN records.rollups AS sum USING (source, hour)
    WHERE real.records IS DISTINCT FROM sum.records OR real.bytes IS DISTINCT FROM sum.bytes";

/// Writes `count` records with kills, and returns what was found; an error if a record or a count is lost or doubled.
pub fn survive(runtime: &Runtime, broker: &str, tables: &Tables, stage: &Stage<'_>, count: u64) -> Result<String> {
    runtime.block_on(tables.open_days(count))?;
    let (partition, first) = runtime.block_on(writers::produce(broker, 0, count))?;
    let (mut next, end) = (first, first + i64::try_from(count).map_err(message)?);
    let (mut writer, mut batches, mut kills) = (Writers::start(stage)?, 0, 0);
    while next < end {
        let fetched = runtime.block_on(partition.fetch_records(next, 1..1_000_000, 500)).map_err(message)?.0;
        for records in fetched.chunks(usize::try_from(BATCH).map_err(message)?) {
            let values: Vec<Vec<u8>> = records.iter().filter_map(|one| one.record.value.clone()).collect();
            let event = writer.event_at(next, &values);
            loop {
                batches += 1;
                let killer =
                    (rows::mix(batches).is_multiple_of(KILL_EVERY)).then(|| kill_later(writer.process.id(), batches));
                let written = writer.process.call(&event, Value::is_null);
                let is_killed = killer.is_some_and(|killer| killer.join().unwrap_or_default());
                if is_killed {
                    kills += 1;
                    writer = Writers::start(stage)?;
                }
                match written {
                    Ok(_) => break,
                    // As Lambda does: the batch is delivered again.
                    Err(_) if is_killed => {}
                    Err(error) => return Err(error),
                }
            }
            next += i64::try_from(records.len()).map_err(message)?;
        }
    }
    let number = |sql: &'static str| {
        let read = async { tables.owner.query_one(sql, &[]).await.map(|row| row.get::<_, i64>(0)) };
        runtime.block_on(read).map_err(message)
    };
    let (found, wrong) = (number("SELECT count(*) FROM records.records")?, number(WRONG_SUMS)?);
    let position = number("SELECT next_offset FROM records.positions WHERE partition = 0")?;
    if u64::try_from(found) != Ok(count) || wrong != 0 || position != end {
        return Err(format!("{found} of {count} records, {wrong} wrong sums, position {position} instead of {end}"));
    }
    Ok(format!(
        "{count} records in {batches} deliveries, of which {kills} were killed in the middle or right after: each is there once, all sums of hours and the \
         position are right"
    ))
}

/// Kills a process after a while; whether there was one to kill.
fn kill_later(process: u32, number: u64) -> std::thread::JoinHandle<bool> {
    std::thread::spawn(move || {
        let wait = Duration::from_millis(rows::mix(number + 1) % LATEST_MS);
        std::thread::park_timeout(wait);
        Command::new("kill").args(["-9", &process.to_string()]).status().is_ok_and(|status| status.success())
    })
}
