//! In-memory fake of the circuit breaker.

use super::{CircuitBreaker, Dependency};
use kernel::{
    Failure, Timestamp,
    circuit_breaker::{self, Circuit},
};
use ports::CircuitOpened;

impl CircuitBreaker {
    pub fn circuit(&self) -> Circuit {
        self.0.inspect(|state| state.breaker)
    }
}

impl ports::CircuitBreaker for CircuitBreaker {
    async fn check(&self, now: Timestamp) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Cache, "breaker.check", |state| {
            let admitted = state.breaker.check(now);
            Ok(admitted.map(|circuit| state.breaker = circuit))
        });
        // An unreadable state allows the call.
        step.await.unwrap_or(Ok(())).map_err(|seconds| circuit_breaker::rejection("gateway", seconds))
    }

    async fn record(&self, responded: bool, now: Timestamp) -> Option<CircuitOpened> {
        let step = self.0.step(Dependency::Cache, "breaker.record", |state| {
            let before = state.breaker;
            state.breaker = before.record(responded, now);
            let until = state.breaker.opened_since(before);
            Ok(until.map(|until| CircuitOpened { failures: state.breaker.failures, until }))
        });
        step.await.unwrap_or_default()
    }
}
