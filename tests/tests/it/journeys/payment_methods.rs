//! Saved payment methods, from the gateway to the charge of an order.

use super::stack::{ApiClient, id, shared_stack, unique};
use reqwest::Method;
use serde_json::json;

const METHODS: &str = "/api/v1/payment-methods";

#[tokio::test]
async fn order_is_paid_with_a_saved_method_until_it_is_deleted() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let (key, token) = (unique("key"), &customer.token);
    let body = json!({ "payment_method": "pm_card_visa" });
    let add = async || api.post(METHODS).token(token).key(&key).json(&body).send().await.expect(201);
    let saved = add().await;
    assert_eq!((&saved["last4"], &saved["is_default"]), (&json!("4242"), &json!(true)), "{saved}");
    assert_eq!(add().await, saved, "the response is replayed");
    let declined = json!({ "payment_method": "pm_card_visa_chargeDeclined" });
    let refused = api.post(METHODS).token(token).json(&declined).send().await;
    assert_eq!(refused.problem(422, "validation")["errors"][0]["pointer"], "/payment_method");
    let listed = api.get(METHODS).token(token).send().await.expect(200);
    assert_eq!(listed["items"], json!([saved]));
    let path = format!("{METHODS}/{}", id(&saved));
    let chosen = api.request(Method::PUT, &format!("{path}/default")).token(token).send().await.expect(200);
    assert_eq!(chosen, saved);

    let method = saved["payment_method"].as_str().expect("a token");
    for _ in 0..2 {
        let placed = api.place(&customer, &lantern, 1, method).await;
        let order = api.wait_until_decided(&customer, &placed).await;
        assert_eq!(order["status"], "processing", "{order}");
    }

    let other = api.customer().await;
    api.request(Method::DELETE, &path).token(&other.token).send().await.problem(404, "not-found");
    let stolen = api.post(METHODS).token(&other.token).json(&json!({ "payment_method": method })).send().await;
    stolen.problem(422, "validation");
    let placed = api.place(&other, &lantern, 1, method).await;
    let order = api.wait_until_decided(&other, &placed).await;
    assert_eq!(order["status_reason"], "payment_declined", "{order}");

    let gone = api.request(Method::DELETE, &path).token(token).send().await;
    assert_eq!(gone.status.as_u16(), 204);
    assert_eq!(api.get(METHODS).token(token).send().await.expect(200)["items"], json!([]));
}
