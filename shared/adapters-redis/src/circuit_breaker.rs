//! A circuit breaker in Redis, shared by all processes. The kernel decides each transition; Redis stores it by compare-and-swap.

use crate::link::RedisLink;
use edge::telemetry::metrics;
use kernel::circuit_breaker::{self, Circuit, Open};
use kernel::{Failure, Timestamp};
use ports::CircuitOpened;
use redis::RedisError;
use std::convert::Infallible;
use std::rc::Rc;

/// Replaces the value `ARGV[1]` by `ARGV[2]` atomically and returns 1 if it was stored. An empty text stands for an absent key.
const COMPARE_AND_SWAP: &str = "
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1";
/// How often a swap is retried after another process changed the circuit.
const MAX_RETRIES: u32 = 16;
/// Seconds after which an unused circuit expires.
const TTL_S: u32 = 3600;

#[derive(Debug)]
pub struct RedisCircuitBreaker {
    link: Rc<RedisLink>,
    key: String,
}

impl RedisCircuitBreaker {
    /// The breaker of the dependency `name`. Connects at the first command.
    pub fn new(url: &str, name: &str) -> Result<Self, RedisError> {
        Ok(Self::of(RedisLink::to(url)?, name))
    }

    pub(crate) fn of(link: Rc<RedisLink>, name: &str) -> Self {
        Self { link, key: format!("breaker:{name}") }
    }

    /// Applies a transition and returns the circuit before and after it. `None` if Redis does not respond or every swap conflicted, in
    /// which case the breaker blocks nothing. The error is that of `transition`.
    async fn apply<E>(
        &self,
        transition: impl Fn(Circuit) -> Result<Circuit, E>,
    ) -> Result<Option<(Circuit, Circuit)>, E> {
        for _ in 0..=MAX_RETRIES {
            let Some(stored) = self.link.execute::<Option<String>>(redis::cmd("GET").arg(&self.key)).await else {
                return Ok(None);
            };
            let stored = stored.unwrap_or_default();
            let before = read(&stored);
            let after = transition(before)?;
            if after == before {
                return Ok(Some((before, after)));
            }
            match self.swap(&stored, &write(after)).await {
                None => return Ok(None),
                Some(true) => return Ok(Some((before, after))),
                Some(false) => {}
            }
        }
        metrics::count("CircuitBreakerConflicts", 1);
        Ok(None)
    }

    async fn swap(&self, old: &str, new: &str) -> Option<bool> {
        self.link
            .execute(redis::cmd("EVAL").arg(COMPARE_AND_SWAP).arg(1).arg(&self.key).arg(old).arg(new).arg(TTL_S))
            .await
    }
}

impl ports::CircuitBreaker for RedisCircuitBreaker {
    async fn check(&self, now: Timestamp) -> Result<(), Failure> {
        self.apply(|circuit| circuit.check(now))
            .await
            .map(drop)
            .map_err(|seconds| circuit_breaker::rejection("gateway", seconds))
    }

    async fn record(&self, responded: bool, now: Timestamp) -> Option<CircuitOpened> {
        let Ok(applied) = self.apply(|circuit| Ok::<_, Infallible>(circuit.record(responded, now))).await;
        let (before, after) = applied?;
        let until = after.opened_since(before)?;
        metrics::count("CircuitsOpened", 1);
        Some(CircuitOpened { failures: after.failures, until })
    }
}

/// Parses a circuit: the number of failures and, if it is open, until when (milliseconds) and whether a probe is under way. A value that
/// cannot be parsed counts as a closed circuit.
fn read(text: &str) -> Circuit {
    let mut words = text.split(' ');
    let Some(failures) = words.next().and_then(|word| word.parse().ok()) else { return Circuit::default() };
    let until = words.next().and_then(|word| Timestamp::from_millisecond(word.parse().ok()?).ok());
    let is_half_open = words.next() == Some("probed");
    Circuit { failures, open: until.map(|until| Open { until, is_half_open }) }
}

fn write(circuit: Circuit) -> String {
    match circuit {
        Circuit { failures: 0, open: None } => String::new(),
        Circuit { failures, open: None } => failures.to_string(),
        Circuit { failures, open: Some(Open { until, is_half_open }) } => {
            let word = if is_half_open { "probed" } else { "open" };
            format!("{failures} {} {word}", until.as_millisecond())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::CircuitBreaker;

    #[tokio::test]
    async fn circuit_breaker_without_redis_blocks_nothing() {
        let (breaker, now) = (RedisCircuitBreaker::new("redis://127.0.0.1:1", "test").unwrap(), Timestamp::UNIX_EPOCH);
        for _ in 0..2 * circuit_breaker::FAILURE_THRESHOLD {
            assert_eq!(breaker.check(now).await, Ok(()));
            assert_eq!(breaker.record(false, now).await, None);
        }
    }

    #[test]
    fn circuit_survives_a_round_trip_through_text() {
        let until = Timestamp::from_millisecond(1_795_262_430_123).unwrap();
        let barrier = |is_half_open| Some(Open { until, is_half_open });
        for (failures, open) in [(0, None), (4, None), (5, barrier(false)), (6, barrier(true))] {
            let circuit = Circuit { failures, open };
            assert_eq!(read(&write(circuit)), circuit);
        }
        assert_eq!(write(Circuit::default()), "", "a closed circuit is not stored");
    }

    #[test]
    fn invalid_text_is_a_closed_circuit() {
        for text in ["", "x", "-1", "5 never open", "4294967296 1 open"] {
            assert_eq!(read(text).open, None, "{text:?}");
        }
    }
}
