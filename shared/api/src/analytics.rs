//! Windows of analytics.

use crate::{id, rfc3339};
use domain::window::{Sum, Window};
use kernel::Failure;
use schemars::JsonSchema;
use serde::Serialize;

/// A window of five minutes, for one currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WindowView {
    /// Start, inclusive.
    pub start: String,
    /// End, exclusive.
    pub end: String,
    /// Confirmed orders.
    pub orders: i64,
    /// What they brought in.
    pub revenue: SumView,
    /// Revenue over orders.
    pub average_order_value: SumView,
    /// Best selling products by pieces.
    pub top_products: Vec<TopProductView>,
    /// By country and region: the twenty that brought in most, by name.
    pub by_region: Vec<RegionView>,
}

/// A product among the best selling.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TopProductView {
    /// Which.
    pub product_id: String,
    /// Its name.
    pub name: String,
    /// Pieces sold.
    pub quantity: i64,
}

/// What went to one region.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RegionView {
    /// Country and region: `US-CA`.
    pub region: String,
    /// Confirmed orders.
    pub orders: i64,
    /// What they brought in.
    pub revenue: SumView,
}

/// Minor units of many orders together. Unlike the money of one order they have no limit of their own.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SumView {
    /// Minor units.
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
