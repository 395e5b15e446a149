//! Runners for AWS Lambda functions: one for each kind of event source, with the same guarantees for every handler (README.md lists
//! them). Handlers know nothing of Lambda. No other crate imports `lambda_*`, knows HTTP status codes or reads the clock. Of this
//! workspace it depends on `kernel` only, so that it can be reused elsewhere.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should fail here"))]

pub mod authorizer;
mod batch;
mod catch_panic;
mod clock;
mod consumer;
mod dead_letters;
pub mod direct;
pub mod dynamodb;
mod envelope;
pub mod http;
mod json;
pub mod kafka;
pub mod kinesis;
pub mod objects;
pub mod queue;
mod runtime;
pub mod schedule;
pub mod telemetry;
pub mod testing;
#[cfg(test)]
mod tests;
mod trace;

pub use clock::Clock;
pub use consumer::{Consumer, Delivery, MAX_AGE, MAX_DEFECT_ATTEMPTS};
pub use dead_letters::{DeadLetter, DeadLetters, QueueControl};
pub use envelope::{check_event, event_in, extract_event};
pub use runtime::{Error, FunctionError};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
