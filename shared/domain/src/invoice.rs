//! Invoices: a number without gaps in its series, and a document that never changes.

use crate::{
    Money,
    address::Address,
    event::OrderConfirmed,
    id::{OrderId, PaymentId, UserId},
    order::OrderLine,
};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// What an invoice says, all but its number, which the store gives out in the transaction that keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Of which order.
    pub order_id: OrderId,
    /// For whom.
    pub user_id: UserId,
    /// What.
    pub lines: Vec<OrderLine>,
    /// For how much.
    pub total: Money,
    /// To where it goes; the customer's account has no other address.
    pub address: Address,
    /// The payment that settles it; the gateway's record of the charge names it, too.
    pub payment_id: PaymentId,
    /// Day of the invoice.
    pub issued_at: Timestamp,
}

/// An invoice with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Position in the series, from 1.
    pub position: i64,
    /// The series: the calendar year.
    pub series: String,
    /// What it says.
    pub draft: Draft,
}

/// Drafts the invoice of a confirmed order.
pub fn draft(order: OrderConfirmed, confirmed_at: Timestamp) -> Draft {
    Draft {
        order_id: order.order_id,
        user_id: order.user_id,
        lines: order.lines,
        total: order.total_amount,
        address: order.shipping_address,
        payment_id: order.payment_id,
        issued_at: confirmed_at,
    }
}

impl Draft {
    /// The series that its number is of: invoices are numbered by calendar year, in UTC.
    pub fn series(&self) -> String {
        self.issued_at.strftime("%Y").to_string()
    }
}

impl Invoice {
    /// The number as people read it: `2026-000042`.
    pub fn number(&self) -> String {
        format!("{}-{:06}", self.series, self.position)
    }

    /// Where the document lies in its bucket.
    pub fn key(&self) -> String {
        format!("{}/{}.pdf", self.series, self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issued(at: &str) -> Invoice {
        let draft: Draft = serde_json::from_value(json!({
            "order_id": kernel::Uuid::nil(), "user_id": kernel::Uuid::nil(), "payment_id": kernel::Uuid::nil(), "lines": [],
            "total": { "amount": 1, "currency": "USD" }, "issued_at": at, "address": {
                "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
            },
        }))
        .expect("a draft");
        Invoice { position: 42, series: draft.series(), draft }
    }

    #[test]
    fn the_series_is_the_year_in_utc_and_the_number_says_it() {
        let last = issued("2026-12-31T23:59:59.999999Z");
        assert_eq!((last.series.as_str(), last.number().as_str()), ("2026", "2026-000042"));
        assert_eq!(issued("2027-01-01T00:00:00Z").series, "2027");
        assert_eq!(Invoice { position: 1_234_567, ..last }.number(), "2026-1234567");
    }

    #[test]
    fn the_document_lies_under_its_series_by_its_number() {
        assert_eq!(issued("2026-11-21T08:45:00Z").key(), "2026/2026-000042.pdf");
    }
}
