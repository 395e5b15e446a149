//! Orders with tax and shipping, what staff do with orders (lists, notes, another address, shipment with tracking), credit notes, and
//! large refunds.

use super::stack::{ApiClient, eventually, id, order_request, shared_stack, unique, var};
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

#[tokio::test]
async fn each_refund_gets_a_credit_note_that_owner_and_staff_can_download() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    for amount in [1_000, 2_998] {
        let refund = json!({
            "payment_id": order["payment_id"], "amount": { "amount": amount, "currency": "USD" },
            "reason": "requested_by_customer",
        });
        let request = api.post("/api/v1/payments/refund").token(&staff).key(&unique("refund")).json(&refund);
        request.send().await.expect(202);
    }
    let path = format!("/api/v1/orders/{}/credit-notes", id(&placed));
    let notes = eventually("two credit notes exist", async || {
        let response = api.get(&path).token(&customer.token).send().await;
        let list = (response.status == 200).then(|| response.json())?;
        (list["items"].as_array().map(Vec::len) == Some(2)).then_some(list)
    })
    .await;
    let amounts: Vec<_> =
        notes["items"].as_array().expect("a list").iter().map(|note| &note["amount"]["amount"]).collect();
    assert_eq!(amounts.iter().filter_map(|amount| amount.as_i64()).sum::<i64>(), 3_998, "{notes}");
    assert_eq!(
        api.get(&path).token(&staff).send().await.expect(200)["items"][1]["number"],
        notes["items"][1]["number"]
    );
    let other = api.customer().await;
    api.get(&path).token(&other.token).send().await.problem(404, "not-found");

    let own = api.get("/api/v1/invoices").token(&customer.token).send().await.expect(200);
    assert_eq!(own["items"][0]["order_id"], placed["id"], "{own}");
    for link in [&notes["items"][0]["url"], &own["items"][0]["url"]] {
        let link = link.as_str().expect("a link");
        let bytes = eventually("the document is stored", async || {
            let response = api.http.get(link).send().await.expect("reachable");
            response.status().is_success().then_some(response)
        });
        let bytes = bytes.await.bytes().await.expect("a body");
        assert!(bytes.starts_with(b"%PDF-"), "{} bytes that are not a PDF", bytes.len());
    }
}

#[tokio::test]
async fn large_refund_is_made_once_an_admin_approves_it_who_did_not_request_it() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, chandelier, staff) = (api.customer().await, api.product(120_000, 5).await, api.staff().await);
    let admin = api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await;
    let placed = api.place(&customer, &chandelier, 1, CARD).await;
    let order = api.wait_until_decided(&customer, &placed).await;
    let payment = order["payment_id"].as_str().expect("a payment").to_owned();
    let ask = async |token: &str, amount: i64| {
        let amount = json!({ "amount": amount, "currency": "USD" });
        let refund = json!({ "payment_id": payment, "amount": amount, "reason": "requested_by_customer" });
        let request = api.post("/api/v1/payments/refund").token(token).key(&unique("refund")).json(&refund);
        let shown = request.send().await.expect(202);
        assert_eq!(shown["refunds"], json!([]), "{shown}");
        let approvals = shown["refund_approvals"].as_array().expect("approvals");
        approvals.last().expect("one that waits")["id"].as_str().expect("an id").to_owned()
    };
    let decide = async |refund: &str, key: &str| {
        let path = format!("/api/v1/payments/{payment}/refund-approvals/{refund}");
        let request = api.request(Method::PATCH, &path).token(&admin).key(key);
        request.json(&json!({ "verdict": "approved" })).send().await
    };
    let (by_staff, own) = (ask(&staff, 55_000).await, ask(&admin, 60_000).await);
    let waiting = api.get("/api/v1/ops/payments/refund-approvals?limit=100").token(&staff).send().await.expect(200);
    let is_listed = waiting["items"].as_array().expect("a list").iter().any(|one| one["payment_id"] == payment);
    assert!(is_listed, "{waiting}");
    decide(&own, &unique("own")).await.problem(403, "own-request");
    let key = unique("approve");
    let approved = decide(&by_staff, &key).await;
    assert_eq!(approved.status.as_u16(), 200, "{}", approved.text);
    assert_eq!(decide(&by_staff, &key).await.text, approved.text, "one refund");
    eventually("the refund is made", async || {
        let shown = api.get(&format!("/api/v1/payments/{payment}")).token(&staff).send().await.expect(200);
        (shown["refunded_amount"]["amount"] == 55_000).then_some(())
    })
    .await;
}
