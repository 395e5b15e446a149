//! Analytics windows: orders and revenue per five minutes of event time.

mod facts;

pub use facts::{Cancellation, Erasure, Fact, Movement, Sale, SoldLine, StreamRecord, stream_record};

use crate::{Money, address::Area, id::ProductId, money::Currency, text::ProductName};
use kernel::{Failure, Timestamp, Uuid, seconds_after};

/// Length of a window in seconds.
pub const WINDOW_SECONDS: i64 = 300;

/// The start of the window that contains `at`: `at` is in `[start, start + 5 minutes)`.
pub fn start(at: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(at, -at.as_second().rem_euclid(WINDOW_SECONDS))
}

/// The contribution of one confirmed order to its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyticsRecord {
    /// Id of the event; windows count each event once.
    pub event_id: Uuid,
    /// Start of the window.
    pub window: Timestamp,
    pub revenue: Money,
    /// Country and region of the shipping address, such as `US-CA`.
    pub region: Area,
    /// Products with name and units.
    pub products: Vec<(ProductId, ProductName, u32)>,
}

/// The contribution of a record of the stream, in the window of the time at which its order was confirmed; `None` if it adds nothing.
pub fn analytics_record(record: &StreamRecord) -> Result<Option<AnalyticsRecord>, Failure> {
    let Fact::Sold(Sale { revenue, area, lines, .. }) = &record.event else { return Ok(None) };
    Ok(Some(AnalyticsRecord {
        event_id: record.id,
        window: start(record.time)?,
        revenue: *revenue,
        region: area.clone(),
        products: lines.iter().map(|line| (line.product_id, line.product_name.clone(), line.quantity)).collect(),
    }))
}

/// Maximum number of regions in a window; those with the highest revenue are listed.
pub const MAX_REGIONS: usize = 20;

/// A sum over many orders in one currency. Unlike [`Money`] it has no upper limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Minor units, not negative.
    pub amount: i64,
    pub currency: Currency,
}

impl Sum {
    /// `minor` units of the currency `code`.
    pub fn new(minor: i64, code: &str) -> Result<Self, String> {
        match minor {
            0.. => Ok(Self { amount: minor, currency: Currency::parse(code)? }),
            _ => Err("must not be negative".to_owned()),
        }
    }
}

impl From<Money> for Sum {
    fn from(money: Money) -> Self {
        Self { amount: money.amount.get(), currency: money.currency }
    }
}

/// The totals of a window in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Start, inclusive.
    pub start: Timestamp,
    /// Number of confirmed orders.
    pub orders: i64,
    pub revenue: Sum,
    /// Best-selling products by units: id, name, units.
    pub top_products: Vec<(ProductId, String, i64)>,
    /// Regions: name, orders, revenue in minor units.
    pub by_region: Vec<(String, i64, i64)>,
}

impl Window {
    /// End, exclusive.
    pub fn end(&self) -> Result<Timestamp, Failure> {
        seconds_after(self.start, WINDOW_SECONDS)
    }

    /// Revenue per order, rounded half up; 0 without orders.
    pub fn average_order_value(&self) -> Result<Sum, Failure> {
        let (revenue, orders) = (i128::from(self.revenue.amount), i128::from(self.orders));
        let average = if orders == 0 { 0 } else { (revenue + orders / 2) / orders };
        Ok(Sum { amount: i64::try_from(average).map_err(Failure::internal)?, ..self.revenue })
    }
}

/// Maximum length of a listed period in seconds: 31 days.
pub const MAX_SPAN_SECONDS: i64 = 31 * 24 * 3600;

/// The period `[from, to)` to list. `to` defaults to now, `from` to a day before `to`.
pub fn span(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Result<std::ops::Range<Timestamp>, Failure> {
    let end = to.unwrap_or(now);
    let start = match from {
        Some(from) => from,
        None => seconds_after(end, -24 * 3600)?,
    };
    let length = end.as_second() - start.as_second();
    if start >= end {
        Err(Failure::field("?to", "must be after from"))
    } else if length > MAX_SPAN_SECONDS {
        Err(Failure::field("?from", "must be at most 31 days before to"))
    } else {
        Ok(start..end)
    }
}

/// The longest period until now.
pub fn last_month(now: Timestamp) -> Result<std::ops::Range<Timestamp>, Failure> {
    Ok(seconds_after(now, -MAX_SPAN_SECONDS)?..now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn window_includes_its_start_and_excludes_its_end() {
        let first = at("2026-11-21T08:45:00Z");
        assert_eq!(start(first), Ok(first));
        assert_eq!(start(at("2026-11-21T08:49:59.999Z")), Ok(first));
        assert_eq!(start(at("2026-11-21T08:50:00Z")), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn average_is_rounded_half_up_and_zero_without_orders() {
        let window = |orders, minor| Window {
            start: Timestamp::UNIX_EPOCH,
            orders,
            revenue: Sum::new(minor, "USD").expect("valid"),
            top_products: vec![],
            by_region: vec![],
        };
        assert_eq!(window(2, 5).average_order_value().expect("fits").amount, 3);
        assert_eq!(window(3, 10).average_order_value().expect("fits").amount, 3);
        assert_eq!(window(1, i64::MAX).average_order_value().expect("fits").amount, i64::MAX);
        assert_eq!(window(0, 0).average_order_value().expect("fits").amount, 0);
    }

    #[test]
    fn window_ends_where_the_next_one_starts() {
        let revenue = Sum::new(0, "USD").expect("valid");
        let window =
            Window { start: at("2026-11-21T08:45:00Z"), orders: 0, revenue, top_products: vec![], by_region: vec![] };
        assert_eq!(window.end(), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn sum_may_exceed_the_maximum_amount_but_is_not_negative() {
        assert_eq!(Sum::new(i64::MAX, "USD").map(|sum| sum.amount), Ok(i64::MAX));
        assert_eq!(Sum::new(-1, "USD"), Err("must not be negative".to_owned()));
        let money = Money::new(1999, "JPY").expect("valid");
        assert_eq!(Sum::from(money), Sum::new(1999, "JPY").expect("valid"));
    }

    #[test]
    fn span_defaults_to_the_last_day_and_is_at_most_31_days() {
        let (now, first) = (at("2026-11-21T08:45:00Z"), at("2026-10-21T08:45:00Z"));
        assert_eq!(span(None, None, now), Ok(at("2026-11-20T08:45:00Z")..now));
        assert_eq!(span(None, Some(first), now), Ok(at("2026-10-20T08:45:00Z")..first));
        assert_eq!(span(Some(first), None, now), Ok(first..now));
        let pointer = |span: Result<_, Failure>| span.expect_err("rejected").fields[0].pointer.clone();
        assert_eq!(pointer(span(Some(at("2026-10-21T08:44:59Z")), None, now)), "?from");
        assert_eq!(pointer(span(Some(now), None, now)), "?to");
        assert_eq!(pointer(span(Some(now), Some(first), now)), "?to");
    }
}
