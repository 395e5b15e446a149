//! Ports of inventory.
//!
//! [`domain::stock::next`] decides on every transition of a reservation. A transition that it does not have is `Conflict`.

use crate::{Claim, Page};
use domain::{
    Event,
    event::{PaymentRef, ProductCreated, StockLevel},
    id::{OrderId, ProductId},
    stock::{AdjustStock, Reservation, StockMovement},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

/// Stock accounts and reservations. A method that takes events commits the one that became true, with the levels after it, and
/// returns it; `None` means that nothing changed.
pub trait StockStore {
    /// Opens the stock account of a new product; `None` if it is open.
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure>;

    /// Reserves all lines of an order until `expires_at`, or none: commits `reserved` or `failed`. `None` if this was done before, or
    /// if the order was released before. `Unavailable` if a product has no account yet.
    async fn reserve(
        &self,
        claim: Claim,
        reservation: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure>;

    /// Allocates the reservation of a paid order; one that expired is allocated if there is enough stock. Commits `allocated`, or
    /// `failed` if there is not, which leaves the order as a backorder ([`StockStore::allocate_backorder`]).
    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        allocated: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure>;

    /// Removes the allocated units of a shipped order from their accounts.
    async fn ship(&self, claim: Claim, order: OrderId, shipped: &Event) -> Result<Option<Event>, Failure>;

    /// Makes the units of a cancelled order available again; `None` if it has none.
    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` reservations after the cursor that expired before `now`, in order of expiry.
    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure>;

    /// Expires a reservation whose time was over at the time of the event.
    async fn expire(&self, order: OrderId, expired: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` backorders after the cursor for which there is enough stock, those paid first.
    async fn fillable_backorders(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure>;

    /// Number of all backorders.
    async fn backorder_count(&self) -> Result<u64, Failure>;

    /// Allocates a backorder; `None` if there is not enough stock, or if it is not a backorder any more.
    async fn allocate_backorder(&self, order: OrderId, allocated: &Event) -> Result<Option<Event>, Failure>;

    /// The stock level of one product; `None` without an account.
    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure>;
}

/// Adjustments of stock made by hand.
pub trait StockAdjustments {
    /// Commits an adjustment, which brings the account to the level `after`, with the response to its request. `None`, and nothing
    /// stored, if the level changed since it was read. A key that was used with another body is `Invalid`, code
    /// `idempotency-key-reused`.
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        adjustment: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Stores the response to a request that changed nothing, such as a rejection; it is replayed from then on.
    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;
}

/// The history of stock accounts.
pub trait StockMovements {
    /// A page of the movements of a product, newest first; empty for a product without an account.
    async fn movements(
        &self,
        product: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<StockMovement>, Failure>;
}

/// Detects products that run low on stock.
pub trait LowStockAlerts {
    /// Records whether a product runs low at this level, unless a newer level is recorded. Commits `event` and returns `true` if the
    /// product runs low and did not before.
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure>;
}

/// An expired reservation; also the cursor of [`StockStore::expired_reservations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredReservation {
    pub order_id: OrderId,
    pub at: Timestamp,
}

/// A paid order; also the cursor of [`StockStore::fillable_backorders`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidOrder {
    pub order_id: OrderId,
    pub payment: PaymentRef,
    /// When it was paid.
    pub at: Timestamp,
}
