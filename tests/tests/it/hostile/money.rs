//! Signed webhooks whose content does not fit what was asked for, in the shape of Stripe's published objects
//! (<https://docs.stripe.com/api/events/object>), through the real verifier and the real handler.

use crate::functions::{ORDER, PAYMENT, USER, sample_time};
use adapters_stripe::StripeWebhooks;
use adapters_testkit::server::{listener, secret, serve};
use aws_lc_rs::hmac;
use domain::{
    event::StockReserved,
    id::RefundId,
    payment::{
        self, ChargeOutcome, Payment, RefundOutcome, RefundReason, RefundStatus, ReportedTransaction, StatedAmount,
        Status,
    },
    text::PaymentMethod,
};
use edge::{
    Clock,
    http::{Access, Route},
    testing,
};
use kernel::Uuid;
use ports::{Gateway as _, PaymentStore as _};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Platform, build};

const SECRET: &str = "whsec_3kVbH1q8ZpXn";
const WEBHOOK: Route = Route::new(catalog::PAYMENT_WEBHOOK.name, Access::Public);
/// Ids of one request are those of no other.
static SEED: AtomicU64 = AtomicU64::new(1);
const STRANGER: &str = "0192f0c1-0000-7000-8000-00000000dead";

/// Sends a signed body. Returns the status.
async fn send_text(platform: &Platform, body: &str) -> u64 {
    let (listener, url) = listener().await;
    let webhooks = StripeWebhooks::new(secret(&url));
    let time = sample_time().as_second();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let digest = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = testing::http_event("POST", "/api/v1/webhooks/payments")
        .header("stripe-signature", &format!("t={time},v1={digest}"))
        .text(body)
        .build();
    let stored = json!({ "SecretString": SECRET }).to_string();
    let handler =
        async |call| payment_webhook::handle(&platform.payments(), &webhooks, &platform.gateway(), call).await;
    let clock = Clock::at(sample_time(), SEED.fetch_add(1, Ordering::Relaxed));
    let responses = [(200, stored.as_str())];
    let (_, response) =
        futures_util::join!(serve(listener, &responses), edge::http::respond(&WEBHOOK, request, &clock, &handler));
    response["statusCode"].as_u64().expect("a status")
}

pub(super) async fn send(platform: &Platform, event: &Value) -> u64 {
    send_text(platform, &event.to_string()).await
}

/// An event of Stripe about `object`.
pub(super) fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({
        "id": id, "object": "event", "api_version": "2025-03-31.basil", "created": sample_time().as_second(),
        "data": { "object": object }, "livemode": false, "pending_webhooks": 1, "type": kind,
        "request": { "id": null, "idempotency_key": null },
    })
}

/// A succeeded payment intent of the first attempt of the samples' payment.
pub(super) fn intent(received: i64, currency: &str) -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "amount": received, "amount_capturable": 0, "amount_received": received,
        "capture_method": "automatic", "client_secret": "pi_1_secret_x", "confirmation_method": "automatic",
        "currency": currency, "latest_charge": "ch_1", "last_payment_error": null, "livemode": false,
        "metadata": { "order_id": ORDER, "payment_id": PAYMENT, "attempt": "1" }, "next_action": null,
        "payment_method": "pm_1", "payment_method_types": ["card"], "status": "succeeded",
    })
}

/// The payment of the samples, 39.98 USD, in its first attempt.
pub(super) fn pending() -> Payment {
    let reserved = StockReserved {
        order_id: ORDER,
        user_id: USER,
        amount: build::usd(3998),
        payment_method: PaymentMethod::parse("pm_card_visa").expect("a token"),
        lines: vec![],
        levels: vec![],
    };
    payment::begin(PAYMENT, &reserved, sample_time())
}

fn concluded(outcome: &ChargeOutcome) -> Payment {
    let change = payment::record_charge_outcome(&pending(), 1, outcome, RefundId(Uuid::nil()), sample_time());
    change.expect("allowed").expect("a transition").payment
}

fn failed() -> Payment {
    concluded(&ChargeOutcome::Declined("card_declined".to_owned()))
}

pub(super) fn with(payment: &Payment) -> Platform {
    let platform = Platform::new();
    platform.payments().put(payment);
    platform
}

/// The payment's status and the published events.
pub(super) fn state(platform: &Platform) -> (Status, Vec<&'static str>) {
    let payment = platform.payments().for_order(ORDER).expect("a payment");
    (payment.status, platform.bus().published().iter().map(|event| event.event.row().name).collect())
}

#[tokio::test]
async fn charge_of_another_amount_or_currency_confirms_nothing() {
    for before in [pending(), failed()] {
        for (received, currency) in [(1, "jpy"), (3998, "eur"), (3997, "usd"), (3999, "usd"), (0, "usd"), (-1, "huf")] {
            let platform = with(&before);
            let event = self::event("evt_1", "payment_intent.succeeded", intent(received, currency));
            assert_eq!(send(&platform, &event).await, 204, "{received} {currency}");
            let expected = (before.status, vec!["PaymentMismatched.v1"]);
            assert_eq!(state(&platform), expected, "{received} {currency}");
            let listed = platform.payments().mismatched(10, None).await.expect("a response").items;
            let [mismatch] = &listed[0].mismatches[..] else { panic!("{:?}", listed[0].mismatches) };
            let answered = Some(StatedAmount::new(received, currency));
            assert_eq!((mismatch.asked, &mismatch.answered), (build::usd(3998), &answered), "staff sees both amounts");
            assert_eq!((send(&platform, &event).await, state(&platform)), (204, expected), "sent again");
            let right = self::event("evt_2", "payment_intent.succeeded", intent(3998, "usd"));
            assert_eq!((send(&platform, &right).await, state(&platform).0), (204, Status::Succeeded));
        }
    }
}

#[tokio::test]
async fn genuine_event_that_is_not_for_this_platform_is_acknowledged() {
    let mut foreign = intent(3998, "usd");
    foreign["metadata"]["payment_id"] = STRANGER.into();
    let mut newer = event("evt_1", "payment_intent.succeeded", json!([intent(3998, "usd")]));
    newer["api_version"] = "2031-01-01.future".into();
    for (what, event) in [
        ("another environment on the same account", event("evt_1", "payment_intent.succeeded", foreign)),
        ("a newer version of the API", newer),
        ("an unknown type", json!({ "id": "evt_1", "object": "event", "type": "tax.settings.updated" })),
        ("no type", json!({ "id": "evt_1", "object": "event" })),
        (
            "a thin event",
            json!({
                "id": "evt_1", "object": "v2.core.event", "type": "v2.core.account.updated", "livemode": false,
                "created": "2026-11-21T08:48:00.000Z",
                "related_object": { "id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1" },
            }),
        ),
        (
            "a thin event about a payment",
            json!({
                "id": "evt_1", "object": "v2.core.event", "type": "payment_intent.succeeded",
                "related_object": { "id": "pi_1", "type": "payment_intent", "url": "/v1/payment_intents/pi_1" },
            }),
        ),
    ] {
        let platform = with(&pending());
        assert_eq!(send(&platform, &event).await, 204, "{what}");
        assert_eq!(state(&platform), (Status::Pending, vec![]), "{what}");
    }
    assert_eq!(send_text(&with(&pending()), "{\"id\":").await, 400, "it is not JSON");
}

/// A platform on which the payment of the samples has succeeded; the gateway's id of the charge is `pi_000001`.
pub(super) async fn paid() -> Platform {
    let platform = with(&pending());
    let outcome = platform.gateway().charge(&pending()).await.expect("a response");
    platform.payments().put(&concluded(&outcome));
    platform
}

/// A refund in the shape of Stripe's published object.
pub(super) fn refund(id: &str, minor: i64, status: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": minor, "balance_transaction": "txn_1", "charge": "ch_1",
        "created": sample_time().as_second(), "currency": "usd", "destination_details": { "card": { "type": "refund" } },
        "metadata": {}, "payment_intent": "pi_000001", "reason": null, "receipt_number": null, "status": status,
    })
}

/// The charge of the samples' payment, in the shape of Stripe's published object.
fn charge(refunded: i64) -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 3998, "amount_captured": 3998, "amount_refunded": refunded,
        "captured": true, "currency": "usd", "disputed": false, "livemode": false,
        "metadata": { "order_id": ORDER, "payment_id": PAYMENT, "attempt": "1" }, "paid": true,
        "payment_intent": "pi_000001", "refunded": refunded == 3998, "status": "succeeded",
    })
}

/// Status and refunded amount of the payment, and the balance of the ledger at the gateway.
fn money(platform: &Platform) -> (Status, i64, i64) {
    let payment = platform.payments().for_order(ORDER).expect("a payment");
    let gateway = domain::ledger::LedgerAccount::Gateway;
    let balance = platform.ledger().balances().get(&(gateway, "USD")).copied().unwrap_or_default();
    (payment.status, payment.refunded(), balance)
}

#[tokio::test]
async fn dashboard_refund_is_posted_once_in_any_order_of_webhooks() {
    let created = event("evt_1", "refund.created", refund("re_1", 1000, "succeeded"));
    let updated = event("evt_2", "refund.updated", refund("re_1", 1000, "succeeded"));
    let mut with_list = charge(1000);
    with_list["refunds"] = json!({ "object": "list", "data": [refund("re_1", 1000, "succeeded")], "has_more": false });
    let charged = event("evt_3", "charge.refunded", with_list);
    for told in [[&created, &updated, &charged], [&charged, &created, &created], [&updated, &charged, &charged]] {
        let platform = paid().await;
        for event in told {
            assert_eq!(send(&platform, event).await, 204);
            assert_eq!(money(&platform), (Status::PartiallyRefunded, 1000, -1000), "{}", event["type"]);
        }
        assert_eq!(state(&platform).1, ["PaymentRefunded.v1"]);
        let rest = event("evt_4", "refund.created", refund("re_2", 2998, "pending"));
        assert_eq!((send(&platform, &rest).await, money(&platform)), (204, (Status::Refunded, 3998, -3998)));
    }
}

#[tokio::test]
async fn refunded_charge_without_its_refunds_asks_the_gateway() {
    let platform = paid().await;
    platform.gateway().refund_in_dashboard("pi_000001", build::usd(1000), sample_time());
    let told = event("evt_1", "charge.refunded", charge(1000));
    for _ in 0..2 {
        assert_eq!((send(&platform, &told).await, money(&platform)), (204, (Status::PartiallyRefunded, 1000, -1000)));
    }
}

#[tokio::test]
async fn refund_of_this_platform_reported_by_webhook_is_not_posted_twice() {
    let platform = paid().await;
    let id = RefundId(Uuid::from_u128(7));
    let payment = platform.payments().for_order(ORDER).expect("a payment");
    let requested =
        payment::request_refund(&payment, id, Some(build::usd(1000)), RefundReason::Duplicate, sample_time());
    let requested = requested.expect("allowed").payment;
    platform.payments().put(&requested);
    let mut object = refund("re_1", 1000, "succeeded");
    object["metadata"] = json!({ "refund_id": id, "payment_id": PAYMENT, "order_id": ORDER });
    let told = event("evt_1", "refund.created", object);
    assert_eq!((send(&platform, &told).await, money(&platform)), (204, (Status::PartiallyRefunded, 1000, -1000)));
    let now = platform.payments().for_order(ORDER).expect("a payment");
    assert_eq!((now.refunds.len(), now.refunds[0].status), (1, RefundStatus::Succeeded));
    let response = RefundOutcome::Refunded(ReportedTransaction::new("re_1", build::usd(1000)));
    assert_eq!(
        payment::record_refund_outcome(&now, id, &response, sample_time()),
        Ok(None),
        "the response arrives late"
    );
}

#[tokio::test]
async fn refund_that_fails_after_it_succeeded_is_reversed() {
    let platform = paid().await;
    let created = event("evt_1", "refund.created", refund("re_1", 3998, "succeeded"));
    assert_eq!((send(&platform, &created).await, money(&platform)), (204, (Status::Refunded, 3998, -3998)));
    let mut object = refund("re_1", 3998, "failed");
    object["failure_reason"] = "expired_or_canceled_card".into();
    for kind in ["refund.failed", "refund.updated", "charge.refund.updated"] {
        let failed = event("evt_2", kind, object.clone());
        assert_eq!((send(&platform, &failed).await, money(&platform)), (204, (Status::Succeeded, 0, 0)), "{kind}");
    }
    assert_eq!((send(&platform, &created).await, money(&platform).1), (204, 0), "an older event arrives late");
    assert_eq!(state(&platform).1, ["PaymentRefunded.v1", "RefundFailed.v1"]);
}

#[tokio::test]
async fn reported_refund_that_cannot_be_of_the_charge_is_for_review() {
    let mut euro = refund("re_1", 1000, "succeeded");
    euro["currency"] = "eur".into();
    for (what, object) in [("another currency", euro), ("more than was charged", refund("re_1", 3999, "succeeded"))] {
        let platform = paid().await;
        let told = event("evt_1", "refund.created", object);
        assert_eq!((send(&platform, &told).await, money(&platform)), (204, (Status::Succeeded, 0, 0)), "{what}");
        assert_eq!(state(&platform).1, ["PaymentMismatched.v1"], "{what}");
    }
    let platform = paid().await;
    let mut foreign = refund("re_1", 1000, "succeeded");
    foreign["payment_intent"] = "pi_of_another_system".into();
    let told = event("evt_1", "refund.created", foreign);
    assert_eq!((send(&platform, &told).await, money(&platform)), (204, (Status::Succeeded, 0, 0)));
}
