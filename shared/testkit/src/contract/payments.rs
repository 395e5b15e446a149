//! Rules of [`PaymentStore`]. What a step books is seen in the ledger: its rules are in the suite of that port.

use super::{Under, a_claim, an_event, fresh, now, why};
use crate::build::{self, OrderBuilder, a_reply, concluded};
use domain::{
    Event,
    event::GatewaySuspended,
    id::{OrderId, PaymentId, RefundId, UserId},
    payment::{Answer, Change, LOOK_AFTER_SECONDS, Payment, RefundAnswer},
};
use futures_util::future::join_all;
use kernel::{Idempotency, Kind, Settled, StoredReply, Timestamp};
use ports::{Advanced, PaymentStore};

/// One test a rule of [`PaymentStore`], each over the `Under<impl PaymentStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_payments {
    ($under:expr) => {
        $crate::each_rule! { payments, $under;
            an_order_has_one_payment_however_often_it_is_begun
            of_many_who_begin_at_once_all_get_the_same_payment
            a_payment_is_found_as_it_stands_closed_or_not
            a_payment_that_was_never_begun_is_found_as_it_was_closed
            a_payment_is_shown_to_its_owner_and_to_no_other_customer
            a_payment_comes_back_as_it_was_in_every_state
            a_step_is_done_once_however_often_it_is_claimed
            a_step_from_another_version_changes_nothing_and_may_be_tried_again
            a_step_of_a_payment_that_is_not_there_is_overtaken
            a_step_needs_no_claim_and_is_guarded_by_its_version
            a_step_tells_all_its_events
            of_two_steps_at_once_one_is_done
            a_request_is_settled_once_and_gets_its_first_answer_byte_for_byte
            a_key_with_another_body_is_refused_and_nothing_is_changed
            a_request_that_was_overtaken_keeps_no_answer_and_may_be_tried_again
            one_key_many_times_at_once_is_settled_once
            two_requests_at_once_settle_one_step
            a_refusal_is_kept_and_given_again
            an_event_that_goes_with_no_step_is_told_once
            payments_without_an_answer_are_found_longest_waiting_first_and_no_others
            what_has_its_answer_is_not_looked_after_any_more
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

const CONSUMER: &str = catalog::PAYMENT_CHARGE.name;

/// A new order, with a payment of its own.
fn an_order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now())
}

fn a_key() -> Idempotency {
    Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

/// What must come back byte for byte is told by spaces, escapes and the order of members.
fn reply() -> StoredReply {
    StoredReply { status: 202, ..a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }") }
}

/// The events of a step, for the wire.
fn told(change: &Change) -> Vec<Event> {
    change.events.iter().map(|event| an_event(event.clone())).collect()
}

fn ids(events: &[Event]) -> Vec<kernel::Uuid> {
    events.iter().map(|event| event.id).collect()
}

async fn begin(payments: &impl PaymentStore, order: &OrderBuilder) -> Payment {
    payments.begin(&order.payment()).await.expect("begun")
}

async fn find(payments: &impl PaymentStore, id: PaymentId) -> Option<Payment> {
    payments.get(id, None).await.expect("the store answers")
}

async fn step(payments: &impl PaymentStore, change: &Change) {
    let events = told(change);
    assert_eq!(payments.advance(Some(a_claim(CONSUMER)), change, &events).await, Ok(Advanced::Now));
}

pub async fn an_order_has_one_payment_however_often_it_is_begun(under: &Under<impl PaymentStore>) {
    let first = an_order().payment();
    assert_eq!(under.port().begin(&first).await, Ok(first.clone()));
    let second = Payment { id: PaymentId(fresh()), ..first.clone() };
    assert_eq!(under.port().begin(&second).await, Ok(first.clone()));
    assert_eq!(find(under.port(), second.id).await, None);
    assert_eq!(under.port().of_order(first.order_id, None).await, Ok(Some(first)));
    under.told_only(&[]).await;
}

pub async fn of_many_who_begin_at_once_all_get_the_same_payment(under: &Under<impl PaymentStore>) {
    let first = an_order().payment();
    let wanted: Vec<Payment> = (0..12).map(|_| Payment { id: PaymentId(fresh()), ..first.clone() }).collect();
    let begun = join_all(under.crowd(wanted.len()).zip(&wanted).map(|(payments, one)| payments.begin(one))).await;
    let known = under.port().begin(&first).await.expect("the store answers");
    for payment in begun {
        assert_eq!(payment, Ok(known.clone()));
    }
}

pub async fn a_payment_is_found_as_it_stands_closed_or_not(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    step(under.port(), &order.paid()).await;
    assert_eq!(begin(under.port(), &order).await, order.paid().payment);
    let closed = order.closed(RefundId(fresh()));
    step(under.port(), &closed).await;
    assert!(closed.payment.closed);
    assert_eq!(begin(under.port(), &order).await, closed.payment);
}

pub async fn a_payment_that_was_never_begun_is_found_as_it_was_closed(under: &Under<impl PaymentStore>) {
    let order = an_order();
    let unbegun = order.unbegun();
    assert!(unbegun.closed && unbegun.method.is_none() && unbegun.attempts == 0);
    assert_eq!(under.port().begin(&unbegun).await, Ok(unbegun.clone()));
    let begun = Payment { id: PaymentId(fresh()), ..order.payment() };
    assert_eq!(under.port().begin(&begun).await, Ok(unbegun.clone()), "nothing is charged for a cancelled order");
    assert_eq!(under.port().get(unbegun.id, Some(unbegun.user_id)).await, Ok(Some(unbegun)));
}

pub async fn a_payment_is_shown_to_its_owner_and_to_no_other_customer(under: &Under<impl PaymentStore>) {
    let payment = begin(under.port(), &an_order()).await;
    let (id, order, owner, other) = (payment.id, payment.order_id, payment.user_id, UserId(fresh()));
    assert_eq!(under.port().get(id, Some(owner)).await, Ok(Some(payment.clone())));
    assert_eq!(under.port().of_order(order, Some(owner)).await, Ok(Some(payment)));
    assert_eq!(under.port().get(id, Some(other)).await, Ok(None));
    assert_eq!(under.port().of_order(order, Some(other)).await, Ok(None));
    assert_eq!(under.port().get(PaymentId(fresh()), None).await, Ok(None));
    assert_eq!(under.port().of_order(OrderId(fresh()), None).await, Ok(None));
}

pub async fn a_payment_comes_back_as_it_was_in_every_state(under: &Under<impl PaymentStore>) {
    let (order, part, rest) = (an_order(), RefundId(fresh()), RefundId(fresh()));
    let refunded = |name: &str| RefundAnswer::Refunded(format!("{name}_{}", fresh().simple()));
    begin(under.port(), &order).await;
    let failed = order.unpaid();
    let again = order.paid_again();
    let charged = concluded(&again.payment, &Answer::Charged(order.charge()));
    let asked = build::asked_back(&charged.payment, part, Some(build::usd(1000)), now());
    let partly = build::refund_concluded(&asked.payment, part, &refunded("re"));
    let both = build::asked_back(&partly.payment, rest, None, now());
    let refused = build::refund_concluded(&both.payment, rest, &RefundAnswer::Refused("expired_card".to_owned()));
    let last = RefundId(fresh());
    let asked_again = build::asked_back(&refused.payment, last, None, now());
    let wholly = build::refund_concluded(&asked_again.payment, last, &refunded("re"));
    for change in [failed, again, charged, asked, partly, both, refused, asked_again, wholly] {
        step(under.port(), &change).await;
        assert_eq!(find(under.port(), change.payment.id).await, Some(change.payment));
    }
}

pub async fn a_step_is_done_once_however_often_it_is_claimed(under: &Under<impl PaymentStore>) {
    let (order, claim) = (an_order(), a_claim(CONSUMER));
    begin(under.port(), &order).await;
    let (paid, closed) = (order.paid(), order.closed(RefundId(fresh())));
    let events = told(&paid);
    assert_eq!(under.port().advance(Some(claim), &paid, &events).await, Ok(Advanced::Now));
    assert_eq!(under.port().advance(Some(claim), &paid, &events).await, Ok(Advanced::Before));
    assert_eq!(
        under.port().advance(Some(claim), &closed, &told(&closed)).await,
        Ok(Advanced::Before),
        "whatever it is"
    );
    assert_eq!(find(under.port(), paid.payment.id).await, Some(paid.payment));
    under.told_only(&ids(&events)).await;
}

pub async fn a_step_from_another_version_changes_nothing_and_may_be_tried_again(under: &Under<impl PaymentStore>) {
    let (order, claim) = (an_order(), a_claim(CONSUMER));
    let begun = begin(under.port(), &order).await;
    let (failed, again) = (order.unpaid(), order.paid_again());
    let (first, second) = (told(&failed), told(&again));
    assert_eq!(under.port().advance(Some(claim), &again, &second).await, Ok(Advanced::Overtaken));
    assert_eq!(find(under.port(), begun.id).await, Some(begun));
    under.told_only(&[]).await;
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &failed, &first).await, Ok(Advanced::Now));
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &failed, &first).await, Ok(Advanced::Overtaken));
    let kept = under.port().advance(Some(claim), &again, &second).await;
    assert_eq!(kept, Ok(Advanced::Now), "the claim was not used up");
    assert_eq!(find(under.port(), again.payment.id).await, Some(again.payment));
    under.told_only(&[ids(&first), ids(&second)].concat()).await;
}

pub async fn a_step_of_a_payment_that_is_not_there_is_overtaken(under: &Under<impl PaymentStore>) {
    let paid = an_order().paid();
    let events = told(&paid);
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &paid, &events).await, Ok(Advanced::Overtaken));
    assert_eq!(under.port().settle(&a_key(), &reply(), &paid, &events).await, Ok(None));
    under.told_only(&[]).await;
}

pub async fn a_step_needs_no_claim_and_is_guarded_by_its_version(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    let paid = order.paid();
    let events = told(&paid);
    assert_eq!(under.port().advance(None, &paid, &events).await, Ok(Advanced::Now));
    assert_eq!(under.port().advance(None, &paid, &events).await, Ok(Advanced::Overtaken));
    under.told_only(&ids(&events)).await;
}

pub async fn a_step_tells_all_its_events(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    // Closed while the charge was under way: the answer is told, and that it goes back.
    let closed = domain::payment::close(&order.payment(), RefundId(fresh()), now()).expect("a step");
    step(under.port(), &closed).await;
    let charged = concluded(&closed.payment, &Answer::Charged(order.charge()));
    let events = told(&charged);
    assert_eq!(events.len(), 2);
    assert_eq!(under.port().advance(None, &charged, &events).await, Ok(Advanced::Now));
    under.told_only(&ids(&events)).await;
    let mut published = under.platform.bus().published();
    published.sort_by_key(|event| events.iter().position(|one| one.id == event.id));
    assert_eq!(published, events);
}

pub async fn of_two_steps_at_once_one_is_done(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    let steps: Vec<(Change, Vec<Event>)> = (0..8)
        .map(|n| if n % 2 == 0 { order.paid() } else { order.unpaid() })
        .map(|change| (change.clone(), told(&change)))
        .collect();
    let attempts = under.crowd(steps.len()).zip(&steps);
    let attempts =
        attempts.map(|(payments, (change, events))| payments.advance(Some(a_claim(CONSUMER)), change, events));
    let answers = join_all(attempts).await;
    let winners: Vec<_> = steps.iter().zip(&answers).filter(|(_, answer)| **answer == Ok(Advanced::Now)).collect();
    let [((change, events), _)] = winners[..] else { panic!("{} steps were done", winners.len()) };
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Advanced::Overtaken)).count(), 7);
    assert_eq!(find(under.port(), change.payment.id).await.as_ref(), Some(&change.payment));
    under.told_only(&ids(events)).await;
}

pub async fn a_request_is_settled_once_and_gets_its_first_answer_byte_for_byte(under: &Under<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(under.port(), &order).await;
    step(under.port(), &order.unpaid()).await;
    let again = order.paid_again();
    let events = told(&again);
    assert_eq!(under.port().settle(&key, &reply(), &again, &events).await, Ok(Some(Settled::Now)));
    assert_eq!(find(under.port(), again.payment.id).await.as_ref(), Some(&again.payment));
    let repeated = under.port().settle(&key, &a_reply("another answer"), &again, &told(&again)).await;
    assert_eq!(repeated, Ok(Some(Settled::Before(reply()))), "however the payment has moved on meanwhile");
    assert_eq!(under.times_told(events[0].id), 1);
    under.sweep().await;
    assert_eq!(under.platform.bus().published().len(), 2, "the refusal and the new attempt");
}

pub async fn a_key_with_another_body_is_refused_and_nothing_is_changed(under: &Under<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(under.port(), &order).await;
    assert_eq!(under.port().refuse(&key, &reply()).await, Ok(Settled::Now));
    let other = Idempotency { fingerprint: "other".to_owned(), ..key.clone() };
    let paid = order.paid();
    let refused = under.port().settle(&other, &reply(), &paid, &told(&paid)).await;
    assert_eq!(why(refused), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(why(under.port().refuse(&other, &reply()).await), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(under.port(), paid.payment.id).await, Some(order.payment()));
    let elsewhere = Idempotency { scope: fresh().to_string(), ..other };
    assert_eq!(under.port().settle(&elsewhere, &reply(), &paid, &told(&paid)).await, Ok(Some(Settled::Now)));
}

pub async fn a_request_that_was_overtaken_keeps_no_answer_and_may_be_tried_again(under: &Under<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(under.port(), &order).await;
    let again = order.paid_again();
    assert_eq!(under.port().settle(&key, &reply(), &again, &told(&again)).await, Ok(None));
    assert_eq!(find(under.port(), again.payment.id).await, Some(order.payment()));
    under.told_only(&[]).await;
    step(under.port(), &order.unpaid()).await;
    assert_eq!(under.port().settle(&key, &reply(), &again, &told(&again)).await, Ok(Some(Settled::Now)));
}

pub async fn one_key_many_times_at_once_is_settled_once(under: &Under<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(under.port(), &order).await;
    step(under.port(), &order.unpaid()).await;
    let again = order.paid_again();
    let replies: Vec<StoredReply> = (0..12).map(|n| a_reply(&format!("answer {n}"))).collect();
    let events: Vec<Vec<Event>> = replies.iter().map(|_| told(&again)).collect();
    let attempts = under.crowd(replies.len()).zip(replies.iter().zip(&events));
    let attempts = attempts.map(|(payments, (reply, events))| payments.settle(&key, reply, &again, events));
    let answers = join_all(attempts).await;
    let winners: Vec<usize> = (0..answers.len()).filter(|n| answers[*n] == Ok(Some(Settled::Now))).collect();
    let [winner] = winners[..] else { panic!("{} of them were settled", winners.len()) };
    for answer in answers {
        match answer {
            Ok(Some(Settled::Now)) | Ok(None) => {}
            Ok(Some(Settled::Before(reply))) => assert_eq!(reply, replies[winner]),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let known = under.port().settle(&key, &reply(), &again, &told(&again)).await;
    assert_eq!(known, Ok(Some(Settled::Before(replies[winner].clone()))));
    assert_eq!(find(under.port(), again.payment.id).await, Some(again.payment));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().len(), 2, "the refusal and one new attempt");
}

pub async fn two_requests_at_once_settle_one_step(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    step(under.port(), &order.unpaid()).await;
    let again = order.paid_again();
    let requests: Vec<(Idempotency, Vec<Event>)> = (0..8).map(|_| (a_key(), told(&again))).collect();
    let reply = reply();
    let attempts = under.crowd(requests.len()).zip(&requests);
    let attempts = attempts.map(|(payments, (key, events))| payments.settle(key, &reply, &again, events));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Some(Settled::Now))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(None)).count(), 7);
    assert_eq!(find(under.port(), again.payment.id).await, Some(again.payment));
}

pub async fn a_refusal_is_kept_and_given_again(under: &Under<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(under.port(), &order).await;
    let refusal = StoredReply { status: 409, ..reply() };
    assert_eq!(under.port().refuse(&key, &refusal).await, Ok(Settled::Now));
    assert_eq!(under.port().refuse(&key, &reply()).await, Ok(Settled::Before(refusal.clone())));
    let paid = order.paid();
    let settled = under.port().settle(&key, &reply(), &paid, &told(&paid)).await;
    assert_eq!(settled, Ok(Some(Settled::Before(refusal))));
    assert_eq!(find(under.port(), paid.payment.id).await, Some(order.payment()));
    under.told_only(&[]).await;
}

fn suspended() -> Event {
    let mut event = an_event(GatewaySuspended { failures: 5, until: now() });
    event.subject = "gateway".to_owned();
    event
}

pub async fn an_event_that_goes_with_no_step_is_told_once(under: &Under<impl PaymentStore>) {
    let event = suspended();
    under.port().announce(&event).await.expect("kept");
    under.told_only(&[event.id]).await;
    assert_eq!(under.platform.bus().published(), [event]);
}

fn seconds(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

/// Those of `wanted` that are to be looked after before `before`, in the order in which they are told.
async fn unanswered(payments: &impl PaymentStore, before: Timestamp, wanted: &[PaymentId]) -> Vec<PaymentId> {
    let found = payments.unanswered(before, None, 100_000).await.expect("the store answers");
    found.iter().map(|payment| payment.id).filter(|id| wanted.contains(id)).collect()
}

pub async fn payments_without_an_answer_are_found_longest_waiting_first_and_no_others(
    under: &Under<impl PaymentStore>,
) {
    let start = seconds(now(), -5000);
    let orders: Vec<OrderBuilder> = (0..4).map(|n| an_order().at(seconds(start, n * 10))).collect();
    for order in orders.iter().rev() {
        begin(under.port(), order).await;
    }
    let [pending, charged, asked_back, last] = &orders[..] else { panic!("four of them") };
    step(under.port(), &charged.paid()).await;
    step(under.port(), &asked_back.paid()).await;
    let refund = asked_back.refund_asked(RefundId(fresh()), None);
    step(under.port(), &refund).await;
    let all: Vec<PaymentId> = orders.iter().map(|order| order.payment().id).collect();
    let expected = [pending.payment().id, refund.payment.id, last.payment().id];
    assert_eq!(unanswered(under.port(), seconds(start, LOOK_AFTER_SECONDS + 31), &all).await, expected);
    assert_eq!(unanswered(under.port(), seconds(start, LOOK_AFTER_SECONDS + 21), &all).await, expected[..2]);
    assert_eq!(unanswered(under.port(), seconds(start, LOOK_AFTER_SECONDS), &all).await, []);
    let found = under.port().unanswered(seconds(start, LOOK_AFTER_SECONDS + 31), None, 100_000).await.expect("answers");
    assert!(found.contains(&refund.payment) && found.contains(&last.payment()), "as they are");
    let limited = async |after| {
        under.port().unanswered(seconds(start, LOOK_AFTER_SECONDS + 31), after, 2).await.expect("answers")
    };
    assert_eq!(limited(None).await, found[..2]);
    assert_eq!(limited(Some(&found[0])).await, found[1..3.min(found.len())], "those behind it");
    assert_eq!(limited(found.last()).await, []);
}

pub async fn what_has_its_answer_is_not_looked_after_any_more(under: &Under<impl PaymentStore>) {
    let (order, refund) = (an_order().at(seconds(now(), -5000)), RefundId(fresh()));
    let all = [begin(under.port(), &order).await.id];
    assert_eq!(unanswered(under.port(), now(), &all).await, all);
    step(under.port(), &order.paid()).await;
    assert_eq!(unanswered(under.port(), now(), &all).await, []);
    let asked = order.refund_asked(refund, None);
    step(under.port(), &asked).await;
    assert_eq!(unanswered(under.port(), now(), &all).await, all);
    let name = RefundAnswer::Refunded(format!("re_{}", fresh().simple()));
    step(under.port(), &build::refund_concluded(&asked.payment, refund, &name)).await;
    assert_eq!(unanswered(under.port(), now(), &all).await, []);
    let unbegun = an_order().at(seconds(now(), -5000)).unbegun();
    under.port().begin(&unbegun).await.expect("begun");
    assert_eq!(unanswered(under.port(), now(), &[unbegun.id]).await, []);
}

pub async fn what_the_bus_did_not_take_is_sent_by_the_sweep_once(under: &Under<impl PaymentStore>) {
    let order = an_order();
    begin(under.port(), &order).await;
    let (unpaid, again) = (order.unpaid(), order.paid_again());
    let (failed, asked) = (told(&unpaid), told(&again));
    under.goes_out_after_all(failed[0].id, under.port().advance(Some(a_claim(CONSUMER)), &unpaid, &failed)).await;
    under.goes_out_after_all(asked[0].id, under.port().settle(&a_key(), &reply(), &again, &asked)).await;
    let event = suspended();
    under.goes_out_after_all(event.id, under.port().announce(&event)).await;
}
