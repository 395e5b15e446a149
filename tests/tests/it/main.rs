//! All tests that need several crates, in one binary, since linking dominates the build time.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

/// Simulations allocate and free many small objects.
#[cfg(feature = "simulate")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod budget;
mod contracts;
mod functions;
mod hostile;
mod idempotency;
mod journeys;
mod simulation;
mod structure;
mod versions;
mod wiring;
