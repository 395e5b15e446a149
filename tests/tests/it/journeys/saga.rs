//! The rest of an order's life: paid again, taken back, shipped, refunded; and a gateway that charges and dies.

use super::stack::{Answer, ApiClient, Person, alone, eventually, id, unique, var, whole};
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";
const DECLINED: &str = "pm_card_visa_chargeDeclined";

#[tokio::test]
async fn a_declined_order_waits_and_is_confirmed_when_it_is_paid_with_another_card() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 2, DECLINED).await;
    let order = shop.settled(&ada, &placed).await;
    assert_eq!((&order["status"], &order["status_reason"]), (&json!("pending"), &json!("payment_declined")), "{order}");
    assert_eq!(shop.stock(&lantern).await, (3, 2), "the hold stays while she may pay");
    let (key, body) = (unique("key"), json!({"order_id": id(&placed), "payment_method": CARD}));
    let pay = async || shop.post("/api/v1/payments/process").token(&ada.token).key(&key).json(&body).send().await;
    let first = pay().await;
    assert_eq!(first.status.as_u16(), 202, "{}", first.text);
    assert_eq!((first.json()["status"].as_str(), first.json()["attempts"].as_i64()), (Some("pending"), Some(2)));
    assert_eq!(pay().await.text, first.text, "the first answer again");
    let order = reaches(&shop, &ada, &placed, "processing").await;
    let payment = payment_of(&shop, &ada, &order).await;
    assert_eq!((&payment["status"], &payment["attempts"]), (&json!("succeeded"), &json!(2)), "{payment}");
    assert_eq!(charged(&shop, &placed).await, 1);
    let again = shop.post("/api/v1/payments/process").token(&ada.token).key(&unique("key")).json(&body).send().await;
    again.problem(409, "already-paid");
}

#[tokio::test]
async fn an_order_that_is_cancelled_after_payment_is_refunded_and_its_stock_is_free() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, eve, lantern) = (shop.customer().await, shop.customer().await, shop.product(1999, 5).await);
    let placed = shop.place(&ada, &lantern, 2, CARD).await;
    let order = reaches(&shop, &ada, &placed, "processing").await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    shop.ask(Method::DELETE, &path).token(&eve.token).send().await.problem(404, "not-found");
    let cancelled = shop.ask(Method::DELETE, &path).token(&ada.token).send().await.expect(202);
    assert_eq!((&cancelled["status"], &cancelled["status_reason"]), (&json!("cancelled"), &json!("customer_request")));
    let again = shop.ask(Method::DELETE, &path).token(&ada.token).send().await.expect(202);
    assert_eq!(again, cancelled, "doing it again changes nothing");
    let payment = eventually("the money is back", async || {
        let payment = payment_of(&shop, &ada, &order).await;
        (payment["status"] == "refunded").then_some(payment)
    })
    .await;
    assert_eq!(payment["refunded_amount"], payment["amount"]);
    assert_eq!(refunded(&shop, &placed).await, 3998);
    eventually("the stock is back", async || (shop.stock(&lantern).await == (5, 0)).then_some(())).await;
    eventually("she is told", async || {
        let mails: Vec<Value> = shop.http.get(var("MAILBOX_URL")).send().await.ok()?.json().await.ok()?;
        let hers = mails.iter().filter(|mail| mail["to"].to_string().contains(&ada.email));
        hers.into_iter().find(|mail| mail["subject"].to_string().contains("cancelled")).map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_shipped_order_takes_its_stock_off_the_account_and_cannot_be_cancelled() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern, staff) = (shop.customer().await, shop.product(1999, 5).await, shop.staff().await);
    let placed = shop.place(&ada, &lantern, 2, CARD).await;
    let order = reaches(&shop, &ada, &placed, "processing").await;
    let version = order["version"].as_u64().expect("a version");
    update(&shop, &staff, &order, version, "delivered").await.problem(409, "transition-forbidden");
    update(&shop, &staff, &order, version - 1, "shipped").await.problem(412, "precondition-failed");
    update(&shop, &ada.token, &order, version, "shipped").await.problem(403, "forbidden");
    let shipped = update(&shop, &staff, &order, version, "shipped").await.expect(200);
    assert_eq!(shipped["status"], "shipped");
    eventually("the stock has left", async || (shop.stock(&lantern).await == (3, 0)).then_some(())).await;
    let path = format!("/api/v1/orders/{}", id(&placed));
    shop.ask(Method::DELETE, &path).token(&ada.token).send().await.problem(409, "order-not-cancellable");
    let delivered = update(&shop, &staff, &order, version + 1, "delivered").await.expect(200);
    let history: Vec<_> =
        delivered["history"].as_array().expect("a history").iter().map(|one| &one["status"]).collect();
    assert_eq!(history[history.len() - 3..], ["processing", "shipped", "delivered"]);
    let of_ada = format!("/api/v1/orders/user/{}", ada.id);
    assert_eq!(shop.get(&of_ada).token(&staff).send().await.expect(200)["items"][0]["id"], placed["id"]);
}

#[tokio::test]
async fn a_part_and_then_the_rest_of_a_payment_goes_back_and_never_more() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern, staff) = (shop.customer().await, shop.product(1999, 5).await, shop.staff().await);
    let placed = shop.place(&ada, &lantern, 2, CARD).await;
    let order = reaches(&shop, &ada, &placed, "processing").await;
    let payment = payment_of(&shop, &ada, &order).await;
    let refund = async |amount: Option<i64>, key: &str| {
        let mut body = json!({"payment_id": id(&payment), "reason": "requested_by_customer"});
        if let Some(minor) = amount {
            body["amount"] = json!({"amount": minor, "currency": "USD"});
        }
        shop.post("/api/v1/payments/refund").token(&staff).key(key).json(&body).send().await
    };
    let too_much = refund(Some(3999), &unique("key")).await.problem(422, "validation");
    assert_eq!(too_much["errors"][0]["pointer"], "/amount/amount", "{too_much}");
    let key = unique("key");
    let first = refund(Some(1000), &key).await;
    assert_eq!(first.status.as_u16(), 202, "{}", first.text);
    assert_eq!(refund(Some(1000), &key).await.text, first.text, "one refund a key");
    let becomes = async |status: &str| {
        eventually("the payment shows the refund", async || {
            let payment = payment_of(&shop, &ada, &order).await;
            (payment["status"] == status).then_some(payment)
        })
        .await
    };
    assert_eq!(becomes("partially_refunded").await["refunded_amount"]["amount"], 1000);
    refund(None, &unique("key")).await.expect(202);
    assert_eq!(becomes("refunded").await["refunded_amount"]["amount"], 3998);
    refund(None, &unique("key")).await.problem(409, "not-refundable");
    assert_eq!(refunded(&shop, &placed).await, 3998);
    refund_by_customer(&shop, &ada, &payment).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_gateway_that_charges_and_dies_has_charged_once_and_the_order_goes_on() {
    let (_stack, shop) = (alone().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    faults(&shop, &json!({"mode": "drop_response", "count": 1, "path": "/v1/payment_intents"})).await;
    let placed = shop.place(&ada, &lantern, 1, CARD).await;
    let order = reaches(&shop, &ada, &placed, "processing").await;
    faults(&shop, &json!({"mode": "none"})).await;
    assert_eq!(charged(&shop, &placed).await, 1, "{order}");
}

#[tokio::test]
async fn an_order_is_paid_by_the_gateways_own_news_where_its_answer_never_comes() {
    let (_stack, shop) = (alone().await, ApiClient::open());
    let (ada, lantern) = (shop.customer().await, shop.product(1999, 5).await);
    // Every answer of the gateway is lost; what it did, it tells by webhook.
    faults(&shop, &json!({"mode": "drop_response", "path": "/v1/payment_intents"})).await;
    let placed = shop.place(&ada, &lantern, 1, CARD).await;
    reaches(&shop, &ada, &placed, "processing").await;
    faults(&shop, &json!({"mode": "none"})).await;
    assert_eq!(charged(&shop, &placed).await, 1);
}

#[tokio::test]
async fn news_that_the_gateway_did_not_sign_is_refused() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let forged = json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}});
    let send = async |signature: Option<&str>| {
        let ask = shop.post("/api/v1/webhooks/payments").json(&forged);
        match signature {
            Some(signature) => ask.header("stripe-signature", signature).send().await,
            None => ask.send().await,
        }
    };
    for signature in [None, Some("t=1,v1=00"), Some("nonsense")] {
        send(signature).await.problem(401, "signature-invalid");
    }
}

#[tokio::test]
async fn of_two_cancels_and_a_shipment_at_once_one_side_wins_and_stock_and_money_agree() {
    let (_stack, shop) = (whole().await, ApiClient::open());
    let (ada, lantern, staff) = (shop.customer().await, shop.product(1999, 5).await, shop.staff().await);
    let placed = shop.place(&ada, &lantern, 2, CARD).await;
    let order = reaches(&shop, &ada, &placed, "processing").await;
    let version = order["version"].as_u64().expect("a version");
    let path = format!("/api/v1/orders/{}", id(&placed));
    let cancel = || shop.ask(Method::DELETE, &path).token(&ada.token).send();
    let (one, two, shipment) = tokio::join!(cancel(), cancel(), update(&shop, &staff, &order, version, "shipped"));
    let now = shop.get(&path).token(&ada.token).send().await.expect(200);
    if shipment.status.as_u16() == 200 {
        assert_eq!((one.status.as_u16(), two.status.as_u16(), &now["status"]), (409, 409, &json!("shipped")));
        eventually("the stock has left", async || (shop.stock(&lantern).await == (3, 0)).then_some(())).await;
        assert_eq!(payment_of(&shop, &ada, &order).await["status"], "succeeded");
    } else {
        assert_eq!((one.status.as_u16(), two.status.as_u16(), &now["status"]), (202, 202, &json!("cancelled")));
        eventually("the stock is back", async || (shop.stock(&lantern).await == (5, 0)).then_some(())).await;
        eventually("the money is back", async || {
            (payment_of(&shop, &ada, &order).await["status"] == "refunded").then_some(())
        })
        .await;
    }
}

/// The order, once it has this status.
async fn reaches(shop: &ApiClient, person: &Person, order: &Value, status: &str) -> Value {
    let path = format!("/api/v1/orders/{}", id(order));
    eventually("the order gets there", async || {
        let order = shop.get(&path).token(&person.token).send().await.expect(200);
        (order["status"] == status).then_some(order)
    })
    .await
}

async fn payment_of(shop: &ApiClient, person: &Person, order: &Value) -> Value {
    let payment =
        shop.get(&format!("/api/v1/payments/order/{}", id(order))).token(&person.token).send().await.expect(200);
    let by_id = shop.get(&format!("/api/v1/payments/{}", id(&payment))).token(&person.token).send().await.expect(200);
    assert_eq!(by_id["order_id"], order["id"]);
    by_id
}

async fn update(shop: &ApiClient, token: &str, order: &Value, version: u64, status: &str) -> Answer {
    let path = format!("/api/v1/orders/{}/status", id(order));
    let ask = shop.ask(Method::PATCH, &path).token(token).header("if-match", &format!("\"{version}\""));
    ask.json(&json!({"status": status})).send().await
}

async fn refund_by_customer(shop: &ApiClient, person: &Person, payment: &Value) -> Answer {
    let body = json!({"payment_id": id(payment), "reason": "requested_by_customer"});
    shop.post("/api/v1/payments/refund").token(&person.token).key(&unique("key")).json(&body).send().await
}

/// Sets the fault of the local gateway.
async fn faults(shop: &ApiClient, fault: &Value) {
    let url = format!("{}/_local/faults", var("GATEWAY_URL"));
    let answer = shop.http.put(url).header("content-type", "application/json").body(fault.to_string()).send().await;
    assert_eq!(answer.expect("reachable").status().as_u16(), 200, "{fault}");
}

/// What the gateway has of an order: each attempt.
async fn charges(shop: &ApiClient, order: &Value) -> Vec<Value> {
    let url = format!("{}/_local/charges", var("GATEWAY_URL"));
    let all: Value = shop.http.get(url).send().await.expect("reachable").json().await.expect("JSON");
    let all = all["charges"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|charge| charge["metadata"]["order_id"] == order["id"]).collect()
}

async fn charged(shop: &ApiClient, order: &Value) -> usize {
    charges(shop, order).await.iter().filter(|charge| charge["status"] == "succeeded").count()
}

async fn refunded(shop: &ApiClient, order: &Value) -> i64 {
    charges(shop, order).await.iter().filter_map(|charge| charge["refunded"].as_i64()).sum()
}
