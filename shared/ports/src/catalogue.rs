//! Ports of the catalogue.

use domain::{event::StockLevel, id::ProductId, order::ProductSnapshot, product::Product, text::Sku};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

/// Code of the failure for an SKU that another product has.
pub const SKU_TAKEN: &str = "sku-taken";
/// Code of the `Internal` failure for a stored product, or a record beside it, that cannot be decoded: it fails again until somebody corrects it.
pub const PRODUCT_MALFORMED: &str = "product-malformed";

/// Stores products with the responses to the requests that created them.
pub trait ProductStore {
    /// Stores a new product with the response to its request; the change stream of the table publishes it. A taken SKU is `Conflict`,
    /// code [`SKU_TAKEN`], which the caller stores as a rejection. A key that was used with another body is `Invalid`, code
    /// `idempotency-key-reused`.
    async fn create(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores the response to a request that changed nothing, such as a rejection, unless its key has one.
    async fn store_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores the members of a product that staff edit in place of version `product.version - 1`; the change stream of
    /// the table publishes it. The stock figure stays. Returns whether that version was stored.
    async fn replace(&self, product: &Product) -> Result<bool, Failure>;

    /// As [`replace`](Self::replace), with the response to the request that changes the product. `None` if another version was stored; keys
    /// are treated as by [`create`](Self::create).
    async fn replace_with_key(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// One product, also a withdrawn one.
    async fn get(&self, id: ProductId) -> Result<Option<Product>, Failure>;

    /// The product that has the SKU, also a withdrawn one.
    async fn get_by_sku(&self, sku: &Sku) -> Result<Option<Product>, Failure>;

    /// The products with these ids, in any order. Withdrawn ones are among them. An id without a product, or given twice, has no effect. At most
    /// [`domain::order::MAX_LINES`] ids.
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Failure>;

    /// Stores the stock figure of `level`, unless a newer one is stored. Returns whether it changed.
    async fn set_stock(&self, level: &StockLevel) -> Result<bool, Failure>;
}

/// Position of `product-sweep`: earlier hours are done, and of this hour the products up to `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPosition {
    /// Beginning of the hour.
    pub hour: Timestamp,
    /// The last product of a page; `None` at the beginning of the hour.
    pub after: Option<ProductId>,
}

/// A product that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedProduct {
    pub id: ProductId,
    /// The current product, or the failure to decode it.
    pub product: Result<Product, Failure>,
}

/// Products by the hour of their last change by staff.
pub trait ProductChanges {
    /// Products last changed in the hour of a position, from there on, at most `limit` (up to 100), in an order of the store's own. Fewer than
    /// `limit` end the hour. The store shows a change some seconds after it was made.
    async fn changed(&self, position: SweepPosition, limit: u32) -> Result<Vec<ChangedProduct>, Failure>;
}

/// Stores the position of `product-sweep`.
pub trait SweepPositions {
    /// `None` before the first sweep.
    async fn position(&self) -> Result<Option<SweepPosition>, Failure>;

    /// Stores the position. The last one wins: what two runs sweep twice is committed once.
    async fn advance(&self, position: SweepPosition) -> Result<(), Failure>;
}

/// A cache. It never fails a request: an error is counted as a metric and looks like a miss.
pub trait Cache {
    async fn get(&self, key: &str) -> Option<String>;

    /// Stores a value for `ttl_s` seconds.
    async fn put(&self, key: &str, value: &str, ttl_s: u32);

    async fn invalidate(&self, key: &str);

    /// Takes the lock for loading the value of a key, for `ttl_s` seconds. `false` if another process has it; without a
    /// cache, every process gets it.
    async fn try_load_lock(&self, key: &str, ttl_s: u32) -> bool;

    /// The value of a key once another process has stored it; waits for a tenth of a second at most.
    async fn wait(&self, key: &str) -> Option<String>;
}

/// Name and price of products, as the catalogue's public API returns them.
pub trait ProductSnapshots {
    /// The snapshots of these products, from one request. Products that do not exist are missing.
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure>;
}
