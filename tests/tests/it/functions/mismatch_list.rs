//! Responses of mismatch-list to its sample events.

use super::{ORDER, USER, clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use serde_json::{Value, json};
use testkit::{Platform, build};

#[tokio::test]
async fn mismatch_list_shows_staff_both_amounts() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
    ];
    let platform = Platform::new();
    let order = build::order().id(ORDER).owner(USER).at(sample_time());
    platform.payments().put(&order.mismatched().payment);
    platform.payments().put(&build::order().number(2).paid().payment);
    assert_responses(catalog::MISMATCH_LIST, &expected, async |_, call| {
        mismatch_list::handle(&platform.payments(), call).await
    })
    .await;
    let route = Wiring::new(catalog::MISMATCH_LIST, Config::from_vars([])).route().expect("a route");
    let handler = async |call| mismatch_list::handle(&platform.payments(), call).await;
    let response = edge::http::respond(&route, sample(catalog::MISMATCH_LIST, "ok"), &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let [payment] = &body["items"].as_array().expect("a list")[..] else { panic!("{body}") };
    let mismatch = &payment["mismatches"][0];
    assert_eq!((&payment["order_id"], &mismatch["movement"]), (&json!(ORDER), &json!("charge")));
    assert_eq!(mismatch["asked"]["currency"], "USD");
    assert_eq!(mismatch["answered"], json!({ "amount": 1, "currency": "JPY" }));
}
