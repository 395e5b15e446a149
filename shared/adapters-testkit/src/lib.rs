//! Fixtures for tests of the adapters and for benchmarks: a PostgreSQL database for each test, a proxy that counts round trips, and
//! an HTTP server with scripted responses. No function links this crate.

pub mod postgres;
pub mod proxy;
pub mod server;
