//! The payment gateway: Stripe's payment intents, confirmed as they are created.
//!
//! Every charge carries an idempotency key of its payment, so that it can be asked for again after anything but a final answer.

use crate::config::ConfigError;
use crate::secret::SecretValue;
use crate::web;
use domain::payment::{Answer, Payment};
use kernel::Failure;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OnceCell;

const PART: &str = "payment gateway";
const CONNECT: Duration = Duration::from_secs(2);
/// On the whole exchange. The function that charges has 30 seconds.
const TOTAL: Duration = Duration::from_secs(8);
/// The version of Stripe's API that this code was written for; without it an account's default decides.
const API_VERSION: &str = "2025-03-31.basil";

/// Stripe, or a server that speaks like it.
#[derive(Debug)]
pub struct StripeGateway {
    http: Client,
    url: String,
    secret: SecretValue,
    key: OnceCell<String>,
}

impl StripeGateway {
    /// The gateway at `url`, to which `secret` proves who we are.
    pub fn new(url: &str, secret: SecretValue) -> Result<Self, ConfigError> {
        let http = web::client(CONNECT, TOTAL)?;
        Ok(Self { http, url: format!("{url}/v1/payment_intents"), secret, key: OnceCell::new() })
    }

    /// Our secret key, read once.
    async fn key(&self) -> Result<&str, Failure> {
        let read = || async {
            let key = self.secret.read().await?.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
            key.ok_or_else(|| Failure::internal("the secret of the payment gateway has no value"))
        };
        self.key.get_or_try_init(read).await.map(String::as_str)
    }
}

impl ports::Gateway for StripeGateway {
    async fn charge(&self, payment: &Payment) -> Result<Answer, Failure> {
        let (payment_id, order_id) = (payment.id.to_string(), payment.order_id.to_string());
        let form = [
            ("amount", payment.amount.amount.get().to_string()),
            ("currency", payment.amount.currency.code().to_ascii_lowercase()),
            ("payment_method", payment.method.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            ("metadata[order_id]", order_id),
            ("metadata[payment_id]", payment_id),
        ];
        let request = self
            .http
            .post(&self.url)
            .basic_auth(self.key().await?, None::<&str>)
            .header("Idempotency-Key", payment.gateway_key())
            .header("Stripe-Version", API_VERSION)
            .form(&form);
        let unavailable = |error| Failure::unavailable(PART, web::cause(error));
        let answer = request.send().await.map_err(unavailable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unavailable)?;
        classify(status, &body)
    }
}

/// A payment intent, as far as we need it.
#[derive(Deserialize)]
struct Intent {
    id: String,
    status: String,
    last_payment_error: Option<Refusal>,
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
}

impl Refusal {
    fn code(self) -> String {
        self.decline_code.or(self.code).or(self.kind).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// What an answer means. Only an answer that is surely final becomes an [`Answer`].
fn classify(status: StatusCode, body: &[u8]) -> Result<Answer, Failure> {
    if status.is_success() {
        // Charged or not, we cannot tell: asking again under the same key will tell us.
        let intent: Intent = serde_json::from_slice(body)
            .map_err(|_| Failure::unavailable(PART, format!("an answer {status} that cannot be read")))?;
        return match intent.status.as_str() {
            "succeeded" => Ok(Answer::Charged(intent.id)),
            "requires_payment_method" | "canceled" => {
                Ok(Answer::Declined(intent.last_payment_error.unwrap_or_default().code()))
            }
            // Nobody is there who could authenticate.
            "requires_action" => Ok(Answer::Declined("authentication_required".to_owned())),
            other => Err(Failure::unavailable(PART, format!("the payment is {other}"))),
        };
    }
    let refusal = serde_json::from_slice::<Problem>(body).map(|problem| problem.error).unwrap_or_default();
    let kind = refusal.kind.clone().unwrap_or_default();
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(Answer::Declined(refusal.code())),
        // The request names one thing of theirs, the way to pay: they do not know it, and never will.
        StatusCode::NOT_FOUND => Ok(Answer::Declined("resource_missing".to_owned())),
        StatusCode::BAD_REQUEST if refusal.code.as_deref() == Some("resource_missing") => {
            Ok(Answer::Declined("resource_missing".to_owned()))
        }
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::unavailable(PART, format!("{status}: {}", refusal.code())))
        }
        _ if status.is_server_error() => Err(Failure::unavailable(PART, status)),
        _ => Err(Failure::internal(format!("{PART}: {status}: {kind} {}", refusal.code()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Kind;

    fn answer(status: u16, body: &str) -> Result<Answer, Failure> {
        classify(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    fn kind(status: u16, body: &str) -> Kind {
        answer(status, body).unwrap_err().kind
    }

    #[test]
    fn a_payment_that_succeeded_is_charged_under_the_gateways_name() {
        let charged = Ok(Answer::Charged("pi_1".to_owned()));
        assert_eq!(answer(200, r#"{"id":"pi_1","status":"succeeded","last_payment_error":null}"#), charged);
    }

    #[test]
    fn a_card_that_is_refused_is_declined_with_the_most_precise_code() {
        let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
        assert_eq!(answer(402, body), Ok(Answer::Declined("insufficient_funds".to_owned())));
        let body = r#"{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined"}}"#;
        assert_eq!(answer(200, body), Ok(Answer::Declined("card_declined".to_owned())));
    }

    #[test]
    fn a_way_to_pay_that_does_not_exist_is_declined() {
        for (status, body) in [
            (404, r#"{"error":{"type":"invalid_request_error"}}"#),
            (400, r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#),
        ] {
            assert_eq!(answer(status, body), Ok(Answer::Declined("resource_missing".to_owned())));
        }
    }

    #[test]
    fn whatever_leaves_the_charge_open_is_unavailable() {
        for status in [409, 429, 500, 502, 503] {
            assert_eq!(kind(status, "{}"), Kind::Unavailable, "{status}");
        }
        assert_eq!(kind(200, "not json"), Kind::Unavailable);
        assert_eq!(kind(200, r#"{"id":"pi_1","status":"processing"}"#), Kind::Unavailable);
    }

    #[test]
    fn a_mistake_of_ours_is_internal_and_tells_the_code_and_not_the_message() {
        let body = r#"{"error":{"type":"idempotency_error","message":"key charge-secret was used"}}"#;
        let failure = answer(400, body).unwrap_err();
        assert_eq!(failure.kind, Kind::Internal);
        assert!(failure.to_string().contains("idempotency_error") && !failure.to_string().contains("charge-secret"));
        assert_eq!(kind(401, "{}"), Kind::Internal);
    }
}
