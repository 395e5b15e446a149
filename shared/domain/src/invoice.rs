//! Invoices: consecutive numbers within a series, and immutable documents.

use crate::{
    Money,
    address::Address,
    event::OrderConfirmed,
    id::{OrderId, PaymentId, UserId},
    order_line::OrderLine,
};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// The content of an invoice without its number, which the store assigns in the transaction that stores the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub order_id: OrderId,
    pub user_id: UserId,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    /// The shipping address; orders have no separate billing address.
    pub address: Address,
    /// The payment of the order; the gateway's charge refers to it, too.
    pub payment_id: PaymentId,
    /// Date of the invoice: when the order was confirmed.
    pub issued_at: Timestamp,
}

/// A numbered invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Position in the series, from 1.
    pub position: i64,
    /// Calendar year.
    pub series: String,
    pub draft: Draft,
}

/// Creates the draft of a confirmed order's invoice.
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
    /// The series of the invoice: its calendar year in UTC.
    pub fn series(&self) -> String {
        self.issued_at.strftime("%Y").to_string()
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
    fn series_is_the_year_in_utc_and_prefixes_the_number() {
        let last = issued("2026-12-31T23:59:59.999999Z");
        assert_eq!((last.series.as_str(), last.number().as_str()), ("2026", "2026-000042"));
        assert_eq!(issued("2027-01-01T00:00:00Z").series, "2027");
        assert_eq!(Invoice { position: 1_234_567, ..last }.number(), "2026-1234567");
    }

    #[test]
    fn object_key_consists_of_series_and_number() {
        assert_eq!(issued("2026-11-21T08:45:00Z").key(), "2026/2026-000042.pdf");
    }
}
