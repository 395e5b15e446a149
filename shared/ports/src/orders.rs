//! Port of orders.

use crate::{Claim, Page, TimeCursor, TransitionOutcome};
use domain::{
    Event,
    id::{OrderId, ProductId, UserId},
    order::{Order, OrderLimits, ProductSnapshot, Reason},
};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use std::collections::BTreeMap;

/// Code of the failure of an order that was made with other prices than those of the copy.
pub const PRICE_OUTDATED: &str = "price-outdated";

/// What must hold when an order is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlacementConditions<'a> {
    /// The products with their prices as the order has them. Where the copy differs, `place` is `Conflict`, code [`PRICE_OUTDATED`].
    pub prices: &'a [ProductSnapshot],
    /// Snapshots fetched from the catalogue because the copy lacks them. They are stored in the copy together with the order.
    pub fetched: &'a [ProductSnapshot],
    /// What the customer may order. Above it, `place` is `Conflict`, code [`TOO_MANY_UNPAID_ORDERS`](domain::order::TOO_MANY_UNPAID_ORDERS) or
    /// [`TOO_MANY_UNPAID_UNITS`](domain::order::TOO_MANY_UNPAID_UNITS), also for concurrent requests.
    pub limits: Option<OrderLimits>,
}

impl PlacementConditions<'_> {
    /// The failure of an order whose prices are not those of the copy.
    pub fn outdated() -> Failure {
        Failure::new(FailureKind::Conflict, PRICE_OUTDATED, "A price has just changed; send the request again.")
    }
}

/// Where the prices of an order come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// Those that this process read last. They need no round trip, may be outdated, and are compared with the copy by
    /// [`OrderStore::place`].
    Cached,
    /// Those that are read from the copy for the request.
    Current,
}

/// Prices for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The response to the request, if its key has one. Only looked up for a quote that is current.
    pub first: Option<StoredReply>,
    /// The products that are known, also those that are not on sale.
    pub products: Vec<ProductSnapshot>,
    pub source: PriceSource,
}

/// The copy of the catalogue's prices that orders keep.
pub trait PriceCopy {
    /// Stores a snapshot with the claim on its event, unless the copy has the same or a newer version. Returns whether it
    /// was stored.
    async fn track(&self, claim: Claim, product: &ProductSnapshot) -> Result<bool, Failure>;

    /// Prices for the request with this key: those that are cached, if that is enough and all are, and otherwise the
    /// current ones, in one round trip with the response that the key has. Failures are those of [`OrderStore::place`].
    async fn quote(&self, key: &IdempotencyKey, products: &[ProductId], enough: PriceSource) -> Result<Quote, Failure>;
}

/// Stores orders, their transitions, and the responses to requests.
pub trait OrderStore {
    /// Stores a new order, its lines, the response to its request and its event in one transaction and one round trip,
    /// if its conditions are met: otherwise nothing is written. A key that was used with another body is `Invalid`,
    /// code `idempotency-key-reused`; the key of a request in progress is `Conflict`, code `idempotency-key-in-flight`.
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
        conditions: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores the response to a request that changed nothing, such as a rejection; it is replayed from then on. Failures are those of `place`.
    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

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
    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<Vec<Order>, Failure>;

    /// Number of pending orders by status reason.
    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure>;
}
