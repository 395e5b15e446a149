//! Windows of analytics.

use crate::{id, rfc3339};
use domain::{Money, window::Window};
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
    pub revenue: Money,
    /// Revenue over orders.
    pub average_order_value: Money,
    /// Best selling products by pieces.
    pub top_products: Vec<TopProductView>,
    /// By country and region.
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
    pub revenue: Money,
}

impl TryFrom<&Window> for WindowView {
    type Error = Failure;
    fn try_from(window: &Window) -> Result<Self, Failure> {
        let currency = window.revenue.currency.code();
        let region = |(region, orders, minor): &(String, i64, i64)| {
            let revenue = Money::new(*minor, currency).map_err(Failure::internal)?;
            Ok(RegionView { region: region.clone(), orders: *orders, revenue })
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
            revenue: window.revenue,
            average_order_value: window.average_order_value()?,
            top_products: window.top_products.iter().map(product).collect(),
            by_region: window.by_region.iter().map(region).collect::<Result<_, Failure>>()?,
        })
    }
}
