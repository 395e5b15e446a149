//! Stripe's disputes (<https://docs.stripe.com/api/disputes/object>).

use super::Ignored;
use domain::payment::{DisputeStatus, DisputeTransfer, ReportedDispute, StatedAmount};
use kernel::Timestamp;
use ports::GatewayReport;
use serde::Deserialize;

/// The members of a dispute that are used.
#[derive(Deserialize)]
pub(super) struct StripeDispute {
    id: String,
    amount: i64,
    currency: String,
    payment_intent: Option<String>,
    #[serde(default)]
    reason: String,
    status: DisputeStatus,
    #[serde(default)]
    evidence_details: Evidence,
    /// What was withdrawn and returned, in the currency of the account. Empty until then.
    #[serde(default)]
    balance_transactions: Vec<BalanceTransaction>,
}

#[derive(Default, Deserialize)]
struct Evidence {
    due_by: Option<i64>,
}

/// A withdrawal has a negative amount and a fee, a return a positive amount and, if the fee is returned, a negative fee.
#[derive(Deserialize)]
struct BalanceTransaction {
    amount: i64,
    #[serde(default)]
    fee: i64,
    currency: String,
}

/// Bytes of the bank's reason that are stored.
const MAX_REASON: usize = 100;

pub(super) fn report(dispute: StripeDispute) -> Result<GatewayReport, Ignored> {
    // Other systems may charge with the same Stripe account what is no payment intent.
    let charge = dispute.payment_intent.ok_or(Ignored::Unrelated)?;
    let sum = |is_wanted: fn(&BalanceTransaction) -> bool| {
        let mut wanted = dispute.balance_transactions.iter().filter(|one| is_wanted(one));
        let first = wanted.next()?;
        let (amount, fee) =
            wanted.fold((first.amount, first.fee), |(amount, fee), one| (amount + one.amount, fee + one.fee));
        let stated = |minor: i64| StatedAmount::new(minor.saturating_abs(), &first.currency);
        Some(DisputeTransfer { amount: stated(amount), fee: stated(fee) })
    };
    let (withdrawal, reversal) = (sum(|one| one.amount < 0), sum(|one| one.amount > 0));
    Ok(GatewayReport::Dispute(ReportedDispute {
        charge,
        dispute_id: dispute.id,
        amount: StatedAmount::new(dispute.amount, &dispute.currency),
        reason: dispute.reason.chars().take(MAX_REASON).collect(),
        status: dispute.status,
        evidence_due_by: dispute.evidence_details.due_by.and_then(|at| Timestamp::from_second(at).ok()),
        withdrawal,
        reversal,
    }))
}
