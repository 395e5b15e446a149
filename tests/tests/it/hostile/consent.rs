//! Cards that want the customer's consent (3-D Secure), by the gateway's documented test methods.

use super::totals::{place, settle_after};
use adapters::{Wiring, config::Config};
use domain::{
    order::{Order, PENDING_TIMEOUT_SECONDS, Reason},
    payment::{Payment, Status},
};
use edge::{Clock, testing};
use serde_json::Value;
use std::time::Duration;
use testkit::{Platform, WebhookVerifier, build, ids};

const METHODS: [&str; 2] = ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"];

/// A platform with an order that waits for its customer.
async fn waiting(method: &str) -> Platform {
    let platform = Platform::new();
    place(&platform, &build::order().line(1, 2).method(method)).await;
    let (order, payment) = (order(&platform), payment(&platform));
    assert_eq!((order.reason, payment.status), (Some(Reason::AwaitingCustomer), Status::RequiresAction));
    platform
}

fn order(platform: &Platform) -> Order {
    platform.orders().all().remove(0)
}

fn payment(platform: &Platform) -> Payment {
    platform.payments().for_order(order(platform).id).expect("a payment")
}

/// Delivers every webhook of the gateway, also those that were delivered before.
async fn deliver_webhooks(platform: &Platform) {
    let route = Wiring::new(catalog::PAYMENT_WEBHOOK, Config::from_vars([])).route().expect("a route");
    let clock = Clock::at(build::noon(), 11);
    let (payments, webhooks, gateway) = (platform.payments(), platform.webhook_verifier(), platform.gateway());
    for event in gateway.events_after(0) {
        let request = testing::http_event("POST", "/api/v1/webhooks/payments")
            .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
            .body(WebhookVerifier::body(&event))
            .build();
        let handler = async |call| payment_webhook::handle(&payments, &webhooks, &gateway, call).await;
        assert_eq!(edge::http::respond(&route, request, &clock, &handler).await["statusCode"], 204);
    }
}

#[tokio::test]
async fn order_waits_for_the_customer_and_the_owner_gets_what_the_client_needs() {
    for method in METHODS {
        let platform = waiting(method).await;
        let route = Wiring::new(catalog::PAYMENT_GET, Config::from_vars([])).route().expect("a route");
        let clock = Clock::at(build::noon(), 5);
        let seen = async |user: kernel::Uuid, role: &str| {
            let id = payment(&platform).id;
            let request = testing::http_event("GET", &catalog::PAYMENT_GET.path_of(id)).path_param("id", id);
            let handler = async |call| payment_get::handle(&platform.payments(), call).await;
            let response = edge::http::respond(&route, request.principal(user, role).build(), &clock, &handler).await;
            serde_json::from_str::<Value>(response["body"].as_str().expect("a body")).expect("JSON")
        };
        let shown = seen(ids::user(1).0, catalog::role::CUSTOMER).await;
        assert_eq!(shown["status"], "requires_action");
        assert!(shown["next_action"]["client_secret"].as_str().is_some_and(|secret| !secret.is_empty()), "{shown}");
        assert_eq!(seen(ids::user(9).0, catalog::role::STAFF).await["next_action"], Value::Null, "for the owner only");
        assert!(platform.bus().published().iter().all(|event| !format!("{event:?}").contains("_secret")));
    }
}

#[tokio::test]
async fn consent_that_arrives_by_webhook_confirms_the_order() {
    let platform = waiting(METHODS[0]).await;
    platform.gateway().authenticate(&payment(&platform), true);
    settle_after(&platform, async || deliver_webhooks(&platform).await).await;
    assert_eq!((order(&platform).status.name(), payment(&platform).status), ("processing", Status::Succeeded));
    assert_eq!((platform.gateway().charges().len(), payment(&platform).action), (1, None));
}

#[tokio::test]
async fn refusal_that_arrives_by_webhook_lets_the_customer_pay_again() {
    let platform = waiting(METHODS[1]).await;
    platform.gateway().authenticate(&payment(&platform), false);
    settle_after(&platform, async || deliver_webhooks(&platform).await).await;
    assert_eq!((order(&platform).reason, payment(&platform).status), (Some(Reason::PaymentDeclined), Status::Failed));
}

#[tokio::test]
async fn consent_whose_webhook_is_lost_is_found_by_asking() {
    let platform = waiting(METHODS[0]).await;
    platform.gateway().authenticate(&payment(&platform), true);
    let clock = Clock::at(payment(&platform).attempted_at + Duration::from_secs(601), 13);
    let handler = async |tick| payment_reconcile::handle(&platform.payments(), &platform.gateway(), tick).await;
    let event = testing::schedule_event(clock.now());
    settle_after(&platform, async || {
        let summary = edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &clock, &handler).await;
        assert_eq!(summary.expect("a summary")["resolved"], 1);
    })
    .await;
    assert_eq!((order(&platform).status.name(), payment(&platform).status), ("processing", Status::Succeeded));
}

#[tokio::test]
async fn order_without_consent_expires_and_releases_its_stock() {
    let platform = waiting(METHODS[0]).await;
    let after = Duration::from_secs(PENDING_TIMEOUT_SECONDS.unsigned_abs() + 1);
    let clock = Clock::at(order(&platform).created_at + after, 17);
    let event = testing::schedule_event(clock.now());
    settle_after(&platform, async || {
        let handler = async |tick| order_sweep::handle(&platform.orders(), &platform.orders(), tick).await;
        let summary = edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &clock, &handler).await;
        assert_eq!(summary.expect("a summary")["cancelled"], 1);
    })
    .await;
    assert_eq!((order(&platform).status.name(), order(&platform).reason), ("cancelled", Some(Reason::TimedOut)));
    assert!(payment(&platform).closed);
    let level = platform.stock().levels().remove(0);
    assert_eq!((level.available, level.reserved), (10, 0));
    // The customer consents after all: the charge is refunded.
    platform.gateway().authenticate(&payment(&platform), true);
    settle_after(&platform, async || deliver_webhooks(&platform).await).await;
    assert_eq!((order(&platform).status.name(), payment(&platform).refunds.len()), ("cancelled", 1));
}
