//! What a lookup at the gateway makes of an attempt or a refund without a result.

use super::*;

const LATER: i64 = RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS + 1;

fn of_other_amount(name: &str) -> ReportedTransaction {
    ReportedTransaction::new(name, StatedAmount::new(1, "jpy"))
}

fn charge(payment: &Payment, found: Option<&ChargeOutcome>, second: i64) -> Option<(Status, Resolution)> {
    let resolved = resolve_charge(payment, found, refund_id(90), at(second)).expect("valid");
    resolved.map(|(change, resolution)| (change.payment.status, resolution))
}

fn refund(payment: &Payment, found: Option<&RefundOutcome>, second: i64) -> Option<(RefundStatus, Resolution)> {
    let resolved = resolve_refund(payment, &payment.refunds[0], found, refund_id(99), at(second)).expect("valid");
    resolved.map(|(change, resolution)| (change.payment.refunds[0].status, resolution))
}

#[test]
fn charge_that_is_found_is_recorded() {
    assert_eq!(charge(&begun(), Some(&charged("ch_1")), 700), Some((Status::Succeeded, Resolution::Found)));
    assert_eq!(charge(&begun(), Some(&declined()), 700), Some((Status::Failed, Resolution::Found)));
}

#[test]
fn attempt_may_be_requested_until_the_cancellation_or_the_end_of_its_window() {
    let until = |payment: &Payment| payment.requested_until().expect("valid").as_second();
    assert_eq!(until(&begun()), RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS);
    assert_eq!(until(&closed(&begun())), 20 + RECONCILE_AFTER_SECONDS, "it was closed at second 20");
    let closed_late = close(&begun(), refund_id(91), at(LATER)).expect("a change").payment;
    assert_eq!(until(&closed_late), RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS);
}

#[test]
fn only_the_attempt_of_a_cancelled_order_is_withdrawn_and_while_its_key_is_known() {
    for (payment, second, may) in [
        (begun(), 700, false),
        (closed(&begun()), 700, true),
        (closed(&in_state(Status::RequiresAction)), 700, true),
        (closed(&begun()), RETRY_WINDOW_SECONDS, true),
        (closed(&begun()), RETRY_WINDOW_SECONDS + 1, false),
        (closed(&failed()), 700, false),
        (closed(&paid()), 700, false),
    ] {
        assert_eq!(may_withdraw(&payment, at(second)), may, "{second}: {payment:?}");
    }
}

#[test]
fn charge_that_is_not_found_is_abandoned_after_the_retry_window() {
    assert_eq!(charge(&begun(), None, LATER - 1), None);
    assert_eq!(charge(&begun(), None, LATER), Some((Status::Failed, Resolution::Abandoned)));
}

#[test]
fn charge_of_another_amount_is_recorded_once_and_abandoned_after_the_retry_window() {
    let found = ChargeOutcome::Charged(of_other_amount("ch_1"));
    assert_eq!(charge(&begun(), Some(&found), 700), Some((Status::Pending, Resolution::Mismatched)));
    let recorded = changed(record_charge_outcome(&begun(), 1, &found, refund_id(90), at(700))).payment;
    assert_eq!(charge(&recorded, Some(&found), LATER - 1), None);
    assert_eq!(charge(&recorded, Some(&found), LATER), Some((Status::Failed, Resolution::Abandoned)));
}

#[test]
fn refund_is_recorded_if_found_and_abandoned_after_the_retry_window_if_not() {
    let payment = request_refund(&paid(), refund_id(1), None, RefundReason::Duplicate, at(0)).expect("valid").payment;
    let found = RefundOutcome::Refunded(ReportedTransaction::new("re_1", usd(1000)));
    assert_eq!(refund(&payment, Some(&found), 700), Some((RefundStatus::Succeeded, Resolution::Found)));
    let other = RefundOutcome::Refunded(of_other_amount("re_1"));
    assert_eq!(refund(&payment, Some(&other), 700), Some((RefundStatus::Pending, Resolution::Mismatched)));
    let recorded = changed(record_refund_outcome(&payment, refund_id(1), &other, at(700))).payment;
    for (payment, found) in [(&payment, None), (&recorded, Some(&other))] {
        assert_eq!(refund(payment, found, LATER - 1), None);
        assert_eq!(refund(payment, found, LATER), Some((RefundStatus::Failed, Resolution::Abandoned)));
    }
}

#[test]
fn refund_of_a_cancelled_order_that_was_never_made_is_requested_again() {
    let cancelled = closed(&paid());
    let resolve = |payment: &Payment, second| {
        let refund = payment.refunds.last().expect("a refund");
        resolve_refund(payment, refund, None, refund_id(99), at(second)).expect("valid").map(|(change, _)| change)
    };
    assert_eq!(resolve(&cancelled, LATER), None, "it was requested at second 20");
    let change = resolve(&cancelled, LATER + 20).expect("a change");
    let requested = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund_id(99), amount: usd(1000) };
    assert_eq!((change.events.len(), &change.events[1]), (2, &requested.into()));
    let [given_up, again] = &change.payment.refunds[..] else { panic!("{:?}", change.payment.refunds) };
    assert_eq!((given_up.status, again.status), (RefundStatus::Failed, RefundStatus::Pending));
    assert_eq!((again.reason, again.requested_at), (RefundReason::OrderCancelled, at(LATER + 20)));
    assert_eq!(is_refund_due(again, at(LATER + 21)), Ok(true), "it has a retry window of its own");
}

#[test]
fn only_refunds_of_cancelled_orders_that_were_never_made_are_requested_again() {
    let by_staff = request_refund(&paid(), refund_id(1), None, RefundReason::Duplicate, at(0)).expect("valid").payment;
    let never = fail_refund_after_gateway_error(&by_staff.refunds[0], at(1800)).expect("given up");
    let declined = RefundOutcome::Failed("charge_disputed".to_owned());
    for (payment, outcome, refunds) in [
        (closed(&paid()), &never, 2),
        (closed(&paid()), &declined, 1),
        (by_staff.clone(), &never, 1),
        (closed(&by_staff), &never, 2),
    ] {
        let change = changed(conclude_refund(&payment, payment.refunds[0].id, outcome, refund_id(99), at(1800)));
        assert_eq!(change.payment.refunds.len(), refunds, "{outcome:?} of {:?}", payment.refunds[0].reason);
    }
}
