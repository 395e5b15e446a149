//! Tests of the state machine of payments through its public functions.

mod amounts;
mod approvals;
mod consent;
mod disputes;
mod earlier_attempts;
mod invariants;
mod reconciliation;
mod refunds;
mod reported_refunds;
mod restore;
mod table;

use super::*;
use crate::{
    DomainEvent,
    event::{OrderCancelled, PaymentFailed, PaymentRequested, PaymentSucceeded, RefundRequested, StockReserved},
    ledger::{Purpose, Transfer},
    order_status::Reason,
};
use kernel::Uuid;

const ID: PaymentId = PaymentId(Uuid::from_u128(1));
const ORDER: OrderId = OrderId(Uuid::from_u128(2));
const USER: UserId = UserId(Uuid::from_u128(3));

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD").expect("valid")
}

fn refund_id(n: u128) -> RefundId {
    RefundId(Uuid::from_u128(n))
}

fn method(name: &str) -> PaymentMethod {
    PaymentMethod::parse(name).expect("valid")
}

fn charged(name: &str) -> ChargeOutcome {
    ChargeOutcome::Charged(ReportedTransaction::new(name, usd(1000)))
}

fn declined() -> ChargeOutcome {
    ChargeOutcome::Declined("card_declined".to_owned())
}

/// The charge requires the customer's consent.
fn waits() -> ChargeOutcome {
    let (client_secret, redirect_url) = ("ch_1_secret".to_owned(), None);
    ChargeOutcome::ActionRequired(
        ReportedTransaction::new("ch_1", usd(1000)),
        CustomerAction { client_secret, redirect_url },
    )
}

/// A payment of $10 with its first attempt at second 0.
fn begun() -> Payment {
    let (payment_method, amount) = (method("pm_card_visa"), usd(1000));
    let reserved =
        StockReserved { order_id: ORDER, user_id: USER, amount, payment_method, lines: vec![], levels: vec![] };
    begin(ID, &reserved, at(0))
}

/// The payment of an order that was cancelled before its first attempt.
fn closed_from_the_start() -> Payment {
    let (total_amount, reason) = (usd(1000), Reason::CustomerRequest);
    begin_closed(ID, &OrderCancelled { order_id: ORDER, user_id: USER, total_amount, reason, payment_id: None }, at(0))
}

/// Unwraps the change of a call that must cause one.
fn changed(outcome: Result<Option<PaymentTransition>, Failure>) -> PaymentTransition {
    outcome.expect("valid").expect("a change")
}

fn concluded(payment: &Payment, outcome: &ChargeOutcome) -> PaymentTransition {
    changed(record_charge_outcome(payment, payment.attempts, outcome, refund_id(90), at(10)))
}

fn paid() -> Payment {
    concluded(&begun(), &charged("ch_1")).payment
}

fn failed() -> Payment {
    concluded(&begun(), &declined()).payment
}

fn closed(payment: &Payment) -> Payment {
    close(payment, refund_id(91), at(20)).expect("a change").payment
}

/// A payment in each state.
fn in_state(state: State) -> Payment {
    let refunded = |amount| {
        let requested =
            request_refund(&paid(), refund_id(1), amount, RefundReason::Duplicate, at(30)).expect("valid").payment;
        let outcome = RefundOutcome::Refunded(ReportedTransaction::new("re_1", amount.unwrap_or(usd(1000))));
        changed(record_refund_outcome(&requested, refund_id(1), &outcome, at(40))).payment
    };
    match state {
        Status::Pending => begun(),
        Status::RequiresAction => concluded(&begun(), &waits()).payment,
        Status::Succeeded => paid(),
        Status::Failed => failed(),
        Status::Refunded => refunded(None),
        Status::PartiallyRefunded => refunded(Some(usd(400))),
        Status::NoPaymentRequired => {
            let free = Payment { amount: usd(0), ..begun() };
            confirm_without_charge(&free, at(10)).expect("a change").payment
        }
    }
}

#[test]
fn payment_starts_with_its_first_attempt_and_the_amount_of_the_order() {
    let payment = begun();
    assert_eq!((payment.status, payment.attempts, payment.version, payment.closed), (Status::Pending, 1, 1, false));
    assert_eq!((payment.order_id, payment.user_id, payment.amount), (ORDER, USER, usd(1000)));
    assert_eq!((payment.method, payment.attempted_at), (Some(method("pm_card_visa")), at(0)));
}

#[test]
fn payment_closed_before_its_first_attempt_is_never_charged_or_reconciled() {
    let payment = closed_from_the_start();
    assert_eq!((payment.status, payment.attempts, payment.version), (Status::Failed, 0, 1));
    assert_eq!((payment.reconcile_after(), payment.refundable()), (None, 0));
    assert_eq!(is_due(&payment, 1, at(1)), Ok(false));
    assert_eq!(retry_payment(&payment, method("pm_2"), at(1)).expect_err("rejected").code, "order-closed");
    assert_eq!(close(&payment, refund_id(1), at(1)), None);
}

#[test]
fn each_attempt_and_each_refund_has_a_stable_gateway_key() {
    let payment = begun();
    assert_eq!(payment.gateway_key(), "charge-00000000-0000-0000-0000-000000000001-1");
    assert_eq!(concluded(&payment, &charged("ch_1")).payment.gateway_key(), payment.gateway_key());
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    assert_eq!(again.gateway_key(), "charge-00000000-0000-0000-0000-000000000001-2");
    let requested =
        request_refund(&paid(), refund_id(7), None, RefundReason::Duplicate, at(20)).expect("valid").payment;
    assert_eq!(requested.refunds[0].gateway_key(), "refund-00000000-0000-0000-0000-000000000007");
}

#[test]
fn charge_is_posted_and_published() {
    let change = concluded(&begun(), &charged("ch_1"));
    let (amount, transaction_id) = (usd(1000), "ch_1".to_owned());
    let (purpose, reference) = (Purpose::Charge, transaction_id.clone());
    let transfer = Transfer { purpose, reference, payment_id: Some(ID), refund_id: None, amount, at: at(10) };
    assert_eq!(change.transfers, [transfer]);
    let succeeded = PaymentSucceeded { payment_id: ID, order_id: ORDER, user_id: Some(USER), amount, transaction_id };
    assert_eq!(change.events, [succeeded.into()]);
    assert_eq!((change.payment.status, change.payment.transaction_id.as_deref()), (Status::Succeeded, Some("ch_1")));
    assert_eq!((change.payment.version, change.payment.updated_at), (2, at(10)));
}

#[test]
fn decline_is_published_without_a_transfer_and_cleared_by_a_late_charge() {
    let change = concluded(&begun(), &declined());
    let reason = Reason::PaymentDeclined;
    let event = PaymentFailed { payment_id: ID, order_id: ORDER, user_id: Some(USER), amount: usd(1000), reason };
    assert_eq!((change.transfers, change.events), (vec![], vec![event.into()]));
    assert_eq!(
        (change.payment.status, change.payment.decline_code.as_deref()),
        (Status::Failed, Some("card_declined"))
    );
    let late = concluded(&failed(), &charged("ch_1"));
    assert_eq!((late.payment.status, late.payment.decline_code), (Status::Succeeded, None));
    assert_eq!((late.transfers.len(), late.events.len()), (1, 1));
}

#[test]
fn repeated_or_outdated_outcome_changes_nothing() {
    let record =
        |payment: &Payment, outcome: &ChargeOutcome| record_charge_outcome(payment, 1, outcome, refund_id(90), at(11));
    assert_eq!(record(&failed(), &declined()), Ok(None));
    for state in [Status::Succeeded, Status::PartiallyRefunded, Status::Refunded] {
        assert_eq!(record(&in_state(state), &charged("ch_1")), Ok(None), "{state:?}");
        assert_eq!(record(&in_state(state), &declined()), Ok(None), "{state:?}");
    }
}

#[test]
fn retry_starts_and_publishes_another_attempt_with_the_new_method() {
    let change = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid");
    assert_eq!(change.events, [PaymentRequested { payment_id: ID, order_id: ORDER, attempt: 2 }.into()]);
    assert_eq!(change.transfers, []);
    let payment = change.payment;
    assert_eq!((payment.status, payment.attempts, payment.attempted_at), (Status::Pending, 2, at(20)));
    assert_eq!((payment.method, payment.version), (Some(method("pm_2")), 3));
}

#[test]
fn pending_paid_and_closed_payments_cannot_be_retried() {
    for (payment, code) in [
        (begun(), "payment-in-progress"),
        (paid(), "already-paid"),
        (in_state(Status::PartiallyRefunded), "already-paid"),
        (in_state(Status::Refunded), "already-paid"),
        (closed(&failed()), "order-closed"),
        (closed(&begun()), "order-closed"),
    ] {
        let rejected = retry_payment(&payment, method("pm_2"), at(30)).expect_err("rejected");
        assert_eq!((rejected.kind, rejected.code), (FailureKind::Conflict, code));
    }
}

#[test]
fn payment_has_at_most_five_attempts() {
    let mut payment = failed();
    for attempt in 2..=5 {
        payment = retry_payment(&payment, method("pm_2"), at(20)).expect("valid").payment;
        assert_eq!(payment.attempts, attempt);
        payment = concluded(&payment, &declined()).payment;
    }
    let rejected = retry_payment(&payment, method("pm_2"), at(20)).expect_err("rejected");
    assert_eq!((rejected.kind, rejected.code), (FailureKind::Conflict, "too-many-attempts"));
}

#[test]
fn attempt_is_due_for_23_hours() {
    for (second, is_safe) in [(0, true), (82_799, true), (82_800, true), (82_801, false)] {
        let due = is_due(&begun(), 1, at(second));
        match is_safe {
            true => assert_eq!(due, Ok(true), "{second}"),
            false => assert_eq!(due.expect_err("too old").code, "charge-too-old", "{second}"),
        }
    }
    let again = retry_payment(&failed(), method("pm_2"), at(500)).expect("valid").payment;
    assert_eq!(is_due(&again, 2, at(83_300)), Ok(true), "each attempt has its own retry window");
}

#[test]
fn only_the_pending_last_attempt_of_an_open_payment_is_due() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    for (payment, attempt, due) in [
        (&begun(), 1, true),
        (&begun(), 0, false),
        (&begun(), 2, false),
        (&again, 1, false),
        (&again, 2, true),
        (&paid(), 1, false),
        (&failed(), 1, false),
        (&closed(&begun()), 1, false),
    ] {
        assert_eq!(is_due(payment, attempt, at(30)), Ok(due), "{attempt} of {:?}", payment.status);
        assert_eq!(
            is_due(payment, attempt, at(90_000)).is_err(),
            due,
            "an attempt that is not due is not too old either"
        );
    }
}

#[test]
fn closing_an_unpaid_payment_publishes_nothing_and_is_idempotent() {
    for payment in [begun(), failed()] {
        let change = close(&payment, refund_id(1), at(20)).expect("a change");
        assert_eq!((change.events, change.transfers), (vec![], vec![]));
        assert_eq!((change.payment.status, change.payment.closed), (payment.status, true));
        assert_eq!((change.payment.refunds.len(), change.payment.version), (0, payment.version + 1));
        assert_eq!(close(&change.payment, refund_id(1), at(21)), None);
    }
}

#[test]
fn charge_of_a_cancelled_order_is_refunded_at_once() {
    for payment in [closed(&begun()), closed(&failed())] {
        let change = concluded(&payment, &charged("ch_1"));
        let (refund, amount) = (refund_id(90), usd(1000));
        let requested = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund, amount };
        assert_eq!(change.events.len(), 2);
        assert!(matches!(change.events[0], DomainEvent::PaymentSucceeded(_)));
        assert_eq!(change.events[1], requested.into());
        assert_eq!(change.payment.refunds[0].reason, RefundReason::OrderCancelled);
        assert_eq!((change.payment.refundable(), change.transfers.len()), (0, 1));
    }
}

#[test]
fn unknown_attempt_of_a_cancelled_order_is_abandoned() {
    assert_eq!(abandon_charge(&begun(), at(30)), None);
    let change = abandon_charge(&closed(&begun()), at(620)).expect("a change");
    let reason = Reason::PaymentDeclined;
    let event = PaymentFailed { payment_id: ID, order_id: ORDER, user_id: Some(USER), amount: usd(1000), reason };
    assert_eq!(change.events, [event.into()]);
    assert_eq!(
        (change.payment.status, change.payment.decline_code.as_deref()),
        (Status::Failed, Some("charge_not_found"))
    );
    for other in [failed(), paid(), in_state(Status::Refunded)] {
        assert_eq!(abandon_charge(&closed(&other), at(620)), None, "{:?}", other.status);
    }
}

#[test]
fn attempt_is_not_abandoned_while_a_request_may_be_in_flight() {
    let cancelled_late = close(&begun(), refund_id(91), at(5000)).expect("a change").payment;
    assert_eq!(abandon_charge(&cancelled_late, at(5599)), None, "the last request may still be in flight");
    assert!(abandon_charge(&cancelled_late, at(5600)).is_some());
    let last = RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS;
    assert_eq!(abandon_charge(&begun(), at(last)), None);
    assert!(
        abandon_charge(&begun(), at(last + 1)).is_some(),
        "the retry window is over, even if the order is not cancelled"
    );
}

#[test]
fn attempt_with_a_replayed_gateway_error_is_declined_after_half_an_hour() {
    assert_eq!(fail_charge_after_gateway_error(&begun(), at(1799)), None);
    let outcome = fail_charge_after_gateway_error(&begun(), at(1800)).expect("given up");
    assert_eq!(outcome, ChargeOutcome::Declined("gateway_error".to_owned()));
    let declined = changed(record_charge_outcome(&begun(), 1, &outcome, refund_id(90), at(1800))).payment;
    assert_eq!(is_due(&declined, 1, at(1801)), Ok(false));
    assert_eq!(retry_payment(&declined, method("pm_2"), at(1801)).expect("valid").payment.attempts, 2);
    assert_eq!(concluded(&declined, &charged("ch_1")).payment.status, Status::Succeeded, "the gateway's record counts");
}

#[test]
fn decline_codes_of_suspected_fraud_are_hidden_from_customers() {
    let shown = |code: &str| {
        let payment = concluded(&begun(), &ChargeOutcome::Declined(code.to_owned())).payment;
        payment.decline_code_for_customers().map(str::to_owned)
    };
    for code in ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"] {
        assert_eq!(shown(code).as_deref(), Some("generic_decline"), "{code}");
    }
    assert_eq!(shown("insufficient_funds").as_deref(), Some("insufficient_funds"));
    assert_eq!(begun().decline_code_for_customers(), None);
}

#[test]
fn pending_attempt_is_reconciled_after_ten_minutes() {
    assert_eq!(begun().reconcile_after(), Some(at(600)));
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("valid").payment;
    assert_eq!(again.reconcile_after(), Some(at(620)));
    assert_eq!(closed(&again).reconcile_after(), Some(at(620)), "also for a cancelled order");
    for state in Status::ALL.into_iter().filter(|state| !in_state(*state).is_open()) {
        assert_eq!(in_state(state).reconcile_after(), None, "{state:?}");
    }
}

#[test]
fn pending_charge_of_an_open_payment_is_republished() {
    let change = republish_pending(&begun(), at(700)).expect("a change");
    assert_eq!(change.events, [PaymentRequested { payment_id: ID, order_id: ORDER, attempt: 1 }.into()]);
    assert_eq!((change.payment.version, change.payment.attempted_at), (2, at(0)), "the retry window does not restart");
    for other in [closed(&begun()), failed(), paid(), in_state(Status::Refunded)] {
        assert_eq!(republish_pending(&other, at(700)), None, "{:?}", other.status);
    }
    assert!(republish_pending(&begun(), at(RETRY_WINDOW_SECONDS)).is_some());
    assert_eq!(republish_pending(&begun(), at(RETRY_WINDOW_SECONDS + 1)), None, "the retry window is over");
}

#[test]
fn statuses_have_the_same_word_in_the_api_and_the_database() {
    for status in Status::ALL {
        assert_eq!(serde_json::json!(status), status.name());
        assert_eq!(Status::parse(status.name()), Some(status));
        assert_eq!(in_state(status).status, status);
    }
    assert_eq!(Status::parse("paid"), None);
}
