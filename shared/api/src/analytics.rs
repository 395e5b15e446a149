//! Analytics windows, and the summary of a period.

use crate::{id, rfc3339};
use domain::{
    money::Currency,
    order::Reason,
    window::{
        CountAndAmount, CustomerCounts, Day, FoundAnomaly, MinuteCount, Payments, SalesSummary, SoldProduct,
        SoldRegion, Sum, Window, average, complete_until,
    },
};
use kernel::{Failure, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;

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
    /// Units of all products that were sold.
    pub units: i64,
    /// Number of the orders that are the first ones of their customers.
    pub first_orders: i64,
    /// Number of the other orders.
    pub repeat_orders: i64,
    /// Outcomes of payments.
    pub payments: PaymentOutcomesView,
    /// Cancelled orders by reason.
    pub cancellations: Vec<CancellationsView>,
    /// Best-selling products by units.
    pub top_products: Vec<TopProductView>,
    /// The twenty regions with the highest revenue, sorted by name.
    pub by_region: Vec<RegionView>,
    /// Whether every record that is not later than allowed (15 minutes) is counted.
    pub is_complete: bool,
    /// Number of the revision, from 1. It is raised by the first record after the one before was published.
    pub revision: i64,
}

/// A window whose orders or revenue are far from those of the same time of the weeks before.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AnomalyView {
    /// Id of the event that published it.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// When it was found.
    #[schemars(extend("format" = "date-time"))]
    pub found_at: String,
    /// Start of the window, inclusive.
    #[schemars(extend("format" = "date-time"))]
    pub start: String,
    /// End of the window, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub end: String,
    /// Currency of the window.
    pub currency: &'static str,
    /// The unusual figure: `orders` or `revenue`.
    pub metric: &'static str,
    /// What the window has: a number of orders, or minor units.
    pub observed: i64,
    /// The median of the weeks before.
    pub expected: i64,
    /// Lower bound of the usual range.
    pub least: i64,
    /// Upper bound of the usual range.
    pub most: i64,
}

impl From<&FoundAnomaly> for AnomalyView {
    fn from(FoundAnomaly { id: event, found_at, anomaly }: &FoundAnomaly) -> Self {
        Self {
            id: id(*event),
            found_at: rfc3339(*found_at),
            start: rfc3339(anomaly.start),
            end: rfc3339(anomaly.end),
            currency: anomaly.currency.code(),
            metric: anomaly.metric.name(),
            observed: anomaly.observed,
            expected: anomaly.expected,
            least: anomaly.least,
            most: anomaly.most,
        }
    }
}

/// A number of charges or refunds, and their total amount.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CountAndAmountView {
    /// Number of charges or refunds.
    pub count: i64,
    /// Their total amount.
    pub amount: SumView,
}

/// Outcomes of payments.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentOutcomesView {
    /// Charges.
    pub paid: CountAndAmountView,
    /// Declined charges.
    pub declined: CountAndAmountView,
    /// Refunds.
    pub refunded: CountAndAmountView,
}

/// Cancelled orders of one reason.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CancellationsView {
    /// Reason of the cancellations.
    pub reason: &'static str,
    /// Number of cancelled orders.
    pub orders: i64,
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

fn outcomes(payments: &Payments, currency: Currency) -> PaymentOutcomesView {
    let view = |CountAndAmount { count, amount }| CountAndAmountView { count, amount: Sum { amount, currency }.into() };
    PaymentOutcomesView {
        paid: view(payments.paid),
        declined: view(payments.declined),
        refunded: view(payments.refunded),
    }
}

fn cancellations(counts: &[(Reason, i64)]) -> Vec<CancellationsView> {
    counts.iter().map(|(reason, orders)| CancellationsView { reason: reason.name(), orders: *orders }).collect()
}

impl WindowView {
    /// The window as it is at `now`.
    pub fn at(window: &Window, now: Timestamp) -> Result<Self, Failure> {
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
            units: window.units,
            first_orders: window.first_orders,
            repeat_orders: window.orders - window.first_orders,
            payments: outcomes(&window.payments, window.revenue.currency),
            cancellations: cancellations(&window.cancellations),
            top_products: window.top_products.iter().map(product).collect(),
            by_region: window.by_region.iter().map(region).collect(),
            is_complete: window.is_complete(now)?,
            revision: window.revision,
        })
    }
}

/// What the windows of a period come to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SummaryView {
    /// Start, inclusive.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// End, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
    /// The watermark: windows that end until then have every record that is not later than allowed (15 minutes).
    #[schemars(extend("format" = "date-time"))]
    pub complete_until: String,
    /// By day of UTC and then by currency.
    pub days: Vec<DayView>,
    /// Best-selling products of the period by units.
    pub top_products: Vec<TopProductView>,
    /// The twenty regions with the most orders.
    pub regions: Vec<RegionView>,
    /// Cancelled orders by reason.
    pub cancellations: Vec<CancellationsView>,
    /// The customers whose last order was in the period.
    pub customers: CustomersView,
    /// Confirmed orders of the last fifteen minutes, by minute; minutes without orders are absent. They are counted about two minutes late.
    pub minutes: Vec<MinuteView>,
}

/// A day of UTC in one currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DayView {
    /// Date in UTC.
    #[schemars(extend("format" = "date"))]
    pub day: String,
    /// Number of confirmed orders.
    pub orders: i64,
    /// Revenue of the confirmed orders.
    pub revenue: SumView,
    /// Revenue per order.
    pub average_order_value: SumView,
    /// Units of all products that were sold.
    pub units: i64,
    /// Number of the orders that are the first ones of their customers.
    pub first_orders: i64,
    /// Number of the other orders.
    pub repeat_orders: i64,
    /// Outcomes of payments.
    pub payments: PaymentOutcomesView,
    /// The hour in which most orders were confirmed; null in a day without orders.
    pub peak_hour: Option<PeakHourView>,
}

/// An hour of many orders.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PeakHourView {
    /// Start, inclusive.
    #[schemars(extend("format" = "date-time"))]
    pub start: String,
    /// Number of confirmed orders.
    pub orders: i64,
}

/// How often customers order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CustomersView {
    /// Customers with one order so far.
    pub once: i64,
    /// Customers with several orders so far.
    pub again: i64,
    /// Mean seconds from an order to the next one of the same customer; null if nobody has several.
    pub seconds_between_orders: Option<i64>,
}

/// Confirmed orders of one minute.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MinuteView {
    /// Start of the minute.
    #[schemars(extend("format" = "date-time"))]
    pub minute: String,
    /// Number of confirmed orders.
    pub orders: i64,
}

impl SummaryView {
    /// The summary of a period as it is at `now`.
    pub fn at(period: &Range<Timestamp>, summary: SalesSummary, now: Timestamp) -> Result<Self, Failure> {
        let product =
            |one: SoldProduct| TopProductView { product_id: id(one.product_id.0), name: one.name, quantity: one.units };
        let region = |one: SoldRegion| RegionView {
            region: one.region,
            orders: one.orders,
            revenue: Sum { amount: one.revenue, currency: one.currency }.into(),
        };
        let CustomerCounts { once, again, seconds_between_orders } = summary.buyers;
        let minute = |one: &MinuteCount| MinuteView { minute: rfc3339(one.minute), orders: one.orders };
        Ok(Self {
            from: rfc3339(period.start),
            to: rfc3339(period.end),
            complete_until: rfc3339(complete_until(now)?),
            days: summary.days.iter().map(day).collect::<Result<_, _>>()?,
            top_products: summary.top_products.into_iter().map(product).collect(),
            regions: summary.regions.into_iter().map(region).collect(),
            cancellations: cancellations(&summary.cancellations),
            customers: CustomersView { once, again, seconds_between_orders },
            minutes: summary.minutes.iter().map(minute).collect(),
        })
    }
}

fn day(day: &Day) -> Result<DayView, Failure> {
    let revenue = Sum { amount: day.revenue, currency: day.currency };
    Ok(DayView {
        day: day.start.strftime("%Y-%m-%d").to_string(),
        orders: day.orders,
        revenue: revenue.into(),
        average_order_value: average(revenue, day.orders)?.into(),
        units: day.units,
        first_orders: day.first_orders,
        repeat_orders: day.orders - day.first_orders,
        payments: outcomes(&day.payments, day.currency),
        peak_hour: day.peak_hour.map(|hour| PeakHourView { start: rfc3339(hour.start), orders: hour.orders }),
    })
}
