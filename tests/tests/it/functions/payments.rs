//! Payments: charged, closed, refunded, reported by webhook, and reconciled.

mod earlier_attempts;
mod lost_responses;
mod reconcile_runs;
mod refund_approvals;
mod refund_reports;

use super::{
    ORDER, PAYMENT, USER, assert_all_samples_run, clock,
    consumers::deliver,
    http::{Expected, assert_responses},
    sample, sample_time, seeded_platform,
};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent,
    event::{LedgerReconciled, OrderCancelled, PaymentRequested, StockReserved},
    id::RefundId,
    order::Reason,
    payment::{self, ChargeOutcome, Payment, RefundLimit, RefundReason, RefundStatus, Status},
    text::PaymentMethod,
};
use edge::Clock;
use kernel::Uuid;
use ports::{Gateway as _, PaymentStore as _};
use std::time::Duration;
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

const REFUND: RefundId = RefundId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00d1));

fn pending_payment(method: &str) -> Payment {
    let reserved = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse(method).expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PAYMENT, &reserved, sample_time())
}

fn concluded(payment: &Payment, response: &ChargeOutcome) -> Payment {
    payment::record_charge_outcome(payment, payment.attempts, response, REFUND, sample_time())
        .expect("allowed")
        .expect("a transition")
        .payment
}

fn declined() -> Payment {
    concluded(&pending_payment("pm_card_visa_chargeDeclined"), &ChargeOutcome::Declined("card_declined".to_owned()))
}

/// A platform where the payment of the samples has succeeded, at the gateway too.
async fn paid() -> Platform {
    let platform = seeded_platform();
    add_paid(&platform).await;
    platform
}

/// Adds the payment of the samples, which has succeeded, at the gateway too.
pub(crate) async fn add_paid(platform: &Platform) {
    let payment = pending_payment("pm_card_visa");
    let response = platform.gateway().charge(&payment).await.expect("a response");
    platform.payments().put(&concluded(&payment, &response));
}

fn with(payment: &Payment) -> Platform {
    let platform = seeded_platform();
    platform.payments().put(payment);
    platform
}

fn payment_of_order(platform: &Platform) -> Payment {
    platform.payments().for_order(ORDER).expect("a payment")
}

#[tokio::test]
async fn payment_get_and_payment_get_order_show_a_payment_to_its_owner_only() {
    let expected =
        [("ok", 200, "", ""), ("bad_not_owner", 404, "not-found", ""), ("bad_unknown", 404, "not-found", "")];
    let platform = with(&pending_payment("pm_card_visa"));
    assert_responses(catalog::PAYMENT_GET, &expected, async |_, call| {
        payment_get::handle(&platform.payments(), call).await
    })
    .await;
    assert_responses(catalog::PAYMENT_GET_ORDER, &expected, async |_, call| {
        payment_get_order::handle(&platform.payments(), call).await
    })
    .await;
    let cancelled = OrderCancelled {
        order_id: ORDER,
        user_id: USER,
        total_amount: build::usd(3998),
        reason: Reason::InsufficientStock,
        payment_id: None,
    };
    let platform = with(&payment::begin_closed(PAYMENT, &cancelled, sample_time()));
    let none = expected.map(|(case, _, _, pointer)| (case, 404, "not-found", pointer));
    assert_responses(catalog::PAYMENT_GET, &none, async |_, call| {
        payment_get::handle(&platform.payments(), call).await
    })
    .await;
}

#[tokio::test]
async fn payment_process_starts_one_attempt_per_key() {
    let expected = [
        ("ok", 202, "", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        ("bad_not_owner", 422, "validation", "/order_id"),
        (r#"set /body/payment_method = "4242424242424242""#, 422, "validation", "/payment_method"),
        ("set /body/amount = 1", 422, "validation", "/amount"),
    ];
    let platform = with(&declined());
    for _ in 0..2 {
        assert_responses(catalog::PAYMENT_PROCESS, &expected, async |_, call| {
            payment_process::handle(&platform.payments(), domain::payment::AttemptLimit::default(), call).await
        })
        .await;
    }
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.attempts, payment.version), (Status::Pending, 2, 3));
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn payment_charge_charges_each_attempt_under_its_own_key() {
    let platform = seeded_platform();
    let again =
        payment::retry_payment(&declined(), PaymentMethod::parse("pm_card_visa").expect("a token"), sample_time());
    platform.payments().put(&again.expect("allowed").payment);
    let handler = async |delivery| {
        payment_charge::handle(
            &platform.payments(),
            &platform.gateway(),
            &platform.circuit_breaker(),
            domain::payment::AttemptLimit::default(),
            delivery,
        )
        .await
    };
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    for _ in 0..2 {
        let requested = PaymentRequested { payment_id: PAYMENT, order_id: ORDER, attempt: 2 };
        let event = edge::testing::sqs_event(&[&build::event(9, requested)]);
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
    assert!(platform.gateway().charges()[0].key.ends_with("-2"), "{:?}", platform.gateway().charges());
}

#[tokio::test]
async fn payment_close_refunds_a_charge_and_blocks_a_later_one() {
    let platform = paid().await;
    deliver(catalog::PAYMENT_CLOSE, &super::consumers::USUAL, &platform, async |delivery| {
        payment_close::handle(&platform.payments(), delivery).await
    })
    .await;
    let payment = payment_of_order(&platform);
    assert!(payment.closed && payment.refunds[0].reason == RefundReason::OrderCancelled, "{payment:?}");
    assert_eq!(platform.bus().published().len(), 1);
    let early = seeded_platform();
    deliver(catalog::PAYMENT_CLOSE, &super::consumers::USUAL, &early, async |delivery| {
        payment_close::handle(&early.payments(), delivery).await
    })
    .await;
    assert!(payment_of_order(&early).closed && early.bus().published().is_empty());
    // A charge that arrives afterwards finds the closed payment and does not call the gateway.
    let handler = async |delivery| {
        payment_charge::handle(
            &early.payments(),
            &early.gateway(),
            &early.circuit_breaker(),
            domain::payment::AttemptLimit::default(),
            delivery,
        )
        .await
    };
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    let late = sample(catalog::PAYMENT_CHARGE, "ok");
    edge::queue::batch(&consumer, late, &clock(), &early.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(early.gateway().request_count(), 0);
}

#[tokio::test]
async fn payment_refund_refunds_once_and_posts_it_to_the_ledger() {
    let platform = paid().await;
    let requested =
        payment::request_refund(&payment_of_order(&platform), REFUND, None, RefundReason::Duplicate, sample_time());
    platform.payments().put(&requested.expect("allowed").payment);
    deliver(catalog::PAYMENT_REFUND, &super::consumers::USUAL, &platform, async |delivery| {
        payment_refund::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    })
    .await;
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.refunds[0].status), (Status::Refunded, RefundStatus::Succeeded));
    assert_eq!((platform.gateway().refunds().len(), platform.ledger().transfers().len()), (1, 1));
}

#[tokio::test]
async fn refund_request_never_exceeds_the_remaining_amount() {
    let expected = [
        ("bad_exceeds_payment", 422, "validation", "/amount/amount"),
        (r#"set /body/amount = {"amount": 1, "currency": "EUR"}"#, 422, "validation", "/amount/currency"),
        (r#"set /body/reason = "order_cancelled""#, 422, "validation", "/reason"),
        (r#"set /body/payment_id = "0192f0c1-0000-7000-8000-0000000000cf""#, 422, "validation", "/payment_id"),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("ok", 202, "", ""),
        ("ok_full", 202, "", ""),
    ];
    let platform = paid().await;
    for _ in 0..2 {
        assert_responses(catalog::REFUND_REQUEST, &expected, async |_, call| {
            refund_request::handle(&platform.payments(), RefundLimit::default(), call).await
        })
        .await;
    }
    let amounts: Vec<i64> =
        payment_of_order(&platform).refunds.iter().map(|refund| refund.amount.amount.get()).collect();
    assert_eq!(amounts, [1000, 2998], "each once per key");
}

/// The expected responses to the sample webhooks.
const EVENTS: [Expected; 4] = [
    ("bad_signature", 401, "signature-invalid", ""),
    ("bad_no_signature", 401, "signature-invalid", ""),
    ("bad_not_json", 400, "malformed", ""),
    ("ok", 204, "", ""),
];

#[tokio::test]
async fn payment_webhook_applies_an_event_once_and_rejects_unsigned_ones() {
    let platform = with(&pending_payment("pm_card_visa"));
    for _ in 0..2 {
        assert_responses(catalog::PAYMENT_WEBHOOK, &EVENTS, async |_, call| {
            payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), &platform.gateway(), call).await
        })
        .await;
    }
    assert_eq!((payment_of_order(&platform).status, payment_of_order(&platform).version), (Status::Succeeded, 2));
    assert_eq!(platform.bus().published().len(), 1);
}

async fn reconcile(platform: &Platform, seconds: u64, case: &str) -> serde_json::Value {
    let clock = Clock::at(sample_time() + Duration::from_secs(seconds), 7);
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = sample(catalog::PAYMENT_RECONCILE, case);
    edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
}

#[tokio::test]
async fn payment_reconcile_finds_a_charge_after_a_crash() {
    assert_all_samples_run(catalog::PAYMENT_RECONCILE, &["ok", "bad_not_a_schedule"]);
    let platform = with(&pending_payment("pm_card_visa"));
    platform.faults().fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::After);
    platform.gateway().charge(&payment_of_order(&platform)).await.expect_err("the response is lost");
    assert_eq!(reconcile(&platform, 599, "ok").await["unresolved"], 0, "the queue has its time first");
    assert_eq!(reconcile(&platform, 601, "bad_not_a_schedule").await["resolved"], 1);
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
    assert_eq!(reconcile(&platform, 1200, "ok").await["unresolved"], 0);
}

#[tokio::test]
async fn payment_reconcile_abandons_unknown_charges_of_cancelled_orders_only() {
    let platform = with(&pending_payment("pm_card_visa"));
    assert_eq!(reconcile(&platform, 601, "ok").await["retried"], 1, "an open payment is retried");
    let closed = payment::close(&payment_of_order(&platform), REFUND, sample_time()).expect("a transition").payment;
    platform.payments().put(&closed);
    // The payment was closed at the time of the samples; by now no charge of it can still be running.
    assert_eq!(reconcile(&platform, 901, "ok").await["abandoned"], 1);
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Failed, 0));
}

#[tokio::test]
async fn payment_webhook_accepts_the_event_of_a_duplicate_charge() {
    let pending = pending_payment("pm_card_visa");
    let platform = with(&concluded(&pending, &build::charged(&pending, "pi_other")));
    assert_responses(catalog::PAYMENT_WEBHOOK, &EVENTS, async |_, call| {
        payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), &platform.gateway(), call).await
    })
    .await;
    assert_eq!(payment_of_order(&platform).transaction_id.as_deref(), Some("pi_other"));
    assert!(platform.bus().published().is_empty());
}

#[tokio::test]
async fn staff_sees_the_decline_code_and_the_owner_a_generic_one() {
    let platform =
        with(&concluded(&pending_payment("pm_card_visa"), &ChargeOutcome::Declined("stolen_card".to_owned())));
    let route = Wiring::new(catalog::PAYMENT_GET, Config::from_vars([])).route().expect("a route");
    let seen = async |role: &str| {
        let mut event = sample(catalog::PAYMENT_GET, "ok");
        event["requestContext"]["authorizer"]["lambda"]["role"] = role.into();
        let handler = async |call| payment_get::handle(&platform.payments(), call).await;
        let response = edge::http::respond(&route, event, &clock(), &handler).await;
        let body: serde_json::Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
        body["decline_code"].clone()
    };
    assert_eq!(seen("customer").await, "generic_decline");
    assert_eq!(seen("staff").await, "stolen_card");
}

/// Runs ledger-reconcile so many hours after the sample time.
async fn reconciled(platform: &Platform, hours: u64, case: &str) -> serde_json::Value {
    let clock = Clock::at(sample_time() + Duration::from_secs(hours * 3600), hours);
    let handler = async |tick| ledger_reconcile::handle(&platform.ledger(), &platform.gateway(), tick).await;
    let event = sample(catalog::LEDGER_RECONCILE, case);
    edge::schedule::tick(catalog::LEDGER_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
}

/// The pages of all comparisons.
fn reports(platform: &Platform) -> Vec<LedgerReconciled> {
    let report = |event: domain::Event| match event.event {
        DomainEvent::LedgerReconciled(report) => Some(report),
        _ => None,
    };
    platform.bus().published().into_iter().filter_map(report).collect()
}

#[tokio::test]
async fn ledger_reconcile_reports_differences_daily_and_posts_fees_of_our_charges_once() {
    assert_all_samples_run(catalog::LEDGER_RECONCILE, &["ok", "bad_not_a_schedule"]);
    let platform = paid().await;
    platform.gateway().put_unreadable("txn_odd", sample_time() - Duration::from_secs(7200));
    // The gateway has the charge; the payment was stored without its ledger transfer.
    let first = reconciled(&platform, 3, "ok").await;
    assert_eq!((&first["discrepancies"], &first["fees"]), (&1.into(), &0.into()), "it may be somebody else's: {first}");
    assert_eq!((&first["read"], &first["unreadable"]), (&1.into(), &1.into()), "an unreadable one does not end it");
    assert_eq!(reconciled(&platform, 4, "bad_not_a_schedule").await["discrepancies"], 0, "until tomorrow");
    let second = reconciled(&platform, 27, "ok").await;
    assert_eq!((&second["discrepancies"], &second["read"]), (&1.into(), &0.into()), "read once: {second}");
    let reports = reports(&platform);
    let pages: Vec<_> = reports.iter().map(|one| (one.page, one.is_last, one.discrepancies.len())).collect();
    assert_eq!(pages, [(0, false, 0), (1, false, 1), (2, true, 0), (1, false, 1), (2, true, 0)]);
    assert_eq!(reports[0].unreadable, ["txn_odd"]);
    assert_eq!(platform.ledger().balances().values().sum::<i64>(), 0);
}

#[tokio::test]
async fn ledger_reconcile_covers_failed_runs_and_late_responses() {
    let platform = paid().await;
    // Posted twenty hours after the gateway made it, as when the response had to be looked up.
    let (late, charge) = (sample_time() + Duration::from_secs(20 * 3600), payment_of_order(&platform));
    let pending_payment = pending_payment("pm_card_visa");
    let change = payment::record_charge_outcome(
        &pending_payment,
        1,
        &build::charged(&charge, charge.transaction_id.as_deref().expect("charged")),
        REFUND,
        late,
    );
    platform.payments().put(&pending_payment);
    platform.payments().advance(None, &change.expect("allowed").expect("a transition"), &[]).await.expect("stored");
    let missed_twice = reconciled(&platform, 71, "ok").await;
    assert_eq!((&missed_twice["fees"], &missed_twice["discrepancies"]), (&1.into(), &0.into()), "{missed_twice}");
    // Then the charge is before the compared period and its posting within it.
    let later = reconciled(&platform, 95, "ok").await;
    assert_eq!((&later["fees"], &later["discrepancies"]), (&0.into(), &0.into()), "{later}");
    let last = reports(&platform).pop().expect("a report");
    assert_eq!((last.is_last, last.compared), (true, 0));
}

#[tokio::test]
async fn ledger_reconcile_stops_in_time_and_the_next_run_continues() {
    let platform = paid().await;
    let now = sample_time() + Duration::from_secs(3 * 3600);
    let run = async |seconds: u64| {
        let clock = Clock::at(now, 7).until(now + Duration::from_secs(seconds));
        let handler = async |tick| ledger_reconcile::handle(&platform.ledger(), &platform.gateway(), tick).await;
        let event = sample(catalog::LEDGER_RECONCILE, "ok");
        edge::schedule::tick(catalog::LEDGER_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
    };
    assert_eq!(run(80).await["steps"], 0, "no step begins so late");
    // A run that dies in the middle loses no step that it has taken.
    platform.faults().crash(20, FaultPoint::Before);
    platform.run(run(300)).await.expect_err("it crashed");
    let rest = run(300).await;
    assert!(rest["steps"].as_u64().is_some_and(|steps| (50..99).contains(&steps)), "{rest}");
    assert_eq!(reports(&platform).len(), 2);
}
