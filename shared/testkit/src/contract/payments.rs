//! Contract of [`PaymentStore`]. The suite of the ledger checks the transfers of its transitions.

use super::{Fixture, a_claim, an_event, fresh, kind_and_code, now};
use crate::build::{self, OrderBuilder, a_reply, concluded};
use domain::{
    Event,
    event::GatewaySuspended,
    id::{OrderId, PaymentId, RefundId, UserId},
    payment::{Payment, PaymentTransition, RECONCILE_AFTER_SECONDS, RefundOutcome, Verdict},
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{PaymentStore, TransitionOutcome, WaitingApprovals};

/// Generates one test per rule of [`PaymentStore`]. The expression is a future of a `Fixture<impl PaymentStore>`.
#[macro_export]
macro_rules! contract_payments {
    ($fixture:expr) => {
        $crate::each_rule! { payments, $fixture;
            order_has_one_payment
            concurrent_starts_return_one_payment
            starting_again_returns_the_current_payment
            payment_closed_before_it_started_stays_closed
            payment_is_visible_to_its_owner_only
            payment_is_stored_unchanged_in_every_state
            charged_payment_is_found_by_its_transaction
            repeated_claim_applies_its_transition_once
            version_conflict_changes_nothing_and_can_be_retried
            transition_of_an_unknown_payment_is_a_version_conflict
            transition_without_a_claim_is_guarded_by_its_version
            transition_publishes_all_its_events
            concurrent_transitions_succeed_once
            replayed_request_returns_the_first_response_unchanged
            key_reused_with_another_body_is_rejected_and_changes_nothing
            version_conflict_stores_no_response_and_can_be_retried
            concurrent_requests_with_one_key_commit_once
            concurrent_requests_commit_one_transition
            stored_rejection_is_replayed
            event_without_a_transition_is_published_once
            payments_due_for_reconciliation_are_listed_oldest_first
            resolved_payment_is_no_longer_due_for_reconciliation
            payments_with_mismatched_answers_are_listed_newest_first
            payments_are_listed_while_a_refund_waits_for_approval
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

const CONSUMER: &str = catalog::PAYMENT_CHARGE.name;

/// A new order with its own payment.
fn an_order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now())
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

/// A response whose spaces, escapes and member order show that it is stored byte for byte.
fn reply() -> StoredReply {
    StoredReply { status: 202, ..a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }") }
}

/// The events of a transition, with ids and times.
fn events_of(change: &PaymentTransition) -> Vec<Event> {
    change.events.iter().map(|event| an_event(event.clone())).collect()
}

fn ids(events: &[Event]) -> Vec<kernel::Uuid> {
    events.iter().map(|event| event.id).collect()
}

async fn begin(payments: &impl PaymentStore, order: &OrderBuilder) -> Payment {
    payments.begin(&order.payment(), None).await.expect("started")
}

async fn find(payments: &impl PaymentStore, id: PaymentId) -> Option<Payment> {
    payments.get(id, None).await.expect("the store responds")
}

async fn apply(payments: &impl PaymentStore, change: &PaymentTransition) {
    let events = events_of(change);
    assert_eq!(payments.advance(Some(a_claim(CONSUMER)), change, &events).await, Ok(TransitionOutcome::Applied));
}

pub async fn order_has_one_payment(fixture: &Fixture<impl PaymentStore>) {
    let first = an_order().payment();
    assert_eq!(fixture.port().begin(&first, None).await, Ok(first.clone()));
    let second = Payment { id: PaymentId(fresh()), ..first.clone() };
    assert_eq!(fixture.port().begin(&second, None).await, Ok(first.clone()));
    assert_eq!(find(fixture.port(), second.id).await, None);
    assert_eq!(fixture.port().find_by_order(first.order_id, None).await, Ok(Some(first)));
    fixture.assert_only_published(&[]).await;
}

pub async fn concurrent_starts_return_one_payment(fixture: &Fixture<impl PaymentStore>) {
    let first = an_order().payment();
    let wanted: Vec<Payment> = (0..12).map(|_| Payment { id: PaymentId(fresh()), ..first.clone() }).collect();
    let started =
        join_all(fixture.concurrent(wanted.len()).zip(&wanted).map(|(payments, one)| payments.begin(one, None))).await;
    let known = fixture.port().begin(&first, None).await.expect("the store responds");
    for payment in started {
        assert_eq!(payment, Ok(known.clone()));
    }
}

pub async fn starting_again_returns_the_current_payment(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.paid()).await;
    assert_eq!(begin(fixture.port(), &order).await, order.paid().payment);
    let closed = order.closed(RefundId(fresh()));
    apply(fixture.port(), &closed).await;
    assert!(closed.payment.closed);
    assert_eq!(begin(fixture.port(), &order).await, closed.payment);
}

pub async fn payment_closed_before_it_started_stays_closed(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    let closed = order.closed_before_first_attempt();
    assert!(closed.closed && closed.method.is_none() && closed.attempts == 0);
    assert_eq!(fixture.port().begin(&closed, None).await, Ok(closed.clone()));
    let started = Payment { id: PaymentId(fresh()), ..order.payment() };
    assert_eq!(fixture.port().begin(&started, None).await, Ok(closed.clone()), "a cancelled order is not charged");
    assert_eq!(fixture.port().get(closed.id, Some(closed.user_id)).await, Ok(Some(closed)));
}

pub async fn payment_is_visible_to_its_owner_only(fixture: &Fixture<impl PaymentStore>) {
    let payment = begin(fixture.port(), &an_order()).await;
    let (id, order, owner, other) = (payment.id, payment.order_id, payment.user_id, UserId(fresh()));
    assert_eq!(fixture.port().get(id, Some(owner)).await, Ok(Some(payment.clone())));
    assert_eq!(fixture.port().find_by_order(order, Some(owner)).await, Ok(Some(payment)));
    assert_eq!(fixture.port().get(id, Some(other)).await, Ok(None));
    assert_eq!(fixture.port().find_by_order(order, Some(other)).await, Ok(None));
    assert_eq!(fixture.port().get(PaymentId(fresh()), None).await, Ok(None));
    assert_eq!(fixture.port().find_by_order(OrderId(fresh()), None).await, Ok(None));
}

pub async fn payment_is_stored_unchanged_in_every_state(fixture: &Fixture<impl PaymentStore>) {
    let (order, partial, rest) = (an_order(), RefundId(fresh()), RefundId(fresh()));
    let refunded = |minor| build::refunded(&format!("re_{}", fresh().simple()), build::usd(minor));
    begin(fixture.port(), &order).await;
    let waiting = order.requires_action();
    apply(fixture.port(), &waiting).await;
    assert_eq!(find(fixture.port(), waiting.payment.id).await, Some(waiting.payment.clone()));
    let order = an_order();
    begin(fixture.port(), &order).await;
    let failed = order.payment_declined();
    let again = order.payment_retried();
    let charged = concluded(&again.payment, &build::charged(&again.payment, &order.charge_id()));
    let requested = build::refund_requested(&charged.payment, partial, Some(build::usd(1000)), now());
    let partially = build::refund_concluded(&requested.payment, partial, &refunded(1000));
    let both = build::refund_requested(&partially.payment, rest, None, now());
    let rejected = build::refund_concluded(&both.payment, rest, &RefundOutcome::Failed("expired_card".to_owned()));
    let last = RefundId(fresh());
    let requested_again = build::refund_requested(&rejected.payment, last, None, now());
    let fully = build::refund_concluded(&requested_again.payment, last, &refunded(2998));
    let disputed = build::disputed(&fully.payment, now());
    for change in [failed, again, charged, requested, partially, both, rejected, requested_again, fully, disputed] {
        apply(fixture.port(), &change).await;
        assert_eq!(find(fixture.port(), change.payment.id).await, Some(change.payment));
    }
}

pub async fn charged_payment_is_found_by_its_transaction(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    assert_eq!(fixture.port().find_by_transaction(&order.charge_id()).await, Ok(None));
    apply(fixture.port(), &order.paid()).await;
    assert_eq!(fixture.port().find_by_transaction(&order.charge_id()).await, Ok(Some(order.paid().payment)));
    assert_eq!(fixture.port().find_by_transaction("").await, Ok(None));
}

pub async fn repeated_claim_applies_its_transition_once(fixture: &Fixture<impl PaymentStore>) {
    let (order, claim) = (an_order(), a_claim(CONSUMER));
    begin(fixture.port(), &order).await;
    let (paid, closed) = (order.paid(), order.closed(RefundId(fresh())));
    let events = events_of(&paid);
    assert_eq!(fixture.port().advance(Some(claim), &paid, &events).await, Ok(TransitionOutcome::Applied));
    assert_eq!(fixture.port().advance(Some(claim), &paid, &events).await, Ok(TransitionOutcome::AlreadyApplied));
    assert_eq!(
        fixture.port().advance(Some(claim), &closed, &events_of(&closed)).await,
        Ok(TransitionOutcome::AlreadyApplied),
        "whatever the transition"
    );
    assert_eq!(find(fixture.port(), paid.payment.id).await, Some(paid.payment));
    fixture.assert_only_published(&ids(&events)).await;
}

pub async fn version_conflict_changes_nothing_and_can_be_retried(fixture: &Fixture<impl PaymentStore>) {
    let (order, claim) = (an_order(), a_claim(CONSUMER));
    let started = begin(fixture.port(), &order).await;
    let (failed, again) = (order.payment_declined(), order.payment_retried());
    let (first, second) = (events_of(&failed), events_of(&again));
    assert_eq!(fixture.port().advance(Some(claim), &again, &second).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(find(fixture.port(), started.id).await, Some(started));
    fixture.assert_only_published(&[]).await;
    assert_eq!(fixture.port().advance(Some(a_claim(CONSUMER)), &failed, &first).await, Ok(TransitionOutcome::Applied));
    assert_eq!(
        fixture.port().advance(Some(a_claim(CONSUMER)), &failed, &first).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    let applied = fixture.port().advance(Some(claim), &again, &second).await;
    assert_eq!(applied, Ok(TransitionOutcome::Applied), "the claim was not consumed");
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(again.payment));
    fixture.assert_only_published(&[ids(&first), ids(&second)].concat()).await;
}

pub async fn transition_of_an_unknown_payment_is_a_version_conflict(fixture: &Fixture<impl PaymentStore>) {
    let paid = an_order().paid();
    let events = events_of(&paid);
    assert_eq!(
        fixture.port().advance(Some(a_claim(CONSUMER)), &paid, &events).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    assert_eq!(fixture.port().advance_with_reply(&a_key(), &reply(), &paid, &events, None).await, Ok(None));
    fixture.assert_only_published(&[]).await;
}

pub async fn transition_without_a_claim_is_guarded_by_its_version(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    let paid = order.paid();
    let events = events_of(&paid);
    assert_eq!(fixture.port().advance(None, &paid, &events).await, Ok(TransitionOutcome::Applied));
    assert_eq!(fixture.port().advance(None, &paid, &events).await, Ok(TransitionOutcome::VersionConflict));
    fixture.assert_only_published(&ids(&events)).await;
}

pub async fn transition_publishes_all_its_events(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    // Closed while the charge is in flight: the charge and its refund are published.
    let closed = domain::payment::close(&order.payment(), RefundId(fresh()), now()).expect("a transition");
    apply(fixture.port(), &closed).await;
    let charged = concluded(&closed.payment, &build::charged(&closed.payment, &order.charge_id()));
    let events = events_of(&charged);
    assert_eq!(events.len(), 2);
    assert_eq!(fixture.port().advance(None, &charged, &events).await, Ok(TransitionOutcome::Applied));
    fixture.assert_only_published(&ids(&events)).await;
    let mut published = fixture.platform.bus().published();
    published.sort_by_key(|event| events.iter().position(|one| one.id == event.id));
    assert_eq!(published, events);
}

pub async fn concurrent_transitions_succeed_once(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    let steps: Vec<(PaymentTransition, Vec<Event>)> = (0..8)
        .map(|n| if n % 2 == 0 { order.paid() } else { order.payment_declined() })
        .map(|change| (change.clone(), events_of(&change)))
        .collect();
    let attempts = fixture.concurrent(steps.len()).zip(&steps);
    let attempts =
        attempts.map(|(payments, (change, events))| payments.advance(Some(a_claim(CONSUMER)), change, events));
    let responses = join_all(attempts).await;
    let winners: Vec<_> =
        steps.iter().zip(&responses).filter(|(_, response)| **response == Ok(TransitionOutcome::Applied)).collect();
    let [((change, events), _)] = winners[..] else { panic!("{} transitions were applied", winners.len()) };
    assert_eq!(responses.iter().filter(|response| **response == Ok(TransitionOutcome::VersionConflict)).count(), 7);
    assert_eq!(find(fixture.port(), change.payment.id).await.as_ref(), Some(&change.payment));
    fixture.assert_only_published(&ids(events)).await;
}

pub async fn replayed_request_returns_the_first_response_unchanged(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let events = events_of(&again);
    assert_eq!(
        fixture.port().advance_with_reply(&key, &reply(), &again, &events, None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
    assert_eq!(find(fixture.port(), again.payment.id).await.as_ref(), Some(&again.payment));
    let repeated =
        fixture.port().advance_with_reply(&key, &a_reply("another response"), &again, &events_of(&again), None).await;
    assert_eq!(repeated, Ok(Some(IdempotencyOutcome::Replayed(reply()))), "even after later transitions");
    assert_eq!(fixture.publish_count(events[0].id), 1);
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 2, "the decline and the new attempt");
}

pub async fn key_reused_with_another_body_is_rejected_and_changes_nothing(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    assert_eq!(fixture.port().store_response(&key, &reply()).await, Ok(IdempotencyOutcome::Committed));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key.clone() };
    let paid = order.paid();
    let rejected = fixture.port().advance_with_reply(&other, &reply(), &paid, &events_of(&paid), None).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(
        kind_and_code(fixture.port().store_response(&other, &reply()).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
    assert_eq!(find(fixture.port(), paid.payment.id).await, Some(order.payment()));
    let elsewhere = IdempotencyKey { scope: fresh().to_string(), ..other };
    assert_eq!(
        fixture.port().advance_with_reply(&elsewhere, &reply(), &paid, &events_of(&paid), None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
}

pub async fn version_conflict_stores_no_response_and_can_be_retried(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    let again = order.payment_retried();
    assert_eq!(fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await, Ok(None));
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(order.payment()));
    fixture.assert_only_published(&[]).await;
    apply(fixture.port(), &order.payment_declined()).await;
    assert_eq!(
        fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
}

pub async fn concurrent_requests_with_one_key_commit_once(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let replies: Vec<StoredReply> = (0..12).map(|n| a_reply(&format!("response {n}"))).collect();
    let events: Vec<Vec<Event>> = replies.iter().map(|_| events_of(&again)).collect();
    let attempts = fixture.concurrent(replies.len()).zip(replies.iter().zip(&events));
    let attempts =
        attempts.map(|(payments, (reply, events))| payments.advance_with_reply(&key, reply, &again, events, None));
    let responses = join_all(attempts).await;
    let winners: Vec<usize> =
        (0..responses.len()).filter(|n| responses[*n] == Ok(Some(IdempotencyOutcome::Committed))).collect();
    let [winner] = winners[..] else { panic!("{} requests were committed", winners.len()) };
    for response in responses {
        match response {
            Ok(Some(IdempotencyOutcome::Committed)) | Ok(None) => {}
            Ok(Some(IdempotencyOutcome::Replayed(reply))) => assert_eq!(reply, replies[winner]),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let known = fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await;
    assert_eq!(known, Ok(Some(IdempotencyOutcome::Replayed(replies[winner].clone()))));
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(again.payment));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 2, "the decline and one new attempt");
}

pub async fn concurrent_requests_commit_one_transition(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let requests: Vec<(IdempotencyKey, Vec<Event>)> = (0..8).map(|_| (a_key(), events_of(&again))).collect();
    let reply = reply();
    let attempts = fixture.concurrent(requests.len()).zip(&requests);
    let attempts =
        attempts.map(|(payments, (key, events))| payments.advance_with_reply(key, &reply, &again, events, None));
    let responses = join_all(attempts).await;
    assert_eq!(responses.iter().filter(|response| **response == Ok(Some(IdempotencyOutcome::Committed))).count(), 1);
    assert_eq!(responses.iter().filter(|response| **response == Ok(None)).count(), 7);
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(again.payment));
}

pub async fn stored_rejection_is_replayed(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    let rejection = StoredReply { status: 409, ..reply() };
    assert_eq!(fixture.port().store_response(&key, &rejection).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(
        fixture.port().store_response(&key, &reply()).await,
        Ok(IdempotencyOutcome::Replayed(rejection.clone()))
    );
    let paid = order.paid();
    let settled = fixture.port().advance_with_reply(&key, &reply(), &paid, &events_of(&paid), None).await;
    assert_eq!(settled, Ok(Some(IdempotencyOutcome::Replayed(rejection))));
    assert_eq!(find(fixture.port(), paid.payment.id).await, Some(order.payment()));
    fixture.assert_only_published(&[]).await;
}

fn suspended() -> Event {
    let mut event = an_event(GatewaySuspended { failures: 5, until: now() });
    event.subject = "gateway".to_owned();
    event
}

pub async fn event_without_a_transition_is_published_once(fixture: &Fixture<impl PaymentStore>) {
    let event = suspended();
    fixture.port().record_event(&event).await.expect("stored");
    fixture.assert_only_published(&[event.id]).await;
    assert_eq!(fixture.platform.bus().published(), [event]);
}

fn seconds(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

/// Those of `wanted` that are due for reconciliation before `before`, in listed order.
async fn due(payments: &impl PaymentStore, before: Timestamp, wanted: &[PaymentId]) -> Vec<PaymentId> {
    let found = payments.due_for_reconciliation(before, None, 100_000).await.expect("the store responds");
    found.iter().map(|payment| payment.id).filter(|id| wanted.contains(id)).collect()
}

pub async fn payments_due_for_reconciliation_are_listed_oldest_first(fixture: &Fixture<impl PaymentStore>) {
    let start = seconds(now(), -5000);
    let orders: Vec<OrderBuilder> = (0..4).map(|n| an_order().at(seconds(start, n * 10))).collect();
    for order in orders.iter().rev() {
        begin(fixture.port(), order).await;
    }
    let [pending, charged, asked_back, last] = &orders[..] else { panic!("four of them") };
    apply(fixture.port(), &charged.paid()).await;
    apply(fixture.port(), &asked_back.paid()).await;
    let refund = asked_back.refund_requested(RefundId(fresh()), None);
    apply(fixture.port(), &refund).await;
    let all: Vec<PaymentId> = orders.iter().map(|order| order.payment().id).collect();
    let expected = [pending.payment().id, refund.payment.id, last.payment().id];
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS + 31), &all).await, expected);
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS + 21), &all).await, expected[..2]);
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS), &all).await, []);
    let found = fixture
        .port()
        .due_for_reconciliation(seconds(start, RECONCILE_AFTER_SECONDS + 31), None, 100_000)
        .await
        .expect("a response");
    assert!(found.contains(&refund.payment) && found.contains(&last.payment()), "unchanged");
    let limited = async |after| {
        fixture
            .port()
            .due_for_reconciliation(seconds(start, RECONCILE_AFTER_SECONDS + 31), after, 2)
            .await
            .expect("a response")
    };
    assert_eq!(limited(None).await, found[..2]);
    assert_eq!(limited(Some(&found[0])).await, found[1..3.min(found.len())], "the payments after the cursor");
    assert_eq!(limited(found.last()).await, []);
}

pub async fn resolved_payment_is_no_longer_due_for_reconciliation(fixture: &Fixture<impl PaymentStore>) {
    let (order, refund) = (an_order().at(seconds(now(), -5000)), RefundId(fresh()));
    let all = [begin(fixture.port(), &order).await.id];
    assert_eq!(due(fixture.port(), now(), &all).await, all);
    apply(fixture.port(), &order.paid()).await;
    assert_eq!(due(fixture.port(), now(), &all).await, []);
    let requested = order.refund_requested(refund, None);
    apply(fixture.port(), &requested).await;
    assert_eq!(due(fixture.port(), now(), &all).await, all);
    let name = build::refunded(&format!("re_{}", fresh().simple()), requested.payment.amount);
    apply(fixture.port(), &build::refund_concluded(&requested.payment, refund, &name)).await;
    assert_eq!(due(fixture.port(), now(), &all).await, []);
    let closed = an_order().at(seconds(now(), -5000)).closed_before_first_attempt();
    fixture.port().begin(&closed, None).await.expect("started");
    assert_eq!(due(fixture.port(), now(), &[closed.id]).await, []);
}

pub async fn payments_with_mismatched_answers_are_listed_newest_first(fixture: &Fixture<impl PaymentStore>) {
    // In the future, so that the payments of other tests come after them.
    let start = seconds(now(), 1_000_000);
    let orders: Vec<OrderBuilder> = (0..4).map(|n| an_order().at(seconds(start, n * 10))).collect();
    for order in &orders {
        begin(fixture.port(), order).await;
    }
    let [first, right, second, third] = &orders[..] else { panic!("four of them") };
    for order in [third, first, second] {
        apply(fixture.port(), &order.mismatched()).await;
    }
    apply(fixture.port(), &right.paid()).await;
    let stored = find(fixture.port(), first.payment().id).await;
    assert_eq!(stored, Some(first.mismatched().payment), "with both amounts");
    let list = async |cursor: Option<String>| {
        let page = fixture.port().mismatched(2, cursor.as_deref()).await.expect("a response");
        (page.items.iter().map(|payment| payment.id).collect::<Vec<_>>(), page.next)
    };
    let (newest, next) = list(None).await;
    assert_eq!(newest, [third.payment().id, second.payment().id]);
    let (older, _) = list(next).await;
    assert_eq!(older.first(), Some(&first.payment().id), "the one that was charged as asked is not listed");
    let refused = fixture.port().mismatched(2, Some("!")).await.expect_err("no cursor");
    assert_eq!(refused.fields[0].pointer, "?cursor");
}

pub async fn payments_are_listed_while_a_refund_waits_for_approval(fixture: &Fixture<impl PaymentStore>) {
    // In the past, so that the payments of other tests come after them.
    let start = seconds(now(), -1_000_000);
    let mut waiting = Vec::new();
    for n in [2, 0, 1] {
        let (order, refund) = (an_order(), RefundId(fresh()));
        begin(fixture.port(), &order).await;
        apply(fixture.port(), &order.paid()).await;
        let change = build::approval_requested(&order.paid().payment, refund, build::usd(200), seconds(start, n * 10));
        apply(fixture.port(), &change).await;
        assert_eq!(find(fixture.port(), change.payment.id).await.as_ref(), Some(&change.payment), "with the request");
        waiting.push((n, refund, change.payment));
    }
    waiting.sort_by_key(|(n, ..)| *n);
    let expected: Vec<PaymentId> = waiting.iter().map(|(_, _, payment)| payment.id).collect();
    let list = async |cursor: Option<String>| {
        let page = fixture.port().awaiting_approval(2, cursor.as_deref()).await.expect("a response");
        (page.items.iter().map(|payment| payment.id).collect::<Vec<_>>(), page.next)
    };
    let (oldest, next) = list(None).await;
    assert_eq!(oldest, expected[..2]);
    assert_eq!(list(next).await.0.first(), expected.last());
    let (_, _, newest) = &mut waiting[2];
    let (second, count) = (RefundId(fresh()), async || fixture.port().waiting_approvals().await.expect("a response"));
    let two = build::approval_requested(newest, second, build::usd(200), seconds(start, 30));
    apply(fixture.port(), &two).await;
    assert_eq!(count().await, WaitingApprovals { refunds: 4, oldest: Some(start) }, "of three payments");
    let one = build::refund_decided(&two.payment, second, Verdict::Rejected, now());
    apply(fixture.port(), &one).await;
    *newest = one.payment;
    assert_eq!(count().await, WaitingApprovals { refunds: 3, oldest: Some(start) });
    for ((_, refund, payment), verdict) in waiting.iter().zip([Verdict::Approved, Verdict::Rejected, Verdict::Rejected])
    {
        let decided = build::refund_decided(payment, *refund, verdict, now());
        apply(fixture.port(), &decided).await;
        assert_eq!(find(fixture.port(), payment.id).await, Some(decided.payment), "with the decision");
    }
    assert!(!list(None).await.0.iter().any(|id| expected.contains(id)), "what is decided waits no more");
    assert_eq!(count().await, WaitingApprovals::default(), "nor is it counted");
    let refused = fixture.port().awaiting_approval(2, Some("!")).await.expect_err("no cursor");
    assert_eq!(refused.fields[0].pointer, "?cursor");
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    let (declined, again) = (order.payment_declined(), order.payment_retried());
    let (failed, requested) = (events_of(&declined), events_of(&again));
    fixture
        .assert_published_after_outage(
            failed[0].id,
            fixture.port().advance(Some(a_claim(CONSUMER)), &declined, &failed),
        )
        .await;
    fixture
        .assert_published_after_outage(
            requested[0].id,
            fixture.port().advance_with_reply(&a_key(), &reply(), &again, &requested, None),
        )
        .await;
    let event = suspended();
    fixture.assert_published_after_outage(event.id, fixture.port().record_event(&event)).await;
}
