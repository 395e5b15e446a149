//! Analytics windows: what is added up per five minutes of event time and currency.

mod analytics_record;
pub mod anomaly;
mod closing;
mod entry;
mod summary;

pub use analytics_record::{
    AnalyticsRecord, Cancellation, Erasure, PaymentAmount, Sale, SoldLine, StreamRecord, stream_record,
};
pub use closing::{ChangedWindow, FoundAnomaly, WindowRevision, closing};
pub use entry::{Counted, WindowEntry, erased_customer, window_entry};
pub use summary::{CustomerCounts, Day, MinuteCount, PeakHour, RATE_MINUTES, SalesSummary, SoldProduct, SoldRegion};

pub use crate::event::CountAndAmount;
use crate::{Money, id::ProductId, money::Currency, order_status::Reason};
use kernel::{Failure, Timestamp, seconds_after};
use serde::{Deserialize, Serialize};

/// Length of a window in seconds.
pub const WINDOW_SECONDS: i64 = 300;

/// How long after the end of a window its records may be counted before it is closed: longer than the feed and the stream gather (a minute
/// each) together with the longest time between two attempts (a quarter of an hour in a queue less what was waited before). A record that is
/// later still corrects its window, whose next revision is then published.
pub const ALLOWED_LATENESS_SECONDS: i64 = 15 * 60;

/// How old an event may be to be counted, in days. The ids of counted events are kept for a day longer (`counted_events`), so that one that
/// is redelivered while it may still be counted is recognized. An older one cannot be distinguished from one that was counted, and is left out.
pub const COUNTED_DAYS: i64 = 31;

/// Whether an event that happened at `at` is counted if it comes `now`. One from the future is: it adds to the window of its time, and does not move
/// the watermark.
pub fn is_counted(at: Timestamp, now: Timestamp) -> Result<bool, Failure> {
    Ok(at >= seconds_after(now, -COUNTED_DAYS * 24 * 3600)?)
}

/// The start of the window that contains `at`: `at` is in `[start, start + 5 minutes)`.
pub fn start(at: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(at, -at.as_second().rem_euclid(WINDOW_SECONDS))
}

/// The watermark: every window that ends until then has all records that are not later than allowed.
///
/// It follows the clock, because a shop without orders has complete windows, too. If the stream stops for longer than the allowed lateness, the
/// alarm on its iterator age fires, and its windows are corrected when it resumes.
pub fn complete_until(now: Timestamp) -> Result<Timestamp, Failure> {
    start(seconds_after(now, -ALLOWED_LATENESS_SECONDS)?)
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

/// Outcomes of payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payments {
    pub paid: CountAndAmount,
    pub declined: CountAndAmount,
    pub refunded: CountAndAmount,
}

/// The totals of a window in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Start, inclusive.
    pub start: Timestamp,
    /// Number of confirmed orders.
    pub orders: i64,
    pub revenue: Sum,
    /// Units of all products that were sold.
    pub units: i64,
    /// Number of the orders that are the first ones of their customers.
    pub first_orders: i64,
    pub payments: Payments,
    /// Cancelled orders by reason, in the order of its words.
    pub cancellations: Vec<(Reason, i64)>,
    /// Best-selling products by units: id, name, units.
    pub top_products: Vec<(ProductId, String, i64)>,
    /// Regions: name, orders, revenue in minor units.
    pub by_region: Vec<(String, i64, i64)>,
    /// Number of the revision: raised by the first change after the one before was published.
    pub revision: i64,
}

impl Window {
    /// A window of nothing.
    pub const fn empty(start: Timestamp, currency: Currency) -> Self {
        let nothing = CountAndAmount { count: 0, amount: 0 };
        Self {
            start,
            orders: 0,
            revenue: Sum { amount: 0, currency },
            units: 0,
            first_orders: 0,
            payments: Payments { paid: nothing, declined: nothing, refunded: nothing },
            cancellations: vec![],
            top_products: vec![],
            by_region: vec![],
            revision: 1,
        }
    }

    /// Whether every record that is not later than allowed is counted.
    pub fn is_complete(&self, now: Timestamp) -> Result<bool, Failure> {
        Ok(self.end()? <= complete_until(now)?)
    }

    /// End, exclusive.
    pub fn end(&self) -> Result<Timestamp, Failure> {
        seconds_after(self.start, WINDOW_SECONDS)
    }

    /// Revenue per order, rounded half up; 0 without orders.
    pub fn average_order_value(&self) -> Result<Sum, Failure> {
        average(self.revenue, self.orders)
    }
}

/// Revenue per order, rounded half up; 0 without orders.
pub fn average(revenue: Sum, orders: i64) -> Result<Sum, Failure> {
    let (minor, orders) = (i128::from(revenue.amount), i128::from(orders));
    let average = if orders == 0 { 0 } else { (minor + orders / 2) / orders };
    Ok(Sum { amount: i64::try_from(average).map_err(Failure::internal)?, ..revenue })
}

/// Maximum length of a listed period in days.
pub const MAX_SPAN_DAYS: i64 = 31;
const MAX_SPAN_SECONDS: i64 = MAX_SPAN_DAYS * 24 * 3600;

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
        Err(Failure::field("?from", format!("must be at most {MAX_SPAN_DAYS} days before to")))
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
        let empty = Window::empty(Timestamp::UNIX_EPOCH, Currency::parse("USD").expect("a currency"));
        let window =
            |orders, minor| Window { orders, revenue: Sum { amount: minor, ..empty.revenue }, ..empty.clone() };
        assert_eq!(window(2, 5).average_order_value().expect("fits").amount, 3);
        assert_eq!(window(3, 10).average_order_value().expect("fits").amount, 3);
        assert_eq!(window(1, i64::MAX).average_order_value().expect("fits").amount, i64::MAX);
        assert_eq!(window(0, 0).average_order_value().expect("fits").amount, 0);
    }

    #[test]
    fn window_ends_where_the_next_one_starts() {
        let window = Window::empty(at("2026-11-21T08:45:00Z"), Currency::parse("USD").expect("a currency"));
        assert_eq!(window.end(), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn window_is_complete_when_its_end_is_older_than_the_allowed_lateness() {
        let window = Window::empty(at("2026-11-21T08:45:00Z"), Currency::parse("USD").expect("a currency"));
        assert_eq!(window.is_complete(at("2026-11-21T09:04:59Z")), Ok(false));
        assert_eq!(window.is_complete(at("2026-11-21T09:05:00Z")), Ok(true));
        assert_eq!(complete_until(at("2026-11-21T09:09:59Z")), Ok(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn event_is_counted_until_it_is_31_days_old() {
        let now = at("2026-11-21T08:45:00Z");
        for (time, is_counted_now) in [
            ("2025-11-21T08:45:00Z", false),
            ("2026-10-21T08:44:59.999Z", false),
            ("2026-10-21T08:45:00Z", true),
            ("2027-11-21T08:45:00Z", true),
        ] {
            assert_eq!(is_counted(at(time), now), Ok(is_counted_now), "{time}");
        }
    }

    #[test]
    fn ids_of_counted_events_are_kept_while_these_events_may_be_counted_again() {
        let kept = catalog::swept_tables().find(|one| one.table == "analytics.counted_events");
        let kept = kept.expect("a retention");
        assert_eq!(kept.since, "window_start");
        let margin = i64::from(kept.days) * 24 * 3600 - COUNTED_DAYS * 24 * 3600;
        assert!(
            margin >= WINDOW_SECONDS,
            "an event is younger than the start of its window by {WINDOW_SECONDS} s at most"
        );
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
