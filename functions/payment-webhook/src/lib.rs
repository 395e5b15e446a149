//! `POST /api/v1/webhooks/payments`: what the gateway tells by itself, before, after or instead of its answer to us.
//!
//! 204 for what is signed by the gateway, whether or not it is news; 401 for what is not. The claim on the gateway's id for it is kept
//! with the effect, so that it counts once however often it comes. Where we cannot keep it the gateway tells it again.

use domain::{event, id::RefundId, payment};
use edge::{
    http::{Call, RawBody, Reply},
    telemetry::metrics,
};
use kernel::{Failure, FailureKind};
use ports::{Claim, PaymentStore, TransitionOutcome, WebhookVerifier};

/// The header that carries the signature.
const SIGNATURE: &str = "stripe-signature";
/// How often the payment is read again when another step was faster.
const RACES: u32 = 3;

/// Takes one piece of news. That something was charged beside another charge is counted and logged, and taken: it is for a person to
/// see, and the gateway could not do more about it.
pub async fn handle(
    payments: &impl PaymentStore,
    webhooks: &impl WebhookVerifier,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let Some(news) = webhooks.verify(call.header(SIGNATURE), &call.body.bytes, call.now).await? else {
        return Ok(Reply::no_content());
    };
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id: news.id };
    for _ in 0..=RACES {
        let payment = payments.get(news.payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))?;
        let refund = RefundId(call.ids.next());
        let change = match payment::record_charge_outcome(&payment, news.attempt, &news.answer, refund, call.now) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(Reply::no_content()),
            // Charged beside another charge. Telling it again for days would not mend it: a person has to look.
            Err(failure) if failure.kind == FailureKind::Conflict => {
                metrics::count("DuplicateCharge", 1);
                tracing::error!(payment = %payment.id, attempt = news.attempt, error.message = %failure, "a stray charge");
                return Ok(Reply::no_content());
            }
            Err(failure) => return Err(failure),
        };
        let version = change.payment.version;
        let events = event::wrap_all(&call.ids, payment.id, version, call.now, &call.trace, &change.events);
        if payments.advance(Some(claim), &change, &events).await? != TransitionOutcome::VersionConflict {
            return Ok(Reply::no_content());
        }
    }
    Err(Failure::unavailable("payment", "other steps of it were faster each time"))
}
