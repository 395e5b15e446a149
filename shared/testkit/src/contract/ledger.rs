//! Contract of [`Ledger`], including the transfers posted by payment transitions.

use super::{Fixture, an_event, fresh, now};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    event::LedgerReconciled,
    id::{OrderId, RefundId, UserId},
    ledger::{DiscrepancyKind, GatewayTransaction, Purpose, PurposeTotal, StatedLine, Transfer},
    payment::PaymentTransition,
    reconciliation::{
        CLOCK_MARGIN_S, ComparedSource, ComparisonProgress, LinePosition, Lines, ReconciliationProgress, SPAN_S,
        StatementPage, StepResult,
    },
};
use futures_util::future::join_all;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Timestamp};
use ports::{Ledger, PaymentStore, TransitionOutcome};

/// A payment store and the ledger that it posts to.
#[derive(Debug)]
pub struct PaymentsAndLedger<P, L> {
    pub payments: P,
    pub ledger: L,
}

/// Generates one test per rule of [`Ledger`]. The expression is a future of a
/// `Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>`.
#[macro_export]
macro_rules! contract_ledger {
    ($fixture:expr) => {
        $crate::each_rule! { ledger, $fixture;
            transfers_of_a_period_are_listed_oldest_first
            duplicate_transfer_is_ignored_and_every_event_is_published
            same_reference_with_another_purpose_is_another_transfer
            concurrent_posts_of_one_transfer_store_it_once
            payment_transition_posts_its_transfers
            conflicting_or_repeated_transition_posts_nothing
            replayed_request_posts_its_transfers_once
            transfer_posted_earlier_does_not_block_a_transition
            sweep_publishes_events_missed_by_the_bus_once
            lost_transfers_are_posted_once_with_every_event
            step_is_taken_once_and_the_loser_commits_nothing
            statement_is_stored_once_and_read_with_what_is_posted
            pages_of_both_sides_continue_after_a_position
            report_sums_a_period_and_lists_what_differs
        }
    };
}

fn seconds_after(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

fn reconciled() -> Event {
    let (from, to) = (now(), now());
    let reconciled = LedgerReconciled {
        from,
        to,
        page: 1,
        is_last: true,
        compared: 1,
        fees: 1,
        discrepancies: vec![],
        unreadable: vec![],
    };
    Event { subject: "ledger".to_owned(), ..an_event(reconciled) }
}

/// A transfer with a unique reference.
fn a_transfer(at: Timestamp) -> Transfer {
    build::transfer(&format!("pi_{}", fresh().simple()), at)
}

/// A period, with the position in it.
fn period(from: Timestamp, to: Timestamp, after: Option<LinePosition>) -> ComparisonProgress {
    ComparisonProgress { from, to, side: ComparedSource::Ledger, after, pages: 0, compared: 0, fees: 0 }
}

/// The transfers in `[from, to)`.
async fn between(ledger: &impl Ledger, from: Timestamp, to: Timestamp) -> Vec<Transfer> {
    let lines = ledger.posted(&period(from, to, None), 100_000).await.expect("the ledger responds");
    lines.lines.into_iter().map(|line| line.transfer).collect()
}

/// Transfers with these references within an hour from now, oldest first.
async fn posted(ledger: &impl Ledger, references: &[&str]) -> Vec<Transfer> {
    let found = between(ledger, seconds_after(now(), -3_600), seconds_after(now(), 3_600)).await;
    found.into_iter().filter(|transfer| references.contains(&&*transfer.reference)).collect()
}

/// Another progress than any before.
fn moved() -> ReconciliationProgress {
    let reading = StatementPage { to: now(), after: fresh().to_string() };
    ReconciliationProgress { reading: Some(reading), ..ReconciliationProgress::default() }
}

/// Posts transfers in a step, as fees are; repeats it if somebody else takes one meanwhile.
async fn post(ledger: &impl Ledger, transfers: &[Transfer], event: &Event) -> Result<(), Failure> {
    let outcome = StepResult { progress: moved(), fees: transfers.to_vec(), ..StepResult::default() };
    while !ledger.advance(&ledger.progress().await?, &outcome, std::slice::from_ref(event)).await? {}
    Ok(())
}

fn an_order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now())
}

fn events_of(change: &PaymentTransition) -> Vec<Event> {
    change.events.iter().map(|event| an_event(event.clone())).collect()
}

async fn apply(payments: &impl PaymentStore, change: &PaymentTransition) {
    assert_eq!(payments.advance(None, change, &events_of(change)).await, Ok(TransitionOutcome::Applied));
}

pub async fn transfers_of_a_period_are_listed_oldest_first(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, start) = (&fixture.port().ledger, now());
    let transfers: Vec<Transfer> = (0..4).map(|n| a_transfer(seconds_after(start, n * 10))).collect();
    let newest_first: Vec<Transfer> = transfers.iter().rev().cloned().collect();
    post(ledger, &newest_first, &reconciled()).await.expect("posted");
    let between = async |from: i64, to: i64| {
        let found = between(ledger, seconds_after(start, from), seconds_after(start, to)).await;
        found.into_iter().filter(|one| transfers.contains(one)).collect::<Vec<_>>()
    };
    assert_eq!(between(0, 31).await, transfers);
    assert_eq!(between(10, 30).await, transfers[1..3], "the start is included and the end excluded");
    assert_eq!(between(31, 60).await, []);
}

pub async fn duplicate_transfer_is_ignored_and_every_event_is_published(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &fixture.port().ledger;
    let (first, other) = (a_transfer(now()), a_transfer(now()));
    let (one, two) = (reconciled(), reconciled());
    post(ledger, std::slice::from_ref(&first), &one).await.expect("posted");
    let changed = Transfer { amount: build::usd(1), at: seconds_after(now(), 60), ..first.clone() };
    post(ledger, &[changed, other.clone()], &two).await.expect("posted");
    let references = [&*first.reference, &*other.reference];
    let found = posted(ledger, &references).await;
    assert!(found.len() == 2 && found.contains(&first) && found.contains(&other), "{found:?}");
    let nothing = reconciled();
    post(ledger, &[], &nothing).await.expect("posted");
    fixture.assert_only_published(&[one.id, two.id, nothing.id]).await;
}

pub async fn same_reference_with_another_purpose_is_another_transfer(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &fixture.port().ledger;
    let charge = a_transfer(now());
    let fee = Transfer { purpose: Purpose::Fee, amount: build::usd(146), ..charge.clone() };
    let refund = Transfer { purpose: Purpose::Refund, refund_id: Some(RefundId(fresh())), ..charge.clone() };
    let unassigned = Transfer { payment_id: None, ..a_transfer(now()) };
    let all = [charge, fee, refund, unassigned];
    post(ledger, &all, &reconciled()).await.expect("posted");
    let found = posted(ledger, &[&all[0].reference, &all[3].reference]).await;
    assert!(found.len() == all.len() && all.iter().all(|one| found.contains(one)), "{found:?}");
}

pub async fn concurrent_posts_of_one_transfer_store_it_once(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (one, other) = (a_transfer(now()), a_transfer(now()));
    let (forward, reversed) = ([one.clone(), other.clone()], [other.clone(), one.clone()]);
    let events: Vec<Event> = (0..8).map(|_| reconciled()).collect();
    let attempts = fixture.concurrent(events.len()).zip(events.iter().zip([&forward, &reversed].into_iter().cycle()));
    let outcomes = join_all(attempts.map(|(stores, (event, transfers))| post(&stores.ledger, transfers, event))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let found = posted(&fixture.port().ledger, &[&one.reference, &other.reference]).await;
    assert!(found.len() == 2 && found.contains(&one) && found.contains(&other), "{found:?}");
}

pub async fn payment_transition_posts_its_transfers(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order, id) = (fixture.port(), an_order(), RefundId(fresh()));
    let (charge, refund) = (order.charge_id(), format!("re_{}", fresh().simple()));
    payments.begin(&order.payment(), None).await.expect("started");
    assert_eq!(posted(ledger, &[&charge]).await, []);
    let paid = order.paid();
    apply(payments, &paid).await;
    assert_eq!(posted(ledger, &[&charge]).await, paid.transfers);
    let requested = order.refund_requested(id, Some(build::usd(1000)));
    apply(payments, &requested).await;
    let refunded = build::refund_concluded(&requested.payment, id, &build::refunded(&refund, build::usd(1000)));
    apply(payments, &refunded).await;
    assert_eq!((paid.transfers.len(), refunded.transfers.len()), (1, 1));
    let found = posted(ledger, &[&charge, &refund]).await;
    assert!(
        found.len() == 2 && found.contains(&paid.transfers[0]) && found.contains(&refunded.transfers[0]),
        "{found:?}"
    );
    assert_eq!(found.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum::<i64>(), 0);
}

pub async fn conflicting_or_repeated_transition_posts_nothing(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (fixture.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge_id());
    payments.begin(&order.payment(), None).await.expect("started");
    let claim = super::a_claim(catalog::PAYMENT_CHARGE.name);
    let failed = order.payment_declined();
    assert_eq!(payments.advance(Some(claim), &failed, &events_of(&failed)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(payments.advance(None, &paid, &events_of(&paid)).await, Ok(TransitionOutcome::VersionConflict));
    let late = build::concluded(&failed.payment, &build::charged(&failed.payment, &charge));
    assert_eq!(late.transfers.len(), 1);
    assert_eq!(payments.advance(Some(claim), &late, &events_of(&late)).await, Ok(TransitionOutcome::AlreadyApplied));
    assert_eq!(posted(ledger, &[&charge]).await, []);
}

pub async fn replayed_request_posts_its_transfers_once(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (fixture.port(), an_order());
    let (paid, charge, reply) = (order.paid(), order.charge_id(), a_reply("{}"));
    payments.begin(&order.payment(), None).await.expect("started");
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: String::new() };
    assert_eq!(
        payments.advance_with_reply(&key, &reply, &paid, &events_of(&paid), None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
    assert_eq!(
        payments.advance_with_reply(&key, &reply, &paid, &events_of(&paid), None).await,
        Ok(Some(IdempotencyOutcome::Replayed(reply.clone())))
    );
    assert_eq!(posted(ledger, &[&charge]).await, paid.transfers);
}

pub async fn transfer_posted_earlier_does_not_block_a_transition(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (PaymentsAndLedger { payments, ledger }, order) = (fixture.port(), an_order());
    let (paid, charge) = (order.paid(), order.charge_id());
    payments.begin(&order.payment(), None).await.expect("started");
    post(ledger, &paid.transfers, &reconciled()).await.expect("posted");
    apply(payments, &paid).await;
    assert_eq!(payments.get(paid.payment.id, None).await, Ok(Some(paid.payment)));
    assert_eq!(posted(ledger, &[&charge]).await, paid.transfers);
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let event = reconciled();
    fixture.assert_published_after_outage(event.id, post(&fixture.port().ledger, &[a_transfer(now())], &event)).await;
}

pub async fn lost_transfers_are_posted_once_with_every_event(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, amount) = (&fixture.port().ledger, build::usd(1000));
    let line = |purpose, reference: &str| {
        let (reference, payment_id, fee) = (reference.to_owned(), None, build::usd(0));
        GatewayTransaction { purpose, reference, payment_id, amount, fee, at: now() }
    };
    let (lost, other) = (fresh().to_string(), fresh().to_string());
    let lines = vec![line(Purpose::Charge, &other), line(Purpose::Charge, &lost), line(Purpose::Refund, &lost)];
    assert_eq!(ledger.unposted(lines.clone()).await, Ok(lines.clone()));
    let (payment_id, refund_id) = (None, None);
    let transfer = Transfer { purpose: Purpose::Charge, reference: lost, payment_id, refund_id, amount, at: now() };
    let events = [reconciled(), reconciled()];
    for event in &events {
        ledger.post(std::slice::from_ref(&transfer), event).await.expect("posted");
    }
    assert_eq!(ledger.unposted(lines.clone()).await, Ok(vec![lines[0].clone(), lines[2].clone()]));
    fixture.assert_only_published(&events.map(|event| event.id)).await;
}

pub async fn step_is_taken_once_and_the_loser_commits_nothing(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let ledger = &fixture.port().ledger;
    let before = ledger.progress().await.expect("the ledger responds");
    let attempts: Vec<_> = (0..6).map(|_| (a_transfer(now()), reconciled())).collect();
    let take = fixture.concurrent(attempts.len()).zip(&attempts).map(async |(stores, (transfer, event))| {
        let outcome = StepResult { progress: moved(), fees: vec![transfer.clone()], ..StepResult::default() };
        stores.ledger.advance(&before, &outcome, std::slice::from_ref(event)).await
    });
    let taken: Vec<bool> = join_all(take).await.into_iter().map(|one| one.expect("the ledger responds")).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    fixture.sweep().await;
    for ((transfer, event), taken) in attempts.iter().zip(taken) {
        assert_eq!(fixture.publish_count(event.id), usize::from(taken));
        assert_eq!(posted(ledger, &[&transfer.reference]).await.len(), usize::from(taken));
    }
}

fn a_transaction(transfer: &Transfer, fee: i64) -> GatewayTransaction {
    let Transfer { purpose, ref reference, payment_id, amount, at, .. } = *transfer;
    GatewayTransaction { purpose, reference: reference.clone(), payment_id, amount, fee: build::usd(fee), at }
}

async fn store(ledger: &impl Ledger, transactions: Vec<GatewayTransaction>) {
    let outcome = StepResult { progress: moved(), transactions, ..StepResult::default() };
    while !ledger.advance(&ledger.progress().await.expect("a response"), &outcome, &[]).await.expect("a response") {}
    assert_eq!(ledger.progress().await, Ok(outcome.progress));
}

pub async fn statement_is_stored_once_and_read_with_what_is_posted(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, start) = (&fixture.port().ledger, seconds_after(now(), -50_000));
    let [ours, foreign, unstated] = [0, 1, 2].map(|n| a_transfer(seconds_after(start, n)));
    let fee = Transfer { purpose: Purpose::Fee, amount: build::usd(30), ..ours.clone() };
    let stated = [a_transaction(&ours, 30), a_transaction(&foreign, 30)];
    store(ledger, stated.to_vec()).await;
    let changed = GatewayTransaction { amount: build::usd(1), ..stated[0].clone() };
    store(ledger, vec![changed]).await;
    post(ledger, &[ours.clone(), unstated.clone()], &reconciled()).await.expect("posted");
    let period = period(start, seconds_after(start, 3), None);
    let lines = async || ledger.stated(&period, 10).await.expect("a response").lines;
    let expected = |has_fee| {
        vec![
            StatedLine { transaction: stated[0].clone(), posted: Some(ours.amount), has_fee },
            StatedLine { transaction: stated[1].clone(), posted: None, has_fee: false },
        ]
    };
    assert_eq!(lines().await, expected(false));
    post(ledger, std::slice::from_ref(&fee), &reconciled()).await.expect("posted");
    assert_eq!(lines().await, expected(true));
    let ledger_side = ledger.posted(&period, 10).await.expect("a response").lines;
    let found: Vec<_> = ledger_side.iter().map(|line| (&line.transfer, line.is_stated)).collect();
    assert_eq!(found, [(&ours, true), (&fee, false), (&unstated, false)]);
}

pub async fn pages_of_both_sides_continue_after_a_position(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, start) = (&fixture.port().ledger, seconds_after(now(), -60_000));
    // Two at one instant: the time alone is no position.
    let mut transfers = [0, 0, 1].map(|n| a_transfer(seconds_after(start, n)));
    transfers.sort_by_key(|one| (one.at, one.reference.clone()));
    store(ledger, transfers.iter().map(|one| a_transaction(one, 0)).collect()).await;
    post(ledger, &transfers, &reconciled()).await.expect("posted");
    let mut after = None;
    for expected in &transfers {
        let page = period(start, seconds_after(start, 2), after);
        let stated = ledger.stated(&page, 1).await.expect("a response");
        let posted = ledger.posted(&page, 1).await.expect("a response");
        let references: Vec<_> = stated.lines.iter().map(|line| &line.transaction.reference).collect();
        assert_eq!(references, [&expected.reference]);
        assert_eq!(posted.lines.iter().map(|line| &line.transfer).collect::<Vec<_>>(), [expected]);
        let (at, purpose, reference) = (expected.at, expected.purpose.name().to_owned(), expected.reference.clone());
        let position = Some(LinePosition { at, purpose, reference });
        assert_eq!((&stated.next, &posted.next), (&position, &position), "the page is full");
        after = position;
    }
    let end = period(start, seconds_after(start, 2), after);
    assert_eq!(ledger.stated(&end, 1).await, Ok(Lines { lines: vec![], next: None }));
    let all = period(start, seconds_after(start, 2), None);
    assert_eq!(ledger.posted(&all, 4).await.expect("a response").next, None, "the page is not full");
}

pub async fn report_sums_a_period_and_lists_what_differs(
    fixture: &Fixture<PaymentsAndLedger<impl PaymentStore, impl Ledger>>,
) {
    let (ledger, read_until) = (&fixture.port().ledger, seconds_after(now(), -3_600));
    let (first, last) = (seconds_after(read_until, -SPAN_S), seconds_after(read_until, -CLOCK_MARGIN_S));
    let transfer = |purpose, reference: &str, minor, at| {
        let (reference, amount) = (reference.to_owned(), build::usd(minor));
        Transfer { purpose, amount, ..build::transfer(&reference, at) }
    };
    let agreed = transfer(Purpose::Charge, "a", 500, first);
    let other = transfer(Purpose::Charge, "b", 70, seconds_after(first, 1));
    let unstated = transfer(Purpose::Refund, "c", 9, seconds_after(last, -1));
    let fee = transfer(Purpose::Fee, "a", 3, seconds_after(first, 2));
    let [early, recent] = [seconds_after(first, -1), last].map(|at| transfer(Purpose::Charge, &at.to_string(), 1, at));
    let foreign = transfer(Purpose::Charge, "d", 40, seconds_after(last, -1));
    let statement = [&agreed, &Transfer { amount: build::usd(71), ..other.clone() }, &foreign];
    let transactions = statement.map(|one| a_transaction(one, 0)).to_vec();
    post(ledger, &[agreed, other, unstated, fee, early, recent], &reconciled()).await.expect("posted");
    let progress = ReconciliationProgress { read_until: Some(read_until), ..moved() };
    let outcome = StepResult { progress: progress.clone(), transactions, ..StepResult::default() };
    assert_eq!(ledger.advance(&ledger.progress().await.expect("a response"), &outcome, &[]).await, Ok(true));
    let report = ledger.report(&(first..last), 10).await.expect("a response");
    let total = |purpose, transfers, amount| {
        let currency = build::usd(0).currency;
        PurposeTotal { purpose, currency, transfers, amount }
    };
    let totals = [total(Purpose::Charge, 2, 570), total(Purpose::Fee, 1, 3), total(Purpose::Refund, 1, 9)];
    assert_eq!((&report.totals[..], report.progress), (&totals[..], progress));
    let found: Vec<_> = report
        .discrepancies
        .iter()
        .map(|one| (one.reference.as_str(), one.kind, one.ledger_amount, one.gateway_amount))
        .collect();
    let expected = [
        ("b", DiscrepancyKind::Amount, Some(build::usd(70)), Some(build::usd(71))),
        ("c", DiscrepancyKind::MissingAtGateway, Some(build::usd(9)), None),
        ("d", DiscrepancyKind::MissingInLedger, None, Some(build::usd(40))),
    ];
    assert_eq!(found, expected);
    let least = ledger.report(&(seconds_after(first, 1)..seconds_after(first, 2)), 2).await.expect("a response");
    assert_eq!((least.totals, least.discrepancies.len()), (vec![total(Purpose::Charge, 1, 70)], 2));
}
