//! The payment gateway Stripe: payment intents that are confirmed when they are created, refunds, balance transactions and webhooks.
//!
//! Each attempt to charge and each refund has an idempotency key of its own, so that a repeated request is executed once. Stripe stores
//! the first result of a key for at least 24 hours and replays it (`domain::payment::is_due` ensures that no request is repeated later).
//! A repeated request therefore returns the outcome if the first response was lost, or if Stripe rejected the request before executing
//! it (401, 409, 429). If the stored result is a 5xx or `processing`, the outcome is searched for instead
//! ([`ports::Gateway::search_charge`], [`ports::Gateway::find_refund`]; <https://docs.stripe.com/api/idempotent_requests>).

mod balance_transactions;
mod classify;

mod secrets;
#[cfg(test)]
mod tests;
mod vault;
mod webhooks;

pub use webhooks::StripeWebhooks;

use adapters::Wiring;
use adapters::config::ConfigError;
use adapters_secrets::SecretValue;
use catalog::Uses;
use classify::RefundPage;
use domain::Money;
use domain::id::PaymentId;
use domain::ledger::GatewayStatement;
use domain::payment::{ChargeOutcome, Payment, Refund, RefundOutcome, ReportedRefund};
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{GATEWAY_LIST_TOO_LONG, GATEWAY_REPLAYED_ERROR};
use reqwest::{Client, RequestBuilder, StatusCode};
use std::{fmt, time::Duration};
use tokio::sync::Mutex;

pub fn gateway(wiring: &Wiring) -> Result<StripeGateway, ConfigError> {
    wiring.require("the payment gateway", |uses| matches!(uses, Uses::Gateway))?;
    let config = wiring.config();
    StripeGateway::new(
        &config.gateway_url()?,
        adapters_secrets::secret(wiring, &catalog::GATEWAY_KEY)?,
        config.stage()?,
    )
}

pub fn webhook_verifier(wiring: &Wiring) -> Result<StripeWebhooks, ConfigError> {
    Ok(StripeWebhooks::new(adapters_secrets::secret(wiring, &catalog::WEBHOOK_SECRET)?))
}

const DEPENDENCY: &str = "payment gateway";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of one request. The function that charges has 30 seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// The version of Stripe's API that this code is written for; without it, the default of the account applies.
const API_VERSION: &str = "2025-03-31.basil";
/// The response header that marks the stored result of an idempotency key
/// (<https://docs.stripe.com/error-low-level#idempotency>).
const REPLAYED_HEADER: &str = "idempotent-replayed";
/// Stripe's limit on the length of a page.
const PAGE_LIMIT: &str = "100";
/// Maximum number of pages of payment intents that are read to find one.
const MAX_INTENT_PAGES: u32 = 500;
/// By how much Stripe's clock may differ from ours.
const CLOCK_SKEW_S: i64 = 300;

/// Names of the metadata of payment intents and refunds. Stripe copies those of a payment intent to its charge.
mod metadata {
    pub(super) const PAYMENT_ID: &str = "payment_id";
    pub(super) const ATTEMPT: &str = "attempt";
    pub(super) const REFUND_ID: &str = "refund_id";
    /// The environment that made it: others may use the same account.
    pub(super) const ENVIRONMENT: &str = "environment";
}

struct Response {
    status: StatusCode,
    /// Whether it is the stored result of an idempotency key.
    is_replayed: bool,
    body: Vec<u8>,
}

/// Stripe, or a server with the same API.
pub struct StripeGateway {
    http: Client,
    url: String,
    secret: SecretValue,
    environment: String,
    key: Mutex<Option<String>>,
}

impl fmt::Debug for StripeGateway {
    /// Shows no API key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway").field("url", &self.url).finish_non_exhaustive()
    }
}

impl StripeGateway {
    /// `secret` contains the secret API key of the account, which other environments than this one may use as well.
    pub fn new(url: &str, secret: SecretValue, environment: String) -> Result<Self, ConfigError> {
        let http = adapters_http::client(CONNECT_TIMEOUT, REQUEST_TIMEOUT)?;
        Ok(Self { http, url: format!("{url}/v1"), secret, environment, key: Mutex::default() })
    }

    /// Sends a request that Stripe executes at most once for `key`.
    async fn post(&self, path: &str, key: String, form: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), Failure> {
        let request = self.http.post(format!("{}/{path}", self.url)).header("Idempotency-Key", key).form(form);
        let Response { status, is_replayed, body } = self.send(request).await?;
        if is_replayed && status.is_server_error() {
            let detail = "The payment gateway replays an error for this idempotency key.";
            return Err(Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail)
                .with_internal(format!("{DEPENDENCY}: {status} is replayed")));
        }
        Ok((status, body))
    }

    /// Cancels a payment intent, unless it has ended.
    async fn cancel(&self, intent: &str) -> Result<(), Failure> {
        let form = [("cancellation_reason", "abandoned".to_owned())];
        let (status, body) =
            self.post(&format!("payment_intents/{intent}/cancel"), format!("cancel-{intent}"), &form).await?;
        classify::cancelled(status, &body)
    }

    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), Failure> {
        let Response { status, body, .. } =
            self.send(self.http.get(format!("{}/{path}", self.url)).query(query)).await?;
        Ok((status, body))
    }

    async fn delete(&self, path: &str) -> Result<(StatusCode, Vec<u8>), Failure> {
        let Response { status, body, .. } = self.send(self.http.delete(format!("{}/{path}", self.url))).await?;
        Ok((status, body))
    }

    /// Sends a request. If Stripe rejects the key, which executes nothing, and the secret has another by now, it is sent once more with
    /// that.
    /// Boxed, so that the client is compiled here, and not in each function's crate.
    fn send(&self, request: RequestBuilder) -> BoxFuture<'_, Result<Response, Failure>> {
        async move {
            let (key, again) = (self.key().await?, request.try_clone());
            let response = self.send_with(request, &key).await?;
            if response.status != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            self.invalidate(&key).await;
            let current = self.key().await?;
            match again.filter(|_| current != key) {
                Some(again) => self.send_with(again, &current).await,
                None => Ok(response),
            }
        }
        .boxed()
    }

    async fn send_with(&self, request: RequestBuilder, key: &str) -> Result<Response, Failure> {
        let request = request.basic_auth(key, None::<&str>).header("Stripe-Version", API_VERSION);
        let unavailable = |error| Failure::unavailable(DEPENDENCY, adapters_http::cause(error));
        let response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let is_replayed = response.headers().get(REPLAYED_HEADER).is_some_and(|value| value == "true");
        Ok(Response { status, is_replayed, body: response.bytes().await.map_err(unavailable)?.into() })
    }

    /// The API key: read once, and again after Stripe has rejected it.
    async fn key(&self) -> Result<String, Failure> {
        let mut cached = self.key.lock().await;
        if let Some(key) = &*cached {
            return Ok(key.clone());
        }
        let key = secrets::require(self.secret.read().await?, "payment gateway")?;
        Ok(cached.insert(key).clone())
    }

    /// Drops a rejected key from the cache, unless a newer one has been read since.
    async fn invalidate(&self, rejected: &str) {
        self.key.lock().await.take_if(|key| key == rejected);
    }
}

impl ports::Gateway for StripeGateway {
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        let missing = || Failure::internal(format!("the payment {} has no payment method", payment.id));
        let method = payment.method.as_ref().ok_or_else(missing)?;
        let mut form = vec![
            ("amount", payment.amount.amount.get().to_string()),
            ("currency", payment.amount.currency.code().to_ascii_lowercase()),
            ("payment_method", method.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            // A charge that requires the customer's consent is confirmed by Stripe's library on the client.
            ("use_stripe_sdk", "true".to_owned()),
            ("metadata[order_id]", payment.order_id.to_string()),
            ("metadata[payment_id]", payment.id.to_string()),
            ("metadata[attempt]", payment.attempts.to_string()),
            ("metadata[environment]", self.environment.clone()),
        ];
        form.extend(payment.customer.clone().map(|customer| ("customer", customer)));
        let (status, body) = self.post("payment_intents", payment.gateway_key(), &form).await?;
        classify::charge(status, &body)
    }

    async fn cancel_earlier_attempts(&self, payment: &Payment) -> Result<(), Failure> {
        let id = payment.id.to_string();
        let query =
            [("query", format!("metadata['{}']:'{id}'", metadata::PAYMENT_ID)), ("limit", PAGE_LIMIT.to_owned())];
        let (status, body) = self.get("payment_intents/search", &query).await?;
        for intent in classify::open_intents_before(status, &body, &id, payment.attempts)? {
            self.cancel(&intent).await?;
        }
        Ok(())
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        let missing = || Failure::internal(format!("the payment {} has not been charged", payment.id));
        let form = [
            ("payment_intent", payment.transaction_id.clone().ok_or_else(missing)?),
            ("amount", refund.amount.amount.get().to_string()),
            ("metadata[refund_id]", refund.id.to_string()),
            ("metadata[payment_id]", payment.id.to_string()),
            ("metadata[order_id]", payment.order_id.to_string()),
            ("metadata[environment]", self.environment.clone()),
        ];
        let (status, body) = self.post("refunds", refund.gateway_key(), &form).await?;
        classify::refund(status, &body)
    }

    async fn search_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let (id, attempt) = (payment.id.to_string(), payment.attempts.to_string());
        let query =
            format!("metadata['{}']:'{id}' AND metadata['{}']:'{attempt}'", metadata::PAYMENT_ID, metadata::ATTEMPT,);
        let query = [("query", query), ("limit", PAGE_LIMIT.to_owned())];
        let (status, body) = self.get("payment_intents/search", &query).await?;
        let (ours, next) = classify::intents_of(status, &body, (&id, &attempt))?;
        match next {
            None => classify::outcome_of(ours, (&id, &attempt)),
            Some(_) => Err(Failure::internal(format!("{DEPENDENCY}: too many charges of {id}/{attempt}"))),
        }
    }

    async fn withdraw_charge(&self, payment: &Payment) -> Result<bool, Failure> {
        // Neither a payment method nor the metadata of an attempt: nothing can be charged with it, and its events are not about a payment.
        let form = [
            ("amount", payment.amount.amount.get().to_string()),
            ("currency", payment.amount.currency.code().to_ascii_lowercase()),
            ("payment_method_types[]", "card".to_owned()),
        ];
        let (status, body) = self.post("payment_intents", payment.gateway_key(), &form).await?;
        let Some(intent) = classify::withdrawn(status, &body)? else { return Ok(false) };
        self.cancel(&intent).await?;
        Ok(true)
    }

    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let (id, attempt) = (payment.id.to_string(), payment.attempts.to_string());
        let from = payment.attempted_at.as_second() - CLOCK_SKEW_S;
        let until = payment.requested_until()?.as_second() + CLOCK_SKEW_S;
        let (mut all, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MAX_INTENT_PAGES {
            let mut query = vec![
                ("created[gte]", from.to_string()),
                ("created[lte]", until.to_string()),
                ("limit", PAGE_LIMIT.to_owned()),
            ];
            query.extend(after.map(|last| ("starting_after", last)));
            let (status, body) = self.get("payment_intents", &query).await?;
            let (ours, next) = classify::intents_of(status, &body, (&id, &attempt))?;
            all.extend(ours);
            let Some(last) = next else { return classify::outcome_of(all, (&id, &attempt)) };
            after = Some(last);
        }
        let detail = "There are too many charges at the payment gateway to look for one among them.";
        Err(Failure::new(FailureKind::Unavailable, GATEWAY_LIST_TOO_LONG, detail))
    }

    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure> {
        let missing = || Failure::internal(format!("the payment {} has not been charged", payment.id));
        let charge = payment.transaction_id.clone().ok_or_else(missing)?;
        let id = refund.id.to_string();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("payment_intent", charge.clone()), ("limit", PAGE_LIMIT.to_owned())];
            query.extend(after.map(|last| ("starting_after", last)));
            let (status, body) = self.get("refunds", &query).await?;
            match classify::refund_among(status, &body, &id)? {
                RefundPage::Found(outcome) => return Ok(Some(outcome)),
                RefundPage::Next(last) => after = Some(last),
                RefundPage::Last => return Ok(None),
            }
        }
    }

    async fn refunds_of(&self, charge: &str) -> Result<Vec<ReportedRefund>, Failure> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("payment_intent", charge.to_owned()), ("limit", PAGE_LIMIT.to_owned())];
            query.extend(after.map(|last| ("starting_after", last)));
            let (status, body) = self.get("refunds", &query).await?;
            let (refunds, next) = classify::refunds(status, &body, charge)?;
            all.extend(refunds);
            match next {
                Some(last) => after = Some(last),
                None => return Ok(all),
            }
        }
    }

    async fn payment_of(&self, charge: &str) -> Result<Option<PaymentId>, Failure> {
        let (status, body) = self.get(&format!("payment_intents/{charge}"), &[]).await?;
        classify::payment_of(status, &body, &self.environment)
    }

    async fn refund_unrecorded_charge(&self, charge: &str, left: Money) -> Result<RefundOutcome, Failure> {
        let form = [("payment_intent", charge.to_owned()), ("amount", left.amount.get().to_string())];
        let (status, body) = self.post("refunds", format!("return-{charge}"), &form).await?;
        classify::refund(status, &body)
    }

    async fn balance_transactions(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<GatewayStatement, Failure> {
        let mut query = vec![
            ("created[gte]", from.as_second().to_string()),
            ("created[lt]", to.as_second().to_string()),
            ("limit", PAGE_LIMIT.to_owned()),
            ("expand[]", "data.source".to_owned()),
        ];
        query.extend(after.map(|last| ("starting_after", last.to_owned())));
        let (status, body) = self.get("balance_transactions", &query).await?;
        balance_transactions::page(status, &body, &self.environment)
    }
}
