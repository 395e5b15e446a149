//! Where a runner gets its time, its ids and its time limit from. In Lambda they are the system's; in a test or a simulation they
//! are given, and then the same input gives the same output to the letter.

use kernel::{Ids, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long before the deadline a handler is stopped, so that there is time left to say so: an answer that comes too late is
/// no answer, and a batch without a report is retried whole.
const RESERVE: Duration = Duration::from_millis(250);

/// What nothing at all may eat of the time before the deadline: the report itself takes it.
const REPORT: Duration = Duration::from_millis(100);

fn whole_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Time, ids and deadline of one invocation.
#[derive(Debug, Clone)]
pub struct Clock {
    given: Option<Arc<Mutex<Given>>>,
    deadline: Option<Timestamp>,
}

#[derive(Debug)]
struct Given {
    now: Timestamp,
    seed: u64,
}

impl Clock {
    /// The clock of this machine and its random numbers.
    pub fn system() -> Self {
        Self { given: None, deadline: None }
    }

    /// A clock that stands at `now` until it is told to go on, and whose ids all follow from `seed`. Clones share it.
    pub fn at(now: Timestamp, seed: u64) -> Self {
        Self { given: Some(Arc::new(Mutex::new(Given { now, seed }))), deadline: None }
    }

    /// The same clock, with the instant at which the invocation is killed.
    #[must_use]
    pub fn until(self, deadline: Timestamp) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Lets a given clock go on. The system's clock does that by itself, and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(given) = &self.given {
            let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
            given.now = given.now.checked_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// The instant at hand, to the microsecond: what databases keep, so that an answer given from memory and one read back agree.
    pub fn now(&self) -> Timestamp {
        match &self.given {
            None => whole_microseconds(Timestamp::now()),
            Some(given) => given.lock().unwrap_or_else(PoisonError::into_inner).now,
        }
    }

    /// A source of ids of its own for one piece of work: two pieces never get the same ids, whichever runs first.
    pub fn ids(&self) -> Ids {
        let Some(given) = &self.given else { return Ids::system() };
        let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
        // Knuth's multiplier and an odd increment: a walk through all seeds, away from the neighbours that a caller may use next.
        given.seed = given.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ids::seeded(given.seed, given.now)
    }

    /// How long a handler may still take, where there is a limit; zero when its time is up.
    pub fn remaining(&self) -> Option<Duration> {
        self.left_before(RESERVE)
    }

    /// How long the runner itself may still take before it must report, where there is a limit.
    pub(crate) fn remaining_to_report(&self) -> Option<Duration> {
        self.left_before(REPORT)
    }

    fn left_before(&self, reserve: Duration) -> Option<Duration> {
        let left = self.deadline?.duration_since(self.now());
        Some(left.try_into().unwrap_or(Duration::ZERO).saturating_sub(reserve))
    }

    /// The instant at which the invocation is killed, where there is one.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Milliseconds since `start`, to the microsecond.
    #[expect(clippy::float_arithmetic, reason = "a duration for people and charts; the lint guards money")]
    pub(crate) fn millis_since(&self, start: Timestamp) -> f64 {
        let micros = i32::try_from(self.now().duration_since(start).as_micros()).unwrap_or(i32::MAX);
        f64::from(micros) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_no_more_than_microseconds() {
        let now: Timestamp = "2026-11-21T08:48:00.123456789Z".parse().unwrap();
        assert_eq!(whole_microseconds(now).to_string(), "2026-11-21T08:48:00.123456Z");
    }

    #[test]
    fn a_given_clock_stands_still_until_it_is_told_to_go_on() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(clock.now(), clock.now());
        clock.clone().advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_and_two_pieces_of_work_never_share_one() {
        let (a, b) = (Clock::at(Timestamp::UNIX_EPOCH, 7), Clock::at(Timestamp::UNIX_EPOCH, 7));
        let (first, second) = (a.ids().next(), a.ids().next());
        assert_ne!(first, second);
        assert_eq!((first, second), (b.ids().next(), b.ids().next()));
    }

    #[test]
    fn the_time_left_ends_before_the_deadline_does() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH, 1).until(Timestamp::UNIX_EPOCH + Duration::from_secs(2));
        assert_eq!(clock.remaining(), Some(Duration::from_secs(2) - RESERVE));
        assert!(clock.remaining() < clock.remaining_to_report(), "a handler is stopped before its runner is");
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.remaining(), Some(Duration::ZERO));
        assert_eq!(Clock::system().remaining(), None);
    }
}
