//! Verification of signatures and parsing of events.
//!
//! The digests were computed with Python's `hmac.new(secret, f"{time}.{body}".encode(), "sha256").hexdigest()`.

use super::*;
use adapters_testkit::server::{secret, serve};
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
        payment_id: PaymentId("0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap()),
        attempt: 2,
        outcome: ChargeOutcome::Charged("pi_1".to_owned()),
    }
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
    let age = async || {
        let mut cached = webhooks.cached.lock().await;
        cached.as_mut().unwrap().read_at -= MIN_SECRET_AGE;
    };
    let reading = async {
        assert!(read(&forged).await.is_ok(), "it is the old secret's");
        assert_forged(&read(&good).await, "the secret was just read");
        age().await;
        assert!(read(&good).await.is_ok(), "it is read again");
        assert_forged(&read(&forged).await, "and not again");
        assert!(read(&good).await.is_ok());
    };
    let (asked, ()) = futures_util::join!(serve(listener, &[(200, SECRET), (200, OTHER_SECRET)]), reading);
    assert_eq!(asked.len(), 2);
}

#[test]
fn declined_charge_is_an_event_with_its_code() {
    let body = BODY
        .replace("payment_intent.succeeded", "payment_intent.payment_failed")
        .replace(r#""status":"succeeded""#, r#""status":"requires_payment_method","last_payment_error":{"code":"card_declined","decline_code":"do_not_honor"}"#);
    let outcome = ChargeOutcome::Declined("do_not_honor".to_owned());
    assert_eq!(parse_event(body.as_bytes()), Ok(Some(GatewayEvent { outcome, ..paid() })));
}

#[test]
fn genuine_event_about_no_charge_of_this_platform_is_ignored() {
    for body in [
        BODY.replace("payment_intent.succeeded", "charge.refunded"),
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

#[test]
fn malformed_event_is_rejected() {
    let without_intent = r#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":[]}}"#;
    for body in ["", "null", "{}", r#"{"id":"evt_1"}"#, without_intent] {
        assert_eq!(parse_event(body.as_bytes()).unwrap_err().kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn event_id_is_derived_from_stripes_id() {
    assert_eq!(uuid_of("evt_1"), uuid_of("evt_1"));
    assert_ne!(uuid_of("evt_1"), uuid_of("evt_2"));
    assert_eq!(uuid_of("evt_1").get_version_num(), 8);
}
