//! Responses of dispute-list to its sample events.

use super::{ORDER, PAYMENT, USER, clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use domain::payment::Payment;
use serde_json::{Value, json};
use testkit::{Platform, build};

#[tokio::test]
async fn dispute_list_shows_staff_the_deadline_for_evidence() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    let platform = Platform::new();
    let order = build::order().id(ORDER).owner(USER).at(sample_time());
    let payment = Payment { id: PAYMENT, ..order.paid().payment };
    platform.payments().put(&build::disputed(&payment, sample_time()).payment);
    assert_responses(catalog::DISPUTE_LIST, &expected, async |_, call| {
        dispute_list::handle(&platform.payments(), call).await
    })
    .await;
    let route = Wiring::new(catalog::DISPUTE_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| dispute_list::handle(&platform.payments(), call).await;
    let response = edge::http::respond(&route, sample(catalog::DISPUTE_LIST, "ok"), &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let dispute = &body["items"][0];
    assert_eq!((&dispute["status"], &dispute["reason"]), (&json!("needs_response"), &json!("fraudulent")));
    assert_eq!(dispute["evidence_due_by"], "2026-11-21T08:48:00Z", "{dispute}");
    assert_eq!(dispute["withdrawn"], dispute["amount"]);
}
