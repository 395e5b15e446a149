//! The generic cell rate algorithm (GCRA): limits of requests as values that their users store and share.
//!
//! A policy admits up to its quota of requests at once, and then one in each interval (window divided by quota). All that is stored of
//! a client is the time until which it has used the policy up, which is its backlog. A rejected request costs nothing.

use crate::Timestamp;

/// How many requests a client may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Name in responses.
    pub name: &'static str,
    /// Requests that a client may make at once, and in a window on average.
    pub quota: u32,
    /// Length of a window in seconds.
    pub window_s: u32,
}

impl Policy {
    /// Microseconds that one request adds to the backlog.
    pub fn interval_us(self) -> i64 {
        (i64::from(self.window_s) * MICROS / i64::from(self.quota.max(1))).max(1)
    }

    /// The longest backlog in microseconds with which a request is admitted, including its own share.
    pub fn limit_us(self) -> i64 {
        self.interval_us() * i64::from(self.quota)
    }
}

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// What a client has used of one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What limits the client.
    pub policy: Policy,
    /// Microseconds until all of the quota is free again.
    pub backlog_us: i64,
}

impl Usage {
    /// Requests that are admitted now.
    pub fn remaining(self) -> u32 {
        let free = (self.policy.limit_us() - self.backlog_us).max(0) / self.policy.interval_us();
        u32::try_from(free).unwrap_or(self.policy.quota)
    }

    /// Seconds until the next request is admitted; 0 if one is admitted now.
    pub fn wait_s(self) -> u32 {
        seconds(self.backlog_us + self.policy.interval_us() - self.policy.limit_us())
    }

    /// Seconds until more of the quota is free: all of it, or, if nothing is left, the next request.
    pub fn reset_s(self) -> u32 {
        if self.remaining() == 0 { self.wait_s() } else { seconds(self.backlog_us) }
    }
}

/// Microseconds as seconds, rounded up.
fn seconds(micros: i64) -> u32 {
    u32::try_from((micros.max(0) + MICROS - 1) / MICROS).unwrap_or(u32::MAX)
}

/// The decision about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Whether every policy admits the request.
    pub admitted: bool,
    /// What the client has used of each policy, with this request if it was admitted.
    pub usage: Vec<Usage>,
}

impl Admission {
    /// Seconds until a request is admitted by every policy.
    pub fn wait_s(&self) -> u32 {
        self.usage.iter().map(|usage| usage.wait_s()).max().unwrap_or_default()
    }
}

/// Decides about a request at `now`, by policies that are used up until the times of `used_until` (microseconds since 1970), which are
/// advanced if it is admitted.
pub fn admit(policies: &[Policy], used_until: &mut [i64], now: Timestamp) -> Admission {
    let now = now.as_microsecond();
    let backlog = |until: i64| (until - now).max(0);
    let fits = |(policy, until): (&Policy, &i64)| backlog(*until) + policy.interval_us() <= policy.limit_us();
    let admitted = policies.iter().zip(&*used_until).all(fits);
    let usage = policies.iter().zip(used_until).map(|(policy, until)| {
        if admitted {
            *until = now + backlog(*until) + policy.interval_us();
        }
        Usage { policy: *policy, backlog_us: backlog(*until) }
    });
    let usage = usage.collect();
    Admission { admitted, usage }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX_A_MINUTE: Policy = Policy { name: "minute", quota: 6, window_s: 60 };
    const EIGHT_A_DAY: Policy = Policy { name: "day", quota: 8, window_s: 86_400 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn quota_is_admitted_at_once_and_then_one_request_in_each_interval() {
        let mut used = [0];
        let remaining = |admission: Admission| (admission.admitted, admission.usage[0].remaining());
        for left in (0..6).rev() {
            assert_eq!(remaining(admit(&[SIX_A_MINUTE], &mut used, at(1_000))), (true, left));
        }
        let rejected = admit(&[SIX_A_MINUTE], &mut used, at(1_000));
        assert_eq!((rejected.admitted, rejected.wait_s()), (false, 10));
        assert!(!admit(&[SIX_A_MINUTE], &mut used, at(1_009)).admitted);
        assert!(admit(&[SIX_A_MINUTE], &mut used, at(1_010)).admitted, "a rejected request costs nothing");
        assert!(!admit(&[SIX_A_MINUTE], &mut used, at(1_010)).admitted);
    }

    #[test]
    fn quota_is_free_again_after_its_reset() {
        let mut used = [0];
        let first = admit(&[SIX_A_MINUTE], &mut used, at(1_000)).usage[0];
        assert_eq!((first.remaining(), first.reset_s(), first.wait_s()), (5, 10, 0));
        admit(&[SIX_A_MINUTE], &mut used, at(1_000));
        assert_eq!(admit(&[SIX_A_MINUTE], &mut used, at(1_020)).usage[0].remaining(), 5);
    }

    #[test]
    fn request_that_one_policy_rejects_costs_nothing_of_the_other() {
        let (policies, mut used) = ([SIX_A_MINUTE, EIGHT_A_DAY], [0, 0]);
        for _ in 0..6 {
            admit(&policies, &mut used, at(1_000));
        }
        let rejected = admit(&policies, &mut used, at(1_000));
        assert_eq!(rejected.usage.iter().map(|usage| usage.remaining()).collect::<Vec<_>>(), [0, 2]);
        assert!(admit(&policies, &mut used, at(1_060)).admitted && admit(&policies, &mut used, at(1_060)).admitted);
        let rejected = admit(&policies, &mut used, at(1_120));
        assert_eq!((rejected.admitted, rejected.wait_s()), (false, 10_680), "the next of the day");
    }

    #[test]
    fn clock_that_goes_back_frees_nothing() {
        let mut used = [0];
        for _ in 0..6 {
            admit(&[SIX_A_MINUTE], &mut used, at(1_000));
        }
        assert!(!admit(&[SIX_A_MINUTE], &mut used, at(999)).admitted);
    }

    #[test]
    fn quota_that_does_not_divide_its_window_is_whole() {
        let policy = Policy { name: "odd", quota: 7, window_s: 1 };
        let mut used = [0];
        let admitted = (0..8).filter(|_| admit(&[policy], &mut used, at(1_000)).admitted).count();
        assert_eq!(admitted, 7);
    }
}
