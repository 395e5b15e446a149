//! From the commit to the bus: at once after it, beside a poller that looks into the outbox every second.

use super::{
    ground::{NearBus, said},
    sample::{sample, strangers},
};
use crate::{
    database::Database,
    figures::{percentile, ratio},
};
use adapters_postgres::{PgOrders, PgOutbox};
use adapters_testkit::proxy::{CountingProxy, Traffic};
use catalog::Context;
use domain::Event;
use kernel::{Timestamp, Uuid};
use ports::{OrderStore as _, Outbox as _};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::MissedTickBehavior;
use xtask::Result;

/// Orders of each kind.
const ORDERS: u32 = 300;
/// Between two of them; not in step with the poller.
const GAP: Duration = Duration::from_millis(47);
/// How often the poller looks.
const POLL: Duration = Duration::from_secs(1);
/// More than it finds.
const LIMIT: u32 = 1_000;

/// When each event was committed, and when it came to the bus.
#[derive(Default)]
struct Log {
    committed: Mutex<BTreeMap<Uuid, Instant>>,
    lags: Mutex<Vec<u64>>,
}

impl Log {
    /// The answer of the database that passed last is that of the commit: the store has one connection and sends after it.
    fn committed(&self, event: &Event, traffic: &Traffic) {
        let at = traffic.last().unwrap_or_else(Instant::now);
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(event.id, at);
    }

    fn arrived(&self, event: &Event) {
        let now = Instant::now();
        let at = self.committed.lock().unwrap_or_else(PoisonError::into_inner).remove(&event.id);
        // What the poller has and the log has not is of the other kind, and was there before.
        if let Some(lag) = at.and_then(|at| u64::try_from((now - at).as_micros()).ok()) {
            self.lags.lock().unwrap_or_else(PoisonError::into_inner).push(lag);
        }
    }

    fn lags(&self) -> Vec<u64> {
        self.lags.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The table of it, in Markdown.
pub async fn table(database: &Database) -> Result<String> {
    eprintln!("bench: from the commit to the bus");
    // What other measurements left would keep the poller busy.
    let owner = database.owner(true).await?;
    owner
        .batch_execute("UPDATE orders.outbox SET published_at = now() WHERE published_at IS NULL")
        .await
        .map_err(said)?;
    let (sent, polled) = (Arc::new(Log::default()), Arc::new(Log::default()));
    let sender = store(database, Arc::clone(&sent), true)?;
    let refuser = store(database, Arc::clone(&polled), false)?;
    let poller = tokio::spawn(poll(database.of(Context::Operations, database.port()?), Arc::clone(&polled)));
    let mut clock = tokio::time::interval(GAP);
    for _ in 0..ORDERS {
        for store in [&sender, &refuser] {
            clock.tick().await;
            let sample = sample(strangers()).map_err(said)?;
            store.place(&sample.order, &sample.key, &sample.reply, &sample.event).await.map_err(said)?;
        }
    }
    // The last are found by the next look but one.
    tokio::time::sleep(2 * POLL).await;
    poller.abort();
    Ok(written(&sent.lags(), &polled.lags()))
}

fn store(database: &Database, log: Arc<Log>, takes: bool) -> Result<PgOrders<NearBus>> {
    let proxy = CountingProxy::start(database.port()?, Duration::ZERO).map_err(said)?;
    let (traffic, connection) = (Arc::clone(&proxy.traffic), database.of(Context::Orders, proxy.port));
    let bus = if takes {
        NearBus::taking(move |event| {
            log.committed(event, &traffic);
            log.arrived(event);
        })
    } else {
        NearBus::refusing(move |event| log.committed(event, &traffic))
    };
    Ok(PgOrders::new(connection, bus))
}

async fn poll(database: Arc<adapters_postgres::Database>, log: Arc<Log>) {
    let outbox = PgOutbox::new(database, NearBus::taking(move |event| log.arrived(event)));
    let mut clock = tokio::time::interval(POLL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        if let Err(failure) = outbox.sweep(Timestamp::now(), LIMIT, None).await {
            eprintln!("bench: a look into the outbox failed: {failure}");
        }
    }
}

fn written(sent: &[u64], polled: &[u64]) -> String {
    let row = |name: &str, lags: &[u64]| {
        let of = |percent| ratio(percentile(lags, percent), 1_000);
        format!("| {name} | {} | {} | {} |\n", lags.len(), of(50), of(99))
    };
    let times = |percent| percentile(polled, percent) / percentile(sent, percent).max(1);
    format!(
        "| way to the bus | events | p50 ms | p99 ms |\n|---|--:|--:|--:|\n{}{}| polled ÷ sent | | **{}** | **{}** |\n",
        row("sent after the commit", sent),
        row("polled every second", polled),
        times(50),
        times(99),
    )
}
