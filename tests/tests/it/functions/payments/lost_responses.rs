//! Charges and refunds whose response was lost: found, retried, or abandoned.

use super::*;
use domain::{
    event::RefundRequested,
    id::{OrderId, PaymentId},
    payment::{RECONCILE_AGAIN_SECONDS, RefundOutcome},
};

/// A platform where the payment of the samples has succeeded and its full refund is requested.
async fn with_requested_refund() -> (Platform, Payment) {
    let platform = paid().await;
    let requested =
        payment::request_refund(&payment_of_order(&platform), REFUND, None, RefundReason::Duplicate, sample_time());
    let payment = requested.expect("allowed").payment;
    platform.payments().put(&payment);
    (platform, payment)
}

/// Delivers a new event to payment-refund, `seconds` after the time of the samples. Returns the number of dead letters.
async fn refund_after(platform: &Platform, seconds: u64) -> usize {
    let amount = build::usd(3998);
    refund_with(platform, RefundRequested { payment_id: PAYMENT, order_id: ORDER, refund_id: REFUND, amount }, seconds)
        .await
}

async fn refund_with(platform: &Platform, requested: RefundRequested, seconds: u64) -> usize {
    let handler = async |delivery| {
        payment_refund::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery).await
    };
    let event = edge::testing::sqs_event(&[&build::event(seconds, requested)]);
    let clock = Clock::at(sample_time() + Duration::from_secs(seconds), 7);
    let consumer = edge::Consumer::new(catalog::PAYMENT_REFUND.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock, &platform.dead_letters(), &handler).await.expect("a batch");
    platform.dead_letters().messages().len()
}

/// Delivers a new event to payment-charge, `seconds` after the time of the samples.
async fn charge_after(platform: &Platform, seconds: u64) {
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
    let requested =
        PaymentRequested { payment_id: PAYMENT, order_id: ORDER, attempt: payment_of_order(platform).attempts };
    let event = edge::testing::sqs_event(&[&build::event(seconds, requested)]);
    let clock = Clock::at(sample_time() + Duration::from_secs(seconds), 7);
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock, &platform.dead_letters(), &handler).await.expect("a batch");
}

#[tokio::test]
async fn payment_reconcile_finds_a_refund_made_before_a_crash() {
    let (platform, payment) = with_requested_refund().await;
    platform.faults().fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::After);
    platform.gateway().refund(&payment, &payment.refunds[0]).await.expect_err("the response is lost");
    assert_eq!(reconcile(&platform, 601, "ok").await["resolved"], 1);
    assert_eq!((payment_of_order(&platform).status, platform.gateway().refunds().len()), (Status::Refunded, 1));
    assert_eq!(reconcile(&platform, 1200, "ok").await["unresolved"], 0);
}

#[tokio::test]
async fn payment_reconcile_fails_a_refund_never_made_and_allows_a_new_one() {
    let (platform, _) = with_requested_refund().await;
    assert_eq!(reconcile(&platform, 601, "ok").await["retried"], 1);
    assert_eq!(reconcile(&platform, 82_800, "ok").await["retried"], 1);
    let published = platform.bus().published().len();
    let summary = reconcile(&platform, 83_400, "ok").await;
    assert_eq!((&summary["retried"], &summary["abandoned"]), (&0.into(), &0.into()), "{summary}");
    assert_eq!(platform.bus().published().len(), published, "too old to be retried");
    let again = 83_400 + u64::try_from(RECONCILE_AGAIN_SECONDS).expect("positive") + 1;
    assert_eq!(reconcile(&platform, again, "ok").await["abandoned"], 1);
    let event = platform.bus().published().pop().expect("an event");
    assert!(
        matches!(&event.event, DomainEvent::RefundFailed(failed) if failed.code == "refund_not_found"),
        "{event:?}"
    );
    assert_eq!(payment_of_order(&platform).refundable(), 3998);
    assert_eq!(refund_after(&platform, again + 1).await, 0, "a late event changes nothing");
    assert!(platform.gateway().refunds().is_empty());
}

#[tokio::test]
async fn refund_of_a_cancelled_order_is_requested_until_the_gateway_makes_it() {
    let platform = paid().await;
    close_all(&platform);
    for days in 1..=3 {
        assert_eq!(reconcile(&platform, days * 83_401, "ok").await["abandoned"], 1, "day {days}");
        let payment = payment_of_order(&platform);
        assert_eq!((payment.refunds.len() as u64, payment.refundable()), (days + 1, 0), "it is requested again");
    }
    let payment = payment_of_order(&platform);
    let id = payment.refunds.last().expect("a refund").id;
    let event = RefundRequested { payment_id: PAYMENT, order_id: ORDER, refund_id: id, amount: payment.amount };
    refund_with(&platform, event, 3 * 83_401 + 1).await;
    assert_eq!((payment_of_order(&platform).status, platform.gateway().refunds().len()), (Status::Refunded, 1));
}

#[tokio::test]
async fn payment_refund_fails_a_replayed_gateway_error_and_a_new_refund_succeeds() {
    let (platform, _) = with_requested_refund().await;
    platform.gateway().fail_next_keys(1);
    for seconds in [1, 1799] {
        refund_after(&platform, seconds).await;
        assert_eq!(payment_of_order(&platform).refunds[0].status, RefundStatus::Pending, "{seconds}");
    }
    assert_eq!(refund_after(&platform, 1800).await, 0);
    let payment = payment_of_order(&platform);
    assert_eq!((payment.refunds[0].status, payment.refundable()), (RefundStatus::Failed, 3998));
    let second = RefundId(Uuid::from_u128(7));
    let requested = payment::request_refund(&payment, second, None, RefundReason::Duplicate, sample_time())
        .expect("allowed")
        .payment;
    let response = platform.gateway().refund(&requested, &requested.refunds[1]).await;
    assert!(matches!(response, Ok(RefundOutcome::Refunded(_))), "{response:?}");
}

#[tokio::test]
async fn payment_charge_declines_a_replayed_gateway_error_and_charges_the_next_try() {
    let platform = with(&pending_payment("pm_card_visa"));
    platform.gateway().fail_next_keys(1);
    for seconds in [1, 1799] {
        charge_after(&platform, seconds).await;
        assert_eq!(payment_of_order(&platform).status, Status::Pending, "{seconds}");
    }
    assert_eq!(platform.circuit_breaker().circuit().failures, 0, "a replayed error does not count as a failure");
    charge_after(&platform, 1800).await;
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.decline_code.as_deref()), (Status::Failed, Some("gateway_error")));
    let requested = platform.gateway().request_count();
    charge_after(&platform, 1801).await;
    assert_eq!(platform.gateway().request_count(), requested, "the old key is not used again");
    let card = PaymentMethod::parse("pm_card_visa").expect("a token");
    platform.payments().put(&payment::retry_payment(&payment, card, sample_time()).expect("allowed").payment);
    charge_after(&platform, 1802).await;
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
}

#[tokio::test]
async fn one_hour_gateway_outage_declines_nothing() {
    let platform = with(&pending_payment("pm_card_visa"));
    platform.faults().fail(Dependency::Gateway, Occurrence::First(2), FaultPoint::Before);
    charge_after(&platform, 1).await;
    charge_after(&platform, 1800).await;
    assert_eq!(reconcile(&platform, 3600, "ok").await["retried"], 1);
    charge_after(&platform, 3601).await;
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
}

/// Closes the stored payments, at the time of the samples.
pub(super) fn close_all(platform: &Platform) {
    for payment in platform.payments().all() {
        platform.payments().put(&payment::close(&payment, REFUND, sample_time()).expect("a transition").payment);
    }
}

#[tokio::test]
async fn payment_reconcile_ends_what_the_gateway_never_received_at_any_number_of_charges() {
    let platform = seeded_platform();
    put_many(&platform, 3);
    close_all(&platform);
    platform.gateway().lengthen_list();
    let summary = reconcile(&platform, 700, "ok").await;
    assert_eq!((&summary["abandoned"], &summary["pending"]), (&3.into(), &0.into()), "{summary}");
    assert_eq!(platform.gateway().list_count(), 0, "no list is read");
    let late = &platform.payments().all()[0];
    assert!(platform.gateway().charge(late).await.is_err() && platform.gateway().charges().is_empty());
}

#[tokio::test]
async fn payment_reconcile_finds_out_once_in_a_run_that_there_are_too_many_charges() {
    let platform = seeded_platform();
    put_many(&platform, 3);
    for payment in platform.payments().all() {
        platform.gateway().charge(&payment).await.expect("charged");
    }
    close_all(&platform);
    platform.gateway().lengthen_list();
    platform.gateway().delay_search(true);
    let summary = reconcile(&platform, 700, "ok").await;
    assert_eq!((&summary["abandoned"], &summary["pending"]), (&0.into(), &3.into()), "{summary}");
    assert_eq!(platform.gateway().list_count(), 1);
    platform.gateway().delay_search(false);
    assert_eq!(reconcile(&platform, 1_000, "ok").await["resolved"], 3, "nothing was given up");
}

/// Stores `count` payments like that of the samples, each created a second after the previous one.
pub(super) fn put_many(platform: &Platform, count: u64) {
    for n in 1..=count {
        let at = sample_time() + Duration::from_secs(n);
        let (id, order_id) = (PaymentId(Uuid::from_u128(n.into())), OrderId(Uuid::from_u128(n.into())));
        let payment = Payment { id, order_id, attempted_at: at, created_at: at, ..pending_payment("pm_card_visa") };
        platform.payments().put(&payment);
    }
}

#[tokio::test]
async fn payment_reconcile_continues_after_a_failing_payment() {
    let platform = with(&pending_payment("pm_card_visa"));
    put_many(&platform, 2);
    platform.faults().fail(Dependency::Gateway, Occurrence::First(2), FaultPoint::Before);
    let summary = reconcile(&platform, 700, "ok").await;
    let counts = ["unresolved", "failed", "retried"].map(|name| summary[name].as_u64());
    assert_eq!(counts, [Some(3), Some(2), Some(1)], "{summary}");
}

#[tokio::test]
async fn payment_reconcile_stops_when_the_gateway_is_unreachable() {
    let platform = with(&pending_payment("pm_card_visa"));
    put_many(&platform, 5);
    platform.faults().fail(Dependency::Gateway, Occurrence::First(3), FaultPoint::Before);
    let clock = Clock::at(sample_time() + Duration::from_secs(700), 7);
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = sample(catalog::PAYMENT_RECONCILE, "ok");
    let outcome = edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(platform.bus().published().is_empty());
}

#[tokio::test]
async fn payment_reconcile_reads_past_the_first_two_hundred_payments() {
    let platform = seeded_platform();
    put_many(&platform, 401);
    assert_eq!(reconcile(&platform, 1100, "ok").await["retried"], 401);
}
