//! Goodput of order-place under overload, and its responses during faults of the database.

use super::{
    fixtures::message,
    load::{Fault, LoadGenerator, Response},
};
use crate::{
    environment::Stage,
    figures::{percentile, ratio},
    process::Process,
    scenarios,
};
use std::{fmt::Write as _, path::Path, time::Duration};
use tokio::runtime::Runtime;
use xtask::Result;

/// The reserved concurrency that the load generator simulates.
pub const CONCURRENCY: usize = 4;
/// The overload as a multiple of the peak.
pub const OVERLOAD_FACTOR: u32 = 5;
/// Duration of one load.
const DURATION: Duration = Duration::from_secs(2);
/// Rounds, each of which measures the peak and then the overload.
pub const ROUNDS: u64 = 7;
/// Seconds of load around a fault of the database.
const FAULT_LOAD_SECONDS: u64 = 13;
/// When the fault begins and ends.
const FAULT_WINDOW: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];
/// The connection limit of the database during that fault.
const CONNECTION_LIMIT: u32 = 2;

/// Returns the tables in Markdown.
pub fn tables(root: &Path, directory: &Path, stage: &Stage<'_>, runtime: &Runtime) -> Result<String> {
    let row = catalog::ORDER_PLACE;
    let start = || Process::start(&directory.join(row.name), row.memory_mb, &stage.variables(row));
    let processes = (0..CONCURRENCY).map(|_| start()).collect::<Result<_>>()?;
    let event = scenarios::with_new_keys(scenarios::sample(root, row)?);
    let mut generator = LoadGenerator { processes, event: &event };
    eprintln!("bench: peak and overload in alternation");
    // Warm-up: opens connections and fills caches.
    generator.closed_loop(Duration::from_secs(1))?;
    let (mut closed, mut open, mut peaks, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = generator.closed_loop(DURATION)?;
        let peak = goodput(&before).max(1);
        let during = generator.open_loop(OVERLOAD_FACTOR * u32::try_from(peak).map_err(message)?, DURATION, None)?;
        peaks.push(peak);
        ratios.push(1_000 * goodput(&during) / peak);
        closed.extend(before);
        open.extend(during);
    }
    let mut text = String::from(
        "| load | offered/s | 201/s | 429/s | others | 201 p50 ms | 201 p99 ms |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, responses) in [("closed loop", &closed), ("overload", &open)] {
        writeln!(text, "| {name} | {} |", load_cells(responses).join(" | ")).unwrap_or_default();
    }
    let quantile = |percent| ratio(percentile(&ratios, percent), 1_000);
    writeln!(text, "\nGoodput under overload ÷ peak: **{}** ({} to {}).", quantile(50), quantile(1), quantile(100))
        .unwrap_or_default();
    let peak = u32::try_from(percentile(&peaks, 50)).map_err(message)?;
    let offered = (peak / 2).max(1);
    for (title, kind) in [
        ("The table `orders` is locked", FaultKind::TableLock),
        ("The database terminates all connections and then accepts two", FaultKind::ConnectionLimit),
    ] {
        eprintln!("bench: {title}");
        let responses = with_fault(&mut generator, offered, stage, runtime, kind)?;
        writeln!(
            text,
            "\n{title} from second 2 to second 8. The load is {offered} requests per second.\n\n{}",
            by_second(&responses)
        )
        .unwrap_or_default();
    }
    Ok(text)
}

#[derive(Clone, Copy)]
enum FaultKind {
    TableLock,
    ConnectionLimit,
}

fn with_fault(
    generator: &mut LoadGenerator<'_>,
    rate: u32,
    stage: &Stage<'_>,
    runtime: &Runtime,
    kind: FaultKind,
) -> Result<Vec<Response>> {
    let database = stage.database;
    let name = &database.name;
    let owner = runtime.block_on(async {
        match kind {
            FaultKind::TableLock => database.connect_as_owner().await,
            // This fault terminates every connection to the database itself.
            FaultKind::ConnectionLimit => database.connect_to_maintenance_database().await,
        }
    })?;
    let set = |active: bool| {
        let sql = match (kind, active) {
            (FaultKind::TableLock, true) => "BEGIN; LOCK TABLE orders.orders IN ACCESS EXCLUSIVE MODE".to_owned(),
            (FaultKind::TableLock, false) => "COMMIT".to_owned(),
            (FaultKind::ConnectionLimit, true) => format!(
                "ALTER DATABASE {name} CONNECTION LIMIT {CONNECTION_LIMIT};
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
            (FaultKind::ConnectionLimit, false) => format!("ALTER DATABASE {name} CONNECTION LIMIT -1"),
        };
        runtime.block_on(owner.batch_execute(&sql)).map_err(message)
    };
    generator.open_loop(rate, Duration::from_secs(FAULT_LOAD_SECONDS), Some(&Fault { window: FAULT_WINDOW, set: &set }))
}

fn count(responses: &[Response], condition: impl Fn(&Response) -> bool) -> u64 {
    responses.iter().map(|response| u64::from(condition(response))).sum()
}

/// Orders per second of one load.
fn goodput(responses: &[Response]) -> u64 {
    count(responses, |response| response.status == 201) / DURATION.as_secs().max(1)
}

/// Returns the cells of one load, over all rounds.
fn load_cells(responses: &[Response]) -> [String; 6] {
    let took: Vec<_> =
        responses.iter().filter(|response| response.status == 201).map(|response| response.took_us).collect();
    let per_second = |condition: &dyn Fn(&Response) -> bool| {
        (count(responses, condition) / (ROUNDS * DURATION.as_secs())).to_string()
    };
    [
        per_second(&|_| true),
        per_second(&|response| response.status == 201),
        per_second(&|response| response.status == 429),
        count(responses, |response| ![201, 429].contains(&response.status)).to_string(),
        ratio(percentile(&took, 50), 1_000),
        ratio(percentile(&took, 99), 1_000),
    ]
}

/// Returns a table of the responses in each second. Responses after the end of the load count for the last second.
fn by_second(responses: &[Response]) -> String {
    let mut text = String::from("| second | 201 | 503 with Retry-After | 429 | others |\n|--:|--:|--:|--:|--:|\n");
    for second in 0..FAULT_LOAD_SECONDS {
        let is_in_second = |response: &Response| response.at.as_secs().min(FAULT_LOAD_SECONDS - 1) == second;
        let is_retryable = |response: &Response| response.status == 503 && response.has_retry_after;
        let cells = [
            count(responses, |response| is_in_second(response) && response.status == 201),
            count(responses, |response| is_in_second(response) && is_retryable(response)),
            count(responses, |response| is_in_second(response) && response.status == 429),
            count(responses, |response| {
                is_in_second(response) && !is_retryable(response) && ![201, 429].contains(&response.status)
            }),
        ];
        writeln!(text, "| {second} | {} |", cells.map(|cell| cell.to_string()).join(" | ")).unwrap_or_default();
    }
    text
}
