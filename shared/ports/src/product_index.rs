//! Port of the read model that products are listed and searched in.

use crate::Page;
use domain::{
    event::StockLevel,
    id::ProductId,
    listing::{CategoryCount, PriceChange, ProductQuery},
    product::Product,
};
use kernel::Failure;

/// The products as they are listed, with their prices so far. It is fed by events and decides nothing.
pub trait ProductIndex {
    /// Stores the members of a product that staff edit, with its price, unless the same or a newer version is stored.
    /// The stock figure is taken only if none is known. Events may come twice and in any order.
    async fn track(&self, product: &Product) -> Result<(), Failure>;

    /// Stores the stock figures of `levels`, unless newer ones are stored; also of products that are not known yet.
    async fn track_stock(&self, levels: &[StockLevel]) -> Result<(), Failure>;

    /// A page of the products on sale that `query` describes. A product that is inserted meanwhile neither repeats nor hides another one.
    /// A cursor of another order or no cursor at all is `Invalid`.
    async fn search(&self, query: &ProductQuery, limit: u32, cursor: Option<&str>) -> Result<Page<Product>, Failure>;

    /// The products on sale in the order of their ids, after one or from the first, at most `limit`.
    async fn on_sale_after(&self, after: Option<ProductId>, limit: u32) -> Result<Vec<Product>, Failure>;

    /// The categories of the products on sale, by name.
    async fn categories(&self) -> Result<Vec<CategoryCount>, Failure>;

    /// A page of the prices that a product has had, newest first, also of a withdrawn one; `None` for an unknown product.
    async fn prices(
        &self,
        id: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<PriceChange>>, Failure>;
}
