//! What happens at the gateway without being asked: another amount than the one that was asked for, refunds in its dashboard, disputes.

use super::{
    saga::{charges, payment_of, wait_for_status},
    secrets::{signed_webhook, stored},
    stack::{ApiClient, eventually, id, shared_stack, unique, var},
};
use serde_json::{Value, json};

const CARD: &str = "pm_card_visa";
const DECLINED: &str = "pm_card_visa_chargeDeclined";

/// Sends a genuine event about `object`.
async fn tell(api: &ApiClient, kind: &str, object: Value) {
    let event = json!({ "id": unique("evt"), "object": "event", "type": kind, "data": { "object": object } });
    assert_eq!(signed_webhook(api, &var("GATEWAY_WEBHOOK_SECRET"), &event.to_string()).await, 204, "{kind}");
}

#[tokio::test]
async fn charge_of_another_amount_pays_for_nothing_and_is_listed_for_staff() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 1, DECLINED).await;
    api.wait_until_decided(&customer, &placed).await;
    let payment = payment_of(&api, &customer, &placed).await;
    let attempt = charges(&api, &placed).await.pop().expect("a declined charge");
    let told = json!({
        "id": attempt["payment_intent"], "object": "payment_intent", "amount": 1, "amount_received": 1, "currency": "jpy",
        "latest_charge": unique("ch"), "metadata": attempt["metadata"], "status": "succeeded",
    });
    for _ in 0..2 {
        tell(&api, "payment_intent.succeeded", told.clone()).await;
    }
    let listed = eventually("the mismatch is listed", async || {
        let page = api.get("/api/v1/ops/payments/mismatches?limit=100").token(&staff).send().await.expect(200);
        page["items"].as_array()?.iter().find(|one| one["payment_id"] == payment["id"]).cloned()
    })
    .await;
    let mismatches = listed["mismatches"].as_array().expect("a list");
    assert_eq!(mismatches.len(), 1, "told twice, recorded once: {listed}");
    assert_eq!(mismatches[0]["asked"], json!({ "amount": 1999, "currency": "USD" }));
    assert_eq!((&mismatches[0]["answered"]["amount"], &listed["status"]), (&json!(1), &json!("failed")), "{listed}");
    let path = format!("/api/v1/orders/{}", id(&placed));
    let order = api.get(&path).token(&customer.token).send().await.expect(200);
    assert_eq!((&order["status"], &order["status_reason"]), (&json!("pending"), &json!("payment_declined")), "{order}");
    api.get("/api/v1/ops/payments/mismatches").token(&customer.token).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn refund_made_at_the_gateway_is_posted_and_cancels_the_order() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 2, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let charge = charges(&api, &placed).await.pop().expect("a charge");
    let key = stored(&catalog::GATEWAY_KEY).read().await.expect("a response").expect("a key");
    let refund = async |form: String| {
        let request = api.http.post(format!("{}/v1/refunds", var("GATEWAY_URL"))).bearer_auth(&key);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        assert_eq!(request.send().await.expect("reachable").status().as_u16(), 200);
    };
    let charge = charge["id"].as_str().expect("an id");
    let shows = async |status: &str, minor: i64| {
        let payment = eventually("the payment shows the refund", async || {
            let payment = payment_of(&api, &customer, &order).await;
            (payment["status"] == status).then_some(payment)
        })
        .await;
        assert_eq!(payment["refunded_amount"]["amount"], minor, "{payment}");
    };
    refund(format!("charge={charge}&amount=1000")).await;
    shows("partially_refunded", 1_000).await;
    refund(format!("charge={charge}")).await;
    shows("refunded", 3_998).await;
    let staff = api.staff().await;
    let ledger = api.get("/api/v1/ops/ledger").token(&staff).send().await.expect(200);
    let sum = |side: &str| -> i64 {
        let accounts = ledger["accounts"].as_array().expect("a list").iter();
        let dollars = accounts.filter(|one| one[side]["currency"] == "USD");
        dollars.map(|one| one[side]["amount"].as_i64().expect("minor units")).sum()
    };
    assert!(sum("debits") >= 2 * 3_998 && sum("debits") == sum("credits"), "{ledger}");
    let order = wait_for_status(&api, &customer, &placed, "cancelled").await;
    assert_eq!(order["status_reason"], "refunded", "{order}");
    eventually("the stock is released", async || (api.stock(&lantern).await == (5, 0)).then_some(())).await;
}

#[tokio::test]
async fn dispute_and_its_deadline_are_shown_to_staff() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern, staff) = (api.customer().await, api.product(1999, 5).await, api.staff().await);
    let placed = api.place(&customer, &lantern, 1, CARD).await;
    let order = wait_for_status(&api, &customer, &placed, "processing").await;
    let payment = payment_of(&api, &customer, &order).await;
    let charge = charges(&api, &placed).await.pop().expect("a charge");
    let name = unique("dp");
    // Without movements of money: those of the local gateway's statement are its own.
    let dispute = |status: &str| {
        json!({
            "id": name, "object": "dispute", "amount": 1999, "currency": "usd", "charge": charge["id"],
            "payment_intent": charge["payment_intent"], "balance_transactions": [], "status": status,
            "reason": "product_not_received", "evidence_details": { "due_by": 1_795_999_999_i64 }, "metadata": {},
        })
    };
    let path = format!("/api/v1/payments/{}/disputes", id(&payment));
    for (kind, status) in [("created", "needs_response"), ("updated", "under_review"), ("closed", "lost")] {
        tell(&api, &format!("charge.dispute.{kind}"), dispute(status)).await;
        let page = api.get(&path).token(&staff).send().await.expect(200);
        let shown = &page["items"][0];
        assert_eq!(
            (&shown["id"], &shown["status"], &shown["amount"]["amount"]),
            (&json!(name), &json!(status), &json!(1999))
        );
        assert!(shown["evidence_due_by"].is_string(), "{shown}");
    }
    api.get(&path).token(&customer.token).send().await.problem(403, "forbidden");
}
