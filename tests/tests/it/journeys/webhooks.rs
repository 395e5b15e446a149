//! Outbound webhooks: registered by staff, delivered to the local receiver, verified with the library of Standard Webhooks.

use super::stack::{ApiClient, eventually, id, shared_stack, unique, var};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";

/// A URL of the local receiver, where nothing else is sent.
fn receiver() -> String {
    format!("{}webhooks/{}", var("MAILBOX_URL"), unique("hook"))
}

/// The messages at this URL.
async fn received(api: &ApiClient, url: &str) -> Vec<Value> {
    api.http.get(url).send().await.expect("the receiver").json().await.expect("a list")
}

/// Verifies a message, and returns its body.
fn verified(secret: &Value, message: &Value) -> Value {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, message["headers"][name].as_str().expect("a header").parse().expect("a header"));
    }
    let body = message["body"].as_str().expect("a body");
    let library = Webhook::new(secret.as_str().expect("a secret")).expect("a secret");
    library.verify(body.as_bytes(), &headers).expect("a valid signature");
    serde_json::from_str(body).expect("JSON")
}

async fn create(api: &ApiClient, staff: &str, url: &str, events: &[&str]) -> Value {
    let body = json!({ "url": url, "event_types": events, "description": "journey" });
    api.post(ENDPOINTS).token(staff).key(&unique("key")).json(&body).send().await.expect(201)
}

async fn deliveries(api: &ApiClient, staff: &str, endpoint: &Value) -> Vec<Value> {
    let path = format!("{ENDPOINTS}/{}/deliveries", id(endpoint));
    let page = api.get(&path).token(staff).send().await.expect(200);
    page["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn placed_order_reaches_a_subscribed_endpoint_signed_and_without_personal_data() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let url = receiver();
    let endpoint = create(&api, &staff, &url, &["OrderPlaced.v1"]).await;
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    let is_about = |message: &Value| message["body"].as_str().is_some_and(|body| body.contains(id(&placed)));
    let message =
        eventually("the webhook arrives", async || received(&api, &url).await.into_iter().find(is_about)).await;
    let event = verified(&endpoint["secret"], &message);
    assert_eq!((&event["type"], &event["data"]["order_id"]), (&json!("OrderPlaced.v1"), &placed["id"]));
    let text = event.to_string();
    assert!(!text.contains(&customer.email) && !text.contains("address"), "{text}");
    let logged = async || {
        let all = deliveries(&api, &staff, &endpoint).await;
        all.into_iter().find(|one| one["id"] == message["headers"]["webhook-id"] && one["status"] == "delivered")
    };
    let delivery = eventually("the delivery is logged", logged).await;
    assert_eq!((&delivery["response_status"], &delivery["attempts"]), (&json!(204), &json!(1)), "{delivery}");
    api.get(&format!("{ENDPOINTS}/{}", id(&endpoint))).token(&customer.token).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn endpoint_is_tested_rotated_and_disabled_when_it_is_gone() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (staff, url) = (api.staff().await, receiver());
    let endpoint = create(&api, &staff, &url, &["OrderShipped.v1"]).await;
    let path = format!("{ENDPOINTS}/{}", id(&endpoint));
    let rotate = api.post(&format!("{path}/secret")).token(&staff).header("if-match", "\"1\"");
    let rotated = rotate.send().await.expect(200);
    api.post(&format!("{path}/test")).token(&staff).send().await.expect(202);
    let first = eventually("the test arrives", async || received(&api, &url).await.into_iter().next()).await;
    for secret in [&endpoint["secret"], &rotated["secret"]] {
        assert_eq!(verified(secret, &first)["type"], "webhook.test");
    }

    let change = json!({ "url": format!("{url}?status=410"), "event_types": ["OrderShipped.v1"], "status": "enabled" });
    let update = api.request(Method::PUT, &path).token(&staff).header("if-match", "\"2\"").json(&change);
    update.send().await.expect(200);
    api.post(&format!("{path}/test")).token(&staff).send().await.expect(202);
    let disabled = async || {
        let now = api.get(&path).token(&staff).send().await.expect(200);
        (now["status"] == "disabled").then_some(now)
    };
    let disabled = eventually("the endpoint is disabled", disabled).await;
    assert_eq!(disabled["disabled_reason"], "gone");
    api.post(&format!("{path}/test")).token(&staff).send().await.problem(409, "endpoint-disabled");
    assert_eq!(api.request(Method::DELETE, &path).token(&staff).send().await.status, 204);
    api.get(&path).token(&staff).send().await.problem(404, "not-found");
}

/// Directs the endpoint to `url`, from its version on.
async fn direct(api: &ApiClient, staff: &str, endpoint: &Value, url: &str, event: &str) {
    let path = format!("{ENDPOINTS}/{}", id(endpoint));
    let now = api.get(&path).token(staff).send().await;
    let version = now.header("etag").expect("a version").to_owned();
    let change = json!({ "url": url, "event_types": [event], "status": "enabled" });
    api.request(Method::PUT, &path).token(staff).header("if-match", &version).json(&change).send().await.expect(200);
}

async fn wait_until_gone(api: &ApiClient, staff: &str, endpoint: &Value) {
    let path = format!("{ENDPOINTS}/{}", id(endpoint));
    let is_gone = async || {
        let now = api.get(&path).token(staff).send().await.expect(200);
        (now["disabled_reason"] == "gone").then_some(())
    };
    eventually("the endpoint is disabled", is_gone).await;
}

#[tokio::test]
async fn endpoint_that_is_gone_is_disabled_by_an_event_a_retry_or_the_sweep() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let url = receiver();
    let gone = format!("{url}?status=410");
    let by_event = create(&api, &staff, &gone, &["OrderPlaced.v1"]).await;
    let by_sweep = create(&api, &staff, &format!("{url}?status=500"), &["OrderPlaced.v1"]).await;
    api.place(&customer, &lantern, 1, "pm_card_visa").await;
    wait_until_gone(&api, &staff, &by_event).await;
    let failed = async || {
        let all = deliveries(&api, &staff, &by_sweep).await;
        all.into_iter().find(|one| one["response_status"] == 500)
    };
    eventually("the first attempt fails", failed).await;
    direct(&api, &staff, &by_sweep, &gone, "OrderPlaced.v1").await;
    wait_until_gone(&api, &staff, &by_sweep).await;

    let by_retry = create(&api, &staff, &receiver(), &["OrderShipped.v1"]).await;
    let path = format!("{ENDPOINTS}/{}", id(&by_retry));
    let test = api.post(&format!("{path}/test")).token(&staff).send().await.expect(202);
    direct(&api, &staff, &by_retry, &gone, "OrderShipped.v1").await;
    api.post(&format!("{path}/deliveries/{}/retry", id(&test))).token(&staff).send().await.expect(202);
    wait_until_gone(&api, &staff, &by_retry).await;
}

#[tokio::test]
async fn url_inside_the_network_is_refused() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let staff = api.staff().await;
    for url in
        ["https://169.254.169.254/latest/meta-data/", "https://localhost/", "http://127.0.0.1:1/", "https://[::1]/"]
    {
        let body = json!({ "url": url, "event_types": ["OrderPlaced.v1"] });
        let refused = api.post(ENDPOINTS).token(&staff).json(&body).send().await.problem(422, "validation");
        assert_eq!(refused["errors"][0]["pointer"], "/url", "{url}");
    }
}
