//! The platform's own HTTP API, as a customer's program calls it.

use adapters::{Wiring, config::ConfigError};
use catalog::{Function, Trigger, Uses};
use domain::{
    canary::CanaryAccount,
    id::OrderId,
    order::{Reason, Status},
};
use kernel::{Failure, FailureKind, Uuid};
use ports::AccessToken;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::time::Duration;

pub fn storefront(wiring: &Wiring) -> Result<HttpStorefront, ConfigError> {
    wiring.require("the platform's API", |uses| matches!(uses, Uses::Api))?;
    HttpStorefront::new(&wiring.config().api_url()?, PAUSE)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// API Gateway gives up after thirty seconds, and no customer waits for ten.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct HttpStorefront {
    http: Client,
    url: String,
    pause: Duration,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

#[derive(Deserialize)]
struct Order {
    id: OrderId,
    status: Status,
    status_reason: Option<Reason>,
}

#[derive(Deserialize)]
struct Orders {
    items: Vec<Order>,
}

impl HttpStorefront {
    /// `api_url` is the base URL of the platform's API; `pause` is how long [`ports::Storefront::pause`] waits.
    pub fn new(api_url: &str, pause: Duration) -> Result<Self, ConfigError> {
        Ok(Self { http: crate::client(CONNECT_TIMEOUT, REQUEST_TIMEOUT)?, url: api_url.to_owned(), pause })
    }

    fn url_of(&self, function: &Function) -> String {
        match function.trigger {
            Trigger::Http { path, .. } => format!("{}{path}", self.url),
            _ => self.url.clone(),
        }
    }

    fn order_url(&self, function: &Function, order: OrderId) -> String {
        format!("{}{}", self.url, function.path_of(order))
    }
}

/// Sends a request and reads the response, which has to be a success. `step` is what the request does.
async fn send<T: DeserializeOwned>(step: &str, request: RequestBuilder) -> Result<T, Failure> {
    let at = |cause: String| format!("{step}: {cause}");
    let unreachable = |error| Failure::unavailable("the platform's API", at(crate::cause(error)));
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(refused(status, at(status.to_string())));
    }
    let body = response.bytes().await.map_err(unreachable)?;
    serde_json::from_slice(&body).map_err(|_| Failure::internal(at("the response has another form".to_owned())))
}

fn refused(status: StatusCode, cause: String) -> Failure {
    match status {
        StatusCode::UNAUTHORIZED => {
            Failure::new(FailureKind::Unauthenticated, "unauthenticated", "The API refused the credentials.")
                .with_internal(cause)
        }
        StatusCode::NOT_FOUND => Failure::not_found("order").with_internal(cause),
        StatusCode::TOO_MANY_REQUESTS => Failure::unavailable("the platform's API", cause),
        status if status.is_server_error() => Failure::unavailable("the platform's API", cause),
        _ => Failure::internal(cause),
    }
}

impl ports::Storefront for HttpStorefront {
    async fn log_in(&self, account: &CanaryAccount) -> Result<AccessToken, Failure> {
        let credentials = json!({ "email": account.email, "password": account.password });
        let request = self.http.post(self.url_of(catalog::USER_LOGIN)).json(&credentials);
        let session: Session = send("logging in", request).await?;
        Ok(AccessToken(session.access_token))
    }

    async fn open_orders(&self, token: &AccessToken) -> Result<Vec<OrderId>, Failure> {
        let request = self.http.get(self.url_of(catalog::ORDER_LIST)).bearer_auth(&token.0);
        let orders: Orders = send("listing orders", request).await?;
        let is_open = |order: &Order| matches!(order.status, Status::Pending | Status::Processing);
        Ok(orders.items.iter().filter(|order| is_open(order)).map(|order| order.id).collect())
    }

    async fn place(&self, token: &AccessToken, account: &CanaryAccount, key: Uuid) -> Result<OrderId, Failure> {
        let wanted = json!({
            "items": [{ "product_id": account.product_id, "quantity": 1 }],
            "shipping_address": {
                "line1": "1 Canary Wharf", "city": "London", "postal_code": "E14 5AB", "country": "GB",
            },
            "payment_method": account.payment_method,
        });
        let request = self.http.post(self.url_of(catalog::ORDER_PLACE)).bearer_auth(&token.0);
        let request = request.header("idempotency-key", key.to_string()).json(&wanted);
        let order: Order = send("placing an order", request).await?;
        Ok(order.id)
    }

    async fn status(&self, token: &AccessToken, order: OrderId) -> Result<(Status, Option<Reason>), Failure> {
        let request = self.http.get(self.order_url(catalog::ORDER_GET, order)).bearer_auth(&token.0);
        let order: Order = send("reading the order", request).await?;
        Ok((order.status, order.status_reason))
    }

    async fn cancel(&self, token: &AccessToken, order: OrderId) -> Result<(), Failure> {
        let request = self.http.delete(self.order_url(catalog::ORDER_CANCEL, order)).bearer_auth(&token.0);
        send::<Order>("cancelling the order", request).await.map(drop)
    }

    async fn pause(&self) {
        tokio::time::sleep(self.pause).await;
    }
}
