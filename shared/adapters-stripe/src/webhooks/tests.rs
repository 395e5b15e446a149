//! Verification of signatures and parsing of events.
//!
//! The digests were computed with Python's `hmac.new(secret, f"{time}.{body}".encode(), "sha256").hexdigest()`.

mod vectors;

use super::*;
use adapters_testkit::server::{secret, serve};
use domain::id::RefundId;
use domain::payment::{
    DisputeStatus, DisputeTransfer, ReportedDispute, ReportedRefund, ReportedTransaction, StatedAmount,
};
use ports::WebhookVerifier;
use tokio::net::TcpListener;

const SECRET: &str = r#"{"SecretString":"whsec_3kVbH1q8ZpXn"}"#;
const OTHER_SECRET: &str = r#"{"SecretString":"whsec_another"}"#;
const SIGNED_AT: i64 = 1_763_712_000;
const BODY: &str = r#"{"id":"evt_1Paid","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","status":"succeeded","metadata":{"payment_id":"0192f0c1-2345-7abc-8def-0123456789ab","attempt":"2","order_id":"0192f0c1-2345-7abc-8def-0123456789ac"}}}}"#;
const DIGEST: &str = "82d1c6af8e67b789516f3e7e7b2186da754fcf5d9a1681a94cd6327fe995084e";
const OTHER_DIGEST: &str = "06db357dd9cd5541a87ddddd6fd9785809b30faa057fe7416331db68c3af9ce5";

fn header(digest: &str) -> String {
    format!("t={SIGNED_AT},v1={digest}")
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(SIGNED_AT + seconds).unwrap()
}

type Read = Result<Option<GatewayEvent>, Failure>;

/// Verifies `requests`, each a header and a body, at `now`. The server returns `secrets` in order, each once.
async fn read(secrets: &[&str], now: Timestamp, requests: &[(Option<&str>, &str)]) -> Vec<Read> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhooks = StripeWebhooks::new(secret(&format!("http://{}", listener.local_addr().unwrap())));
    let responses: Vec<_> = secrets.iter().map(|text| (200, *text)).collect();
    let reading = async {
        let mut read = Vec::new();
        for (signature, body) in requests {
            read.push(webhooks.verify(*signature, body.as_bytes(), now).await);
        }
        read
    };
    let (_, read) = futures_util::join!(serve(listener, &responses), reading);
    read
}

async fn read_one(now: Timestamp, signature: &str, body: &str) -> Read {
    read(&[SECRET], now, &[(Some(signature), body)]).await.remove(0)
}

fn paid() -> GatewayEvent {
    GatewayEvent {
        id: "11c23518-a9c0-8a87-941b-73e0f03b506b".parse().unwrap(),
        // The body, whose digest is fixed, states no amount.
        report: of_attempt(ChargeOutcome::Charged(ReportedTransaction {
            transaction_id: "pi_1".to_owned(),
            amount: None,
        })),
    }
}

fn of_attempt(outcome: ChargeOutcome) -> GatewayReport {
    let payment_id = PaymentId("0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap());
    GatewayReport::Charge { payment_id, attempt: 2, outcome }
}

fn assert_forged(outcome: &Read, why: &str) {
    let failure = outcome.as_ref().unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Unauthenticated, "signature-invalid"), "{why}");
}

#[tokio::test]
async fn signed_event_is_accepted() {
    assert_eq!(read_one(after(0), &header(DIGEST), BODY).await, Ok(Some(paid())));
}

#[tokio::test]
async fn one_matching_signature_suffices_and_other_schemes_are_ignored() {
    for header in [
        format!("t={SIGNED_AT},v1={OTHER_DIGEST},v1={DIGEST}"),
        format!("t={SIGNED_AT},v1={DIGEST},v1={OTHER_DIGEST},v0={OTHER_DIGEST}"),
        format!("t={SIGNED_AT}, v1=xyz, v1={DIGEST}, nonsense"),
    ] {
        assert_eq!(read_one(after(0), &header, BODY).await, Ok(Some(paid())), "{header}");
    }
    let other_scheme = format!("t={SIGNED_AT},v0={DIGEST}");
    assert_forged(&read(&[], after(0), &[(Some(&other_scheme), BODY)]).await[0], "v0 is not v1");
}

#[tokio::test]
async fn changed_body_secret_or_time_is_rejected() {
    assert_forged(&read_one(after(0), &header(DIGEST), &BODY.replace("pi_1", "pi_2")).await, "body");
    assert_forged(&read_one(after(0), &header(OTHER_DIGEST), BODY).await, "secret");
    assert_forged(&read_one(after(0), &format!("t={},v1={DIGEST}", SIGNED_AT + 1), BODY).await, "time");
    assert_forged(&read_one(after(0), &format!("t=0{SIGNED_AT},v1={DIGEST}"), BODY).await, "the way it is written");
}

#[tokio::test]
async fn signature_outside_the_time_tolerance_is_rejected() {
    for seconds in [-300, 300] {
        assert_eq!(read_one(after(seconds), &header(DIGEST), BODY).await, Ok(Some(paid())), "{seconds}");
    }
    for seconds in [-301, 301] {
        assert_forged(&read(&[], after(seconds), &[(Some(&header(DIGEST)), BODY)]).await[0], "another time");
    }
}

#[tokio::test]
async fn malformed_signature_is_rejected_without_reading_the_secret() {
    let cut = header(&DIGEST[..62]);
    let signed = header(&DIGEST.replace("82", "+2"));
    let garbage = [
        "",
        "t=,v1=",
        "v1",
        &cut,
        &signed,
        &format!("v1={DIGEST}"),
        &format!("t=9999999999999999999999,v1={DIGEST}"),
        &format!("t=soon,v1={DIGEST}"),
        &format!("t={},v1={DIGEST}", i64::MIN),
    ];
    let mut requests: Vec<_> = garbage.into_iter().map(|header| (Some(header), BODY)).collect();
    requests.push((None, BODY));
    for (outcome, (header, _)) in read(&[], after(0), &requests).await.iter().zip(&requests) {
        assert_forged(outcome, &format!("{header:?}"));
    }
}

#[tokio::test]
async fn unset_secret_is_an_internal_error() {
    let responses = read(&[r#"{"SecretString":"unset"}"#], after(0), &[(Some(&header(DIGEST)), BODY)]).await;
    assert_eq!(responses[0].as_ref().unwrap_err().kind, FailureKind::Internal);
}

#[tokio::test]
async fn rotated_secret_is_read_again_at_most_once_a_minute() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhooks = StripeWebhooks::new(secret(&format!("http://{}", listener.local_addr().unwrap())));
    let (forged, good) = (header(DIGEST), header(OTHER_DIGEST));
    let read = async |header: &str| webhooks.verify(Some(header), BODY.as_bytes(), after(0)).await;
    let wait_a_minute = async || {
        let mut cached = webhooks.cached.lock().await;
        *cached.as_mut().unwrap().read_again_at.as_mut().unwrap() -= MIN_BETWEEN_READS;
    };
    let reading = async {
        assert!(read(&forged).await.is_ok(), "it is the old secret's");
        assert!(read(&good).await.is_ok(), "the secret is read again at once");
        assert_forged(&read(&forged).await, "and not again");
        assert!(read(&good).await.is_ok());
        wait_a_minute().await;
        assert_forged(&read(&forged).await, "it is read again, and forged all the same");
        assert_forged(&read(&forged).await, "and not again");
    };
    let responses = [(200, SECRET), (200, OTHER_SECRET), (200, OTHER_SECRET)];
    let (asked, ()) = futures_util::join!(serve(listener, &responses), reading);
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn previous_secret_is_accepted_beside_the_current_one() {
    let both = r#"{"SecretString":"whsec_another\nwhsec_3kVbH1q8ZpXn\n"}"#;
    let (old, new) = (header(DIGEST), header(OTHER_DIGEST));
    let requests = [(Some(&*old), BODY), (Some(&*new), BODY)];
    for outcome in read(&[both], after(0), &requests).await {
        assert_eq!(outcome, Ok(Some(paid())));
    }
}

#[tokio::test]
async fn secret_rotated_under_load_rejects_no_genuine_event() {
    let (listener, url) = adapters_testkit::server::listener().await;
    let functions: Vec<_> = (0..4).map(|_| StripeWebhooks::new(secret(&url))).collect();
    let (old, new) = (header(DIGEST), header(OTHER_DIGEST));
    let stored = std::cell::RefCell::new(SECRET);
    let verify = async |signature: &str| {
        for function in &functions {
            let outcome = function.verify(Some(signature), BODY.as_bytes(), after(0)).await;
            assert_eq!(outcome, Ok(Some(paid())), "{signature}");
        }
    };
    let load = async {
        verify(&old).await;
        // The new secret is stored beside the old one, and then the gateway signs with it, events that it repeats included.
        *stored.borrow_mut() = r#"{"SecretString":"whsec_another whsec_3kVbH1q8ZpXn"}"#;
        for signature in [&old, &new, &old, &new, &new] {
            verify(signature).await;
        }
        *stored.borrow_mut() = OTHER_SECRET;
        verify(&new).await;
    };
    tokio::select! {
        () = adapters_testkit::server::respond(listener, |_| (200, (*stored.borrow()).to_owned())) => unreachable!("it never ends"),
        () = load => {}
    }
}

#[test]
fn declined_charge_is_an_event_with_its_code() {
    let body = BODY
        .replace("payment_intent.succeeded", "payment_intent.payment_failed")
        .replace(r#""status":"succeeded""#, r#""status":"requires_payment_method","last_payment_error":{"code":"card_declined","decline_code":"do_not_honor"}"#);
    let report = of_attempt(ChargeOutcome::Declined("do_not_honor".to_owned()));
    assert_eq!(parse_event(body.as_bytes()), Ok(Some(GatewayEvent { report, ..paid() })));
}

#[test]
fn charge_carries_the_amount_that_was_received() {
    let body = BODY.replace(r#""status""#, r#""amount":1999,"amount_received":1,"currency":"jpy","status""#);
    let amount = Some(StatedAmount::new(1, "JPY"));
    let report = of_attempt(ChargeOutcome::Charged(ReportedTransaction { transaction_id: "pi_1".to_owned(), amount }));
    assert_eq!(parse_event(body.as_bytes()), Ok(Some(GatewayEvent { report, ..paid() })));
}

#[test]
fn genuine_event_about_no_charge_of_this_platform_is_ignored() {
    for body in [
        BODY.replace("payment_intent.succeeded", "charge.captured"),
        BODY.replace("payment_intent.succeeded", "payment_intent.created"),
        BODY.replace("attempt", "try"),
        BODY.replace("payment_id", "their_id"),
        BODY.replace("0192f0c1-2345-7abc-8def-0123456789ab", "4711"),
        BODY.replace(r#""attempt":"2""#, r#""attempt":"two""#),
        r#"{"id":"evt_1","type":"payout.paid","data":{"object":{"id":"po_1"}}}"#.to_owned(),
    ] {
        assert_eq!(parse_event(body.as_bytes()), Ok(None), "{body}");
    }
}

/// A refund in the shape of Stripe's published object.
fn refund_object() -> Value {
    serde_json::json!({
        "id": "re_1", "object": "refund", "amount": 500, "balance_transaction": "txn_1", "charge": "ch_1",
        "created": SIGNED_AT, "currency": "usd", "metadata": {}, "payment_intent": "pi_1", "reason": null,
        "receipt_number": null, "status": "succeeded",
    })
}

fn reported(kind: &str, object: &Value) -> Option<GatewayReport> {
    let body = serde_json::json!({ "id": "evt_1", "type": kind, "data": { "object": object } }).to_string();
    parse_event(body.as_bytes()).unwrap().map(|event| event.report)
}

fn refunds(refunds: Option<Vec<ReportedRefund>>, payment_id: Option<&str>) -> Option<GatewayReport> {
    let payment_id = payment_id.map(|id| PaymentId(id.parse().unwrap()));
    Some(GatewayReport::Refunds { charge: "pi_1".to_owned(), payment_id, refunds })
}

fn made_at_gateway() -> ReportedRefund {
    ReportedRefund {
        charge: "pi_1".to_owned(),
        transaction_id: "re_1".to_owned(),
        refund_id: None,
        amount: Some(StatedAmount::new(500, "USD")),
        failure: None,
    }
}

#[test]
fn refund_is_reported_with_its_charge_and_our_id_if_it_has_one() {
    let object = refund_object();
    for kind in ["refund.created", "refund.updated", "charge.refund.updated"] {
        assert_eq!(reported(kind, &object), refunds(Some(vec![made_at_gateway()]), None), "{kind}");
    }
    let mut ours = object.clone();
    ours["metadata"]["refund_id"] = "0192f0c1-2345-7abc-8def-0123456789ad".into();
    let refund_id = Some(RefundId("0192f0c1-2345-7abc-8def-0123456789ad".parse().unwrap()));
    let refund = ReportedRefund { refund_id, ..made_at_gateway() };
    assert_eq!(reported("refund.created", &ours), refunds(Some(vec![refund]), None));
    let mut failed = object.clone();
    (failed["status"], failed["failure_reason"]) = ("failed".into(), "lost_or_stolen_card".into());
    let refund = ReportedRefund { failure: Some("lost_or_stolen_card".to_owned()), ..made_at_gateway() };
    assert_eq!(reported("refund.failed", &failed), refunds(Some(vec![refund]), None));
}

#[test]
fn refund_without_a_result_or_an_intent_is_ignored() {
    for (member, value) in [("status", "requires_action".into()), ("payment_intent", Value::Null)] {
        let mut object = refund_object();
        object[member] = value;
        assert_eq!(reported("refund.updated", &object), None, "{member}");
    }
}

#[test]
fn refunded_charge_names_its_refunds_or_the_gateway_is_asked() {
    const PAYMENT: &str = "0192f0c1-2345-7abc-8def-0123456789ab";
    let mut charge = serde_json::json!({
        "id": "ch_1", "object": "charge", "amount": 1999, "amount_refunded": 500, "currency": "usd", "payment_intent": "pi_1",
        "metadata": { "payment_id": PAYMENT }, "refunded": false, "status": "succeeded",
    });
    assert_eq!(reported("charge.refunded", &charge), refunds(None, Some(PAYMENT)));
    charge["refunds"] = serde_json::json!({ "object": "list", "data": [refund_object()], "has_more": false });
    assert_eq!(reported("charge.refunded", &charge), refunds(Some(vec![made_at_gateway()]), Some(PAYMENT)));
    charge["refunds"]["has_more"] = true.into();
    assert_eq!(reported("charge.refunded", &charge), refunds(None, Some(PAYMENT)), "only a page of them");
    (charge["metadata"], charge["refunds"]) = (serde_json::json!({}), Value::Null);
    assert_eq!(reported("charge.refunded", &charge), refunds(None, None), "the intent tells the payment");
}

/// A dispute in the shape of Stripe's published object.
fn dispute_object(status: &str) -> Value {
    serde_json::json!({
        "id": "dp_1", "object": "dispute", "amount": 1999, "charge": "ch_1", "created": SIGNED_AT, "currency": "usd",
        "balance_transactions": [{
            "id": "txn_1", "object": "balance_transaction", "amount": -1999, "currency": "usd", "fee": 1500, "net": -3499,
            "reporting_category": "dispute", "source": "dp_1", "type": "adjustment",
        }],
        "enhanced_eligibility_types": [], "evidence": {},
        "evidence_details": {
            "due_by": 1_764_316_799, "has_evidence": false, "past_due": false, "submission_count": 0,
        },
        "is_charge_refundable": false, "livemode": false, "metadata": {}, "payment_intent": "pi_1",
        "reason": "fraudulent", "status": status,
    })
}

#[test]
fn dispute_is_reported_with_its_deadline_and_what_was_moved() {
    let movement = |fee| {
        let stated = |minor| StatedAmount::new(minor, "USD");
        Some(DisputeTransfer { amount: stated(1999), fee: stated(fee) })
    };
    let opened = ReportedDispute {
        charge: "pi_1".to_owned(),
        dispute_id: "dp_1".to_owned(),
        amount: StatedAmount::new(1999, "usd"),
        reason: "fraudulent".to_owned(),
        status: DisputeStatus::NeedsResponse,
        evidence_due_by: Some(Timestamp::from_second(1_764_316_799).unwrap()),
        withdrawal: movement(1500),
        reversal: None,
    };
    for kind in ["charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn"] {
        let report = reported(kind, &dispute_object("needs_response"));
        assert_eq!(report, Some(GatewayReport::Dispute(opened.clone())), "{kind}");
    }
    let mut object = dispute_object("won");
    let back =
        serde_json::json!({ "id": "txn_2", "amount": 1999, "currency": "usd", "fee": -1500, "type": "adjustment" });
    object["balance_transactions"].as_array_mut().unwrap().push(back);
    let won = ReportedDispute { status: DisputeStatus::Won, reversal: movement(1500), ..opened.clone() };
    assert_eq!(reported("charge.dispute.closed", &object), Some(GatewayReport::Dispute(won)));
    let mut bare = dispute_object("lost");
    (bare["balance_transactions"], bare["evidence_details"]) = (serde_json::json!([]), serde_json::json!({}));
    let (status, evidence_due_by, withdrawal) = (DisputeStatus::Lost, None, None);
    let lost = ReportedDispute { status, evidence_due_by, withdrawal, ..opened };
    assert_eq!(reported("charge.dispute.closed", &bare), Some(GatewayReport::Dispute(lost)));
    assert_eq!(reported("charge.dispute.updated", &dispute_object("a_status_of_a_newer_version")), None);
}

#[test]
fn genuine_event_that_cannot_be_read_is_ignored() {
    for body in [
        "null",
        "{}",
        r#"{"id":"evt_1"}"#,
        r#"{"id":"evt_1","type":"payment_intent.succeeded"}"#,
        r#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":[]}}"#,
        r#"{"id":"evt_1","type":"payment_intent.succeeded","data":null}"#,
        r#"{"id":"evt_1","type":{"name":"payment_intent.succeeded"},"data":[]}"#,
        r#"{"id":"evt_1","object":"v2.core.event","type":"v2.core.account.updated","related_object":{"id":"acct_1"}}"#,
    ] {
        assert_eq!(parse_event(body.as_bytes()), Ok(None), "{body}");
    }
}

#[test]
fn body_that_is_not_json_is_rejected() {
    for body in ["", "{", "evt_1"] {
        assert_eq!(parse_event(body.as_bytes()).unwrap_err().kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn event_id_is_derived_from_stripes_id() {
    assert_eq!(uuid_of("evt_1"), uuid_of("evt_1"));
    assert_ne!(uuid_of("evt_1"), uuid_of("evt_2"));
    assert_eq!(uuid_of("evt_1").get_version_num(), 8);
}
