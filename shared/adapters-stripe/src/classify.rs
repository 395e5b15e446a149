//! Classification of Stripe's responses. Only a final result becomes an outcome; everything undecided is `Unavailable`.

use super::{DEPENDENCY, metadata};
use domain::id::RefundId;
use domain::payment::{
    ChargeOutcome, CustomerAction, RefundOutcome, ReportedRefund, ReportedTransaction, StatedAmount,
};
use edge::telemetry::metrics;
use kernel::{Failure, FailureKind, Uuid};
use ports::{GATEWAY_PENDING, GATEWAY_REPLAYED_ERROR, GATEWAY_RETRY_LATER};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

mod attempts;
#[cfg(test)]
mod tests;

pub(super) use attempts::{cancelled, intents_of, open_intents_before, outcome_of, payment_of, withdrawn};

pub(super) type Metadata = BTreeMap<String, String>;

/// The members of a payment intent that are used.
#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    status: String,
    amount: Option<i64>,
    /// What was collected; an intent that collects later has another `amount` until then.
    amount_received: Option<i64>,
    currency: Option<String>,
    last_payment_error: Option<StripeError>,
    client_secret: Option<String>,
    next_action: Option<NextAction>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

/// What the customer has to do (<https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action>). Stripe's
/// library in the browser needs only the client secret.
#[derive(Deserialize)]
struct NextAction {
    redirect_to_url: Option<RedirectToUrl>,
}

#[derive(Deserialize)]
struct RedirectToUrl {
    url: Option<String>,
}

impl Intent {
    fn outcome(self) -> Result<ChargeOutcome, Failure> {
        match self.status.as_str() {
            "succeeded" => Ok(ChargeOutcome::Charged(self.into_answer())),
            "requires_payment_method" | "canceled" => Ok(ChargeOutcome::Declined(self.decline_code())),
            "requires_action" => {
                self.into_action().ok_or_else(|| pending("the payment requires an action that it does not describe"))
            }
            other => Err(pending(&format!("the payment is {other}"))),
        }
    }

    /// What the intent says it collected.
    pub(super) fn into_answer(self) -> ReportedTransaction {
        ReportedTransaction {
            transaction_id: self.id,
            amount: stated(self.amount_received.or(self.amount), self.currency.as_deref()),
        }
    }

    /// What the client needs to let the customer consent; `None` without a client secret.
    pub(super) fn into_action(self) -> Option<ChargeOutcome> {
        let redirect_url = self.next_action.and_then(|next| next.redirect_to_url).and_then(|redirect| redirect.url);
        let action = CustomerAction { client_secret: self.client_secret?, redirect_url };
        let amount = stated(self.amount, self.currency.as_deref());
        Some(ChargeOutcome::ActionRequired(ReportedTransaction { transaction_id: self.id, amount }, action))
    }

    /// Whether the intent was created but never sent to the bank. It never will be, because its idempotency key replays the error.
    fn was_never_confirmed(&self) -> bool {
        match self.status.as_str() {
            "requires_confirmation" => true,
            "requires_payment_method" => self.last_payment_error.is_none(),
            _ => false,
        }
    }

    pub(super) fn decline_code(self) -> String {
        match self.last_payment_error {
            None if self.status == CANCELED => CANCELED.to_owned(),
            error => error.unwrap_or_default().code(),
        }
    }
}

fn stated(minor: Option<i64>, currency: Option<&str>) -> Option<StatedAmount> {
    Some(StatedAmount::new(minor?, currency?))
}

/// Parses a successful response, or classifies the error.
pub(super) fn object<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Failure> {
    if status.is_success() { read(status, body) } else { Err(failure_of(status, StripeError::parse(body))) }
}

/// Whether Stripe rejects the request itself.
pub(super) fn is_invalid_request(body: &[u8]) -> bool {
    StripeError::parse(body).is_invalid_request()
}

/// The members of a refund that are used.
#[derive(Deserialize)]
pub(super) struct StripeRefund {
    id: String,
    /// The charge, as the payment knows it.
    pub(super) payment_intent: Option<String>,
    status: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    failure_reason: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

impl StripeRefund {
    fn outcome(self) -> Result<RefundOutcome, Failure> {
        match self.status.as_deref().unwrap_or("unknown") {
            // A pending refund counts as done: Stripe has accepted it, and it succeeds without further action once the bank or the
            // balance of the account allows. A bank that returns it, rarely and after weeks, returns the money to the balance; the
            // customer must then be refunded manually, and Stripe notifies the owner of the account
            // (<https://docs.stripe.com/refunds#failed-refunds>).
            "succeeded" | "pending" => {
                let amount = stated(self.amount, self.currency.as_deref());
                Ok(RefundOutcome::Refunded(ReportedTransaction { transaction_id: self.id, amount }))
            }
            state @ ("failed" | "canceled") => {
                let code = self.failure_reason.clone().unwrap_or_else(|| state.to_owned());
                Ok(RefundOutcome::Failed(code))
            }
            other => Err(pending(&format!("the refund is {other}"))),
        }
    }
}

impl StripeRefund {
    /// The report of a refund of `charge`; `None` while it has no result.
    pub(super) fn into_report(self, charge: &str) -> Option<ReportedRefund> {
        let transaction_id = self.id.clone();
        let refund_id = self.metadata.get(metadata::REFUND_ID).and_then(|id| Uuid::try_parse(id).ok()).map(RefundId);
        let amount = stated(self.amount, self.currency.as_deref());
        let failure = match self.outcome().ok()? {
            RefundOutcome::Refunded(_) => None,
            RefundOutcome::Failed(code) => Some(code),
        };
        Some(ReportedRefund { charge: charge.to_owned(), transaction_id, refund_id, amount, failure })
    }
}

/// A page of the refunds of a charge.
#[derive(Deserialize)]
pub(super) struct Refunds {
    pub(super) data: Vec<StripeRefund>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// The refunds on a page, and the id that the next page starts after.
pub(super) fn refunds(
    status: StatusCode,
    body: &[u8],
    charge: &str,
) -> Result<(Vec<ReportedRefund>, Option<String>), Failure> {
    if !status.is_success() {
        return Err(failure_of(status, StripeError::parse(body)));
    }
    let Refunds { data, has_more } = read(status, body)?;
    let next = data.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok((data.into_iter().filter_map(|refund| refund.into_report(charge)).collect(), next))
}

/// The result of searching one page of refunds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RefundPage {
    Found(RefundOutcome),
    /// Not on this page. The next page starts after this id.
    Next(String),
    /// Not found, and there is no further page.
    Last,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: StripeError,
}

/// Stripe's description of an error, without the message, which may quote the request.
#[derive(Default, Deserialize)]
struct StripeError {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

/// Status and decline code of an intent that was cancelled, at the gateway or because it was not confirmed in time.
const CANCELED: &str = "canceled";
/// The bank requires the customer to authenticate, which an off-session charge cannot do.
const AUTHENTICATION_REQUIRED: &str = "authentication_required";
/// The code of a decline that Stripe gives none, such as a payment method that was used before.
const INVALID_PAYMENT_METHOD: &str = "invalid_payment_method";

/// Codes of refunds that will never succeed (<https://docs.stripe.com/error-codes>).
const FINAL_REFUND_ERRORS: [&str; 5] = [
    "charge_already_refunded",
    "amount_too_large",
    "charge_disputed",
    "refund_disputed_payment",
    "charge_not_refundable",
];

impl StripeError {
    fn parse(body: &[u8]) -> Self {
        serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default()
    }

    /// Whether Stripe rejects the request itself, not the credentials or the rate.
    fn is_invalid_request(&self) -> bool {
        self.kind.as_deref() == Some("invalid_request_error")
    }

    /// Whether the idempotency key was used with other parameters: by another release, or to withdraw the attempt.
    fn is_of_reused_key(&self) -> bool {
        self.kind.as_deref() == Some("idempotency_error")
    }

    /// Whether the request names an unknown object. A charge names one only, the payment method.
    fn is_unknown_resource(&self) -> bool {
        self.is_invalid_request() && self.code.as_deref() == Some("resource_missing")
    }

    /// Whether the refund will never succeed. Some versions of the API report an amount above the remainder without a code.
    fn is_final_for_refund(&self) -> bool {
        self.is_invalid_request()
            && (self.code.as_deref().is_some_and(|code| FINAL_REFUND_ERRORS.contains(&code))
                || self.param.as_deref() == Some("amount"))
    }

    /// The most specific code, except that `authentication_required` takes precedence over the code of the bank.
    fn code(self) -> String {
        if self.code.as_deref() == Some(AUTHENTICATION_REQUIRED) {
            return AUTHENTICATION_REQUIRED.to_owned();
        }
        self.decline_code.or(self.code).or(self.kind).unwrap_or_else(|| "unknown".to_owned())
    }
}

pub(super) fn charge(status: StatusCode, body: &[u8]) -> Result<ChargeOutcome, Failure> {
    if status.is_success() {
        return read::<Intent>(status, body)?.outcome();
    }
    let error = StripeError::parse(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(ChargeOutcome::Declined(error.code())),
        // Charges differ only in the payment method and the amount, so Stripe rejects one of these, sometimes without a code (a
        // token that was used before). A retry gets the same response, and the customer can choose another payment method. A 404
        // that names no unknown resource does not come from Stripe's API.
        StatusCode::NOT_FOUND if error.is_unknown_resource() => Ok(declined(status, error)),
        StatusCode::BAD_REQUEST if error.is_invalid_request() => Ok(declined(status, error)),
        _ => Err(failure_of(status, error)),
    }
}

/// The decline of a rejected request. It is counted and logged, since a defect in the request would decline every charge.
fn declined(status: StatusCode, error: StripeError) -> ChargeOutcome {
    let code = error.decline_code.or(error.code).unwrap_or_else(|| INVALID_PAYMENT_METHOD.to_owned());
    metrics::count("ChargeRequestsRejected", 1);
    tracing::warn!(status = status.as_u16(), code, param = error.param, "the gateway rejected the request to charge");
    ChargeOutcome::Declined(code)
}

/// An unknown payment is an internal error and not a decline: Stripe created its id, so the API key must be that of another account.
pub(super) fn refund(status: StatusCode, body: &[u8]) -> Result<RefundOutcome, Failure> {
    if status.is_success() {
        return read::<StripeRefund>(status, body)?.outcome();
    }
    let error = StripeError::parse(body);
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(RefundOutcome::Failed(error.code())),
        StatusCode::BAD_REQUEST if error.is_final_for_refund() => Ok(RefundOutcome::Failed(error.code())),
        _ => Err(failure_of(status, error)),
    }
}

/// Searches a page of the refunds of a charge for the refund with this id.
pub(super) fn refund_among(status: StatusCode, body: &[u8], refund_id: &str) -> Result<RefundPage, Failure> {
    if !status.is_success() {
        return Err(failure_of(status, StripeError::parse(body)));
    }
    let Refunds { data, has_more } = read(status, body)?;
    let last = data.last().filter(|_| has_more).map(|last| last.id.clone());
    let is_it =
        |refund: &StripeRefund| refund.metadata.get(metadata::REFUND_ID).is_some_and(|theirs| theirs == refund_id);
    match data.into_iter().find(is_it) {
        Some(refund) => refund.outcome().map(RefundPage::Found),
        None => Ok(last.map_or(RefundPage::Last, RefundPage::Next)),
    }
}

/// Parses the body of a success response. If it is malformed, the request may have been executed or not.
pub(super) fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::unavailable(DEPENDENCY, format!("the body of a {status} response is malformed")))
}

/// The failure of an error response that decides nothing.
pub(super) fn error_response(status: StatusCode, body: &[u8]) -> Failure {
    failure_of(status, StripeError::parse(body))
}

/// The failure for a request whose outcome is still open.
pub(super) fn pending(what: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, GATEWAY_PENDING, "The outcome at the payment gateway is still pending.")
        .with_internal(format!("{DEPENDENCY}: {what}"))
}

fn failure_of(status: StatusCode, error: StripeError) -> Failure {
    let kind = error.kind.clone().unwrap_or_default();
    match status {
        // Another 404 comes from a proxy or a wrong URL.
        StatusCode::NOT_FOUND if !error.is_unknown_resource() => {
            Failure::unavailable(DEPENDENCY, format!("{status}: {}", error.code()))
        }
        StatusCode::BAD_REQUEST if error.is_of_reused_key() => {
            let detail = "The payment gateway has used this idempotency key with other parameters.";
            Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail)
                .with_internal(format!("{DEPENDENCY}: {status}: {kind}"))
        }
        // Stripe responds without executing the request. A rejected API key may have been rotated.
        StatusCode::UNAUTHORIZED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            let detail = "The payment gateway cannot process this request now.";
            Failure::new(FailureKind::Unavailable, GATEWAY_RETRY_LATER, detail)
                .with_internal(format!("{DEPENDENCY}: {status}: {}", error.code()))
        }
        _ if status.is_server_error() => Failure::unavailable(DEPENDENCY, status),
        _ => Failure::internal(format!("{DEPENDENCY}: {status}: {kind} {}", error.code())),
    }
}
