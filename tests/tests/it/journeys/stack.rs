//! The running local cloud, as a customer, staff and an operator see it.
//!
//! `scripts/up` says in `.local/stack.env` where everything is; `scripts/test` puts that into the environment.

use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Instant, MissedTickBehavior, interval},
};

/// How long anything asynchronous may take before a journey gives up. Generous: a loaded machine is no failure.
const PATIENCE: Duration = Duration::from_secs(90);

/// Journeys that stop parts have the stack for themselves.
static PARTS: RwLock<()> = RwLock::const_new(());

/// Keeps the stack whole while a journey runs.
pub async fn whole() -> RwLockReadGuard<'static, ()> {
    PARTS.read().await
}

/// Gives a journey the stack for itself, to break.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    PARTS.write().await
}

/// A variable of `.local/stack.env`.
pub fn var(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, or scripts/up and export .local/stack.env"))
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// The body of a problem with this status, whose form is checked.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let media = self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(media.starts_with("application/problem+json"), "{media}: {}", self.text);
        let body = self.json();
        assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        for member in ["title", "detail", "instance", "trace_id"] {
            assert!(body[member].is_string(), "{member} is missing: {body}");
        }
        body
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request in the making.
pub struct Ask<'a> {
    shop: &'a ApiClient,
    method: Method,
    path: String,
    token: Option<&'a str>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl<'a> Ask<'a> {
    pub fn token(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string()).header("content-type", "application/json")
    }

    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub async fn send(self) -> Answer {
        let url = format!("{}{}", self.shop.api, self.path);
        let mut request = self.shop.http.request(self.method, &url);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a body") }
    }
}

/// The shop, from outside.
pub struct ApiClient {
    pub http: Client,
    pub api: String,
}

/// Somebody who is logged in.
pub struct Person {
    pub id: String,
    pub email: String,
    pub token: String,
}

impl ApiClient {
    pub fn open() -> Self {
        // The client is built without a TLS provider: everything here is on this machine. Installing twice is no error for us.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = Client::builder().timeout(Duration::from_secs(40)).build().expect("a client");
        Self { http, api: var("API_URL").trim_end_matches('/').to_owned() }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask { shop: self, method, path: path.to_owned(), token: None, headers: Vec::new(), body: None }
    }

    /// A new customer, logged in.
    pub async fn customer(&self) -> Person {
        self.customer_with(json!({})).await
    }

    /// The same, who says more of themselves when they register.
    pub async fn customer_with(&self, more: Value) -> Person {
        let name = unique("c");
        let email = format!("{name}@example.com");
        let password = "correct horse battery staple";
        let mut body = json!({"email": email, "username": name, "password": password, "full_name": "Ada Lovelace"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let user = self.post("/api/v1/users/register").json(&body).send().await.expect(201);
        let token = self.login(&email, password).await;
        Person { id: user["id"].as_str().expect("an id").to_owned(), email, token }
    }

    /// An access token of staff.
    pub async fn staff(&self) -> String {
        self.login(&var("STAFF_EMAIL"), &var("STAFF_PASSWORD")).await
    }

    pub async fn login(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let tokens = self.post("/api/v1/users/login").json(&body).send().await.expect(200);
        tokens["access_token"].as_str().expect("a token").to_owned()
    }

    /// A new product, as the API shows it, whose stock account is open.
    pub async fn product(&self, minor: i64, stock: i64) -> Value {
        let staff = self.staff().await;
        let body = json!({
            "sku": unique("SKU").to_uppercase(), "name": "Storm lantern", "category": "lighting",
            "price": {"amount": minor, "currency": "USD"}, "stock_quantity": stock,
        });
        let product =
            self.post("/api/v1/products").token(&staff).key(&unique("key")).json(&body).send().await.expect(201);
        let path = format!("/api/v1/products/{}/stock", id(&product));
        eventually("the stock account is open", async || {
            let answer = self.get(&path).send().await;
            (answer.status == 200).then(|| answer.json())
        })
        .await;
        product
    }

    /// Free and held stock of a product.
    pub async fn stock(&self, product: &Value) -> (i64, i64) {
        let level = self.get(&format!("/api/v1/products/{}/stock", id(product))).send().await.expect(200);
        (level["available"].as_i64().expect("available"), level["reserved"].as_i64().expect("reserved"))
    }

    /// Places an order for pieces of one product.
    pub async fn place(&self, person: &Person, product: &Value, pieces: i64, method: &str) -> Value {
        let body = order_for(product, pieces, method);
        self.post("/api/v1/orders").token(&person.token).key(&unique("key")).json(&body).send().await.expect(201)
    }

    /// The order, once it is decided or waits for the customer.
    pub async fn settled(&self, person: &Person, order: &Value) -> Value {
        let path = format!("/api/v1/orders/{}", id(order));
        eventually("the order is decided", async || {
            let order = self.get(&path).token(&person.token).send().await.expect(200);
            (order["status"] != "pending" || order["status_reason"] == "payment_declined").then_some(order)
        })
        .await
    }
}

/// A request for pieces of one product.
pub fn order_for(product: &Value, pieces: i64, method: &str) -> Value {
    json!({
        "items": [{"product_id": id(product), "quantity": pieces}],
        "shipping_address": {
            "line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
        },
        "payment_method": method,
    })
}

/// The id of what the API showed.
pub fn id(view: &Value) -> &str {
    view["id"].as_str().unwrap_or_else(|| panic!("no id: {view}"))
}

/// A name that no other run of no other test uses.
pub fn unique(prefix: &str) -> String {
    // The half that is drawn, not the half that is the time: two of one millisecond differ, and a user name takes it.
    let (_, drawn) = kernel::Uuid::now_v7().as_u64_pair();
    format!("{prefix}-{drawn:016x}")
}

/// Asks again and again until there is an answer, and says what it waited for when there is none.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain: {what}", PATIENCE.as_secs());
    }
}

/// Starts, stops or kills a part of the local cloud.
pub async fn part(verb: &'static str, name: &'static str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/service");
    let run = move || std::process::Command::new(script).args([verb, name]).output().expect("scripts/service runs");
    let output = tokio::task::spawn_blocking(run).await.expect("it ends");
    assert!(output.status.success(), "{verb} {name}: {}", String::from_utf8_lossy(&output.stderr));
}
