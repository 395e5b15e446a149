//! `POST /api/v1/payments/process`: the customer pays again after a refusal, while the order is still pending.
//!
//! 202 with the payment, which is pending again: it is charged right after. The first answer again for a repeated
//! `Idempotency-Key`; a refusal is kept as the answer, too.

use api::PaymentView;
use domain::{
    event,
    id::{OrderId, UserId},
    payment::{self, Payment},
    text::PaymentMethod,
};
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, IdempotencyKey};
use ports::PaymentStore;
use serde::Deserialize;

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Which order is paid, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayAgain {
    /// Which order.
    pub order_id: OrderId,
    /// Paid how.
    pub payment_method: PaymentMethod,
}

/// Begins another attempt.
pub async fn handle(payments: &impl PaymentStore, call: Call<PayAgain>) -> Result<Reply<PaymentView>, Failure> {
    let (PayAgain { order_id, payment_method }, call) = call.into_parts();
    let owner = UserId(call.principal()?.id);
    let key = call.idempotency_key()?.clone();
    for _ in 0..=RACES {
        let Some(payment) = payments.find_by_order(order_id, Some(owner)).await? else {
            let refusal = Failure::field("/order_id", "is not an order of yours with a payment");
            let settled = payments.store_rejection(&key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled);
        };
        if let Some(reply) = attempt(payments, &payment, payment_method.clone(), &key, &call).await? {
            return Ok(reply);
        }
    }
    Err(Failure::unavailable("payment", "other steps of it were faster each time"))
}

/// `None` when another step was faster.
async fn attempt(
    payments: &impl PaymentStore,
    payment: &Payment,
    method: PaymentMethod,
    key: &IdempotencyKey,
    call: &Call<NoBody>,
) -> Result<Option<Reply<PaymentView>>, Failure> {
    let change = match payment::retry_payment(payment, method, call.now) {
        Ok(change) => change,
        Err(refusal) => {
            let settled = payments.store_rejection(key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled).map(Some);
        }
    };
    let version = change.payment.version;
    let events = event::wrap_all(&call.ids, payment.id, version, call.now, &call.trace, &change.events);
    let reply = Reply::accepted(PaymentView::from(&change.payment))
        .location(catalog::PAYMENT_GET.path_of(payment.id))
        .etag(version);
    let settled = payments.advance_with_reply(key, &reply.to_stored()?, &change, &events).await?;
    Ok(settled.map(|settled| reply.or_replay(settled)))
}
