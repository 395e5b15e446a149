//! Rules of [`Ledger`], and of what the steps of payments book in it.

use super::{Fixture, an_event, fresh, now};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    event::LedgerReconciled,
    id::{OrderId, RefundId, UserId},
    ledger::{Purpose, Transfer},
    payment::{Change, RefundOutcome},
};
use futures_util::future::join_all;
use kernel::{IdempotencyKey, IdempotencyOutcome, Timestamp};
use ports::{Ledger, PaymentStore, TransitionOutcome};

/// Payments, and the ledger that they book in.
#[derive(Debug)]
pub struct PaymentsAndLedger<P, L> {
    /// Payments.
    pub payments: P,
    /// The ledger.
    pub ledger: L,
}

/// One test a rule of [`Ledger`], each over the `Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>` that the expression gives when it is
/// awaited.
#[macro_export]
macro_rules! contract_ledger {
    ($under:expr) => {
        $crate::each_rule! { ledger, $under;
            transfers_of_a_period_are_listed_oldest_first
            duplicate_transfer_is_ignored_and_every_event_is_published
            same_reference_with_another_purpose_is_another_transfer
            concurrent_posts_of_one_transfer_store_it_once
            payment_transition_posts_its_transfers
            conflicting_or_repeated_transition_posts_nothing
            replayed_request_posts_its_transfers_once
            transfer_posted_earlier_does_not_block_a_transition
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

fn second(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

fn reconciled() -> Event {
    let differences = vec![];
    let reconciled = LedgerReconciled { from: now(), to: now(), compared: 1, fees: 1, differences, unreadable: vec![] };
    Event { subject: "ledger".to_owned(), ..an_event(reconciled) }
}

/// A transfer whose name nothing else has.
fn a_transfer(at: Timestamp) -> Transfer {
    build::transfer(&format!("pi_{}", fresh().simple()), at)
}

/// What was booked under these names in the hours around now, in order.
async fn booked(ledger: &impl Ledger, names: &[&str]) -> Vec<Transfer> {
    let found = ledger.between(second(now(), -3_600), second(now(), 3_600)).await.expect("the ledger answers");
    found.into_iter().filter(|transfer| names.contains(&&*transfer.reference)).collect()
}

fn an_order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now())
}

fn told(change: &Change) -> Vec<Event> {
    change.events.iter().map(|event| an_event(event.clone())).collect()
}

async fn step(payments: &impl PaymentStore, change: &Change) {
    assert_eq!(payments.advance(None, change, &told(change)).await, Ok(TransitionOutcome::Applied));
}

pub async fn transfers_of_a_period_are_listed_oldest_first(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, start) = (&under.port().ledger, now());
    let transfers: Vec<Transfer> = (0..4).map(|n| a_transfer(second(start, n * 10))).collect();
    let newest_first: Vec<Transfer> = transfers.iter().rev().cloned().collect();
    ledger.post(&newest_first, &reconciled()).await.expect("booked");
    let between = async |from: i64, to: i64| {
        let found = ledger.between(second(start, from), second(start, to)).await.expect("the ledger answers");
        found.into_iter().filter(|one| transfers.contains(one)).collect::<Vec<_>>()
    };
    assert_eq!(between(0, 31).await, transfers);
    assert_eq!(between(10, 30).await, transfers[1..3], "what begins it is in it, and what ends it is not");
    assert_eq!(between(31, 60).await, []);
}

pub async fn duplicate_transfer_is_ignored_and_every_event_is_published(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &under.port().ledger;
    let (first, other) = (a_transfer(now()), a_transfer(now()));
    let (one, two) = (reconciled(), reconciled());
    ledger.post(std::slice::from_ref(&first), &one).await.expect("booked");
    let dearer = Transfer { amount: build::usd(1), at: second(now(), 60), ..first.clone() };
    ledger.post(&[dearer, other.clone()], &two).await.expect("booked");
    let names = [&*first.reference, &*other.reference];
    let found = booked(ledger, &names).await;
    assert!(found.len() == 2 && found.contains(&first) && found.contains(&other), "{found:?}");
    let nothing = reconciled();
    ledger.post(&[], &nothing).await.expect("booked");
    under.assert_only_published(&[one.id, two.id, nothing.id]).await;
}

pub async fn same_reference_with_another_purpose_is_another_transfer(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &under.port().ledger;
    let charge = a_transfer(now());
    let fee = Transfer { purpose: Purpose::Fee, amount: build::usd(146), ..charge.clone() };
    let refund = Transfer { purpose: Purpose::Refund, refund_id: Some(RefundId(fresh())), ..charge.clone() };
    let nobodys = Transfer { payment_id: None, ..a_transfer(now()) };
    let all = [charge, fee, refund, nobodys];
    ledger.post(&all, &reconciled()).await.expect("booked");
    let found = booked(ledger, &[&all[0].reference, &all[3].reference]).await;
    assert!(found.len() == all.len() && all.iter().all(|one| found.contains(one)), "{found:?}");
}

pub async fn concurrent_posts_of_one_transfer_store_it_once(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (one, other) = (a_transfer(now()), a_transfer(now()));
    let (there, back) = ([one.clone(), other.clone()], [other.clone(), one.clone()]);
    let events: Vec<Event> = (0..8).map(|_| reconciled()).collect();
    let attempts = under.concurrent(events.len()).zip(events.iter().zip([&there, &back].into_iter().cycle()));
    let outcomes = join_all(attempts.map(|(books, (event, transfers))| books.ledger.post(transfers, event))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let found = booked(&under.port().ledger, &[&one.reference, &other.reference]).await;
    assert!(found.len() == 2 && found.contains(&one) && found.contains(&other), "{found:?}");
}

pub async fn payment_transition_posts_its_transfers(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order, id) = (under.port(), an_order(), RefundId(fresh()));
    let (charge, refund) = (order.charge_id(), format!("re_{}", fresh().simple()));
    payments.begin(&order.payment()).await.expect("begun");
    assert_eq!(booked(ledger, &[&charge]).await, []);
    let paid = order.paid();
    step(payments, &paid).await;
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
    let asked = order.refund_requested(id, Some(build::usd(1000)));
    step(payments, &asked).await;
    let given = build::refund_concluded(&asked.payment, id, &RefundOutcome::Refunded(refund.clone()));
    step(payments, &given).await;
    assert_eq!((paid.transfers.len(), given.transfers.len()), (1, 1));
    let found = booked(ledger, &[&charge, &refund]).await;
    assert!(found.len() == 2 && found.contains(&paid.transfers[0]) && found.contains(&given.transfers[0]), "{found:?}");
    assert_eq!(found.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
}

pub async fn conflicting_or_repeated_transition_posts_nothing(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge_id());
    payments.begin(&order.payment()).await.expect("begun");
    let claim = super::a_claim(catalog::PAYMENT_CHARGE.name);
    let failed = order.payment_declined();
    assert_eq!(payments.advance(Some(claim), &failed, &told(&failed)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(payments.advance(None, &paid, &told(&paid)).await, Ok(TransitionOutcome::VersionConflict));
    let late = build::concluded(&failed.payment, &domain::payment::ChargeOutcome::Charged(charge.clone()));
    assert_eq!(late.transfers.len(), 1);
    assert_eq!(payments.advance(Some(claim), &late, &told(&late)).await, Ok(TransitionOutcome::AlreadyApplied));
    assert_eq!(booked(ledger, &[&charge]).await, []);
}

pub async fn replayed_request_posts_its_transfers_once(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge, reply) = (order.paid(), order.charge_id(), a_reply("{}"));
    payments.begin(&order.payment()).await.expect("begun");
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: String::new() };
    assert_eq!(
        payments.advance_with_reply(&key, &reply, &paid, &told(&paid)).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
    assert_eq!(
        payments.advance_with_reply(&key, &reply, &paid, &told(&paid)).await,
        Ok(Some(IdempotencyOutcome::Replayed(reply.clone())))
    );
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
}

pub async fn transfer_posted_earlier_does_not_block_a_transition(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge_id());
    payments.begin(&order.payment()).await.expect("begun");
    ledger.post(&paid.transfers, &reconciled()).await.expect("booked");
    step(payments, &paid).await;
    assert_eq!(payments.get(paid.payment.id, None).await, Ok(Some(paid.payment)));
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(
    under: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let event = reconciled();
    under.assert_published_after_outage(event.id, under.port().ledger.post(&[a_transfer(now())], &event)).await;
}
