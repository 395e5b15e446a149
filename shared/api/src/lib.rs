//! What the HTTP API answers: response types that list their fields, made from the domain's values.
//!
//! **Invariant:** a field that is not named here never leaves the house.

mod analytics;
mod catalogue;
mod identity;
mod notifications;
mod orders;
mod payments;

pub use analytics::*;
pub use catalogue::*;
pub use identity::*;
pub use notifications::*;
pub use orders::*;
pub use payments::*;

use kernel::{Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Serialize;

/// A page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListView<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// An instant as RFC 3339 in UTC, to the microsecond that the database keeps.
fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
}

/// An id as text.
fn id(id: Uuid) -> String {
    id.to_string()
}
