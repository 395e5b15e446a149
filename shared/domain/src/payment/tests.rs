//! Rules of payments, stated through the functions that move them.

mod invariants;
mod refunds;

use super::*;
use crate::{
    DomainEvent,
    event::{OrderCancelled, PaymentFailed, PaymentRequested, PaymentSucceeded, RefundRequested, StockReserved},
    ledger::{Purpose, Transfer},
    order::Reason,
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
    ChargeOutcome::Charged(name.to_owned())
}

fn declined() -> ChargeOutcome {
    ChargeOutcome::Declined("card_declined".to_owned())
}

/// A payment of ten dollars, begun at 0.
fn begun() -> Payment {
    let (payment_method, amount) = (method("pm_card_visa"), usd(1000));
    let reserved =
        StockReserved { order_id: ORDER, user_id: USER, amount, payment_method, lines: vec![], levels: vec![] };
    begin(ID, &reserved, at(0))
}

/// The payment of an order that was cancelled before it was begun.
fn never_begun() -> Payment {
    let (total_amount, reason) = (usd(1000), Reason::CustomerRequest);
    begin_closed(ID, &OrderCancelled { order_id: ORDER, user_id: USER, total_amount, reason, payment_id: None }, at(0))
}

/// What a call that must be a step makes of it.
fn changed(outcome: Result<Option<Change>, Failure>) -> Change {
    outcome.expect("legal").expect("a step")
}

fn answered(payment: &Payment, answer: &ChargeOutcome) -> Change {
    changed(record_charge_outcome(payment, payment.attempts, answer, refund_id(90), at(10)))
}

fn paid() -> Payment {
    answered(&begun(), &charged("ch_1")).payment
}

fn failed() -> Payment {
    answered(&begun(), &declined()).payment
}

fn closed(payment: &Payment) -> Payment {
    close(payment, refund_id(91), at(20)).expect("a step").payment
}

/// A payment in each state.
fn in_state(state: State) -> Payment {
    let refunded = |amount| {
        let asked =
            request_refund(&paid(), refund_id(1), amount, RefundReason::Duplicate, at(30)).expect("legal").payment;
        let answer = RefundOutcome::Refunded("re_1".to_owned());
        changed(record_refund_outcome(&asked, refund_id(1), &answer, at(40))).payment
    };
    match state {
        Status::Pending => begun(),
        Status::Succeeded => paid(),
        Status::Failed => failed(),
        Status::Refunded => refunded(None),
        Status::PartiallyRefunded => refunded(Some(usd(400))),
    }
}

#[test]
fn a_payment_begins_with_its_first_attempt_and_its_orders_amount() {
    let payment = begun();
    assert_eq!((payment.status, payment.attempts, payment.version, payment.closed), (Status::Pending, 1, 1, false));
    assert_eq!((payment.order_id, payment.user_id, payment.amount), (ORDER, USER, usd(1000)));
    assert_eq!((payment.method, payment.attempted_at), (Some(method("pm_card_visa")), at(0)));
}

#[test]
fn a_payment_that_was_never_begun_cannot_be_paid_and_waits_for_nothing() {
    let payment = never_begun();
    assert_eq!((payment.status, payment.attempts, payment.version), (Status::Failed, 0, 1));
    assert_eq!((payment.reconcile_after(), payment.refundable()), (None, 0));
    assert_eq!(is_due(&payment, 1, at(1)), Ok(false));
    assert_eq!(retry_payment(&payment, method("pm_2"), at(1)).expect_err("refused").code, "order-closed");
    assert_eq!(close(&payment, refund_id(1), at(1)), None);
}

#[test]
fn each_attempt_and_each_refund_has_its_own_key_at_the_gateway_that_never_changes() {
    let payment = begun();
    assert_eq!(payment.gateway_key(), "charge-00000000-0000-0000-0000-000000000001-1");
    assert_eq!(answered(&payment, &charged("ch_1")).payment.gateway_key(), payment.gateway_key());
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal").payment;
    assert_eq!(again.gateway_key(), "charge-00000000-0000-0000-0000-000000000001-2");
    let asked = request_refund(&paid(), refund_id(7), None, RefundReason::Duplicate, at(20)).expect("legal").payment;
    assert_eq!(asked.refunds[0].gateway_key(), "refund-00000000-0000-0000-0000-000000000007");
}

#[test]
fn a_charge_is_booked_and_told() {
    let change = answered(&begun(), &charged("ch_1"));
    let (amount, transaction_id) = (usd(1000), "ch_1".to_owned());
    let (purpose, reference) = (Purpose::Charge, transaction_id.clone());
    let booked = Transfer { purpose, reference, payment_id: Some(ID), refund_id: None, amount, at: at(10) };
    assert_eq!(change.transfers, [booked]);
    let told = PaymentSucceeded { payment_id: ID, order_id: ORDER, amount, transaction_id };
    assert_eq!(change.events, [told.into()]);
    assert_eq!((change.payment.status, change.payment.transaction_id.as_deref()), (Status::Succeeded, Some("ch_1")));
    assert_eq!((change.payment.version, change.payment.updated_at), (2, at(10)));
}

#[test]
fn a_refusal_is_told_with_nothing_booked_and_is_forgotten_when_it_is_charged_after_all() {
    let change = answered(&begun(), &declined());
    let reason = Reason::PaymentDeclined;
    let told = PaymentFailed { payment_id: ID, order_id: ORDER, amount: usd(1000), reason };
    assert_eq!((change.transfers, change.events), (vec![], vec![told.into()]));
    assert_eq!(
        (change.payment.status, change.payment.decline_code.as_deref()),
        (Status::Failed, Some("card_declined"))
    );
    let late = answered(&failed(), &charged("ch_1"));
    assert_eq!((late.payment.status, late.payment.decline_code), (Status::Succeeded, None));
    assert_eq!((late.transfers.len(), late.events.len()), (1, 1));
}

#[test]
fn an_answer_that_is_known_changes_nothing() {
    let same =
        |payment: &Payment, answer: &ChargeOutcome| record_charge_outcome(payment, 1, answer, refund_id(90), at(11));
    assert_eq!(same(&failed(), &declined()), Ok(None));
    for state in [Status::Succeeded, Status::PartiallyRefunded, Status::Refunded] {
        assert_eq!(same(&in_state(state), &charged("ch_1")), Ok(None), "{state:?}");
        assert_eq!(same(&in_state(state), &declined()), Ok(None), "{state:?}");
    }
}

#[test]
fn a_second_charge_for_one_payment_is_for_a_person_to_see() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal").payment;
    let paid_again = answered(&again, &charged("ch_2")).payment;
    for (payment, attempt, name) in [
        (&paid(), 1, "ch_other"),
        (&paid(), 2, "ch_other"),
        (&again, 1, "ch_1"),
        (&paid_again, 1, "ch_1"),
        (&never_begun(), 1, "ch_1"),
    ] {
        let stray =
            record_charge_outcome(payment, attempt, &charged(name), refund_id(90), at(30)).expect_err("a conflict");
        assert_eq!((stray.kind, stray.code), (FailureKind::Conflict, "duplicate-charge"), "{attempt} {name}");
    }
    assert_eq!(record_charge_outcome(&paid_again, 1, &charged("ch_2"), refund_id(90), at(30)), Ok(None));
}

#[test]
fn that_an_attempt_that_is_not_the_last_was_refused_is_old_news() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal").payment;
    assert_eq!(record_charge_outcome(&again, 1, &declined(), refund_id(90), at(30)), Ok(None));
}

#[test]
fn paying_again_begins_another_attempt_with_another_card_and_says_so() {
    let change = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal");
    assert_eq!(change.events, [PaymentRequested { payment_id: ID, order_id: ORDER, attempt: 2 }.into()]);
    assert_eq!(change.transfers, []);
    let payment = change.payment;
    assert_eq!((payment.status, payment.attempts, payment.attempted_at), (Status::Pending, 2, at(20)));
    assert_eq!((payment.method, payment.version), (Some(method("pm_2")), 3));
}

#[test]
fn what_is_paid_under_way_or_cancelled_is_not_paid_again() {
    for (payment, code) in [
        (begun(), "payment-in-progress"),
        (paid(), "already-paid"),
        (in_state(Status::PartiallyRefunded), "already-paid"),
        (in_state(Status::Refunded), "already-paid"),
        (closed(&failed()), "order-closed"),
        (closed(&begun()), "order-closed"),
    ] {
        let refused = retry_payment(&payment, method("pm_2"), at(30)).expect_err("refused");
        assert_eq!((refused.kind, refused.code), (FailureKind::Conflict, code));
    }
}

#[test]
fn an_order_is_tried_to_be_paid_five_times_at_most() {
    let mut payment = failed();
    for attempt in 2..=5 {
        payment = retry_payment(&payment, method("pm_2"), at(20)).expect("legal").payment;
        assert_eq!(payment.attempts, attempt);
        payment = answered(&payment, &declined()).payment;
    }
    let refused = retry_payment(&payment, method("pm_2"), at(20)).expect_err("refused");
    assert_eq!((refused.kind, refused.code), (FailureKind::Conflict, "too-many-attempts"));
}

#[test]
fn an_attempt_is_due_for_twenty_three_hours_and_not_a_second_longer() {
    for (second, is_safe) in [(0, true), (82_799, true), (82_800, true), (82_801, false)] {
        let due = is_due(&begun(), 1, at(second));
        match is_safe {
            true => assert_eq!(due, Ok(true), "{second}"),
            false => assert_eq!(due.expect_err("too old").code, "charge-too-old", "{second}"),
        }
    }
    let again = retry_payment(&failed(), method("pm_2"), at(500)).expect("legal").payment;
    assert_eq!(is_due(&again, 2, at(83_300)), Ok(true), "each attempt has its own time");
}

#[test]
fn only_the_last_attempt_of_an_open_payment_without_an_answer_is_due() {
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal").payment;
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
        assert_eq!(is_due(payment, attempt, at(90_000)).is_err(), due, "what is not due is not too late either");
    }
}

#[test]
fn closing_an_unpaid_payment_tells_nothing_and_closing_it_twice_changes_nothing() {
    for payment in [begun(), failed()] {
        let change = close(&payment, refund_id(1), at(20)).expect("a step");
        assert_eq!((change.events, change.transfers), (vec![], vec![]));
        assert_eq!((change.payment.status, change.payment.closed), (payment.status, true));
        assert_eq!((change.payment.refunds.len(), change.payment.version), (0, payment.version + 1));
        assert_eq!(close(&change.payment, refund_id(1), at(21)), None);
    }
}

#[test]
fn what_is_charged_for_a_cancelled_order_goes_back_at_once() {
    for payment in [closed(&begun()), closed(&failed())] {
        let change = answered(&payment, &charged("ch_1"));
        let (refund, amount) = (refund_id(90), usd(1000));
        let asked = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund, amount };
        assert_eq!(change.events.len(), 2);
        assert!(matches!(change.events[0], DomainEvent::PaymentSucceeded(_)));
        assert_eq!(change.events[1], asked.into());
        assert_eq!(change.payment.refunds[0].reason, RefundReason::OrderCancelled);
        assert_eq!((change.payment.refundable(), change.transfers.len()), (0, 1));
    }
}

#[test]
fn an_attempt_of_which_the_gateway_never_heard_is_given_up_when_the_order_is_cancelled() {
    assert_eq!(abandon_charge(&begun(), at(30)), None);
    let change = abandon_charge(&closed(&begun()), at(620)).expect("a step");
    let reason = Reason::PaymentDeclined;
    let told = PaymentFailed { payment_id: ID, order_id: ORDER, amount: usd(1000), reason };
    assert_eq!(change.events, [told.into()]);
    assert_eq!(
        (change.payment.status, change.payment.decline_code.as_deref()),
        (Status::Failed, Some("charge_not_found"))
    );
    for answered in [failed(), paid(), in_state(Status::Refunded)] {
        assert_eq!(abandon_charge(&closed(&answered), at(620)), None, "{:?}", answered.status);
    }
}

#[test]
fn an_attempt_is_not_given_up_while_somebody_may_be_asking_for_it() {
    let cancelled_late = close(&begun(), refund_id(91), at(5000)).expect("a step").payment;
    assert_eq!(abandon_charge(&cancelled_late, at(5599)), None, "whoever asked last may not be done");
    assert!(abandon_charge(&cancelled_late, at(5600)).is_some());
    let last = RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS;
    assert_eq!(abandon_charge(&begun(), at(last)), None);
    assert!(abandon_charge(&begun(), at(last + 1)).is_some(), "nobody asks for it any more, cancelled or not");
}

#[test]
fn an_attempt_whose_key_holds_a_fault_is_declined_after_half_an_hour_and_not_asked_for_again() {
    assert_eq!(fail_charge_after_gateway_error(&begun(), at(1799)), None);
    let answer = fail_charge_after_gateway_error(&begun(), at(1800)).expect("given up");
    assert_eq!(answer, ChargeOutcome::Declined("gateway_error".to_owned()));
    let declined = changed(record_charge_outcome(&begun(), 1, &answer, refund_id(90), at(1800))).payment;
    assert_eq!(is_due(&declined, 1, at(1801)), Ok(false));
    assert_eq!(retry_payment(&declined, method("pm_2"), at(1801)).expect("legal").payment.attempts, 2);
    assert_eq!(answered(&declined, &charged("ch_1")).payment.status, Status::Succeeded, "the gateway's word counts");
}

#[test]
fn customers_are_not_told_that_a_card_is_held_to_be_stolen() {
    let told = |code: &str| {
        let payment = answered(&begun(), &ChargeOutcome::Declined(code.to_owned())).payment;
        payment.decline_code_for_customers().map(str::to_owned)
    };
    for code in ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"] {
        assert_eq!(told(code).as_deref(), Some("generic_decline"), "{code}");
    }
    assert_eq!(told("insufficient_funds").as_deref(), Some("insufficient_funds"));
    assert_eq!(begun().decline_code_for_customers(), None);
}

#[test]
fn a_missing_answer_is_looked_after_ten_minutes_after_the_question() {
    assert_eq!(begun().reconcile_after(), Some(at(600)));
    let again = retry_payment(&failed(), method("pm_2"), at(20)).expect("legal").payment;
    assert_eq!(again.reconcile_after(), Some(at(620)));
    assert_eq!(closed(&again).reconcile_after(), Some(at(620)), "a cancelled order's attempt, too");
    for state in [Status::Failed, Status::Succeeded, Status::PartiallyRefunded, Status::Refunded] {
        assert_eq!(in_state(state).reconcile_after(), None, "{state:?}");
    }
}

#[test]
fn the_charge_of_an_open_payment_is_asked_for_again_and_of_a_cancelled_order_it_is_not() {
    let change = republish_pending(&begun(), at(700)).expect("a step");
    assert_eq!(change.events, [PaymentRequested { payment_id: ID, order_id: ORDER, attempt: 1 }.into()]);
    assert_eq!((change.payment.version, change.payment.attempted_at), (2, at(0)), "its time goes on running");
    for answered in [closed(&begun()), failed(), paid(), in_state(Status::Refunded)] {
        assert_eq!(republish_pending(&answered, at(700)), None, "{:?}", answered.status);
    }
    assert!(republish_pending(&begun(), at(RETRY_WINDOW_SECONDS)).is_some());
    assert_eq!(republish_pending(&begun(), at(RETRY_WINDOW_SECONDS + 1)), None, "nobody may ask any more");
}

#[test]
fn a_status_has_one_word_in_the_api_and_the_database() {
    for status in Status::ALL {
        assert_eq!(serde_json::json!(status), status.name());
        assert_eq!(Status::parse(status.name()), Some(status));
        assert_eq!(in_state(status).status, status);
    }
    assert_eq!(Status::parse("paid"), None);
}

#[test]
fn the_gateway_charges_from_fifty_minor_units_to_eight_digits() {
    for (minor, is_charged) in [(49, false), (50, true), (51, true), (99_999_999, true), (100_000_000, false)] {
        assert_eq!(check_total(usd(minor)).is_ok(), is_charged, "{minor}");
    }
}

#[test]
fn the_table_of_moves_is_this_one() {
    use super::Transition::{Ignore, Reject, To};
    use Status::{Failed, PartiallyRefunded, Pending, Refunded, Succeeded};
    let table = Status::ALL.map(|state| Input::ALL.map(|cue| next(state, cue)));
    // Charged, declined, never charged; pay again, ask for a refund; refunded a part, the rest, refused; close.
    let part = To(PartiallyRefunded);
    let expected = [
        (Pending, [To(Succeeded), To(Failed), To(Failed), Reject, Reject, Reject, Reject, Reject]),
        (Succeeded, [Ignore, Ignore, Ignore, Reject, To(Succeeded), part, To(Refunded), To(Succeeded)]),
        (Failed, [To(Succeeded), Ignore, Ignore, To(Pending), Reject, Reject, Reject, Reject]),
        (Refunded, [Ignore, Ignore, Ignore, Reject, Reject, Reject, Reject, Reject]),
        (PartiallyRefunded, [Ignore, Ignore, Ignore, Reject, part, part, To(Refunded), part]),
    ];
    for ((state, moves), row) in expected.into_iter().zip(table) {
        assert_eq!(row[..8], moves, "{state:?}");
        assert_eq!(row[8], To(state), "closing leaves {state:?}");
    }
}
