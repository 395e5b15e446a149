//! What holds of a payment whatever comes in whatever order: every sequence of cues, through the functions that take them.

use super::*;
use crate::ledger::Account;
use std::collections::HashSet;

/// The longest sequence that is tried.
const LONGEST: usize = 5;

/// What a payment may be told or asked. Refunds are named by their place among those without an answer.
#[derive(Debug, Clone, Copy)]
enum Act {
    Charge { attempts_ago: u32, again: bool },
    Decline { attempts_ago: u32 },
    NeverCharged,
    PayAgain,
    Ask(Option<i64>),
    GiveBack { last: bool },
    RefuseRefund { last: bool },
    Close,
    Remind,
}

const ACTS: [Act; 15] = [
    Act::Charge { attempts_ago: 0, again: false },
    Act::Charge { attempts_ago: 0, again: true },
    Act::Charge { attempts_ago: 1, again: false },
    Act::Decline { attempts_ago: 0 },
    Act::Decline { attempts_ago: 1 },
    Act::NeverCharged,
    Act::PayAgain,
    Act::Ask(None),
    Act::Ask(Some(400)),
    Act::GiveBack { last: false },
    Act::GiveBack { last: true },
    Act::RefuseRefund { last: false },
    Act::RefuseRefund { last: true },
    Act::Close,
    Act::Remind,
];

/// A payment with all that was ever booked and told of it.
#[derive(Clone)]
struct Story {
    payment: Payment,
    transfers: Vec<Transfer>,
    events: Vec<DomainEvent>,
    changes: u64,
    /// Minor units that the gateway refused to give back after the order was cancelled: a person has to.
    refused_since_closed: i64,
}

impl Story {
    fn of(payment: Payment) -> Self {
        Self { payment, transfers: vec![], events: vec![], changes: 0, refused_since_closed: 0 }
    }

    fn act(&self, act: Act) -> Option<Change> {
        let (payment, now) = (&self.payment, at(self.payment.updated_at.as_second() + 1));
        let refund = refund_id(100 + u128::from(payment.version));
        let attempt = |ago: u32| payment.attempts.saturating_sub(ago);
        match act {
            Act::Charge { attempts_ago, again } => {
                let name = format!("ch_{}{}", attempt(attempts_ago), if again { "_again" } else { "" });
                record_charge_outcome(payment, attempt(attempts_ago), &ChargeOutcome::Charged(name), refund, now)
                    .ok()
                    .flatten()
            }
            Act::Decline { attempts_ago } => {
                record_charge_outcome(payment, attempt(attempts_ago), &declined(), refund, now).ok().flatten()
            }
            Act::NeverCharged => abandon_charge(payment, at(payment.updated_at.as_second() + RECONCILE_AFTER_SECONDS)),
            Act::PayAgain => retry_payment(payment, method("pm_2"), now).ok(),
            Act::Ask(minor) => request_refund(payment, refund, minor.map(usd), RefundReason::Duplicate, now).ok(),
            Act::GiveBack { last } => {
                let id = self.waiting(last)?;
                record_refund_outcome(payment, id, &RefundOutcome::Refunded(format!("re_{id}")), now).expect("legal")
            }
            Act::RefuseRefund { last } => {
                let answer = RefundOutcome::Failed("no".to_owned());
                record_refund_outcome(payment, self.waiting(last)?, &answer, now).expect("legal")
            }
            Act::Close => close(payment, refund, now),
            Act::Remind => republish_pending(payment, now),
        }
    }

    fn waiting(&self, last: bool) -> Option<RefundId> {
        let mut waiting = self.payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
        if last { waiting.next_back() } else { waiting.next() }.map(|refund| refund.id)
    }

    fn then(&self, act: Act, change: Change) -> Self {
        let mut next = self.clone();
        if let (Act::RefuseRefund { last }, true) = (act, self.payment.closed) {
            let refund = self.waiting(last).and_then(|id| self.payment.refund(id)).expect("one that waited");
            next.refused_since_closed += refund.amount.amount.get();
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

    fn balance(&self, wanted: Account) -> i64 {
        let entries = self.transfers.iter().flat_map(Transfer::entries);
        entries.filter(|(account, _)| *account == wanted).map(|(_, minor)| minor).sum()
    }
}

#[test]
fn whatever_comes_the_books_balance_and_no_more_goes_back_than_was_charged() {
    let mut reached = HashSet::new();
    for payment in Status::ALL.map(in_state) {
        // Of a payment that did not begin here, the charge and the refund are booked and told already.
        let mut story = Story::of(payment);
        story.changes = story.payment.version - 1;
        if story.payment.transaction_id.is_some() {
            let charge = answered(&begun(), &charged("ch_1"));
            story.transfers.extend(charge.transfers);
            story.events.extend(charge.events);
        }
        for refund in story.payment.refunds.clone() {
            let asked = request_refund(&paid(), refund.id, Some(refund.amount), refund.reason, at(30)).expect("legal");
            let answer = RefundOutcome::Refunded("re_1".to_owned());
            let back = changed(record_refund_outcome(&asked.payment, refund.id, &answer, at(40)));
            story.transfers.extend(back.transfers);
            story.events.extend(asked.events.into_iter().chain(back.events));
        }
        assert_holds(&story, "the beginning");
        walk(&story, LONGEST, &mut reached);
    }
    walk(&Story::of(never_begun()), LONGEST, &mut reached);
    assert_eq!(reached.len(), Status::ALL.len(), "every state is entered");
}

/// Tries every act and goes on from each change. What changes nothing needs no further look.
fn walk(story: &Story, depth: usize, reached: &mut HashSet<Status>) {
    for act in ACTS {
        let Some(change) = story.act(act) else { continue };
        let what = format!("{act:?} after {:?}", story.payment);
        let next = story.then(act, change);
        assert_steps(&story.payment, &next.payment, act, &what);
        assert_holds(&next, &what);
        reached.insert(next.payment.status);
        if depth > 1 {
            walk(&next, depth - 1, reached);
        }
    }
}

/// What no single step takes back.
fn assert_steps(before: &Payment, after: &Payment, act: Act, what: &str) {
    assert_eq!(after.version, before.version + 1);
    assert!(after.updated_at > before.updated_at, "{what}");
    assert!(after.closed || !before.closed, "what is closed stays closed: {what}");
    assert_eq!(after.closed && !before.closed, matches!(act, Act::Close), "{what}");
    assert!(before.transaction_id.is_none() || after.transaction_id == before.transaction_id, "{what}");
    let begins = u32::from(matches!(act, Act::PayAgain));
    assert_eq!(after.attempts, before.attempts + begins, "{what}");
    assert!(begins == 0 || !before.closed, "nothing is begun for a cancelled order: {what}");
    assert!(after.refunds.len() >= before.refunds.len(), "{what}");
    for (was, is) in before.refunds.iter().zip(&after.refunds) {
        assert_eq!((was.id, was.amount, was.requested_at), (is.id, is.amount, is.requested_at), "{what}");
        assert!(was.status == RefundStatus::Pending || was == is, "an answered refund changes no more: {what}");
    }
    let fixed = |payment: &Payment| (payment.id, payment.order_id, payment.user_id, payment.amount, payment.created_at);
    assert_eq!(fixed(after), fixed(before), "{what}");
}

/// What holds after every step.
fn assert_holds(story: &Story, what: &str) {
    let payment = &story.payment;
    let charged = if payment.transaction_id.is_some() { 1000 } else { 0 };
    let back = story.sum(&[RefundStatus::Succeeded]);
    let claimed = story.sum(&[RefundStatus::Succeeded, RefundStatus::Pending]);

    assert_eq!(payment.version, story.changes + 1, "{what}");
    assert!(payment.attempts <= 5, "{what}");
    assert!(claimed <= charged, "{what}");
    assert_eq!((payment.refunded(), payment.refundable()), (back, charged - claimed), "{what}");
    assert_eq!(payment.refunded_amount(), usd(back), "{what}");

    assert_eq!(story.balance(Account::Gateway), charged - back, "{what}");
    assert_eq!(Account::ALL.map(|account| story.balance(account)).iter().sum::<i64>(), 0, "{what}");
    let references: HashSet<_> = story.transfers.iter().map(|one| (one.purpose, &one.reference)).collect();
    assert_eq!(references.len(), story.transfers.len(), "nothing is booked twice: {what}");

    let successes = story.count(|event| matches!(event, DomainEvent::PaymentSucceeded(_)));
    assert_eq!(successes, usize::from(charged > 0), "a charge is told once: {what}");
    for refund in &payment.refunds {
        let answers = story.count(|event| match event {
            DomainEvent::PaymentRefunded(told) => told.refund_id == refund.id,
            DomainEvent::RefundFailed(told) => told.refund_id == refund.id,
            _ => false,
        });
        assert_eq!(answers, usize::from(refund.status != RefundStatus::Pending), "an answer is told once: {what}");
        let asked =
            story.count(|event| matches!(event, DomainEvent::RefundRequested(told) if told.refund_id == refund.id));
        assert!(asked >= 1, "every refund is asked for: {what}");
    }

    let by_money = match (charged, back) {
        (0, _) => payment.status == Status::Pending || payment.status == Status::Failed,
        (_, 0) => payment.status == Status::Succeeded,
        (all, back) if all == back => payment.status == Status::Refunded,
        _ => payment.status == Status::PartiallyRefunded,
    };
    assert!(by_money, "the status says what the money does: {what}");
    if payment.closed {
        assert!(payment.refundable() <= story.refused_since_closed, "a cancelled order's money goes back: {what}");
    }
    let waits = payment.status == Status::Pending || story.waiting(false).is_some();
    assert_eq!(payment.reconcile_after().is_some(), waits, "a missing answer is looked after: {what}");
}
