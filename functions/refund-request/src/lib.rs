//! `POST /api/v1/payments/refund`: staff refund a payment, in full or in part.
//!
//! Returns 202 with the payment; the refund is made right after. A repeated `Idempotency-Key` replays the first response, which may be a
//! rejection.

use api::PaymentView;
use domain::{
    Money,
    id::{PaymentId, RefundId},
    payment::{self, RefundReason},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PaymentStore;
use serde::Deserialize;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    pub payment_id: PaymentId,
    /// By default, all that is not refunded yet.
    #[serde(default)]
    pub amount: Option<Money>,
    pub reason: RefundReason,
}

/// Requests one refund.
pub async fn handle(payments: &impl PaymentStore, call: Call<RefundRequest>) -> Result<Reply<PaymentView>, Failure> {
    let (RefundRequest { payment_id, amount, reason }, call) = call.into_parts();
    if reason == RefundReason::OrderCancelled {
        return Err(Failure::field("/reason", "must be requested_by_customer, duplicate or fraudulent"));
    }
    let key = call.idempotency_key()?;
    let unknown = || Failure::field("/payment_id", "is not a payment");
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.get(payment_id, None).await?.ok_or_else(unknown);
        let refund = RefundId(call.ids.next());
        let change =
            match payment.and_then(|payment| payment::request_refund(&payment, refund, amount, reason, call.now)) {
                Ok(change) => change,
                Err(rejection) => {
                    let store = async |problem: &_| payments.store_rejection(key, problem).await;
                    return call.reject(rejection, store).await.map(Some);
                }
            };
        let version = change.payment.version;
        let events = call.events(payment_id, version, &change.events);
        let reply = Reply::accepted(PaymentView::for_staff(&change.payment))
            .location(catalog::PAYMENT_GET.path_of(payment_id))
            .etag(version);
        let outcome = payments.advance_with_reply(key, &reply.to_stored()?, &change, &events).await?;
        Ok(outcome.map(|outcome| reply.or_replay(outcome)))
    })
    .await
}
