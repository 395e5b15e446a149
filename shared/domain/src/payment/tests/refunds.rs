//! Tests of refunds.

use super::*;
use crate::event::{PaymentRefunded, RefundFailed};

fn request(payment: &Payment, n: u128, minor: Option<i64>) -> Result<PaymentTransition, Failure> {
    request_refund(payment, refund_id(n), minor.map(usd), RefundReason::RequestedByCustomer, at(50))
}

fn requested(payment: &Payment, n: u128, minor: i64) -> Payment {
    request(payment, n, Some(minor)).expect("valid").payment
}

fn refunded(payment: &Payment, n: u128) -> PaymentTransition {
    let amount = payment.refund(refund_id(n)).expect("a refund").amount;
    let outcome = RefundOutcome::Refunded(ReportedTransaction::new(format!("re_{n}"), amount));
    changed(record_refund_outcome(payment, refund_id(n), &outcome, at(60)))
}

fn rejected(payment: &Payment, n: u128) -> PaymentTransition {
    let outcome = RefundOutcome::Failed("charge_disputed".to_owned());
    changed(record_refund_outcome(payment, refund_id(n), &outcome, at(60)))
}

#[test]
fn refund_request_is_published_and_nothing_is_posted_yet() {
    let change = request(&paid(), 1, Some(400)).expect("valid");
    let event = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund_id(1), amount: usd(400) };
    assert_eq!((change.events, change.transfers), (vec![event.into()], vec![]));
    let (reason, status) = (RefundReason::RequestedByCustomer, RefundStatus::Pending);
    let refund =
        Refund { id: refund_id(1), amount: usd(400), reason, status, transaction_id: None, requested_at: at(50) };
    assert_eq!(change.payment.refund(refund_id(1)), Some(&refund));
    assert_eq!(change.payment.refund(refund_id(2)), None);
    assert_eq!((change.payment.status, change.payment.version), (Status::Succeeded, 3));
    assert_eq!((change.payment.refunded(), change.payment.refundable()), (0, 600));
}

#[test]
fn refund_without_an_amount_is_for_all_that_is_left() {
    assert_eq!(request(&paid(), 1, None).expect("valid").payment.refunds[0].amount, usd(1000));
    let partly = requested(&paid(), 1, 400);
    assert_eq!(request(&partly, 2, None).expect("valid").payment.refunds[1].amount, usd(600));
}

#[test]
fn refund_amount_is_at_least_1_and_at_most_what_is_left() {
    let partly = refunded(&requested(&paid(), 1, 400), 1).payment;
    for (minor, is_allowed) in [(0, false), (1, true), (599, true), (600, true), (601, false)] {
        let outcome = request(&partly, 2, Some(minor));
        assert_eq!(outcome.is_ok(), is_allowed, "{minor}");
        if let Err(failure) = outcome {
            assert_eq!(failure.fields[0].pointer, "/amount/amount");
            assert_eq!(failure.fields[0].detail, "must be between 1 and 600");
        }
    }
    let eur = Money::new(1, "EUR").expect("valid");
    let failure =
        request_refund(&partly, refund_id(2), Some(eur), RefundReason::Duplicate, at(50)).expect_err("rejected");
    assert_eq!((&*failure.fields[0].pointer, &*failure.fields[0].detail), ("/amount/currency", "must be USD"));
}

#[test]
fn payment_without_a_charge_or_remainder_is_not_refundable() {
    let all_requested = requested(&paid(), 1, 1000);
    for payment in
        [begun(), failed(), closed_from_the_start(), all_requested.clone(), refunded(&all_requested, 1).payment]
    {
        let failure = request(&payment, 2, Some(1)).expect_err("rejected");
        assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "not-refundable"), "{:?}", payment.status);
    }
}

#[test]
fn partial_refund_is_posted_once_and_published_with_the_sum() {
    let first = refunded(&requested(&paid(), 1, 400), 1);
    let (purpose, reference, amount) = (Purpose::Refund, "re_1".to_owned(), usd(400));
    let (payment_id, refund) = (Some(ID), Some(refund_id(1)));
    assert_eq!(first.transfers, [Transfer { purpose, reference, payment_id, refund_id: refund, amount, at: at(60) }]);
    let event = |n, minor, sum| PaymentRefunded {
        payment_id: ID,
        order_id: ORDER,
        user_id: Some(USER),
        refund_id: refund_id(n),
        transaction_id: Some(format!("re_{n}")),
        amount: usd(minor),
        refunded_amount: usd(sum),
    };
    assert_eq!(first.events, [event(1, 400, 400).into()]);
    assert_eq!((first.payment.status, first.payment.refundable()), (Status::PartiallyRefunded, 600));
    let refund = &first.payment.refunds[0];
    assert_eq!((refund.status, refund.transaction_id.as_deref()), (RefundStatus::Succeeded, Some("re_1")));

    let second = refunded(&requested(&first.payment, 2, 599), 2);
    assert_eq!(second.events, [event(2, 599, 999).into()]);
    assert_eq!(second.payment.status, Status::PartiallyRefunded, "one minor unit is left");
    let last = refunded(&requested(&second.payment, 3, 1), 3);
    assert_eq!(last.events, [event(3, 1, 1000).into()]);
    assert_eq!((last.payment.status, last.payment.refunded()), (Status::Refunded, 1000));
}

#[test]
fn failed_refund_is_published_and_its_amount_is_refundable_again() {
    let change = rejected(&requested(&paid(), 1, 400), 1);
    let (transaction_id, code) = (None, "charge_disputed".to_owned());
    let event = RefundFailed {
        payment_id: ID,
        order_id: ORDER,
        refund_id: refund_id(1),
        transaction_id,
        amount: usd(400),
        code,
    };
    assert_eq!((change.events, change.transfers), (vec![event.into()], vec![]));
    assert_eq!((change.payment.status, change.payment.refunds[0].status), (Status::Succeeded, RefundStatus::Failed));
    assert_eq!((change.payment.refundable(), change.payment.refunded()), (1000, 0));
    let partly = refunded(&requested(&change.payment, 2, 400), 2).payment;
    assert_eq!(rejected(&requested(&partly, 3, 600), 3).payment.status, Status::PartiallyRefunded);
}

#[test]
fn unknown_refund_fails_after_the_retry_window_and_can_be_requested_again() {
    let payment = requested(&paid(), 1, 400);
    let refund = &payment.refunds[0];
    let last = 50 + RETRY_WINDOW_SECONDS;
    assert!(republish_pending(&payment, at(last)).is_some());
    assert_eq!(republish_pending(&payment, at(last + 1)), None, "the retry window is over");
    assert_eq!(
        abandon_refund(&payment, refund, at(last + RECONCILE_AFTER_SECONDS)),
        None,
        "the last request may still be in flight"
    );
    let outcome = abandon_refund(&payment, refund, at(last + RECONCILE_AFTER_SECONDS + 1)).expect("given up");
    assert_eq!(outcome, RefundOutcome::Failed("refund_not_found".to_owned()));
    assert_eq!(
        (fail_refund_after_gateway_error(refund, at(1849)), fail_refund_after_gateway_error(refund, at(1850))),
        (None, Some(outcome.clone()))
    );
    let change = changed(record_refund_outcome(&payment, refund_id(1), &outcome, at(90_000)));
    assert!(matches!(&change.events[..], [DomainEvent::RefundFailed(failed)] if failed.code == "refund_not_found"));
    assert_eq!((change.payment.refundable(), change.payment.reconcile_after()), (1000, None));
    let again = requested(&change.payment, 2, 400);
    assert_ne!(again.refunds[1].gateway_key(), refund.gateway_key());
}

#[test]
fn refund_outcome_is_recorded_once_and_for_known_refunds_only() {
    let (succeeded, failed) =
        (refunded(&requested(&paid(), 1, 400), 1).payment, rejected(&requested(&paid(), 1, 400), 1).payment);
    for payment in [succeeded, failed] {
        for outcome in [
            RefundOutcome::Refunded(ReportedTransaction::new("re_9", usd(400))),
            RefundOutcome::Failed("late".to_owned()),
        ] {
            assert_eq!(record_refund_outcome(&payment, refund_id(1), &outcome, at(61)), Ok(None));
            let unknown = record_refund_outcome(&payment, refund_id(2), &outcome, at(61)).expect_err("unknown");
            assert_eq!(unknown.kind, FailureKind::NotFound);
        }
    }
}

#[test]
fn closing_refunds_what_is_neither_refunded_nor_in_a_pending_refund() {
    let partly = requested(&refunded(&requested(&paid(), 1, 400), 1).payment, 2, 100);
    let change = close(&partly, refund_id(3), at(70)).expect("a change");
    let event = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund_id(3), amount: usd(500) };
    assert_eq!(change.events, [event.into()]);
    assert_eq!(change.payment.refunds[2].reason, RefundReason::OrderCancelled);
    assert_eq!((change.payment.status, change.payment.refundable()), (Status::PartiallyRefunded, 0));
    for nothing_left in [requested(&paid(), 1, 1000), in_state(Status::Refunded)] {
        let change = close(&nothing_left, refund_id(3), at(70)).expect("a change");
        assert_eq!((change.events, change.payment.refunds.len()), (vec![], 1));
    }
}

#[test]
fn pending_refund_is_due_for_23_hours() {
    let payment = requested(&paid(), 1, 400);
    let refund = &payment.refunds[0];
    assert_eq!(refund.requested_at, at(50));
    for second in [50, 82_849, 82_850] {
        assert_eq!(is_refund_due(refund, at(second)), Ok(true), "{second}");
    }
    let late = is_refund_due(refund, at(82_851)).expect_err("too old");
    assert_eq!((late.kind, late.code), (FailureKind::Conflict, "refund-too-old"));
    for concluded in [refunded(&payment, 1), rejected(&payment, 1)] {
        assert_eq!(is_refund_due(&concluded.payment.refunds[0], at(90_000)), Ok(false));
    }
}

#[test]
fn oldest_pending_refund_sets_the_reconciliation_time_and_all_are_republished() {
    let requested_at = |payment: &Payment, n, second| {
        request_refund(payment, refund_id(n), Some(usd(100)), RefundReason::Fraudulent, at(second))
            .expect("valid")
            .payment
    };
    let payment = [(1, 100), (2, 300), (3, 200)].iter().fold(paid(), |payment, (n, s)| requested_at(&payment, *n, *s));
    assert_eq!(payment.reconcile_after(), Some(at(700)));
    let payment = refunded(&payment, 1).payment;
    assert_eq!(payment.reconcile_after(), Some(at(800)));

    let change = republish_pending(&payment, at(900)).expect("a change");
    let events = [2, 3].map(|n| {
        let (refund_id, amount) = (refund_id(n), usd(100));
        DomainEvent::from(RefundRequested { payment_id: ID, order_id: ORDER, refund_id, amount })
    });
    assert_eq!((change.events, change.transfers), (events.to_vec(), vec![]));
    assert_eq!((change.payment.refunds, change.payment.version), (payment.refunds.clone(), payment.version + 1));

    let concluded = rejected(&refunded(&payment, 2).payment, 3).payment;
    assert_eq!((concluded.reconcile_after(), republish_pending(&concluded, at(900))), (None, None));
}

#[test]
fn refund_outcome_of_an_uncharged_payment_is_an_internal_failure() {
    let mut payment = requested(&paid(), 1, 400);
    payment.status = Status::Failed;
    let outcome = RefundOutcome::Refunded(ReportedTransaction::new("re_1", usd(400)));
    assert_eq!(
        record_refund_outcome(&payment, refund_id(1), &outcome, at(60)).expect_err("impossible").kind,
        FailureKind::Internal
    );
}
