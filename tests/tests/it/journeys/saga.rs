//! Orders that are paid again, cancelled, shipped or refunded, and a gateway that crashes after a charge.

use super::stack::{ApiClient, ApiResponse, User, eventually, exclusive_stack, id, shared_stack, unique, var};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";
const DECLINED: &str = "pm_card_visa_chargeDeclined";

#[tokio::test]
async fn declined_order_is_confirmed_after_payment_with_another_card() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 2, DECLINED).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    assert_eq!((&order["status"], &order["status_reason"]), (&json!("pending"), &json!("payment_declined")), "{order}");
    assert_eq!(api.stock(&lantern).await, (3, 2), "the reservation stays while another payment is possible");
    let (key, body) = (unique("key"), json!({"order_id": id(&placed), "payment_method": CARD}));
    let pay = async || api.post("/api/v1/payments/process").token(&customer.token).key(&key).json(&body).send().await;
    let first = pay().await;
    assert_eq!(first.status.as_u16(), 202, "{}", first.text);
    assert_eq!((first.json()["status"].as_str(), first.json()["attempts"].as_i64()), (Some("pending"), Some(2)));
    assert_eq!(pay().await.text, first.text, "the first response is replayed");
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let payment = payment_of(&api, &customer, &order).await;
    assert_eq!((&payment["status"], &payment["attempts"]), (&json!("succeeded"), &json!(2)), "{payment}");
    assert_eq!(charge_count(&api, &placed).await, 1);
    let again =
        api.post("/api/v1/payments/process").token(&customer.token).key(&unique("key")).json(&body).send().await;
    again.problem(409, "already-paid");
}

#[tokio::test]
async fn cancellation_after_payment_refunds_the_order_and_releases_its_stock() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, other_customer) = (api.reachable(json!({})).await, api.customer().await);
    let lantern = api.product(1999, 5).await;
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    api.request(Method::DELETE, &path).token(&other_customer.token).send().await.problem(404, "not-found");
    let cancelled = api.request(Method::DELETE, &path).token(&customer.token).send().await.expect(202);
    assert_eq!((&cancelled["status"], &cancelled["status_reason"]), (&json!("cancelled"), &json!("customer_request")));
    let again = api.request(Method::DELETE, &path).token(&customer.token).send().await.expect(202);
    assert_eq!(again, cancelled, "a repeated cancellation changes nothing");
    let payment = eventually("the payment is refunded", async || {
        let payment = payment_of(&api, &customer, &order).await;
        (payment["status"] == "refunded").then_some(payment)
    })
    .await;
    assert_eq!(payment["refunded_amount"], payment["amount"]);
    assert_eq!(refunded(&api, &placed).await, 3998);
    eventually("the stock is released", async || (api.stock(&lantern).await == (5, 0)).then_some(())).await;
    eventually("the cancellation e-mail arrives", async || {
        let emails: Vec<Value> = api.http.get(var("MAILBOX_URL")).send().await.ok()?.json().await.ok()?;
        let emails = emails.iter().filter(|mail| mail["to"].to_string().contains(&customer.email));
        emails.into_iter().find(|mail| mail["subject"].to_string().contains("cancelled")).map(drop)
    })
    .await;
}

#[tokio::test]
async fn shipped_order_leaves_stock_and_cannot_be_cancelled() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let version = order["version"].as_u64().expect("a version");
    update_status(&api, &staff, &order, version, "delivered").await.problem(409, "transition-forbidden");
    update_status(&api, &staff, &order, version - 1, "shipped").await.problem(412, "precondition-failed");
    update_status(&api, &customer.token, &order, version, "shipped").await.problem(403, "forbidden");
    let shipped = update_status(&api, &staff, &order, version, "shipped").await.expect(200);
    assert_eq!(shipped["status"], "shipped");
    eventually("the stock is shipped", async || (api.stock(&lantern).await == (3, 0)).then_some(())).await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    api.request(Method::DELETE, &path).token(&customer.token).send().await.problem(409, "order-not-cancellable");
    let delivered = update_status(&api, &staff, &order, version + 1, "delivered").await.expect(200);
    let history: Vec<_> =
        delivered["history"].as_array().expect("a history").iter().map(|one| &one["status"]).collect();
    assert_eq!(history[history.len() - 3..], ["processing", "shipped", "delivered"]);
    let of_ada = format!("/api/v1/orders/user/{}", customer.id);
    assert_eq!(api.get(&of_ada).token(&staff).send().await.expect(200)["items"][0]["id"], placed["id"]);
}

#[tokio::test]
async fn partial_refunds_never_exceed_the_payment() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let payment = payment_of(&api, &customer, &order).await;
    let refund = async |amount: Option<i64>, key: &str| {
        let mut body = json!({"payment_id": id(&payment), "reason": "requested_by_customer"});
        if let Some(minor) = amount {
            body["amount"] = json!({"amount": minor, "currency": "USD"});
        }
        api.post("/api/v1/payments/refund").token(&staff).key(key).json(&body).send().await
    };
    let too_much = refund(Some(3999), &unique("key")).await.problem(422, "validation");
    assert_eq!(too_much["errors"][0]["pointer"], "/amount/amount", "{too_much}");
    let key = unique("key");
    let first = refund(Some(1000), &key).await;
    assert_eq!(first.status.as_u16(), 202, "{}", first.text);
    assert_eq!(refund(Some(1000), &key).await.text, first.text, "one refund per key");
    let becomes = async |status: &str| {
        eventually("the payment shows the refund", async || {
            let payment = payment_of(&api, &customer, &order).await;
            (payment["status"] == status).then_some(payment)
        })
        .await
    };
    assert_eq!(becomes("partially_refunded").await["refunded_amount"]["amount"], 1000);
    refund(None, &unique("key")).await.expect(202);
    assert_eq!(becomes("refunded").await["refunded_amount"]["amount"], 3998);
    refund(None, &unique("key")).await.problem(409, "not-refundable");
    assert_eq!(refunded(&api, &placed).await, 3998);
    refund_by_customer(&api, &customer, &payment).await.problem(403, "forbidden");
}

#[tokio::test]
async fn gateway_crash_after_the_charge_charges_once_and_the_order_proceeds() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    inject_faults(&api, &json!({"mode": "drop_response", "count": 1, "path": "/v1/payment_intents"})).await;
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    inject_faults(&api, &json!({"mode": "none"})).await;
    assert_eq!(charge_count(&api, &placed).await, 1, "{order}");
}

#[tokio::test]
async fn webhook_confirms_a_payment_whose_response_was_lost() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    // Every response of the gateway is lost; its webhooks arrive.
    inject_faults(&api, &json!({"mode": "drop_response", "path": "/v1/payment_intents"})).await;
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    wait_for_status(&api, &customer, &placed, "processing").await;
    inject_faults(&api, &json!({"mode": "none"})).await;
    assert_eq!(charge_count(&api, &placed).await, 1);
}

#[tokio::test]
async fn unsigned_webhook_is_rejected() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let forged = json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}});
    let send = async |signature: Option<&str>| {
        let request = api.post("/api/v1/webhooks/payments").json(&forged);
        match signature {
            Some(signature) => request.header("stripe-signature", signature).send().await,
            None => request.send().await,
        }
    };
    for signature in [None, Some("t=1,v1=00"), Some("nonsense")] {
        send(signature).await.problem(401, "signature-invalid");
    }
}

#[tokio::test]
async fn concurrent_cancellation_and_shipment_leave_stock_and_money_consistent() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let version = order["version"].as_u64().expect("a version");
    let path = format!("/api/v1/orders/{}", id(&placed));
    let cancel = || api.request(Method::DELETE, &path).token(&customer.token).send();
    let (one, two, shipment) =
        tokio::join!(cancel(), cancel(), update_status(&api, &staff, &order, version, "shipped"));
    let now = api.get(&path).token(&customer.token).send().await.expect(200);
    if shipment.status.as_u16() == 200 {
        assert_eq!((one.status.as_u16(), two.status.as_u16(), &now["status"]), (409, 409, &json!("shipped")));
        eventually("the stock is shipped", async || (api.stock(&lantern).await == (3, 0)).then_some(())).await;
        assert_eq!(payment_of(&api, &customer, &order).await["status"], "succeeded");
    } else {
        assert_eq!((one.status.as_u16(), two.status.as_u16(), &now["status"]), (202, 202, &json!("cancelled")));
        eventually("the stock is released", async || (api.stock(&lantern).await == (5, 0)).then_some(())).await;
        eventually("the payment is refunded", async || {
            (payment_of(&api, &customer, &order).await["status"] == "refunded").then_some(())
        })
        .await;
    }
}

/// The order, once it has this status.
pub(super) async fn wait_for_status(api: &ApiClient, user: &User, order: &Value, status: &str) -> Value {
    let path = format!("/api/v1/orders/{}", id(order));
    eventually("the order reaches the status", async || {
        let order = api.get(&path).token(&user.token).send().await.expect(200);
        (order["status"] == status).then_some(order)
    })
    .await
}

pub(super) async fn payment_of(api: &ApiClient, user: &User, order: &Value) -> Value {
    let payment = api.get(&format!("/api/v1/payments/order/{}", id(order))).token(&user.token).send().await.expect(200);
    let by_id = api.get(&format!("/api/v1/payments/{}", id(&payment))).token(&user.token).send().await.expect(200);
    assert_eq!(by_id["order_id"], order["id"]);
    by_id
}

async fn update_status(api: &ApiClient, token: &str, order: &Value, version: u64, status: &str) -> ApiResponse {
    let path = format!("/api/v1/orders/{}/status", id(order));
    let request = api.request(Method::PATCH, &path).token(token).header("if-match", &format!("\"{version}\""));
    request.json(&json!({"status": status})).send().await
}

async fn refund_by_customer(api: &ApiClient, user: &User, payment: &Value) -> ApiResponse {
    let body = json!({"payment_id": id(payment), "reason": "requested_by_customer"});
    api.post("/api/v1/payments/refund").token(&user.token).key(&unique("key")).json(&body).send().await
}

/// Sets the fault of the local gateway.
async fn inject_faults(api: &ApiClient, fault: &Value) {
    let url = format!("{}/_local/faults", var("GATEWAY_URL"));
    let response = api.http.put(url).header("content-type", "application/json").body(fault.to_string()).send().await;
    assert_eq!(response.expect("reachable").status().as_u16(), 200, "{fault}");
}

/// The charges of an order at the gateway, declined ones included.
pub(super) async fn charges(api: &ApiClient, order: &Value) -> Vec<Value> {
    let url = format!("{}/_local/charges", var("GATEWAY_URL"));
    let all: Value = api.http.get(url).send().await.expect("reachable").json().await.expect("JSON");
    let all = all["charges"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|charge| charge["metadata"]["order_id"] == order["id"]).collect()
}

async fn charge_count(api: &ApiClient, order: &Value) -> usize {
    charges(api, order).await.iter().filter(|charge| charge["status"] == "succeeded").count()
}

async fn refunded(api: &ApiClient, order: &Value) -> i64 {
    charges(api, order).await.iter().filter_map(|charge| charge["refunded"].as_i64()).sum()
}
