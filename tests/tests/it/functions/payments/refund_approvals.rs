//! Refunds above the limit: requested by one person, decided by another.

use super::{REFUND, paid, payment_of_order};
use crate::functions::{clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use catalog::Function;
use domain::{
    DomainEvent,
    id::{RefundId, UserId},
    payment::{self, Payment, RefundLimit, RefundPayment, RefundStatus, StaffRefundReason, Verdict},
};
use kernel::Uuid;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Platform, build};

/// $10 of the $39.98 of the payment of the samples.
const LIMIT: RefundLimit = RefundLimit { units: 10 };
/// Who requests the refund in the samples.
const REQUESTER: UserId = UserId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0002));

fn waiting(payment: &Payment, minor: i64) -> Payment {
    let (payment_id, reason) = (payment.id, StaffRefundReason::RequestedByCustomer);
    let wanted = RefundPayment { payment_id, amount: Some(build::usd(minor)), reason };
    payment::request_refund_by_staff(payment, REFUND, wanted, (REQUESTER, LIMIT), sample_time())
        .expect("allowed")
        .payment
}

/// A platform where the refund of the samples waits for approval.
async fn with_waiting_refund() -> Platform {
    let platform = paid().await;
    platform.payments().put(&waiting(&payment_of_order(&platform), 3000));
    platform
}

async fn send(platform: &Platform, function: &'static Function, case: &str) -> Value {
    let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
    let payments = platform.payments();
    match function.name {
        "refund-request" => {
            let handler = async |call| refund_request::handle(&payments, LIMIT, call).await;
            edge::http::respond(&route, sample(function, case), &clock(), &handler).await
        }
        "refund-approval-list" => {
            let handler = async |call| refund_approval_list::handle(&payments, call).await;
            edge::http::respond(&route, sample(function, case), &clock(), &handler).await
        }
        _ => {
            let handler = async |call| refund_approval_decide::handle(&payments, call).await;
            edge::http::respond(&route, sample(function, case), &clock(), &handler).await
        }
    }
}

fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON")
}

fn published(platform: &Platform) -> Vec<&'static str> {
    platform.bus().published().iter().map(|event| event.event.row().name).collect()
}

#[tokio::test]
async fn refund_request_above_the_limit_is_accepted_once_and_moves_no_money() {
    let platform = paid().await;
    let first = send(&platform, catalog::REFUND_REQUEST, "ok_full").await;
    assert_eq!(first["statusCode"], 202, "{first}");
    let shown = body(&first);
    assert_eq!((&shown["refunds"], &shown["refund_approvals"][0]["verdict"]), (&json!([]), &Value::Null));
    assert_eq!(shown["refund_approvals"][0]["requested_by"], REQUESTER.to_string());
    assert_eq!(shown["refund_approvals"][0]["amount"], json!({ "amount": 3998, "currency": "USD" }));
    let again = send(&platform, catalog::REFUND_REQUEST, "ok_full").await;
    assert_eq!((&again["body"], &again["headers"]["idempotent-replayed"]), (&first["body"], &json!("true")));
    let payment = payment_of_order(&platform);
    assert_eq!((payment.refunds.len(), payment.approvals.len()), (0, 1));
    assert_eq!(published(&platform), ["RefundApprovalRequested.v1"]);
    assert!(platform.gateway().refunds().is_empty());
}

#[tokio::test]
async fn refund_approval_decide_is_for_an_admin_who_did_not_request_it() {
    let expected = [
        ("bad_own_request", 403, "own-request", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        (r#"set /body/verdict = "waiting""#, 422, "validation", "/verdict"),
        (r#"set /body/reason = "no""#, 422, "validation", "/reason"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000cf""#, 404, "not-found", ""),
        (r#"set /pathParameters/refund_id = "0192f0c1-0000-7000-8000-0000000000df""#, 404, "not-found", ""),
        ("ok", 200, "", ""),
        (r#"set /body/verdict = "rejected""#, 409, "refund-decided", ""),
    ];
    let platform = with_waiting_refund().await;
    for _ in 0..2 {
        assert_responses(catalog::REFUND_APPROVAL_DECIDE, &expected, async |_, call| {
            refund_approval_decide::handle(&platform.payments(), call).await
        })
        .await;
    }
    let payment = payment_of_order(&platform);
    let decision = payment.approvals[0].decision.as_ref().expect("decided");
    assert_eq!((decision.verdict, decision.by != REQUESTER), (Verdict::Approved, true));
    let refunds: Vec<_> = payment.refunds.iter().map(|one| (one.id, one.amount, one.status)).collect();
    assert_eq!(refunds, [(REFUND, build::usd(3000), RefundStatus::Pending)], "once");
    let events = ["RefundApprovalRefused.v1", "RefundApprovalDecided.v1", "RefundRequested.v1"];
    assert_eq!(published(&platform), events, "each key has one effect");
}

#[tokio::test]
async fn attempt_to_decide_on_an_own_request_is_recorded_with_who_and_what() {
    let platform = with_waiting_refund().await;
    let before = payment_of_order(&platform);
    let refused = send(&platform, catalog::REFUND_APPROVAL_DECIDE, "bad_own_request").await;
    assert_eq!((&refused["statusCode"], &body(&refused)["type"]), (&json!(403), &json!("/problems/own-request")));
    let [event] = &platform.bus().published()[..] else { panic!("one event") };
    let DomainEvent::RefundApprovalRefused(said) = &event.event else { panic!("{event:?}") };
    assert_eq!((said.requested_by, said.verdict, said.refund_id), (REQUESTER, Verdict::Approved, REFUND));
    assert_eq!(payment_of_order(&platform).approvals, before.approvals);
}

#[tokio::test]
async fn reason_of_a_decision_is_shown_to_staff_and_is_in_no_event() {
    let platform = with_waiting_refund().await;
    let edit = r#"set /body/verdict = "rejected"; set /body/reason = "Refunded by hand.""#;
    let rejected = body(&send(&platform, catalog::REFUND_APPROVAL_DECIDE, edit).await);
    let decided = &rejected["refund_approvals"][0];
    assert_eq!((&decided["verdict"], &decided["decision_reason"]), (&json!("rejected"), &json!("Refunded by hand.")));
    let said = serde_json::to_string(&platform.bus().published()).expect("JSON");
    assert!(!said.contains("by hand"), "{said}");
}

#[tokio::test]
async fn rejected_refund_moves_no_money_and_waits_no_more() {
    let platform = with_waiting_refund().await;
    let list = async || body(&send(&platform, catalog::REFUND_APPROVAL_LIST, "ok").await)["items"].clone();
    let waiting = list().await;
    assert_eq!(waiting[0]["payment_id"], payment_of_order(&platform).id.to_string());
    assert_eq!(waiting[0]["refund_approvals"][0]["id"], REFUND.to_string());
    let edit = r#"set /body/verdict = "rejected""#;
    let rejected = send(&platform, catalog::REFUND_APPROVAL_DECIDE, edit).await;
    assert_eq!((&rejected["statusCode"], &body(&rejected)["refunds"]), (&json!(200), &json!([])), "{rejected}");
    assert_eq!((list().await, published(&platform)), (json!([]), vec!["RefundApprovalDecided.v1"]));
}

#[tokio::test]
async fn payment_reconcile_counts_waiting_refunds_and_the_age_of_the_oldest() {
    let platform = paid().await;
    let counted = async || {
        let summary = super::reconcile(&platform, 90_000, "ok").await;
        (summary["awaiting_approval"].clone(), summary["approval_age_ms"].clone())
    };
    assert_eq!(counted().await, (json!(0), json!(0)));
    platform.payments().put(&waiting(&payment_of_order(&platform), 3000));
    let second = sample_time() + Duration::from_secs(60_000);
    let two =
        build::approval_requested(&payment_of_order(&platform), RefundId(Uuid::from_u128(9)), build::usd(200), second);
    platform.payments().put(&two.payment);
    assert_eq!(counted().await, (json!(2), json!(90_000_000)));
    send(&platform, catalog::REFUND_APPROVAL_DECIDE, r#"set /body/verdict = "rejected""#).await;
    assert_eq!(counted().await, (json!(1), json!(30_000_000)));
}

#[tokio::test]
async fn refund_that_is_no_longer_possible_is_not_approved() {
    let platform = with_waiting_refund().await;
    let other = RefundId(Uuid::from_u128(9));
    let closed = payment::close(&payment_of_order(&platform), other, sample_time()).expect("a transition");
    platform.payments().put(&closed.payment);
    let refused = send(&platform, catalog::REFUND_APPROVAL_DECIDE, "ok").await;
    let problem = body(&refused);
    assert_eq!((&refused["statusCode"], &problem["type"]), (&json!(409), &json!("/problems/not-refundable")));
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("less than was requested")), "{problem}");
    assert_eq!(payment_of_order(&platform).refunds.len(), 1, "that of the cancellation");
}

#[tokio::test]
async fn refund_approval_list_is_for_staff() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
    ];
    let platform = with_waiting_refund().await;
    assert_responses(catalog::REFUND_APPROVAL_LIST, &expected, async |_, call| {
        refund_approval_list::handle(&platform.payments(), call).await
    })
    .await;
}

#[tokio::test]
async fn customers_do_not_see_who_requests_or_approves_refunds() {
    let platform = with_waiting_refund().await;
    let route = Wiring::new(catalog::PAYMENT_GET, Config::from_vars([])).route().expect("a route");
    let payments = platform.payments();
    let handler = async |call| payment_get::handle(&payments, call).await;
    let seen = body(&edge::http::respond(&route, sample(catalog::PAYMENT_GET, "ok"), &clock(), &handler).await);
    assert_eq!((&seen["id"], seen.get("refund_approvals")), (&json!(super::PAYMENT), None));
}
