//! Ports of catalogue and inventory.

use crate::{Claim, Page};
use domain::{
    Event,
    event::{PaidWith, ProductCreated, StockLevel},
    id::{OrderId, ProductId},
    order::Offer,
    product::Product,
    stock::{AdjustStock, Hold, Movement},
};
use kernel::{Failure, Idempotency, Settled, StoredReply, Timestamp};

/// The code of the failure that says that another product has the SKU.
pub const SKU_TAKEN: &str = "sku-taken";

/// Products.
pub trait ProductStore {
    /// Keeps a new product with the answer to its request. A taken SKU is a `Conflict`, code [`SKU_TAKEN`], which is the caller's
    /// to keep; the key with another body is `Invalid`, code `idempotency-key-reused`. The change itself is the outbox.
    async fn create(&self, product: &Product, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure>;

    /// Keeps a refusal as the answer to its request, unless the request has one.
    async fn refuse(&self, key: &Idempotency, reply: &StoredReply, now: Timestamp) -> Result<Settled, Failure>;

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
    async fn forget(&self, key: &str);
}

/// Stock accounts.
pub trait StockStore {
    /// Opens the account of a new product; `None` when it was open already.
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure>;

    /// Holds all lines or none until `lapses_at`, and commits the event that turned out true: `reserved` or `short`, with the levels
    /// after it. `None` when this was done before, or the order was released before it was reserved. A product without an account
    /// is `Unavailable`: its account is on its way.
    async fn reserve(
        &self,
        claim: Claim,
        hold: &Hold,
        lapses_at: Timestamp,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure>;

    /// Keeps what is held for an order that is paid, or holds it again where the hold lapsed and there is enough, and commits the
    /// event that turned out true: `kept` or `short`, with the levels after it. Where there is not enough, the order waits
    /// ([`StockStore::retry`]). `None` when there is nothing to do. What [`domain::stock::next`] refuses is a `Conflict`.
    async fn keep(&self, claim: Claim, paid: &Paid, kept: &Event, short: &Event) -> Result<Option<Event>, Failure>;

    /// Takes what is kept for an order off the stock: it has left the house. `None` when that was done before; refusals as for `keep`.
    async fn commit(&self, claim: Claim, order: OrderId, committed: &Event) -> Result<Option<Event>, Failure>;

    /// Frees what is held for an order; `None` when nothing is, or it was freed before. Refusals as for `keep`.
    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` holds behind `after` that lapsed before `now`, those that lapsed first.
    async fn lapsed(&self, now: Timestamp, limit: u32, after: Option<LapsedHold>) -> Result<Vec<LapsedHold>, Failure>;

    /// Frees what is held for an order if its hold lapsed before the time of the event; `None` when it did not.
    async fn lapse(&self, order: OrderId, lapsed: &Event) -> Result<Option<Event>, Failure>;

    /// Up to `limit` paid orders behind `after` that wait for stock which is there now, those that have waited longest first.
    async fn waiting(&self, limit: u32, after: Option<Paid>) -> Result<Vec<Paid>, Failure>;

    /// How many paid orders wait for stock, whether it is there or not.
    async fn wait(&self) -> Result<u64, Failure>;

    /// Holds the lines of an order that waits, if there is enough now; `None` when there is not, or it does not wait any more.
    async fn retry(&self, order: OrderId, kept: &Event) -> Result<Option<Event>, Failure>;

    /// The level of one product.
    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure>;
}

/// Stock that is booked by hand.
pub trait StockDesk {
    /// Books `wish`, which brings the account to the level `after`, with the answer to its request. `None`, and nothing kept, when
    /// the level has moved since it was read. The key with another body is `Invalid`, code `idempotency-key-reused`.
    async fn adjust(
        &self,
        key: &Idempotency,
        reply: &StoredReply,
        wish: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<Settled>, Failure>;

    /// Keeps a refusal as the answer to a request.
    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure>;
}

/// What moved the stock.
pub trait StockHistory {
    /// A page of the movements of a product, newest first; empty for a product without an account.
    async fn movements(&self, product: ProductId, limit: u32, cursor: Option<&str>) -> Result<Page<Movement>, Failure>;
}

/// Which products run low.
pub trait StockWatch {
    /// Notes whether a product runs low at this level, unless a newer level was noted before. Commits `event` and answers `true`
    /// when it runs low and did not before.
    async fn note(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure>;
}

/// A hold that lapsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LapsedHold {
    /// Of which order.
    pub order_id: OrderId,
    /// When.
    pub at: Timestamp,
}

/// An order that is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paid {
    /// Which.
    pub order_id: OrderId,
    /// With what.
    pub payment: PaidWith,
    /// When it was paid.
    pub at: Timestamp,
}

/// What the catalogue offers, through its published interface.
pub trait Offers {
    /// The offers for these products; products that are not on sale are left out.
    async fn find(&self, products: &[ProductId]) -> Result<Vec<Offer>, Failure>;
}
