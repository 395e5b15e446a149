//! What the payment gateway reports by itself, recorded in the payment that it is about.

use crate::{
    payments::advance_payment,
    refunds::{record_all_refunds, record_refunds},
};
use domain::{
    id::RefundId,
    payment::{self, Change, DUPLICATE_CHARGE, Payment, ReportedDispute},
};
use kernel::{Claim, EventContext, Failure};
use ports::{Gateway, GatewayReport, PaymentStore};

/// What a report led to.
#[derive(Debug)]
pub enum ReportOutcome {
    /// The payment has recorded the report, now or before.
    Recorded,
    /// Another attempt of the payment was charged already. Redeliveries would not resolve it: a person has to.
    DuplicateCharge(Failure),
    /// This environment has no payment with this id, the payment's or the charge's.
    UnknownPayment(String),
}

/// Records a report. The result of a charge commits with `claim`; refunds and disputes are known by the gateway's id, so that a
/// repeated report changes nothing. Each refund is recorded in a transition of its own. `applied` is called after each transition.
pub async fn record_report(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    claim: Claim,
    report: GatewayReport,
    context: EventContext<'_>,
    mut applied: impl FnMut(&Change),
) -> Result<ReportOutcome, Failure> {
    let (payment, id) = match &report {
        GatewayReport::Charge { payment_id: id, .. } | GatewayReport::Refunds { payment_id: Some(id), .. } => {
            (payments.get(*id, None).await?, id.to_string())
        }
        GatewayReport::Refunds { charge, .. } | GatewayReport::Dispute(ReportedDispute { charge, .. }) => {
            (payments.find_by_transaction(charge).await?, charge.clone())
        }
    };
    let Some(payment) = payment else { return Ok(ReportOutcome::UnknownPayment(id)) };
    match report {
        GatewayReport::Charge { attempt, outcome, .. } => {
            let decide = |payment: &Payment| {
                payment::record_charge_outcome(payment, attempt, &outcome, RefundId(context.ids.next()), context.now)
            };
            match advance_payment(payments, claim, payment, decide, context).await {
                Err(failure) if failure.code == DUPLICATE_CHARGE => return Ok(ReportOutcome::DuplicateCharge(failure)),
                change => change?.iter().for_each(applied),
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
