//! Transitions of payments.

use crate::retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use domain::{
    DomainEvent,
    id::PaymentId,
    payment::{DisputeStatus, Payment, PaymentTransition},
};
use kernel::{EventContext, Failure};
use ports::{Claim, PaymentStore, TransitionOutcome};

/// The payment; `NotFound` if there is none with this id.
pub async fn get_payment(payments: &impl PaymentStore, id: PaymentId) -> Result<Payment, Failure> {
    payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))
}

/// Commits the transition that `decide` returns for the payment, if any, with its events and the claim, if any. After a version conflict
/// the payment is read and decided on again. Returns the transition, if this call applied one.
pub async fn advance_payment(
    payments: &impl PaymentStore,
    claim: impl Into<Option<Claim>>,
    payment: Payment,
    mut decide: impl FnMut(&Payment) -> Result<Option<PaymentTransition>, Failure>,
    context: EventContext<'_>,
) -> Result<Option<PaymentTransition>, Failure> {
    let (id, claim, mut first) = (payment.id, claim.into(), Some(payment));
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = match first.take() {
            Some(payment) => payment,
            None => get_payment(payments, id).await?,
        };
        let Some(change) = decide(&payment)? else { return Ok(Some(None)) };
        Ok(match commit_payment(payments, claim, &change, context).await? {
            TransitionOutcome::Applied => Some(Some(change)),
            TransitionOutcome::AlreadyApplied => Some(None),
            TransitionOutcome::VersionConflict => None,
        })
    })
    .await
}

/// Commits a transition that the domain decided on, with its events and the claim, if any.
pub async fn commit_payment(
    payments: &impl PaymentStore,
    claim: Option<Claim>,
    change: &PaymentTransition,
    context: EventContext<'_>,
) -> Result<TransitionOutcome, Failure> {
    let events = context.events(change.payment.id, change.payment.version, &change.events);
    payments.advance(claim, change, &events).await
}

/// The metrics that count what a transition reports to staff.
pub fn staff_metrics(change: &PaymentTransition) -> impl Iterator<Item = &'static str> {
    change.events.iter().filter_map(|event| match event {
        DomainEvent::PaymentMismatched(_) => Some("PaymentMismatches"),
        DomainEvent::RefundFailed(_) => Some("RefundsFailed"),
        DomainEvent::PaymentDisputed(_) => Some("DisputesOpened"),
        DomainEvent::DisputeClosed(closed) if closed.status == DisputeStatus::Lost => Some("DisputesLost"),
        _ => None,
    })
}
