//! Reconciliation of one payment with the gateway.

use crate::{
    gateway::{Certainty, look_up_charge},
    payments::commit_payment,
    refunds::{or_excess, record_all_refunds},
};
use domain::{
    id::RefundId,
    payment::{self, Payment, PaymentTransition, RefundStatus, Resolution},
};
use kernel::{EventContext, Failure};
use ports::{Gateway, PaymentStore, TransitionOutcome};

/// Commits the transitions that resolve the attempt and the refunds of a payment without a result, and calls `applied` after each: with how
/// the gateway resolved it, or `None` if it is requested again. Stops after the result of a charge and after a version conflict:
/// the concurrent transition has recorded a result, and the next run continues. An attempt is given up with `proof` only.
pub async fn reconcile_payment(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    proof: Certainty,
    context: EventContext<'_>,
    mut applied: impl FnMut(&PaymentTransition, Option<Resolution>),
) -> Result<(), Failure> {
    let commit = async |change: PaymentTransition,
                        why: Option<Resolution>,
                        applied: &mut dyn FnMut(&PaymentTransition, Option<Resolution>)| {
        match commit_payment(payments, None, &change, context).await? {
            TransitionOutcome::Applied => {
                applied(&change, why);
                Ok::<_, Failure>(Some(change.payment))
            }
            TransitionOutcome::AlreadyApplied | TransitionOutcome::VersionConflict => Ok(None),
        }
    };
    let mut current = payment.clone();
    if payment.is_open() {
        let gives_up = payment::abandon_charge(payment, context.now).is_some();
        let certainty = if gives_up { proof } else { Certainty::Hint };
        let found = look_up_charge(gateway, payment, certainty, context.now).await?;
        let refund = RefundId(context.ids.next());
        if let Some((change, why)) = payment::resolve_charge(payment, found.as_ref(), refund, context.now)? {
            return commit(change, Some(why), &mut applied).await.map(drop);
        }
    }
    for refund in payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending) {
        let found = gateway.find_refund(payment, refund).await?;
        let resolved =
            payment::resolve_refund(&current, refund, found.as_ref(), RefundId(context.ids.next()), context.now);
        let Some(resolved) = or_excess(resolved)? else {
            let charge = current.transaction_id.clone().unwrap_or_default();
            let applied = &mut |change: &PaymentTransition| applied(change, Some(Resolution::Found));
            return record_all_refunds(payments, gateway, current, &charge, context, applied).await.map(drop);
        };
        let Some((change, why)) = resolved else { continue };
        let Some(after) = commit(change, Some(why), &mut applied).await? else { return Ok(()) };
        current = after;
    }
    match payment::republish_pending(&current, context.now) {
        Some(change) => commit(change, None, &mut applied).await.map(drop),
        None => Ok(()),
    }
}
