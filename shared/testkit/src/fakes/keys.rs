//! IdempotencyKey keys of one context.

use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use std::collections::HashMap;

/// The keys that were used, and the answers to their requests.
#[derive(Debug, Default)]
pub(super) struct IdempotencyKeys(HashMap<(String, String), Entry>);

#[derive(Debug)]
struct Entry {
    fingerprint: String,
    /// None while the request is under way.
    reply: Option<StoredReply>,
}

impl IdempotencyKeys {
    /// What the key says: `None` when it is free.
    pub fn find(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        let Some(entry) = self.0.get(&(key.scope.clone(), key.key.clone())) else { return Ok(None) };
        if entry.fingerprint != key.fingerprint {
            let detail = "The Idempotency-Key was used before with another body.";
            return Err(Failure::new(FailureKind::Invalid, "idempotency-key-reused", detail));
        }
        match &entry.reply {
            Some(reply) => Ok(Some(IdempotencyOutcome::Replayed(reply.clone()))),
            None => {
                let detail = "The first request with this Idempotency-Key is still under way.";
                Err(Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail))
            }
        }
    }

    pub fn record(&mut self, key: &IdempotencyKey, reply: Option<&StoredReply>) {
        let entry = Entry { fingerprint: key.fingerprint.clone(), reply: reply.cloned() };
        self.0.insert((key.scope.clone(), key.key.clone()), entry);
    }
}
