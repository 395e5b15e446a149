//! Service clients: a warehouse that adjusts stock with a token of its own.

use super::stack::{ApiClient, ApiResponse, shared_stack, unique, var};
use reqwest::Method;
use serde_json::{Value, json};

const CLIENTS: &str = "/api/v1/oauth/clients";

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().expect("text")
}

async fn token(api: &ApiClient, id: &str, secret: &str) -> ApiResponse {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = api.post("/api/v1/oauth/token").text(&form);
    request.header("content-type", "application/x-www-form-urlencoded").send().await
}

#[tokio::test]
async fn service_client_adjusts_stock_until_it_is_deleted() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let admin = api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await;
    let customer = api.customer().await;
    let body = json!({ "name": unique("warehouse") });
    api.post(CLIENTS).token(&customer.token).json(&body).send().await.problem(403, "forbidden");
    let created = api.post(CLIENTS).token(&admin).json(&body).send().await.expect(201);
    let (id, secret) = (text(&created, "id"), text(&created, "secret"));
    let listed = api.get(CLIENTS).token(&admin).send().await.expect(200);
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["secret"]), (&created["id"], &Value::Null));

    let refused = token(&api, id, "wrong").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &json!("invalid_client")));
    let issued = token(&api, id, secret).await;
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let issued = issued.expect(200);
    let service = text(&issued, "access_token");
    let product = api.product(1_000, 5).await;
    let path = format!("/api/v1/products/{}/stock", text(&product, "id"));
    let adjust = async |key: &str| {
        let request = api.request(Method::PATCH, &path).token(service).key(key);
        request.json(&json!({ "delta": 3, "reason": "received" })).send().await
    };
    assert_eq!(adjust(&unique("key")).await.expect(200)["available"], 8);
    api.get("/api/v1/orders").token(service).send().await.problem(403, "forbidden");

    let rotate = format!("{CLIENTS}/{id}/secret");
    let rotated = api.post(&rotate).token(&admin).send().await.expect(200);
    for valid in [secret, text(&rotated, "secret")] {
        token(&api, id, valid).await.expect(200);
    }
    let delete = api.request(Method::DELETE, &format!("{CLIENTS}/{id}")).token(&admin).send().await;
    assert_eq!(delete.status, 204, "{}", delete.text);
    adjust(&unique("key")).await.problem(401, "unauthenticated");
    assert_eq!(token(&api, id, secret).await.status, 401);
}
