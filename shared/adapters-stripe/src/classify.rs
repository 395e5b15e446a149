//! What the gateway's answers mean. Only one that is surely final becomes an answer; all that is open is `Unavailable`.

use super::{PART, metadata};
use domain::payment::{ChargeOutcome, RefundOutcome};
use edge::telemetry::metrics;
use kernel::{Failure, FailureKind};
use ports::{GATEWAY_PENDING, GATEWAY_RETRY_LATER};
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
    fn outcome(self) -> Result<ChargeOutcome, Failure> {
        match self.status.as_str() {
            "succeeded" => Ok(ChargeOutcome::Charged(self.id)),
            "requires_payment_method" | "canceled" => Ok(ChargeOutcome::Declined(self.refusal())),
            "requires_action" => Ok(ChargeOutcome::Declined(AUTHENTICATION_REQUIRED.to_owned())),
            other => Err(undecided(&format!("the payment is {other}"))),
        }
    }

    /// Whether it was begun and never came to ask the bank. Nobody takes it up again: its key tells of the fault that ended it.
    fn was_never_confirmed(&self) -> bool {
        match self.status.as_str() {
            "requires_confirmation" => true,
            "requires_payment_method" => self.last_payment_error.is_none(),
            _ => false,
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
    #[serde(default)]
    metadata: Metadata,
}

impl Made {
    /// What became of it.
    fn outcome(self) -> Result<RefundOutcome, Failure> {
        match self.status.as_deref().unwrap_or("unknown") {
            // Pending is taken for done: they have taken the refund, it is on its way to the bank or waits for our balance there, and
            // they call it succeeded later without anybody's doing. Should the bank send it back, which is rare and takes weeks, the
            // money is in our balance again and the customer has to be paid in another way: that is a person's work, and Stripe
            // writes to the account's owner about it (<https://docs.stripe.com/refunds#failed-refunds>).
            "succeeded" | "pending" => Ok(RefundOutcome::Refunded(self.id)),
            state @ ("failed" | "canceled") => {
                let code = self.failure_reason.clone().unwrap_or_else(|| state.to_owned());
                Ok(RefundOutcome::Failed(code))
            }
            other => Err(undecided(&format!("the refund is {other}"))),
        }
    }
}

/// Some of the refunds of a charge.
#[derive(Deserialize)]
struct Refunds {
    data: Vec<Made>,
    #[serde(default)]
    has_more: bool,
}

/// What a page of refunds says of the one that is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RefundPage {
    /// What became of it.
    Found(RefundOutcome),
    /// Nothing; the next page begins behind this one.
    Next(String),
    /// Nothing, and it is the last page.
    Last,
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
/// What they refuse without a code: a way to pay that cannot be used, or not again.
const INVALID_PAYMENT_METHOD: &str = "invalid_payment_method";

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
pub(super) fn charge(status: StatusCode, body: &[u8]) -> Result<ChargeOutcome, Failure> {
    if status.is_success() {
        return read::<Intent>(status, body)?.outcome();
    }
    let refusal = Refusal::read(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(ChargeOutcome::Declined(refusal.code())),
        // All that differs from one charge to the next is the customer's: the way to pay and the amount. So it is these that they
        // refuse, sometimes without a code, as of a token that was used before. The same question gets the same answer, and the
        // customer may pay in another way. A 404 that names nothing unknown is no word of theirs about a charge.
        StatusCode::NOT_FOUND if refusal.is_of_something_unknown() => Ok(declined(status, refusal)),
        StatusCode::BAD_REQUEST if refusal.is_of_the_request() => Ok(declined(status, refusal)),
        _ => Err(trouble(status, refusal)),
    }
}

/// Of a request that they refused. Should it be a mistake of ours after all, every charge is declined: it is counted and logged.
fn declined(status: StatusCode, refusal: Refusal) -> ChargeOutcome {
    let code = refusal.decline_code.or(refusal.code).unwrap_or_else(|| INVALID_PAYMENT_METHOD.to_owned());
    metrics::count("ChargeRequestsRejected", 1);
    tracing::warn!(status = status.as_u16(), code, param = refusal.param, "the gateway refused the request to charge");
    ChargeOutcome::Declined(code)
}

/// The answer to a refund. That they do not know the payment is none: they told us its name, so it is another account's key that we
/// have, and a person has to look.
pub(super) fn refund(status: StatusCode, body: &[u8]) -> Result<RefundOutcome, Failure> {
    if status.is_success() {
        return read::<Made>(status, body)?.outcome();
    }
    let refusal = Refusal::read(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(RefundOutcome::Failed(refusal.code())),
        StatusCode::BAD_REQUEST if refusal.is_of_the_refund() => Ok(RefundOutcome::Failed(refusal.code())),
        _ => Err(trouble(status, refusal)),
    }
}

/// What a page of a charge's refunds says of the one of this id.
pub(super) fn refund_among(status: StatusCode, body: &[u8], refund_id: &str) -> Result<RefundPage, Failure> {
    if !status.is_success() {
        return Err(trouble(status, Refusal::read(body)));
    }
    let Refunds { data, has_more } = read(status, body)?;
    let last = data.last().filter(|_| has_more).map(|last| last.id.clone());
    let is_it = |made: &Made| made.metadata.get(metadata::REFUND_ID).is_some_and(|theirs| theirs == refund_id);
    match data.into_iter().find(is_it) {
        Some(made) => made.outcome().map(RefundPage::Found),
        None => Ok(last.map_or(RefundPage::Last, RefundPage::Next)),
    }
}

/// The answer to a search for an attempt.
pub(super) fn search(
    status: StatusCode,
    body: &[u8],
    payment_id: &str,
    attempt: &str,
) -> Result<Option<ChargeOutcome>, Failure> {
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
        [once] => return Ok(Some(ChargeOutcome::Charged(once.to_owned()))),
        _ => {
            let names = charged.join(" and ");
            return Err(Failure::internal(format!("{PART}: attempt {attempt} of {payment_id} is charged as {names}")));
        }
    }
    // One that is open may still become a charge, whatever became of others.
    let begun = ours.into_iter().filter(|intent| !intent.was_never_confirmed());
    let outcomes = begun.map(Intent::outcome).collect::<Result<Vec<_>, _>>()?;
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

/// The failure of something that has begun there and is open.
fn undecided(what: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, GATEWAY_PENDING, "The payment gateway does not know yet.")
        .with_internal(format!("{PART}: {what}"))
}

fn trouble(status: StatusCode, refusal: Refusal) -> Failure {
    let kind = refusal.kind.clone().unwrap_or_default();
    match status {
        // A 404 in other words is not theirs: a proxy or a wrong address.
        StatusCode::NOT_FOUND if !refusal.is_of_something_unknown() => {
            Failure::unavailable(PART, format!("{status}: {}", refusal.code()))
        }
        // They answer, and not to this. A key that they refuse may have been replaced.
        StatusCode::UNAUTHORIZED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            let detail = "The payment gateway does not take this now.";
            Failure::new(FailureKind::Unavailable, GATEWAY_RETRY_LATER, detail)
                .with_internal(format!("{PART}: {status}: {}", refusal.code()))
        }
        _ if status.is_server_error() => Failure::unavailable(PART, status),
        _ => Failure::internal(format!("{PART}: {status}: {kind} {}", refusal.code())),
    }
}
