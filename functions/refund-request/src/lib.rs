//! `POST /api/v1/payments/refund`: staff refund a payment, in full or in part.
//!
//! Returns 202 with the payment; the refund is made right after. A repeated `Idempotency-Key` replays the first response, which may be a
//! rejection.

use api::PaymentView;
use domain::{
    id::RefundId,
    payment::{self, Change, RefundPayment},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PaymentStore;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

pub async fn handle(payments: &impl PaymentStore, call: Call<RefundPayment>) -> Result<Reply<PaymentView>, Failure> {
    call.body.check()?;
    let (RefundPayment { payment_id, amount, reason }, call) = call.into_parts();
    let key = call.idempotency_key()?;
    let unknown = || Failure::field("/payment_id", "is not a payment");
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.get(payment_id, None).await?.ok_or_else(unknown);
        let refund = RefundId(call.ids.next());
        let change = payment.and_then(|payment| payment::request_refund(&payment, refund, amount, reason, call.now));
        let store = async |problem: &_| payments.store_rejection(key, problem).await;
        let commit = async |change: Change, reply: &_| {
            let events = call.events(payment_id, change.payment.version, &change.events);
            payments.advance_with_reply(key, reply, &change, &events, None).await
        };
        call.settle(change.map(accepted), store, commit).await
    })
    .await
}

fn accepted(change: Change) -> (Change, Reply<PaymentView>) {
    let path = catalog::PAYMENT_GET.path_of(change.payment.id);
    let reply = Reply::accepted(PaymentView::for_staff(&change.payment)).resource(path, change.payment.version);
    (change, reply)
}
