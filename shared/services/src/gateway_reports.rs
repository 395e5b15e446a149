//! What the payment gateway reports by itself, recorded in the payment that it is about.

use crate::{
    payments::advance_payment,
    refunds::{record_all_refunds, record_refunds},
    unrecorded_charges::{UnrecordedCharge, return_charge},
};
use domain::{
    id::RefundId,
    payment::{self, ChargeOutcome, DUPLICATE_CHARGE, Payment, PaymentTransition, ReportedDispute},
};
use kernel::{Claim, EventContext, Failure};
use ports::{Gateway, GatewayReport, PaymentStore};

/// What a report led to.
#[derive(Debug)]
pub enum ReportOutcome {
    /// The payment has recorded the report, now or before.
    Recorded,
    /// Another attempt of the payment was charged already, and this charge is refunded; both are posted now.
    DuplicateReturned,
    /// Another attempt was charged already, and the gateway does not refund this one. Redeliveries would not resolve it: a person has to.
    DuplicateCharge(Failure),
    /// This environment has no payment with this id, or none of the charge with this id.
    UnknownPayment(String),
}

/// Records a report. One of a refund or dispute whose charge is not recorded yet is `Unavailable`. The result of a charge commits with `claim`;
/// refunds and disputes are known by the gateway's id, so that a repeated report changes nothing. Each refund is recorded in a transition of its
/// own. `applied` is called after each transition.
pub async fn record_report(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    claim: Claim,
    report: GatewayReport,
    context: EventContext<'_>,
    mut applied: impl FnMut(&PaymentTransition),
) -> Result<ReportOutcome, Failure> {
    let (payment, id) = match &report {
        GatewayReport::Charge { payment_id: id, .. } | GatewayReport::Refunds { payment_id: Some(id), .. } => {
            (payments.get(*id, None).await?, id.to_string())
        }
        GatewayReport::Refunds { charge, .. } | GatewayReport::Dispute(ReportedDispute { charge, .. }) => {
            (payment_of(payments, gateway, charge).await?, charge.clone())
        }
    };
    let Some(payment) = payment else { return Ok(ReportOutcome::UnknownPayment(id)) };
    match report {
        GatewayReport::Charge { attempt, outcome, .. } => {
            let decide = |payment: &Payment| {
                payment::record_charge_outcome(payment, attempt, &outcome, RefundId(context.ids.next()), context.now)
            };
            match (advance_payment(payments, claim, payment.clone(), decide, context).await, &outcome) {
                (Err(failure), ChargeOutcome::Charged(answer)) if failure.code == DUPLICATE_CHARGE => {
                    return return_duplicate(
                        (payments, gateway),
                        claim,
                        payment,
                        &answer.transaction_id,
                        failure,
                        context,
                    )
                    .await;
                }
                (change, _) => change?.iter().for_each(applied),
            }
        }
        GatewayReport::Refunds { refunds: Some(refunds), .. } => {
            record_refunds(payments, gateway, payment, &refunds, context, applied).await?;
        }
        GatewayReport::Refunds { charge, refunds: None, .. } => {
            record_all_refunds(payments, gateway, payment, &charge, context, &mut applied).await?;
        }
        GatewayReport::Dispute(dispute) => {
            let decide = |payment: &Payment| payment::record_dispute(payment, &dispute, context.now);
            advance_payment(payments, None, payment, decide, context).await?.iter().for_each(applied);
        }
    }
    Ok(ReportOutcome::Recorded)
}

/// The payment of a charge. One that has not recorded the charge yet is the one that the gateway names.
async fn payment_of(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    charge: &str,
) -> Result<Option<Payment>, Failure> {
    if let Some(payment) = payments.find_by_transaction(charge).await? {
        return Ok(Some(payment));
    }
    match gateway.payment_of(charge).await? {
        Some(id) => payments.get(id, None).await,
        None => Ok(None),
    }
}

/// Refunds a charge in addition to the payment's own, and posts both.
async fn return_duplicate(
    (payments, gateway): (&impl PaymentStore, &impl Gateway),
    claim: Claim,
    payment: Payment,
    charge: &str,
    failure: Failure,
    context: EventContext<'_>,
) -> Result<ReportOutcome, Failure> {
    let unrecorded = UnrecordedCharge { reference: charge, payment_id: Some(payment.id), amount: payment.amount };
    let Some(transfers) = return_charge(gateway, unrecorded, context.now).await? else {
        return Ok(ReportOutcome::DuplicateCharge(failure));
    };
    let decide = |payment: &Payment| Ok(Some(payment::post_returned_duplicate(payment, &transfers, context.now)));
    let posted = advance_payment(payments, claim, payment, decide, context).await?;
    Ok(posted.map_or(ReportOutcome::Recorded, |_| ReportOutcome::DuplicateReturned))
}
