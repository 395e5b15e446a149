//! Payments: charged again, closed, given back, heard of from the gateway, and reconciled.

mod lost_responses;

use super::{
    ORDER, PAYMENT, USER, all_samples_are_named, clock,
    consumers::deliver,
    http::{Expected, answers},
    moment, sample, shop,
};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent,
    event::{OrderCancelled, PaymentRequested, StockReserved},
    id::RefundId,
    order::Reason,
    payment::{self, ChargeOutcome, Payment, RefundReason, RefundStatus, Status},
    text::PaymentMethod,
};
use edge::Clock;
use kernel::Uuid;
use ports::{Gateway as _, PaymentStore as _};
use std::time::Duration;
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

const REFUND: RefundId = RefundId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00d1));

fn begun(method: &str) -> Payment {
    let held = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse(method).expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PAYMENT, &held, moment())
}

fn concluded(payment: &Payment, answer: &ChargeOutcome) -> Payment {
    payment::record_charge_outcome(payment, payment.attempts, answer, REFUND, moment())
        .expect("legal")
        .expect("a step")
        .payment
}

fn declined() -> Payment {
    concluded(&begun("pm_card_visa_chargeDeclined"), &ChargeOutcome::Declined("card_declined".to_owned()))
}

/// A platform where the samples' payment is paid, at the gateway too.
async fn paid() -> Platform {
    let platform = shop();
    let payment = begun("pm_card_visa");
    let answer = platform.gateway().charge(&payment).await.expect("an answer");
    platform.payments().put(&concluded(&payment, &answer));
    platform
}

fn with(payment: &Payment) -> Platform {
    let platform = shop();
    platform.payments().put(payment);
    platform
}

fn only(platform: &Platform) -> Payment {
    platform.payments().for_order(ORDER).expect("a payment")
}

#[tokio::test]
async fn payment_get_and_payment_get_order_show_a_payment_to_its_owner_alone() {
    let expected =
        [("ok", 200, "", ""), ("bad_not_owner", 404, "not-found", ""), ("bad_unknown", 404, "not-found", "")];
    let platform = with(&begun("pm_card_visa"));
    answers(catalog::PAYMENT_GET, &expected, async |_, call| payment_get::handle(&platform.payments(), call).await)
        .await;
    answers(catalog::PAYMENT_GET_ORDER, &expected, async |_, call| {
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
    let platform = with(&payment::begin_closed(PAYMENT, &cancelled, moment()));
    let none = expected.map(|(case, _, _, pointer)| (case, 404, "not-found", pointer));
    answers(catalog::PAYMENT_GET, &none, async |_, call| payment_get::handle(&platform.payments(), call).await).await;
}

#[tokio::test]
async fn payment_process_begins_another_attempt_once_a_key() {
    let expected = [
        ("ok", 202, "", ""),
        ("bad_no_key", 400, "idempotency-key-missing", ""),
        ("bad_not_owner", 422, "validation", "/order_id"),
        ("bad_card_number", 422, "validation", "/payment_method"),
        ("bad_unknown_field", 422, "validation", "/amount"),
    ];
    let platform = with(&declined());
    for _ in 0..2 {
        answers(catalog::PAYMENT_PROCESS, &expected, async |_, call| {
            payment_process::handle(&platform.payments(), call).await
        })
        .await;
    }
    let payment = only(&platform);
    assert_eq!((payment.status, payment.attempts, payment.version), (Status::Pending, 2, 3));
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn payment_charge_charges_the_attempt_that_was_asked_for_under_a_key_of_its_own() {
    let platform = shop();
    let again = payment::retry_payment(&declined(), PaymentMethod::parse("pm_card_visa").expect("a token"), moment());
    platform.payments().put(&again.expect("legal").payment);
    let handler = async |delivery| {
        payment_charge::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    };
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name);
    for _ in 0..2 {
        let asked = PaymentRequested { payment_id: PAYMENT, order_id: ORDER, attempt: 2 };
        let event = edge::testing::sqs_event(&[&build::event(9, asked)]);
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    assert_eq!((only(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
    assert!(platform.gateway().charges()[0].key.ends_with("-2"), "{:?}", platform.gateway().charges());
}

#[tokio::test]
async fn payment_close_gives_back_what_was_charged_and_marks_what_was_not_begun() {
    let platform = paid().await;
    deliver(catalog::PAYMENT_CLOSE, &super::consumers::USUAL, &platform, async |delivery| {
        payment_close::handle(&platform.payments(), delivery).await
    })
    .await;
    let payment = only(&platform);
    assert!(payment.closed && payment.refunds[0].reason == RefundReason::OrderCancelled, "{payment:?}");
    assert_eq!(platform.bus().published().len(), 1);
    let early = shop();
    deliver(catalog::PAYMENT_CLOSE, &super::consumers::USUAL, &early, async |delivery| {
        payment_close::handle(&early.payments(), delivery).await
    })
    .await;
    assert!(only(&early).closed && early.bus().published().is_empty());
    // The charge that comes too late finds the mark, and asks nobody.
    let handler = async |delivery| {
        payment_charge::handle(&early.payments(), &early.gateway(), &early.circuit_breaker(), delivery).await
    };
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name);
    let late = sample(catalog::PAYMENT_CHARGE, "ok");
    edge::queue::batch(&consumer, late, &clock(), &early.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(early.gateway().request_count(), 0);
}

#[tokio::test]
async fn payment_refund_gives_back_once_and_books_it() {
    let platform = paid().await;
    let asked = payment::request_refund(&only(&platform), REFUND, None, RefundReason::Duplicate, moment());
    platform.payments().put(&asked.expect("legal").payment);
    deliver(catalog::PAYMENT_REFUND, &super::consumers::USUAL, &platform, async |delivery| {
        payment_refund::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    })
    .await;
    let payment = only(&platform);
    assert_eq!((payment.status, payment.refunds[0].status), (Status::Refunded, RefundStatus::Succeeded));
    assert_eq!((platform.gateway().refunds().len(), platform.ledger().transfers().len()), (1, 1));
}

#[tokio::test]
async fn refund_request_asks_for_what_is_left_and_no_more() {
    let expected = [
        ("bad_exceeds_payment", 422, "validation", "/amount/amount"),
        ("bad_currency", 422, "validation", "/amount/currency"),
        ("bad_reason", 422, "validation", "/reason"),
        ("bad_unknown_payment", 422, "validation", "/payment_id"),
        ("bad_no_key", 400, "idempotency-key-missing", ""),
        ("bad_customer", 403, "forbidden", ""),
        ("ok", 202, "", ""),
        ("ok_full", 202, "", ""),
    ];
    let platform = paid().await;
    for _ in 0..2 {
        answers(catalog::REFUND_REQUEST, &expected, async |_, call| {
            refund_request::handle(&platform.payments(), call).await
        })
        .await;
    }
    let amounts: Vec<i64> = only(&platform).refunds.iter().map(|refund| refund.amount.amount.get()).collect();
    assert_eq!(amounts, [1000, 2998], "each once a key");
}

/// What the samples of the gateway's news are answered.
const NEWS: [Expected; 4] = [
    ("bad_signature", 401, "signature-invalid", ""),
    ("bad_no_signature", 401, "signature-invalid", ""),
    ("bad_not_json", 400, "malformed", ""),
    ("ok", 204, "", ""),
];

#[tokio::test]
async fn payment_webhook_keeps_the_gateways_news_once_and_refuses_what_it_did_not_sign() {
    let platform = with(&begun("pm_card_visa"));
    for _ in 0..2 {
        answers(catalog::PAYMENT_WEBHOOK, &NEWS, async |_, call| {
            payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), call).await
        })
        .await;
    }
    assert_eq!((only(&platform).status, only(&platform).version), (Status::Succeeded, 2));
    assert_eq!(platform.bus().published().len(), 1);
}

async fn reconcile(platform: &Platform, seconds: u64, case: &str) -> serde_json::Value {
    let clock = Clock::at(moment() + Duration::from_secs(seconds), 7);
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = sample(catalog::PAYMENT_RECONCILE, case);
    edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
}

#[tokio::test]
async fn payment_reconcile_finds_what_was_charged_when_our_function_died() {
    all_samples_are_named(catalog::PAYMENT_RECONCILE, &["ok", "bad_not_a_schedule"]);
    let platform = with(&begun("pm_card_visa"));
    platform.faults().fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::After);
    platform.gateway().charge(&only(&platform)).await.expect_err("charged, and nobody heard");
    assert_eq!(reconcile(&platform, 599, "ok").await["unresolved"], 0, "the queue has its time first");
    assert_eq!(reconcile(&platform, 601, "bad_not_a_schedule").await["resolved"], 1);
    assert_eq!((only(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
    assert_eq!(reconcile(&platform, 1200, "ok").await["unresolved"], 0);
}

#[tokio::test]
async fn payment_reconcile_gives_up_what_the_gateway_never_heard_of_for_a_cancelled_order_alone() {
    let platform = with(&begun("pm_card_visa"));
    assert_eq!(reconcile(&platform, 601, "ok").await["retried"], 1, "an open payment is asked for again");
    let closed = payment::close(&only(&platform), REFUND, moment()).expect("a step").payment;
    platform.payments().put(&closed);
    // Closed at the moment of the samples: whoever asked last may still be at it.
    assert_eq!(reconcile(&platform, 601, "ok").await["abandoned"], 1);
    assert_eq!((only(&platform).status, platform.gateway().charges().len()), (Status::Failed, 0));
}

#[tokio::test]
async fn payment_webhook_takes_the_news_of_a_charge_beside_another() {
    let platform = with(&concluded(&begun("pm_card_visa"), &ChargeOutcome::Charged("pi_other".to_owned())));
    answers(catalog::PAYMENT_WEBHOOK, &NEWS, async |_, call| {
        payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), call).await
    })
    .await;
    assert_eq!(only(&platform).transaction_id.as_deref(), Some("pi_other"));
    assert!(platform.bus().published().is_empty());
}

#[tokio::test]
async fn the_back_office_sees_why_a_card_was_refused_and_its_owner_less_of_it() {
    let platform = with(&concluded(&begun("pm_card_visa"), &ChargeOutcome::Declined("stolen_card".to_owned())));
    let route = Wiring::new(catalog::PAYMENT_GET, Config::from_vars([])).route().expect("a route");
    let seen = async |role: &str| {
        let mut event = sample(catalog::PAYMENT_GET, "ok");
        event["requestContext"]["authorizer"]["lambda"]["role"] = role.into();
        let handler = async |call| payment_get::handle(&platform.payments(), call).await;
        let answer = edge::http::respond(&route, event, &clock(), &handler).await;
        let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        body["decline_code"].clone()
    };
    assert_eq!(seen("customer").await, "generic_decline");
    assert_eq!(seen("staff").await, "stolen_card");
}

#[tokio::test]
async fn ledger_reconcile_books_fees_once_and_reports_what_does_not_agree() {
    all_samples_are_named(catalog::LEDGER_RECONCILE, &["ok", "bad_not_a_schedule"]);
    let platform = paid().await;
    let run = async |case| {
        let clock = Clock::at(moment() + Duration::from_secs(7200), 7);
        let handler = async |tick| ledger_reconcile::handle(&platform.ledger(), &platform.gateway(), tick).await;
        let event = sample(catalog::LEDGER_RECONCILE, case);
        edge::schedule::tick(catalog::LEDGER_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
    };
    // The charge stands at the gateway and, put there by hand, without its booking here.
    let first = run("ok").await;
    assert_eq!((&first["differences"], &first["fees"]), (&1.into(), &1.into()), "{first}");
    platform.gateway().put_unreadable("txn_odd");
    let second = run("bad_not_a_schedule").await;
    assert_eq!((&second["differences"], &second["fees"]), (&1.into(), &0.into()), "{second}");
    assert_eq!(second["unreadable"], 1, "what cannot be read does not end the comparison");
    let event = platform.bus().published().pop().expect("an event");
    assert!(matches!(&event.event, DomainEvent::LedgerReconciled(told) if told.unreadable == ["txn_odd"]), "{event:?}");
    assert_eq!(platform.ledger().balances().values().sum::<i64>(), 0);
}

#[tokio::test]
async fn ledger_reconcile_makes_good_for_a_run_that_failed_and_for_answers_that_came_late() {
    let platform = paid().await;
    let run = async |hours: u64| {
        let clock = Clock::at(moment() + Duration::from_secs(hours * 3600), 7);
        let handler = async |tick| ledger_reconcile::handle(&platform.ledger(), &platform.gateway(), tick).await;
        let event = sample(catalog::LEDGER_RECONCILE, "ok");
        edge::schedule::tick(catalog::LEDGER_RECONCILE.name, event, &clock, &handler).await.expect("a summary")
    };
    // Booked twenty hours after the gateway made it, as when the answer had to be looked up.
    let (late, charge) = (moment() + Duration::from_secs(20 * 3600), only(&platform));
    let begun = begun("pm_card_visa");
    let change = payment::record_charge_outcome(
        &begun,
        1,
        &ChargeOutcome::Charged(charge.transaction_id.expect("charged")),
        REFUND,
        late,
    );
    platform.payments().put(&begun);
    platform.payments().advance(None, &change.expect("legal").expect("a step"), &[]).await.expect("kept");
    let missed_twice = run(71).await;
    assert_eq!((&missed_twice["fees"], &missed_twice["differences"]), (&1.into(), &0.into()), "{missed_twice}");
    // The day after, the charge is before what is compared, and its booking within.
    let day_after = run(80).await;
    assert_eq!((&day_after["compared"], &day_after["differences"]), (&0.into(), &0.into()), "{day_after}");
}
