//! What tests need: the whole platform in memory, data to put on it, the contract that every port keeps, and a way to let
//! events run until all is quiet. Only tests depend on this crate.
//!
//! - [`Platform`] has an in-memory twin of each port. One clone of it is one more handle on the same state.
//! - [`build`] and [`ids`] make orders, products, events and ids, the same ones each time.
//! - [`deliver`] carries the events of a platform to their consumers until all is quiet.
//! - [`contract`] states what each port promises; the twins and the real adapters run through the same functions.
//!
//! **Invariant:** single-threaded, no clock, no randomness, no I/O: the same calls give the same results to the letter. (The
//! contract suites draw fresh ids, so that they can run over the same database again and again.)

#![allow(clippy::expect_used, clippy::unwrap_used)] // A test that is set up wrongly stops there.

pub mod build;
pub mod contract;
pub mod deliver;
mod fakes;
pub mod ids;

pub use build::a_claim;
pub use fakes::*;

use std::fmt::Write as _;

/// Bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
