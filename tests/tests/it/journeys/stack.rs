//! A client for the running local cloud: requests as customer and staff, and control of its services.
//!
//! `scripts/up` writes the addresses to `.local/stack.env`; `scripts/test` exports them.

use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::time::Duration;
use tokio::{
    sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_postgres::types::FromSqlOwned;

/// How long a journey waits for something asynchronous. Generous, since a loaded machine is slow.
const POLL_TIMEOUT: Duration = Duration::from_secs(180);

/// Journeys that stop services run alone.
static STACK: RwLock<()> = RwLock::const_new(());

/// Locks the stack against journeys that stop services.
pub async fn shared_stack() -> RwLockReadGuard<'static, ()> {
    STACK.read().await
}

/// Locks the stack for a journey that stops services.
pub async fn exclusive_stack() -> RwLockWriteGuard<'static, ()> {
    STACK.write().await
}

/// A variable of `.local/stack.env`.
pub fn var(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, or scripts/up and export .local/stack.env"))
}

#[derive(Debug)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl ApiResponse {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// Asserts the status; the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// Asserts that this is a problem document with this status and code; the body.
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

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub struct RequestBuilder<'a> {
    api: &'a ApiClient,
    method: Method,
    path: String,
    token: Option<&'a str>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl<'a> RequestBuilder<'a> {
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

    pub async fn send(self) -> ApiResponse {
        let url = format!("{}{}", self.api.base_url, self.path);
        let mut request = self.api.http.request(self.method, &url);
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
        ApiResponse { status, headers, text: response.text().await.expect("a body") }
    }
}

/// The token in a message that verifies an address: four groups of five characters.
pub fn token_in(text: &str) -> Option<String> {
    let is_token = |word: &&str| word.len() == 23 && word.split('-').map(str::len).eq([5, 5, 5, 5]);
    text.split(|one: char| one.is_whitespace() || one == '.').find(is_token).map(str::to_owned)
}

/// A count in the database about the user `$1`.
pub async fn count_of_user(sql: &str, user: &str) -> i64 {
    value_of_user(sql, user).await
}

/// A value in the database about the user `$1`.
pub async fn value_of_user<T: FromSqlOwned>(sql: &str, user: &str) -> T {
    let (client, connection) =
        tokio_postgres::connect(&var("DATABASE_URL"), tokio_postgres::NoTls).await.expect("connected");
    let connection = tokio::spawn(connection);
    let value = client.query_one(sql, &[&user]).await.expect("a response").get(0);
    drop(client);
    connection.await.expect("it ends").expect("without an error");
    value
}

/// Client of the public API.
pub struct ApiClient {
    pub http: Client,
    pub base_url: String,
}

/// A user who is logged in.
pub struct User {
    pub id: String,
    pub email: String,
    pub token: String,
}

impl ApiClient {
    pub fn new() -> Self {
        // Another test may have installed the provider.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = Client::builder().timeout(Duration::from_secs(40)).build().expect("a client");
        Self { http, base_url: var("API_URL").trim_end_matches('/').to_owned() }
    }

    pub fn get(&self, path: &str) -> RequestBuilder<'_> {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder<'_> {
        self.request(Method::POST, path)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder<'_> {
        RequestBuilder { api: self, method, path: path.to_owned(), token: None, headers: Vec::new(), body: None }
    }

    /// A new customer, logged in.
    pub async fn customer(&self) -> User {
        self.customer_with(json!({})).await
    }

    /// A new customer with further members in the registration, logged in.
    pub async fn customer_with(&self, more: Value) -> User {
        let name = unique("c");
        let email = format!("{name}@example.com");
        let password = "correct horse battery staple";
        let mut body = json!({"email": email, "username": name, "password": password, "full_name": "Ada Lovelace"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let user = self.post("/api/v1/users/register").json(&body).send().await.expect(201);
        let token = self.login(&email, password).await;
        User { id: user["id"].as_str().expect("an id").to_owned(), email, token }
    }

    /// A new customer whose addresses are verified, so that order notifications are sent to them.
    pub async fn reachable(&self, more: Value) -> User {
        let user = self.customer_with(more.clone()).await;
        self.verify_addresses(&user, more["phone"].as_str()).await;
        user
    }

    /// Verifies the e-mail address of a customer, and a phone number.
    pub async fn verify_addresses(&self, user: &User, phone: Option<&str>) {
        let mut kinds = 1;
        self.use_token("an e-mail", async || self.emails_to(&user.email).await).await;
        if let Some(number) = phone {
            let path = format!("/api/v1/users/{}/verification", user.id);
            let request = self.post(&path).token(&user.token).json(&json!({"channel": "phone"}));
            request.send().await.expect(202);
            self.use_token("a text message", async || self.texts_to(number).await).await;
            kinds += 1;
        }
        let sql = "SELECT count(*) FROM notifications.verified_addresses WHERE user_id = $1::text::uuid";
        eventually("notifications know the verified addresses", async || {
            (count_of_user(sql, &user.id).await == kinds).then_some(())
        })
        .await;
    }

    /// Verifies an address with the token in the last message.
    async fn use_token(&self, what: &str, received: impl AsyncFn() -> Vec<String>) {
        let token = eventually(&format!("{what} with a token arrives"), async || {
            received().await.iter().rev().find_map(|text| token_in(text))
        })
        .await;
        let request = self.post("/api/v1/users/verify").json(&json!({"token": token}));
        assert_eq!(request.send().await.status, 204);
    }

    /// The texts of all e-mails to an address.
    pub async fn emails_to(&self, email: &str) -> Vec<String> {
        let emails: Vec<Value> =
            self.http.get(var("MAILBOX_URL")).send().await.expect("the mailbox").json().await.expect("JSON");
        let mine = emails.iter().filter(|mail| mail["to"][0] == email);
        mine.map(|mail| mail["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Text messages to a number, as the emulator recorded them.
    pub async fn texts_to(&self, number: &str) -> Vec<String> {
        let url = format!("{}/_ministack/sns/sms-messages", var("AWS_ENDPOINT_URL"));
        let received: Value = self.http.get(url).send().await.expect("a response").json().await.expect("JSON");
        let texts = received["sms_messages"][number].as_array().cloned().unwrap_or_default();
        texts.iter().map(|one| one["Message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// An access token of staff, the same for all tests: many concurrent logins of one account would be refused.
    pub async fn staff(&self) -> String {
        static TOKEN: OnceCell<String> = OnceCell::const_new();
        let log_in = async || self.login(&var("STAFF_EMAIL"), &var("STAFF_PASSWORD")).await;
        TOKEN.get_or_init(log_in).await.clone()
    }

    pub async fn login(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let tokens = self.post("/api/v1/users/login").json(&body).send().await.expect(200);
        tokens["access_token"].as_str().expect("a token").to_owned()
    }

    /// A new product with an open stock account, as the API returns it.
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
            let response = self.get(&path).send().await;
            (response.status == 200).then(|| response.json())
        })
        .await;
        product
    }

    /// Available and reserved units of a product.
    pub async fn stock(&self, product: &Value) -> (i64, i64) {
        let level = self.get(&format!("/api/v1/products/{}/stock", id(product))).send().await.expect(200);
        (level["available"].as_i64().expect("available"), level["reserved"].as_i64().expect("reserved"))
    }

    /// Places an order for `quantity` units of one product.
    pub async fn place(&self, user: &User, product: &Value, quantity: i64, method: &str) -> Value {
        let body = order_request(product, quantity, method);
        self.post("/api/v1/orders").token(&user.token).key(&unique("key")).json(&body).send().await.expect(201)
    }

    /// The order, once it is confirmed, cancelled, or waits for another payment.
    pub async fn wait_until_decided(&self, user: &User, order: &Value) -> Value {
        let path = format!("/api/v1/orders/{}", id(order));
        eventually("the order is confirmed, cancelled or declined", async || {
            let order = self.get(&path).token(&user.token).send().await.expect(200);
            (order["status"] != "pending" || order["status_reason"] == "payment_declined").then_some(order)
        })
        .await
    }
}

/// An order request for `quantity` units of one product.
pub fn order_request(product: &Value, quantity: i64, method: &str) -> Value {
    json!({
        "items": [{"product_id": id(product), "quantity": quantity}],
        "shipping_address": {
            "line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
        },
        "payment_method": method,
    })
}

/// The id of a resource.
pub fn id(view: &Value) -> &str {
    view["id"].as_str().unwrap_or_else(|| panic!("no id: {view}"))
}

/// A name that no other test run uses.
pub fn unique(prefix: &str) -> String {
    // The random half of the UUID: unlike the time, it differs within a millisecond, and both would be too long for a username.
    let (_, random) = kernel::Uuid::now_v7().as_u64_pair();
    format!("{prefix}-{random:016x}")
}

/// Polls until there is a result; fails with `what` after [`POLL_TIMEOUT`].
pub async fn eventually<T>(what: &str, request: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + POLL_TIMEOUT;
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = request().await {
            return found;
        }
        assert!(Instant::now() < end, "timed out after {} s: {what}", POLL_TIMEOUT.as_secs());
    }
}

/// Starts, stops or kills a service of the local cloud.
pub async fn control_service(verb: &'static str, name: &'static str) {
    let output = run_script("service", &[verb, name]).await;
    assert!(output.status.success(), "{verb} {name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a script of the project to its end.
pub async fn run_script(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(format!("{}/../scripts/{name}", env!("CARGO_MANIFEST_DIR")));
    command.args(arguments);
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.expect("it ends").unwrap_or_else(|error| panic!("scripts/{name}: {error}"))
}
