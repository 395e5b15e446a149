//! Which responses are final and which leave the outcome undecided.

use super::*;
use kernel::FailureKind;

const PAYMENT: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

fn charged(code: u16, body: &str) -> Result<ChargeOutcome, Failure> {
    charge(status(code), body.as_bytes())
}

fn refunded(code: u16, body: &str) -> Result<RefundOutcome, Failure> {
    refund(status(code), body.as_bytes())
}

/// A charge of 19.99 USD.
fn made(id: &str) -> ChargeOutcome {
    ChargeOutcome::Charged(ReportedTransaction::new(id, StatedAmount::new(1999, "USD")))
}

/// A refund of 5 USD.
fn returned(id: &str) -> RefundOutcome {
    RefundOutcome::Refunded(ReportedTransaction::new(id, StatedAmount::new(500, "USD")))
}

fn found(intents: &[String]) -> Result<Option<ChargeOutcome>, Failure> {
    let body = format!(r#"{{"object":"search_result","has_more":false,"data":[{}]}}"#, intents.join(","));
    outcome_of(intents_of(StatusCode::OK, body.as_bytes(), (PAYMENT, "2"))?.0, (PAYMENT, "2"))
}

/// A payment intent of the second attempt.
fn intent(id: &str, status: &str) -> String {
    format!(
        r#"{{"id":"{id}","status":"{status}","amount_received":1999,"currency":"usd","metadata":{{"payment_id":"{PAYMENT}","attempt":"2"}}}}"#
    )
}

fn declined(code: &str) -> ChargeOutcome {
    ChargeOutcome::Declined(code.to_owned())
}

#[test]
fn succeeded_payment_is_charged_with_the_intents_id() {
    let outcome = Ok(made("pi_1"));
    assert_eq!(
        charged(
            200,
            r#"{"id":"pi_1","status":"succeeded","amount":1999,"amount_received":1999,"currency":"usd","last_payment_error":null}"#
        ),
        outcome
    );
}

#[test]
fn charge_carries_what_was_collected_and_not_what_was_asked() {
    let amount = |body: &str| match charged(200, body) {
        Ok(ChargeOutcome::Charged(answer)) => answer.amount,
        other => panic!("{other:?}"),
    };
    let yen = r#"{"id":"pi_1","status":"succeeded","amount":1999,"amount_received":1,"currency":"jpy"}"#;
    assert_eq!(amount(yen), Some(StatedAmount::new(1, "JPY")));
    let older = r#"{"id":"pi_1","status":"succeeded","amount":1999,"currency":"usd"}"#;
    assert_eq!(
        amount(older),
        Some(StatedAmount::new(1999, "USD")),
        "an intent that collects at once states one amount"
    );
    assert_eq!(amount(r#"{"id":"pi_1","status":"succeeded","currency":"usd"}"#), None);
}

#[test]
fn declined_card_has_the_most_specific_code() {
    let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
    assert_eq!(charged(402, body), Ok(declined("insufficient_funds")));
    let body = r#"{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined"}}"#;
    assert_eq!(charged(200, body), Ok(declined("card_declined")));
}

#[test]
fn unknown_payment_method_is_declined() {
    for code in [404, 400] {
        let body = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        assert_eq!(charged(code, body), Ok(declined("resource_missing")));
    }
}

#[test]
fn rejected_amount_is_declined() {
    for code in ["amount_too_small", "amount_too_large"] {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
        assert_eq!(charged(400, &body), Ok(declined(code)));
    }
}

#[test]
fn required_authentication_is_declined_with_its_code() {
    for (code, body) in [
        (402, r#"{"error":{"type":"card_error","code":"authentication_required","decline_code":"generic_decline"}}"#),
        (402, r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"authentication_required"}}"#),
        (200, r#"{"id":"pi_1","status":"canceled","last_payment_error":{"code":"authentication_required"}}"#),
    ] {
        assert_eq!(charged(code, body), Ok(declined("authentication_required")), "{body}");
    }
}

#[test]
fn required_action_carries_what_the_client_needs() {
    let action = |redirect_url: Option<&str>| {
        let (client_secret, redirect_url) = ("pi_1_secret_x".to_owned(), redirect_url.map(str::to_owned));
        let answer = ReportedTransaction::new("pi_1", StatedAmount::new(1999, "USD"));
        Ok(ChargeOutcome::ActionRequired(answer, CustomerAction { client_secret, redirect_url }))
    };
    let body = |next: &str| {
        format!(
            r#"{{"id":"pi_1","status":"requires_action","amount":1999,"amount_received":0,"currency":"usd",
            "client_secret":"pi_1_secret_x","next_action":{next}}}"#
        )
    };
    let sdk = r#"{"type":"use_stripe_sdk","use_stripe_sdk":{"type":"three_d_secure_redirect","stripe_js":""}}"#;
    assert_eq!(charged(200, &body(sdk)), action(None));
    let url = "https://hooks.stripe.com/redirect/authenticate/src_1";
    let redirect = format!(r#"{{"type":"redirect_to_url","redirect_to_url":{{"url":"{url}","return_url":null}}}}"#);
    assert_eq!(charged(200, &body(&redirect)), action(Some(url)));
}

#[test]
fn undecided_response_is_unavailable() {
    let kinds = |code, body: &str| {
        let search = intents_of(status(code), body.as_bytes(), (PAYMENT, "2")).err().unwrap().kind;
        [charged(code, body).unwrap_err().kind, refunded(code, body).unwrap_err().kind, search]
    };
    for code in [401, 404, 409, 429, 500, 502, 503] {
        assert_eq!(kinds(code, "{}"), [FailureKind::Unavailable; 3], "{code}");
    }
    for body in [
        "<html>Not Found</html>",
        r#"{"error":{"type":"invalid_request_error"}}"#,
        r#"{"error":{"code":"resource_missing"}}"#,
    ] {
        assert_eq!(kinds(404, body), [FailureKind::Unavailable; 3], "{body}");
    }
    assert_eq!(kinds(200, "not json"), [FailureKind::Unavailable; 3]);
    let body = r#"{"id":"pi_1","status":"processing"}"#;
    assert_eq!(charged(200, body).unwrap_err().kind, FailureKind::Unavailable);
    let body = r#"{"id":"re_1","status":"requires_action"}"#;
    assert_eq!(refunded(200, body).unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn rejected_request_has_its_code_and_not_its_message() {
    let body = r#"{"error":{"type":"idempotency_error","message":"key charge-secret was used"}}"#;
    for failure in [charged(400, body).unwrap_err(), refunded(400, body).unwrap_err()] {
        assert_eq!((failure.kind, failure.code), (FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR));
        assert!(failure.to_string().contains("idempotency_error") && !failure.to_string().contains("charge-secret"));
    }
    let body = r#"{"error":{"type":"invalid_request_error","code":"parameter_invalid"}}"#;
    assert_eq!(refunded(400, body).unwrap_err().kind, FailureKind::Internal);
    assert_eq!(charged(403, body).unwrap_err().kind, FailureKind::Internal);
}

#[test]
fn reused_payment_method_without_a_code_is_declined() {
    let body =
        r#"{"error":{"type":"invalid_request_error","message":"The provided PaymentMethod was previously used with a
        PaymentIntent without Customer attachment, … It may not be used again."}}"#
            .replace('\n', " ");
    assert_eq!(charged(400, &body), Ok(declined("invalid_payment_method")));
    let body = r#"{"error":{"type":"invalid_request_error","code":"payment_method_unactivated"}}"#;
    assert_eq!(charged(400, body), Ok(declined("payment_method_unactivated")));
}

#[test]
fn undecided_response_is_distinguished_from_no_response() {
    let code = |outcome: Result<ChargeOutcome, Failure>| outcome.unwrap_err().code;
    for status in [401, 409, 429] {
        assert_eq!(code(charged(status, "{}")), GATEWAY_RETRY_LATER, "{status}");
        assert!(!ports::is_unreachable(&charged(status, "{}").unwrap_err()), "it is a response: {status}");
    }
    assert_eq!(code(charged(200, r#"{"id":"pi_1","status":"processing"}"#)), GATEWAY_PENDING);
    assert_eq!(refunded(200, r#"{"id":"re_1","status":"requires_action"}"#).unwrap_err().code, GATEWAY_PENDING);
    for status in [500, 503] {
        assert!(ports::is_unreachable(&charged(status, "{}").unwrap_err()), "{status}");
    }
}

#[test]
fn refund_is_found_by_its_metadata_on_any_page() {
    let made = |id: &str, ours: &str, state: &str| {
        format!(
            r#"{{"id":"{id}","status":"{state}","amount":500,"currency":"usd","metadata":{{"refund_id":"{ours}"}}}}"#
        )
    };
    let page = |more: bool, state: &str| {
        let body =
            format!(r#"{{"data":[{},{}],"has_more":{more}}}"#, made("re_1", "r-1", state), made("re_2", "r-2", state));
        body.into_bytes()
    };
    let look = |more, state, ours| refund_among(StatusCode::OK, &page(more, state), ours);
    let found = |name: &str| Ok(RefundPage::Found(returned(name)));
    assert_eq!(look(true, "succeeded", "r-1"), found("re_1"));
    assert_eq!(look(false, "pending", "r-2"), found("re_2"));
    assert_eq!(look(false, "canceled", "r-2"), Ok(RefundPage::Found(RefundOutcome::Failed("canceled".to_owned()))));
    assert_eq!(look(true, "succeeded", "r-3"), Ok(RefundPage::Next("re_2".to_owned())));
    assert_eq!(look(false, "succeeded", "r-3"), Ok(RefundPage::Last));
    assert_eq!(look(false, "requires_action", "r-1").unwrap_err().code, GATEWAY_PENDING);
    assert_eq!(refund_among(status(500), b"{}", "r-1").unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn pending_refund_counts_as_refunded() {
    for state in ["succeeded", "pending"] {
        let body = format!(r#"{{"id":"re_1","status":"{state}","amount":500,"currency":"usd"}}"#);
        assert_eq!(refunded(200, &body), Ok(returned("re_1")));
    }
}

#[test]
fn final_refund_error_is_a_failed_refund_with_its_code() {
    let refused = |code: &str| Ok(RefundOutcome::Failed(code.to_owned()));
    for code in FINAL_REFUND_ERRORS {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
        assert_eq!(refunded(400, &body), refused(code));
    }
    let body = r#"{"error":{"type":"invalid_request_error","param":"amount","message":"Refund amount ($2.00) is …"}}"#;
    assert_eq!(refunded(400, body), refused("invalid_request_error"));
    assert_eq!(refunded(200, r#"{"id":"re_1","status":"canceled"}"#), refused("canceled"));
    let body = r#"{"id":"re_1","status":"failed","failure_reason":"expired_or_canceled_card"}"#;
    assert_eq!(refunded(200, body), refused("expired_or_canceled_card"));
}

#[test]
fn refund_of_an_unknown_charge_is_an_internal_error() {
    let body = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"payment_intent"}}"#;
    for code in [400, 404] {
        assert_eq!(refunded(code, body).unwrap_err().kind, FailureKind::Internal);
    }
}

#[test]
fn unknown_attempt_is_not_found() {
    assert_eq!(found(&[]), Ok(None));
    let others = [
        intent("pi_1", "succeeded").replace(r#""attempt":"2""#, r#""attempt":"1""#),
        intent("pi_2", "succeeded").replace(PAYMENT, "0192f0c1-2345-7abc-8def-000000000000"),
        r#"{"id":"pi_3","status":"succeeded"}"#.to_owned(),
    ];
    assert_eq!(found(&others), Ok(None));
}

#[test]
fn attempt_is_found_with_its_outcome() {
    assert_eq!(found(&[intent("pi_1", "succeeded")]), Ok(Some(made("pi_1"))));
    let refused = intent("pi_1", "requires_payment_method")
        .replace(r#""status""#, r#""last_payment_error":{"decline_code":"lost_card","code":"card_declined"},"status""#);
    assert_eq!(found(&[refused]), Ok(Some(declined("lost_card"))));
    assert_eq!(found(&[intent("pi_1", "processing")]).unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn unconfirmed_attempt_is_not_found() {
    assert_eq!(found(&[intent("pi_1", "requires_confirmation")]), Ok(None));
    assert_eq!(found(&[intent("pi_1", "requires_payment_method")]), Ok(None), "the bank was never contacted");
    assert_eq!(found(&[intent("pi_1", "requires_action")]).unwrap_err().code, GATEWAY_PENDING, "without a secret");
    let charge = [intent("pi_1", "requires_confirmation"), intent("pi_2", "succeeded")];
    assert_eq!(found(&charge), Ok(Some(made("pi_2"))));
}

#[test]
fn charged_intent_precedes_open_and_open_precedes_declined() {
    let refused = intent("pi_1", "canceled");
    let charge = [refused.clone(), intent("pi_2", "succeeded"), intent("pi_3", "processing")];
    assert_eq!(found(&charge), Ok(Some(made("pi_2"))));
    assert_eq!(found(&[refused, intent("pi_3", "processing")]).unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn attempt_charged_twice_is_an_internal_error_that_names_both() {
    let failure = found(&[intent("pi_1", "succeeded"), intent("pi_2", "succeeded")]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal);
    assert!(failure.to_string().contains("pi_1 and pi_2"), "{failure}");
}
