//! `scripts/bench outbox`: how fast `outbox-sweep` drains a backlog and deletes what is past its retention, by the size of the table.
//!
//! The function runs in processes of its own over the Lambda Runtime API; the bus is a stand-in that responds after a delay.

use crate::{cloud, database::Database, environment::Stage, figures, orders::message, process::Process, scenarios};
use clap::Args;
use serde_json::Value;
use std::{fmt::Write as _, path::Path, time::Duration};
use tokio::runtime;
use tokio_postgres::Client;
use xtask::Result;

/// Time that the function leaves for deleting, before its deadline.
const FOR_DELETING: Duration = Duration::from_secs(140);
/// Events of one round.
const ROUND: u64 = 250;

/// Measures the sweep of the outbox by the size of the backlog.
#[derive(Args)]
pub struct Arguments {
    /// Numbers of pending events.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 5_000_000])]
    backlogs: Vec<u64>,
    /// Numbers of concurrent sweepers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3])]
    sweepers: Vec<usize>,
    /// Seconds for which each sweeper publishes.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Milliseconds after which the bus responds.
    #[arg(long, default_value_t = 20)]
    bus_ms: u64,
    /// Drain the last backlog to its end.
    #[arg(long)]
    drain: bool,
    /// Measure development builds.
    #[arg(long)]
    pub dev: bool,
}

/// What one measurement found.
struct Drained {
    sent: u64,
    took: Duration,
    /// Blocks of the table and its indexes that were read or found in the cache.
    blocks: i64,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let database = Database::create()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(message)?;
    let owner = runtime.block_on(async {
        database.migrate().await?;
        database.connect_as_owner().await
    })?;
    let stage = Stage { cloud: cloud::start_with_bus(Duration::from_millis(arguments.bus_ms))?, database: &database };
    let directory = std::env::current_exe().map_err(message)?;
    let directory = directory.parent().ok_or("this binary has no parent directory")?;
    let event = an_event(&root)?;
    let mut table = String::from(
        "| pending events | sweepers | events/s | ms a round of 250 | blocks an event |\n|--:|--:|--:|--:|--:|\n",
    );
    for &backlog in &arguments.backlogs {
        for &sweepers in &arguments.sweepers {
            eprintln!("bench: {backlog} pending events, {sweepers} sweepers");
            runtime.block_on(fill(&owner, &event, backlog))?;
            let before = runtime.block_on(blocks(&owner))?;
            let mut drained = sweep(directory, &stage, &root, sweepers, Duration::from_secs(arguments.seconds))?;
            drained.blocks = runtime.block_on(blocks(&owner))? - before;
            row(&mut table, backlog, sweepers, &drained);
        }
    }
    println!("{table}");
    let sweepers = arguments.sweepers.iter().copied().max().unwrap_or(1);
    if arguments.drain {
        println!("{}", drain(directory, &stage, &root, sweepers, &runtime, &owner)?);
    }
    println!("{}", delete(directory, &stage, &root, &event, &runtime, &owner)?);
    println!("{}", figures::machine(&root));
    Ok(())
}

fn row(table: &mut String, backlog: u64, sweepers: usize, Drained { sent, took, blocks }: &Drained) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let rate = sent * 1_000_000 / micros;
    let round_ms = micros * ROUND * sweepers as u64 / 1_000 / (*sent).max(1);
    let blocks = blocks / i64::try_from(*sent).unwrap_or(i64::MAX).max(1);
    writeln!(table, "| {backlog} | {sweepers} | {rate} | {round_ms} | {blocks} |").unwrap_or_default();
}

/// An event of orders, from a sample.
fn an_event(root: &Path) -> Result<Value> {
    let sample = scenarios::sample(root, catalog::STOCK_RELEASE)?;
    let body = sample["Records"][0]["body"].as_str().ok_or("a sample without a body")?;
    let body: Value = serde_json::from_str(body).map_err(message)?;
    Ok(body["detail"].clone())
}

/// Makes `count` copies of `event` pending, the oldest a week old, and nothing else.
async fn fill(owner: &Client, event: &Value, count: u64) -> Result<()> {
    let statements = format!(
        "TRUNCATE orders.outbox;
        INSERT INTO orders.outbox (id, created_at, event)
        SELECT id, at, event || jsonb_build_object('id', id, 'time', at) FROM (
            SELECT gen_random_uuid() AS id, now() - interval '7 days' + n * interval '50 milliseconds' AS at, '{event}'::jsonb AS event
            FROM generate_series(1, {count}) AS n
        ) AS made"
    );
    owner.batch_execute(&statements).await.map_err(message)?;
    owner.batch_execute("VACUUM (ANALYZE) orders.outbox").await.map_err(message)?;
    owner.batch_execute("CHECKPOINT").await.map_err(message)
}

/// Blocks of the outbox that have been accessed by connections that ended.
async fn blocks(owner: &Client) -> Result<i64> {
    let accessed = "SELECT (heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint
        FROM pg_statio_user_tables WHERE schemaname = 'orders' AND relname = 'outbox'";
    let client_backends = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'operations'";
    while owner.query_one(client_backends, &[]).await.map_err(message)?.get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(owner.query_one(accessed, &[]).await.map_err(message)?.get(0))
}

/// Runs as many sweepers at once, each of which publishes for so long.
fn sweep(directory: &Path, stage: &Stage<'_>, root: &Path, sweepers: usize, publishing: Duration) -> Result<Drained> {
    let event = scenarios::sample(root, catalog::OUTBOX_SWEEP)?;
    let mut processes = (0..sweepers).map(|_| start(directory, stage)).collect::<Result<Vec<_>>>()?;
    processes.iter_mut().for_each(|process| process.allow(publishing + FOR_DELETING));
    let calls: Vec<Result<(u64, Value)>> = std::thread::scope(|scope| {
        let calls: Vec<_> = processes.iter_mut().map(|process| scope.spawn(|| process.invoke(&event))).collect();
        calls.into_iter().map(|call| call.join().map_err(|_| "a sweeper panicked".to_owned())?).collect()
    });
    let (mut sent, mut took_us) = (0, 0);
    for call in calls {
        let (us, summary) = call?;
        sent += summary["sent"].as_u64().ok_or_else(|| format!("unexpected response: {summary}"))?;
        took_us = took_us.max(us);
    }
    Ok(Drained { sent, took: Duration::from_micros(took_us), blocks: 0 })
}

fn start(directory: &Path, stage: &Stage<'_>) -> Result<Process> {
    let row = catalog::OUTBOX_SWEEP;
    Process::start(&directory.join(row.name), row.memory_mb, &stage.variables(row))
}

/// Repeats runs of the deployed length until nothing is pending.
fn drain(
    directory: &Path,
    stage: &Stage<'_>,
    root: &Path,
    sweepers: usize,
    runtime: &runtime::Runtime,
    owner: &Client,
) -> Result<String> {
    let pending = "SELECT count(*) FROM orders.outbox WHERE published_at IS NULL";
    let (mut total, mut took, mut slowest) = (0, Duration::ZERO, u64::MAX);
    while runtime.block_on(owner.query_one(pending, &[])).map_err(message)?.get::<_, i64>(0) > 0 {
        let drained = sweep(directory, stage, root, sweepers, Duration::from_secs(100))?;
        total += drained.sent;
        took += drained.took;
        let rate = drained.sent * 1_000 / u64::try_from(drained.took.as_millis()).map_err(message)?.max(1);
        eprintln!("bench: {total} drained, {rate} events/s");
        if drained.sent > 100_000 {
            slowest = slowest.min(rate);
        }
    }
    let rate = total * 1_000 / u64::try_from(took.as_millis()).map_err(message)?.max(1);
    Ok(format!(
        "Drained to the end: {total} events by {sweepers} sweepers in {} s, {rate} events/s; {slowest} in the slowest run of 100 s.",
        took.as_secs()
    ))
}

/// Deletes events and claims that are past their retention.
fn delete(
    directory: &Path,
    stage: &Stage<'_>,
    root: &Path,
    event: &Value,
    runtime: &runtime::Runtime,
    owner: &Client,
) -> Result<String> {
    let old = "UPDATE orders.outbox SET published_at = now() - interval '8 days';
        INSERT INTO orders.inbox SELECT 'bench', gen_random_uuid(), now() - interval '16 days' FROM generate_series(1, 1000000)";
    eprintln!("bench: preparing rows past their retention");
    runtime.block_on(fill(owner, event, 1_000_000))?;
    runtime.block_on(owner.batch_execute(old)).map_err(message)?;
    runtime.block_on(owner.batch_execute("VACUUM (ANALYZE) orders.outbox, orders.inbox")).map_err(message)?;
    let mut process = start(directory, stage)?;
    process.allow(FOR_DELETING);
    let (took_us, summary) = process.invoke(&scenarios::sample(root, catalog::OUTBOX_SWEEP)?)?;
    let deleted = summary["deleted"].as_u64().ok_or_else(|| format!("unexpected response: {summary}"))?;
    let rate = deleted * 1_000_000 / took_us.max(1);
    Ok(format!("Deleted: {deleted} rows in {} s by one run, {rate} rows/s.", took_us / 1_000_000))
}
