//! Refunds by staff above a limit.

use super::*;
use crate::{
    event::{RefundApprovalDecided, RefundApprovalRefused, RefundApprovalRequested},
    text::ActionReason,
};

const REQUESTER: UserId = UserId(Uuid::from_u128(11));
const ADMIN: UserId = UserId(Uuid::from_u128(12));
/// $4 of the $10 of a payment.
const LIMIT: RefundLimit = RefundLimit { units: 4 };

fn request(payment: &Payment, n: u128, minor: Option<i64>) -> Result<PaymentTransition, Failure> {
    let wanted = RefundPayment { payment_id: ID, amount: minor.map(usd), reason: StaffRefundReason::Duplicate };
    request_refund_by_staff(payment, refund_id(n), wanted, (REQUESTER, LIMIT), at(50))
}

fn requested(payment: &Payment, n: u128, minor: i64) -> Payment {
    request(payment, n, Some(minor)).expect("valid").payment
}

fn decide(
    payment: &Payment,
    n: u128,
    verdict: Verdict,
    by: UserId,
) -> Result<(PaymentTransition, Option<Failure>), Failure> {
    let reason = ActionReason::parse("the parcel came back").ok();
    decide_refund(payment, refund_id(n), &DecideRefund { verdict, reason }, by, at(60))
}

fn decided(payment: &Payment, n: u128, verdict: Verdict) -> PaymentTransition {
    let (change, refused) = decide(payment, n, verdict, ADMIN).expect("valid");
    assert_eq!(refused, None);
    change
}

#[test]
fn refund_up_to_the_limit_is_requested_at_once_and_a_larger_one_waits() {
    let within = request(&paid(), 1, Some(400)).expect("valid");
    assert_eq!((within.payment.refunds.len(), within.payment.approvals.len()), (1, 0));
    for above in [Some(401), None] {
        let change = request(&paid(), 1, above).expect("valid");
        let (id, amount, reason) = (refund_id(1), usd(above.unwrap_or(1000)), RefundReason::Duplicate);
        let (requested_by, requested_at, decision) = (REQUESTER, at(50), None);
        assert_eq!(
            change.payment.approvals,
            [RefundApproval { id, amount, reason, requested_by, requested_at, decision }]
        );
        let (payment_id, order_id) = (ID, ORDER);
        let event = RefundApprovalRequested { payment_id, order_id, refund_id: id, amount, requested_by };
        assert_eq!((change.events, change.transfers), (vec![event.into()], vec![]));
        assert_eq!(change.payment.awaits_approval_since(), Some(at(50)));
        assert_eq!((change.payment.refunds, change.payment.status), (vec![], Status::Succeeded));
    }
}

#[test]
fn refunds_without_an_approval_count_together() {
    let first = requested(&paid(), 1, 300);
    assert_eq!(request(&first, 2, Some(100)).expect("valid").payment.refunds.len(), 2);
    let above = requested(&first, 2, 101);
    assert_eq!((above.refunds.len(), above.approvals.len()), (1, 1));
    let failed = RefundOutcome::Failed("no".to_owned());
    let returned = changed(record_refund_outcome(&first, refund_id(1), &failed, at(60))).payment;
    assert_eq!(requested(&returned, 2, 400).refunds.len(), 2, "a refund that failed moved no money");
    let approved = decided(&requested(&paid(), 1, 500), 1, Verdict::Approved).payment;
    assert_eq!(requested(&approved, 2, 400).approvals.len(), 1, "what was approved does not count");
    let closed = request_refund(&paid(), refund_id(1), Some(usd(500)), RefundReason::OrderCancelled, at(30));
    assert_eq!(requested(&closed.expect("valid").payment, 2, 400).refunds.len(), 2, "the system needs no approval");
}

#[test]
fn limit_is_in_units_of_the_currency() {
    let in_currency = |minor, code: &str| {
        let money = Money::new(minor, code).expect("valid");
        let payment = Payment { amount: money, ..paid() };
        request(&payment, 1, None).expect("valid").payment.approvals.len()
    };
    assert_eq!([in_currency(400, "EUR"), in_currency(401, "EUR")], [0, 1]);
    assert_eq!([in_currency(4, "JPY"), in_currency(5, "JPY")], [0, 1]);
}

#[test]
fn request_that_cannot_be_refunded_waits_for_no_approval() {
    let failure = request(&failed(), 1, None).expect_err("nothing is charged");
    assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "not-refundable"));
    assert_eq!(request(&paid(), 1, Some(1001)).expect_err("too much").fields[0].pointer, "/amount/amount");
}

#[test]
fn approval_by_another_person_requests_the_refund_under_the_same_id() {
    let waiting = requested(&paid(), 1, 500);
    let change = decided(&waiting, 1, Verdict::Approved);
    let refund = change.payment.refund(refund_id(1)).expect("a refund");
    assert_eq!(
        (refund.amount, refund.reason, refund.status),
        (usd(500), RefundReason::Duplicate, RefundStatus::Pending)
    );
    let (payment_id, order_id, refund_id, amount) = (ID, ORDER, refund_id(1), usd(500));
    let (verdict, decided_by) = (Verdict::Approved, ADMIN);
    let approved = RefundApprovalDecided { payment_id, order_id, refund_id, amount, verdict, decided_by };
    let event = RefundRequested { payment_id, order_id, refund_id, amount };
    assert_eq!(change.events, [approved.into(), event.into()]);
    let decision = change.payment.approvals[0].decision.as_ref().expect("decided");
    assert_eq!((decision.verdict, decision.by, decision.at), (verdict, ADMIN, at(60)));
    assert_eq!(decision.reason.as_ref().map(ActionReason::as_str), Some("the parcel came back"));
    assert_eq!((change.payment.awaits_approval_since(), change.payment.version), (None, waiting.version + 1));
}

#[test]
fn decision_needs_no_reason_and_is_stored_without_one() {
    let waiting = requested(&paid(), 1, 500);
    let silent: DecideRefund = serde_json::from_value(serde_json::json!({ "verdict": "rejected" })).expect("valid");
    let (change, _) = decide_refund(&waiting, refund_id(1), &silent, ADMIN, at(60)).expect("valid");
    let decision = change.payment.approvals[0].decision.as_ref().expect("decided");
    assert_eq!(decision.reason, None);
    let stored = serde_json::to_value(decision).expect("JSON");
    assert_eq!(stored.get("reason"), None);
    assert_eq!(serde_json::from_value::<ApprovalDecision>(stored).expect("readable"), *decision);
}

#[test]
fn rejection_refunds_nothing() {
    let change = decided(&requested(&paid(), 1, 500), 1, Verdict::Rejected);
    assert_eq!((change.payment.refunds.len(), change.payment.refundable()), (0, 1000));
    assert_eq!(change.payment.awaits_approval_since(), None);
    assert!(
        matches!(&change.events[..], [DomainEvent::RefundApprovalDecided(said)] if said.verdict == Verdict::Rejected)
    );
}

#[test]
fn requester_cannot_decide_and_the_attempt_is_published() {
    let waiting = requested(&paid(), 1, 500);
    for verdict in Verdict::ALL {
        let (change, refused) = decide(&waiting, 1, verdict, REQUESTER).expect("recorded");
        let refused = refused.expect("refused");
        assert_eq!((refused.kind, refused.code), (FailureKind::Forbidden, "own-request"));
        let (payment_id, order_id, refund_id, amount) = (ID, ORDER, refund_id(1), usd(500));
        let event = RefundApprovalRefused { payment_id, order_id, refund_id, amount, verdict, requested_by: REQUESTER };
        assert_eq!(change.events, [event.into()]);
        let (version, updated_at) = (change.payment.version, change.payment.updated_at);
        assert_eq!(change.payment, Payment { version, updated_at, ..waiting.clone() }, "nothing else changes");
    }
}

#[test]
fn refund_is_decided_once() {
    let waiting = requested(&paid(), 1, 500);
    for first in Verdict::ALL {
        let payment = decided(&waiting, 1, first).payment;
        for by in [ADMIN, REQUESTER] {
            let failure = decide(&payment, 1, Verdict::Approved, by).expect_err("decided");
            assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "refund-decided"));
            assert!(failure.detail.contains(first.name()), "{failure}");
        }
    }
    assert_eq!(decide(&waiting, 2, Verdict::Approved, ADMIN).expect_err("no such refund").kind, FailureKind::NotFound);
}

#[test]
fn refund_for_which_too_little_is_left_can_only_be_rejected() {
    let waiting = requested(&paid(), 1, 500);
    let rest = request_refund(&waiting, refund_id(2), Some(usd(501)), RefundReason::Duplicate, at(51));
    for payment in [closed(&waiting), rest.expect("valid").payment] {
        let failure = decide(&payment, 1, Verdict::Approved, ADMIN).expect_err("too little is left");
        assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "not-refundable"));
        assert_eq!(decided(&payment, 1, Verdict::Rejected).payment.refunds, payment.refunds);
    }
}

#[test]
fn what_waits_for_approval_is_not_requested_again() {
    let waiting = requested(&paid(), 1, 600);
    let again = request(&waiting, 2, Some(401)).expect_err("400 are left");
    assert_eq!((again.kind, again.code), (FailureKind::Conflict, "not-refundable"));
    assert_eq!(requested(&waiting, 2, 400).refunds.len(), 1, "within the limit");
    let rest = request(&waiting, 2, None).expect("valid").payment;
    assert_eq!(rest.refunds[0].amount, usd(400), "all that neither is refunded nor waits");
    assert_eq!(request(&rest, 3, None).expect_err("nothing is left").code, "not-refundable");
    let rejected = decided(&waiting, 1, Verdict::Rejected).payment;
    assert_eq!(requested(&rejected, 2, 1000).approvals.len(), 2);
}
