//! Refunds that the gateway reports: made in its dashboard, requested by this platform, or returned by a bank.

use super::*;
use crate::event::{PaymentRefunded, RefundFailed};

/// A report of a refund that was made in the dashboard.
fn made(name: &str, minor: i64) -> ReportedRefund {
    let amount = Some(usd(minor).into());
    ReportedRefund {
        charge: "ch_1".to_owned(),
        transaction_id: name.to_owned(),
        refund_id: None,
        amount,
        failure: None,
    }
}

fn returned(name: &str, minor: i64) -> ReportedRefund {
    ReportedRefund { failure: Some("expired_or_canceled_card".to_owned()), ..made(name, minor) }
}

fn record(payment: &Payment, reported: &ReportedRefund) -> Option<PaymentTransition> {
    // A new id for each refund that is not known yet.
    let new = refund_id(50 + payment.refunds.len() as u128);
    record_reported_refund(payment, reported, new, at(60)).expect("valid")
}

fn posted(payment: &Payment, reported: &ReportedRefund) -> Payment {
    record(payment, reported).expect("a change").payment
}

#[test]
fn refund_made_at_the_gateway_is_posted_once() {
    let change = record(&paid(), &made("re_1", 400)).expect("a change");
    let (purpose, reference, amount) = (Purpose::Refund, "re_1".to_owned(), usd(400));
    let (payment_id, refund) = (Some(ID), Some(refund_id(50)));
    assert_eq!(change.transfers, [Transfer { purpose, reference, payment_id, refund_id: refund, amount, at: at(60) }]);
    let event = PaymentRefunded {
        payment_id: ID,
        order_id: ORDER,
        user_id: Some(USER),
        refund_id: refund_id(50),
        transaction_id: Some("re_1".to_owned()),
        amount,
        refunded_amount: amount,
    };
    assert_eq!(change.events, [event.into()]);
    let refund = &change.payment.refunds[0];
    assert_eq!((refund.reason, refund.status), (RefundReason::MadeAtGateway, RefundStatus::Succeeded));
    assert_eq!((change.payment.status, change.payment.refundable()), (Status::PartiallyRefunded, 600));
    assert_eq!(record(&change.payment, &made("re_1", 400)), None, "reported again");
    let rest = posted(&change.payment, &made("re_2", 600));
    assert_eq!((rest.status, rest.refunded(), rest.refunds.len()), (Status::Refunded, 1000, 2));
}

#[test]
fn refund_of_this_platform_that_is_reported_is_not_posted_twice() {
    let requested = request_refund(&paid(), refund_id(1), Some(usd(400)), RefundReason::Duplicate, at(50));
    let pending = requested.expect("valid").payment;
    let report = ReportedRefund { refund_id: Some(refund_id(1)), ..made("re_1", 400) };
    let first = record(&pending, &report).expect("the report comes before the response");
    assert_eq!((first.payment.refunds.len(), first.transfers.len()), (1, 1));
    assert_eq!(first.payment.refunds[0].transaction_id.as_deref(), Some("re_1"));
    let response = RefundOutcome::Refunded(ReportedTransaction::new("re_1", usd(400)));
    assert_eq!(record_refund_outcome(&first.payment, refund_id(1), &response, at(61)), Ok(None));
    assert_eq!(record(&first.payment, &report), None);
    assert_eq!(
        record(&first.payment, &made("re_1", 400)),
        None,
        "without its metadata it is known by the gateway's id"
    );
}

#[test]
fn refund_that_fails_after_it_succeeded_is_reversed() {
    let partly = posted(&paid(), &made("re_1", 400));
    let whole = posted(&partly, &made("re_2", 600));
    for (payment, status, left) in [(&partly, Status::Succeeded, 1000), (&whole, Status::PartiallyRefunded, 400)] {
        let change = record(payment, &returned("re_1", 400)).expect("a change");
        let (purpose, reference, amount) = (Purpose::RefundReversal, "re_1".to_owned(), usd(400));
        let (payment_id, refund) = (Some(ID), Some(refund_id(50)));
        let transfer = Transfer { purpose, reference, payment_id, refund_id: refund, amount, at: at(60) };
        assert_eq!(change.transfers, [transfer]);
        let event = RefundFailed {
            payment_id: ID,
            order_id: ORDER,
            refund_id: refund_id(50),
            transaction_id: Some("re_1".to_owned()),
            amount,
            code: "expired_or_canceled_card".to_owned(),
        };
        assert_eq!(change.events, [event.into()]);
        assert_eq!((change.payment.status, change.payment.refundable()), (status, left));
        assert_eq!(record(&change.payment, &returned("re_1", 400)), None, "reported again");
        assert_eq!(record(&change.payment, &made("re_1", 400)), None, "an older report arrives late");
    }
}

#[test]
fn failure_that_arrives_before_its_refund_posts_nothing() {
    let failed = record(&paid(), &returned("re_1", 400)).expect("a change");
    assert_eq!((failed.transfers, failed.events), (vec![], vec![]));
    assert_eq!((failed.payment.status, failed.payment.refundable()), (Status::Succeeded, 1000));
    assert_eq!(record(&failed.payment, &made("re_1", 400)), None);
    assert_eq!(record(&failed.payment, &returned("re_1", 400)), None);
}

#[test]
fn refund_that_was_given_up_is_posted_when_the_gateway_reports_it() {
    let requested = request_refund(&paid(), refund_id(1), Some(usd(400)), RefundReason::Duplicate, at(50));
    let outcome = RefundOutcome::Failed("refund_not_found".to_owned());
    let given_up = changed(record_refund_outcome(&requested.expect("valid").payment, refund_id(1), &outcome, at(60)));
    let report = ReportedRefund { refund_id: Some(refund_id(1)), ..made("re_1", 400) };
    let change = record(&given_up.payment, &report).expect("a change");
    assert_eq!((change.payment.refunds.len(), change.payment.refunded(), change.transfers.len()), (1, 400, 1));
}

#[test]
fn reported_refund_of_another_currency_or_of_more_than_was_charged_is_for_review() {
    let eur = ReportedRefund { amount: Some(StatedAmount::new(400, "eur")), ..made("re_1", 0) };
    let none = ReportedRefund { amount: None, ..made("re_1", 0) };
    for reported in [eur, none, made("re_1", 1001)] {
        let change = record(&paid(), &reported).expect("a change");
        assert!(change.is_mismatch() && change.transfers.is_empty(), "{reported:?}");
        assert_eq!(change.payment.refunded(), 0);
        assert_eq!(record(&change.payment, &reported), None);
    }
}

#[test]
fn refund_of_more_than_is_left_waits_for_the_return_of_another() {
    let partly = posted(&paid(), &made("re_1", 400));
    let (rest, new) = (made("re_2", 1000), refund_id(60));
    let failure = record_reported_refund(&partly, &rest, new, at(60)).expect_err("too early");
    assert_eq!((failure.kind, failure.code), (FailureKind::Unavailable, REFUND_EXCEEDS_CHARGE));
    let payment = posted(&posted(&partly, &returned("re_1", 400)), &rest);
    assert_eq!((payment.status, payment.refunded()), (Status::Refunded, 1000));
    let excess = record_excessive_refund(&partly, &rest, at(60)).expect("a change");
    assert!(excess.is_mismatch() && excess.transfers.is_empty());
}

#[test]
fn refund_of_this_platform_waits_for_the_return_of_what_it_exceeds() {
    let requested = request_refund(&paid(), refund_id(1), None, RefundReason::Duplicate, at(50)).expect("valid");
    for minor in [400, 1000] {
        let partly = posted(&requested.payment, &made("re_1", minor));
        let outcome = RefundOutcome::Refunded(ReportedTransaction {
            transaction_id: "re_2".to_owned(),
            amount: Some(usd(1000).into()),
        });
        let failure = record_refund_outcome(&partly, refund_id(1), &outcome, at(60)).expect_err("too early");
        assert_eq!((failure.kind, failure.code), (FailureKind::Unavailable, REFUND_EXCEEDS_CHARGE));
        let payment = posted(&partly, &returned("re_1", minor));
        let change = changed(record_refund_outcome(&payment, refund_id(1), &outcome, at(70)));
        assert_eq!((change.payment.status, change.payment.refunded()), (Status::Refunded, 1000));
    }
}

#[test]
fn refund_of_a_duplicate_charge_is_not_posted() {
    let other = ReportedRefund { charge: "ch_2".to_owned(), ..made("re_1", 400) };
    assert_eq!(record(&paid(), &other), None);
    for uncharged in [begun(), failed(), closed_from_the_start()] {
        let failure = record_reported_refund(&uncharged, &other, refund_id(50), at(60)).expect_err("too early");
        assert_eq!(failure.kind, FailureKind::Unavailable, "the gateway sends it again");
    }
    let mismatched = concluded(&begun(), &ChargeOutcome::Charged(ReportedTransaction::new("ch_2", usd(999)))).payment;
    assert_eq!(record(&mismatched, &other), None, "its charge never gets into the ledger");
}

#[test]
fn refund_at_the_gateway_may_take_what_a_pending_one_claims() {
    let requested = request_refund(&paid(), refund_id(1), None, RefundReason::Duplicate, at(50)).expect("valid");
    let payment = posted(&requested.payment, &made("re_1", 1000));
    assert_eq!((payment.status, payment.refundable()), (Status::Refunded, 0));
    let outcome = RefundOutcome::Failed("charge_already_refunded".to_owned());
    let change = changed(record_refund_outcome(&payment, refund_id(1), &outcome, at(70)));
    assert_eq!((change.payment.status, change.payment.refunded()), (Status::Refunded, 1000));
}
