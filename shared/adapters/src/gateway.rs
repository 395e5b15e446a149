//! The payment gateway: Stripe's payment intents, confirmed as they are created.
//!
//! Every charge carries an idempotency key of its payment, so that it can be asked for again and is still one charge. Stripe keeps
//! the first result of a key for at least 24 hours (`domain::payment::is_due` sees to it that nobody asks later) and then gives that
//! result again. So asking again tells the outcome where no answer came, or came before the charge was begun (401, 409, 429); where
//! the result that was kept is a 5xx or `processing`, it only tells the same again: such a payment stays pending until somebody looks
//! it up at the gateway (<https://docs.stripe.com/api/idempotent_requests>).

use crate::config::ConfigError;
use crate::secret::SecretValue;
use crate::web;
use domain::payment::{Answer, Payment};
use kernel::Failure;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;

const PART: &str = "payment gateway";
const CONNECT: Duration = Duration::from_secs(2);
/// On the whole exchange. The function that charges has 30 seconds.
const TOTAL: Duration = Duration::from_secs(8);
/// The version of Stripe's API that this code was written for; without it an account's default decides.
const API_VERSION: &str = "2025-03-31.basil";

/// What the template puts into the secret while nobody has given it a key (`GatewaySecretKey`).
const NO_KEY: &str = "unset";

/// Stripe, or a server that speaks like it.
#[derive(Debug)]
pub struct StripeGateway {
    http: Client,
    url: String,
    secret: SecretValue,
    key: Mutex<Option<String>>,
}

impl StripeGateway {
    /// The gateway at `url`, to which `secret` proves who we are.
    pub fn new(url: &str, secret: SecretValue) -> Result<Self, ConfigError> {
        let http = web::client(CONNECT, TOTAL)?;
        Ok(Self { http, url: format!("{url}/v1/payment_intents"), secret, key: Mutex::default() })
    }

    /// Our secret key: read once, and again after Stripe has refused it.
    async fn key(&self) -> Result<String, Failure> {
        let mut kept = self.key.lock().await;
        if let Some(key) = &*kept {
            return Ok(key.clone());
        }
        let key = usable(self.secret.read().await?)?;
        Ok(kept.insert(key).clone())
    }

    /// Forgets a key that Stripe refused, unless a newer one has been read meanwhile.
    async fn forget(&self, refused: &str) {
        self.key.lock().await.take_if(|kept| kept == refused);
    }
}

/// The key in the secret's text.
fn usable(text: Option<String>) -> Result<String, Failure> {
    match text.as_deref().unwrap_or_default().trim() {
        "" | NO_KEY => {
            Err(Failure::internal("the secret of the payment gateway has no value: no key was ever put there"))
        }
        key => Ok(key.to_owned()),
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
        let key = self.key().await?;
        let request = self
            .http
            .post(&self.url)
            .basic_auth(&key, None::<&str>)
            .header("Idempotency-Key", payment.gateway_key())
            .header("Stripe-Version", API_VERSION)
            .form(&form);
        let unavailable = |error| Failure::unavailable(PART, web::cause(error));
        let answer = request.send().await.map_err(unavailable)?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            self.forget(&key).await;
        }
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

/// The bank wants to see the customer, and nobody is there who could authenticate.
const AUTHENTICATION_REQUIRED: &str = "authentication_required";

impl Refusal {
    /// They do not know what the request names. It names one thing of theirs, the way to pay.
    fn is_of_something_unknown(&self) -> bool {
        self.kind.as_deref() == Some("invalid_request_error") && self.code.as_deref() == Some("resource_missing")
    }

    /// The amount is none that they charge in this currency. Orders are checked before (`domain::payment::check_total`), against
    /// limits that may change.
    fn is_of_the_amount(&self) -> bool {
        matches!(self.code.as_deref(), Some("amount_too_small" | "amount_too_large"))
    }

    /// The most precise code; that the customer has to be there is kept, whatever the bank said of it.
    fn code(self) -> String {
        if self.code.as_deref() == Some(AUTHENTICATION_REQUIRED) {
            return AUTHENTICATION_REQUIRED.to_owned();
        }
        self.decline_code.or(self.code).or(self.kind).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// What an answer means. Only an answer that is surely final becomes an [`Answer`].
fn classify(status: StatusCode, body: &[u8]) -> Result<Answer, Failure> {
    if status.is_success() {
        // Charged or not, we cannot tell.
        let intent: Intent = serde_json::from_slice(body)
            .map_err(|_| Failure::unavailable(PART, format!("an answer {status} that cannot be read")))?;
        return match intent.status.as_str() {
            "succeeded" => Ok(Answer::Charged(intent.id)),
            "requires_payment_method" | "canceled" => {
                Ok(Answer::Declined(intent.last_payment_error.unwrap_or_default().code()))
            }
            "requires_action" => Ok(Answer::Declined(AUTHENTICATION_REQUIRED.to_owned())),
            other => Err(Failure::unavailable(PART, format!("the payment is {other}"))),
        };
    }
    let refusal = serde_json::from_slice::<Problem>(body).map(|problem| problem.error).unwrap_or_default();
    let kind = refusal.kind.clone().unwrap_or_default();
    match status {
        StatusCode::PAYMENT_REQUIRED => Ok(Answer::Declined(refusal.code())),
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST if refusal.is_of_something_unknown() => {
            Ok(Answer::Declined(refusal.code()))
        }
        StatusCode::BAD_REQUEST if refusal.is_of_the_amount() => Ok(Answer::Declined(refusal.code())),
        // A 404 in other words is not theirs: a proxy or a wrong address. A key that they refuse may have been replaced.
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::unavailable(PART, format!("{status}: {}", refusal.code())))
        }
        _ if status.is_server_error() => Err(Failure::unavailable(PART, status)),
        _ => Err(Failure::internal(format!("{PART}: {status}: {kind} {}", refusal.code()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws;
    use crate::config::Config;
    use domain::Money;
    use domain::id::{OrderId, PaymentId, UserId};
    use domain::payment::Status;
    use domain::text::PaymentMethod;
    use kernel::{Kind, Timestamp, Uuid};
    use ports::Gateway;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

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
            (404, r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#),
            (400, r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#),
        ] {
            assert_eq!(answer(status, body), Ok(Answer::Declined("resource_missing".to_owned())));
        }
    }

    #[test]
    fn whatever_leaves_the_charge_open_is_unavailable() {
        for status in [401, 404, 409, 429, 500, 502, 503] {
            assert_eq!(kind(status, "{}"), Kind::Unavailable, "{status}");
        }
        for body in [
            "<html>Not Found</html>",
            r#"{"error":{"type":"invalid_request_error"}}"#,
            r#"{"error":{"code":"resource_missing"}}"#,
        ] {
            assert_eq!(kind(404, body), Kind::Unavailable, "{body}");
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
        assert_eq!(
            kind(400, r#"{"error":{"type":"invalid_request_error","code":"parameter_invalid"}}"#),
            Kind::Internal
        );
    }

    #[test]
    fn an_amount_that_the_gateway_does_not_take_is_declined() {
        for code in ["amount_too_small", "amount_too_large"] {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
            assert_eq!(answer(400, &body), Ok(Answer::Declined(code.to_owned())));
        }
    }

    #[test]
    fn that_the_customer_has_to_authenticate_is_declined_and_keeps_its_code() {
        let declined = Ok(Answer::Declined("authentication_required".to_owned()));
        for (status, body) in [
            (
                402,
                r#"{"error":{"type":"card_error","code":"authentication_required","decline_code":"generic_decline"}}"#,
            ),
            (402, r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"authentication_required"}}"#),
            (200, r#"{"id":"pi_1","status":"requires_action"}"#),
            (
                200,
                r#"{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"authentication_required"}}"#,
            ),
        ] {
            assert_eq!(answer(status, body), declined, "{body}");
        }
    }

    #[test]
    fn a_secret_without_a_key_is_a_defect_that_the_log_names() {
        for text in [None, Some(""), Some(" \n"), Some("unset"), Some("unset\n")] {
            let failure = usable(text.map(str::to_owned)).unwrap_err();
            assert_eq!(failure.kind, Kind::Internal, "{text:?}");
            assert!(failure.to_string().contains("has no value"));
        }
        assert_eq!(usable(Some("sk_test_1\n".to_owned())), Ok("sk_test_1".to_owned()));
        let template = include_str!("../../../template.yaml");
        assert!(
            template.contains(&format!("- Ref: GatewaySecretKey\n        - {NO_KEY}\n")),
            "the template's word for none"
        );
    }

    /// Answers one request for each of `answers`, in order; what was asked, head and body.
    async fn serve(listener: TcpListener, answers: &[(u16, &str)]) -> Vec<String> {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut part) = (String::new(), [0; 4096]);
            while !is_whole(&request) {
                let read = stream.read(&mut part).await.unwrap();
                request.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            asked.push(request);
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    }

    fn is_whole(request: &str) -> bool {
        let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        body.len() >= length.unwrap_or(0)
    }

    fn payment() -> Payment {
        Payment {
            id: PaymentId(Uuid::from_u128(1)),
            order_id: OrderId(Uuid::from_u128(2)),
            user_id: UserId(Uuid::from_u128(3)),
            amount: Money::new(1999, "USD").unwrap(),
            method: PaymentMethod::parse("pm_card_visa").unwrap(),
            status: Status::Pending,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_key_that_is_refused_is_forgotten_and_the_secret_is_read_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config::given([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &url),
        ]);
        let secrets = aws_sdk_secretsmanager::Client::new(&aws::sdk(&config).unwrap());
        let gateway = StripeGateway::new(&url, SecretValue::new(secrets, "gateway-key".to_owned())).unwrap();
        let charged = r#"{"id":"pi_1","status":"succeeded"}"#;
        let answers = [
            (200, r#"{"SecretString":"sk_old"}"#),
            (401, r#"{"error":{"type":"invalid_request_error"}}"#),
            (200, r#"{"SecretString":"sk_new"}"#),
            (200, charged),
            (200, charged),
        ];
        let payment = payment();
        let ask =
            async || [gateway.charge(&payment).await, gateway.charge(&payment).await, gateway.charge(&payment).await];
        let (asked, [refused, first, second]) = futures_util::join!(serve(listener, &answers), ask());
        assert_eq!(refused.unwrap_err().kind, Kind::Unavailable);
        assert_eq!((first, second), (Ok(Answer::Charged("pi_1".to_owned())), Ok(Answer::Charged("pi_1".to_owned()))));
        let paths: Vec<_> = asked.iter().filter_map(|request| request.split(' ').nth(1)).collect();
        let charge = "/v1/payment_intents";
        assert_eq!(paths, ["/", charge, "/", charge, charge]);
    }
}
