//! What operators see: the timeline of an order, over the API and on the command line.

use super::stack::{ApiClient, eventually, id, run_script, shared_stack, var};
use serde_json::Value;
use std::collections::BTreeSet;

async fn admin(api: &ApiClient) -> String {
    api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await
}

#[tokio::test]
async fn timeline_of_an_order_has_its_events_and_who_has_handled_them() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, admin) = (api.customer().await, api.product(1999, 5).await, admin(&api).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    api.wait_until_decided(&customer, &placed).await;
    let path = format!("/api/v1/ops/orders/{}/timeline", id(&placed));
    let expected =
        ["OrderPlaced.v1", "StockReserved.v1", "PaymentSucceeded.v1", "StockAllocated.v1", "OrderConfirmed.v1"];
    let timeline = eventually("every event is recorded and handled", async || {
        let response = api.get(&path).token(&admin).send().await;
        let items = response.json()["items"].as_array().cloned().unwrap_or_default();
        let kinds: BTreeSet<&str> = items.iter().filter_map(|entry| entry["type"].as_str()).collect();
        let is_handled = |entry: &Value| {
            entry["deliveries"].as_array().is_some_and(|all| all.iter().all(|delivery| delivery["status"] == "handled"))
        };
        (expected.iter().all(|kind| kinds.contains(kind)) && items.iter().all(is_handled)).then_some(items)
    })
    .await;
    let first = &timeline[0];
    assert_eq!(first["type"], "OrderPlaced.v1", "{timeline:?}");
    assert!(!first.to_string().contains("line1"), "{first}");
    let kinds: Vec<&str> = timeline.iter().filter_map(|entry| entry["type"].as_str()).collect();
    let place = |kind: &str| kinds.iter().position(|one| *one == kind);
    assert!(place("OrderPlaced.v1") < place("PaymentSucceeded.v1"), "{kinds:?}");
    assert!(place("PaymentSucceeded.v1") < place("OrderConfirmed.v1"), "{kinds:?}");
    let consumers: BTreeSet<&str> = timeline
        .iter()
        .flat_map(|entry| entry["deliveries"].as_array().into_iter().flatten())
        .filter_map(|delivery| delivery["consumer"].as_str())
        .collect();
    for consumer in [catalog::STOCK_RESERVE, catalog::PAYMENT_CHARGE, catalog::ORDER_ADVANCE, catalog::EVENT_FORWARD] {
        assert!(consumers.contains(consumer.name), "{consumers:?}");
    }

    let printed = run_script("ops", &["order", id(&placed)]).await;
    let text = String::from_utf8_lossy(&printed.stdout);
    assert!(printed.status.success() && text.contains("OrderConfirmed.v1") && text.contains("stock-reserve"), "{text}");

    for token in [&customer.token, &api.staff().await] {
        api.get(&path).token(token).send().await.problem(403, "forbidden");
    }
    let unknown = format!("/api/v1/ops/orders/{}/timeline", customer.id);
    api.get(&unknown).token(&admin).send().await.problem(404, "not-found");
}
