//! Credit notes: one for each refund of an invoiced order, in a series of their own.
//!
//! The tax of a refund is its share of the invoice's tax, by rate. Shares are differences of cumulative ones, so that those of all refunds
//! add up to the invoice when everything is refunded. A refund that a bank returns leaves its credit note, which was sent; a further
//! document of the series cancels it.

use crate::{
    Money,
    address::Address,
    id::{OrderId, PaymentId, RefundId, UserId},
    invoice::{Calendar, Invoice, Seller},
    money::{Rounding, SumError},
    totals::TaxLine,
};
use kernel::{Date, Failure, Timestamp};
use serde::{Deserialize, Serialize};

/// A refund that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub refund_id: RefundId,
    pub order_id: OrderId,
    pub amount: Money,
    /// Sum of all refunds of the payment up to this one.
    pub refunded: Money,
}

/// A refund with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedRefund {
    pub refund: Refund,
    /// Whether it failed after it was made: a bank returned the money.
    pub is_returned: bool,
}

/// The content of a credit note without its number and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub refund: Refund,
    pub user_id: UserId,
    /// The invoice that it corrects.
    pub invoice_number: String,
    pub invoice_issued_on: Date,
    /// Whether `taxed` of the lines includes the tax.
    pub tax_included: bool,
    /// The part of the invoice's tax that is refunded, by rate.
    pub taxes: Vec<TaxLine>,
    pub seller: Seller,
    pub address: Address,
    pub payment_id: PaymentId,
    /// Number of the credit note that this one cancels, because its refund was returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancels: Option<String>,
}

/// A numbered credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    /// Position in the series, from 1.
    pub position: i64,
    pub series: String,
    /// Date of issue, which never runs backwards within a series.
    pub issued_on: Date,
    pub issued_at: Timestamp,
    pub draft: Draft,
}

/// The series of credit notes that are issued on a date.
pub fn series(calendar: &Calendar, date: Date) -> String {
    format!("CN-{}", calendar.series(date))
}

/// Drafts the credit note of a refund of an invoiced order. A refund in another currency, or of more than the invoice, is `Internal`.
pub fn draft(invoice: &Invoice, refund: Refund) -> Result<Draft, Failure> {
    let broken = |_| Failure::internal(format!("the refund {} does not fit its invoice", refund.refund_id));
    let total = invoice.draft.total;
    let before = refund.refunded.minus(refund.amount).map_err(broken)?;
    total.minus(refund.refunded).map_err(broken)?;
    let share = |of: Money| -> Result<Money, SumError> {
        let part = |refunded: Money| of.share(units(refunded), units(total), Rounding::HalfUp);
        part(refund.refunded)?.minus(part(before)?)
    };
    let line = |line: &TaxLine| Ok(TaxLine { rate: line.rate, taxed: share(line.taxed)?, amount: share(line.amount)? });
    let taxes = invoice.draft.totals.taxes.iter().map(line).collect::<Result<_, SumError>>().map_err(broken)?;
    Ok(Draft {
        refund,
        user_id: invoice.draft.user_id,
        invoice_number: invoice.number(),
        invoice_issued_on: invoice.issued_on,
        tax_included: invoice.draft.totals.tax_included,
        taxes,
        seller: invoice.draft.seller.clone(),
        address: invoice.draft.address.clone(),
        payment_id: invoice.draft.payment_id,
        cancels: None,
    })
}

/// Drafts the document that cancels `note`: it takes back the same amounts.
pub fn cancellation(note: &CreditNote) -> Draft {
    Draft { cancels: Some(note.number()), ..note.draft.clone() }
}

fn units(money: Money) -> u64 {
    money.amount.get().unsigned_abs()
}

impl CreditNote {
    /// The formatted number, such as `CN-2026-000042`.
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
    use crate::{invoice, tax::TaxRate, totals::Totals};
    use kernel::Uuid;
    use proptest::prelude::*;
    use serde_json::json;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    fn an_invoice(total: i64, taxes: &[(i64, i64)]) -> Invoice {
        let line = |(taxed, tax): &(i64, i64)| TaxLine {
            rate: TaxRate::parse("19").expect("valid"),
            taxed: usd(*taxed),
            amount: usd(*tax),
        };
        let taxes: Vec<_> = taxes.iter().map(line).collect();
        let totals = Totals { taxes, tax_included: true, ..Totals::untaxed(usd(total)) };
        let draft: invoice::Draft = serde_json::from_value(json!({
            "order_id": Uuid::nil(), "user_id": Uuid::nil(), "payment_id": Uuid::nil(), "lines": [],
            "totals": totals, "total": usd(total), "seller": ["Quayside"],
            "address": { "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US" },
        }))
        .expect("a draft");
        let issued_at: Timestamp = "2026-11-21T08:45:00Z".parse().expect("an instant");
        let issued_on = Calendar::utc().date(issued_at);
        Invoice { position: 42, series: "2026".to_owned(), issued_on, issued_at, draft }
    }

    fn refund(amount: i64, refunded: i64) -> Refund {
        let (refund_id, order_id) = (RefundId(Uuid::nil()), OrderId(Uuid::nil()));
        Refund { refund_id, order_id, amount: usd(amount), refunded: usd(refunded) }
    }

    #[test]
    fn credit_note_refers_to_its_invoice_and_has_its_share_of_the_tax() {
        let draft = draft(&an_invoice(11_900, &[(11_900, 1_900)]), refund(5_950, 5_950)).expect("a draft");
        assert_eq!((draft.invoice_number.as_str(), draft.taxes[0].taxed), ("2026-000042", usd(5_950)));
        assert_eq!((draft.taxes[0].amount, draft.tax_included), (usd(950), true));
    }

    #[test]
    fn credit_note_has_a_number_and_key_of_its_own_series() {
        let draft = draft(&an_invoice(1, &[]), refund(1, 1)).expect("a draft");
        let issued_at: Timestamp = "2026-11-21T08:45:00Z".parse().expect("an instant");
        let issued_on = Calendar::utc().date(issued_at);
        let note = CreditNote { position: 7, series: series(&Calendar::utc(), issued_on), issued_on, issued_at, draft };
        assert_eq!((note.number(), note.key()), ("CN-2026-000007".into(), "CN-2026/CN-2026-000007.pdf".into()));
    }

    #[test]
    fn cancellation_takes_back_the_amounts_of_its_credit_note() {
        let draft = draft(&an_invoice(11_900, &[(11_900, 1_900)]), refund(5_950, 5_950)).expect("a draft");
        let issued_at: Timestamp = "2026-11-21T08:45:00Z".parse().expect("an instant");
        let issued_on = Calendar::utc().date(issued_at);
        let note = CreditNote { position: 7, series: series(&Calendar::utc(), issued_on), issued_on, issued_at, draft };
        let cancelling = cancellation(&note);
        assert_eq!(cancelling.cancels.as_deref(), Some("CN-2026-000007"));
        assert_eq!((cancelling.refund, cancelling.taxes), (note.draft.refund, note.draft.taxes));
    }

    #[test]
    fn refund_that_does_not_fit_the_invoice_is_an_internal_error() {
        for (amount, refunded) in [(2, 101), (3, 2)] {
            assert!(draft(&an_invoice(100, &[]), refund(amount, refunded)).is_err(), "{amount} of {refunded}");
        }
    }

    proptest! {
        #[test]
        fn taxes_of_all_refunds_add_up_to_those_of_the_invoice(
            parts in prop::collection::vec(1..=5_000_i64, 1..=8),
            taxes in prop::collection::vec((0..=9_000_i64, 0..=4_000_i64), 0..=3),
        ) {
            let total: i64 = parts.iter().sum();
            let invoice = an_invoice(total, &taxes);
            let (mut refunded, mut sums) = (0, vec![(0, 0); taxes.len()]);
            for amount in parts {
                refunded += amount;
                let draft = draft(&invoice, refund(amount, refunded)).expect("a draft");
                for (sum, line) in sums.iter_mut().zip(&draft.taxes) {
                    *sum = (sum.0 + line.taxed.amount.get(), sum.1 + line.amount.amount.get());
                }
            }
            prop_assert_eq!(sums, taxes);
        }
    }
}
