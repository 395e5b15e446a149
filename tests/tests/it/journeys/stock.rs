//! Stock adjustments by staff, alone and concurrent with orders.

use super::order::on_topic;
use super::stack::{ApiClient, ApiResponse, eventually, id, shared_stack, unique};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

async fn adjust(api: &ApiClient, token: &str, key: &str, product: &Value, delta: i64, reason: &str) -> ApiResponse {
    let path = format!("/api/v1/products/{}/stock", id(product));
    let body = json!({"delta": delta, "reason": reason});
    api.request(Method::PATCH, &path).token(token).key(key).json(&body).send().await
}

#[tokio::test]
async fn stock_adjustments_by_staff_reach_the_product_view() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.customer().await, api.staff().await, api.product(1999, 8).await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    api.wait_until_decided(&customer, &placed).await;
    let key = unique("adjust");
    adjust(&api, &customer.token, &key, &lantern, 1, "found").await.problem(403, "forbidden");
    adjust(&api, &staff, &key, &lantern, -7, "lost").await.problem(409, "insufficient-stock");
    adjust(&api, &staff, &key, &lantern, 1, "lost").await.problem(422, "idempotency-key-reused");
    let first = adjust(&api, &staff, &unique("adjust"), &lantern, -2, "damaged").await.expect(200);
    assert_eq!(first, json!({"available": 4, "reserved": 2}));
    assert_eq!(api.stock(&lantern).await, (4, 2));
    let path = format!("/api/v1/products/{}", id(&lantern));
    eventually("the API shows four units", async || {
        (api.get(&path).send().await.expect(200)["stock_quantity"] == 4).then_some(())
    })
    .await;
    let history = format!("/api/v1/products/{}/stock/movements?limit=2", id(&lantern));
    let page = api.get(&history).token(&staff).send().await.expect(200);
    let kinds = |page: &Value| [0, 1].map(|at| page["items"][at]["kind"].as_str().unwrap_or_default().to_owned());
    assert_eq!(kinds(&page), ["adjusted", "reserved"], "{page}");
    assert_eq!((&page["items"][0]["reason"], &page["items"][1]["order_id"]), (&json!("damaged"), &json!(id(&placed))));
    let next = format!("{history}&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(kinds(&api.get(&next).token(&staff).send().await.expect(200)), ["opened", ""]);
    api.get(&history).token(&customer.token).send().await.problem(403, "forbidden");
    let (topic, low) = (catalog::STOCK_LOW.topic.name, catalog::STOCK_LOW.name);
    let record =
        eventually("the low-stock event is published", async || on_topic(topic, id(&lantern), low).await).await;
    assert!(record.contains("\"threshold\":5"), "{record}");
}

#[tokio::test]
async fn concurrent_adjustments_and_orders_count_every_unit() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, staff, lantern) = (api.customer().await, api.staff().await, api.product(500, 10).await);
    let keys: Vec<String> = (0..6).map(|_| unique("adjust")).collect();
    // Each adjustment runs twice under its key; one that gets 409 or 503 has not been applied.
    let adjusting = keys.iter().chain(&keys).map(|key| adjust(&api, &staff, key, &lantern, 2, "received"));
    let ordering = (0..3).map(|_| api.place(&customer, &lantern, 1, CARD));
    let (responses, placed) = tokio::join!(join_all(adjusting), join_all(ordering));
    for order in &placed {
        api.wait_until_decided(&customer, order).await;
    }
    for (key, response) in keys.iter().chain(&keys).zip(responses) {
        if response.status.as_u16() != 200 {
            assert!([409, 503].contains(&response.status.as_u16()), "{}", response.text);
            adjust(&api, &staff, key, &lantern, 2, "received").await.expect(200);
        }
    }
    eventually("all orders have their stock", async || (api.stock(&lantern).await == (19, 3)).then_some(())).await;
}
