//! Latency from commit to event bus: publishing right after the commit compared with polling the outbox every second.

use super::{
    fixtures::{InProcessBus, message},
    sample::{new_products, sample},
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
use ports::{OrderStore as _, Outbox as _, PlacementConditions};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::MissedTickBehavior;
use xtask::Result;

/// Orders of each variant.
const ORDERS: u32 = 300;
/// Time between two orders; not a divisor of the polling interval.
const ORDER_INTERVAL: Duration = Duration::from_millis(47);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Events per sweep; more than are ever in the outbox.
const SWEEP_LIMIT: u32 = 1_000;

/// Records when each event was committed, and how long after that it reached the bus.
#[derive(Default)]
struct LatencyLog {
    committed_at: Mutex<BTreeMap<Uuid, Instant>>,
    latencies_us: Mutex<Vec<u64>>,
}

impl LatencyLog {
    /// The last response that passed the proxy is that of the commit: the store has one connection, and publishes after it.
    fn record_commit(&self, event: &Event, traffic: &Traffic) {
        let at = traffic.last().unwrap_or_else(Instant::now);
        self.committed_at.lock().unwrap_or_else(PoisonError::into_inner).insert(event.id, at);
    }

    fn record_arrival(&self, event: &Event) {
        let now = Instant::now();
        let at = self.committed_at.lock().unwrap_or_else(PoisonError::into_inner).remove(&event.id);
        // The poller also finds events that are not in this log: unmarked ones of the other variant.
        if let Some(latency) = at.and_then(|at| u64::try_from((now - at).as_micros()).ok()) {
            self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).push(latency);
        }
    }

    fn latencies(&self) -> Vec<u64> {
        self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the table in Markdown.
pub async fn table(database: &Database) -> Result<String> {
    eprintln!("bench: latency from commit to event bus");
    // Events that other measurements left unpublished would slow down the poller.
    let owner = database.connect_as_owner().await?;
    owner
        .batch_execute("UPDATE orders.outbox SET published_at = now() WHERE published_at IS NULL")
        .await
        .map_err(message)?;
    let (immediate, polled) = (Arc::new(LatencyLog::default()), Arc::new(LatencyLog::default()));
    let accepting = store(database, Arc::clone(&immediate), true)?;
    let rejecting = store(database, Arc::clone(&polled), false)?;
    let poller = tokio::spawn(poll(database.for_store(Context::Operations, database.port()?), Arc::clone(&polled)));
    let mut timer = tokio::time::interval(ORDER_INTERVAL);
    for _ in 0..ORDERS {
        for store in [&accepting, &rejecting] {
            timer.tick().await;
            let sample = sample(new_products()).map_err(message)?;
            store
                .place(&sample.order, &sample.key, &sample.reply, &sample.event, &PlacementConditions::default())
                .await
                .map_err(message)?;
        }
    }
    // Two more polls find the last events.
    tokio::time::sleep(2 * POLL_INTERVAL).await;
    poller.abort();
    Ok(render(&immediate.latencies(), &polled.latencies()))
}

fn store(database: &Database, log: Arc<LatencyLog>, accepts: bool) -> Result<PgOrders<InProcessBus>> {
    let proxy = CountingProxy::start(database.port()?, Duration::ZERO).map_err(message)?;
    let (traffic, orders) = (Arc::clone(&proxy.traffic), database.for_store(Context::Orders, proxy.port));
    let bus = if accepts {
        InProcessBus::accepting(move |event| {
            log.record_commit(event, &traffic);
            log.record_arrival(event);
        })
    } else {
        InProcessBus::rejecting(move |event| log.record_commit(event, &traffic))
    };
    Ok(PgOrders::new(orders, bus))
}

async fn poll(database: Arc<adapters_postgres::Database>, log: Arc<LatencyLog>) {
    let outbox = PgOutbox::new(database, InProcessBus::accepting(move |event| log.record_arrival(event)));
    let mut timer = tokio::time::interval(POLL_INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if let Err(failure) = outbox.sweep(Timestamp::now(), SWEEP_LIMIT, None).await {
            eprintln!("bench: a sweep of the outbox failed: {failure}");
        }
    }
}

fn render(immediate: &[u64], polled: &[u64]) -> String {
    let row = |name: &str, latencies: &[u64]| {
        let milliseconds = |percent| ratio(percentile(latencies, percent), 1_000);
        format!("| {name} | {} | {} | {} |\n", latencies.len(), milliseconds(50), milliseconds(99))
    };
    let factor = |percent| percentile(polled, percent) / percentile(immediate, percent).max(1);
    format!(
        "| published | events | p50 ms | p99 ms |\n|---|--:|--:|--:|\n{}{}| polling ÷ right after the commit | | **{}** | **{}** |\n",
        row("right after the commit", immediate),
        row("by polling every second", polled),
        factor(50),
        factor(99),
    )
}
