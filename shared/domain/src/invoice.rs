//! Invoices: consecutive numbers within a series, and immutable documents.

use crate::{
    Money,
    address::Address,
    event::{InvoiceIssued, OrderConfirmed},
    id::{OrderId, PaymentId, UserId},
    order_line::OrderLine,
    totals::Totals,
};
use kernel::{Date, TimeZone, Timestamp};
use serde::{Deserialize, Serialize};

/// The content of an invoice without its number and date, which the store assigns together in the statement that stores the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub order_id: OrderId,
    pub user_id: UserId,
    pub lines: Vec<OrderLine>,
    /// What the total consists of, as the order has it.
    pub totals: Totals,
    pub total: Money,
    /// The shipping address; orders have no separate billing address.
    pub address: Address,
    /// The payment of the order; the gateway's charge refers to it, too.
    pub payment_id: PaymentId,
    pub seller: Seller,
}

/// Who sells: name, address and tax number, as lines of text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller(Vec<String>);

impl Seller {
    /// Parses 1 to 8 lines of up to 60 characters, separated by `|`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<String> = text.split('|').map(|line| line.trim().to_owned()).collect();
        let fits = |line: &String| (1..=60).contains(&line.chars().count()) && !line.chars().any(char::is_control);
        match lines.len() <= 8 && lines.iter().all(fits) {
            true => Ok(Self(lines)),
            false => Err("must have 1 to 8 lines of 1 to 60 characters, separated by |".to_owned()),
        }
    }

    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Position in the series, from 1.
    pub position: i64,
    /// The year in which the series began.
    pub series: String,
    /// Date of issue, in the time zone of the series. It never runs backwards within a series.
    pub issued_on: Date,
    /// When it was issued.
    pub issued_at: Timestamp,
    pub draft: Draft,
}

/// Creates the draft of a confirmed order's invoice.
pub fn draft(order: OrderConfirmed, seller: Seller) -> Draft {
    let total = order.total_amount;
    Draft {
        order_id: order.order_id,
        user_id: order.user_id,
        lines: order.lines,
        totals: order.totals.unwrap_or_else(|| Totals::untaxed(total)),
        total,
        address: order.shipping_address,
        payment_id: order.payment_id,
        seller,
    }
}

/// The calendar of the series: the time zone in which a day begins, and the day on which a year begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    /// Month and day.
    year_begins: (i8, i8),
}

impl Calendar {
    /// `zone` is an IANA time zone, such as `Europe/Berlin`; `year_begins` a month and day that every year has, such as `01-01`.
    pub fn parse(zone: &str, year_begins: &str) -> Result<Self, String> {
        let zone = TimeZone::get(zone).map_err(|_| format!("{zone:?} is not an IANA time zone"))?;
        // 2001 is no leap year.
        let first: Date = format!("2001-{year_begins}").parse().map_err(|_| format!("{year_begins:?} is not MM-DD"))?;
        Ok(Self { zone, year_begins: (first.month(), first.day()) })
    }

    /// Calendar years in UTC.
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC, year_begins: (1, 1) }
    }

    /// The date in the time zone of the series.
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The series of invoices that are issued on a date: the year in which it began.
    pub fn series(&self, date: Date) -> String {
        let is_before = (date.month(), date.day()) < self.year_begins;
        format!("{:04}", date.year() - i16::from(is_before))
    }
}

impl Invoice {
    /// The formatted number, such as `2026-000042`.
    pub fn number(&self) -> String {
        format!("{}-{:06}", self.series, self.position)
    }

    /// The S3 object key of the document.
    pub fn key(&self) -> String {
        format!("{}/{}.pdf", self.series, self.number())
    }

    /// The event that the invoice of an order is issued.
    pub fn issued(&self, order_id: OrderId) -> InvoiceIssued {
        InvoiceIssued { order_id, number: self.number(), key: self.key() }
    }
}

/// The highest number of a series among the keys of documents; `None` if no key is one of the series.
pub fn highest_number(series: &str, keys: &[String]) -> Option<i64> {
    let prefix = format!("{series}/{series}-");
    let number = |key: &String| key.strip_prefix(&prefix)?.strip_suffix(".pdf")?.parse().ok();
    keys.iter().filter_map(number).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn issued(text: &str) -> Invoice {
        let draft: Draft = serde_json::from_value(json!({
            "order_id": kernel::Uuid::nil(), "user_id": kernel::Uuid::nil(), "payment_id": kernel::Uuid::nil(), "lines": [],
            "totals": Totals::untaxed(Money::new(1, "USD").expect("valid")), "total": { "amount": 1, "currency": "USD" },
            "seller": ["Quayside"], "address": {
                "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
            },
        }))
        .expect("a draft");
        let (calendar, issued_at) = (Calendar::utc(), at(text));
        let issued_on = calendar.date(issued_at);
        Invoice { position: 42, series: calendar.series(issued_on), issued_on, issued_at, draft }
    }

    #[test]
    fn series_is_the_year_and_prefixes_the_number() {
        let last = issued("2026-12-31T23:59:59.999999Z");
        assert_eq!((last.series.as_str(), last.number().as_str()), ("2026", "2026-000042"));
        assert_eq!(issued("2027-01-01T00:00:00Z").series, "2027");
        assert_eq!(Invoice { position: 1_234_567, ..last }.number(), "2026-1234567");
    }

    #[test]
    fn day_and_year_begin_in_the_time_zone_of_the_series() {
        let berlin = Calendar::parse("Europe/Berlin", "01-01").expect("valid");
        let on = |text: &str| (berlin.date(at(text)).to_string(), berlin.series(berlin.date(at(text))));
        assert_eq!(on("2026-12-31T22:59:59Z"), ("2026-12-31".to_owned(), "2026".to_owned()));
        assert_eq!(on("2026-12-31T23:30:00Z"), ("2027-01-01".to_owned(), "2027".to_owned()));
        // Summer time begins on 29 March.
        assert_eq!(on("2026-06-30T22:00:00Z").0, "2026-07-01");
        let new_york = Calendar::parse("America/New_York", "01-01").expect("valid");
        assert_eq!(new_york.series(new_york.date(at("2027-01-01T04:59:59Z"))), "2026");
    }

    #[test]
    fn year_of_a_series_may_begin_on_another_day() {
        let april = Calendar::parse("UTC", "04-01").expect("valid");
        for (date, series) in [("2027-03-31", "2026"), ("2027-04-01", "2027"), ("2027-12-31", "2027")] {
            assert_eq!(april.series(date.parse().expect("a date")), series, "{date}");
        }
    }

    #[test]
    fn calendar_names_what_is_wrong() {
        for (zone, begins) in
            [("Mars/Olympus", "01-01"), ("UTC", "02-29"), ("UTC", "13-01"), ("UTC", "1 April"), ("", "01-01")]
        {
            let error = Calendar::parse(zone, begins).expect_err("invalid");
            assert!(error.contains(zone) || error.contains(begins), "{error}");
        }
    }

    #[test]
    fn seller_is_a_few_short_lines() {
        let seller = Seller::parse("Quayside Ltd|1 Harbour Way | VAT IE1234567T").expect("valid");
        assert_eq!(seller.lines(), ["Quayside Ltd", "1 Harbour Way", "VAT IE1234567T"]);
        for bad in ["", "a||b", "a|b|c|d|e|f|g|h|i", "a\nb", &"x".repeat(61)] {
            assert!(Seller::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn object_key_consists_of_series_and_number() {
        assert_eq!(issued("2026-11-21T08:45:00Z").key(), "2026/2026-000042.pdf");
    }

    #[test]
    fn highest_number_is_that_of_the_series_and_not_of_the_sort_order() {
        let keys = ["2026/2026-999999.pdf", "2026/2026-1000000.pdf", "2026/2026-x.pdf", "CN-2026/CN-2026-2000000.pdf"];
        let keys = keys.map(str::to_owned);
        assert_eq!(highest_number("2026", &keys), Some(1_000_000));
        assert_eq!(highest_number("CN-2026", &keys), Some(2_000_000));
        assert_eq!(highest_number("2027", &keys), None);
    }
}
