//! Contract of the limit of attempts of [`PaymentStore`].

use super::{Fixture, an_event, fresh, now};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    id::{OrderId, RefundId, UserId},
    payment::{
        self, ATTEMPT_WINDOW_SECONDS, AttemptLimit, ChargeOutcome, Payment, ReportedTransaction,
        TOO_MANY_PAYMENT_ATTEMPTS,
    },
    text::PaymentMethod,
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Timestamp};
use ports::{PaymentStore, TransitionOutcome};

/// Generates one test per rule of the limit. The expression is a future of a `Fixture<impl PaymentStore>`.
#[macro_export]
macro_rules! contract_attempts {
    ($fixture:expr) => {
        $crate::each_rule! { attempts, $fixture;
            first_attempts_above_the_limit_are_refused
            refused_payment_stays_refused_when_it_is_begun_again
            attempts_that_succeed_do_not_count
            attempts_of_more_than_an_hour_ago_do_not_count
            further_attempt_above_the_limit_is_refused_and_writes_nothing
            redelivered_attempt_counts_once
            concurrent_first_attempts_never_exceed_the_limit
            concurrent_further_attempts_never_exceed_the_limit
        }
    };
}

const LIMIT: Option<AttemptLimit> = Some(AttemptLimit { failed: 3 });

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

fn an_order(owner: UserId, at: Timestamp) -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(owner).at(at)
}

async fn begin(payments: &impl PaymentStore, owner: UserId, at: Timestamp) -> Payment {
    payments.begin(&an_order(owner, at).payment(), LIMIT).await.expect("begun")
}

/// Records the result of the last attempt.
async fn conclude(payments: &impl PaymentStore, payment: &Payment, outcome: &ChargeOutcome) -> Payment {
    let refund = RefundId(fresh());
    let change = payment::record_charge_outcome(payment, payment.attempts, outcome, refund, payment.attempted_at);
    let change = change.expect("allowed").expect("a transition");
    let events: Vec<Event> = change.events.iter().cloned().map(an_event).collect();
    assert_eq!(payments.advance(None, &change, &events).await, Ok(TransitionOutcome::Applied));
    change.payment
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + seconds).expect("within the calendar")
}

fn declined() -> ChargeOutcome {
    ChargeOutcome::Declined("card_declined".to_owned())
}

async fn retry(
    payments: &impl PaymentStore,
    payment: &Payment,
    at: Timestamp,
) -> Result<Option<IdempotencyOutcome>, Failure> {
    let method = PaymentMethod::parse("pm_card_visa").expect("a token");
    let change = payment::retry_payment(payment, method, at).expect("it was declined");
    let events: Vec<Event> = change.events.iter().cloned().map(an_event).collect();
    payments.advance_with_reply(&a_key(), &a_reply("{}"), &change, &events, LIMIT).await
}

pub async fn first_attempts_above_the_limit_are_refused(fixture: &Fixture<impl PaymentStore>) {
    let owner = UserId(fresh());
    for _ in 0..3 {
        let payment = begin(fixture.port(), owner, now()).await;
        assert_eq!((payment.attempts, payment.is_refused()), (1, false), "those in progress count, too");
    }
    let refused = begin(fixture.port(), owner, now()).await;
    assert_eq!((refused.attempts, refused.is_refused()), (0, true));
    assert!(!begin(fixture.port(), UserId(fresh()), now()).await.is_refused(), "another customer");
}

pub async fn refused_payment_stays_refused_when_it_is_begun_again(fixture: &Fixture<impl PaymentStore>) {
    let owner = UserId(fresh());
    for _ in 0..3 {
        begin(fixture.port(), owner, now()).await;
    }
    let order = an_order(owner, now());
    let refused = fixture.port().begin(&order.payment(), LIMIT).await.expect("begun");
    let again = Payment { attempted_at: after(now(), 7_200), ..order.payment() };
    assert_eq!(fixture.port().begin(&again, LIMIT).await, Ok(refused.clone()));
    let change = payment::decline_refused(&refused, now()).expect("a transition");
    assert_eq!(fixture.port().advance(None, &change, &[]).await, Ok(TransitionOutcome::Applied));
    assert_eq!(fixture.port().begin(&order.payment(), LIMIT).await.map(|payment| payment.is_refused()), Ok(false));
}

pub async fn attempts_that_succeed_do_not_count(fixture: &Fixture<impl PaymentStore>) {
    let owner = UserId(fresh());
    for n in 0..5 {
        let payment = begin(fixture.port(), owner, now()).await;
        assert!(!payment.is_refused(), "after {n} that succeeded");
        let charged = ChargeOutcome::Charged(ReportedTransaction::new(format!("ch_{}", fresh()), payment.amount));
        conclude(fixture.port(), &payment, &charged).await;
    }
}

pub async fn attempts_of_more_than_an_hour_ago_do_not_count(fixture: &Fixture<impl PaymentStore>) {
    let (owner, start) = (UserId(fresh()), now());
    for seconds in [-100, -1, 0] {
        begin(fixture.port(), owner, after(start, seconds - ATTEMPT_WINDOW_SECONDS)).await;
    }
    for _ in 0..3 {
        assert!(!begin(fixture.port(), owner, start).await.is_refused());
    }
    assert!(begin(fixture.port(), owner, after(start, ATTEMPT_WINDOW_SECONDS - 1)).await.is_refused());
    assert!(!begin(fixture.port(), owner, after(start, ATTEMPT_WINDOW_SECONDS)).await.is_refused());
}

pub async fn further_attempt_above_the_limit_is_refused_and_writes_nothing(fixture: &Fixture<impl PaymentStore>) {
    let (payments, owner, start) = (fixture.port(), UserId(fresh()), now());
    begin(payments, owner, after(start, -600)).await;
    let payment = begin(payments, owner, start).await;
    let payment = conclude(payments, &payment, &declined()).await;
    assert_eq!(retry(payments, &payment, start).await, Ok(Some(IdempotencyOutcome::Committed)));
    let payment = payments.get(payment.id, None).await.expect("a response").expect("a payment");
    let payment = conclude(payments, &payment, &declined()).await;
    let refused = retry(payments, &payment, start).await.expect_err("three attempts failed");
    assert_eq!((refused.kind, refused.code), (FailureKind::RateLimited, TOO_MANY_PAYMENT_ATTEMPTS));
    assert_eq!(refused.retry_after_s, Some(3_000), "until the oldest was an hour ago");
    assert_eq!(payments.get(payment.id, None).await, Ok(Some(payment.clone())));
    assert_eq!(retry(payments, &payment, after(start, 3_000)).await, Ok(Some(IdempotencyOutcome::Committed)));
}

pub async fn redelivered_attempt_counts_once(fixture: &Fixture<impl PaymentStore>) {
    let (owner, order) = (UserId(fresh()), an_order(UserId(fresh()), now()));
    let order = order.owner(owner);
    for _ in 0..5 {
        let started = Payment { id: domain::id::PaymentId(fresh()), ..order.payment() };
        assert!(!fixture.port().begin(&started, LIMIT).await.expect("begun").is_refused());
    }
    for _ in 0..2 {
        assert!(!begin(fixture.port(), owner, now()).await.is_refused());
    }
    assert!(begin(fixture.port(), owner, now()).await.is_refused());
}

pub async fn concurrent_first_attempts_never_exceed_the_limit(fixture: &Fixture<impl PaymentStore>) {
    let owner = UserId(fresh());
    let begun = join_all(fixture.concurrent(12).map(|payments| begin(payments, owner, now()))).await;
    assert_eq!(begun.iter().filter(|payment| !payment.is_refused()).count(), 3);
}

pub async fn concurrent_further_attempts_never_exceed_the_limit(fixture: &Fixture<impl PaymentStore>) {
    let owner = UserId(fresh());
    // Attempts of two hours ago no longer count.
    let mut failed = vec![];
    for _ in 0..3 {
        let payment = begin(fixture.port(), owner, after(now(), -7_200)).await;
        failed.push(conclude(fixture.port(), &payment, &declined()).await);
    }
    begin(fixture.port(), owner, now()).await;
    let attempts = fixture.concurrent(3).zip(&failed).map(|(payments, payment)| retry(payments, payment, now()));
    let outcomes = join_all(attempts).await;
    let is_started = |outcome: &&Result<_, Failure>| **outcome == Ok(Some(IdempotencyOutcome::Committed));
    assert_eq!(outcomes.iter().filter(is_started).count(), 2, "{outcomes:?}");
    let refused = outcomes.into_iter().filter_map(Result::err).map(|failure| failure.code);
    assert_eq!(refused.collect::<Vec<_>>(), [TOO_MANY_PAYMENT_ATTEMPTS]);
}
