//! Rules of [`Breaker`]. That one whose state cannot be read is in nobody's way is told by its adapters' own tests.

use super::{Under, later};
use domain::breaker::{FAILURES, OPEN_SECONDS, PROBE_SECONDS};
use futures_util::future::join_all;
use kernel::{Failure, Kind, Timestamp};
use ports::{Breaker, Opened};

/// One test a rule of [`Breaker`], each over the `Under<impl Breaker>` that the expression gives when it is awaited: processes that
/// share a circuit which nobody else uses, and which is closed.
#[macro_export]
macro_rules! contract_breaker {
    ($under:expr) => {
        $crate::each_rule! { breaker, $under;
            while_the_gateway_answers_everybody_is_let_through
            it_opens_after_so_many_failures_in_a_row_and_says_so_once
            an_answer_in_between_begins_the_row_anew
            while_it_is_open_all_processes_are_kept_out_and_told_for_how_long
            then_one_probe_is_let_through_and_another_if_it_does_not_come_back
            of_many_who_come_then_at_once_one_is_let_through
            a_probe_that_is_answered_closes_it_for_all
            a_probe_that_fails_opens_it_again
        }
    };
}

/// An instant far enough from all others that what is kept for a while is still kept.
fn start() -> Timestamp {
    later(0)
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + seconds).expect("within the calendar")
}

/// Reports so many failures, each from another process; what they opened.
async fn fail(under: &Under<impl Breaker>, times: u32, now: Timestamp) -> Vec<Option<Opened>> {
    let mut opened = vec![];
    for breaker in under.crowd(times as usize) {
        opened.push(breaker.report(false, now).await);
    }
    opened
}

/// Seconds that one is told to wait.
fn wait(admitted: Result<(), Failure>) -> u32 {
    let failure = admitted.expect_err("the circuit is open");
    assert_eq!(failure.kind, Kind::Unavailable);
    failure.retry_after_s.expect("how long to wait")
}

pub async fn while_the_gateway_answers_everybody_is_let_through(under: &Under<impl Breaker>) {
    let now = start();
    for breaker in under.crowd(20) {
        assert_eq!(breaker.admit(now).await, Ok(()));
        assert_eq!(breaker.report(true, now).await, None);
    }
}

pub async fn it_opens_after_so_many_failures_in_a_row_and_says_so_once(under: &Under<impl Breaker>) {
    let now = start();
    assert_eq!(under.port().admit(now).await, Ok(()));
    let before = fail(under, FAILURES - 1, now).await;
    assert!(before.iter().all(Option::is_none));
    assert_eq!(under.port().admit(now).await, Ok(()), "not yet");
    let opened = fail(under, 3, now).await;
    let until = after(now, OPEN_SECONDS);
    // The other two were under way when it opened.
    assert_eq!(opened, [Some(Opened { failures: FAILURES, until }), None, None]);
}

pub async fn an_answer_in_between_begins_the_row_anew(under: &Under<impl Breaker>) {
    let now = start();
    for _ in 0..3 {
        assert!(fail(under, FAILURES - 1, now).await.iter().all(Option::is_none));
        assert_eq!(under.port().report(true, now).await, None);
    }
    assert_eq!(under.port().admit(now).await, Ok(()));
}

pub async fn while_it_is_open_all_processes_are_kept_out_and_told_for_how_long(under: &Under<impl Breaker>) {
    let now = start();
    fail(under, FAILURES, now).await;
    for breaker in under.crowd(4) {
        assert_eq!(wait(breaker.admit(now).await), 30);
        assert_eq!(wait(breaker.admit(after(now, 10)).await), 20);
        assert_eq!(wait(breaker.admit(after(now, OPEN_SECONDS - 1)).await), 1);
    }
}

pub async fn then_one_probe_is_let_through_and_another_if_it_does_not_come_back(under: &Under<impl Breaker>) {
    let now = start();
    fail(under, FAILURES, now).await;
    let then = after(now, OPEN_SECONDS);
    assert_eq!(under.port().admit(then).await, Ok(()));
    for breaker in under.crowd(4) {
        assert_eq!(wait(breaker.admit(then).await), 10);
        assert_eq!(wait(breaker.admit(after(then, PROBE_SECONDS - 1)).await), 1);
    }
    let again = after(then, PROBE_SECONDS);
    assert_eq!(under.port().admit(again).await, Ok(()));
    assert_eq!(wait(under.port().admit(again).await), 10);
}

pub async fn of_many_who_come_then_at_once_one_is_let_through(under: &Under<impl Breaker>) {
    let now = start();
    fail(under, FAILURES, now).await;
    let then = after(now, OPEN_SECONDS);
    let admitted = join_all(under.crowd(12).map(|breaker| breaker.admit(then))).await;
    assert_eq!(admitted.iter().filter(|one| one.is_ok()).count(), 1);
}

pub async fn a_probe_that_is_answered_closes_it_for_all(under: &Under<impl Breaker>) {
    let now = start();
    fail(under, FAILURES, now).await;
    let then = after(now, OPEN_SECONDS);
    under.port().admit(then).await.expect("a probe");
    assert_eq!(under.port().report(true, then).await, None);
    for breaker in under.crowd(4) {
        assert_eq!(breaker.admit(then).await, Ok(()));
    }
    assert!(fail(under, FAILURES - 1, then).await.iter().all(Option::is_none), "the row begins anew");
}

pub async fn a_probe_that_fails_opens_it_again(under: &Under<impl Breaker>) {
    let now = start();
    fail(under, FAILURES, now).await;
    let then = after(now, OPEN_SECONDS);
    under.port().admit(then).await.expect("a probe");
    let until = after(then, OPEN_SECONDS + 2);
    let opened = under.port().report(false, after(then, 2)).await;
    assert_eq!(opened, Some(Opened { failures: FAILURES + 1, until }));
    assert_eq!(wait(under.port().admit(after(then, PROBE_SECONDS)).await), 22);
    assert_eq!(under.port().admit(until).await, Ok(()));
}
