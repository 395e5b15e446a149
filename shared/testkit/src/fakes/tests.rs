//! Tests of fault injection and of the fakes under faults.

use super::*;
use crate::{build, ids};
use domain::{
    ledger::LedgerAccount,
    payment::{ChargeOutcome, ReportedTransaction},
    reconciliation::{self, ComparedSource, ComparisonProgress, ReconciliationProgress},
};
use kernel::{FailureKind, IdempotencyOutcome, TraceContext, circuit_breaker};
use ports::{
    Bus as _, Cache as _, CircuitBreaker as _, Gateway as _, GatewayEvent, GatewayReport, Ledger as _, Migrations as _,
    OrderStore as _, Outbox as _, PaymentStore as _, PlacementConditions, Probe as _, SweepReport,
    WebhookVerifier as _,
};
use serde_json::{Value, json};

async fn place(platform: &Platform, n: u64) -> Result<IdempotencyOutcome, Failure> {
    let order = build::order().number(n);
    let (key, reply) = (build::a_key(&n.to_string(), "body"), build::a_reply("{}"));
    let event = build::event(n, order.order_placed());
    platform.orders().place(&order.placed(), &key, &reply, &event, &PlacementConditions::default()).await
}

fn names(platform: &Platform) -> Vec<&'static str> {
    platform.operations().iter().map(|operation| operation.name).collect()
}

#[tokio::test]
async fn command_is_committed_then_published_then_marked() {
    let platform = Platform::new();
    place(&platform, 1).await.expect("placed");
    assert_eq!(names(&platform), ["orders.place", "bus.publish", "outbox.mark_published"]);
    assert!(platform.outbox().pending().is_empty());
}

#[tokio::test]
async fn unreachable_database_stores_nothing_until_it_is_restored() {
    let platform = Platform::new();
    platform.faults().take_down(Dependency::Database);
    assert_eq!(place(&platform, 1).await.expect_err("down").kind, FailureKind::Unavailable);
    assert!(platform.orders().get(ids::order(1), None).await.is_err());
    platform.faults().restore(Dependency::Database);
    assert_eq!(platform.orders().get(ids::order(1), None).await, Ok(None));
    assert_eq!(place(&platform, 1).await, Ok(IdempotencyOutcome::Committed));
}

#[tokio::test]
async fn database_that_only_reads_refuses_what_changes_it() {
    let platform = Platform::new();
    platform.faults().intercept(|dependency, access| {
        let fails = dependency == Dependency::Database && access == Access::Write;
        InjectedFault { crash: None, fail: fails.then_some(FaultPoint::Before) }
    });
    assert_eq!(place(&platform, 1).await.expect_err("refused").kind, FailureKind::Unavailable);
    assert_eq!(platform.orders().get(ids::order(1), None).await, Ok(None));
    platform.faults().restore_all();
    assert_eq!(place(&platform, 1).await, Ok(IdempotencyOutcome::Committed));
}

#[tokio::test]
async fn only_the_nth_operation_fails() {
    let platform = Platform::new();
    platform.faults().take_down(Dependency::Bus);
    platform.faults().fail(Dependency::Database, Occurrence::Nth(2), FaultPoint::Before);
    let outcomes = [place(&platform, 1).await, place(&platform, 2).await, place(&platform, 3).await];
    assert_eq!(outcomes.map(|outcome| outcome.is_ok()), [true, false, true]);
}

#[tokio::test]
async fn response_lost_after_the_commit_is_replayed_by_its_key() {
    let platform = Platform::new();
    platform.faults().fail(Dependency::Database, Occurrence::First(1), FaultPoint::After);
    assert!(place(&platform, 1).await.is_err());
    assert_eq!(platform.orders().all().len(), 1, "the order is stored");
    assert!(matches!(place(&platform, 1).await, Ok(IdempotencyOutcome::Replayed(_))));
    assert_eq!(platform.outbox().pending().len(), 1, "its event is pending");
}

#[tokio::test]
async fn only_rejected_events_stay_pending() {
    let platform = Platform::new();
    platform.faults().reject_events(|event| event.id == ids::event(1));
    let events = [1, 2].map(|n| build::event(n, build::order().number(n).order_placed()));
    assert_eq!(platform.bus().publish(&events).await, Ok(vec![false, true]));
    place(&platform, 1).await.expect("placed");
    place(&platform, 2).await.expect("placed");
    assert_eq!(platform.outbox().pending().iter().map(|event| event.id).collect::<Vec<_>>(), [ids::event(1)]);
}

#[tokio::test]
async fn crash_at_any_operation_loses_neither_order_nor_event() {
    for number in 1..=3 {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let platform = Platform::new();
            platform.faults().crash(number, point);
            assert_eq!(platform.run(place(&platform, 1)).await, Err(Crashed), "{number} {point:?}");
            let settled = platform.run(place(&platform, 1)).await.expect("no crash").expect("placed");
            let committed_before_the_crash = (number, point) != (1, FaultPoint::Before);
            assert_eq!(matches!(settled, IdempotencyOutcome::Replayed(_)), committed_before_the_crash);
            platform.outbox().sweep(build::at(60), 10, None).await.expect("swept");
            assert_eq!(platform.orders().all().len(), 1);
            let published = platform.bus().published().len();
            // Published but not marked: the only case in which an event is published twice.
            let published_but_not_marked = matches!((number, point), (2, FaultPoint::After) | (3, FaultPoint::Before));
            assert_eq!(published, 1 + usize::from(published_but_not_marked), "{number} {point:?}");
            assert!(platform.outbox().pending().is_empty());
        }
    }
}

#[tokio::test]
async fn events_of_a_crashed_sweep_are_swept_when_its_lease_ends() {
    let platform = Platform::new();
    platform.outbox().insert(&build::event(1, build::order().order_placed()));
    platform.faults().crash(1, FaultPoint::After);
    assert_eq!(platform.run(platform.outbox().sweep(build::at(60), 10, None)).await, Err(Crashed));
    assert_eq!(platform.outbox().sweep(build::at(120), 10, None).await, Ok(SweepReport::default()));
    let swept = platform.outbox().sweep(build::at(121), 10, None).await.expect("swept");
    assert_eq!((swept.due, swept.sent, platform.outbox().is_empty()), (1, 1, true));
}

#[tokio::test]
async fn crashed_process_stops_and_others_continue() {
    let platform = Platform::new();
    platform.faults().crash(1, FaultPoint::After);
    let crashing = async { futures_util::future::join(place(&platform, 1), place(&platform, 2)).await };
    assert_eq!(platform.run(crashing).await, Err(Crashed));
    assert_eq!(platform.orders().all().len(), 1);
    assert_eq!(platform.run(place(&platform, 3)).await, Ok(Ok(IdempotencyOutcome::Committed)));
}

#[tokio::test]
async fn unreachable_cache_returns_nothing_and_counts_errors() {
    let platform = Platform::new();
    let cache = platform.cache();
    cache.put("k", "v", 60).await;
    platform.faults().take_down(Dependency::Cache);
    assert_eq!(cache.get("k").await, None);
    cache.put("k", "w", 60).await;
    platform.faults().restore_all();
    assert_eq!((cache.get("k").await.as_deref(), cache.errors()), (Some("v"), 2));
    cache.advance(60);
    assert_eq!(cache.get("k").await, None);
}

#[tokio::test]
async fn gateway_that_fails_after_a_charge_charges_once() {
    let platform = Platform::new();
    let payment = platform.payments().begin(&build::order().payment(), None).await.expect("started");
    platform.faults().fail(Dependency::Gateway, Occurrence::First(2), FaultPoint::After);
    for _ in 0..2 {
        assert_eq!(platform.gateway().charge(&payment).await.expect_err("unavailable").kind, FailureKind::Unavailable);
    }
    platform.gateway().charge(&payment).await.expect("a response");
    assert_eq!((platform.gateway().charges().len(), platform.gateway().request_count()), (1, 3));
}

#[tokio::test]
async fn unreachable_gateway_opens_the_circuit() {
    let platform = Platform::new();
    let (gateway, breaker, payment) = (platform.gateway(), platform.circuit_breaker(), build::order().payment());
    let requested = build::order().refund_requested(ids::refund(1), None).payment;
    platform.faults().take_down(Dependency::Gateway);
    assert!(gateway.charge(&payment).await.is_err() && gateway.search_charge(&payment).await.is_err());
    assert!(gateway.refund(&requested, &requested.refunds[0]).await.is_err());
    assert!(gateway.balance_transactions(build::at(0), build::at(1), None).await.is_err());
    let mut calls = 0;
    for n in 0..10 {
        let asking = kernel::EventContext {
            now: build::at(n),
            ids: &kernel::Ids::system(),
            trace: &TraceContext::new(ids::request(1)),
            actor: None,
        };
        let call = async {
            calls += 1;
            gateway.charge(&payment).await
        };
        let look_up = async { Ok(None) };
        let result = services::call_gateway(&breaker, &platform.payments(), asking, call, look_up).await;
        let failure = result.expect_err("down");
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
    assert_eq!((calls, platform.bus().published().len()), (circuit_breaker::FAILURE_THRESHOLD, 1));
}

#[tokio::test]
async fn circuit_breaker_with_unreadable_state_allows_calls() {
    let platform = Platform::new();
    let breaker = platform.circuit_breaker();
    for _ in 0..circuit_breaker::FAILURE_THRESHOLD {
        breaker.record(false, build::at(0)).await;
    }
    platform.faults().take_down(Dependency::Cache);
    assert_eq!(breaker.check(build::at(1)).await, Ok(()));
    assert_eq!(breaker.record(true, build::at(1)).await, None);
    platform.faults().restore(Dependency::Cache);
    assert!(breaker.check(build::at(1)).await.is_err());
}

#[tokio::test]
async fn gateway_charges_a_fee_and_matches_the_ledger() {
    let platform = Platform::new();
    let payment = platform.payments().begin(&build::order().payment(), None).await.expect("started");
    let outcome = platform.gateway().charge(&payment).await.expect("a response");
    let change = build::concluded(&payment, &outcome);
    platform.payments().advance(None, &change, &[]).await.expect("stored");
    let (ledger, before) = (platform.ledger(), ReconciliationProgress::default());
    let statement =
        platform.gateway().balance_transactions(build::at(-1), build::at(1), None).await.expect("a response");
    let read = reconciliation::read(&before, (build::at(-1), build::at(1)), statement);
    assert_eq!(ledger.advance(&before, &read, &[]).await, Ok(true));
    let (from, to) = (build::at(-1), build::at(1));
    let comparison =
        ComparisonProgress { from, to, side: ComparedSource::Statement, after: None, pages: 0, compared: 0, fees: 0 };
    let lines = ledger.stated(&comparison, 10).await.expect("a response");
    let compared = reconciliation::compare_statement(&read.progress, &comparison, &lines, build::at(2));
    assert_eq!((compared.reports.len(), compared.fees.len()), (0, 1));
    assert_eq!(ledger.advance(&read.progress, &compared, &[]).await, Ok(true));
    let balances = platform.ledger().balances();
    assert_eq!(balances.values().sum::<i64>(), 0);
    assert_eq!(balances[&(LedgerAccount::Fees, "USD")], 146, "2.9 % of 39.98 USD and 30 cents");
}

#[tokio::test]
async fn webhook_is_accepted_if_it_is_signed() {
    let webhooks = Platform::new().webhook_verifier();
    let read = async |signature: Option<&str>, body: Value| {
        webhooks.verify(signature, body.to_string().as_bytes(), build::noon()).await
    };
    let charged = json!({ "id": ids::event(1), "payment_id": ids::payment(1), "attempt": 2, "charged": "pi_1",
        "stated": { "amount": 3998, "currency": "USD" } });
    for signature in [None, Some(""), Some("bad")] {
        assert_eq!(read(signature, charged.clone()).await.expect_err("no signature").code, "signature-invalid");
    }
    let (id, payment_id) = (ids::event(1), ids::payment(1));
    let report = |outcome| GatewayReport::Charge { payment_id, attempt: 2, outcome };
    let event = |outcome| Ok(Some(GatewayEvent { id, report: report(outcome) }));
    assert_eq!(
        read(Some(WebhookVerifier::VALID_SIGNATURE), charged).await,
        event(ChargeOutcome::Charged(ReportedTransaction::new("pi_1", build::usd(3998))))
    );
    let declined = json!({ "id": id, "payment_id": payment_id, "attempt": 2, "declined": "expired_card" });
    assert_eq!(read(Some("good"), declined).await, event(ChargeOutcome::Declined("expired_card".to_owned())));
    assert_eq!(read(Some("good"), json!({ "id": id })).await, Ok(None));
    assert_eq!(
        webhooks.verify(Some("good"), b"{", build::noon()).await.expect_err("not JSON").kind,
        FailureKind::Malformed
    );
}

#[tokio::test]
async fn probe_reports_whether_its_dependency_is_up() {
    let platform = Platform::new();
    let (database, cache) = (platform.probe(Dependency::Database), platform.probe(Dependency::Cache));
    assert!(database.check().await.is_ok() && database.is_essential() && !cache.is_essential());
    platform.faults().take_down(Dependency::Database);
    assert!(database.check().await.is_err() && cache.check().await.is_ok());
}

#[tokio::test]
async fn marked_key_is_in_flight() {
    let platform = Platform::new();
    platform.orders().mark_key_in_flight(&build::a_key("1", "body"));
    assert_eq!(place(&platform, 1).await.expect_err("in flight").code, "idempotency-key-in-flight");
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let platform = Platform::new();
    assert!(!platform.migrations().applied());
    assert_eq!(platform.migrations().apply().await.map(|names| names.len()), Ok(1));
    assert!(platform.migrations().applied());
}
