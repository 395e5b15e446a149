//! Payments.

use crate::given::*;
use adapters_postgres::PgPayments;
use adapters_testkit::postgres::BusBehavior;
use catalog::Context;
use domain::{
    Event,
    event::StockReserved,
    id::{OrderId, PaymentId, RefundId, UserId},
    payment::{self, Change, ChargeOutcome, Payment},
};
use futures_util::future::join_all;
use ports::{PaymentStore, TransitionOutcome};

fn begun(order: OrderId) -> Payment {
    let held = StockReserved {
        order_id: order,
        user_id: UserId(id()),
        amount: usd(4200),
        payment_method: card(),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PaymentId(id()), &held, now())
}

/// What an answer makes of a payment.
fn concluded(payment: &Payment, answer: &ChargeOutcome) -> (Change, Vec<Event>) {
    let change = payment::record_charge_outcome(payment, payment.attempts, answer, RefundId(id()), now());
    let change = change.expect("legal").expect("a step");
    let events = change.events.iter().cloned().map(event).collect();
    (change, events)
}

#[tokio::test]
async fn order_has_one_payment() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.payments()).collect();
    for _ in 0..10 {
        let order = OrderId(id());
        let found = join_all(stores.iter().map(async |store| store.begin(&begun(order)).await.expect("begun"))).await;
        assert!(found.iter().all(|payment| *payment == found[0]));
    }
    assert_eq!(database.number("SELECT count(*) FROM payments.payments").await, 10);
}

#[tokio::test]
async fn a_payment_reads_back_as_it_was_begun() {
    let database = database().await;
    let payment = begun(OrderId(id()));
    assert_eq!(database.payments().begin(&payment).await, Ok(payment));
}

#[tokio::test]
async fn an_answer_is_kept_once_with_its_event_and_its_booking() {
    let database = database().await;
    let payments = database.payments();
    let payment = payments.begin(&begun(OrderId(id()))).await.expect("begun");
    let (change, news) = concluded(&payment, &ChargeOutcome::Charged("ch_1".into()));
    let first = claim();
    assert_eq!(payments.advance(Some(first), &change, &news).await, Ok(TransitionOutcome::Applied));
    assert_eq!(payments.advance(Some(first), &change, &news).await, Ok(TransitionOutcome::AlreadyApplied));
    assert_eq!(payments.advance(Some(claim()), &change, &news).await, Ok(TransitionOutcome::VersionConflict));
    let kept = payments.get(payment.id, Some(payment.user_id)).await.expect("an answer").expect("a payment");
    assert_eq!(kept, change.payment);
    assert_eq!(database.bus().published(), news);
    assert_eq!(database.number("SELECT count(*) FROM payments.transfers").await, 1);
    assert_eq!(database.number("SELECT sum(balance)::bigint FROM payments.accounts").await, 0);
}

#[tokio::test]
async fn of_many_answers_at_once_one_is_kept() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.payments()).collect();
    let payment = stores[0].begin(&begun(OrderId(id()))).await.expect("begun");
    let (change, news) = concluded(&payment, &ChargeOutcome::Charged("ch_1".into()));
    let kept = join_all(stores.iter().map(|store| store.advance(Some(claim()), &change, &news))).await;
    assert_eq!(kept.iter().filter(|kept| **kept == Ok(TransitionOutcome::Applied)).count(), 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.outbox").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 1);
}

#[tokio::test]
async fn a_step_of_what_was_never_begun_changes_nothing() {
    let database = database().await;
    let (change, news) = concluded(&begun(OrderId(id())), &ChargeOutcome::Charged("ch_1".into()));
    assert_eq!(
        database.payments().advance(Some(claim()), &change, &news).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 0);
    assert_eq!(database.number("SELECT count(*) FROM payments.transfers").await, 0);
}

#[tokio::test]
async fn beginning_is_one_round_trip_and_so_is_concluding() {
    let database = database().await;
    let connection = database.as_context(Context::Payments);
    let payments = PgPayments::new(connection.clone(), database.bus());
    database.bus().set_behavior(BusBehavior::Fail);
    let payment = payments.begin(&begun(OrderId(id()))).await.expect("begun");
    assert_eq!(connection.round_trips(), 1);
    let (change, news) = concluded(&payment, &ChargeOutcome::Declined("card_declined".into()));
    payments.advance(Some(claim()), &change, &news).await.expect("kept");
    assert_eq!(connection.round_trips(), 2);
}
