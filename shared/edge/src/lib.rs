//! The doorstep between AWS Lambda and handlers that know nothing of it: one runner for each kind of event source, and around
//! every handler the same guarantees (README.md lists them). No other crate names `lambda_*`, and none but this one knows an
//! HTTP status code or reads a clock. It depends on `kernel` and nothing else of the house, so that it can be lifted out whole.

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
pub use consumer::{Consumer, Delivery};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use runtime::{Error, FunctionError};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
