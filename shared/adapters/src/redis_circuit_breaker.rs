//! A circuit breaker in Redis, shared by all processes. The domain decides; Redis keeps what it decided, if nobody else was faster.

use crate::redis_link::RedisLink;
use edge::telemetry::metrics;
use kernel::circuit_breaker::{self, Circuit, Open};
use kernel::{Failure, Timestamp};
use ports::CircuitOpened;
use redis::RedisError;
use std::convert::Infallible;

/// Puts the second text in the place of the first, in one step; empty stands for nothing. 1 if the first was there.
const SWAP: &str = "
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1";
/// How often the circuit is read again when somebody else was faster. Each time somebody is, so this many have to be.
const RACES: u32 = 16;
/// Seconds after which a circuit of which nobody tells anything is forgotten.
const KEPT_S: u32 = 3600;

/// A breaker in Redis.
#[derive(Debug)]
pub struct RedisCircuitBreaker {
    link: RedisLink,
    key: String,
}

impl RedisCircuitBreaker {
    /// The breaker before the part `name`, in the Redis at this URL. It connects when it is first used.
    pub fn new(url: &str, name: &str) -> Result<Self, RedisError> {
        Ok(Self { link: RedisLink::new(url)?, key: format!("breaker:{name}") })
    }

    /// Takes the circuit one step on; what it was and what it is then. `None` where Redis does not answer, or others always were
    /// faster: then the breaker is in nobody's way. Where there is no step, that is the error.
    async fn step<E>(&self, step: impl Fn(Circuit) -> Result<Circuit, E>) -> Result<Option<(Circuit, Circuit)>, E> {
        for _ in 0..=RACES {
            let Some(kept) = self.link.ask::<Option<String>>(redis::cmd("GET").arg(&self.key)).await else {
                return Ok(None);
            };
            let kept = kept.unwrap_or_default();
            let before = read(&kept);
            let after = step(before)?;
            if after == before {
                return Ok(Some((before, after)));
            }
            match self.swap(&kept, &write(after)).await {
                None => return Ok(None),
                Some(true) => return Ok(Some((before, after))),
                Some(false) => {}
            }
        }
        metrics::count("CircuitBreakerConflicts", 1);
        Ok(None)
    }

    async fn swap(&self, old: &str, new: &str) -> Option<bool> {
        self.link.ask(redis::cmd("EVAL").arg(SWAP).arg(1).arg(&self.key).arg(old).arg(new).arg(KEPT_S)).await
    }
}

impl ports::CircuitBreaker for RedisCircuitBreaker {
    async fn check(&self, now: Timestamp) -> Result<(), Failure> {
        self.step(|circuit| circuit.check(now)).await.map(drop).map_err(circuit_breaker::rejection)
    }

    async fn record(&self, answered: bool, now: Timestamp) -> Option<CircuitOpened> {
        let Ok(step) = self.step(|circuit| Ok::<_, Infallible>(circuit.record(answered, now))).await;
        let (before, after) = step?;
        let until = after.opened_since(before)?;
        metrics::count("CircuitsOpened", 1);
        Some(CircuitOpened { failures: after.failures, until })
    }
}

/// The circuit in a text: failures, and for a open its end in milliseconds and whether it is probed. What cannot be read stands in
/// nobody's way.
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
    async fn without_redis_it_is_in_nobodys_way() {
        let (breaker, now) = (RedisCircuitBreaker::new("redis://127.0.0.1:1", "test").unwrap(), Timestamp::UNIX_EPOCH);
        for _ in 0..2 * circuit_breaker::FAILURE_THRESHOLD {
            assert_eq!(breaker.check(now).await, Ok(()));
            assert_eq!(breaker.record(false, now).await, None);
        }
    }

    #[test]
    fn a_circuit_is_read_as_it_was_written() {
        let until = Timestamp::from_millisecond(1_795_262_430_123).unwrap();
        let barrier = |is_half_open| Some(Open { until, is_half_open });
        for (failures, open) in [(0, None), (4, None), (5, barrier(false)), (6, barrier(true))] {
            let circuit = Circuit { failures, open };
            assert_eq!(read(&write(circuit)), circuit);
        }
        assert_eq!(write(Circuit::default()), "", "nothing is kept of a circuit that is closed");
    }

    #[test]
    fn what_cannot_be_read_stands_in_nobodys_way() {
        for text in ["", "x", "-1", "5 never open", "4294967296 1 open"] {
            assert_eq!(read(text).open, None, "{text:?}");
        }
    }
}
