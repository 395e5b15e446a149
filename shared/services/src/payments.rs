//! Transitions of payments.

use crate::retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use domain::{
    DomainEvent, Event,
    payment::{Change, DisputeStatus, Payment},
};
use kernel::Failure;
use ports::{Claim, PaymentStore, TransitionOutcome};

/// Commits the transition that `decide` returns for the payment, if any, with the claim, if any, and the events that `wrap` makes of it. After a
/// version conflict the payment is read and decided on again. Returns the transition, if this call applied one.
pub async fn advance_payment(
    payments: &impl PaymentStore,
    claim: impl Into<Option<Claim>>,
    payment: Payment,
    mut decide: impl FnMut(&Payment) -> Result<Option<Change>, Failure>,
    wrap: impl Fn(&Change) -> Vec<Event>,
) -> Result<Option<Change>, Failure> {
    let (id, claim, mut first) = (payment.id, claim.into(), Some(payment));
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = match first.take() {
            Some(payment) => payment,
            None => payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))?,
        };
        let Some(change) = decide(&payment)? else { return Ok(Some(None)) };
        Ok(match payments.advance(claim, &change, &wrap(&change)).await? {
            TransitionOutcome::Applied => Some(Some(change)),
            TransitionOutcome::AlreadyApplied => Some(None),
            TransitionOutcome::VersionConflict => None,
        })
    })
    .await
}

/// The metrics that count what a transition reports to staff.
pub fn staff_metrics(change: &Change) -> impl Iterator<Item = &'static str> {
    change.events.iter().filter_map(|event| match event {
        DomainEvent::PaymentMismatched(_) => Some("PaymentMismatches"),
        DomainEvent::RefundFailed(_) => Some("RefundsFailed"),
        DomainEvent::PaymentDisputed(_) => Some("DisputesOpened"),
        DomainEvent::DisputeClosed(closed) if closed.status == DisputeStatus::Lost => Some("DisputesLost"),
        _ => None,
    })
}
