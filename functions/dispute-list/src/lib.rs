//! `GET /api/v1/payments/{id}/disputes`: the disputes of a payment, with the deadline for evidence, for staff; 404 for an unknown payment.

use api::{DisputeView, ListView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PaymentStore;

/// Lists all disputes of one payment, oldest first.
pub async fn handle(payments: &impl PaymentStore, call: Call<NoBody>) -> Result<Reply<ListView<DisputeView>>, Failure> {
    let payment = payments.get(call.path("id")?, None).await?.ok_or_else(|| Failure::not_found("payment"))?;
    let items = payment.disputes.iter().map(DisputeView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: None }))
}
