//! Ports of catalogue and inventory.

use crate::{Claim, Page};
use domain::{
    Event,
    event::{PaymentRef, ProductCreated, StockLevel},
    id::{OrderId, ProductId},
    order::ProductSnapshot,
    product::Product,
    stock::{AdjustStock, Movement, Reservation},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

/// The code of the failure that says that another product has the SKU.
pub const SKU_TAKEN: &str = "sku-taken";

/// Products.
pub trait ProductStore {
    /// Keeps a new product with the answer to its request. A taken SKU is a `Conflict`, code [`SKU_TAKEN`], which is the caller's
    /// to keep; the key with another body is `Invalid`, code `idempotency-key-reused`. The change itself is the outbox.
    async fn create(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Keeps a refusal as the answer to its request, unless the request has one.
    async fn store_rejection(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// One product.
    async fn get(&self, id: ProductId) -> Result<Option<Product>, Failure>;

    /// Takes over the stock figure of `level`, unless a newer one is there. Whether anything changed.
    async fn set_stock(&self, level: &StockLevel) -> Result<bool, Failure>;
}

/// A cache. It is never in the way: it has no errors, only absences, and counts its troubles in a metric.
pub trait Cache {
    /// What was kept under a key.
    async fn get(&self, key: &str) -> Option<String>;

    /// Keeps a value for some seconds.
    async fn put(&self, key: &str, value: &str, ttl_s: u32);

    /// Forgets a key.
    async fn invalidate(&self, key: &str);
}

/// Stock accounts.
pub trait StockStore {
    /// Opens the account of a new product; `None` when it was open already.
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure>;

    /// Holds all lines or none until `expires_at`, and commits the event that turned out true: `reserved` or `short`, with the levels
    /// after it. `None` when this was done before, or the order was released before it was reserved. A product without an account
    /// is `Unavailable`: its account is on its way.
    async fn reserve(
        &self,
        claim: Claim,
        hold: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure>;

    /// Keeps what is held for an order that is paid, or holds it again where the hold lapsed and there is enough, and commits the
    /// event that turned out true: `kept` or `short`, with the levels after it. Where there is not enough, the order waits
    /// ([`StockStore::retry`]). `None` when there is nothing to do. What [`domain::stock::next`] refuses is a `Conflict`.
    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        kept: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure>;

    /// Takes what is kept for an order off the stock: it has left the house. `None` when that was done before; refusals as for `keep`.
    async fn ship(&self, claim: Claim, order: OrderId, committed: &Event) -> Result<Option<Event>, Failure>;

    /// Frees what is held for an order; `None` when nothing is, or it was freed before. Refusals as for `keep`.
    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` holds behind `after` that lapsed before `now`, those that lapsed first.
    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure>;

    /// Frees what is held for an order if its hold lapsed before the time of the event; `None` when it did not.
    async fn expire(&self, order: OrderId, lapsed: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` paid orders behind `after` that wait for stock which is there now, those that have waited longest first.
    async fn backorders_fillable(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure>;

    /// How many paid orders wait for stock, whether it is there or not.
    async fn backorder_count(&self) -> Result<u64, Failure>;

    /// Holds the lines of an order that waits, if there is enough now; `None` when there is not, or it does not wait any more.
    async fn allocate_backorder(&self, order: OrderId, kept: &Event) -> Result<Option<Event>, Failure>;

    /// The level of one product.
    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure>;
}

/// Stock that is booked by hand.
pub trait StockAdjustments {
    /// Books `wish`, which brings the account to the level `after`, with the answer to its request. `None`, and nothing kept, when
    /// the level has moved since it was read. The key with another body is `Invalid`, code `idempotency-key-reused`.
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        wish: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Keeps a refusal as the answer to a request.
    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;
}

/// What moved the stock.
pub trait StockMovements {
    /// A page of the movements of a product, newest first; empty for a product without an account.
    async fn movements(&self, product: ProductId, limit: u32, cursor: Option<&str>) -> Result<Page<Movement>, Failure>;
}

/// Which products run low.
pub trait LowStockAlerts {
    /// Notes whether a product runs low at this level, unless a newer level was noted before. Commits `event` and answers `true`
    /// when it runs low and did not before.
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure>;
}

/// A hold that lapsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredReservation {
    /// Of which order.
    pub order_id: OrderId,
    /// When.
    pub at: Timestamp,
}

/// An order that is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidOrder {
    /// Which.
    pub order_id: OrderId,
    /// With what.
    pub payment: PaymentRef,
    /// When it was paid.
    pub at: Timestamp,
}

/// What the catalogue offers, through its published interface.
pub trait ProductSnapshots {
    /// The offers for these products; products that are not on sale are left out.
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure>;
}
