//! Refunds as the gateway reports them, whoever made them: this platform, or staff in the gateway's dashboard.

use super::{
    Accepted, GatewayOperation, Input, Payment, PaymentTransition, Refund, RefundOutcome, RefundReason, RefundStatus,
    ReportedTransaction, StatedAmount, Transition, accept, amount::record_mismatch, next, record_refund_outcome,
    refunds::exceeds_charge,
};
use crate::{
    Money,
    event::{PaymentRefunded, RefundFailed},
    id::RefundId,
    ledger::Purpose,
};
use kernel::{Failure, Timestamp};

/// A refund as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedRefund {
    /// The gateway's id of the charge.
    pub charge: String,
    /// The gateway's id of the refund.
    pub transaction_id: String,
    /// The id that this platform gave it; `None` for a refund that was made at the gateway.
    pub refund_id: Option<RefundId>,
    pub amount: Option<StatedAmount>,
    /// The gateway's error code, if the refund failed or was cancelled.
    pub failure: Option<String>,
}

impl ReportedRefund {
    fn outcome(&self) -> RefundOutcome {
        match &self.failure {
            Some(code) => RefundOutcome::Failed(code.clone()),
            None => RefundOutcome::Refunded(self.answer()),
        }
    }

    fn answer(&self) -> ReportedTransaction {
        ReportedTransaction { transaction_id: self.transaction_id.clone(), amount: self.amount.clone() }
    }
}

/// Records a refund that the gateway reports. `None` if it is known, or if it is of a duplicate charge, or of one of another
/// amount than was asked.
///
/// One that was made at the gateway gets the id `new`. It is posted once, in whatever order its reports arrive, and
/// reversed if it fails after it succeeded. A refund of more than was charged, or in another currency, is recorded for
/// review and changes nothing else.
///
/// `Unavailable` if the payment has no charge yet: the result of the charge is to be recorded first; and with code
/// [`REFUND_EXCEEDS_CHARGE`](super::REFUND_EXCEEDS_CHARGE) if known refunds leave too little: the gateway returned one of them since.
pub fn record_reported_refund(
    payment: &Payment,
    reported: &ReportedRefund,
    new: RefundId,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    match &payment.transaction_id {
        None if payment.is_for_review(&reported.charge) => return Ok(None),
        None => return Err(Failure::unavailable("payment", "a refund is reported before its charge")),
        Some(charge) if *charge != reported.charge => return Ok(None),
        Some(_) => {}
    }
    let transaction_id = Some(reported.transaction_id.as_str());
    let is_it =
        |refund: &&Refund| Some(refund.id) == reported.refund_id || refund.transaction_id.as_deref() == transaction_id;
    match (payment.refunds.iter().find(is_it), &reported.failure) {
        (Some(refund), Some(code)) if refund.status == RefundStatus::Succeeded => {
            reverse(payment, refund, code, now).map(Some)
        }
        // The gateway made a refund that was given up.
        (Some(refund), None) if refund.status == RefundStatus::Failed && refund.transaction_id.is_none() => {
            post(payment, reported, refund.clone(), now)
        }
        (Some(refund), _) => record_refund_outcome(payment, refund.id, &reported.outcome(), now),
        (None, _) => {
            let Some(amount) = reported.amount.as_ref().and_then(StatedAmount::to_money) else {
                return Ok(mismatch(payment, reported, now));
            };
            let (reason, status, requested_at) = (RefundReason::MadeAtGateway, RefundStatus::Failed, now);
            let refund = Refund { id: new, amount, reason, status, transaction_id: None, requested_at };
            post(payment, reported, refund, now)
        }
    }
}

/// Posts `refund`, which is not among the successful refunds of the payment. One that failed is only remembered, so
/// that an older report of its success is recognized.
fn post(
    payment: &Payment,
    reported: &ReportedRefund,
    refund: Refund,
    now: Timestamp,
) -> Result<Option<PaymentTransition>, Failure> {
    let (id, left) = (refund.id, remaining(payment));
    let mut refund = Refund { transaction_id: Some(reported.transaction_id.clone()), ..refund };
    if reported.failure.is_some() {
        let mut change = PaymentTransition::of(payment, payment.status, now);
        change.payment.refunds.push(refund);
        return Ok(Some(change));
    }
    let made = accept(refund.amount, &reported.answer());
    let is_of_charge =
        |made: &Accepted| made.amount().currency == left.currency && made.amount().amount <= payment.amount.amount;
    let Some(made) = made.filter(is_of_charge) else {
        return Ok(mismatch(payment, reported, now));
    };
    if made.amount().amount > left.amount {
        return Err(exceeds_charge());
    }
    let input = if made.amount() == left { Input::RefundedInFull } else { Input::RefundedInPart };
    let mut change = PaymentTransition::of(payment, to(payment, input)?, now);
    refund.status = RefundStatus::Succeeded;
    change.payment.refunds.retain(|known| known.id != id);
    change.payment.refunds.push(refund);
    change.post(Purpose::Refund, made.transaction_id(), Some(id), made.amount(), now);
    let (user_id, refunded_amount) = (Some(payment.user_id), change.payment.refunded_amount());
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, made.amount());
    let transaction_id = Some(made.transaction_id().to_owned());
    let refunded =
        PaymentRefunded { payment_id, order_id, user_id, refund_id: id, transaction_id, amount, refunded_amount };
    change.events.push(refunded.into());
    Ok(Some(change))
}

/// Records for review a refund that exceeds the charge although everything that the gateway says about its refunds is recorded.
pub fn record_excessive_refund(
    payment: &Payment,
    reported: &ReportedRefund,
    now: Timestamp,
) -> Option<PaymentTransition> {
    mismatch(payment, reported, now)
}

/// Reverses a refund that a bank returned: the money is in the balance at the gateway again, and may be refunded again.
fn reverse(payment: &Payment, refund: &Refund, code: &str, now: Timestamp) -> Result<PaymentTransition, Failure> {
    let (refund_id, amount) = (refund.id, refund.amount);
    let is_last = payment.refunded() == amount.amount.get();
    let input = if is_last { Input::AllRefundsReturned } else { Input::RefundReturned };
    let mut change = PaymentTransition::of(payment, to(payment, input)?, now);
    for known in change.payment.refunds.iter_mut().filter(|known| known.id == refund_id) {
        known.status = RefundStatus::Failed;
    }
    let reference = refund.transaction_id.as_deref().unwrap_or_default();
    change.post(Purpose::RefundReversal, reference, Some(refund_id), amount, now);
    let (payment_id, order_id, code) = (payment.id, payment.order_id, code.to_owned());
    let transaction_id = refund.transaction_id.clone();
    change.events.push(RefundFailed { payment_id, order_id, refund_id, transaction_id, amount, code }.into());
    Ok(change)
}

fn to(payment: &Payment, input: Input) -> Result<super::State, Failure> {
    match next(payment.status, input) {
        Transition::To(status) => Ok(status),
        _ => Err(Failure::internal(format!("a refund of a payment that is {}", payment.status.name()))),
    }
}

/// What was charged and is not refunded. Pending refunds are not subtracted: the gateway decides which is made first.
fn remaining(payment: &Payment) -> Money {
    let minor = payment.amount.amount.get() - payment.refunded();
    Money { amount: minor.try_into().unwrap_or(payment.amount.amount), ..payment.amount }
}

fn mismatch(payment: &Payment, reported: &ReportedRefund, now: Timestamp) -> Option<PaymentTransition> {
    record_mismatch(payment, GatewayOperation::Refund, reported.refund_id, remaining(payment), &reported.answer(), now)
}
