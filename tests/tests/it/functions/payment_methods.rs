//! Saved payment methods: the samples, crashes between gateway and store, and charges.

use super::{
    ORDER, PAYMENT, USER, clock,
    consumers::{USUAL, deliver},
    http::assert_responses,
};
use catalog::role;
use domain::{
    event::StockReserved,
    id::{PaymentMethodId, UserId},
    payment::{self, AttemptLimit, Payment, Status},
    saved_method::SavedMethod,
    text::PaymentMethod,
};
use edge::{
    Clock,
    http::{Access, Route, respond},
    testing,
};
use ports::{MethodVault as _, PaymentStore as _, SavedMethodStore as _};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Dependency, FaultPoint, Platform, build, ids};

const CUSTOMER: Access = Access::Roles(&[role::CUSTOMER]);
const ADD: Route = Route::new(catalog::PAYMENT_METHOD_ADD.name, CUSTOMER).honours_key();
const PAY_AGAIN: Route = Route::new(catalog::PAYMENT_PROCESS.name, CUSTOMER).idempotent();
const DELETE: Route = Route::new(catalog::PAYMENT_METHOD_DELETE.name, CUSTOMER);

/// Saves a method in an invocation with ids of its own.
async fn add(platform: &Platform, user: UserId, token: &str, key: Option<&str>) -> Value {
    static INVOCATIONS: AtomicU64 = AtomicU64::new(100);
    let clock = Clock::at(super::sample_time(), INVOCATIONS.fetch_add(1, Ordering::Relaxed));
    let request = testing::http_event("POST", "/api/v1/payment-methods").principal(user.0, role::CUSTOMER);
    let request = match key {
        Some(key) => request.key(key),
        None => request,
    };
    let request = request.body(json!({ "payment_method": token })).build();
    let (methods, vault) = (platform.payments(), platform.gateway());
    let handler = async |call| payment_method_add::handle(&methods, &vault, call).await;
    respond(&ADD, request, &clock, &handler).await
}

async fn delete(platform: &Platform, user: UserId, method: &SavedMethod) -> u64 {
    let request = testing::http_event("DELETE", &catalog::PAYMENT_METHOD_DELETE.path_of(method.id))
        .path_param("id", method.id)
        .principal(user.0, role::CUSTOMER)
        .build();
    let (methods, vault) = (platform.payments(), platform.gateway());
    let handler = async |call| payment_method_delete::handle(&methods, &vault, call).await;
    respond(&DELETE, request, &clock(), &handler).await["statusCode"].as_u64().expect("a status")
}

async fn saved(platform: &Platform, user: UserId) -> Vec<SavedMethod> {
    platform.payments().methods(user).await.expect("a list")
}

/// The tokens that are attached to the customer of a user.
fn attached(platform: &Platform, user: UserId) -> Vec<String> {
    let customers = platform.gateway().customers();
    let of_user = customers.values().filter(|(owner, _)| *owner == user);
    of_user.flat_map(|(_, tokens)| tokens.iter().map(|token| token.as_str().to_owned())).collect()
}

#[tokio::test]
async fn method_is_saved_once_per_key_and_listed() {
    let platform = Platform::new();
    let (methods, vault) = (platform.payments(), platform.gateway());
    let expected = [
        ("ok", 201, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /body/payment_method = "4242424242424242""#, 422, "validation", "/payment_method"),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
    ];
    for _ in 0..2 {
        assert_responses(catalog::PAYMENT_METHOD_ADD, &expected, async |_, call| {
            payment_method_add::handle(&methods, &vault, call).await
        })
        .await;
    }
    let [method] = &saved(&platform, USER).await[..] else { panic!("one method") };
    assert_eq!(attached(&platform, USER), [method.token.as_str()]);
    let expected = [("ok", 200, "", ""), ("bad_no_principal", 401, "unauthenticated", "")];
    assert_responses(catalog::PAYMENT_METHOD_LIST, &expected, async |_, call| {
        let reply = payment_method_list::handle(&methods, call).await?;
        let body = reply.to_stored()?.body;
        assert!(body.contains(method.token.as_str()) && body.contains(r#""last4":"4242""#), "{body}");
        Ok(reply)
    })
    .await;
}

#[tokio::test]
async fn method_is_chosen_and_deleted_by_its_owner_only() {
    const UNKNOWN: &str = r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#;
    const STRANGER: &str = r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000009""#;
    let platform = Platform::new();
    let (methods, vault) = (platform.payments(), platform.gateway());
    add(&platform, ids::user(8), "pm_1", None).await;
    let id = PaymentMethodId("0192f0c1-0000-7000-8000-0000000000f7".parse().expect("a UUID"));
    let method = SavedMethod { id, user_id: USER, ..saved(&platform, ids::user(8)).await.remove(0) };
    let method = SavedMethod { token: PaymentMethod::parse("pm_2").expect("a token"), ..method };
    methods.save_customer(USER, "cus_1").await.expect("saved");
    methods.save_method(&method, None).await.expect("saved");
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (STRANGER, 404, "not-found", ""),
        (UNKNOWN, 404, "not-found", ""),
    ];
    assert_responses(catalog::PAYMENT_METHOD_CHOOSE, &expected, async |_, call| {
        payment_method_choose::handle(&methods, call).await
    })
    .await;
    let expected = [
        ("bad_no_principal", 401, "unauthenticated", ""),
        (STRANGER, 404, "not-found", ""),
        (UNKNOWN, 404, "not-found", ""),
        ("ok", 204, "", ""),
        ("ok", 404, "not-found", ""),
    ];
    assert_responses(catalog::PAYMENT_METHOD_DELETE, &expected, async |_, call| {
        payment_method_delete::handle(&methods, &vault, call).await
    })
    .await;
}

#[tokio::test]
async fn repeated_request_after_any_crash_saves_one_method_of_one_customer() {
    for key in [Some("k"), None] {
        let token = if key.is_some() { "pm_card_visa" } else { "pm_1" };
        let operations = {
            let platform = Platform::new();
            add(&platform, USER, token, key).await;
            platform.operation_count()
        };
        for (operation, point) in
            (1..=operations).flat_map(|number| [(number, FaultPoint::Before), (number, FaultPoint::After)])
        {
            let platform = Platform::new();
            platform.faults().crash(operation, point);
            platform.run(add(&platform, USER, token, key)).await.expect_err("a crash");
            let response = add(&platform, USER, token, key).await;
            assert_eq!(response["statusCode"], 201, "{point:?} {operation}: {response}");
            let [method] = &saved(&platform, USER).await[..] else { panic!("{point:?} {operation}: one method") };
            assert_eq!(attached(&platform, USER), [method.token.as_str()], "{point:?} {operation}");
            assert!(response["body"].as_str().is_some_and(|body| body.contains(&method.id.to_string())));
        }
    }
}

#[tokio::test]
async fn method_that_is_saved_twice_is_one_method() {
    let platform = Platform::new();
    let first = add(&platform, USER, "pm_1", None).await;
    let again = add(&platform, USER, "pm_1", None).await;
    assert_eq!(first["body"], again["body"]);
    assert_eq!(saved(&platform, USER).await.len(), 1);
}

#[tokio::test]
async fn method_of_somebody_else_can_be_neither_saved_nor_deleted() {
    let platform = Platform::new();
    let other = ids::user(77);
    add(&platform, USER, "pm_1", None).await;
    let response = add(&platform, other, "pm_1", None).await;
    assert_eq!(response["statusCode"], 422);
    assert!(response["body"].as_str().is_some_and(|body| body.contains("/payment_method")), "{response}");
    let [method] = &saved(&platform, USER).await[..] else { panic!("one method") };
    assert_eq!(delete(&platform, other, method).await, 404);
    assert_eq!(attached(&platform, USER), ["pm_1"]);
}

#[tokio::test]
async fn deletion_that_died_halfway_is_completed_by_its_repetition() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    let [method] = &saved(&platform, USER).await[..] else { panic!("one method") };
    platform.gateway().detach(&method.token).await.expect("detached");
    platform.faults().take_down(Dependency::Gateway);
    assert_eq!(delete(&platform, USER, method).await, 503);
    platform.faults().restore_all();
    assert_eq!((delete(&platform, USER, method).await, saved(&platform, USER).await), (204, vec![]));
}

#[tokio::test]
async fn a_detached_method_cannot_be_saved_again() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    let [method] = &saved(&platform, USER).await[..] else { panic!("one method") };
    assert_eq!(delete(&platform, USER, method).await, 204);
    assert_eq!(add(&platform, USER, "pm_1", None).await["statusCode"], 422);
}

#[tokio::test]
async fn payment_methods_of_a_deleted_account_are_forgotten_everywhere() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    deliver(catalog::PAYMENT_METHOD_FORGET, &USUAL, &platform, async |delivery| {
        payment_method_forget::handle(&platform.payments(), &platform.gateway(), delivery).await
    })
    .await;
    assert_eq!((saved(&platform, USER).await, platform.gateway().customers().len()), (vec![], 0));
    assert_eq!(add(&platform, USER, "pm_2", None).await["statusCode"], 404);
    assert_eq!(platform.gateway().customers().len(), 0);
}

fn reserved(method: &str) -> StockReserved {
    StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse(method).expect("a token"),
        lines: vec![],
        levels: vec![],
    }
}

/// The payment of an order after it was charged with `method`, twice delivered.
async fn charge(platform: &Platform, method: &str) -> Payment {
    for _ in 0..2 {
        let event = build::event(61, reserved(method));
        let delivery = testing::delivery(catalog::PAYMENT_CHARGE.name, event, &clock());
        let (payments, gateway, breaker) = (platform.payments(), platform.gateway(), platform.circuit_breaker());
        payment_charge::handle(&payments, &gateway, &breaker, AttemptLimit::default(), delivery)
            .await
            .expect("settled");
    }
    platform.payments().for_order(ORDER).expect("a payment")
}

#[tokio::test]
async fn order_is_charged_with_a_saved_method_of_its_customer() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    let payment = charge(&platform, "pm_1").await;
    assert_eq!((payment.status, platform.gateway().charges().len()), (Status::Succeeded, 1));
    assert_eq!(payment.customer, platform.payments().customer(USER).await.expect("known"));
}

#[tokio::test]
async fn order_with_a_method_of_somebody_else_is_declined() {
    let platform = Platform::new();
    add(&platform, ids::user(77), "pm_1", None).await;
    let payment = charge(&platform, "pm_1").await;
    assert_eq!((payment.status, platform.gateway().charges().len()), (Status::Failed, 0));
}

#[tokio::test]
async fn attempt_whose_method_was_detached_meanwhile_is_declined() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    let begun = payment::begin(PAYMENT, &reserved("pm_1"), super::sample_time());
    platform.payments().begin(&begun, None).await.expect("begun");
    let [method] = &saved(&platform, USER).await[..] else { panic!("one method") };
    assert_eq!(delete(&platform, USER, method).await, 204);
    let payment = charge(&platform, "pm_1").await;
    assert_eq!((payment.status, platform.gateway().charges().len()), (Status::Failed, 0));
}

#[tokio::test]
async fn payment_is_tried_again_with_a_saved_method_of_the_caller_only() {
    let platform = Platform::new();
    add(&platform, USER, "pm_1", None).await;
    add(&platform, ids::user(77), "pm_2", None).await;
    assert_eq!(charge(&platform, "pm_card_visa_chargeDeclined").await.status, Status::Failed);
    for (token, status) in [("pm_2", 422), ("pm_1", 202)] {
        let request = testing::http_event("POST", "/api/v1/payments/process")
            .principal(USER.0, role::CUSTOMER)
            .key(token)
            .body(json!({ "order_id": ORDER, "payment_method": token }))
            .build();
        let payments = platform.payments();
        let handler = async |call| payment_process::handle(&payments, AttemptLimit::default(), call).await;
        let response = respond(&PAY_AGAIN, request, &clock(), &handler).await;
        assert_eq!(response["statusCode"], status, "{token}: {response}");
        assert!(status == 202 || response["body"].as_str().is_some_and(|body| body.contains("/payment_method")));
    }
    let payment = platform.payments().for_order(ORDER).expect("a payment");
    assert_eq!(payment.customer, platform.payments().customer(USER).await.expect("known"));
}
