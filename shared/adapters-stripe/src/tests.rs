//! The HTTP requests to the gateway.

use super::*;
use adapters_testkit::server::{secret, serve};
use domain::Money;
use domain::id::{OrderId, PaymentId, RefundId, UserId};
use domain::payment::{RefundReason, RefundStatus, ReportedTransaction, Status};
use domain::text::PaymentMethod;
use kernel::{FailureKind, Uuid};
use ports::Gateway;
use tokio::net::TcpListener;

pub(super) const KEY: (u16, &str) = (200, r#"{"SecretString":"sk_1"}"#);

fn payment() -> Payment {
    Payment {
        id: PaymentId(Uuid::from_u128(1)),
        order_id: OrderId(Uuid::from_u128(2)),
        user_id: UserId(Uuid::from_u128(3)),
        amount: Money::new(1999, "USD").unwrap(),
        method: Some(PaymentMethod::parse("pm_card_visa").unwrap()),
        customer: None,
        status: Status::Pending,
        attempts: 2,
        attempted_at: Timestamp::UNIX_EPOCH,
        closed: false,
        action: None,
        transaction_id: None,
        decline_code: None,
        refunds: vec![],
        mismatches: vec![],
        disputes: vec![],
        approvals: vec![],
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn refund() -> Refund {
    Refund {
        id: RefundId(Uuid::from_u128(4)),
        amount: Money::new(500, "USD").unwrap(),
        reason: RefundReason::RequestedByCustomer,
        status: RefundStatus::Pending,
        transaction_id: None,
        requested_at: Timestamp::UNIX_EPOCH,
    }
}

fn charged(id: &str) -> ChargeOutcome {
    ChargeOutcome::Charged(ReportedTransaction::new(id, payment().amount))
}

fn refunded(id: &str) -> RefundOutcome {
    RefundOutcome::Refunded(ReportedTransaction::new(id, refund().amount))
}

pub(super) async fn gateway() -> (TcpListener, StripeGateway) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = StripeGateway::new(&url, secret(&url), "dev".to_owned()).unwrap();
    (listener, gateway)
}

/// The method and path of a request, and its form or query as text.
pub(super) fn parts(request: &str) -> (String, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
    let (line, query) = line.split_once('?').unwrap_or((line, body));
    let plain = query.replace("%5B", "[").replace("%5D", "]").replace("%27", "'").replace("%3A", ":");
    (line.to_owned(), plain)
}

pub(super) fn has_header(request: &str, name: &str, value: &str) -> bool {
    let wanted = format!("{name}: {value}");
    request.lines().any(|line| line.eq_ignore_ascii_case(&wanted))
}

#[tokio::test]
async fn charge_has_the_idempotency_key_of_its_attempt() {
    let (listener, gateway) = gateway().await;
    let (payment, responses) =
        (payment(), [KEY, (200, r#"{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"usd"}"#)]);
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.charge(&payment));
    assert_eq!(response, Ok(charged("pi_1")));
    let (line, form) = parts(&requests[1]);
    assert_eq!(line, "POST /v1/payment_intents");
    for pair in [
        "amount=1999",
        "currency=usd",
        "payment_method=pm_card_visa",
        "confirm=true",
        "metadata[order_id]=00000000-0000-0000-0000-000000000002",
        "metadata[payment_id]=00000000-0000-0000-0000-000000000001",
        "metadata[attempt]=2",
        "metadata[environment]=dev",
    ] {
        assert!(form.split('&').any(|given| given == pair), "{pair} is missing in {form}");
    }
    assert!(has_header(&requests[1], "idempotency-key", &payment.gateway_key()));
    assert!(has_header(&requests[1], "stripe-version", API_VERSION));
    assert!(!form.contains("customer"));
}

#[tokio::test]
async fn charge_of_a_saved_method_names_its_customer() {
    let (listener, gateway) = gateway().await;
    let payment = Payment { customer: Some("cus_1".to_owned()), ..payment() };
    let responses = [KEY, (200, r#"{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"usd"}"#)];
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.charge(&payment));
    assert_eq!(response, Ok(charged("pi_1")));
    assert!(parts(&requests[1]).1.split('&').any(|given| given == "customer=cus_1"));
}

#[tokio::test]
async fn charge_without_payment_method_and_refund_without_charge_fail() {
    let (_listener, gateway) = gateway().await;
    let unpayable = Payment { method: None, ..payment() };
    assert_eq!(gateway.charge(&unpayable).await.unwrap_err().kind, FailureKind::Internal);
    assert_eq!(gateway.refund(&payment(), &refund()).await.unwrap_err().kind, FailureKind::Internal);
}

#[tokio::test]
async fn only_open_intents_of_earlier_attempts_are_cancelled() {
    let (listener, gateway) = gateway().await;
    let intent = |id: &str, status: &str, payment: u8, attempt: u8| {
        format!(
            r#"{{"id":"{id}","status":"{status}","metadata":{{"payment_id":"00000000-0000-0000-0000-00000000000{payment}","attempt":"{attempt}"}}}}"#
        )
    };
    let found = [
        intent("pi_last", "requires_action", 1, 2),
        intent("pi_waits", "requires_action", 1, 1),
        intent("pi_refused", "requires_payment_method", 1, 1),
        intent("pi_charged", "succeeded", 1, 1),
        intent("pi_over", "canceled", 1, 1),
        intent("pi_other", "requires_action", 2, 1),
    ];
    let found = format!(r#"{{"data":[{}],"has_more":false}}"#, found.join(","));
    let ended = r#"{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state"}}"#;
    let responses = [KEY, (200, found.as_str()), (200, r#"{"id":"pi_waits","status":"canceled"}"#), (400, ended)];
    let payment = payment();
    let (requests, response) =
        futures_util::join!(serve(listener, &responses), gateway.cancel_earlier_attempts(&payment));
    assert_eq!(response, Ok(()), "one that has ended meanwhile need not be cancelled");
    let (line, query) = parts(&requests[1]);
    assert_eq!(line, "GET /v1/payment_intents/search");
    assert!(query.contains("metadata['payment_id']:'00000000-0000-0000-0000-000000000001'&"), "{query}");
    let cancelled: Vec<_> = requests[2..].iter().map(|request| parts(request)).collect();
    let reason = "cancellation_reason=abandoned".to_owned();
    let expected =
        ["pi_waits", "pi_refused"].map(|id| (format!("POST /v1/payment_intents/{id}/cancel"), reason.clone()));
    assert_eq!(cancelled, expected);
}

#[tokio::test]
async fn withdrawn_attempt_leaves_its_key_to_an_intent_that_is_cancelled() {
    let (listener, gateway) = gateway().await;
    let (payment, created) = (payment(), r#"{"id":"pi_9","status":"requires_payment_method"}"#);
    let reused = r#"{"error":{"type":"idempotency_error"}}"#;
    let responses = [KEY, (200, created), (200, r#"{"id":"pi_9","status":"canceled"}"#), (400, reused)];
    let withdraw = async || [gateway.withdraw_charge(&payment).await, gateway.withdraw_charge(&payment).await];
    let (requests, outcomes) = futures_util::join!(serve(listener, &responses), withdraw());
    assert_eq!(outcomes, [Ok(true), Ok(false)], "the gateway has received the attempt");
    let (line, form) = parts(&requests[1]);
    assert_eq!((&*line, &*form), ("POST /v1/payment_intents", "amount=1999&currency=usd&payment_method_types[]=card"));
    assert!(has_header(&requests[1], "idempotency-key", &payment.gateway_key()));
    assert_eq!(parts(&requests[2]).0, "POST /v1/payment_intents/pi_9/cancel");
}

#[tokio::test]
async fn refund_names_the_charge_and_has_its_own_idempotency_key() {
    let (listener, gateway) = gateway().await;
    let payment = Payment { transaction_id: Some("pi_1".to_owned()), ..payment() };
    let (refund, responses) =
        (refund(), [KEY, (200, r#"{"id":"re_1","status":"succeeded","amount":500,"currency":"usd"}"#)]);
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.refund(&payment, &refund));
    assert_eq!(response, Ok(refunded("re_1")));
    let (line, form) = parts(&requests[1]);
    assert_eq!(line, "POST /v1/refunds");
    for pair in [
        "payment_intent=pi_1",
        "amount=500",
        "metadata[refund_id]=00000000-0000-0000-0000-000000000004",
        "metadata[payment_id]=00000000-0000-0000-0000-000000000001",
        "metadata[order_id]=00000000-0000-0000-0000-000000000002",
        "metadata[environment]=dev",
    ] {
        assert!(form.split('&').any(|given| given == pair), "{pair} is missing in {form}");
    }
    assert!(has_header(&requests[1], "idempotency-key", &refund.gateway_key()));
}

#[tokio::test]
async fn attempt_is_searched_by_its_metadata() {
    let (listener, gateway) = gateway().await;
    let (payment, responses) = (payment(), [KEY, (200, r#"{"data":[],"has_more":false}"#)]);
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.search_charge(&payment));
    assert_eq!(response, Ok(None));
    let (line, query) = parts(&requests[1]);
    assert_eq!(line, "GET /v1/payment_intents/search");
    let wanted = "metadata['payment_id']:'00000000-0000-0000-0000-000000000001'+AND+metadata['attempt']:'2'";
    assert!(query.contains(wanted), "{query}");
    assert!(!requests[1].to_ascii_lowercase().contains("idempotency-key"), "it changes nothing");
}

#[tokio::test]
async fn attempt_is_found_among_all_charges_from_its_start_to_the_cancellation() {
    let (listener, gateway) = gateway().await;
    let payment = Payment { closed: true, updated_at: Timestamp::from_second(7_200).unwrap(), ..payment() };
    let others = r#"{"data":[{"id":"pi_8","status":"succeeded"},{"id":"pi_7","status":"canceled"}],"has_more":true}"#;
    let ours = r#"{"data":[{"id":"pi_6","status":"succeeded","amount":3998,"amount_received":3998,"currency":"usd","metadata":
        {"payment_id":"00000000-0000-0000-0000-000000000001","attempt":"2"}}],"has_more":false}"#;
    let responses = [KEY, (200, others), (200, ours)];
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.find_charge(&payment));
    let Ok(Some(ChargeOutcome::Charged(answer))) = response else { panic!("{response:?}") };
    assert_eq!(answer.transaction_id, "pi_6");
    let (line, query) = parts(&requests[1]);
    let (from, until) = (payment.attempted_at.as_second() - 300, payment.updated_at.as_second() + 900);
    let period = format!("created[gte]={from}&created[lte]={until}&limit=100");
    assert_eq!((&*line, query.clone()), ("GET /v1/payment_intents", period));
    assert_eq!(parts(&requests[2]).1, format!("{query}&starting_after=pi_7"));
}

#[tokio::test]
async fn refund_is_searched_among_those_of_its_charge() {
    let (listener, gateway) = gateway().await;
    let payment = Payment { transaction_id: Some("pi_1".to_owned()), ..payment() };
    let other = r#"{"data":[{"id":"re_1","status":"succeeded","metadata":{"refund_id":"x"}}],"has_more":true}"#;
    let ours = r#"{"data":[{"id":"re_2","status":"succeeded","amount":500,"currency":"usd","metadata":
        {"refund_id":"00000000-0000-0000-0000-000000000004"}}],"has_more":false}"#;
    let (refund, responses) = (refund(), [KEY, (200, other), (200, ours)]);
    let (requests, response) = futures_util::join!(serve(listener, &responses), gateway.find_refund(&payment, &refund));
    assert_eq!(response, Ok(Some(refunded("re_2"))));
    let (line, query) = parts(&requests[1]);
    assert_eq!((&*line, &*query), ("GET /v1/refunds", "payment_intent=pi_1&limit=100"));
    assert_eq!(parts(&requests[2]).1, format!("{query}&starting_after=re_1"));
}

#[tokio::test]
async fn replayed_error_is_distinguished_from_a_new_one() {
    let (listener, gateway) = gateway().await;
    let payment = payment();
    let held = "503 x\r\nIdempotent-Replayed: true";
    let send = async || [gateway.charge(&payment).await, gateway.charge(&payment).await].map(Result::unwrap_err);
    let responses = [("200 x", KEY.1), ("503 x", "{}"), (held, "{}")];
    let (_, [now, again]) = futures_util::join!(adapters_testkit::server::serve_lines(listener, &responses), send());
    assert_eq!((now.kind, now.code), (FailureKind::Unavailable, "unavailable"));
    assert_eq!((again.kind, again.code), (FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR));
}

#[tokio::test]
async fn charge_is_of_a_payment_here_only_if_it_names_this_environment() {
    let (listener, gateway) = gateway().await;
    let named = |environment: &str| {
        format!(
            r#"{{"id":"pi_1","status":"succeeded","metadata":{{"payment_id":"00000000-0000-0000-0000-000000000001"{environment}}}}}"#
        )
    };
    let [ours, others, unnamed] = [r#","environment":"dev""#, r#","environment":"prod""#, ""].map(named);
    let unknown = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
    let responses = [KEY, (200, &*ours), (200, &*others), (200, &*unnamed), (404, unknown)];
    let ask = async || {
        let mut found = Vec::new();
        for _ in 0..4 {
            found.push(gateway.payment_of("pi_1").await.unwrap());
        }
        found
    };
    let (requests, found) = futures_util::join!(serve(listener, &responses), ask());
    assert_eq!(found, [Some(payment().id), None, None, None]);
    assert_eq!(parts(&requests[1]).0, "GET /v1/payment_intents/pi_1");
}

#[tokio::test]
async fn key_that_was_used_with_other_parameters_leads_to_a_lookup() {
    let (listener, gateway) = gateway().await;
    let payment = Payment { transaction_id: Some("pi_1".to_owned()), ..payment() };
    let reused = (400, r#"{"error":{"type":"idempotency_error"}}"#);
    let responses = [KEY, reused, reused];
    let refund = refund();
    let send =
        async || (gateway.charge(&payment).await.unwrap_err(), gateway.refund(&payment, &refund).await.unwrap_err());
    let (_, (charge, refund)) = futures_util::join!(serve(listener, &responses), send());
    assert_eq!((charge.code, refund.code), (GATEWAY_REPLAYED_ERROR, GATEWAY_REPLAYED_ERROR));
}

#[tokio::test]
async fn balance_transactions_are_read_page_by_page() {
    let (listener, gateway) = gateway().await;
    let charge = |n: u32| {
        format!(
            r#"{{"id":"txn_{n}","type":"charge","amount":100,"currency":"usd","fee":33,"created":{n},
            "source":{{"id":"ch_{n}","amount":100,"currency":"usd","payment_intent":"pi_{n}"}}}}"#
        )
    };
    let page = |n, more| format!(r#"{{"data":[{}],"has_more":{more}}}"#, charge(n));
    let bodies = (page(2, true), page(1, false));
    let responses = [KEY, (200, &*bodies.0), (200, &*bodies.1)];
    let (from, to) = (Timestamp::from_second(1).unwrap(), Timestamp::from_second(9).unwrap());
    let read = async {
        let first = gateway.balance_transactions(from, to, None).await.unwrap();
        let second = gateway.balance_transactions(from, to, first.next.as_deref()).await.unwrap();
        (first, second)
    };
    let (requests, (first, second)) = futures_util::join!(serve(listener, &responses), read);
    assert_eq!((first.transactions[0].reference.as_str(), first.next.as_deref()), ("pi_2", Some("txn_2")));
    assert_eq!((second.transactions[0].reference.as_str(), second.next), ("pi_1", None));
    let (line, query) = parts(&requests[1]);
    assert_eq!(line, "GET /v1/balance_transactions");
    assert_eq!(query, "created[gte]=1&created[lt]=9&limit=100&expand[]=data.source");
    assert_eq!(parts(&requests[2]).1, format!("{query}&starting_after=txn_2"));
}

#[tokio::test]
async fn refunds_of_a_charge_are_read_page_by_page() {
    let (listener, gateway) = gateway().await;
    let one = |id: &str, status: &str| {
        format!(r#"{{"id":"{id}","status":"{status}","amount":500,"currency":"usd","payment_intent":"pi_1"}}"#)
    };
    let first =
        format!(r#"{{"data":[{},{}],"has_more":true}}"#, one("re_3", "succeeded"), one("re_2", "requires_action"));
    let second = format!(r#"{{"data":[{}],"has_more":false}}"#, one("re_1", "failed"));
    let responses = [KEY, (200, first.as_str()), (200, second.as_str())];
    let (requests, refunds) = futures_util::join!(serve(listener, &responses), gateway.refunds_of("pi_1"));
    let refunds: Vec<_> = refunds.unwrap().into_iter().map(|refund| (refund.transaction_id, refund.failure)).collect();
    assert_eq!(refunds, [("re_3".to_owned(), None), ("re_1".to_owned(), Some("failed".to_owned()))]);
    assert_eq!(parts(&requests[1]).1, "payment_intent=pi_1&limit=100");
    assert_eq!(parts(&requests[2]).1, "payment_intent=pi_1&limit=100&starting_after=re_2");
}

#[tokio::test]
async fn rejected_api_key_is_read_again() {
    let (listener, gateway) = gateway().await;
    let charged = r#"{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"usd"}"#;
    let responses = [
        (200, r#"{"SecretString":"sk_old"}"#),
        (401, r#"{"error":{"type":"invalid_request_error"}}"#),
        (200, r#"{"SecretString":"sk_new"}"#),
        (200, charged),
        (200, charged),
    ];
    let payment = payment();
    let send = async || [gateway.charge(&payment).await, gateway.charge(&payment).await];
    let (requests, [first, second]) = futures_util::join!(serve(listener, &responses), send());
    assert_eq!((first, second), (Ok(self::charged("pi_1")), Ok(self::charged("pi_1"))));
    let paths: Vec<_> = requests.iter().filter_map(|request| request.split(' ').nth(1)).collect();
    let charge = "/v1/payment_intents";
    assert_eq!(paths, ["/", charge, "/", charge, charge]);
}

#[tokio::test]
async fn rejected_key_that_was_not_rotated_is_not_retried() {
    let (listener, gateway) = gateway().await;
    let responses = [KEY, (401, "{}"), KEY];
    let payment = payment();
    let (requests, refused) = futures_util::join!(serve(listener, &responses), gateway.charge(&payment));
    assert_eq!(refused.unwrap_err().kind, FailureKind::Unavailable);
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn key_rotated_under_load_fails_no_charge() {
    let (listener, url) = adapters_testkit::server::listener().await;
    let gateway = StripeGateway::new(&url, secret(&url), "dev".to_owned()).unwrap();
    let payment = payment();
    let (mut charges, mut refused) = (0, 0);
    // The account's key changes after ten charges; from then on the old one is rejected.
    let respond = |request: &str| {
        let current = if charges < 10 { "sk_old" } else { "sk_new" };
        if !request.contains("/v1/") {
            return (200, format!(r#"{{"SecretString":"{current}"}}"#));
        }
        let basic = if current == "sk_old" { "c2tfb2xkOg==" } else { "c2tfbmV3Og==" };
        if !request.contains(basic) {
            refused += 1;
            return (401, "{}".to_owned());
        }
        charges += 1;
        (200, r#"{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"usd"}"#.to_owned())
    };
    let client = async || {
        for _ in 0..10 {
            assert_eq!(gateway.charge(&payment).await, Ok(self::charged("pi_1")));
        }
    };
    let load = async { futures_util::join!(client(), client(), client(), client()) };
    tokio::select! {
        () = adapters_testkit::server::respond(listener, respond) => unreachable!("the server never ends"),
        _ = load => {}
    }
    assert_eq!(charges, 40);
    assert!(refused > 0, "a warm process used the old key");
}
