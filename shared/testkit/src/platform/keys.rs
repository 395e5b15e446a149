//! Idempotency keys of one context.

use kernel::{Failure, Idempotency, Kind, Settled, StoredReply};
use std::collections::HashMap;

/// The keys that were used, and the answers to their requests.
#[derive(Debug, Default)]
pub(super) struct KeyBook(HashMap<(String, String), Entry>);

#[derive(Debug)]
struct Entry {
    fingerprint: String,
    /// None while the request is under way.
    reply: Option<StoredReply>,
}

impl KeyBook {
    /// What the key says: `None` when it is free.
    pub fn find(&self, key: &Idempotency) -> Result<Option<Settled>, Failure> {
        let Some(entry) = self.0.get(&(key.scope.clone(), key.key.clone())) else { return Ok(None) };
        if entry.fingerprint != key.fingerprint {
            let detail = "The Idempotency-Key was used before with another body.";
            return Err(Failure::new(Kind::Invalid, "idempotency-key-reused", detail));
        }
        match &entry.reply {
            Some(reply) => Ok(Some(Settled::Before(reply.clone()))),
            None => {
                let detail = "The first request with this Idempotency-Key is still under way.";
                Err(Failure::new(Kind::Conflict, "idempotency-key-in-flight", detail))
            }
        }
    }

    pub fn keep(&mut self, key: &Idempotency, reply: Option<&StoredReply>) {
        let entry = Entry { fingerprint: key.fingerprint.clone(), reply: reply.cloned() };
        self.0.insert((key.scope.clone(), key.key.clone()), entry);
    }
}
