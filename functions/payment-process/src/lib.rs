//! `POST /api/v1/payments/process`: the customer pays again after a decline, while the order is pending.
//!
//! Returns 202 with the payment, which is pending again and charged right after. A repeated `Idempotency-Key` replays the first
//! response, which may be a rejection.

use api::PaymentView;
use domain::{
    id::{OrderId, UserId},
    payment,
    text::PaymentMethod,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PaymentStore;
use serde::Deserialize;
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessPayment {
    pub order_id: OrderId,
    pub payment_method: PaymentMethod,
}

/// Starts another attempt.
pub async fn handle(payments: &impl PaymentStore, call: Call<ProcessPayment>) -> Result<Reply<PaymentView>, Failure> {
    let (ProcessPayment { order_id, payment_method }, call) = call.into_parts();
    let owner = UserId(call.principal()?.id);
    let key = call.idempotency_key()?;
    let unknown = || Failure::field("/order_id", "is not an order of yours with a payment");
    retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "payment", async || {
        let payment = payments.find_by_order(order_id, Some(owner)).await?.ok_or_else(unknown);
        let change =
            match payment.and_then(|payment| payment::retry_payment(&payment, payment_method.clone(), call.now)) {
                Ok(change) => change,
                Err(rejection) => {
                    let store = async |problem: &_| payments.store_rejection(key, problem).await;
                    return call.reject(rejection, store).await.map(Some);
                }
            };
        let (id, version) = (change.payment.id, change.payment.version);
        let events = call.events(id, version, &change.events);
        let reply = Reply::accepted(PaymentView::from(&change.payment))
            .location(catalog::PAYMENT_GET.path_of(id))
            .etag(version);
        let outcome = payments.advance_with_reply(key, &reply.to_stored()?, &change, &events).await?;
        Ok(outcome.map(|outcome| reply.or_replay(outcome)))
    })
    .await
}
