//! Reports of refunds in every order: whatever comes first, the payment and the ledger end as the gateway has them.

use super::*;
use domain::ledger::Purpose;
use edge::http::{Access, Route, respond};
use ports::GatewayEvent;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::WebhookVerifier;

const WEBHOOK: Route = Route::new(catalog::PAYMENT_WEBHOOK.name, Access::Public);

/// Delivers a report in an invocation with ids of its own.
async fn report(platform: &Platform, event: &GatewayEvent) {
    static INVOCATIONS: AtomicU64 = AtomicU64::new(100);
    let clock = Clock::at(sample_time(), INVOCATIONS.fetch_add(1, Ordering::Relaxed));
    let request = edge::testing::http_event("POST", "/api/v1/webhooks/payments")
        .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
        .body(WebhookVerifier::body(event))
        .build();
    let handler = async |call| {
        payment_webhook::handle(&platform.payments(), &platform.webhook_verifier(), &platform.gateway(), call).await
    };
    assert_eq!(respond(&WEBHOOK, request, &clock, &handler).await["statusCode"], 204);
}

/// A paid order whose refund of 70 in the dashboard was returned by the bank, with a refund of everything after that; and the reports of all
/// three.
async fn refunded_returned_and_refunded() -> (Platform, Vec<GatewayEvent>) {
    let platform = paid().await;
    let gateway = platform.gateway();
    let (charge, known) = (gateway.charges().remove(0), gateway.events_after(0).len());
    gateway.refund_in_dashboard(&charge.transaction_id, build::usd(70), sample_time());
    gateway.return_refund(&gateway.refunds()[0].transaction_id, "expired_or_canceled_card");
    gateway.refund_in_dashboard(&charge.transaction_id, charge.amount, sample_time());
    (platform, gateway.events_after(known))
}

fn assert_refunded_once(platform: &Platform, order: &[usize]) {
    let payment = payment_of_order(platform);
    let posted = |purpose| platform.ledger().transfers().iter().filter(|transfer| transfer.purpose == purpose).count();
    assert_eq!((payment.status, payment.refunded()), (Status::Refunded, 3998), "{order:?}");
    assert_eq!(payment.mismatches, [], "{order:?}");
    assert_eq!(posted(Purpose::Refund) - posted(Purpose::RefundReversal), 1, "{order:?}");
}

#[tokio::test]
async fn reports_of_refunds_in_any_order_lose_none() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (platform, events) = refunded_returned_and_refunded().await;
        for n in order {
            report(&platform, &events[n]).await;
            report(&platform, &events[n]).await;
        }
        assert_refunded_once(&platform, &order);
    }
}

/// Stripe's older events say that a charge was refunded and not which refund: the gateway is asked, and lists the newest first.
#[tokio::test]
async fn report_without_refunds_reads_the_returned_ones_first() {
    let (platform, events) = refunded_returned_and_refunded().await;
    report(&platform, &events[0]).await;
    let mut unspecific = events[2].clone();
    let ports::GatewayReport::Refunds { refunds, .. } = &mut unspecific.report else { panic!("a refund") };
    *refunds = None;
    report(&platform, &unspecific).await;
    assert_refunded_once(&platform, &[0, 2]);
}

#[tokio::test]
async fn refund_of_ours_is_recorded_before_the_return_that_left_room_for_it() {
    let platform = paid().await;
    let gateway = platform.gateway();
    let requested =
        payment::request_refund(&payment_of_order(&platform), REFUND, None, RefundReason::Duplicate, sample_time());
    platform.payments().put(&requested.expect("allowed").payment);
    let (charge, known) = (gateway.charges().remove(0), gateway.events_after(0).len());
    gateway.refund_in_dashboard(&charge.transaction_id, build::usd(70), sample_time());
    gateway.return_refund(&gateway.refunds()[0].transaction_id, "expired_or_canceled_card");
    let events = gateway.events_after(known);
    report(&platform, &events[0]).await;
    deliver(catalog::PAYMENT_REFUND, &super::super::consumers::USUAL, &platform, async |delivery| {
        payment_refund::handle(&platform.payments(), &gateway, &platform.circuit_breaker(), delivery).await
    })
    .await;
    assert_refunded_once(&platform, &[0]);
    report(&platform, &events[1]).await;
    assert_refunded_once(&platform, &[0, 1]);
}
