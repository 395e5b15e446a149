//! Ports of those who work with the orders of all customers.

use crate::{Page, TransitionOutcome};
use domain::{
    id::OrderId,
    order::{Filter, Note, Order},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply};

pub trait OrderSearch {
    /// Orders that match the filter, sorted as it says. A cursor is that of a list with the same sort; any other is `Invalid`.
    async fn search(&self, filter: &Filter, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure>;
}

/// Stores changes of the addresses of orders.
pub trait OrderAddresses {
    /// Commits the change from version `order.version - 1` to `order`, with the note about it, if any, in one round trip. Nothing but the
    /// address, the version and the time of the change is stored of the order.
    async fn change_address(&self, order: &Order, note: Option<&Note>) -> Result<TransitionOutcome, Failure>;
}

/// Stores notes about orders.
pub trait OrderNotes {
    /// Stores a note together with the response to its request, in one round trip. `None` if there is no such order: nothing is stored. A
    /// request without a key is stored under the id of the note. Failures are those of [`OrderStore::place`](crate::OrderStore::place).
    async fn add_note(
        &self,
        note: &Note,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// The notes about an order, newest first; `None` if there is no such order.
    async fn notes(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Option<Page<Note>>, Failure>;
}
