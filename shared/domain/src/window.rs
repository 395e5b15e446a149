//! Windows of analytics: five minutes of event time.

use crate::{Money, event::OrderConfirmed, id::ProductId, money::Currency, text::ProductName};
use kernel::{Failure, Timestamp, Uuid};

/// Length of a window in seconds.
pub const WINDOW_SECONDS: i64 = 300;

/// Start of the window that an instant belongs to: it lies in `[start, start + 5 minutes)`.
pub fn start(at: Timestamp) -> Result<Timestamp, Failure> {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(WINDOW_SECONDS)).map_err(Failure::internal)
}

/// What one confirmed order adds to its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyticsRecord {
    /// The event that says so; it counts once.
    pub event_id: Uuid,
    /// Start of its window.
    pub window: Timestamp,
    /// What it brought in.
    pub revenue: Money,
    /// Country and region it goes to: `US-CA`.
    pub region: String,
    /// Product, its name, and pieces.
    pub products: Vec<(ProductId, ProductName, u32)>,
}

/// Reads the fact off an event that happened `at`.
pub fn analytics_record(event_id: Uuid, at: Timestamp, order: &OrderConfirmed) -> Result<AnalyticsRecord, Failure> {
    let address = &order.shipping_address;
    Ok(AnalyticsRecord {
        event_id,
        window: start(at)?,
        revenue: order.total_amount,
        region: format!("{}-{}", address.country.as_str(), address.region.as_str()),
        products: order
            .lines
            .iter()
            .map(|line| (line.product_id, line.product_name.clone(), line.quantity.get()))
            .collect(),
    })
}

/// Most regions that a window names: those that brought in most.
pub const MAX_REGIONS: usize = 20;

/// Minor units of many orders together, of one currency. [`Money`] ends where one order may; this does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Minor units, never negative.
    pub amount: i64,
    /// Of this currency.
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

/// A window, added up, for one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Start, inclusive.
    pub start: Timestamp,
    /// Confirmed orders.
    pub orders: i64,
    /// What they brought in.
    pub revenue: Sum,
    /// Best selling products by pieces: id, name, pieces.
    pub top_products: Vec<(ProductId, String, i64)>,
    /// By region: name, orders, minor units of revenue.
    pub by_region: Vec<(String, i64, i64)>,
}

impl Window {
    /// End, exclusive.
    pub fn end(&self) -> Result<Timestamp, Failure> {
        Timestamp::from_second(self.start.as_second() + WINDOW_SECONDS).map_err(Failure::internal)
    }

    /// Revenue over orders, in minor units, rounded half up; nothing for a window without orders.
    pub fn average_order_value(&self) -> Result<Sum, Failure> {
        let (revenue, orders) = (i128::from(self.revenue.amount), i128::from(self.orders));
        let average = if orders == 0 { 0 } else { (revenue + orders / 2) / orders };
        Ok(Sum { amount: i64::try_from(average).map_err(Failure::internal)?, ..self.revenue })
    }
}

/// The longest span of one list, in seconds: a month of windows.
pub const MAX_SPAN_SECONDS: i64 = 31 * 24 * 3600;

/// The span `[from, to)` of a list: up to now, and a day long, where nothing else is said.
pub fn span(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Result<std::ops::Range<Timestamp>, Failure> {
    let end = to.unwrap_or(now);
    let start = match from {
        Some(from) => from,
        None => Timestamp::from_second(end.as_second() - 24 * 3600).map_err(Failure::internal)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_window_holds_its_first_instant_and_not_its_last() {
        let first = at("2026-11-21T08:45:00Z");
        assert_eq!(start(first), Ok(first));
        assert_eq!(start(at("2026-11-21T08:49:59.999Z")), Ok(first));
        assert_eq!(start(at("2026-11-21T08:50:00Z")), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn the_average_is_rounded_half_up_and_zero_without_orders() {
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
    fn a_window_ends_where_the_next_one_begins() {
        let revenue = Sum::new(0, "USD").expect("valid");
        let window =
            Window { start: at("2026-11-21T08:45:00Z"), orders: 0, revenue, top_products: vec![], by_region: vec![] };
        assert_eq!(window.end(), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn a_sum_may_be_more_than_one_order_may_and_never_less_than_nothing() {
        assert_eq!(Sum::new(i64::MAX, "USD").map(|sum| sum.amount), Ok(i64::MAX));
        assert_eq!(Sum::new(-1, "USD"), Err("must not be negative".to_owned()));
        let money = Money::new(1999, "JPY").expect("valid");
        assert_eq!(Sum::from(money), Sum::new(1999, "JPY").expect("valid"));
    }

    #[test]
    fn a_span_is_the_last_day_unless_something_else_is_said_and_a_month_at_most() {
        let (now, first) = (at("2026-11-21T08:45:00Z"), at("2026-10-21T08:45:00Z"));
        assert_eq!(span(None, None, now), Ok(at("2026-11-20T08:45:00Z")..now));
        assert_eq!(span(None, Some(first), now), Ok(at("2026-10-20T08:45:00Z")..first));
        assert_eq!(span(Some(first), None, now), Ok(first..now));
        let pointer = |span: Result<_, Failure>| span.expect_err("refused").fields[0].pointer.clone();
        assert_eq!(pointer(span(Some(at("2026-10-21T08:44:59Z")), None, now)), "?from");
        assert_eq!(pointer(span(Some(now), None, now)), "?to");
        assert_eq!(pointer(span(Some(now), Some(first), now)), "?to");
    }
}
