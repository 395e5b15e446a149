//! `POST /api/v1/payments/refund`: the back office gives money back, all that is left or a part.
//!
//! 202 with the payment; the money goes back right after. The first answer again for a repeated `Idempotency-Key`; a refusal is kept
//! as the answer, too.

use api::PaymentView;
use domain::{
    Money, event,
    id::{PaymentId, RefundId},
    payment::{self, Payment, RefundReason},
};
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, IdempotencyKey};
use ports::PaymentStore;
use serde::Deserialize;

/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// What goes back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much; all that is left, when it is not said.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Why.
    pub reason: RefundReason,
}

/// Asks for a refund.
pub async fn handle(payments: &impl PaymentStore, call: Call<RefundRequest>) -> Result<Reply<PaymentView>, Failure> {
    let (request, call) = call.into_parts();
    if request.reason == RefundReason::OrderCancelled {
        return Err(Failure::field("/reason", "must be requested_by_customer, duplicate or fraudulent"));
    }
    let key = call.idempotency_key()?.clone();
    for _ in 0..=RACES {
        let Some(payment) = payments.get(request.payment_id, None).await? else {
            let refusal = Failure::field("/payment_id", "is not a payment");
            let settled = payments.store_rejection(&key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled);
        };
        if let Some(reply) = ask(payments, &payment, &request, &key, &call).await? {
            return Ok(reply);
        }
    }
    Err(Failure::unavailable("payment", "other steps of it were faster each time"))
}

/// `None` when another step was faster.
async fn ask(
    payments: &impl PaymentStore,
    payment: &Payment,
    request: &RefundRequest,
    key: &IdempotencyKey,
    call: &Call<NoBody>,
) -> Result<Option<Reply<PaymentView>>, Failure> {
    let id = RefundId(call.ids.next());
    let change = match payment::request_refund(payment, id, request.amount, request.reason, call.now) {
        Ok(change) => change,
        Err(refusal) => {
            let settled = payments.store_rejection(key, &call.problem(&refusal)).await?;
            return Reply::rejected(refusal, settled).map(Some);
        }
    };
    let version = change.payment.version;
    let events = event::wrap_all(&call.ids, payment.id, version, call.now, &call.trace, &change.events);
    let reply = Reply::accepted(PaymentView::for_staff(&change.payment))
        .location(catalog::PAYMENT_GET.path_of(payment.id))
        .etag(version);
    let settled = payments.advance_with_reply(key, &reply.to_stored()?, &change, &events).await?;
    Ok(settled.map(|settled| reply.or_replay(settled)))
}
