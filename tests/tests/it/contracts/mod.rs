//! The contracts in `testkit::contract`, run against the real adapters over PostgreSQL, Redis, Kafka, the AWS emulator and the payment
//! gateway. The stores publish to the fake bus of `testkit`, so that tests can inspect the events and make the bus fail.
//!
//! `scripts/up` writes the addresses of the services to `.local/stack.env`; `scripts/test` exports them.

mod aws;
mod in_process;
mod kafka;
mod postgres;
mod product_snapshots;
mod redis;
mod storefront;

use std::time::Duration;
use tokio::time::{Instant, interval};

/// How long a delivery may take. Generous, since a loaded machine is slow.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Processes that share a resource, each with a connection of its own.
const PROCESSES: usize = 4;

/// A variable of `.local/stack.env`. A test without it fails, since a skipped test would look like a passed one.
fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}

/// Polls `look` until it finds `count` items, and returns what it found; at the latest after [`DELIVERY_TIMEOUT`].
async fn poll<T>(count: usize, look: impl AsyncFn() -> Vec<T>) -> Vec<T> {
    let (began, mut turn) = (Instant::now(), interval(Duration::from_millis(50)));
    loop {
        turn.tick().await;
        let found = look().await;
        if found.len() >= count || began.elapsed() > DELIVERY_TIMEOUT {
            return found;
        }
    }
}

/// An HTTP client without credentials.
fn anonymous_client() -> reqwest::Client {
    // Another test may have installed the provider.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::new()
}
