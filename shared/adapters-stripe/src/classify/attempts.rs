//! The payment intents of attempts: found by their metadata, and cancelled.

use super::{DEPENDENCY, Intent, StripeError, failure_of, metadata, object};
use domain::id::PaymentId;
use domain::payment::ChargeOutcome;
use kernel::{Failure, Uuid};
use reqwest::StatusCode;
use serde::Deserialize;

/// A page of payment intents.
#[derive(Deserialize)]
struct Intents {
    data: Vec<Intent>,
    #[serde(default)]
    has_more: bool,
}

/// The payment intents of an attempt on a page, and the id that the next page starts after.
pub(crate) fn intents_of(
    status: StatusCode,
    body: &[u8],
    (payment_id, attempt): (&str, &str),
) -> Result<(Vec<Intent>, Option<String>), Failure> {
    let Intents { data, has_more } = object(status, body)?;
    let next = data.last().filter(|_| has_more).map(|last| last.id.clone());
    // Stripe's search is no exact match (it ignores case, for one), so the metadata is compared again.
    let is = |intent: &Intent, name, value| intent.metadata.get(name).is_some_and(|theirs| theirs == value);
    let is_ours =
        |intent: &Intent| is(intent, metadata::PAYMENT_ID, payment_id) && is(intent, metadata::ATTEMPT, attempt);
    Ok((data.into_iter().filter(is_ours).collect(), next))
}

/// The ids of the payment intents on a page that are of an attempt before `attempt` and can be cancelled
/// (<https://docs.stripe.com/api/payment_intents/cancel>).
pub(crate) fn open_intents_before(
    status: StatusCode,
    body: &[u8],
    payment_id: &str,
    attempt: u32,
) -> Result<Vec<String>, Failure> {
    let Intents { data, .. } = object(status, body)?;
    let is_open = |intent: &Intent| {
        matches!(intent.status.as_str(), "requires_payment_method" | "requires_confirmation" | "requires_action")
    };
    let is_earlier = |intent: &Intent| {
        let number = intent.metadata.get(metadata::ATTEMPT).and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| number < attempt)
    };
    let is_of_payment = |intent: &Intent| intent.metadata.get(metadata::PAYMENT_ID).is_some_and(|id| id == payment_id);
    let earlier = data.into_iter().filter(|one| is_of_payment(one) && is_earlier(one) && is_open(one));
    Ok(earlier.map(|intent| intent.id).collect())
}

/// The payment that a payment intent of this environment names; `None` without one, and for an unknown intent.
pub(crate) fn payment_of(status: StatusCode, body: &[u8], environment: &str) -> Result<Option<PaymentId>, Failure> {
    if status == StatusCode::NOT_FOUND && StripeError::parse(body).is_unknown_resource() {
        return Ok(None);
    }
    let intent: Intent = object(status, body)?;
    if intent.metadata.get(metadata::ENVIRONMENT).is_none_or(|theirs| theirs != environment) {
        return Ok(None);
    }
    let id = intent.metadata.get(metadata::PAYMENT_ID).and_then(|id| Uuid::try_parse(id).ok());
    Ok(id.map(PaymentId))
}

/// The id of the payment intent that took the key of an attempt; `None` if the key was used with the parameters of the attempt
/// (<https://docs.stripe.com/api/idempotent_requests>).
pub(crate) fn withdrawn(status: StatusCode, body: &[u8]) -> Result<Option<String>, Failure> {
    if status == StatusCode::BAD_REQUEST && StripeError::parse(body).is_of_reused_key() {
        return Ok(None);
    }
    object(status, body).map(|intent: Intent| Some(intent.id))
}

/// The response to a cancellation. An intent that has ended meanwhile cannot be cancelled, and need not be.
pub(crate) fn cancelled(status: StatusCode, body: &[u8]) -> Result<(), Failure> {
    let error = StripeError::parse(body);
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::BAD_REQUEST if error.code.as_deref() == Some("payment_intent_unexpected_state") => Ok(()),
        _ => Err(failure_of(status, error)),
    }
}

/// The outcome of an attempt, from its payment intents. Normally there is one.
pub(crate) fn outcome_of(
    ours: Vec<Intent>,
    (payment_id, attempt): (&str, &str),
) -> Result<Option<ChargeOutcome>, Failure> {
    let (mut charged, ours): (Vec<Intent>, Vec<Intent>) =
        ours.into_iter().partition(|intent| intent.status == "succeeded");
    if charged.len() > 1 {
        let names = charged.iter().map(|intent| intent.id.as_str()).collect::<Vec<_>>().join(" and ");
        return Err(Failure::internal(format!(
            "{DEPENDENCY}: attempt {attempt} of {payment_id} is charged as {names}"
        )));
    }
    if let Some(once) = charged.pop() {
        return Ok(Some(ChargeOutcome::Charged(once.into_answer())));
    }
    // An open intent may still be charged, so that it takes precedence over declined ones.
    let begun = ours.into_iter().filter(|intent| !intent.was_never_confirmed());
    let outcomes = begun.map(Intent::outcome).collect::<Result<Vec<_>, _>>()?;
    Ok(outcomes.into_iter().next())
}
