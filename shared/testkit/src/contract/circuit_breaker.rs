//! Contract of [`CircuitBreaker`]. The tests of each adapter check that an unreadable state allows every call.

use super::{Fixture, later};
use futures_util::future::join_all;
use kernel::circuit_breaker::{FAILURE_THRESHOLD, OPEN_SECONDS, PROBE_TIMEOUT_SECONDS};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{CircuitBreaker, CircuitOpened};

/// Generates one test per rule of [`CircuitBreaker`]. The expression is a future of a `Fixture<impl CircuitBreaker>`.
/// Its processes share a closed circuit that nothing else uses.
#[macro_export]
macro_rules! contract_circuit_breaker {
    ($fixture:expr) => {
        $crate::each_rule! { circuit_breaker, $fixture;
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

/// The current second, at which stored state has not expired.
fn start() -> Timestamp {
    later(0)
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + seconds).expect("within the calendar")
}

/// Records `times` failures from alternating processes and returns what each of them opened.
async fn fail(fixture: &Fixture<impl CircuitBreaker>, times: u32, now: Timestamp) -> Vec<Option<CircuitOpened>> {
    let mut opened = vec![];
    for breaker in fixture.concurrent(times as usize) {
        opened.push(breaker.record(false, now).await);
    }
    opened
}

/// Seconds until the next attempt, from the failure of an open circuit.
fn retry_after(checked: Result<(), Failure>) -> u32 {
    let failure = checked.expect_err("the circuit is open");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    failure.retry_after_s.expect("a retry delay")
}

pub async fn closed_circuit_allows_every_call(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    for breaker in fixture.concurrent(20) {
        assert_eq!(breaker.check(now).await, Ok(()));
        assert_eq!(breaker.record(true, now).await, None);
    }
}

pub async fn circuit_opens_once_after_consecutive_failures(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    assert_eq!(fixture.port().check(now).await, Ok(()));
    let before = fail(fixture, FAILURE_THRESHOLD - 1, now).await;
    assert!(before.iter().all(Option::is_none));
    assert_eq!(fixture.port().check(now).await, Ok(()), "not yet");
    let opened = fail(fixture, 3, now).await;
    let until = after(now, OPEN_SECONDS);
    // The other two calls were in flight when the circuit opened.
    assert_eq!(opened, [Some(CircuitOpened { failures: FAILURE_THRESHOLD, until }), None, None]);
}

pub async fn success_resets_the_failure_count(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    for _ in 0..3 {
        assert!(fail(fixture, FAILURE_THRESHOLD - 1, now).await.iter().all(Option::is_none));
        assert_eq!(fixture.port().record(true, now).await, None);
    }
    assert_eq!(fixture.port().check(now).await, Ok(()));
}

pub async fn open_circuit_rejects_all_processes_with_the_remaining_delay(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(fixture, FAILURE_THRESHOLD, now).await;
    for breaker in fixture.concurrent(4) {
        assert_eq!(retry_after(breaker.check(now).await), 30);
        assert_eq!(retry_after(breaker.check(after(now, 10)).await), 20);
        assert_eq!(retry_after(breaker.check(after(now, OPEN_SECONDS - 1)).await), 1);
    }
}

pub async fn one_probe_is_allowed_and_another_after_its_timeout(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(fixture, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    assert_eq!(fixture.port().check(then).await, Ok(()));
    for breaker in fixture.concurrent(4) {
        assert_eq!(retry_after(breaker.check(then).await), 10);
        assert_eq!(retry_after(breaker.check(after(then, PROBE_TIMEOUT_SECONDS - 1)).await), 1);
    }
    let again = after(then, PROBE_TIMEOUT_SECONDS);
    assert_eq!(fixture.port().check(again).await, Ok(()));
    assert_eq!(retry_after(fixture.port().check(again).await), 10);
}

pub async fn concurrent_calls_after_the_open_period_send_one_probe(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(fixture, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    let checked = join_all(fixture.concurrent(12).map(|breaker| breaker.check(then))).await;
    assert_eq!(checked.iter().filter(|one| one.is_ok()).count(), 1);
}

pub async fn successful_probe_closes_the_circuit_for_all_processes(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(fixture, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    fixture.port().check(then).await.expect("a probe");
    assert_eq!(fixture.port().record(true, then).await, None);
    for breaker in fixture.concurrent(4) {
        assert_eq!(breaker.check(then).await, Ok(()));
    }
    assert!(
        fail(fixture, FAILURE_THRESHOLD - 1, then).await.iter().all(Option::is_none),
        "the failure count was reset"
    );
}

pub async fn failed_probe_reopens_the_circuit(fixture: &Fixture<impl CircuitBreaker>) {
    let now = start();
    fail(fixture, FAILURE_THRESHOLD, now).await;
    let then = after(now, OPEN_SECONDS);
    fixture.port().check(then).await.expect("a probe");
    let until = after(then, OPEN_SECONDS + 2);
    let opened = fixture.port().record(false, after(then, 2)).await;
    assert_eq!(opened, Some(CircuitOpened { failures: FAILURE_THRESHOLD + 1, until }));
    assert_eq!(retry_after(fixture.port().check(after(then, PROBE_TIMEOUT_SECONDS)).await), 22);
    assert_eq!(fixture.port().check(until).await, Ok(()));
}
