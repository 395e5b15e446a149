//! Routes of payments: the record is stored with a transition of the payment that other processes may apply concurrently.

use super::{Request, Response, USER, rejected, route, sample_time};
use crate::functions::{ORDER, PAYMENT};
use adapters_testkit::postgres::{TestDatabase, database_url, fresh_database};
use domain::{
    event::StockReserved,
    id::RefundId,
    payment::{self, ChargeOutcome, Payment, ReportedTransaction},
    text::PaymentMethod,
};
use edge::Clock;
use futures_util::future::join_all;
use kernel::{Ids, Uuid};
use ports::PaymentStore;
use serde_json::json;
use testkit::build;

/// The refund of the fixture of refund-approval-decide.
const REFUND: RefundId = RefundId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00d1));

/// A database with the fixtures' payment after this outcome at the gateway.
async fn with_payment(outcome: ChargeOutcome) -> TestDatabase {
    let database = fresh_database(&database_url()).await;
    begin(&database, outcome).await;
    database
}

async fn begin(database: &TestDatabase, outcome: ChargeOutcome) {
    let reserved = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse("pm_card_visa").expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    let payments = database.payments();
    let payment: Payment =
        payments.begin(&payment::begin(PAYMENT, &reserved, sample_time()), None).await.expect("begun");
    let change = payment::record_charge_outcome(&payment, 1, &outcome, RefundId(Ids::system().next()), sample_time());
    let change = change.expect("allowed").expect("a transition");
    payments.advance(None, &change, &[]).await.expect("stored");
}

fn declined() -> ChargeOutcome {
    ChargeOutcome::Declined("card_declined".to_owned())
}

fn charged() -> ChargeOutcome {
    ChargeOutcome::Charged(ReportedTransaction::new("ch_1", build::usd(3998)))
}

async fn pay(database: &TestDatabase, request: &Request, seed: u64) -> Response {
    let payments = database.payments();
    let handler = async |call| payment_process::handle(&payments, domain::payment::AttemptLimit::default(), call).await;
    edge::http::respond(&route(catalog::PAYMENT_PROCESS), request.0.clone(), &Clock::at(sample_time(), seed), &handler)
        .await
        .into()
}

async fn refund(database: &TestDatabase, request: &Request, seed: u64) -> Response {
    let payments = database.payments();
    let handler = async |call| refund_request::handle(&payments, payment::RefundLimit::default(), call).await;
    edge::http::respond(&route(catalog::REFUND_REQUEST), request.0.clone(), &Clock::at(sample_time(), seed), &handler)
        .await
        .into()
}

async fn decide(database: &TestDatabase, request: &Request, seed: u64) -> Response {
    let payments = database.payments();
    let handler = async |call| refund_approval_decide::handle(&payments, call).await;
    let clock = Clock::at(sample_time(), seed);
    edge::http::respond(&route(catalog::REFUND_APPROVAL_DECIDE), request.0.clone(), &clock, &handler).await.into()
}

/// Asserts that one response is the first and all others replay it.
fn one_was_first(responses: &[Response]) -> &Response {
    let firsts: Vec<_> =
        responses.iter().filter(|response| response.headers.get("idempotent-replayed").is_none()).collect();
    let [first] = firsts[..] else { panic!("{} are not replayed: {responses:?}", firsts.len()) };
    assert_eq!(first.status, 202, "{first:?}");
    responses.iter().filter(|response| *response != first).for_each(|response| response.repeats(first));
    first
}

#[tokio::test]
async fn twenty_concurrent_duplicate_payments_start_one_attempt() {
    let database = with_payment(declined()).await;
    let request = Request::of(catalog::PAYMENT_PROCESS);
    let responses = join_all((1..=20).map(|seed| pay(&database, &request, seed))).await;
    let first = one_was_first(&responses);
    assert_eq!(database.number("SELECT attempts::bigint FROM payments.payments").await, 2);
    pay(&database, &request, 99).await.repeats(first);
    let other = request.clone().with("/payment_method", "pm_card_mastercard");
    assert_eq!(pay(&database, &other, 98).await.problem(), rejected(422, "idempotency-key-reused"));
}

#[tokio::test]
async fn ten_concurrent_duplicate_partial_refunds_make_one_refund() {
    let database = with_payment(charged()).await;
    let request = Request::of(catalog::REFUND_REQUEST).key("part");
    let request =
        request.text(&json!({ "payment_id": PAYMENT, "amount": build::usd(100), "reason": "duplicate" }).to_string());
    let responses = join_all((1..=10).map(|seed| refund(&database, &request, seed))).await;
    let first = one_was_first(&responses);
    assert_eq!(database.number("SELECT jsonb_array_length(refunds)::bigint FROM payments.payments").await, 1);
    refund(&database, &request, 99).await.repeats(first);
    // The same body under another key is another refund.
    assert_eq!(refund(&database, &request.key("another"), 98).await.status, 202);
    assert_eq!(database.number("SELECT jsonb_array_length(refunds)::bigint FROM payments.payments").await, 2);
}

#[tokio::test]
async fn ten_concurrent_approvals_and_rejections_decide_once() {
    let database = with_payment(charged()).await;
    let payment = database.payments().get(PAYMENT, None).await.expect("a response").expect("a payment");
    let waiting = build::approval_requested(&payment, REFUND, build::usd(3000), sample_time());
    database.payments().advance(None, &waiting, &[]).await.expect("stored");
    let requests: Vec<_> = (1..=10)
        .map(|n| {
            let verdict = if n % 2 == 0 { "approved" } else { "rejected" };
            Request::of(catalog::REFUND_APPROVAL_DECIDE).key(&format!("decision-{n}")).with("/verdict", verdict)
        })
        .collect();
    let responses = join_all((1..).zip(&requests).map(|(seed, request)| decide(&database, request, seed))).await;
    let (first, late): (Vec<_>, Vec<_>) = responses.iter().partition(|response| response.status == 200);
    assert_eq!((first.len(), late.len()), (1, 9), "{responses:?}");
    late.iter().for_each(|response| assert_eq!(response.problem(), rejected(409, "refund-decided")));
    let decided = "SELECT count(*) FROM payments.outbox WHERE event->>'type' = 'RefundApprovalDecided.v1'";
    assert_eq!(database.number(decided).await, 1);
    let made = first[0].json()["refund_approvals"][0]["verdict"] == "approved";
    let refunds = "SELECT jsonb_array_length(refunds)::bigint FROM payments.payments";
    assert_eq!(database.number(refunds).await, i64::from(made));
    for ((response, request), seed) in responses.iter().zip(&requests).zip(100..) {
        decide(&database, request, seed).await.repeats(response);
    }
}

#[tokio::test]
async fn missing_payment_is_rejected_again_under_the_same_key() {
    let database = fresh_database(&database_url()).await;
    let (paying, refunding) = (Request::of(catalog::PAYMENT_PROCESS), Request::of(catalog::REFUND_REQUEST));
    let first = pay(&database, &paying, 1).await;
    assert_eq!(first.problem(), rejected(422, "validation"));
    let first_refund = refund(&database, &refunding, 2).await;
    assert_eq!(first_refund.problem(), rejected(422, "validation"));
    begin(&database, declined()).await;
    pay(&database, &paying, 3).await.repeats(&first);
    refund(&database, &refunding, 4).await.repeats(&first_refund);
    assert_eq!(pay(&database, &paying.key("new"), 5).await.status, 202);
}

#[tokio::test]
async fn forbidden_transition_is_rejected_again_with_the_same_response() {
    let database = with_payment(charged()).await;
    let request = Request::of(catalog::PAYMENT_PROCESS);
    let first = pay(&database, &request, 1).await;
    assert_eq!(first.status, 409, "{}", first.body);
    pay(&database, &request, 2).await.repeats(&first);
}
