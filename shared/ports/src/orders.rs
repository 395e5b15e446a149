//! Port of orders.

use crate::{Claim, OutboxCursor, Page, TransitionOutcome};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{Order, Reason},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use std::collections::BTreeMap;

/// Stores orders, their transitions, and the responses to requests.
pub trait OrderStore {
    /// Stores a new order, its lines, the response to its request and its event in one transaction and one round trip. A key that was
    /// used with another body is `Invalid`, code `idempotency-key-reused`; the key of a request in progress is `Conflict`, code
    /// `idempotency-key-in-flight`.
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores a rejection as the response to an idempotency key, which is replayed from then on. Failures are those of `place`.
    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// The stored response to a key, if there is one. It does not claim the key. Failures are those of `place`.
    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// One order; with `owner`, only if it is theirs.
    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure>;

    /// The orders of a customer, newest first.
    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure>;

    /// Commits the transition from version `order.version - 1` to `order`, with its event and its claim, if any.
    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure>;

    /// Up to `limit` orders after the cursor that were placed before `before` and wait for stock or payment, oldest first. A row that
    /// cannot be decoded is skipped, logged and counted.
    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<Vec<Order>, Failure>;

    /// Number of pending orders by status reason.
    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure>;
}
