//! Payments.

use crate::given::*;
use adapters::postgres::{PgPayments, testing::Mood};
use catalog::Context;
use domain::{
    id::{OrderId, PaymentId, UserId},
    payment::{self, Answer, Payment, Status},
};
use futures_util::future::join_all;
use kernel::Kind;
use ports::PaymentStore;

fn begun(order: OrderId) -> Payment {
    Payment {
        id: PaymentId(id()),
        order_id: order,
        user_id: UserId(id()),
        amount: usd(4200),
        method: card(),
        status: Status::Pending,
        version: 1,
        created_at: now(),
    }
}

#[tokio::test]
async fn an_order_has_one_payment_however_often_it_is_begun() {
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
async fn the_first_answer_is_kept_with_its_event_and_no_other() {
    let database = database().await;
    let payments = database.payments();
    let payment = payments.begin(&begun(OrderId(id()))).await.expect("begun");
    let charged = Answer::Charged("ch_1".into());
    let (status, data) = payment::conclude(&payment, &charged);
    let news = event(data);
    assert_eq!(payments.conclude(claim(), &payment, status, &charged, &news).await, Ok(true));
    let declined = Answer::Declined("card_declined".into());
    let (status, data) = payment::conclude(&payment, &declined);
    assert_eq!(payments.conclude(claim(), &payment, status, &declined, &event(data)).await, Ok(false));
    let kept = payments.begin(&payment).await.expect("found");
    assert_eq!((kept.status, kept.version), (Status::Succeeded, 2));
    assert_eq!(database.bus().taken(), [news]);
}

#[tokio::test]
async fn of_many_answers_at_once_one_is_kept() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.payments()).collect();
    let payment = stores[0].begin(&begun(OrderId(id()))).await.expect("begun");
    let answer = Answer::Charged("ch_1".into());
    let (status, data) = payment::conclude(&payment, &answer);
    let claim = claim();
    let kept = join_all(stores.iter().map(async |store| {
        store.conclude(claim, &payment, status, &answer, &event(data.clone())).await.expect("an answer")
    }));
    assert_eq!(kept.await.into_iter().filter(|kept| *kept).count(), 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.outbox").await, 1);
}

#[tokio::test]
async fn to_conclude_what_was_never_begun_is_a_defect() {
    let database = database().await;
    let payment = begun(OrderId(id()));
    let answer = Answer::Charged("ch_1".into());
    let (status, data) = payment::conclude(&payment, &answer);
    let failure = database.payments().conclude(claim(), &payment, status, &answer, &event(data)).await;
    assert_eq!(failure.expect_err("a defect").kind, Kind::Internal);
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 0);
}

#[tokio::test]
async fn beginning_is_one_round_trip_and_so_is_concluding() {
    let database = database().await;
    let connection = database.of(Context::Payments);
    let payments = PgPayments::new(connection.clone(), database.bus());
    database.bus().be(Mood::Away);
    let payment = payments.begin(&begun(OrderId(id()))).await.expect("begun");
    assert_eq!(connection.round_trips(), 1);
    let answer = Answer::Declined("card_declined".into());
    let (status, data) = payment::conclude(&payment, &answer);
    payments.conclude(claim(), &payment, status, &answer, &event(data)).await.expect("kept");
    assert_eq!(connection.round_trips(), 2);
}
