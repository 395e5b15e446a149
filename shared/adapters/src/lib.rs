//! What all adapters share: configuration, AWS clients, TLS, and [`Wiring`], which rejects what a function's row does not declare.
//!
//! Each technology has a crate of its own, `adapters-<technology>`, so that a change rebuilds and relinks only the functions that use
//! it. A function's `main` starts a [`Wiring`] and passes it to the crates that it uses. Clients are made then, connections when a call
//! first needs one.

pub mod aws;
pub mod config;
pub mod postal;
pub mod tls;
pub mod wiring;

pub use wiring::Wiring;
