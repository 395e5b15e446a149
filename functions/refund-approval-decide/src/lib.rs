//! `PATCH /api/v1/payments/{id}/refund-approvals/{refund_id}`: an admin approves or rejects a refund that waits for approval.
//!
//! Returns 200 with the payment; an approved refund is made right after. Whoever requested the refund gets 403, and the attempt is recorded.
//! A repeated `Idempotency-Key` replays the first response, which may be a rejection.

use api::PaymentView;
use domain::{
    id::{PaymentId, RefundId, UserId},
    payment::{self, DecideRefund, PaymentTransition},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PaymentStore;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

/// Decides on one refund.
pub async fn handle(payments: &impl PaymentStore, call: Call<DecideRefund>) -> Result<Reply<PaymentView>, Failure> {
    let (decision, call): (DecideRefund, _) = call.into_parts();
    let (payment_id, refund_id): (PaymentId, RefundId) = (call.path("id")?, call.path("refund_id")?);
    let (key, by) = (call.idempotency_key()?, UserId(call.principal()?.id));
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.get(payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"));
        let decided = payment.and_then(|payment| payment::decide_refund(&payment, refund_id, &decision, by, call.now));
        let reply = |(change, refused): (PaymentTransition, Option<Failure>)| {
            let reply = match &refused {
                Some(failure) => call.refuse(failure, &[]),
                None => Reply::ok(PaymentView::for_staff(&change.payment)).etag(change.payment.version),
            };
            (change, reply)
        };
        let store = async |problem: &_| payments.store_response(key, problem).await;
        let commit = async |change: PaymentTransition, reply: &_| {
            let events = call.events(payment_id, change.payment.version, &change.events);
            payments.advance_with_reply(key, reply, &change, &events, None).await
        };
        call.commit_idempotently(decided.map(reply), store, commit).await
    })
    .await
}
