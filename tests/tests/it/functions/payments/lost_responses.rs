//! Charges and refunds whose answer is missing: found, asked for again, or given up.

use super::*;
use domain::{
    event::RefundRequested,
    id::{OrderId, PaymentId},
    payment::RefundOutcome,
};

/// A platform where the samples' payment is paid and all of it is asked back.
async fn asked_back() -> (Platform, Payment) {
    let platform = paid().await;
    let asked = payment::request_refund(&only(&platform), REFUND, None, RefundReason::Duplicate, moment());
    let payment = asked.expect("legal").payment;
    platform.payments().put(&payment);
    (platform, payment)
}

/// Delivers a new event to payment-refund, so many seconds after the moment of the samples; how many letters were buried.
async fn refund_after(platform: &Platform, seconds: u64) -> usize {
    let handler = async |delivery| {
        payment_refund::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    };
    let asked = RefundRequested { payment_id: PAYMENT, order_id: ORDER, refund_id: REFUND, amount: build::usd(3998) };
    let event = edge::testing::sqs_event(&[&build::event(seconds, asked)]);
    let clock = Clock::at(moment() + Duration::from_secs(seconds), 7);
    let consumer = edge::Consumer::new(catalog::PAYMENT_REFUND.name);
    edge::queue::batch(&consumer, event, &clock, &platform.dead_letters(), &handler).await.expect("a batch");
    platform.dead_letters().messages().len()
}

/// Delivers a new event to payment-charge, so many seconds after the moment of the samples.
async fn charge_after(platform: &Platform, seconds: u64) {
    let handler = async |delivery| {
        payment_charge::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    };
    let asked = PaymentRequested { payment_id: PAYMENT, order_id: ORDER, attempt: only(platform).attempts };
    let event = edge::testing::sqs_event(&[&build::event(seconds, asked)]);
    let clock = Clock::at(moment() + Duration::from_secs(seconds), 7);
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name);
    edge::queue::batch(&consumer, event, &clock, &platform.dead_letters(), &handler).await.expect("a batch");
}

#[tokio::test]
async fn payment_reconcile_finds_a_refund_that_was_made_when_our_function_died() {
    let (platform, payment) = asked_back().await;
    platform.faults().fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::After);
    platform.gateway().refund(&payment, &payment.refunds[0]).await.expect_err("given back, and nobody heard");
    assert_eq!(reconcile(&platform, 601, "ok").await["resolved"], 1);
    assert_eq!((only(&platform).status, platform.gateway().refunds().len()), (Status::Refunded, 1));
    assert_eq!(reconcile(&platform, 1200, "ok").await["unresolved"], 0);
}

#[tokio::test]
async fn payment_reconcile_gives_up_a_refund_that_was_never_made_and_it_can_be_asked_for_anew() {
    let (platform, _) = asked_back().await;
    assert_eq!(reconcile(&platform, 601, "ok").await["retried"], 1);
    assert_eq!(reconcile(&platform, 82_800, "ok").await["retried"], 1);
    let told = platform.bus().published().len();
    let quiet = reconcile(&platform, 83_400, "ok").await;
    assert_eq!((&quiet["retried"], &quiet["abandoned"]), (&0.into(), &0.into()), "{quiet}");
    assert_eq!(platform.bus().published().len(), told, "it is too old to be asked for");
    assert_eq!(reconcile(&platform, 83_401, "ok").await["abandoned"], 1);
    let event = platform.bus().published().pop().expect("an event");
    assert!(matches!(&event.event, DomainEvent::RefundFailed(told) if told.code == "refund_not_found"), "{event:?}");
    assert_eq!(only(&platform).refundable(), 3998);
    assert_eq!(refund_after(&platform, 83_402).await, 0, "what comes late does nothing");
    assert!(platform.gateway().refunds().is_empty());
}

#[tokio::test]
async fn payment_refund_gives_up_a_refund_whose_key_holds_a_fault_and_anew_it_is_made() {
    let (platform, _) = asked_back().await;
    platform.gateway().fail_next_keys(1);
    for seconds in [1, 1799] {
        refund_after(&platform, seconds).await;
        assert_eq!(only(&platform).refunds[0].status, RefundStatus::Pending, "{seconds}");
    }
    assert_eq!(refund_after(&platform, 1800).await, 0);
    let payment = only(&platform);
    assert_eq!((payment.refunds[0].status, payment.refundable()), (RefundStatus::Failed, 3998));
    let anew = RefundId(Uuid::from_u128(7));
    let asked =
        payment::request_refund(&payment, anew, None, RefundReason::Duplicate, moment()).expect("legal").payment;
    let answer = platform.gateway().refund(&asked, &asked.refunds[1]).await;
    assert!(matches!(answer, Ok(RefundOutcome::Refunded(_))), "{answer:?}");
}

#[tokio::test]
async fn payment_charge_declines_an_attempt_whose_key_holds_a_fault_and_the_next_one_is_charged() {
    let platform = with(&begun("pm_card_visa"));
    platform.gateway().fail_next_keys(1);
    for seconds in [1, 1799] {
        charge_after(&platform, seconds).await;
        assert_eq!(only(&platform).status, Status::Pending, "{seconds}");
    }
    assert_eq!(platform.circuit_breaker().circuit().failures, 0, "a fault of long ago says nothing of now");
    charge_after(&platform, 1800).await;
    let payment = only(&platform);
    assert_eq!((payment.status, payment.decline_code.as_deref()), (Status::Failed, Some("gateway_error")));
    let asked = platform.gateway().request_count();
    charge_after(&platform, 1801).await;
    assert_eq!(platform.gateway().request_count(), asked, "the old key is not asked again");
    let card = PaymentMethod::parse("pm_card_visa").expect("a token");
    platform.payments().put(&payment::retry_payment(&payment, card, moment()).expect("legal").payment);
    charge_after(&platform, 1802).await;
    assert_eq!((only(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
}

#[tokio::test]
async fn an_outage_of_an_hour_declines_nothing() {
    let platform = with(&begun("pm_card_visa"));
    platform.faults().fail(Dependency::Gateway, Occurrence::First(2), FaultPoint::Before);
    charge_after(&platform, 1).await;
    charge_after(&platform, 1800).await;
    assert_eq!(reconcile(&platform, 3600, "ok").await["retried"], 1);
    charge_after(&platform, 3601).await;
    assert_eq!((only(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
}

/// So many payments like the samples', each begun a second after the one before.
fn put_many(platform: &Platform, count: u64) {
    for n in 1..=count {
        let at = moment() + Duration::from_secs(n);
        let (id, order_id) = (PaymentId(Uuid::from_u128(n.into())), OrderId(Uuid::from_u128(n.into())));
        let payment = Payment { id, order_id, attempted_at: at, created_at: at, ..begun("pm_card_visa") };
        platform.payments().put(&payment);
    }
}

#[tokio::test]
async fn payment_reconcile_is_not_kept_from_the_others_by_one_that_fails() {
    let platform = with(&begun("pm_card_visa"));
    put_many(&platform, 2);
    platform.faults().fail(Dependency::Gateway, Occurrence::First(2), FaultPoint::Before);
    let summary = reconcile(&platform, 700, "ok").await;
    let counts = ["unresolved", "failed", "retried"].map(|name| summary[name].as_u64());
    assert_eq!(counts, [Some(3), Some(2), Some(1)], "{summary}");
}

#[tokio::test]
async fn payment_reconcile_ends_when_nobody_answers() {
    let platform = with(&begun("pm_card_visa"));
    put_many(&platform, 5);
    platform.faults().fail(Dependency::Gateway, Occurrence::First(3), FaultPoint::Before);
    let clock = Clock::at(moment() + Duration::from_secs(700), 7);
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = sample(catalog::PAYMENT_RECONCILE, "ok");
    let outcome = edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(platform.bus().published().is_empty());
}

#[tokio::test]
async fn payment_reconcile_reaches_those_behind_two_hundred_others() {
    let platform = shop();
    put_many(&platform, 401);
    assert_eq!(reconcile(&platform, 1100, "ok").await["retried"], 401);
}
