//! Events of the analytics context.

use crate::{address::Area, id::ProductId, money::Currency, order_status::Reason};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A window of five minutes was closed, or corrected by records that were later than allowed. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowClosed {
    /// Start, inclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub start: Timestamp,
    /// End, exclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub end: Timestamp,
    /// Currency of the window.
    pub currency: Currency,
    /// Number of the revision, from 1. A higher one replaces all that are lower.
    pub revision: u64,
    /// Number of confirmed orders.
    pub orders: i64,
    /// Revenue of the confirmed orders.
    pub revenue: i64,
    /// Revenue per order, rounded half up; 0 without orders.
    pub average_order_value: i64,
    /// Units of all products that were sold.
    pub units: i64,
    /// Number of the orders that are the first ones of their customers.
    pub first_orders: i64,
    /// Charges.
    pub paid: CountAndAmount,
    /// Declined charges.
    pub declined: CountAndAmount,
    /// Refunds.
    pub refunded: CountAndAmount,
    /// Cancelled orders by reason.
    pub cancellations: Vec<CancelledOrders>,
    /// Best-selling products by units.
    pub top_products: Vec<UnitsSold>,
    /// The regions with the highest revenue.
    pub regions: Vec<RegionSales>,
}

/// A number of charges or refunds, and the sum of their amounts in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountAndAmount {
    /// Number of charges or refunds.
    pub count: i64,
    /// Sum of their amounts in minor units.
    pub amount: i64,
}

impl CountAndAmount {
    /// Counts one more, of an amount in minor units.
    pub const fn add(&mut self, amount: i64) {
        self.count += 1;
        self.amount += amount;
    }
}

/// Cancelled orders of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelledOrders {
    /// Reason of the cancellations.
    pub reason: Reason,
    /// Number of cancelled orders.
    pub orders: i64,
}

/// Units of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitsSold {
    /// Id of the product.
    pub product_id: ProductId,
    /// Units that were sold.
    pub units: i64,
}

/// Orders and revenue of one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionSales {
    /// Country and region.
    pub area: Area,
    /// Number of confirmed orders.
    pub orders: i64,
    /// Revenue of the confirmed orders.
    pub revenue: i64,
}

/// A window is unusual for its time of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnomalyDetected {
    /// Start of the window, inclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub start: Timestamp,
    /// End of the window, exclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub end: Timestamp,
    /// Currency of the window.
    pub currency: Currency,
    /// The unusual figure.
    pub metric: Metric,
    /// What the window has: a number of orders, or minor units.
    pub observed: i64,
    /// The median of the weeks before.
    pub expected: i64,
    /// Lower bound of the usual range.
    pub least: i64,
    /// Upper bound of the usual range.
    pub most: i64,
}

words! {
    /// What of a window is compared.
    pub enum Metric {
        /// Confirmed orders.
        Orders,
        /// Revenue in minor units.
        Revenue,
    }
}
