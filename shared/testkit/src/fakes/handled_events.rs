//! In-memory fake of the inbox of a consumer whose handler stores no claims.

use super::{Dependency, HandledEvents};
use kernel::Failure;
use ports::Claim;

/// What is known of the attempts of a consumer at an event that failed.
#[derive(Debug)]
pub(super) struct FailedAttempts {
    pub attempts: u32,
    /// Code of the last failure.
    pub code: String,
    pub is_dead_letter: bool,
}

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
        let attempts = counted.get(&claim).map_or(1, |before| before.attempts + 1);
        counted.insert(claim, FailedAttempts { attempts, code: code.to_owned(), is_dead_letter: false });
        Ok(())
    }

    /// Without a step, for the same reason.
    async fn record_dead_letter(&self, claim: Claim, code: &str) -> Result<(), Failure> {
        let counted = &mut self.0.0.state.borrow_mut().failed_attempts;
        let attempts = counted.get(&claim).map_or(0, |before| before.attempts);
        counted.insert(claim, FailedAttempts { attempts, code: code.to_owned(), is_dead_letter: true });
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
