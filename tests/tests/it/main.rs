//! Every test that needs more than one crate, in one binary: linking is what costs on a small machine.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test speaks by failing")]

mod budget;
mod contracts;
mod drift;
mod functions;
mod idempotency;
mod journeys;
mod simulation;
