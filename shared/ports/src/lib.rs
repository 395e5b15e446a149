//! What handlers need of the world, as narrow traits with their error contracts.
//!
//! Every port has a real implementation in `adapters` and an in-memory twin in `testkit`; one contract suite runs over both.
//! A port that cannot reach its part answers `Unavailable`; what it finds broken is `Internal`. Nothing is half done then.
//!
//! Where a port both keeps state and takes events, the events commit with the state, or neither does, and what committed is
//! sent to the bus right after; what could not be sent waits in the outbox for the sweep.

#![allow(async_fn_in_trait)] // The runtime is single-threaded: nobody needs these futures to be Send.

mod backbone;
mod catalogue;
mod guard;
mod identity;
mod notifications;
mod orders;
mod payments;

pub use backbone::*;
pub use catalogue::*;
pub use guard::{
    GATEWAY_PENDING, GATEWAY_REPLAYED_ERROR, GATEWAY_RETRY_LATER, GatewayCall, call_gateway, is_unreachable,
};
pub use identity::*;
pub use kernel::Claim;
pub use notifications::*;
pub use orders::*;
pub use payments::*;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}
