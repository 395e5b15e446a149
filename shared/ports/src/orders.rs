//! Ports of orders.

use crate::{Claim, OutboxCursor, Page};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{Order, Reason},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use std::collections::BTreeMap;

/// Orders.
pub trait OrderStore {
    /// Keeps a new order, its lines, the answer to its request and its event, in one transaction and one round trip. The key
    /// with another body is `Invalid`, code `idempotency-key-reused`; the key of a request that is still under way is a
    /// `Conflict`, code `idempotency-key-in-flight`.
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Keeps a refusal as the answer to a request, so that its repetition gets the same one. Failures as for `place`.
    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// The answer that was kept under a key, if there is one; takes no key. Failures as for `place`.
    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// One order; with `owner`, only if it is theirs.
    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure>;

    /// Orders of a customer, newest first.
    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure>;

    /// Keeps the step from version `order.version - 1` to `order`, with its event if it has one, and the claim, if there is one.
    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure>;

    /// Up to `limit` orders behind `after` that were placed before `before` and wait for stock or payment, oldest first. One that
    /// cannot be read is left out, and said loudly.
    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<Vec<Order>, Failure>;

    /// How many orders are pending, by what they wait for.
    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure>;
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionOutcome {
    /// It is kept, and its claim made.
    Applied,
    /// The claim was made before; nothing is changed.
    AlreadyApplied,
    /// The store holds another version than the step begins from: somebody was faster. Nothing is changed and no claim made;
    /// read again.
    VersionConflict,
}
