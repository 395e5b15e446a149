//! Refunds of one charge as the gateway reports them, in whatever order its reports arrive.

use crate::payments::advance_payment;
use domain::{
    id::RefundId,
    payment::{self, Payment, PaymentTransition, REFUND_EXCEEDS_CHARGE, ReportedRefund},
};
use kernel::{EventContext, Failure};
use ports::{Gateway, PaymentStore};

/// Records each of `refunds` in a transition of its own. `applied` is called after each.
pub(crate) async fn record_refunds(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    mut payment: Payment,
    refunds: &[ReportedRefund],
    context: EventContext<'_>,
    mut applied: impl FnMut(&PaymentTransition),
) -> Result<(), Failure> {
    for refund in refunds {
        let recorded = record(payments, &payment, refund, context, &mut applied).await;
        payment = match or_excess(recorded)? {
            Some(payment) => payment,
            None => record_all_refunds(payments, gateway, payment, &refund.charge, context, &mut applied).await?,
        };
    }
    Ok(())
}

/// Records what the gateway says about all refunds of a charge, those that it returned first: others were made of what they left. A refund that
/// exceeds the charge even then is recorded for review.
pub async fn record_all_refunds(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    mut payment: Payment,
    charge: &str,
    context: EventContext<'_>,
    applied: &mut impl FnMut(&PaymentTransition),
) -> Result<Payment, Failure> {
    let mut all = gateway.refunds_of(charge).await?;
    all.sort_by_key(|refund| refund.failure.is_none());
    for refund in &all {
        let recorded = record(payments, &payment, refund, context, applied).await;
        payment = match or_excess(recorded)? {
            Some(payment) => payment,
            None => {
                let decide = |payment: &Payment| Ok(payment::record_excessive_refund(payment, refund, context.now));
                let change = advance_payment(payments, None, payment.clone(), decide, context).await?;
                change.iter().for_each(&mut *applied);
                change.map_or(payment, |change| change.payment)
            }
        };
    }
    Ok(payment)
}

/// Records one refund. Returns the payment after that.
async fn record(
    payments: &impl PaymentStore,
    payment: &Payment,
    refund: &ReportedRefund,
    context: EventContext<'_>,
    applied: &mut impl FnMut(&PaymentTransition),
) -> Result<Payment, Failure> {
    let id = RefundId(context.ids.next());
    let decide = |payment: &Payment| payment::record_reported_refund(payment, refund, id, context.now);
    let change = advance_payment(payments, None, payment.clone(), decide, context).await?;
    change.iter().for_each(&mut *applied);
    Ok(change.map_or_else(|| payment.clone(), |change| change.payment))
}

/// `None` if the refund exceeds what the recorded ones leave.
pub(crate) fn or_excess<T>(recorded: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match recorded {
        Err(failure) if failure.code == REFUND_EXCEEDS_CHARGE => Ok(None),
        recorded => recorded.map(Some),
    }
}
