//! Analytics windows.

use crate::{id, rfc3339};
use domain::window::{Sum, Window};
use kernel::Failure;
use schemars::JsonSchema;
use serde::Serialize;

/// The totals of a five-minute window in one currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WindowView {
    /// Start, inclusive.
    #[schemars(extend("format" = "date-time"))]
    pub start: String,
    /// End, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub end: String,
    /// Number of confirmed orders.
    pub orders: i64,
    /// Revenue of the confirmed orders.
    pub revenue: SumView,
    /// Revenue per order.
    pub average_order_value: SumView,
    /// Best-selling products by units.
    pub top_products: Vec<TopProductView>,
    /// The twenty regions with the highest revenue, sorted by name.
    pub by_region: Vec<RegionView>,
}

/// A best-selling product.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TopProductView {
    /// Id of the product.
    #[schemars(extend("format" = "uuid"))]
    pub product_id: String,
    /// Name of the product.
    pub name: String,
    /// Units sold.
    pub quantity: i64,
}

/// The totals of one region.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RegionView {
    /// Country and region, such as `US-CA`.
    pub region: String,
    /// Number of confirmed orders.
    pub orders: i64,
    /// Revenue of the confirmed orders.
    pub revenue: SumView,
}

/// A sum over many orders, without the maximum of a single order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SumView {
    /// Amount in minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl From<Sum> for SumView {
    fn from(sum: Sum) -> Self {
        Self { amount: sum.amount, currency: sum.currency.code().to_owned() }
    }
}

impl TryFrom<&Window> for WindowView {
    type Error = Failure;
    fn try_from(window: &Window) -> Result<Self, Failure> {
        let region = |(region, orders, minor): &(String, i64, i64)| RegionView {
            region: region.clone(),
            orders: *orders,
            revenue: Sum { amount: *minor, ..window.revenue }.into(),
        };
        let product = |(product, name, quantity): &(domain::id::ProductId, String, i64)| TopProductView {
            product_id: id(product.0),
            name: name.clone(),
            quantity: *quantity,
        };
        Ok(Self {
            start: rfc3339(window.start),
            end: rfc3339(window.end()?),
            orders: window.orders,
            revenue: window.revenue.into(),
            average_order_value: window.average_order_value()?.into(),
            top_products: window.top_products.iter().map(product).collect(),
            by_region: window.by_region.iter().map(region).collect(),
        })
    }
}
