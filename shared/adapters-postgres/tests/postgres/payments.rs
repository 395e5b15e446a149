//! Payments.

use crate::fixtures::*;
use adapters_postgres::{PgLedger, PgPayments};
use adapters_testkit::postgres::BusBehavior;
use catalog::Context;
use domain::{
    Event,
    event::StockReserved,
    id::{OrderId, PaymentId, RefundId, UserId},
    ledger::{GatewayTransaction, PostedLine, Purpose, StatedLine, Transfer},
    payment::{self, ChargeOutcome, Payment, PaymentTransition, ReportedTransaction},
    reconciliation::{ComparedSource, ComparisonProgress, LinePosition, Lines, ReconciliationProgress, StepResult},
};
use edge::testing::CapturedLogs;
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{DuePayment, Ledger as _, PaymentStore, TransitionOutcome};
use std::time::Duration;

fn begun(order: OrderId) -> Payment {
    let reserved = StockReserved {
        order_id: order,
        user_id: UserId(id()),
        amount: usd(4200),
        payment_method: card(),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PaymentId(id()), &reserved, now())
}

/// The transition that a gateway outcome causes.
fn concluded(payment: &Payment, response: &ChargeOutcome) -> (PaymentTransition, Vec<Event>) {
    let change = payment::record_charge_outcome(payment, payment.attempts, response, RefundId(id()), now());
    let change = change.expect("legal").expect("a transition");
    let events = change.events.iter().cloned().map(event).collect();
    (change, events)
}

#[tokio::test]
async fn order_has_one_payment() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.payments()).collect();
    for _ in 0..10 {
        let order = OrderId(id());
        let found =
            join_all(stores.iter().map(async |store| store.begin(&begun(order), None).await.expect("begun"))).await;
        assert!(found.iter().all(|payment| *payment == found[0]));
    }
    assert_eq!(database.number("SELECT count(*) FROM payments.payments").await, 10);
}

#[tokio::test]
async fn payment_reads_back_as_stored() {
    let database = database().await;
    let payment = begun(OrderId(id()));
    assert_eq!(database.payments().begin(&payment, None).await, Ok(payment));
}

#[tokio::test]
async fn payment_that_cannot_be_decoded_does_not_block_the_reconciliation_of_others() {
    let database = database().await;
    let payments = database.payments();
    let broken = payments.begin(&begun(OrderId(id())), None).await.expect("begun");
    let other = payments.begin(&begun(OrderId(id())), None).await.expect("begun");
    database.execute(&format!("UPDATE payments.payments SET refunds = '{{}}' WHERE id = '{}'", broken.id)).await;
    let later = now() + Duration::from_secs(86_400);
    for page in [10, 1] {
        let logs = CapturedLogs::begin();
        let found = payments.due_for_reconciliation(later, None, page).await;
        let found: Vec<_> = found.expect("a page").into_iter().map(|due| due.payment).collect();
        assert_eq!(found, vec![other.clone()], "a page of {page}");
        let logged = logs.with_message("a row cannot be decoded");
        assert_eq!(logged.len(), 1, "{logged:?}");
        assert_eq!(
            (&logged[0]["row.table"], &logged[0]["failure.code"]),
            (&"payments.payments".into(), &"internal".into())
        );
        assert_eq!(logged[0]["row.id"], broken.id.to_string());
        assert!(logged[0]["failure.internal"].to_string().contains("column refunds"), "{logged:?}");
    }
    let last = DuePayment { since: other.reconcile_after().expect("pending"), payment: other };
    assert_eq!(payments.due_for_reconciliation(later, Some(&last), 1).await, Ok(vec![]));
}

#[tokio::test]
async fn gateway_response_is_stored_once_with_its_event_and_ledger_entry() {
    let database = database().await;
    let payments = database.payments();
    let payment = payments.begin(&begun(OrderId(id())), None).await.expect("begun");
    let (change, event) = concluded(&payment, &ChargeOutcome::Charged(ReportedTransaction::new("ch_1", usd(4200))));
    let first = claim();
    assert_eq!(payments.advance(Some(first), &change, &event).await, Ok(TransitionOutcome::Applied));
    assert_eq!(payments.advance(Some(first), &change, &event).await, Ok(TransitionOutcome::AlreadyApplied));
    assert_eq!(payments.advance(Some(claim()), &change, &event).await, Ok(TransitionOutcome::VersionConflict));
    let stored = payments.get(payment.id, Some(payment.user_id)).await.expect("a response").expect("a payment");
    assert_eq!(stored, change.payment);
    assert_eq!(database.bus().published(), event);
    assert_eq!(database.number("SELECT count(*) FROM payments.transfers").await, 1);
    assert_eq!(database.number("SELECT sum(balance)::bigint FROM payments.accounts").await, 0);
}

#[tokio::test]
async fn concurrent_gateway_responses_store_one() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.payments()).collect();
    let payment = stores[0].begin(&begun(OrderId(id())), None).await.expect("begun");
    let (change, event) = concluded(&payment, &ChargeOutcome::Charged(ReportedTransaction::new("ch_1", usd(4200))));
    let stored = join_all(stores.iter().map(|store| store.advance(Some(claim()), &change, &event))).await;
    assert_eq!(stored.iter().filter(|stored| **stored == Ok(TransitionOutcome::Applied)).count(), 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.outbox").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 1);
}

#[tokio::test]
async fn transition_of_an_unknown_payment_changes_nothing() {
    let database = database().await;
    let (change, event) =
        concluded(&begun(OrderId(id())), &ChargeOutcome::Charged(ReportedTransaction::new("ch_1", usd(4200))));
    assert_eq!(
        database.payments().advance(Some(claim()), &change, &event).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    assert_eq!(database.number("SELECT count(*) FROM payments.inbox").await, 0);
    assert_eq!(database.number("SELECT count(*) FROM payments.transfers").await, 0);
}

#[tokio::test]
async fn creating_and_concluding_cost_one_round_trip_each() {
    let database = database().await;
    let connection = database.as_context(Context::Payments);
    let payments = PgPayments::new(connection.clone(), database.bus());
    database.bus().set_behavior(BusBehavior::Fail);
    let payment = payments.begin(&begun(OrderId(id())), None).await.expect("begun");
    assert_eq!(connection.round_trips(), 1);
    let (change, event) = concluded(&payment, &ChargeOutcome::Declined("card_declined".into()));
    payments.advance(Some(claim()), &change, &event).await.expect("stored");
    assert_eq!(connection.round_trips(), 2);
}

fn charge_at_the_gateway(reference: &str, at: Timestamp) -> GatewayTransaction {
    let (reference, amount, fee) = (reference.to_owned(), usd(500), usd(45));
    GatewayTransaction { purpose: Purpose::Charge, reference, payment_id: None, amount, fee, at }
}

/// A period, after a position.
fn comparison(from: Timestamp, to: Timestamp, after: Option<LinePosition>) -> ComparisonProgress {
    ComparisonProgress { from, to, side: ComparedSource::Statement, after, pages: 0, compared: 0, fees: 0 }
}

#[tokio::test]
async fn statement_is_stored_with_the_progress_and_compared_page_by_page() {
    let database = database().await;
    let ledger = PgLedger::new(database.as_context(Context::Payments), database.bus());
    let (start, end) = (now(), now() + Duration::from_secs(60));
    let before = ledger.progress().await.expect("a response");
    assert_eq!(before, ReconciliationProgress::default());
    let (a, b) = (charge_at_the_gateway("a", start), charge_at_the_gateway("b", start));
    let posted = Transfer {
        purpose: Purpose::Charge,
        reference: "a".to_owned(),
        payment_id: None,
        refund_id: None,
        amount: usd(500),
        at: start,
    };
    let next = ReconciliationProgress { read_until: Some(end), ..ReconciliationProgress::default() };
    let transactions = vec![b.clone(), a.clone()];
    let outcome = StepResult { progress: next.clone(), transactions, fees: vec![posted.clone()], reports: vec![] };
    assert_eq!(ledger.advance(&before, &outcome, &[]).await, Ok(true));
    assert_eq!(ledger.advance(&before, &outcome, &[]).await, Ok(false), "another run took the step");
    assert_eq!(ledger.progress().await, Ok(next));
    let line = |transaction: &GatewayTransaction, posted| StatedLine {
        transaction: transaction.clone(),
        posted,
        has_fee: false,
    };
    let position = |reference: &str| {
        Some(LinePosition { at: start, purpose: Purpose::Charge.name().to_owned(), reference: reference.to_owned() })
    };
    let first = Lines { lines: vec![line(&a, Some(usd(500)))], next: position("a") };
    assert_eq!(ledger.stated(&comparison(start, end, None), 1).await, Ok(first));
    let second = Lines { lines: vec![line(&b, None)], next: position("b") };
    assert_eq!(ledger.stated(&comparison(start, end, position("a")), 1).await, Ok(second));
    let both_have = Lines { lines: vec![PostedLine { transfer: posted, is_stated: true }], next: None };
    assert_eq!(ledger.posted(&comparison(start, end, None), 9).await, Ok(both_have));
    assert_eq!(ledger.posted(&comparison(start, end, position("a")), 9).await, Ok(Lines { lines: vec![], next: None }));
}

#[tokio::test]
async fn line_that_cannot_be_decoded_is_stepped_over_on_both_sides() {
    let database = database().await;
    let ledger = PgLedger::new(database.as_context(Context::Payments), database.bus());
    let (start, end) = (now(), now() + Duration::from_secs(60));
    let lines = ["a", "b", "c"].map(|reference| charge_at_the_gateway(reference, start));
    let transfer = |line: &GatewayTransaction| {
        let (purpose, reference, payment_id, refund_id) = (line.purpose, line.reference.clone(), None, None);
        Transfer { purpose, reference, payment_id, refund_id, amount: line.amount, at: line.at }
    };
    let (fees, transactions) = (lines.iter().map(transfer).collect(), lines.to_vec());
    let progress = ReconciliationProgress { read_until: Some(end), ..ReconciliationProgress::default() };
    let outcome = StepResult { progress, transactions, fees, reports: vec![] };
    assert_eq!(ledger.advance(&ReconciliationProgress::default(), &outcome, &[]).await, Ok(true));
    for table in ["statement_lines", "transfers"] {
        database.execute(&format!("UPDATE payments.{table} SET currency = 'XTS' WHERE reference <> 'c'")).await;
    }
    let (mut stated, mut posted, mut after) = (Vec::new(), Vec::new(), None);
    for reference in ["a", "b", "c"] {
        let page = comparison(start, end, after.clone());
        let (statement, books) =
            (ledger.stated(&page, 1).await.expect("lines"), ledger.posted(&page, 1).await.expect("lines"));
        after = statement.next;
        assert_eq!(after.as_ref().map(|after| after.reference.as_str()), Some(reference), "the page is full");
        assert_eq!(books.next, after);
        stated.extend(statement.lines.into_iter().map(|line| line.transaction));
        posted.extend(books.lines.into_iter().map(|line| line.transfer.reference));
    }
    assert_eq!((stated, posted), (lines[2..].to_vec(), vec!["c".to_owned()]));
}
