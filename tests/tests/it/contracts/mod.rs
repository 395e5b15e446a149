//! The real adapters keep the contract of their ports: the suites of `testkit::contract`, over a real Postgres, Redis, emulator of
//! AWS and payment gateway. What the stores commit goes to testkit's bus, so that it can be seen, and be made to fail.
//!
//! Where the parts are is told by the variables that `scripts/up` writes and `scripts/test` exports.

mod aws;
mod in_process;
mod kafka;
mod postgres;
mod product_snapshots;
mod redis;

use std::time::Duration;
use tokio::time::{Instant, interval};

/// How long what was sent may be on its way. Generous: a loaded machine is no failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many processes share what a suite is about, each over a connection of its own.
const PROCESSES: usize = 4;

/// A variable of `.local/stack.env`. Without it a test fails: one that is skipped proves nothing and looks as if it did.
fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}

/// What `look` finds, as soon as that is `count` things, or when patience ends.
async fn by_turns<T>(count: usize, look: impl AsyncFn() -> Vec<T>) -> Vec<T> {
    let (began, mut turn) = (Instant::now(), interval(Duration::from_millis(50)));
    loop {
        turn.tick().await;
        let found = look().await;
        if found.len() >= count || began.elapsed() > PATIENCE {
            return found;
        }
    }
}

/// A client for HTTP without credentials.
fn browser() -> reqwest::Client {
    // Somebody in this process may have done it before; one is as good as the other.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::new()
}
