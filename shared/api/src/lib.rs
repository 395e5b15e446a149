//! Response bodies of the HTTP API, created from domain values.
//!
//! **Invariant:** every field of a response is listed here, so that nothing else is exposed.

#![warn(missing_docs)]

mod analytics;
mod bulk;
mod catalogue;
mod dead_letters;
mod identity;
mod ledger;
mod message_templates;
mod notifications;
mod operations;
mod operators;
mod orders;
mod payment_methods;
mod payments;
pub mod problems;
mod records;
mod webhooks;

pub use analytics::*;
pub use bulk::*;
pub use catalogue::*;
pub use dead_letters::*;
pub use identity::*;
pub use ledger::*;
pub use message_templates::*;
pub use notifications::*;
pub use operations::*;
pub use operators::*;
pub use orders::*;
pub use payment_methods::*;
pub use payments::*;
pub use records::*;
pub use webhooks::*;

use kernel::{Page, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Serialize;

/// A page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub struct ListView<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<V> ListView<V> {
    /// The view of a page of items.
    pub fn of<'a, T: 'a>(page: &'a Page<T>) -> Self
    where
        V: From<&'a T>,
    {
        Self { items: page.items.iter().map(V::from).collect(), next_cursor: page.next.clone() }
    }
}

impl<V> From<Page<V>> for ListView<V> {
    fn from(page: Page<V>) -> Self {
        Self { items: page.items, next_cursor: page.next }
    }
}

/// Formats an instant as RFC 3339 in UTC with the microsecond precision of the database.
fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
}

fn id(id: Uuid) -> String {
    id.to_string()
}
