//! Contract of [`RateLimiter`] with [`fakes::RateLimiter::POLICIES`]. The tests of each adapter check that it fails no request when its store
//! is down.

use super::{Fixture, later};
use crate::fakes;
use edge::http::RateLimiter;
use futures_util::future::join_all;
use kernel::Timestamp;
use kernel::rate_limit::Admission;

/// Generates one test per rule of [`RateLimiter`]. The expression is a future of a `Fixture<impl RateLimiter>`, whose processes count
/// the same clients, and none that anything else counts.
#[macro_export]
macro_rules! contract_rate_limiter {
    ($fixture:expr) => {
        $crate::each_rule! { rate_limiter, $fixture;
            quota_is_admitted_at_once_and_then_one_request_in_each_interval
            usage_is_that_of_the_algorithm_in_the_kernel
            rejected_request_costs_nothing_of_any_policy
            clients_are_counted_apart
            concurrent_requests_share_the_quota
        }
    };
}

/// The client of most rules.
const CLIENT: &str = "192.0.2.1";

fn after(start: Timestamp, milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(start.as_millisecond() + milliseconds).expect("within the calendar")
}

async fn admit(fixture: &Fixture<impl RateLimiter>, client: &str, now: Timestamp) -> Admission {
    fixture.port().admit(client, now).await.expect("it is counted")
}

fn remaining(admission: &Admission) -> Vec<u32> {
    admission.usage.iter().map(|usage| usage.remaining()).collect()
}

pub async fn quota_is_admitted_at_once_and_then_one_request_in_each_interval(fixture: &Fixture<impl RateLimiter>) {
    let start = later(0);
    for left in (0..6).rev() {
        let admission = admit(fixture, CLIENT, start).await;
        assert_eq!((admission.admitted, remaining(&admission)), (true, vec![left, left + 2]));
    }
    let rejected = admit(fixture, CLIENT, start).await;
    assert_eq!((rejected.admitted, rejected.wait_s()), (false, 10));
    assert!(!admit(fixture, CLIENT, after(start, 9_999)).await.admitted);
    assert!(admit(fixture, CLIENT, after(start, 10_000)).await.admitted);
    assert!(!admit(fixture, CLIENT, after(start, 10_000)).await.admitted);
}

pub async fn usage_is_that_of_the_algorithm_in_the_kernel(fixture: &Fixture<impl RateLimiter>) {
    let (start, policies) = (later(0), fakes::RateLimiter::POLICIES);
    let mut used_until = [0, 0];
    for milliseconds in [0, 0, 1, 17, 3_333, 9_999, 10_001, 10_002, 25_000, 25_000, 61_234, 86_400_000] {
        let now = after(start, milliseconds);
        let expected = kernel::rate_limit::admit(&policies, &mut used_until, now);
        assert_eq!(admit(fixture, CLIENT, now).await, expected, "after {milliseconds} ms");
    }
}

pub async fn rejected_request_costs_nothing_of_any_policy(fixture: &Fixture<impl RateLimiter>) {
    let start = later(0);
    for _ in 0..6 {
        admit(fixture, CLIENT, start).await;
    }
    for _ in 0..3 {
        assert_eq!(remaining(&admit(fixture, CLIENT, start).await), [0, 2]);
    }
    assert_eq!(remaining(&admit(fixture, CLIENT, after(start, 10_000)).await), [0, 1]);
}

pub async fn clients_are_counted_apart(fixture: &Fixture<impl RateLimiter>) {
    let start = later(0);
    for _ in 0..6 {
        admit(fixture, CLIENT, start).await;
    }
    assert!(!admit(fixture, CLIENT, start).await.admitted);
    assert!(admit(fixture, "2001:db8::/64", start).await.admitted);
}

pub async fn concurrent_requests_share_the_quota(fixture: &Fixture<impl RateLimiter>) {
    let (start, processes) = (later(0), fixture.concurrent(20));
    let decisions = join_all(processes.map(|process| process.admit(CLIENT, start))).await;
    let admitted = decisions.iter().flatten().filter(|admission| admission.admitted).count();
    assert_eq!((decisions.iter().flatten().count(), admitted), (20, 6));
}
