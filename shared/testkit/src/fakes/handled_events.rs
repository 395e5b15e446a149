//! In-memory fake of the inbox of a consumer whose handler stores no claims.

use super::{Dependency, HandledEvents};
use kernel::Failure;
use ports::Claim;

impl ports::HandledEvents for HandledEvents {
    async fn record(&self, claim: Claim) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "handled_events.record", |state| {
            state.claim(claim);
            Ok(())
        });
        step.await
    }

    /// Without a step: an attempt that is not counted changes nothing but what operators see.
    async fn record_failure(&self, claim: Claim, code: &'static str) -> Result<(), Failure> {
        let counted = &mut self.0.0.state.borrow_mut().failed_attempts;
        let (attempts, last) = counted.entry(claim).or_insert((0, code));
        (*attempts, *last) = (*attempts + 1, code);
        Ok(())
    }
}

impl HandledEvents {
    /// Records a claim, without a step and without faults.
    pub fn assume(&self, claim: Claim) {
        self.0.0.state.borrow_mut().claim(claim);
    }

    /// Whether a consumer has recorded any event.
    pub fn are_there_of(&self, consumer: &str) -> bool {
        self.0.0.state.borrow().claims.iter().any(|claim| claim.consumer == consumer)
    }
}
