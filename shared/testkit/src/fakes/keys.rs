//! Idempotency keys of one context.

use kernel::{Failure, FailureKind, IDEMPOTENCY_KEY_REUSED, IdempotencyKey, IdempotencyOutcome, StoredReply};
use std::collections::HashMap;

/// Used keys with the responses to their requests.
#[derive(Debug, Default)]
pub(super) struct IdempotencyKeys(HashMap<(String, String), Entry>);

#[derive(Debug)]
struct Entry {
    fingerprint: String,
    /// `None` while the request is in flight.
    reply: Option<StoredReply>,
}

impl IdempotencyKeys {
    /// Looks up a key: `None` if it is unused.
    pub fn find(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        let Some(entry) = self.0.get(&(key.scope.clone(), key.key.clone())) else { return Ok(None) };
        if entry.fingerprint != key.fingerprint {
            let detail = "The Idempotency-Key was used with another request body.";
            return Err(Failure::new(FailureKind::Invalid, IDEMPOTENCY_KEY_REUSED, detail));
        }
        match &entry.reply {
            Some(reply) => Ok(Some(IdempotencyOutcome::Replayed(reply.clone()))),
            None => {
                let detail = "A request with this Idempotency-Key is in flight.";
                Err(Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail))
            }
        }
    }

    /// The stored response of a key, after `reply` was stored if it had none.
    pub fn settle(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        if let Some(settled) = self.find(key)? {
            return Ok(settled);
        }
        self.record(key, Some(reply));
        Ok(IdempotencyOutcome::Committed)
    }

    pub fn release(&mut self, key: &IdempotencyKey) {
        self.0.remove(&(key.scope.clone(), key.key.clone()));
    }

    pub fn record(&mut self, key: &IdempotencyKey, reply: Option<&StoredReply>) {
        let entry = Entry { fingerprint: key.fingerprint.clone(), reply: reply.cloned() };
        self.0.insert((key.scope.clone(), key.key.clone()), entry);
    }
}
