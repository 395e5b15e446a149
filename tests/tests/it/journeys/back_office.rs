//! Orders with tax and shipping, and what staff do with orders: lists, notes, another address, shipment with tracking.

use super::stack::{ApiClient, eventually, id, order_request, shared_stack, unique};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";

#[tokio::test]
async fn tax_and_shipping_are_charged_and_invoiced_as_the_order_states_them() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let mut body = order_request(&lantern, 2, CARD);
    body["shipping_address"]["region"] = json!("NY");
    body["shipping_method"] = json!("express");
    let place = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&body);
    let placed = place.send().await.expect(201);
    // 8.875 % of 39.98 and of 15.00, each rounded.
    let figures = ["subtotal", "shipping", "tax", "total_amount"].map(|name| placed[name]["amount"].as_i64());
    assert_eq!(figures, [3_998, 1_500, 355 + 133, 5_986].map(Some), "{placed}");
    assert_eq!((&placed["tax_included"], &placed["items"][0]["tax"]["rate"]), (&json!(false), &json!("8.875")));
    let order = api.wait_until_decided(&customer, &placed).await;
    assert_eq!(order["status"], "processing", "{order}");
    let path = format!("/api/v1/payments/order/{}", id(&placed));
    let payment = api.get(&path).token(&customer.token).send().await.expect(200);
    assert_eq!(payment["amount"], placed["total_amount"], "{payment}");
    let drone = json!("drone");
    body["shipping_method"] = drone;
    let refused = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&body).send().await;
    assert_eq!(refused.problem(422, "validation")["errors"][0]["pointer"], "/shipping_method");
}

#[tokio::test]
async fn staff_find_annotate_readdress_and_ship_an_order() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    let path = format!("/api/v1/orders/{}", id(&placed));

    let query = format!("user_id={}&status=processing&currency=USD&min_amount=3998&sort=-total_amount", customer.id);
    let found = api.get(&format!("/api/v1/orders?{query}")).token(&staff).send().await.expect(200);
    assert_eq!((&found["items"][0]["id"], &found["items"][1]), (&placed["id"], &Value::Null), "{found}");
    let nobody = api.customer().await;
    api.get(&format!("/api/v1/orders?{query}")).token(&nobody.token).send().await.problem(404, "not-found");

    let (notes, text) = (format!("{path}/notes"), json!({ "text": "Call before delivery." }));
    let note = api.post(&notes).token(&staff).json(&text).send().await.expect(201);
    let listed = api.get(&notes).token(&staff).send().await.expect(200);
    assert_eq!(listed["items"], json!([note]));
    api.get(&notes).token(&customer.token).send().await.problem(403, "forbidden");

    let mut address = order["shipping_address"].clone();
    address["line1"] = json!("2 Harbour Way");
    let version = order["version"].as_u64().expect("a version");
    let change = async |address: &Value| {
        let request = api.request(Method::PUT, &format!("{path}/shipping-address")).token(&customer.token);
        request.header("if-match", &format!("\"{version}\"")).json(address).send().await
    };
    let changed = change(&address).await.expect(200);
    assert_eq!((&changed["shipping_address"], &changed["total_amount"]), (&address, &order["total_amount"]));
    change(&address).await.problem(412, "precondition-failed");

    let shipment = json!({ "status": "shipped", "carrier": "DHL", "tracking_number": "00340434 1611" });
    let request = api.request(Method::PATCH, &format!("{path}/status")).token(&staff);
    let shipped = request.header("if-match", &format!("\"{}\"", version + 1)).json(&shipment).send().await.expect(200);
    assert_eq!((&shipped["carrier"], &shipped["tracking_number"]), (&json!("DHL"), &json!("00340434 1611")));
    eventually("the stock is shipped", async || (api.stock(&lantern).await == (3, 0)).then_some(())).await;
    let late = api.request(Method::PUT, &format!("{path}/shipping-address")).token(&customer.token);
    let late = late.header("if-match", &format!("\"{}\"", version + 2)).json(&address).send().await;
    late.problem(409, "order-not-changeable");
}
