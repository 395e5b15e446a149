//! Every test that needs more than one crate, in one binary: linking is what costs on a small machine.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test speaks by failing")]

/// What a simulation does most is to make small pieces and to drop them.
#[cfg(feature = "simulate")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod budget;
mod contracts;
mod functions;
mod idempotency;
mod journeys;
mod simulation;
mod structure;
mod wiring;
