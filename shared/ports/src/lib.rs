//! Ports: the narrow traits that handlers need, with their error contracts.
//!
//! Every port has an implementation on a real service in `adapters` and an in-memory fake in `testkit`; both pass the same contract.
//! A port returns `Unavailable` if it cannot reach its dependency and `Internal` for what it finds broken. A call that fails has
//! changed nothing.
//!
//! A port that takes state and events commits both in one transaction. The events are published right after the commit; those that
//! could not be published stay in the outbox for the sweep.

#![allow(async_fn_in_trait)] // The runtime is single-threaded: no caller needs the futures to be Send.

mod accounts;
mod analytics;
mod bulk;
mod canary;
mod catalogue;
mod clients;
mod documents;
mod events;
mod gateway;
mod identity;
mod images;
mod inventory;
mod invoices;
mod notifications;
mod operations;
mod order_administration;
mod orders;
mod passwords;
mod payments;
mod personal_data;
mod product_cache;
mod product_index;
mod queues;
mod record_intake;
mod records;
mod request_sources;
mod saved_methods;
mod sealing;
mod second_factors;
mod sessions;
mod webhooks;

pub use accounts::*;
pub use analytics::*;
pub use bulk::*;
pub use canary::*;
pub use catalogue::*;
pub use clients::*;
pub use documents::*;
pub use events::*;
pub use gateway::*;
pub use identity::*;
pub use images::{ImageObjects, ImageProcessor, Variant};
pub use inventory::*;
pub use invoices::*;
pub use kernel::{Claim, Page};
pub use notifications::*;
pub use operations::*;
pub use order_administration::*;
pub use orders::*;
pub use passwords::*;
pub use payments::*;
pub use personal_data::*;
pub use product_cache::product_cache_key;
pub use product_index::ProductIndex;
pub use queues::*;
pub use record_intake::*;
pub use records::*;
pub use request_sources::{CounterKey, RequestSources};
pub use saved_methods::*;
pub use sealing::*;
pub use second_factors::*;
pub use sessions::*;
pub use webhooks::*;

/// Result of committing a transition that is guarded by the aggregate's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionOutcome {
    /// It is committed, with its claim.
    Applied,
    /// The claim was made before. Nothing changed.
    AlreadyApplied,
    /// The stored version is not the one that the transition starts from. Nothing changed and no claim was made; read the aggregate
    /// again and decide again.
    VersionConflict,
}

impl TransitionOutcome {
    /// `None` after a version conflict, as `services::retry_on_conflict` expects it.
    pub fn unless_conflict(self) -> Option<()> {
        (self != Self::VersionConflict).then_some(())
    }
}
