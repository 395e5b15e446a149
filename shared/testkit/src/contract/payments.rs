//! Contract of [`PaymentStore`]: payments and their transitions. The suite of the ledger checks the transfers of the transitions; those of
//! [requests](super::payment_requests) and [lists](super::payment_lists) have the other rules of the port.

use super::{Fixture, a_claim, an_event, fresh, now};
use crate::build::{self, OrderBuilder, a_reply, concluded};
use domain::{
    Event,
    event::GatewaySuspended,
    id::{OrderId, PaymentId, RefundId, UserId},
    payment::{Payment, PaymentTransition, RefundOutcome},
};
use futures_util::future::join_all;
use kernel::{IdempotencyKey, StoredReply};
use ports::{PaymentStore, TransitionOutcome};

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
            event_without_a_transition_is_published_once
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

const CONSUMER: &str = catalog::PAYMENT_CHARGE.name;

/// A new order with its own payment.
pub(super) fn an_order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now())
}

pub(super) fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

/// A response whose spaces, escapes and member order show that it is stored byte for byte.
pub(super) fn reply() -> StoredReply {
    StoredReply { status: 202, ..a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }") }
}

/// The events of a transition, with ids and times.
pub(super) fn events_of(change: &PaymentTransition) -> Vec<Event> {
    change.events.iter().map(|event| an_event(event.clone())).collect()
}

pub(super) fn ids(events: &[Event]) -> Vec<kernel::Uuid> {
    events.iter().map(|event| event.id).collect()
}

pub(super) async fn begin(payments: &impl PaymentStore, order: &OrderBuilder) -> Payment {
    payments.begin(&order.payment(), None).await.expect("started")
}

pub(super) async fn find(payments: &impl PaymentStore, id: PaymentId) -> Option<Payment> {
    payments.get(id, None).await.expect("the store responds")
}

pub(super) async fn apply(payments: &impl PaymentStore, change: &PaymentTransition) {
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
