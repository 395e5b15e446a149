//! Attempts that the customer consents to in a page that was left open, after another attempt began.

use super::*;
use domain::ledger::Purpose;
use edge::http::{Access, Route, respond};
use testkit::WebhookVerifier;

const WEBHOOK: Route = Route::new(catalog::PAYMENT_WEBHOOK.name, Access::Public);

/// Delivers every report of the gateway, also those that were delivered before. The statuses of the responses.
async fn deliver_reports(platform: &Platform) -> Vec<i64> {
    let mut statuses = Vec::new();
    for (n, event) in (100..).zip(platform.gateway().events_after(0)) {
        let request = edge::testing::http_event("POST", "/api/v1/webhooks/payments")
            .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
            .body(WebhookVerifier::body(&event))
            .build();
        let handler = async |call| {
            payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), &platform.gateway(), call).await
        };
        let response = respond(&WEBHOOK, request, &Clock::at(sample_time(), n), &handler).await;
        statuses.push(response["statusCode"].as_i64().expect("a status"));
    }
    statuses
}

/// Begins another attempt with this payment method.
fn retry(platform: &Platform, method: &str) {
    let method = PaymentMethod::parse(method).expect("a token");
    let again = payment::retry_payment(&payment_of_order(platform), method, sample_time());
    platform.payments().put(&again.expect("allowed").payment);
}

/// Delivers the request of the last attempt to payment-charge.
async fn charge(platform: &Platform) {
    let handler = async |delivery| {
        let limit = domain::payment::AttemptLimit::default();
        payment_charge::handle(&platform.payments(), &platform.gateway(), &platform.circuit_breaker(), limit, delivery)
            .await
    };
    let attempt = payment_of_order(platform).attempts;
    let requested = PaymentRequested { payment_id: PAYMENT, order_id: ORDER, attempt };
    let event = edge::testing::sqs_event(&[&build::event(attempt.into(), requested)]);
    let consumer = edge::Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
}

/// A platform whose payment failed because the customer refused the first attempt; and that attempt, which the search does not show yet.
async fn refused() -> (Platform, Payment) {
    let platform = with(&pending_payment("pm_card_authenticationRequired"));
    charge(&platform).await;
    let first = payment_of_order(&platform);
    assert_eq!(first.status, Status::RequiresAction);
    platform.gateway().authenticate(&first, false);
    deliver_reports(&platform).await;
    assert_eq!(payment_of_order(&platform).status, Status::Failed);
    platform.gateway().delay_search(true);
    (platform, first)
}

fn posted(platform: &Platform, purpose: Purpose) -> usize {
    platform.ledger().transfers().iter().filter(|transfer| transfer.purpose == purpose).count()
}

#[tokio::test]
async fn consent_to_an_earlier_attempt_pays_the_order_if_the_last_one_was_declined() {
    let (platform, first) = refused().await;
    retry(&platform, "pm_card_visa_chargeDeclined");
    charge(&platform).await;
    assert!(platform.gateway().consent_in_open_page(&first));
    for _ in 0..2 {
        assert!(deliver_reports(&platform).await.iter().all(|status| *status == 204));
    }
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.attempts), (Status::Succeeded, 2));
    assert_eq!(payment.transaction_id, Some(platform.gateway().charges()[0].transaction_id.clone()));
    assert_eq!((posted(&platform, Purpose::Charge), payment.refundable()), (1, 3998));
}

#[tokio::test]
async fn consent_to_an_earlier_attempt_of_a_cancelled_order_is_refunded() {
    let (platform, first) = refused().await;
    retry(&platform, "pm_card_visa_chargeDeclined");
    charge(&platform).await;
    let closed = payment::close(&payment_of_order(&platform), REFUND, sample_time()).expect("a transition").payment;
    platform.payments().put(&closed);
    assert!(platform.gateway().consent_in_open_page(&first));
    deliver_reports(&platform).await;
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.refunds.len()), (Status::Succeeded, 1));
    assert_eq!(payment.refunds[0].reason, RefundReason::OrderCancelled);
}

#[tokio::test]
async fn consent_to_an_earlier_attempt_waits_for_the_result_of_the_last_one() {
    let (platform, first) = refused().await;
    retry(&platform, "pm_card_visa_chargeDeclined");
    assert!(platform.gateway().consent_in_open_page(&first));
    assert_eq!(deliver_reports(&platform).await.last(), Some(&503), "the gateway sends it again");
    assert_eq!(payment_of_order(&platform).status, Status::Pending);
    charge(&platform).await;
    assert!(deliver_reports(&platform).await.iter().all(|status| *status == 204));
    assert_eq!(payment_of_order(&platform).status, Status::Succeeded);
}

#[tokio::test]
async fn second_charge_of_a_payment_is_refunded_once_and_both_are_posted() {
    let (platform, first) = refused().await;
    retry(&platform, "pm_card_visa");
    charge(&platform).await;
    assert!(platform.gateway().consent_in_open_page(&first));
    for _ in 0..3 {
        assert!(deliver_reports(&platform).await.iter().all(|status| *status == 204));
        let refunded: Vec<_> = platform.gateway().refunds().into_iter().map(|one| (one.charge, one.amount)).collect();
        assert_eq!(refunded, [(platform.gateway().charges()[1].transaction_id.clone(), build::usd(3998))]);
        assert_eq!((posted(&platform, Purpose::Charge), posted(&platform, Purpose::Refund)), (2, 1));
    }
    let payment = payment_of_order(&platform);
    assert_eq!((payment.status, payment.refundable()), (Status::Succeeded, 3998), "the order is paid once");
    assert_eq!(payment.transaction_id, Some(platform.gateway().charges()[0].transaction_id.clone()));
}

#[tokio::test]
async fn earlier_attempt_is_cancelled_before_another_one_is_charged() {
    let (platform, first) = refused().await;
    platform.gateway().delay_search(false);
    retry(&platform, "pm_card_visa");
    charge(&platform).await;
    assert!(!platform.gateway().consent_in_open_page(&first));
    assert_eq!((payment_of_order(&platform).status, platform.gateway().charges().len()), (Status::Succeeded, 1));
}

#[tokio::test]
async fn attempt_is_charged_although_earlier_ones_cannot_be_cancelled() {
    let (platform, _) = refused().await;
    retry(&platform, "pm_card_visa");
    platform.faults().fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::Before);
    charge(&platform).await;
    assert_eq!(
        (payment_of_order(&platform).status, platform.circuit_breaker().circuit().failures),
        (Status::Succeeded, 0)
    );
}
