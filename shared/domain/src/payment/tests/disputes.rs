//! Disputes as the gateway reports them.

use super::*;
use crate::event::{DisputeClosed, DisputeUpdated, PaymentDisputed};

fn movement(minor: i64, fee: i64) -> Option<DisputeTransfer> {
    Some(DisputeTransfer { amount: usd(minor).into(), fee: usd(fee).into() })
}

/// A dispute of the whole payment, whose amount and fee of 15 USD are withdrawn.
fn reported(status: DisputeStatus) -> ReportedDispute {
    ReportedDispute {
        charge: "ch_1".to_owned(),
        dispute_id: "dp_1".to_owned(),
        amount: usd(1000).into(),
        reason: "fraudulent".to_owned(),
        status,
        evidence_due_by: Some(at(900)),
        withdrawal: movement(1000, 1500),
        reversal: None,
    }
}

fn record(payment: &Payment, reported: &ReportedDispute) -> Option<PaymentTransition> {
    record_dispute(payment, reported, at(60)).expect("valid")
}

/// Purpose and amount of each transfer.
fn posted(change: &PaymentTransition) -> Vec<(Purpose, i64)> {
    assert!(change.transfers.iter().all(|one| one.reference == "dp_1" && one.payment_id == Some(ID)));
    change.transfers.iter().map(|one| (one.purpose, one.amount.amount.get())).collect()
}

fn opened() -> Payment {
    record(&paid(), &reported(DisputeStatus::NeedsResponse)).expect("a change").payment
}

#[test]
fn opened_dispute_is_shown_posted_and_published_once() {
    let change = record(&paid(), &reported(DisputeStatus::NeedsResponse)).expect("a change");
    assert_eq!(posted(&change), [(Purpose::Dispute, 1000), (Purpose::DisputeFee, 1500)]);
    let (dispute_id, status, evidence_due_by) = ("dp_1".to_owned(), DisputeStatus::NeedsResponse, Some(at(900)));
    let (amount, reason) = (usd(1000), "fraudulent".to_owned());
    let (payment_id, order_id) = (ID, ORDER);
    let event = PaymentDisputed { payment_id, order_id, dispute_id, amount, reason, status, evidence_due_by };
    assert_eq!(change.events, [event.into()]);
    assert_eq!((change.payment.status, change.payment.disputes.len()), (Status::Succeeded, 1));
    assert_eq!(record(&change.payment, &reported(DisputeStatus::NeedsResponse)), None, "reported again");
}

#[test]
fn inquiry_withdraws_nothing() {
    let inquiry = ReportedDispute { withdrawal: None, ..reported(DisputeStatus::WarningNeedsResponse) };
    let change = record(&paid(), &inquiry).expect("a change");
    assert_eq!((posted(&change), change.events.len()), (vec![], 1));
    let escalated = record(&change.payment, &reported(DisputeStatus::NeedsResponse)).expect("a change");
    assert_eq!(posted(&escalated), [(Purpose::Dispute, 1000), (Purpose::DisputeFee, 1500)]);
    let closed = ReportedDispute { withdrawal: None, ..reported(DisputeStatus::WarningClosed) };
    let closed = record(&change.payment, &closed).expect("a change");
    assert_eq!(posted(&closed), []);
    assert!(matches!(&closed.events[..], [DomainEvent::DisputeClosed(_)]));
}

#[test]
fn won_dispute_returns_what_was_withdrawn_and_the_fee() {
    let both = [(Purpose::DisputeReversal, 1000), (Purpose::DisputeFeeReversal, 1500)];
    for (reversal, expected) in [(movement(1000, 1500), &both[..]), (None, &both[..]), (movement(1000, 0), &both[..1])]
    {
        let won = ReportedDispute { reversal, ..reported(DisputeStatus::Won) };
        let change = record(&opened(), &won).expect("a change");
        assert_eq!(posted(&change), expected);
        let (dispute_id, status, returned) = ("dp_1".to_owned(), DisputeStatus::Won, Some(usd(1000)));
        let amount = usd(1000);
        let event = DisputeClosed { payment_id: ID, order_id: ORDER, dispute_id, amount, status, returned };
        assert_eq!(change.events, [event.into()]);
        assert_eq!(record(&change.payment, &won), None, "reported again");
    }
}

#[test]
fn lost_dispute_returns_nothing() {
    let change = record(&opened(), &reported(DisputeStatus::Lost)).expect("a change");
    assert_eq!((posted(&change), change.payment.disputes[0].status), (vec![], DisputeStatus::Lost));
    assert!(matches!(&change.events[..], [DomainEvent::DisputeClosed(closed)] if closed.returned.is_none()));
}

#[test]
fn reports_may_arrive_in_any_order() {
    let lost = record(&paid(), &reported(DisputeStatus::Lost)).expect("a change");
    assert_eq!(posted(&lost), [(Purpose::Dispute, 1000), (Purpose::DisputeFee, 1500)]);
    assert!(matches!(&lost.events[..], [DomainEvent::PaymentDisputed(_), DomainEvent::DisputeClosed(_)]));
    for earlier in [DisputeStatus::NeedsResponse, DisputeStatus::UnderReview] {
        assert_eq!(record(&lost.payment, &reported(earlier)), None, "{earlier:?}");
    }
    let reviewed = record(&opened(), &reported(DisputeStatus::UnderReview)).expect("a change");
    let (dispute_id, status, evidence_due_by) = ("dp_1".to_owned(), DisputeStatus::UnderReview, Some(at(900)));
    let event = DisputeUpdated { payment_id: ID, order_id: ORDER, dispute_id, status, evidence_due_by };
    assert_eq!(reviewed.events, [event.into()]);
    assert_eq!(record(&reviewed.payment, &reported(DisputeStatus::NeedsResponse)), None);
}

#[test]
fn withdrawal_that_is_not_stated_yet_is_the_disputed_amount_and_its_fee_follows() {
    let bare = ReportedDispute { withdrawal: None, ..reported(DisputeStatus::NeedsResponse) };
    let change = record(&paid(), &bare).expect("a change");
    assert_eq!(posted(&change), [(Purpose::Dispute, 1000)]);
    let later = record(&change.payment, &reported(DisputeStatus::NeedsResponse)).expect("a change");
    assert_eq!(posted(&later), [(Purpose::DisputeFee, 1500)]);
}

#[test]
fn dispute_of_another_charge_changes_nothing_and_an_early_one_is_sent_again() {
    let other = ReportedDispute { charge: "ch_2".to_owned(), ..reported(DisputeStatus::NeedsResponse) };
    assert_eq!(record(&paid(), &other), None, "a duplicate charge is not in the ledger either");
    let early = record_dispute(&begun(), &other, at(60)).expect_err("too early");
    assert_eq!(early.kind, FailureKind::Unavailable);
    let answer = ChargeOutcome::Charged(ReportedTransaction::new("ch_2", usd(999)));
    assert_eq!(record(&concluded(&begun(), &answer).payment, &other), None, "it never gets into the ledger");
}
