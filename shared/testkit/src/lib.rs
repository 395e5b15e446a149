//! Test support: in-memory fakes of every port, test data builders, contract suites, and an event dispatcher. Only
//! tests depend on this crate.
//!
//! - [`Platform`] has an in-memory fake of each port. Clones share one state.
//! - [`build`] and [`ids`] make deterministic orders, products, events and ids.
//! - [`deliver`] delivers the published events to their consumers until none is left.
//! - [`contract`] defines the rules of each port. The fakes and the real adapters run the same suites.
//!
//! **Invariant:** single-threaded, without clock, randomness or I/O: the same calls give the same results. The
//! exception is the contract suites, which use new ids in each run so that they can share a database.

#![allow(missing_docs)] // Test support: names and types say what most items are.
#![allow(clippy::expect_used, clippy::unwrap_used)] // An invalid fixture panics.

pub mod build;
pub mod contract;
pub mod deliver;
mod fakes;
pub mod ids;

pub use build::a_claim;
pub use fakes::*;

use std::fmt::Write as _;

/// Encodes bytes as lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
