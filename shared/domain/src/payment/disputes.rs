//! Disputes: a cardholder's bank takes a charge back, and the merchant may object until a deadline.

use super::{DisputeStatus, Payment, PaymentTransition, StatedAmount};
use crate::{
    Money,
    event::{DisputeClosed, DisputeUpdated, PaymentDisputed},
    ledger::Purpose,
};
use kernel::{Failure, Timestamp};
use serde::{Deserialize, Serialize};

/// A dispute as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedDispute {
    /// The gateway's id of the charge.
    pub charge: String,
    /// The gateway's id of the dispute.
    pub dispute_id: String,
    pub amount: StatedAmount,
    /// The bank's reason, in the gateway's words.
    pub reason: String,
    pub status: DisputeStatus,
    /// Until when evidence is accepted.
    pub evidence_due_by: Option<Timestamp>,
    /// What the gateway withdrew, with its fee; `None` if the report does not state it.
    pub withdrawal: Option<DisputeTransfer>,
    /// What it returned.
    pub reversal: Option<DisputeTransfer>,
}

/// Money that a dispute withdraws or returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeTransfer {
    pub amount: StatedAmount,
    pub fee: StatedAmount,
}

/// A dispute of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The gateway's id.
    pub id: String,
    pub amount: Money,
    pub reason: String,
    pub status: DisputeStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_due_by: Option<Timestamp>,
    /// What is posted to the ledger: `None` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_returned: Option<Money>,
    /// When it was first reported.
    pub opened_at: Timestamp,
}

/// Records what the gateway reports about a dispute. `None` if nothing is new: reports may be repeated and arrive in any order. Each
/// movement of money is posted once.
///
/// `Unavailable` if the payment has no charge yet; a dispute of a duplicate charge, or of one of another amount than was
/// asked, changes nothing: the ledger does not have it, or has returned it.
pub fn record_dispute(
    payment: &Payment,
    reported: &ReportedDispute,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    match &payment.transaction_id {
        None if payment.is_for_review(&reported.charge) => return Ok(None),
        None => return Err(Failure::unavailable("payment", "a dispute is reported before its charge")),
        Some(charge) if *charge != reported.charge => return Ok(None),
        Some(_) => {}
    }
    let known = payment.disputes.iter().find(|dispute| dispute.id == reported.dispute_id);
    let amount = reported.amount.to_money().or(known.map(|known| known.amount)).unwrap_or(payment.amount);
    let before = known.cloned().unwrap_or_else(|| Dispute {
        id: reported.dispute_id.clone(),
        amount,
        reason: reported.reason.clone(),
        status: reported.status,
        evidence_due_by: reported.evidence_due_by,
        withdrawn: None,
        fee: None,
        returned: None,
        fee_returned: None,
        opened_at: now,
    });
    let after = updated(&before, amount, reported);
    if known == Some(&after) {
        return Ok(None);
    }
    let mut change = PaymentTransition::of(payment, payment.status, now);
    change.post_dispute(&before, &after, now);
    change.push_events(known, &after);
    change.payment.disputes.retain(|dispute| dispute.id != after.id);
    change.payment.disputes.push(after);
    change.payment.disputes.sort_by_key(|dispute| dispute.opened_at);
    Ok(Some(change))
}

/// The dispute after a report. What is posted does not change any more.
fn updated(before: &Dispute, amount: Money, reported: &ReportedDispute) -> Dispute {
    let mut after = before.clone();
    if reported.status >= before.status && !before.status.is_final() {
        (after.amount, after.status, after.reason) = (amount, reported.status, reported.reason.clone());
        after.evidence_due_by = reported.evidence_due_by.or(before.evidence_due_by);
    }
    let (withdrawal, reversal) = (reported.withdrawal.as_ref(), reported.reversal.as_ref());
    if let Some(withdrawal) = withdrawal {
        after.withdrawn = after.withdrawn.or(positive(&withdrawal.amount));
        after.fee = after.fee.or(positive(&withdrawal.fee));
    } else if after.status.withdraws() {
        // The gateway withdraws the amount of every dispute; a report without the movement states the fee later.
        after.withdrawn = after.withdrawn.or(Some(after.amount));
    }
    if let Some(reversal) = reversal {
        after.returned = after.returned.or(positive(&reversal.amount));
        after.fee_returned = after.fee_returned.or(positive(&reversal.fee));
    } else if after.status == DisputeStatus::Won && after.returned.is_none() {
        (after.returned, after.fee_returned) = (after.withdrawn, after.fee);
    }
    after
}

fn positive(stated: &StatedAmount) -> Option<Money> {
    stated.to_money().filter(|money| money.amount.get() > 0)
}

impl PaymentTransition {
    /// Posts what a report adds to a dispute.
    fn post_dispute(&mut self, before: &Dispute, after: &Dispute, now: Timestamp) {
        for (purpose, was, is) in [
            (Purpose::Dispute, before.withdrawn, after.withdrawn),
            (Purpose::DisputeFee, before.fee, after.fee),
            (Purpose::DisputeReversal, before.returned, after.returned),
            (Purpose::DisputeFeeReversal, before.fee_returned, after.fee_returned),
        ] {
            if let (None, Some(amount)) = (was, is) {
                self.post(purpose, &after.id, None, amount, now);
            }
        }
    }

    fn push_events(&mut self, known: Option<&Dispute>, dispute: &Dispute) {
        let (payment_id, order_id, dispute_id) = (self.payment.id, self.payment.order_id, dispute.id.clone());
        let Dispute { amount, status, evidence_due_by, .. } = *dispute;
        if known.is_none() {
            let (reason, dispute_id) = (dispute.reason.clone(), dispute_id.clone());
            let opened = PaymentDisputed { payment_id, order_id, dispute_id, amount, reason, status, evidence_due_by };
            self.events.push(opened.into());
        }
        let was_final = known.is_some_and(|known| known.status.is_final());
        if status.is_final() && !was_final {
            let returned = dispute.returned;
            self.events.push(DisputeClosed { payment_id, order_id, dispute_id, amount, status, returned }.into());
        } else if known.is_some() {
            self.events.push(DisputeUpdated { payment_id, order_id, dispute_id, status, evidence_due_by }.into());
        }
    }
}
