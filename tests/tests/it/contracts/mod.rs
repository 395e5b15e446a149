//! The real adapters keep the contract of their ports: the suites of `testkit::contract`, over a real Postgres, Redis, emulator of
//! AWS and payment gateway. What the stores commit goes to testkit's bus, so that it can be seen, and be made to fail.
//!
//! Where the parts are is told by the variables that `scripts/up` writes and `scripts/test` exports.

mod aws;
mod crypto;
mod postgres;
mod redis;

/// How many processes share what a suite is about, each over a connection of its own.
const PROCESSES: usize = 4;

/// A variable of `.local/stack.env`. Without it a test fails: one that is skipped proves nothing and looks as if it did.
fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}
