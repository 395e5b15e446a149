//! Rules of money that goes back.

use super::*;
use crate::event::{PaymentRefunded, RefundFailed};

fn ask(payment: &Payment, n: u128, minor: Option<i64>) -> Result<Change, Failure> {
    request_refund(payment, refund_id(n), minor.map(usd), RefundReason::RequestedByCustomer, at(50))
}

fn asked(payment: &Payment, n: u128, minor: i64) -> Payment {
    ask(payment, n, Some(minor)).expect("legal").payment
}

fn done(payment: &Payment, n: u128) -> Change {
    let answer = RefundOutcome::Refunded(format!("re_{n}"));
    changed(record_refund_outcome(payment, refund_id(n), &answer, at(60)))
}

fn refused(payment: &Payment, n: u128) -> Change {
    let answer = RefundOutcome::Failed("charge_disputed".to_owned());
    changed(record_refund_outcome(payment, refund_id(n), &answer, at(60)))
}

#[test]
fn a_refund_is_asked_for_and_nothing_is_booked_before_the_gateway_gave_it_back() {
    let change = ask(&paid(), 1, Some(400)).expect("legal");
    let asked = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund_id(1), amount: usd(400) };
    assert_eq!((change.events, change.transfers), (vec![asked.into()], vec![]));
    let (reason, status) = (RefundReason::RequestedByCustomer, RefundStatus::Pending);
    let refund =
        Refund { id: refund_id(1), amount: usd(400), reason, status, transaction_id: None, requested_at: at(50) };
    assert_eq!(change.payment.refund(refund_id(1)), Some(&refund));
    assert_eq!(change.payment.refund(refund_id(2)), None);
    assert_eq!((change.payment.status, change.payment.version), (Status::Succeeded, 3));
    assert_eq!((change.payment.refunded(), change.payment.refundable()), (0, 600));
}

#[test]
fn without_an_amount_all_that_is_left_goes_back() {
    assert_eq!(ask(&paid(), 1, None).expect("legal").payment.refunds[0].amount, usd(1000));
    let partly = asked(&paid(), 1, 400);
    assert_eq!(ask(&partly, 2, None).expect("legal").payment.refunds[1].amount, usd(600));
}

#[test]
fn at_least_one_minor_unit_and_at_most_what_is_left_goes_back() {
    let partly = done(&asked(&paid(), 1, 400), 1).payment;
    for (minor, is_allowed) in [(0, false), (1, true), (599, true), (600, true), (601, false)] {
        let outcome = ask(&partly, 2, Some(minor));
        assert_eq!(outcome.is_ok(), is_allowed, "{minor}");
        if let Err(failure) = outcome {
            assert_eq!(failure.fields[0].pointer, "/amount/amount");
            assert_eq!(failure.fields[0].detail, "must be at least 1 and at most 600");
        }
    }
    let eur = Money::new(1, "EUR").expect("valid");
    let failure =
        request_refund(&partly, refund_id(2), Some(eur), RefundReason::Duplicate, at(50)).expect_err("refused");
    assert_eq!((&*failure.fields[0].pointer, &*failure.fields[0].detail), ("/amount/currency", "must be USD"));
}

#[test]
fn where_nothing_was_charged_or_nothing_is_left_nothing_goes_back() {
    let all_asked = asked(&paid(), 1, 1000);
    for payment in [begun(), failed(), never_begun(), all_asked.clone(), done(&all_asked, 1).payment] {
        let failure = ask(&payment, 2, Some(1)).expect_err("refused");
        assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "not-refundable"), "{:?}", payment.status);
    }
}

#[test]
fn a_part_that_went_back_is_booked_once_and_told_with_the_sum() {
    let first = done(&asked(&paid(), 1, 400), 1);
    let (purpose, reference, amount) = (Purpose::Refund, "re_1".to_owned(), usd(400));
    let (payment_id, refund) = (Some(ID), Some(refund_id(1)));
    assert_eq!(first.transfers, [Transfer { purpose, reference, payment_id, refund_id: refund, amount, at: at(60) }]);
    let told = |n, minor, sum| PaymentRefunded {
        payment_id: ID,
        order_id: ORDER,
        refund_id: refund_id(n),
        amount: usd(minor),
        refunded_amount: usd(sum),
    };
    assert_eq!(first.events, [told(1, 400, 400).into()]);
    assert_eq!((first.payment.status, first.payment.refundable()), (Status::PartiallyRefunded, 600));
    let refund = &first.payment.refunds[0];
    assert_eq!((refund.status, refund.transaction_id.as_deref()), (RefundStatus::Succeeded, Some("re_1")));

    let second = done(&asked(&first.payment, 2, 599), 2);
    assert_eq!(second.events, [told(2, 599, 999).into()]);
    assert_eq!(second.payment.status, Status::PartiallyRefunded, "a minor unit is left");
    let last = done(&asked(&second.payment, 3, 1), 3);
    assert_eq!(last.events, [told(3, 1, 1000).into()]);
    assert_eq!((last.payment.status, last.payment.refunded()), (Status::Refunded, 1000));
}

#[test]
fn a_refund_that_was_refused_is_told_and_its_money_can_be_asked_for_again() {
    let change = refused(&asked(&paid(), 1, 400), 1);
    let code = "charge_disputed".to_owned();
    let told = RefundFailed { payment_id: ID, order_id: ORDER, refund_id: refund_id(1), amount: usd(400), code };
    assert_eq!((change.events, change.transfers), (vec![told.into()], vec![]));
    assert_eq!((change.payment.status, change.payment.refunds[0].status), (Status::Succeeded, RefundStatus::Failed));
    assert_eq!((change.payment.refundable(), change.payment.refunded()), (1000, 0));
    let partly = done(&asked(&change.payment, 2, 400), 2).payment;
    assert_eq!(refused(&asked(&partly, 3, 600), 3).payment.status, Status::PartiallyRefunded);
}

#[test]
fn a_refund_that_was_never_made_is_refused_once_nobody_asks_any_more_and_can_be_asked_for_anew() {
    let payment = asked(&paid(), 1, 400);
    let refund = &payment.refunds[0];
    let last = 50 + RETRY_WINDOW_SECONDS;
    assert!(republish_pending(&payment, at(last)).is_some());
    assert_eq!(republish_pending(&payment, at(last + 1)), None, "it is not asked for again");
    assert_eq!(abandon_refund(refund, at(last + RECONCILE_AFTER_SECONDS)), None, "who asked last may not be done");
    let answer = abandon_refund(refund, at(last + RECONCILE_AFTER_SECONDS + 1)).expect("given up");
    assert_eq!(answer, RefundOutcome::Failed("refund_not_found".to_owned()));
    assert_eq!(
        (fail_refund_after_gateway_error(refund, at(1849)), fail_refund_after_gateway_error(refund, at(1850))),
        (None, Some(answer.clone()))
    );
    let change = changed(record_refund_outcome(&payment, refund_id(1), &answer, at(90_000)));
    assert!(matches!(&change.events[..], [DomainEvent::RefundFailed(told)] if told.code == "refund_not_found"));
    assert_eq!((change.payment.refundable(), change.payment.reconcile_after()), (1000, None));
    let anew = asked(&change.payment, 2, 400);
    assert_ne!(anew.refunds[1].gateway_key(), refund.gateway_key());
}

#[test]
fn the_answer_to_a_refund_counts_once_and_that_to_an_unknown_one_not_at_all() {
    let (paid_back, given_up) = (done(&asked(&paid(), 1, 400), 1).payment, refused(&asked(&paid(), 1, 400), 1).payment);
    for payment in [paid_back, given_up] {
        for answer in [RefundOutcome::Refunded("re_9".to_owned()), RefundOutcome::Failed("late".to_owned())] {
            assert_eq!(record_refund_outcome(&payment, refund_id(1), &answer, at(61)), Ok(None));
            let unknown = record_refund_outcome(&payment, refund_id(2), &answer, at(61)).expect_err("unknown");
            assert_eq!(unknown.kind, FailureKind::NotFound);
        }
    }
}

#[test]
fn closing_gives_back_what_neither_went_back_nor_is_on_its_way() {
    let partly = asked(&done(&asked(&paid(), 1, 400), 1).payment, 2, 100);
    let change = close(&partly, refund_id(3), at(70)).expect("a step");
    let told = RefundRequested { payment_id: ID, order_id: ORDER, refund_id: refund_id(3), amount: usd(500) };
    assert_eq!(change.events, [told.into()]);
    assert_eq!(change.payment.refunds[2].reason, RefundReason::OrderCancelled);
    assert_eq!((change.payment.status, change.payment.refundable()), (Status::PartiallyRefunded, 0));
    for nothing_left in [asked(&paid(), 1, 1000), in_state(Status::Refunded)] {
        let change = close(&nothing_left, refund_id(3), at(70)).expect("a step");
        assert_eq!((change.events, change.payment.refunds.len()), (vec![], 1));
    }
}

#[test]
fn a_refund_is_due_for_twenty_three_hours_and_until_it_has_its_answer() {
    let payment = asked(&paid(), 1, 400);
    let refund = &payment.refunds[0];
    assert_eq!(refund.requested_at, at(50));
    for second in [50, 82_849, 82_850] {
        assert_eq!(is_refund_due(refund, at(second)), Ok(true), "{second}");
    }
    let late = is_refund_due(refund, at(82_851)).expect_err("too old");
    assert_eq!((late.kind, late.code), (FailureKind::Conflict, "refund-too-old"));
    for answered in [done(&payment, 1), refused(&payment, 1)] {
        assert_eq!(is_refund_due(&answered.payment.refunds[0], at(90_000)), Ok(false));
    }
}

#[test]
fn the_oldest_refund_without_an_answer_says_when_to_look_and_each_is_asked_for_again() {
    let asked_at = |payment: &Payment, n, second| {
        request_refund(payment, refund_id(n), Some(usd(100)), RefundReason::Fraudulent, at(second))
            .expect("legal")
            .payment
    };
    let payment = [(1, 100), (2, 300), (3, 200)].iter().fold(paid(), |payment, (n, s)| asked_at(&payment, *n, *s));
    assert_eq!(payment.reconcile_after(), Some(at(700)));
    let payment = done(&payment, 1).payment;
    assert_eq!(payment.reconcile_after(), Some(at(800)));

    let change = republish_pending(&payment, at(900)).expect("a step");
    let told = [2, 3].map(|n| {
        let (refund_id, amount) = (refund_id(n), usd(100));
        DomainEvent::from(RefundRequested { payment_id: ID, order_id: ORDER, refund_id, amount })
    });
    assert_eq!((change.events, change.transfers), (told.to_vec(), vec![]));
    assert_eq!((change.payment.refunds, change.payment.version), (payment.refunds.clone(), payment.version + 1));

    let answered = refused(&done(&payment, 2).payment, 3).payment;
    assert_eq!((answered.reconcile_after(), republish_pending(&answered, at(900))), (None, None));
}

#[test]
fn an_unbelievable_answer_for_what_was_never_charged_is_an_internal_failure() {
    let mut payment = asked(&paid(), 1, 400);
    payment.status = Status::Failed;
    let answer = RefundOutcome::Refunded("re_1".to_owned());
    assert_eq!(
        record_refund_outcome(&payment, refund_id(1), &answer, at(60)).expect_err("cannot be").kind,
        FailureKind::Internal
    );
}
