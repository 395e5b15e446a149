//! `POST /api/v1/payments/refund`: staff refund a payment, in full or in part.
//!
//! Returns 202 with the payment. The refund is made right after, or above the limit once an admin who did not request it has approved it.
//! A repeated `Idempotency-Key` replays the first response, which may be a rejection.

use api::PaymentView;
use domain::{
    id::{RefundId, UserId},
    payment::{self, PaymentTransition, RefundLimit, RefundPayment},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PaymentStore;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(
    payments: &impl PaymentStore,
    limit: RefundLimit,
    call: Call<RefundPayment>,
) -> Result<Reply<PaymentView>, Failure> {
    let (wanted, call) = call.into_parts();
    let payment_id = wanted.payment_id;
    let (key, by) = (call.idempotency_key()?, UserId(call.principal()?.id));
    let unknown = || Failure::field("/payment_id", "is not a payment");
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.get(payment_id, None).await?.ok_or_else(unknown);
        let refund = RefundId(call.ids.next());
        let change = payment
            .and_then(|payment| payment::request_refund_by_staff(&payment, refund, wanted, (by, limit), call.now));
        let store = async |problem: &_| payments.store_response(key, problem).await;
        let commit = async |change: PaymentTransition, reply: &_| {
            let events = call.events(payment_id, change.payment.version, &change.events);
            payments.advance_with_reply(key, reply, &change, &events, None).await
        };
        call.commit_idempotently(change.map(accepted), store, commit).await
    })
    .await
}

fn accepted(change: PaymentTransition) -> (PaymentTransition, Reply<PaymentView>) {
    let path = catalog::PAYMENT_GET.path_of(change.payment.id);
    let reply = Reply::accepted(PaymentView::for_staff(&change.payment)).resource(path, change.payment.version);
    (change, reply)
}
