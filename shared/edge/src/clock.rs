//! Time, ids and deadline of an invocation. In Lambda they come from the system; in tests and simulations they are fixed, so that
//! the same input gives the same output byte for byte.

use kernel::{Ids, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long before the deadline a handler is stopped, which leaves time to respond: a late response is lost, and a batch without a
/// response is retried as a whole.
const RESPONSE_MARGIN: Duration = Duration::from_millis(250);

/// How long before the deadline the runner must respond, whatever else it is doing.
const REPORT_MARGIN: Duration = Duration::from_millis(100);

fn whole_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Time, ids and deadline of one invocation.
#[derive(Debug, Clone)]
pub struct Clock {
    fixed: Option<Arc<Mutex<Fixed>>>,
    deadline: Option<Timestamp>,
}

#[derive(Debug)]
struct Fixed {
    now: Timestamp,
    seed: u64,
}

impl Clock {
    /// The system clock and random ids.
    pub fn system() -> Self {
        Self { fixed: None, deadline: None }
    }

    /// A clock that stands at `now` until [`Clock::advance`] and derives all ids from `seed`. Clones share its state.
    pub fn at(now: Timestamp, seed: u64) -> Self {
        Self { fixed: Some(Arc::new(Mutex::new(Fixed { now, seed }))), deadline: None }
    }

    /// The same clock with a deadline: the instant at which Lambda kills the invocation.
    #[must_use]
    pub fn until(self, deadline: Timestamp) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Advances a fixed clock. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Some(fixed) = &self.fixed {
            let mut fixed = fixed.lock().unwrap_or_else(PoisonError::into_inner);
            fixed.now = fixed.now.checked_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// Sets a fixed clock back. Has no effect on the system clock.
    pub fn set_back(&self, by: Duration) {
        if let Some(fixed) = &self.fixed {
            let mut fixed = fixed.lock().unwrap_or_else(PoisonError::into_inner);
            fixed.now = fixed.now.checked_sub(by).unwrap_or(Timestamp::MIN);
        }
    }

    /// The current time in microseconds, the precision that databases store, so that a response built from memory equals one that is
    /// read back.
    pub fn now(&self) -> Timestamp {
        match &self.fixed {
            None => whole_microseconds(Timestamp::now()),
            Some(fixed) => fixed.lock().unwrap_or_else(PoisonError::into_inner).now,
        }
    }

    /// A separate source of ids for one record or request. No two of them yield the same ids.
    pub fn ids(&self) -> Ids {
        let Some(fixed) = &self.fixed else { return Ids::system() };
        let mut fixed = fixed.lock().unwrap_or_else(PoisonError::into_inner);
        // Knuth's linear congruential generator: it visits every seed and jumps away from neighbours, which callers use as seeds.
        fixed.seed = fixed.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ids::seeded(fixed.seed, fixed.now)
    }

    /// Time left for the handler; zero when it is used up, `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.left_before(RESPONSE_MARGIN)
    }

    /// Time left for the runner until it must respond; `None` without a deadline.
    pub(crate) fn remaining_to_report(&self) -> Option<Duration> {
        self.left_before(REPORT_MARGIN)
    }

    fn left_before(&self, reserve: Duration) -> Option<Duration> {
        let left = self.deadline?.duration_since(self.now());
        Some(left.try_into().unwrap_or(Duration::ZERO).saturating_sub(reserve))
    }

    /// The instant at which Lambda kills the invocation; `None` without a deadline.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Milliseconds since `start`, in steps of a microsecond.
    #[expect(clippy::float_arithmetic, reason = "a duration for logs and metrics; the lint guards money")]
    pub(crate) fn millis_since(&self, start: Timestamp) -> f64 {
        let micros = i32::try_from(self.now().duration_since(start).as_micros()).unwrap_or(i32::MAX);
        f64::from(micros) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_time_is_truncated_to_microseconds() {
        let now: Timestamp = "2026-11-21T08:48:00.123456789Z".parse().unwrap();
        assert_eq!(whole_microseconds(now).to_string(), "2026-11-21T08:48:00.123456Z");
    }

    #[test]
    fn fixed_clock_stays_until_it_is_advanced() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(clock.now(), clock.now());
        clock.clone().advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
        clock.set_back(Duration::from_secs(2));
        assert_eq!(clock.now().as_second(), 3);
    }

    #[test]
    fn same_seed_gives_the_same_ids_and_no_id_twice() {
        let (a, b) = (Clock::at(Timestamp::UNIX_EPOCH, 7), Clock::at(Timestamp::UNIX_EPOCH, 7));
        let (first, second) = (a.ids().next(), a.ids().next());
        assert_ne!(first, second);
        assert_eq!((first, second), (b.ids().next(), b.ids().next()));
    }

    #[test]
    fn remaining_time_ends_before_the_deadline() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(2));
        assert_eq!(clock.remaining(), Some(Duration::from_secs(2) - RESPONSE_MARGIN));
        assert!(
            clock.remaining() < clock.remaining_to_report(),
            "the handler is stopped before the runner must respond"
        );
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.remaining(), Some(Duration::ZERO));
        assert_eq!(Clock::system().remaining(), None);
    }
}
