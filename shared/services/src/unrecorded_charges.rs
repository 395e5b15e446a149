//! Charges that no payment has recorded: of a payment that was lost, or in addition to the payment's own.

use domain::{
    Money,
    id::PaymentId,
    ledger::{Purpose, Transfer},
    payment::{RefundOutcome, accept},
};
use kernel::{Failure, Timestamp};
use ports::Gateway;

/// A charge at the gateway that no payment has recorded.
#[derive(Debug, Clone, Copy)]
pub struct UnrecordedCharge<'a> {
    /// The gateway's id.
    pub reference: &'a str,
    /// The payment that the gateway names.
    pub payment_id: Option<PaymentId>,
    pub amount: Money,
}

/// Refunds what is left of a charge. Returns the transfers of the charge and its refunds, which are the same in a repeated call; `None` if the
/// gateway does not refund it.
pub async fn return_charge(
    gateway: &impl Gateway,
    charge: UnrecordedCharge<'_>,
    now: Timestamp,
) -> Result<Option<Vec<Transfer>>, Failure> {
    let UnrecordedCharge { reference, payment_id, amount } = charge;
    let transfer = |purpose, reference: String, amount| Transfer {
        purpose,
        reference,
        payment_id,
        refund_id: None,
        amount,
        at: now,
    };
    let mut transfers = vec![transfer(Purpose::Charge, reference.to_owned(), amount)];
    let mut left = amount;
    for refund in gateway.refunds_of(reference).await?.into_iter().filter(|refund| refund.failure.is_none()) {
        let stated = refund.amount.as_ref().and_then(|stated| stated.to_money());
        let Some(rest) = stated.and_then(|amount| left.minus(amount).ok()) else { return Ok(None) };
        transfers.extend(stated.map(|amount| transfer(Purpose::Refund, refund.transaction_id, amount)));
        left = rest;
    }
    if left.amount.get() > 0 {
        let RefundOutcome::Refunded(answer) = gateway.refund_unrecorded_charge(reference, left).await? else {
            return Ok(None);
        };
        if accept(left, &answer).is_none() {
            return Ok(None);
        }
        transfers.push(transfer(Purpose::Refund, answer.transaction_id, left));
    }
    Ok(Some(transfers))
}
