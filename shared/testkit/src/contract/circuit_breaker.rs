//! Rules of [`CircuitBreaker`]. That one whose state cannot be read is in nobody's way is told by its adapters' own tests.

use super::{Fixture, later};
use futures_util::future::join_all;
use kernel::circuit_breaker::{FAILURE_THRESHOLD, OPEN_SECONDS, PROBE_TIMEOUT_SECONDS};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{CircuitBreaker, CircuitOpened};

/// One test a rule of [`CircuitBreaker`], each over the `Fixture<impl CircuitBreaker>` that the expression gives when it is awaited: processes that
/// share a circuit which nobody else uses, and which is closed.
#[macro_export]
macro_rules! contract_circuit_breaker {
    ($under:expr) => {
        $crate::each_rule! { circuit_breaker, $under;
            closed_circuit_allows_every_call
            circuit_opens_once_after_consecutive_failures
            success_resets_the_failure_count
            open_circuit_rejects_all_processes_with_the_remaining_delay
            one_probe_is_allowed_and_another_after_its_timeout
            concurrent_calls_after_the_open_period_send_one_probe
            successful_probe_closes_the_circuit_for_all_processes
            failed_probe_reopens_the_circuit
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
async fn fail(under: &Fixture<impl CircuitBreaker>, times: u32, now: Timestamp) -> Vec<Option<CircuitOpened>> {
    let mut opened = vec![];
    for breaker in under.concurrent(times as usize) {
        opened.push(breaker.record(false, now).await);
    }
    opened
}

/// Seconds that one is told to wait.
fn wait(admitted: Result<(), Failure>) -> u32 {
    let failure = admitted.expect_err("the circuit is open");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    failure.retry_after_s.expect("how long to wait")
}

pub async fn closed_circuit_allows_every_call(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    for breaker in under.concurrent(20) {
        assert_eq!(breaker.check(now).await, Ok(()));
        assert_eq!(breaker.record(true, now).await, None);
    }
}

pub async fn circuit_opens_once_after_consecutive_failures(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    assert_eq!(under.port().check(now).await, Ok(()));
    let before = fail(under, FAILURE_THRESHOLD - 1, now).await;
    assert!(before.iter().all(Option::is_none));
    assert_eq!(under.port().check(now).await, Ok(()), "not yet");
    let opened = fail(under, 3, now).await;
    let until = after(now, OPEN_SECONDS);
    // The other two were under way when it opened.
    assert_eq!(opened, [Some(CircuitOpened { failures: FAILURE_THRESHOLD, until }), None, None]);
}

pub async fn success_resets_the_failure_count(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    for _ in 0..3 {
        assert!(fail(under, FAILURE_THRESHOLD - 1, now).await.iter().all(Option::is_none));
        assert_eq!(under.port().record(true, now).await, None);
    }
    assert_eq!(under.port().check(now).await, Ok(()));
}

pub async fn open_circuit_rejects_all_processes_with_the_remaining_delay(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(under, FAILURE_THRESHOLD, now).await;
    for breaker in under.concurrent(4) {
        assert_eq!(wait(breaker.check(now).await), 30);
        assert_eq!(wait(breaker.check(after(now, 10)).await), 20);
        assert_eq!(wait(breaker.check(after(now, OPEN_SECONDS - 1)).await), 1);
    }
}

pub async fn one_probe_is_allowed_and_another_after_its_timeout(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(under, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    assert_eq!(under.port().check(then).await, Ok(()));
    for breaker in under.concurrent(4) {
        assert_eq!(wait(breaker.check(then).await), 10);
        assert_eq!(wait(breaker.check(after(then, PROBE_TIMEOUT_SECONDS - 1)).await), 1);
    }
    let again = after(then, PROBE_TIMEOUT_SECONDS);
    assert_eq!(under.port().check(again).await, Ok(()));
    assert_eq!(wait(under.port().check(again).await), 10);
}

pub async fn concurrent_calls_after_the_open_period_send_one_probe(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(under, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    let admitted = join_all(under.concurrent(12).map(|breaker| breaker.check(then))).await;
    assert_eq!(admitted.iter().filter(|one| one.is_ok()).count(), 1);
}

pub async fn successful_probe_closes_the_circuit_for_all_processes(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(under, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    under.port().check(then).await.expect("a probe");
    assert_eq!(under.port().record(true, then).await, None);
    for breaker in under.concurrent(4) {
        assert_eq!(breaker.check(then).await, Ok(()));
    }
    assert!(fail(under, FAILURE_THRESHOLD - 1, then).await.iter().all(Option::is_none), "the row begins anew");
}

pub async fn failed_probe_reopens_the_circuit(under: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(under, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    under.port().check(then).await.expect("a probe");
    let until = after(then, OPEN_SECONDS + 2);
    let opened = under.port().record(false, after(then, 2)).await;
    assert_eq!(opened, Some(CircuitOpened { failures: FAILURE_THRESHOLD + 1, until }));
    assert_eq!(wait(under.port().check(after(then, PROBE_TIMEOUT_SECONDS)).await), 22);
    assert_eq!(under.port().check(until).await, Ok(()));
}
