//! Responses of ledger-get to its sample events.

use super::{ORDER, USER, clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use ports::PaymentStore as _;
use serde_json::{Value, json};
use testkit::{Platform, build};

#[tokio::test]
async fn ledger_get_sums_up_the_accounts_for_staff() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_span", 422, "validation", "?to"),
        ("bad_time", 422, "validation", "?from"),
        ("bad_customer", 403, "forbidden", ""),
    ];
    let platform = Platform::new();
    let order = build::order().id(ORDER).owner(USER).at(sample_time());
    let paid = order.paid();
    platform.payments().begin(&order.payment(), None).await.expect("started");
    platform.payments().advance(None, &paid, &[]).await.expect("paid");
    assert_responses(catalog::LEDGER_GET, &expected, async |_, call| {
        ledger_get::handle(&platform.ledger(), call).await
    })
    .await;
    let route = Wiring::new(catalog::LEDGER_GET, Config::from_vars([])).route().expect("a route");
    let handler = async |call| ledger_get::handle(&platform.ledger(), call).await;
    let response = edge::http::respond(&route, sample(catalog::LEDGER_GET, "ok"), &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let charged = serde_json::to_value(paid.payment.amount).expect("JSON");
    let nothing = json!({ "amount": 0, "currency": charged["currency"] });
    let accounts = json!([
        { "account": "gateway", "debits": charged, "credits": nothing },
        { "account": "sales", "debits": nothing, "credits": charged },
    ]);
    assert_eq!(body["accounts"], accounts);
    assert_eq!(body["transfers"], json!([{ "purpose": "charge", "count": 1, "amount": charged }]));
    assert_eq!((&body["read_until"], &body["discrepancies"]), (&json!(null), &json!([])));
}
