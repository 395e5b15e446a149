//! Committed orders a second: our one statement beside the usual transaction, in turns.

use super::{
    ground::{NearBus, said},
    plain::{Plain, Way},
    sample::{sample, strangers},
};
use crate::{
    database::Database,
    figures::{percentile, ratio},
};
use adapters_postgres::PgOrders;
use adapters_testkit::proxy::CountingProxy;
use catalog::Context;
use kernel::IdempotencyOutcome;
use ports::OrderStore as _;
use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use tokio_postgres::Client;
use xtask::Result;

/// How long a side has the database before it is the other's turn.
pub const SLICE: Duration = Duration::from_millis(400);
/// Turns of each side that count. One before them does not: there, plans are made and connections opened.
pub const TURNS: usize = 15;
/// The network that stands between a function and its database where it is not this machine.
const EACH_WAY: Duration = Duration::from_micros(500);
/// Round trips by which a distance is measured.
const PINGS: usize = 200;

#[derive(Clone, Copy)]
enum Side {
    Ours,
    Usual(Way),
    Least,
}

const SIDES: [Side; 4] = [Side::Ours, Side::Usual(Way::Five), Side::Usual(Way::Seven), Side::Least];

/// One of us and one of them, each with a connection of its own; of ours two, for the bus that takes and the one that does not.
struct Lane {
    taking: PgOrders<NearBus>,
    refusing: PgOrders<NearBus>,
    plain: Mutex<Plain>,
}

impl Lane {
    async fn new(database: &Database, port: u16) -> Result<Arc<Self>> {
        let store = |bus| PgOrders::new(database.of(Context::Orders, port), bus);
        let plain = Mutex::new(Plain::connect(database, port).await?);
        Ok(Arc::new(Self { taking: store(NearBus::taking(|_| {})), refusing: store(NearBus::refusing(|_| {})), plain }))
    }

    /// Places orders until `end`. How many.
    async fn run(&self, side: Side, marks: bool, end: Instant) -> Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            let sample = sample(strangers()).map_err(said)?;
            let (order, key, reply, event) = (&sample.order, &sample.key, &sample.reply, &sample.event);
            let settled = match side {
                Side::Ours if marks => self.taking.place(order, key, reply, event).await.map_err(said)?,
                Side::Ours => self.refusing.place(order, key, reply, event).await.map_err(said)?,
                Side::Usual(way) => {
                    self.plain.lock().await.place(way, &sample, marks).await?;
                    IdempotencyOutcome::Committed
                }
                Side::Least => {
                    self.plain.lock().await.commit_least(&sample).await?;
                    IdempotencyOutcome::Committed
                }
            };
            if settled != IdempotencyOutcome::Committed {
                return Err("a new key was known".into());
            }
            count += 1;
        }
        Ok(count)
    }
}

/// The table of it, in Markdown: on a disk, and in memory.
pub async fn table(database: &Database, memory: &Database) -> Result<String> {
    let away = CountingProxy::start(database.port()?, EACH_WAY).map_err(said)?;
    let memory_away = CountingProxy::start(memory.port()?, EACH_WAY).map_err(said)?;
    let places = [
        ("on this machine", database, database.port()?),
        ("behind a network", database, away.port),
        ("on this machine, in memory", memory, memory.port()?),
        ("behind a network, in memory", memory, memory_away.port),
    ];
    let mut text = String::from(
        "| database | connections | with mark | ours orders/s | usual, 5 trips | usual, 7 trips | least | ours ÷ 5 trips \
         | ours ÷ 7 trips | least ÷ 7 trips | commits a WAL sync |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (place, database, port) in places {
        let ping = ping(&database.plain(Context::Orders, port).await?).await?;
        for connections in [1, 8] {
            eprintln!("bench: orders a second, database {place}, {connections} connections");
            for (marks, heat) in [false, true].into_iter().zip(contest(database, port, connections).await?) {
                let mut cells = vec![
                    format!("{place}, {} ms a round trip", ratio(ping, 1_000)),
                    connections.to_string(),
                    if marks { "yes" } else { "no" }.into(),
                ];
                cells.extend(heat.turns.iter().map(|rates| percentile(rates, 50).to_string()));
                let [ours, five, seven, least] = &heat.turns;
                cells.extend([(ours, five), (ours, seven)].map(|(of, to)| format!("**{}**", middle(of, to))));
                cells.extend([middle(least, seven), heat.group]);
                writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
            }
        }
    }
    Ok(text)
}

/// The median of the quotients of each turn.
fn middle(of: &[u64], to: &[u64]) -> String {
    let thousandths: Vec<_> = of.iter().zip(to).map(|(of, to)| 1_000 * of / (*to).max(1)).collect();
    ratio(percentile(&thousandths, 50), 1_000)
}

struct Heat {
    /// Orders a second of each side, a turn each.
    turns: [Vec<u64>; 4],
    group: String,
}

/// Round and round, so that a moment's noise on the machine is everybody's: without the mark, and with it.
async fn contest(database: &Database, port: u16, connections: usize) -> Result<[Heat; 2]> {
    let mut lanes = Vec::new();
    for _ in 0..connections {
        lanes.push(Lane::new(database, port).await?);
    }
    let owner = database.owner(true).await?;
    let mut heats = Vec::new();
    for marks in [false, true] {
        let (mut turns, mut commits) = ([const { Vec::new() }; 4], 0);
        let before = syncs(&owner).await?;
        for turn in 0..=TURNS {
            for (side, rates) in SIDES.into_iter().zip(&mut turns) {
                let (rate, count) = slice(&lanes, side, marks).await?;
                commits += count * if marks && !matches!(side, Side::Least) { 2 } else { 1 };
                if turn > 0 {
                    rates.push(rate);
                }
            }
        }
        let group = ratio(commits, syncs(&owner).await? - before);
        heats.push(Heat { turns, group });
    }
    heats.try_into().map_err(|_| "two heats".to_owned())
}

/// One turn of one side: orders a second, and how many.
async fn slice(lanes: &[Arc<Lane>], side: Side, marks: bool) -> Result<(u64, u64)> {
    let began = Instant::now();
    let end = began + SLICE;
    let tasks: Vec<_> =
        lanes.iter().cloned().map(|lane| tokio::spawn(async move { lane.run(side, marks, end).await })).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.map_err(said)??;
    }
    let took = u64::try_from(began.elapsed().as_micros()).map_err(said)?;
    Ok((count * 1_000_000 / took.max(1), count))
}

/// Microseconds of a round trip that asks for nothing, median.
async fn ping(client: &Client) -> Result<u64> {
    let nothing = client.prepare("SELECT 1").await.map_err(said)?;
    let mut took = Vec::new();
    for _ in 0..PINGS {
        let began = Instant::now();
        client.query_one(&nothing, &[]).await.map_err(said)?;
        took.push(u64::try_from(began.elapsed().as_micros()).map_err(said)?);
    }
    Ok(percentile(&took, 50))
}

/// How often the server synced its log so far. Its processes tell that once a second or so.
async fn syncs(owner: &Client) -> Result<u64> {
    let row = owner.query_one("SELECT wal_sync FROM pg_stat_wal", &[]).await.map_err(said)?;
    u64::try_from(row.get::<_, i64>(0)).map_err(said)
}

/// What a durable commit costs here, in words.
pub async fn price(database: &Database) -> Result<String> {
    let owner = database.owner(true).await?;
    owner
        .batch_execute("CREATE TABLE public.ticks (n bigint); INSERT INTO public.ticks VALUES (0)")
        .await
        .map_err(said)?;
    let tick = owner.prepare("UPDATE public.ticks SET n = n + 1").await.map_err(said)?;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..10 {
        for (setting, took) in ["on", "off"].into_iter().zip(&mut took) {
            owner.batch_execute(&format!("SET synchronous_commit = {setting}")).await.map_err(said)?;
            for _ in 0..50 {
                let began = Instant::now();
                owner.execute(&tick, &[]).await.map_err(said)?;
                took.push(u64::try_from(began.elapsed().as_micros()).map_err(said)?);
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
        .map_err(said)?;
    let [version, fsync, method] = [0, 1, 3].map(|column| row.get::<_, String>(column));
    let version = version.split(" on ").next().unwrap_or_default().to_owned();
    let mean = row.get::<_, i64>(4);
    Ok(format!(
        "{version}, fsync {fsync}, synchronous_commit on, {method}: an update of one row takes {on} µs with a durable commit and \
         {off} µs without; over the whole run one sync of the log took {mean} µs on average"
    ))
}
