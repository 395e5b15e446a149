//! The payment gateway: Stripe's payment intents, confirmed as they are created, their refunds, and its own ledger.
//!
//! Every charge carries an idempotency key of its attempt, and every refund one of its own, so that it can be asked for again and is
//! still done once. Stripe keeps the first result of a key for at least 24 hours (`domain::payment::is_due` sees to it that nobody asks
//! later) and then gives that result again. So asking again tells the outcome where no answer came, or came before anything was begun
//! (401, 409, 429); where the result that was kept is a 5xx or `processing`, it only tells the same again: what became of it is looked
//! up ([`ports::Gateway::find_charge`], [`ports::Gateway::find_refund`]) (<https://docs.stripe.com/api/idempotent_requests>).

mod classify;
mod movements;
mod secrets;
#[cfg(test)]
mod tests;
mod webhooks;

pub use webhooks::StripeWebhooks;

use adapters::Wiring;
use adapters::config::ConfigError;
use adapters_secrets::SecretValue;
use catalog::Uses;
use classify::RefundPage;
use domain::ledger::GatewayStatement;
use domain::payment::{ChargeOutcome, Payment, Refund, RefundOutcome};
use kernel::{Failure, FailureKind, Timestamp};
use ports::GATEWAY_REPLAYED_ERROR;
use reqwest::{Client, RequestBuilder, StatusCode};
use std::time::Duration;
use tokio::sync::Mutex;

/// The payment gateway.
pub fn gateway(wiring: &Wiring) -> Result<StripeGateway, ConfigError> {
    wiring.require("the gateway", |uses| matches!(uses, Uses::Gateway))?;
    StripeGateway::new(&wiring.config().gateway_url()?, adapters_secrets::secret(wiring, &catalog::GATEWAY_KEY)?)
}

/// The gateway's webhooks.
pub fn webhook_verifier(wiring: &Wiring) -> Result<StripeWebhooks, ConfigError> {
    Ok(StripeWebhooks::new(adapters_secrets::secret(wiring, &catalog::WEBHOOK_SECRET)?))
}

const PART: &str = "payment gateway";
const CONNECT: Duration = Duration::from_secs(2);
/// On the whole exchange. The function that charges has 30 seconds.
const TOTAL: Duration = Duration::from_secs(8);
/// The version of Stripe's API that this code was written for; without it an account's default decides.
const API_VERSION: &str = "2025-03-31.basil";
/// The header by which Stripe tells that an answer is the one that it holds under the key
/// (<https://docs.stripe.com/error-low-level#idempotency>).
const REPLAYED: &str = "idempotent-replayed";
/// The most that Stripe lists at once.
const PAGE: &str = "100";

/// What our metadata is called there. Stripe puts what a payment intent has on its charge too.
mod metadata {
    pub(super) const PAYMENT_ID: &str = "payment_id";
    pub(super) const ATTEMPT: &str = "attempt";
    pub(super) const REFUND_ID: &str = "refund_id";
}

/// An answer as it came.
struct Reply {
    status: StatusCode,
    /// Whether it was given before, under the same key.
    is_replayed: bool,
    body: Vec<u8>,
}

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
        let http = adapters_http::client(CONNECT, TOTAL)?;
        Ok(Self { http, url: format!("{url}/v1"), secret, key: Mutex::default() })
    }

    /// Does something at most once a `key`.
    async fn post(&self, path: &str, key: String, form: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), Failure> {
        let request = self.http.post(format!("{}/{path}", self.url)).header("Idempotency-Key", key).form(form);
        let Reply { status, is_replayed, body } = self.send(request).await?;
        if is_replayed && status.is_server_error() {
            let detail = "The payment gateway holds a fault under the key.";
            return Err(Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail)
                .with_internal(format!("{PART}: {status} again")));
        }
        Ok((status, body))
    }

    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), Failure> {
        let Reply { status, body, .. } = self.send(self.http.get(format!("{}/{path}", self.url)).query(query)).await?;
        Ok((status, body))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Reply, Failure> {
        let key = self.key().await?;
        let request = request.basic_auth(&key, None::<&str>).header("Stripe-Version", API_VERSION);
        let unavailable = |error| Failure::unavailable(PART, adapters_http::cause(error));
        let answer = request.send().await.map_err(unavailable)?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            self.forget(&key).await;
        }
        let is_replayed = answer.headers().get(REPLAYED).is_some_and(|value| value == "true");
        Ok(Reply { status, is_replayed, body: answer.bytes().await.map_err(unavailable)?.into() })
    }

    /// Our secret key: read once, and again after Stripe has refused it.
    async fn key(&self) -> Result<String, Failure> {
        let mut kept = self.key.lock().await;
        if let Some(key) = &*kept {
            return Ok(key.clone());
        }
        let key = secrets::usable(self.secret.read().await?, "payment gateway")?;
        Ok(kept.insert(key).clone())
    }

    /// Forgets a key that Stripe refused, unless a newer one has been read meanwhile.
    async fn forget(&self, refused: &str) {
        self.key.lock().await.take_if(|kept| kept == refused);
    }
}

impl ports::Gateway for StripeGateway {
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        let nothing = || Failure::internal(format!("the payment {} has no way to pay", payment.id));
        let method = payment.method.as_ref().ok_or_else(nothing)?;
        let form = [
            ("amount", payment.amount.amount.get().to_string()),
            ("currency", payment.amount.currency.code().to_ascii_lowercase()),
            ("payment_method", method.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            ("metadata[order_id]", payment.order_id.to_string()),
            ("metadata[payment_id]", payment.id.to_string()),
            ("metadata[attempt]", payment.attempts.to_string()),
        ];
        let (status, body) = self.post("payment_intents", payment.gateway_key(), &form).await?;
        classify::charge(status, &body)
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        let nothing = || Failure::internal(format!("the payment {} was never charged", payment.id));
        let form = [
            ("payment_intent", payment.transaction_id.clone().ok_or_else(nothing)?),
            ("amount", refund.amount.amount.get().to_string()),
            ("metadata[refund_id]", refund.id.to_string()),
            ("metadata[payment_id]", payment.id.to_string()),
            ("metadata[order_id]", payment.order_id.to_string()),
        ];
        let (status, body) = self.post("refunds", refund.gateway_key(), &form).await?;
        classify::refund(status, &body)
    }

    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let (id, attempt) = (payment.id.to_string(), payment.attempts.to_string());
        let query =
            format!("metadata['{}']:'{id}' AND metadata['{}']:'{attempt}'", metadata::PAYMENT_ID, metadata::ATTEMPT,);
        let query = [("query", query), ("limit", classify::MOST_FOUND.to_string())];
        let (status, body) = self.get("payment_intents/search", &query).await?;
        classify::search(status, &body, &id, &attempt)
    }

    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure> {
        let nothing = || Failure::internal(format!("the payment {} was never charged", payment.id));
        let charge = payment.transaction_id.clone().ok_or_else(nothing)?;
        let id = refund.id.to_string();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("payment_intent", charge.clone()), ("limit", PAGE.to_owned())];
            query.extend(after.map(|last| ("starting_after", last)));
            let (status, body) = self.get("refunds", &query).await?;
            match classify::refund_among(status, &body, &id)? {
                RefundPage::Found(answer) => return Ok(Some(answer)),
                RefundPage::Next(last) => after = Some(last),
                RefundPage::Last => return Ok(None),
            }
        }
    }

    async fn movements(&self, from: Timestamp, to: Timestamp) -> Result<GatewayStatement, Failure> {
        let mut all = GatewayStatement::default();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![
                ("created[gte]", from.as_second().to_string()),
                ("created[lt]", to.as_second().to_string()),
                ("limit", PAGE.to_owned()),
                ("expand[]", "data.source".to_owned()),
            ];
            query.extend(after.map(|last| ("starting_after", last)));
            let (status, body) = self.get("balance_transactions", &query).await?;
            let page = movements::page(status, &body)?;
            all.transactions.extend(page.statement.transactions);
            all.unreadable.extend(page.statement.unreadable);
            match page.next {
                Some(last) => after = Some(last),
                None => return Ok(all),
            }
        }
    }
}
