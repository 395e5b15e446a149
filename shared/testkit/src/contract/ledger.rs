//! Rules of [`Ledger`], and of what the steps of payments book in it.

use super::{Under, an_event, fresh, now};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    event::LedgerReconciled,
    id::{OrderId, RefundId, UserId},
    ledger::{Purpose, Transfer},
    payment::{Change, RefundAnswer},
};
use futures_util::future::join_all;
use kernel::{Idempotency, Settled, Timestamp};
use ports::{Advanced, Ledger, PaymentStore};

/// Payments, and the ledger that they book in.
#[derive(Debug)]
pub struct Books<P, L> {
    /// Payments.
    pub payments: P,
    /// The ledger.
    pub ledger: L,
}

/// One test a rule of [`Ledger`], each over the `Under<Books<impl PaymentStore, impl Ledger>>` that the expression gives when it is
/// awaited.
#[macro_export]
macro_rules! contract_ledger {
    ($under:expr) => {
        $crate::each_rule! { ledger, $under;
            what_was_booked_is_found_as_it_was_oldest_first_up_to_the_end_of_its_time
            what_is_booked_again_is_ignored_and_what_is_told_is_told
            one_name_for_two_purposes_is_two_transfers
            of_many_who_book_at_once_one_transfer_remains
            a_step_of_a_payment_books_its_transfers
            a_step_that_was_overtaken_or_done_before_books_nothing
            a_request_that_is_settled_books_its_transfers_once
            a_transfer_that_is_booked_keeps_no_step_back
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

fn second(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

fn reconciled() -> Event {
    let differences = vec![];
    let reconciled = LedgerReconciled { from: now(), to: now(), compared: 1, fees: 1, differences, unread: vec![] };
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
    assert_eq!(payments.advance(None, change, &told(change)).await, Ok(Advanced::Now));
}

pub async fn what_was_booked_is_found_as_it_was_oldest_first_up_to_the_end_of_its_time(
    under: &Under<Books<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, start) = (&under.port().ledger, now());
    let transfers: Vec<Transfer> = (0..4).map(|n| a_transfer(second(start, n * 10))).collect();
    let newest_first: Vec<Transfer> = transfers.iter().rev().cloned().collect();
    ledger.book(&newest_first, &reconciled()).await.expect("booked");
    let between = async |from: i64, to: i64| {
        let found = ledger.between(second(start, from), second(start, to)).await.expect("the ledger answers");
        found.into_iter().filter(|one| transfers.contains(one)).collect::<Vec<_>>()
    };
    assert_eq!(between(0, 31).await, transfers);
    assert_eq!(between(10, 30).await, transfers[1..3], "what begins it is in it, and what ends it is not");
    assert_eq!(between(31, 60).await, []);
}

pub async fn what_is_booked_again_is_ignored_and_what_is_told_is_told(
    under: &Under<Books<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &under.port().ledger;
    let (first, other) = (a_transfer(now()), a_transfer(now()));
    let (one, two) = (reconciled(), reconciled());
    ledger.book(std::slice::from_ref(&first), &one).await.expect("booked");
    let dearer = Transfer { amount: build::usd(1), at: second(now(), 60), ..first.clone() };
    ledger.book(&[dearer, other.clone()], &two).await.expect("booked");
    let names = [&*first.reference, &*other.reference];
    let found = booked(ledger, &names).await;
    assert!(found.len() == 2 && found.contains(&first) && found.contains(&other), "{found:?}");
    let nothing = reconciled();
    ledger.book(&[], &nothing).await.expect("booked");
    under.told_only(&[one.id, two.id, nothing.id]).await;
}

pub async fn one_name_for_two_purposes_is_two_transfers(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let ledger = &under.port().ledger;
    let charge = a_transfer(now());
    let fee = Transfer { purpose: Purpose::Fee, amount: build::usd(146), ..charge.clone() };
    let refund = Transfer { purpose: Purpose::Refund, refund_id: Some(RefundId(fresh())), ..charge.clone() };
    let nobodys = Transfer { payment_id: None, ..a_transfer(now()) };
    let all = [charge, fee, refund, nobodys];
    ledger.book(&all, &reconciled()).await.expect("booked");
    let found = booked(ledger, &[&all[0].reference, &all[3].reference]).await;
    assert!(found.len() == all.len() && all.iter().all(|one| found.contains(one)), "{found:?}");
}

pub async fn of_many_who_book_at_once_one_transfer_remains(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let (one, other) = (a_transfer(now()), a_transfer(now()));
    let (there, back) = ([one.clone(), other.clone()], [other.clone(), one.clone()]);
    let events: Vec<Event> = (0..8).map(|_| reconciled()).collect();
    let attempts = under.crowd(events.len()).zip(events.iter().zip([&there, &back].into_iter().cycle()));
    let outcomes = join_all(attempts.map(|(books, (event, transfers))| books.ledger.book(transfers, event))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let found = booked(&under.port().ledger, &[&one.reference, &other.reference]).await;
    assert!(found.len() == 2 && found.contains(&one) && found.contains(&other), "{found:?}");
}

pub async fn a_step_of_a_payment_books_its_transfers(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let (Books { payments, ledger }, order, id) = (under.port(), an_order(), RefundId(fresh()));
    let (charge, refund) = (order.charge(), format!("re_{}", fresh().simple()));
    payments.begin(&order.payment()).await.expect("begun");
    assert_eq!(booked(ledger, &[&charge]).await, []);
    let paid = order.paid();
    step(payments, &paid).await;
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
    let asked = order.refund_asked(id, Some(build::usd(1000)));
    step(payments, &asked).await;
    let given = build::refund_concluded(&asked.payment, id, &RefundAnswer::Refunded(refund.clone()));
    step(payments, &given).await;
    assert_eq!((paid.transfers.len(), given.transfers.len()), (1, 1));
    let found = booked(ledger, &[&charge, &refund]).await;
    assert!(found.len() == 2 && found.contains(&paid.transfers[0]) && found.contains(&given.transfers[0]), "{found:?}");
    assert_eq!(found.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
}

pub async fn a_step_that_was_overtaken_or_done_before_books_nothing(
    under: &Under<Books<impl PaymentStore, impl Ledger>>,
) {
    let (Books { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge());
    payments.begin(&order.payment()).await.expect("begun");
    let claim = super::a_claim(catalog::PAYMENT_CHARGE.name);
    let failed = order.unpaid();
    assert_eq!(payments.advance(Some(claim), &failed, &told(&failed)).await, Ok(Advanced::Now));
    assert_eq!(payments.advance(None, &paid, &told(&paid)).await, Ok(Advanced::Overtaken));
    let late = build::concluded(&failed.payment, &domain::payment::Answer::Charged(charge.clone()));
    assert_eq!(late.transfers.len(), 1);
    assert_eq!(payments.advance(Some(claim), &late, &told(&late)).await, Ok(Advanced::Before));
    assert_eq!(booked(ledger, &[&charge]).await, []);
}

pub async fn a_request_that_is_settled_books_its_transfers_once(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let (Books { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge, reply) = (order.paid(), order.charge(), a_reply("{}"));
    payments.begin(&order.payment()).await.expect("begun");
    let key = Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: String::new() };
    assert_eq!(payments.settle(&key, &reply, &paid, &told(&paid)).await, Ok(Some(Settled::Now)));
    assert_eq!(payments.settle(&key, &reply, &paid, &told(&paid)).await, Ok(Some(Settled::Before(reply.clone()))));
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
}

pub async fn a_transfer_that_is_booked_keeps_no_step_back(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let (Books { payments, ledger }, order) = (under.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge());
    payments.begin(&order.payment()).await.expect("begun");
    ledger.book(&paid.transfers, &reconciled()).await.expect("booked");
    step(payments, &paid).await;
    assert_eq!(payments.get(paid.payment.id, None).await, Ok(Some(paid.payment)));
    assert_eq!(booked(ledger, &[&charge]).await, paid.transfers);
}

pub async fn what_the_bus_did_not_take_is_sent_by_the_sweep_once(under: &Under<Books<impl PaymentStore, impl Ledger>>) {
    let event = reconciled();
    under.goes_out_after_all(event.id, under.port().ledger.book(&[a_transfer(now())], &event)).await;
}
