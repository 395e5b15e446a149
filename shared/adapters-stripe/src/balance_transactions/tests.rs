//! Parsing of balance transactions and pages.

use super::*;
use kernel::FailureKind;
use serde_json::{Value, json};

const PAYMENT: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

fn charge() -> Value {
    json!({
        "id": "txn_1", "type": "charge", "amount": 1_999, "currency": "usd", "fee": 88, "created": 1_763_712_000,
        "source": {
            "id": "ch_1", "object": "charge", "amount": 1_999, "currency": "usd", "payment_intent": "pi_1",
            "metadata": { "payment_id": PAYMENT, "attempt": "1" },
        },
    })
}

fn refund() -> Value {
    json!({
        "id": "txn_2", "type": "refund", "amount": -500, "currency": "usd", "fee": 0, "created": 1_763_712_060,
        "source": {
            "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "payment_intent": "pi_1",
            "metadata": { "payment_id": PAYMENT },
        },
    })
}

fn read(data: &[Value], has_more: bool) -> Result<GatewayStatement, Failure> {
    let body = json!({ "object": "list", "data": data, "has_more": has_more }).to_string();
    page(StatusCode::OK, body.as_bytes(), "prod")
}

fn one(transaction: &Value) -> GatewayTransaction {
    read(std::slice::from_ref(transaction), false).unwrap().transactions.remove(0)
}

#[test]
fn charge_has_the_id_of_its_payment_intent_and_a_fee() {
    let expected = GatewayTransaction {
        purpose: Purpose::Charge,
        reference: "pi_1".to_owned(),
        payment_id: Some(PaymentId(PAYMENT.parse().unwrap())),
        amount: Money::new(1_999, "USD").unwrap(),
        fee: Money::new(88, "USD").unwrap(),
        at: "2025-11-21T08:00:00Z".parse().unwrap(),
    };
    assert_eq!(one(&charge()), expected);
}

#[test]
fn refund_has_its_own_id_and_a_positive_amount() {
    let refund = one(&refund());
    assert_eq!((refund.purpose, refund.reference.as_str()), (Purpose::Refund, "re_1"));
    assert_eq!((refund.amount.amount.get(), refund.fee.amount.get()), (500, 0));
}

#[test]
fn charge_settled_in_another_currency_has_the_customers_amount() {
    let mut foreign = charge();
    (foreign["amount"], foreign["currency"], foreign["fee"]) = (json!(1_720), json!("eur"), json!(80));
    let movement = one(&foreign);
    assert_eq!(movement.amount, Money::new(1_999, "USD").unwrap());
    assert_eq!(movement.fee, Money::new(80, "EUR").unwrap());
}

#[test]
fn charge_of_another_system_has_no_payment() {
    let mut foreign = charge();
    foreign["source"]["metadata"] = json!({ "payment_id": "4711" });
    foreign["source"]["payment_intent"] = json!(null);
    let movement = one(&foreign);
    assert_eq!((movement.payment_id, movement.reference.as_str()), (None, "ch_1"));
}

#[test]
fn charge_and_refund_of_another_environment_have_no_payment() {
    for (environment, is_ours) in [("prod", true), ("dev", false), ("", false)] {
        for mut transaction in [charge(), refund()] {
            transaction["source"]["metadata"]["environment"] = json!(environment);
            assert_eq!(one(&transaction).payment_id.is_some(), is_ours, "{environment}");
        }
    }
}

#[test]
fn payouts_are_omitted_and_count_for_the_next_page() {
    let payout = json!({
        "id": "txn_3", "type": "payout", "amount": -9_000, "currency": "usd", "fee": 0, "created": 1_763_712_000,
        "source": { "id": "po_1", "object": "payout" },
    });
    let page = read(&[charge(), refund(), payout], true).unwrap();
    assert_eq!(page.transactions.len(), 2);
    assert_eq!(page.next.as_deref(), Some("txn_3"));
    assert_eq!(read(&[charge()], false).unwrap().next, None);
    assert_eq!(read(&[], true).unwrap().next, None, "without an id there is no next page");
}

#[test]
fn malformed_transaction_is_listed_and_the_others_are_parsed() {
    let odd = |name: &str, value: Value| {
        let mut odd = charge();
        odd[name] = value;
        odd
    };
    for odd in [
        odd("source", json!("ch_1")),
        odd("source", json!(null)),
        odd("fee", json!(-1)),
        odd("currency", json!("xts")),
        odd("created", json!("yesterday")),
    ] {
        let page = read(&[odd.clone(), refund()], false).unwrap();
        assert_eq!((page.unreadable, page.transactions.len()), (vec!["txn_1".to_owned()], 1), "{odd}");
    }
}

#[test]
fn error_response_is_unavailable() {
    for (status, body) in [(500, "{}"), (401, "{}"), (200, "not json")] {
        let Err(failure) = page(StatusCode::from_u16(status).unwrap(), body.as_bytes(), "prod") else {
            panic!("it was read")
        };
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
}
