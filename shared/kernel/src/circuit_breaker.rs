//! The circuit breaker before the payment gateway, as a value: whoever shares it keeps it, and asks it when to let somebody through.
//!
//! Closed, everybody is let through. After [`FAILURE_THRESHOLD`] in a row it is open, and nobody is for [`OPEN_SECONDS`]. Then one is let
//! through, as a probe: it closes the circuit or opens it again, and what has not answered after [`PROBE_TIMEOUT_SECONDS`] is followed by
//! another.

use crate::{Failure, Timestamp};

/// Failures in a row that open the circuit.
pub const FAILURE_THRESHOLD: u32 = 5;
/// Seconds for which nobody is let through then.
pub const OPEN_SECONDS: i64 = 30;
/// Seconds for which a probe is waited for before another one is let through.
pub const PROBE_TIMEOUT_SECONDS: i64 = 10;

/// Where a circuit stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Failures since the last answer.
    pub failures: u32,
    /// What stands in the way; nothing, when it is closed.
    pub open: Option<Open>,
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Until when; then one is let through.
    pub until: Timestamp,
    /// Whether a probe is under way, which decides.
    pub is_half_open: bool,
}

impl Circuit {
    /// Lets somebody through at `now`, and says what the circuit is then; or says for how many seconds it does not, at least 1.
    pub fn check(self, now: Timestamp) -> Result<Self, u32> {
        match self.open {
            None => Ok(self),
            Some(Open { until, .. }) if now < until => Err(seconds_between(now, until)),
            Some(_) => match after(now, PROBE_TIMEOUT_SECONDS) {
                Some(until) => Ok(Self { open: Some(Open { until, is_half_open: true }), ..self }),
                None => Ok(self),
            },
        }
    }

    /// Hears at `now` whether there was an answer. What was under way when the circuit opened, and fails as well, changes nothing.
    #[must_use]
    pub fn record(self, answered: bool, now: Timestamp) -> Self {
        let failures = self.failures.saturating_add(1);
        match self.open {
            _ if answered => Self::default(),
            Some(Open { is_half_open: false, .. }) => self,
            None if failures < FAILURE_THRESHOLD => Self { failures, ..self },
            _ => {
                let open = after(now, OPEN_SECONDS).map(|until| Open { until, is_half_open: false });
                Self { failures, open }
            }
        }
    }

    /// Whether it has opened since it was `before`: until when.
    pub fn opened_since(self, before: Self) -> Option<Timestamp> {
        let open = self.open.filter(|open| !open.is_half_open)?;
        (before.open != Some(open)).then_some(open.until)
    }
}

/// The failure of those who are not let through; welcome again in `seconds`.
pub fn rejection(seconds: u32) -> Failure {
    let failure = Failure::unavailable("gateway", "the circuit is open");
    Failure { retry_after_s: Some(seconds), ..failure }
}

fn after(now: Timestamp, seconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(now.as_millisecond() + seconds * 1000).ok()
}

fn seconds_between(now: Timestamp, until: Timestamp) -> u32 {
    let milliseconds = until.as_millisecond() - now.as_millisecond();
    u32::try_from((milliseconds + 999) / 1000).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).expect("valid")
    }

    /// A circuit that has heard of so many failures, the last one at 0.
    fn failed(times: u32) -> Circuit {
        (0..times).fold(Circuit::default(), |circuit, _| circuit.record(false, at(0)))
    }

    #[test]
    fn it_opens_after_so_many_failures_in_a_row_and_says_for_how_long() {
        let (before, opened) = (failed(FAILURE_THRESHOLD - 1), failed(FAILURE_THRESHOLD));
        assert_eq!(before.check(at(0)), Ok(before));
        assert_eq!(opened.opened_since(before), Some(at(30_000)));
        assert_eq!(opened.check(at(0)), Err(30));
        assert_eq!(opened.check(at(28_500)), Err(2));
        assert_eq!(opened.check(at(29_999)), Err(1));
        assert_eq!(rejection(7).retry_after_s, Some(7));
    }

    #[test]
    fn success_resets_the_failure_count() {
        let circuit = failed(FAILURE_THRESHOLD - 1).record(true, at(0));
        assert_eq!(circuit, Circuit::default());
        assert_eq!(circuit.record(false, at(0)).check(at(0)), Ok(failed(1)));
    }

    #[test]
    fn a_failure_that_was_under_way_when_it_opened_keeps_nobody_out_for_longer() {
        let opened = failed(FAILURE_THRESHOLD);
        let later = opened.record(false, at(20_000));
        assert_eq!((later, later.opened_since(opened)), (opened, None));
    }

    #[test]
    fn then_one_is_let_through_at_a_time() {
        let probed = failed(FAILURE_THRESHOLD).check(at(30_000)).expect("a probe");
        assert_eq!(probed.opened_since(failed(FAILURE_THRESHOLD)), None);
        assert_eq!(probed.check(at(30_000)), Err(10));
        assert_eq!(probed.check(at(39_999)), Err(1));
        assert!(probed.check(at(40_000)).is_ok(), "the first one did not come back");
    }

    #[test]
    fn a_probe_closes_it_or_opens_it_again() {
        let probed = failed(FAILURE_THRESHOLD).check(at(30_000)).expect("a probe");
        assert_eq!(probed.record(true, at(31_000)), Circuit::default());
        let again = probed.record(false, at(31_000));
        assert_eq!((again.failures, again.opened_since(probed)), (FAILURE_THRESHOLD + 1, Some(at(61_000))));
        assert_eq!(again.check(at(31_000)), Err(30));
    }

    #[test]
    fn an_answer_closes_it_whenever_it_comes() {
        assert_eq!(failed(FAILURE_THRESHOLD).record(true, at(1)), Circuit::default());
    }
}
