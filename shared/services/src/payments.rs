//! Transitions of payments.

use crate::retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use domain::{
    Event,
    payment::{Change, Payment},
};
use kernel::Failure;
use ports::{Claim, PaymentStore};

/// Commits the transition that `decide` returns for the payment, if any, with the claim and the events that `wrap` makes of it. After a
/// version conflict the payment is read and decided on again.
pub async fn advance_payment(
    payments: &impl PaymentStore,
    claim: Claim,
    payment: Payment,
    mut decide: impl FnMut(&Payment) -> Result<Option<Change>, Failure>,
    wrap: impl Fn(&Change) -> Vec<Event>,
) -> Result<(), Failure> {
    let (id, mut first) = (payment.id, Some(payment));
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = match first.take() {
            Some(payment) => payment,
            None => payments.get(id, None).await?.ok_or_else(|| Failure::not_found("payment"))?,
        };
        match decide(&payment)? {
            Some(change) => Ok(payments.advance(Some(claim), &change, &wrap(&change)).await?.unless_conflict()),
            None => Ok(Some(())),
        }
    })
    .await
}
