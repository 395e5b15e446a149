//! Committed orders per second: the store's single call compared with the baseline's transaction, in alternation.

use super::{
    baseline::{Baseline, RoundTrips},
    fixtures::{InProcessBus, message},
    sample::{new_products, sample},
};
use crate::{
    database::Database,
    figures::{percentile, ratio},
};
use adapters_postgres::PgOrders;
use adapters_testkit::proxy::CountingProxy;
use catalog::Context;
use kernel::IdempotencyOutcome;
use ports::{OrderStore as _, PlacementConditions};
use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use tokio_postgres::Client;
use xtask::Result;

/// How long one variant runs before the next.
pub const SLICE: Duration = Duration::from_millis(400);
/// Counted slices of each variant. One slice before them is warm-up, which opens connections and makes query plans.
pub const SLICES: usize = 15;
/// Simulated latency, in each direction, between a function and its database.
const LATENCY: Duration = Duration::from_micros(500);
/// Samples for the time of a round trip.
const PINGS: usize = 200;

#[derive(Clone, Copy)]
enum Variant {
    /// `PgOrders::place`.
    Quayside,
    Baseline(RoundTrips),
    SingleRow,
}

const VARIANTS: [Variant; 4] =
    [Variant::Quayside, Variant::Baseline(RoundTrips::Five), Variant::Baseline(RoundTrips::Seven), Variant::SingleRow];

/// Runs any variant. The store with a bus that accepts events, the store with one that rejects them and the baseline each have their
/// own connection.
struct Worker {
    accepting: PgOrders<InProcessBus>,
    rejecting: PgOrders<InProcessBus>,
    baseline: Mutex<Baseline>,
}

impl Worker {
    async fn new(database: &Database, port: u16) -> Result<Arc<Self>> {
        let store = |bus| PgOrders::new(database.for_store(Context::Orders, port), bus);
        let baseline = Mutex::new(Baseline::connect(database, port).await?);
        let (accepting, rejecting) = (store(InProcessBus::accepting(|_| {})), store(InProcessBus::rejecting(|_| {})));
        Ok(Arc::new(Self { accepting, rejecting, baseline }))
    }

    /// Places orders until `end` and returns how many.
    async fn run(&self, variant: Variant, marks_published: bool, end: Instant) -> Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            let sample = sample(new_products()).map_err(message)?;
            let (order, key, reply, event) = (&sample.order, &sample.key, &sample.reply, &sample.event);
            let outcome = match variant {
                Variant::Quayside if marks_published => self
                    .accepting
                    .place(order, key, reply, event, &PlacementConditions::default())
                    .await
                    .map_err(message)?,
                Variant::Quayside => self
                    .rejecting
                    .place(order, key, reply, event, &PlacementConditions::default())
                    .await
                    .map_err(message)?,
                Variant::Baseline(round_trips) => {
                    self.baseline.lock().await.place(round_trips, &sample, marks_published).await?;
                    IdempotencyOutcome::Committed
                }
                Variant::SingleRow => {
                    self.baseline.lock().await.insert_single_row(&sample).await?;
                    IdempotencyOutcome::Committed
                }
            };
            if outcome != IdempotencyOutcome::Committed {
                return Err("a new idempotency key was already stored".into());
            }
            count += 1;
        }
        Ok(count)
    }
}

/// Returns the table in Markdown, with the data directory on disk and in memory.
pub async fn table(database: &Database, memory: &Database) -> Result<String> {
    let delayed = CountingProxy::start(database.port()?, LATENCY).map_err(message)?;
    let memory_delayed = CountingProxy::start(memory.port()?, LATENCY).map_err(message)?;
    let setups = [
        ("on this machine", database, database.port()?),
        ("behind a network", database, delayed.port),
        ("on this machine, in memory", memory, memory.port()?),
        ("behind a network, in memory", memory, memory_delayed.port),
    ];
    let mut text = String::from(
        "| database | connections | marked published | Quayside orders/s | baseline, 5 round trips | baseline, 7 round trips \
         | single row | Quayside ÷ 5 round trips | Quayside ÷ 7 round trips | single row ÷ 7 round trips | commits per WAL sync |\n\
         |---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (setup, database, port) in setups {
        let ping = ping(&database.connect(Context::Orders, port).await?).await?;
        for connections in [1, 8] {
            eprintln!("bench: orders per second, database {setup}, {connections} connections");
            for (marks_published, rates) in [false, true].into_iter().zip(compare(database, port, connections).await?) {
                let mut cells = vec![
                    format!("{setup}, {} ms per round trip", ratio(ping, 1_000)),
                    connections.to_string(),
                    if marks_published { "yes" } else { "no" }.into(),
                ];
                cells.extend(rates.slices.iter().map(|rates| percentile(rates, 50).to_string()));
                let [quayside, five, seven, single_row] = &rates.slices;
                cells.extend([five, seven].map(|baseline| format!("**{}**", median_ratio(quayside, baseline))));
                cells.extend([median_ratio(single_row, seven), rates.commits_per_sync]);
                writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
            }
        }
    }
    Ok(text)
}

/// Returns the median of the ratios of the slices.
fn median_ratio(dividends: &[u64], divisors: &[u64]) -> String {
    let thousandths: Vec<_> =
        dividends.iter().zip(divisors).map(|(dividend, divisor)| 1_000 * dividend / (*divisor).max(1)).collect();
    ratio(percentile(&thousandths, 50), 1_000)
}

struct Rates {
    /// Orders per second in each slice, by variant.
    slices: [Vec<u64>; 4],
    commits_per_sync: String,
}

/// Measures all variants without and with marking events as published. The variants alternate, so that noise on the machine affects
/// all of them alike.
async fn compare(database: &Database, port: u16, connections: usize) -> Result<[Rates; 2]> {
    let mut workers = Vec::new();
    for _ in 0..connections {
        workers.push(Worker::new(database, port).await?);
    }
    let owner = database.connect_as_owner().await?;
    let mut both = Vec::new();
    for marks_published in [false, true] {
        let (mut slices, mut commits) = ([const { Vec::new() }; 4], 0);
        let before = wal_syncs(&owner).await?;
        for number in 0..=SLICES {
            for (variant, rates) in VARIANTS.into_iter().zip(&mut slices) {
                let (rate, count) = run_slice(&workers, variant, marks_published).await?;
                commits += count * if marks_published && !matches!(variant, Variant::SingleRow) { 2 } else { 1 };
                if number > 0 {
                    rates.push(rate);
                }
            }
        }
        let commits_per_sync = ratio(commits, wal_syncs(&owner).await? - before);
        both.push(Rates { slices, commits_per_sync });
    }
    both.try_into().map_err(|_| "expected rates without and with marks".to_owned())
}

/// Runs one slice of one variant and returns orders per second and the number of orders.
async fn run_slice(workers: &[Arc<Worker>], variant: Variant, marks_published: bool) -> Result<(u64, u64)> {
    let began = Instant::now();
    let end = began + SLICE;
    let spawn = |worker: Arc<Worker>| tokio::spawn(async move { worker.run(variant, marks_published, end).await });
    let tasks: Vec<_> = workers.iter().cloned().map(spawn).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.map_err(message)??;
    }
    let took_us = u64::try_from(began.elapsed().as_micros()).map_err(message)?;
    Ok((count * 1_000_000 / took_us.max(1), count))
}

/// Returns the median microseconds of a round trip for a trivial query.
async fn ping(client: &Client) -> Result<u64> {
    let query = client.prepare("SELECT 1").await.map_err(message)?;
    let mut took = Vec::new();
    for _ in 0..PINGS {
        let began = Instant::now();
        client.query_one(&query, &[]).await.map_err(message)?;
        took.push(u64::try_from(began.elapsed().as_micros()).map_err(message)?);
    }
    Ok(percentile(&took, 50))
}

/// Returns how many times the server has synced its write-ahead log. Its processes update the counter about once a second.
async fn wal_syncs(owner: &Client) -> Result<u64> {
    let row = owner.query_one("SELECT wal_sync FROM pg_stat_wal", &[]).await.map_err(message)?;
    u64::try_from(row.get::<_, i64>(0)).map_err(message)
}

/// Describes what a durable commit costs on this server.
pub async fn commit_cost(database: &Database) -> Result<String> {
    let owner = database.connect_as_owner().await?;
    owner
        .batch_execute("CREATE TABLE public.counter (n bigint); INSERT INTO public.counter VALUES (0)")
        .await
        .map_err(message)?;
    let increment = owner.prepare("UPDATE public.counter SET n = n + 1").await.map_err(message)?;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..10 {
        for (setting, took) in ["on", "off"].into_iter().zip(&mut took) {
            owner.batch_execute(&format!("SET synchronous_commit = {setting}")).await.map_err(message)?;
            for _ in 0..50 {
                let began = Instant::now();
                owner.execute(&increment, &[]).await.map_err(message)?;
                took.push(u64::try_from(began.elapsed().as_micros()).map_err(message)?);
            }
        }
    }
    let [on, off] = took.map(|took| percentile(&took, 50));
    let row = owner
        .query_one(
            "SELECT version(), current_setting('fsync'), current_setting('synchronous_commit'),
                current_setting('wal_sync_method'), (1000 * wal_sync_time / greatest(wal_sync, 1))::bigint FROM pg_stat_wal",
            &[],
        )
        .await
        .map_err(message)?;
    let [version, fsync, method] = [0, 1, 3].map(|column| row.get::<_, String>(column));
    let version = version.split(" on ").next().unwrap_or_default().to_owned();
    let mean = row.get::<_, i64>(4);
    Ok(format!(
        "{version}, fsync {fsync}, synchronous_commit on, {method}: an update of one row takes {on} µs with a durable commit and \
         {off} µs without; one WAL sync took {mean} µs on average over the whole run"
    ))
}
