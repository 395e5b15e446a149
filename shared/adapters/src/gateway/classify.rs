//! What the gateway's answers mean. Only one that is surely final becomes an answer; all that is open is `Unavailable`.

use super::{PART, metadata};
use domain::payment::{Answer, RefundAnswer};
use kernel::Failure;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// Most payment intents that are looked at for one attempt. There is one, unless something went very wrong.
pub(super) const MOST_FOUND: u32 = 100;

/// What was put on something of theirs.
pub(super) type Metadata = BTreeMap<String, String>;

/// A payment intent, as far as we need it.
#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    status: String,
    last_payment_error: Option<Refusal>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

impl Intent {
    /// What became of it.
    fn outcome(self) -> Result<Answer, Failure> {
        match self.status.as_str() {
            "succeeded" => Ok(Answer::Charged(self.id)),
            "requires_payment_method" | "canceled" => Ok(Answer::Declined(self.refusal())),
            "requires_action" => Ok(Answer::Declined(AUTHENTICATION_REQUIRED.to_owned())),
            other => Err(Failure::unavailable(PART, format!("the payment is {other}"))),
        }
    }

    /// The code of its last refusal.
    pub(super) fn refusal(self) -> String {
        self.last_payment_error.unwrap_or_default().code()
    }
}

/// What a search found.
#[derive(Deserialize)]
struct Found {
    data: Vec<Intent>,
    #[serde(default)]
    has_more: bool,
}

/// A refund, as far as we need it.
#[derive(Deserialize)]
struct Made {
    id: String,
    status: Option<String>,
    failure_reason: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    error: Refusal,
}

/// What Stripe says of a refusal. Its message is left out: it may repeat what was sent.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

/// The bank wants to see the customer, and nobody is there who could authenticate.
const AUTHENTICATION_REQUIRED: &str = "authentication_required";

/// Why a refund will never be made, whoever asks (<https://docs.stripe.com/error-codes>).
const NEVER_REFUNDED: [&str; 5] = [
    "charge_already_refunded",
    "amount_too_large",
    "charge_disputed",
    "refund_disputed_payment",
    "charge_not_refundable",
];

impl Refusal {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice::<Problem>(body).map(|problem| problem.error).unwrap_or_default()
    }

    /// They refuse what was asked for, and not who asks or how.
    fn is_of_the_request(&self) -> bool {
        self.kind.as_deref() == Some("invalid_request_error")
    }

    /// They do not know what the request names. A charge names one thing of theirs, the way to pay.
    fn is_of_something_unknown(&self) -> bool {
        self.is_of_the_request() && self.code.as_deref() == Some("resource_missing")
    }

    /// The amount is none that they charge in this currency. Orders are checked before (`domain::payment::check_total`), against
    /// limits that may change.
    fn is_of_the_amount(&self) -> bool {
        matches!(self.code.as_deref(), Some("amount_too_small" | "amount_too_large"))
    }

    /// The refund will never be made. That it is more than is left was told without a code by some versions of their API.
    fn is_of_the_refund(&self) -> bool {
        self.is_of_the_request()
            && (self.code.as_deref().is_some_and(|code| NEVER_REFUNDED.contains(&code))
                || self.param.as_deref() == Some("amount"))
    }

    /// The most precise code; that the customer has to be there is kept, whatever the bank said of it.
    fn code(self) -> String {
        if self.code.as_deref() == Some(AUTHENTICATION_REQUIRED) {
            return AUTHENTICATION_REQUIRED.to_owned();
        }
        self.decline_code.or(self.code).or(self.kind).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// The answer to a charge.
pub(super) fn charge(status: StatusCode, body: &[u8]) -> Result<Answer, Failure> {
    if status.is_success() {
        return read::<Intent>(status, body)?.outcome();
    }
    let refusal = Refusal::read(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(Answer::Declined(refusal.code())),
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST if refusal.is_of_something_unknown() => {
            Ok(Answer::Declined(refusal.code()))
        }
        StatusCode::BAD_REQUEST if refusal.is_of_the_amount() => Ok(Answer::Declined(refusal.code())),
        _ => Err(trouble(status, refusal)),
    }
}

/// The answer to a refund. That they do not know the payment is none: they told us its name, so it is another account's key that we
/// have, and a person has to look.
pub(super) fn refund(status: StatusCode, body: &[u8]) -> Result<RefundAnswer, Failure> {
    if status.is_success() {
        let Made { id, status: state, failure_reason } = read(status, body)?;
        return match state.as_deref().unwrap_or("unknown") {
            // Pending is taken for done: they have taken the refund, it is on its way to the bank or waits for our balance there, and
            // they call it succeeded later without anybody's doing. Should the bank send it back, which is rare and takes weeks, the
            // money is in our balance again and the customer has to be paid in another way: that is a person's work, and Stripe
            // writes to the account's owner about it (<https://docs.stripe.com/refunds#failed-refunds>).
            "succeeded" | "pending" => Ok(RefundAnswer::Refunded(id)),
            state @ ("failed" | "canceled") => {
                Ok(RefundAnswer::Refused(failure_reason.unwrap_or_else(|| state.to_owned())))
            }
            other => Err(Failure::unavailable(PART, format!("the refund is {other}"))),
        };
    }
    let refusal = Refusal::read(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(RefundAnswer::Refused(refusal.code())),
        StatusCode::BAD_REQUEST if refusal.is_of_the_refund() => Ok(RefundAnswer::Refused(refusal.code())),
        _ => Err(trouble(status, refusal)),
    }
}

/// The answer to a search for an attempt.
pub(super) fn search(
    status: StatusCode,
    body: &[u8],
    payment_id: &str,
    attempt: &str,
) -> Result<Option<Answer>, Failure> {
    if !status.is_success() {
        return Err(trouble(status, Refusal::read(body)));
    }
    let found: Found = read(status, body)?;
    if found.has_more {
        return Err(Failure::internal(format!("{PART}: more than {MOST_FOUND} charges of {payment_id}/{attempt}")));
    }
    // A search compares as it likes: whatever the case of the letters, at least.
    let is = |intent: &Intent, name, value| intent.metadata.get(name).is_some_and(|theirs| theirs == value);
    let is_ours =
        |intent: &Intent| is(intent, metadata::PAYMENT_ID, payment_id) && is(intent, metadata::ATTEMPT, attempt);
    let ours: Vec<Intent> = found.data.into_iter().filter(is_ours).collect();
    let charged: Vec<&str> =
        ours.iter().filter(|intent| intent.status == "succeeded").map(|intent| intent.id.as_str()).collect();
    match *charged.as_slice() {
        [] => {}
        [once] => return Ok(Some(Answer::Charged(once.to_owned()))),
        _ => {
            let names = charged.join(" and ");
            return Err(Failure::internal(format!("{PART}: attempt {attempt} of {payment_id} is charged as {names}")));
        }
    }
    // One that is open may still become a charge, whatever became of others.
    let outcomes = ours.into_iter().map(Intent::outcome).collect::<Result<Vec<_>, _>>()?;
    Ok(outcomes.into_iter().next())
}

/// What an answer that should be good says. Whatever was asked for may be done or not: we cannot tell.
pub(super) fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::unavailable(PART, format!("an answer {status} that cannot be read")))
}

/// The failure of an answer without success, to something of which it says nothing final.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> Failure {
    trouble(status, Refusal::read(body))
}

fn trouble(status: StatusCode, refusal: Refusal) -> Failure {
    let kind = refusal.kind.clone().unwrap_or_default();
    match status {
        // A 404 in other words is not theirs: a proxy or a wrong address. A key that they refuse may have been replaced.
        StatusCode::NOT_FOUND if !refusal.is_of_something_unknown() => {
            Failure::unavailable(PART, format!("{status}: {}", refusal.code()))
        }
        StatusCode::UNAUTHORIZED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            Failure::unavailable(PART, format!("{status}: {}", refusal.code()))
        }
        _ if status.is_server_error() => Failure::unavailable(PART, status),
        _ => Failure::internal(format!("{PART}: {status}: {kind} {}", refusal.code())),
    }
}
