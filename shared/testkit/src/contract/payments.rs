//! Rules of [`PaymentStore`].

use super::{Under, a_claim, an_event, fresh, now};
use crate::build;
use domain::{
    Event,
    id::{OrderId, PaymentId},
    payment::{self, Answer, Payment, Status},
};
use futures_util::future::join_all;
use ports::PaymentStore;

/// One test a rule of [`PaymentStore`], each over the `Under<impl PaymentStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_payments {
    ($under:expr) => {
        $crate::each_rule! { payments, $under;
            an_order_has_one_payment_however_often_it_is_begun
            of_many_who_begin_at_once_all_get_the_same_payment
            an_answer_is_kept_once_and_told_once
            a_payment_that_has_its_answer_takes_no_other
            a_refusal_is_an_answer_like_any_other
            of_two_answers_at_once_one_is_kept
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

const CONSUMER: &str = catalog::PAYMENT_CHARGE.name;

/// A payment of a new order.
fn a_payment() -> Payment {
    build::order().id(OrderId(fresh())).at(now()).payment()
}

fn charged() -> Answer {
    Answer::Charged(format!("pi_{}", fresh().simple()))
}

/// What an answer makes of the payment, and the event that tells it.
fn told(payment: &Payment, answer: &Answer) -> (Status, Event) {
    let (status, news) = payment::conclude(payment, answer);
    (status, an_event(news))
}

pub async fn an_order_has_one_payment_however_often_it_is_begun(under: &Under<impl PaymentStore>) {
    let first = a_payment();
    assert_eq!(under.port().begin(&first).await, Ok(first.clone()));
    let second = Payment { id: PaymentId(fresh()), ..first.clone() };
    assert_eq!(under.port().begin(&second).await, Ok(first));
    under.told_only(&[]).await;
}

pub async fn of_many_who_begin_at_once_all_get_the_same_payment(under: &Under<impl PaymentStore>) {
    let first = a_payment();
    let wanted: Vec<Payment> = (0..12).map(|_| Payment { id: PaymentId(fresh()), ..first.clone() }).collect();
    let begun = join_all(under.crowd(wanted.len()).zip(&wanted).map(|(payments, one)| payments.begin(one))).await;
    let known = under.port().begin(&first).await.expect("the store answers");
    for payment in begun {
        assert_eq!(payment, Ok(known.clone()));
    }
}

pub async fn an_answer_is_kept_once_and_told_once(under: &Under<impl PaymentStore>) {
    let (payment, answer, claim) = (a_payment(), charged(), a_claim(CONSUMER));
    under.port().begin(&payment).await.expect("begun");
    let (status, event) = told(&payment, &answer);
    assert_eq!(under.port().conclude(claim, &payment, status, &answer, &event).await, Ok(true));
    assert_eq!(under.port().conclude(claim, &payment, status, &answer, &event).await, Ok(false));
    let known = under.port().begin(&a_second_attempt(&payment)).await;
    assert_eq!(known, Ok(Payment { status: Status::Succeeded, version: 2, ..payment }));
    under.told_only(&[event.id]).await;
}

fn a_second_attempt(payment: &Payment) -> Payment {
    Payment { id: PaymentId(fresh()), ..payment.clone() }
}

pub async fn a_payment_that_has_its_answer_takes_no_other(under: &Under<impl PaymentStore>) {
    let payment = a_payment();
    under.port().begin(&payment).await.expect("begun");
    let answer = charged();
    let (status, first) = told(&payment, &answer);
    assert_eq!(under.port().conclude(a_claim(CONSUMER), &payment, status, &answer, &first).await, Ok(true));
    let answer = Answer::Declined("card_declined".to_owned());
    let (status, second) = told(&payment, &answer);
    assert_eq!(under.port().conclude(a_claim(CONSUMER), &payment, status, &answer, &second).await, Ok(false));
    assert_eq!(under.port().begin(&payment).await.map(|known| known.status), Ok(Status::Succeeded));
    under.told_only(&[first.id]).await;
}

pub async fn a_refusal_is_an_answer_like_any_other(under: &Under<impl PaymentStore>) {
    let (payment, answer) = (a_payment(), Answer::Declined("card_declined".to_owned()));
    under.port().begin(&payment).await.expect("begun");
    let (status, event) = told(&payment, &answer);
    assert_eq!(under.port().conclude(a_claim(CONSUMER), &payment, status, &answer, &event).await, Ok(true));
    assert_eq!(under.port().begin(&payment).await, Ok(Payment { status: Status::Failed, version: 2, ..payment }));
    under.told_only(&[event.id]).await;
}

pub async fn of_two_answers_at_once_one_is_kept(under: &Under<impl PaymentStore>) {
    let (payment, answer) = (a_payment(), charged());
    under.port().begin(&payment).await.expect("begun");
    let (status, _) = told(&payment, &answer);
    let events: Vec<Event> = (0..8).map(|_| told(&payment, &answer).1).collect();
    let attempts = under.crowd(events.len()).zip(&events);
    let kept = join_all(
        attempts.map(|(payments, event)| payments.conclude(a_claim(CONSUMER), &payment, status, &answer, event)),
    )
    .await;
    let winners: Vec<_> =
        events.iter().zip(kept).filter(|(_, kept)| *kept == Ok(true)).map(|(one, _)| one.id).collect();
    assert_eq!(winners.len(), 1);
    under.told_only(&winners).await;
}

pub async fn what_the_bus_did_not_take_is_sent_by_the_sweep_once(under: &Under<impl PaymentStore>) {
    let (payment, answer) = (a_payment(), charged());
    under.port().begin(&payment).await.expect("begun");
    let (status, event) = told(&payment, &answer);
    let concluded = under.port().conclude(a_claim(CONSUMER), &payment, status, &answer, &event);
    assert!(under.goes_out_after_all(event.id, concluded).await);
}
