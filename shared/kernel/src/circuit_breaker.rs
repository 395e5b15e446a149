//! The state machine of a circuit breaker, as a value that its users store and share.
//!
//! A closed circuit allows every call. [`FAILURE_THRESHOLD`] consecutive failures open it, and an open circuit rejects every call
//! for [`OPEN_SECONDS`]. After that it is half-open: one call is allowed as a probe, whose result closes or reopens the circuit.
//! A probe without a result after [`PROBE_TIMEOUT_SECONDS`] is replaced by the next call.

use crate::{Failure, Timestamp};

/// Consecutive failures that open the circuit.
pub const FAILURE_THRESHOLD: u32 = 5;
/// Seconds for which an open circuit rejects every call.
pub const OPEN_SECONDS: i64 = 30;
/// Seconds after which a probe without a result is replaced by another.
pub const PROBE_TIMEOUT_SECONDS: i64 = 10;

/// The state of a circuit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Consecutive failures.
    pub failures: u32,
    /// Set while the circuit is open or half-open.
    pub open: Option<Open>,
}

/// An open or half-open circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// End of the rejection; the next call after it is a probe.
    pub until: Timestamp,
    /// Whether a probe is in flight.
    pub is_half_open: bool,
}

impl Circuit {
    /// Allows a call and returns the new state, or returns the seconds (at least 1) until a call is allowed.
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

    /// Records the result of a call and returns the new state. A failure does not extend an open period: the call may have started
    /// before the circuit opened.
    #[must_use]
    pub fn record(self, succeeded: bool, now: Timestamp) -> Self {
        let failures = self.failures.saturating_add(1);
        match self.open {
            _ if succeeded => Self::default(),
            Some(Open { is_half_open: false, .. }) => self,
            None if failures < FAILURE_THRESHOLD => Self { failures, ..self },
            _ => {
                let open = after(now, OPEN_SECONDS).map(|until| Open { until, is_half_open: false });
                Self { failures, open }
            }
        }
    }

    /// Returns the end of the open period if the transition from `before` to this state opened the circuit.
    pub fn opened_since(self, before: Self) -> Option<Timestamp> {
        let open = self.open.filter(|open| !open.is_half_open)?;
        (before.open != Some(open)).then_some(open.until)
    }
}

/// The failure of a call to `dependency` that the circuit rejected; it may be retried after `seconds`.
pub fn rejection(dependency: &'static str, seconds: u32) -> Failure {
    let failure = Failure::unavailable(dependency, "the circuit is open");
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

    /// A circuit with this many failures, the last one at 0.
    fn failed(times: u32) -> Circuit {
        (0..times).fold(Circuit::default(), |circuit, _| circuit.record(false, at(0)))
    }

    #[test]
    fn circuit_opens_at_the_threshold_and_returns_the_remaining_seconds() {
        let (before, opened) = (failed(FAILURE_THRESHOLD - 1), failed(FAILURE_THRESHOLD));
        assert_eq!(before.check(at(0)), Ok(before));
        assert_eq!(opened.opened_since(before), Some(at(30_000)));
        assert_eq!(opened.check(at(0)), Err(30));
        assert_eq!(opened.check(at(28_500)), Err(2));
        assert_eq!(opened.check(at(29_999)), Err(1));
        assert_eq!(rejection("gateway", 7).retry_after_s, Some(7));
    }

    #[test]
    fn success_resets_the_failure_count() {
        let circuit = failed(FAILURE_THRESHOLD - 1).record(true, at(0));
        assert_eq!(circuit, Circuit::default());
        assert_eq!(circuit.record(false, at(0)).check(at(0)), Ok(failed(1)));
    }

    #[test]
    fn failure_of_a_call_started_earlier_does_not_extend_the_open_period() {
        let opened = failed(FAILURE_THRESHOLD);
        let later = opened.record(false, at(20_000));
        assert_eq!((later, later.opened_since(opened)), (opened, None));
    }

    #[test]
    fn one_probe_is_allowed_at_a_time() {
        let probed = failed(FAILURE_THRESHOLD).check(at(30_000)).expect("a probe");
        assert_eq!(probed.opened_since(failed(FAILURE_THRESHOLD)), None);
        assert_eq!(probed.check(at(30_000)), Err(10));
        assert_eq!(probed.check(at(39_999)), Err(1));
        assert!(probed.check(at(40_000)).is_ok(), "the first probe timed out");
    }

    #[test]
    fn probe_closes_or_reopens_the_circuit() {
        let probed = failed(FAILURE_THRESHOLD).check(at(30_000)).expect("a probe");
        assert_eq!(probed.record(true, at(31_000)), Circuit::default());
        let again = probed.record(false, at(31_000));
        assert_eq!((again.failures, again.opened_since(probed)), (FAILURE_THRESHOLD + 1, Some(at(61_000))));
        assert_eq!(again.check(at(31_000)), Err(30));
    }

    #[test]
    fn late_success_closes_an_open_circuit() {
        assert_eq!(failed(FAILURE_THRESHOLD).record(true, at(1)), Circuit::default());
    }
}
