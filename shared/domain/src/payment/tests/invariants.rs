//! Invariants of payments under every sequence of operations up to a maximum length.

use super::*;
use crate::ledger::LedgerAccount;
use std::collections::HashSet;

/// Maximum length of the sequences.
const MAX_DEPTH: usize = 5;

/// An operation on a payment. Refunds are selected among the pending ones.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Charge { attempts_ago: u32, again: bool },
    Decline { attempts_ago: u32 },
    RequireAction,
    AbandonCharge,
    Retry,
    RequestRefund(Option<i64>),
    Refund { last: bool },
    RejectRefund { last: bool },
    Close,
    Republish,
}

const OPERATIONS: [Operation; 16] = [
    Operation::Charge { attempts_ago: 0, again: false },
    Operation::Charge { attempts_ago: 0, again: true },
    Operation::Charge { attempts_ago: 1, again: false },
    Operation::Decline { attempts_ago: 0 },
    Operation::Decline { attempts_ago: 1 },
    Operation::RequireAction,
    Operation::AbandonCharge,
    Operation::Retry,
    Operation::RequestRefund(None),
    Operation::RequestRefund(Some(400)),
    Operation::Refund { last: false },
    Operation::Refund { last: true },
    Operation::RejectRefund { last: false },
    Operation::RejectRefund { last: true },
    Operation::Close,
    Operation::Republish,
];

/// A payment with all its transfers and events.
#[derive(Clone)]
struct History {
    payment: Payment,
    transfers: Vec<Transfer>,
    events: Vec<DomainEvent>,
    changes: u64,
    /// Minor units of refunds that failed after the order was cancelled; staff must refund them.
    failed_since_closed: i64,
}

impl History {
    fn of(payment: Payment) -> Self {
        Self { payment, transfers: vec![], events: vec![], changes: 0, failed_since_closed: 0 }
    }

    fn apply(&self, operation: Operation) -> Option<PaymentTransition> {
        let (payment, now) = (&self.payment, at(self.payment.updated_at.as_second() + 1));
        let refund = refund_id(100 + u128::from(payment.version));
        let attempt = |ago: u32| payment.attempts.saturating_sub(ago);
        match operation {
            Operation::Charge { attempts_ago, again } => {
                let name = format!("ch_{}{}", attempt(attempts_ago), if again { "_again" } else { "" });
                record_charge_outcome(payment, attempt(attempts_ago), &charged(&name), refund, now).ok().flatten()
            }
            Operation::Decline { attempts_ago } => {
                record_charge_outcome(payment, attempt(attempts_ago), &declined(), refund, now).ok().flatten()
            }
            Operation::RequireAction => {
                record_charge_outcome(payment, payment.attempts, &waits(), refund, now).ok().flatten()
            }
            Operation::AbandonCharge => {
                abandon_charge(payment, at(payment.updated_at.as_second() + RECONCILE_AFTER_SECONDS))
            }
            Operation::Retry => retry_payment(payment, method("pm_2"), now).ok(),
            Operation::RequestRefund(minor) => {
                request_refund(payment, refund, minor.map(usd), RefundReason::Duplicate, now).ok()
            }
            Operation::Refund { last } => {
                let id = self.pending(last)?;
                let amount = payment.refund(id)?.amount;
                let outcome = RefundOutcome::Refunded(ReportedTransaction::new(format!("re_{id}"), amount));
                record_refund_outcome(payment, id, &outcome, now).expect("valid")
            }
            Operation::RejectRefund { last } => {
                let outcome = RefundOutcome::Failed("no".to_owned());
                record_refund_outcome(payment, self.pending(last)?, &outcome, now).expect("valid")
            }
            Operation::Close => close(payment, refund, now),
            Operation::Republish => republish_pending(payment, now),
        }
    }

    fn pending(&self, last: bool) -> Option<RefundId> {
        let mut pending = self.payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
        if last { pending.next_back() } else { pending.next() }.map(|refund| refund.id)
    }

    fn then(&self, operation: Operation, change: PaymentTransition) -> Self {
        let mut next = self.clone();
        if let (Operation::RejectRefund { last }, true) = (operation, self.payment.closed) {
            let refund = self.pending(last).and_then(|id| self.payment.refund(id)).expect("a pending refund");
            next.failed_since_closed += refund.amount.amount.get();
        }
        next.transfers.extend(change.transfers);
        next.events.extend(change.events);
        next.changes += 1;
        next.payment = change.payment;
        next
    }

    fn count(&self, is_counted: impl Fn(&DomainEvent) -> bool) -> usize {
        self.events.iter().filter(|event| is_counted(event)).count()
    }

    fn sum(&self, statuses: &[RefundStatus]) -> i64 {
        let counted = self.payment.refunds.iter().filter(|refund| statuses.contains(&refund.status));
        counted.map(|refund| refund.amount.amount.get()).sum()
    }

    fn balance(&self, wanted: LedgerAccount) -> i64 {
        let entries = self.transfers.iter().flat_map(Transfer::entries);
        entries.filter(|(account, _)| *account == wanted).map(|(_, minor)| minor).sum()
    }
}

#[test]
fn ledger_balances_and_refunds_never_exceed_the_charge() {
    let mut reached = HashSet::new();
    for payment in Status::ALL.map(in_state) {
        // Payments that do not start here have posted and published their charge and refund already.
        let mut history = History::of(payment);
        history.changes = history.payment.version - 1;
        if history.payment.transaction_id.is_some() {
            let charge = concluded(&begun(), &charged("ch_1"));
            history.transfers.extend(charge.transfers);
            history.events.extend(charge.events);
        }
        for refund in history.payment.refunds.clone() {
            let requested =
                request_refund(&paid(), refund.id, Some(refund.amount), refund.reason, at(30)).expect("valid");
            let outcome = RefundOutcome::Refunded(ReportedTransaction::new("re_1", refund.amount));
            let refunded = changed(record_refund_outcome(&requested.payment, refund.id, &outcome, at(40)));
            history.transfers.extend(refunded.transfers);
            history.events.extend(requested.events.into_iter().chain(refunded.events));
        }
        assert_invariants(&history, "the start");
        walk(&history, MAX_DEPTH, &mut reached);
    }
    walk(&History::of(closed_from_the_start()), MAX_DEPTH, &mut reached);
    assert_eq!(reached.len(), Status::ALL.len(), "every state is reached");
}

/// Applies every operation and continues from each change.
fn walk(history: &History, depth: usize, reached: &mut HashSet<Status>) {
    for operation in OPERATIONS {
        let Some(change) = history.apply(operation) else { continue };
        let what = format!("{operation:?} after {:?}", history.payment);
        let next = history.then(operation, change);
        assert_change(&history.payment, &next.payment, operation, &what);
        assert_invariants(&next, &what);
        reached.insert(next.payment.status);
        if depth > 1 {
            walk(&next, depth - 1, reached);
        }
    }
}

/// Asserts what no operation may undo.
fn assert_change(before: &Payment, after: &Payment, operation: Operation, what: &str) {
    assert_eq!(after.version, before.version + 1);
    assert!(after.updated_at > before.updated_at, "{what}");
    assert!(after.closed || !before.closed, "a closed payment stays closed: {what}");
    assert_eq!(after.closed && !before.closed, matches!(operation, Operation::Close), "{what}");
    assert!(before.transaction_id.is_none() || after.transaction_id == before.transaction_id, "{what}");
    let new_attempts = u32::from(matches!(operation, Operation::Retry));
    assert_eq!(after.attempts, before.attempts + new_attempts, "{what}");
    assert!(new_attempts == 0 || !before.closed, "no attempt is started for a cancelled order: {what}");
    assert!(after.refunds.len() >= before.refunds.len(), "{what}");
    for (was, is) in before.refunds.iter().zip(&after.refunds) {
        assert_eq!((was.id, was.amount, was.requested_at), (is.id, is.amount, is.requested_at), "{what}");
        assert!(was.status == RefundStatus::Pending || was == is, "a concluded refund does not change: {what}");
    }
    let fixed = |payment: &Payment| (payment.id, payment.order_id, payment.user_id, payment.amount, payment.created_at);
    assert_eq!(fixed(after), fixed(before), "{what}");
}

/// Asserts what holds after every operation.
fn assert_invariants(history: &History, what: &str) {
    let payment = &history.payment;
    let charged = if payment.transaction_id.is_some() { 1000 } else { 0 };
    let refunded = history.sum(&[RefundStatus::Succeeded]);
    let claimed = history.sum(&[RefundStatus::Succeeded, RefundStatus::Pending]);

    assert_eq!(payment.version, history.changes + 1, "{what}");
    assert!(payment.attempts <= 5, "{what}");
    assert!(claimed <= charged, "{what}");
    assert_eq!((payment.refunded(), payment.refundable()), (refunded, charged - claimed), "{what}");
    assert_eq!(payment.refunded_amount(), usd(refunded), "{what}");

    assert_eq!(history.balance(LedgerAccount::Gateway), charged - refunded, "{what}");
    assert_eq!(LedgerAccount::ALL.map(|account| history.balance(account)).iter().sum::<i64>(), 0, "{what}");
    let references: HashSet<_> = history.transfers.iter().map(|one| (one.purpose, &one.reference)).collect();
    assert_eq!(references.len(), history.transfers.len(), "nothing is posted twice: {what}");

    let successes = history.count(|event| matches!(event, DomainEvent::PaymentSucceeded(_)));
    assert_eq!(successes, usize::from(charged > 0), "a charge is published once: {what}");
    for refund in &payment.refunds {
        let results = history.count(|event| match event {
            DomainEvent::PaymentRefunded(event) => event.refund_id == refund.id,
            DomainEvent::RefundFailed(event) => event.refund_id == refund.id,
            _ => false,
        });
        assert_eq!(results, usize::from(refund.status != RefundStatus::Pending), "a result is published once: {what}");
        let requests =
            history.count(|event| matches!(event, DomainEvent::RefundRequested(event) if event.refund_id == refund.id));
        assert!(requests >= 1, "every refund is requested: {what}");
    }

    let is_consistent = match (charged, refunded) {
        (0, _) if payment.is_free() => payment.status == Status::NoPaymentRequired,
        (0, _) => payment.is_open() || payment.status == Status::Failed,
        (_, 0) => payment.status == Status::Succeeded,
        (all, refunded) if all == refunded => payment.status == Status::Refunded,
        _ => payment.status == Status::PartiallyRefunded,
    };
    assert!(is_consistent, "the status matches the amounts: {what}");
    if payment.closed {
        assert!(payment.refundable() <= history.failed_since_closed, "a cancelled order is refunded: {what}");
    }
    let is_pending = payment.is_open() || history.pending(false).is_some();
    assert_eq!(payment.reconcile_after().is_some(), is_pending, "what is pending is reconciled: {what}");
}
