//! The routes of payments, where the record goes with a step of a payment that others may take at the same time.

use super::{Answer, Ask, USER, moment, refused, route};
use crate::functions::{ORDER, PAYMENT};
use adapters_testkit::postgres::{TestDatabase, database_url, fresh_database};
use domain::{
    event::StockReserved,
    id::RefundId,
    payment::{self, ChargeOutcome as Said, Payment},
    text::PaymentMethod,
};
use edge::Clock;
use futures_util::future::join_all;
use kernel::Ids;
use ports::PaymentStore;
use serde_json::json;
use testkit::build;

/// A database where the samples' payment got this answer from the gateway.
async fn with_payment(said: Said) -> TestDatabase {
    let database = fresh_database(&database_url()).await;
    begin(&database, said).await;
    database
}

async fn begin(database: &TestDatabase, said: Said) {
    let held = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse("pm_card_visa").expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    let payments = database.payments();
    let payment: Payment = payments.begin(&payment::begin(PAYMENT, &held, moment())).await.expect("begun");
    let change = payment::record_charge_outcome(&payment, 1, &said, RefundId(Ids::system().next()), moment());
    let change = change.expect("legal").expect("a step");
    payments.advance(None, &change, &[]).await.expect("kept");
}

fn declined() -> Said {
    Said::Declined("card_declined".to_owned())
}

fn charged() -> Said {
    Said::Charged("ch_1".to_owned())
}

async fn pay(database: &TestDatabase, ask: &Ask, seed: u64) -> Answer {
    let payments = database.payments();
    let handler = async |call| payment_process::handle(&payments, call).await;
    edge::http::respond(&route(catalog::PAYMENT_PROCESS), ask.0.clone(), &Clock::at(moment(), seed), &handler)
        .await
        .into()
}

async fn give_back(database: &TestDatabase, ask: &Ask, seed: u64) -> Answer {
    let payments = database.payments();
    let handler = async |call| refund_request::handle(&payments, call).await;
    edge::http::respond(&route(catalog::REFUND_REQUEST), ask.0.clone(), &Clock::at(moment(), seed), &handler)
        .await
        .into()
}

/// One of them did it, and the others tell what it was told.
fn one_did_it(answers: &[Answer]) -> &Answer {
    let firsts: Vec<_> = answers.iter().filter(|answer| answer.headers.get("idempotent-replayed").is_none()).collect();
    let [first] = firsts[..] else { panic!("{} did it: {answers:?}", firsts.len()) };
    assert_eq!(first.status, 202, "{first:?}");
    answers.iter().filter(|answer| *answer != first).for_each(|answer| answer.repeats(first));
    first
}

#[tokio::test]
async fn twenty_concurrent_duplicate_payments_start_one_attempt() {
    let database = with_payment(declined()).await;
    let ask = Ask::of(catalog::PAYMENT_PROCESS);
    let answers = join_all((1..=20).map(|seed| pay(&database, &ask, seed))).await;
    let first = one_did_it(&answers);
    assert_eq!(database.number("SELECT attempts::bigint FROM payments.payments").await, 2);
    pay(&database, &ask, 99).await.repeats(first);
    let other = ask.clone().with("/payment_method", "pm_card_mastercard");
    assert_eq!(pay(&database, &other, 98).await.problem(), refused(422, "idempotency-key-reused"));
}

#[tokio::test]
async fn ten_concurrent_duplicate_partial_refunds_make_one_refund() {
    let database = with_payment(charged()).await;
    let ask = Ask::of(catalog::REFUND_REQUEST).key("part");
    let ask = ask.text(&json!({ "payment_id": PAYMENT, "amount": build::usd(100), "reason": "duplicate" }).to_string());
    let answers = join_all((1..=10).map(|seed| give_back(&database, &ask, seed))).await;
    let first = one_did_it(&answers);
    assert_eq!(database.number("SELECT jsonb_array_length(refunds)::bigint FROM payments.payments").await, 1);
    give_back(&database, &ask, 99).await.repeats(first);
    // Under another key the same words are another refund.
    assert_eq!(give_back(&database, &ask.key("another"), 98).await.status, 202);
    assert_eq!(database.number("SELECT jsonb_array_length(refunds)::bigint FROM payments.payments").await, 2);
}

#[tokio::test]
async fn missing_payment_is_rejected_again_under_the_same_key() {
    let database = fresh_database(&database_url()).await;
    let (paying, refunding) = (Ask::of(catalog::PAYMENT_PROCESS), Ask::of(catalog::REFUND_REQUEST));
    let first = pay(&database, &paying, 1).await;
    assert_eq!(first.problem(), refused(422, "validation"));
    let first_refund = give_back(&database, &refunding, 2).await;
    assert_eq!(first_refund.problem(), refused(422, "validation"));
    begin(&database, declined()).await;
    pay(&database, &paying, 3).await.repeats(&first);
    give_back(&database, &refunding, 4).await.repeats(&first_refund);
    assert_eq!(pay(&database, &paying.key("new"), 5).await.status, 202);
}

#[tokio::test]
async fn forbidden_transition_is_rejected_again_with_the_same_response() {
    let database = with_payment(charged()).await;
    let ask = Ask::of(catalog::PAYMENT_PROCESS);
    let first = pay(&database, &ask, 1).await;
    assert_eq!(first.status, 409, "{}", first.body);
    pay(&database, &ask, 2).await.repeats(&first);
}
