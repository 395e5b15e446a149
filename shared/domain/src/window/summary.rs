//! The summary of a period: what its windows come to, by day.

use super::Payments;
use crate::{id::ProductId, money::Currency, order_status::Reason};
use kernel::Timestamp;
use serde::Deserialize;

/// Minutes of which the summary has the rate of orders.
pub const RATE_MINUTES: i64 = 15;

/// What the windows of a period come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SalesSummary {
    /// By day and then by currency.
    pub days: Vec<Day>,
    /// The products of most units in the period.
    pub top_products: Vec<SoldProduct>,
    /// The regions of most orders in the period, by currency.
    pub regions: Vec<SoldRegion>,
    /// Cancelled orders by reason, in the order of its words.
    pub cancellations: Vec<(Reason, i64)>,
    pub buyers: CustomerCounts,
    /// Confirmed orders of the last minutes that have any, oldest first.
    pub minutes: Vec<MinuteCount>,
}

/// A day of UTC in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Day {
    pub start: Timestamp,
    pub currency: Currency,
    pub orders: i64,
    pub revenue: i64,
    pub units: i64,
    pub first_orders: i64,
    pub payments: Payments,
    /// The hour of most orders, the first of several; `None` in a day without orders.
    pub peak_hour: Option<PeakHour>,
}

/// The hour of a day in which most orders were confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct PeakHour {
    pub start: Timestamp,
    pub orders: i64,
}

/// Units of a product in a period.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SoldProduct {
    pub product_id: ProductId,
    pub name: String,
    pub units: i64,
}

/// Orders and revenue of a region in a period.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SoldRegion {
    pub region: String,
    pub currency: Currency,
    pub orders: i64,
    pub revenue: i64,
}

/// The customers whose last order was in the period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct CustomerCounts {
    /// With one order so far.
    pub once: i64,
    /// With several orders so far.
    pub again: i64,
    /// Mean seconds from one of their orders to the next, rounded down; `None` if nobody has several.
    pub seconds_between_orders: Option<i64>,
}

/// Confirmed orders of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MinuteCount {
    pub minute: Timestamp,
    pub orders: i64,
}
