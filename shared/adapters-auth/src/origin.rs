//! The secret with which the distribution in front of API Gateway proves that a request came through it.

#[cfg(test)]
mod tests;

use crate::cache::{Cache, KeySource, MAX_AGE};
use adapters_secrets::SecretValue;
use aws_lc_rs::{hmac, rand};
use kernel::Failure;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;

/// Shorter lines are no secrets, but what stands there until there is one.
const MIN_SECRET: usize = 32;
/// How long a failed read is remembered, so that an outage of the store does not delay every request by its timeout.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The origin secret, cached for five minutes. It may have its previous value on a second line, so that neither a request nor a counter is
/// lost while it is replaced.
#[derive(Debug)]
pub struct OriginSecret<S = SecretValue> {
    secret: S,
    cached: Cache<Tags>,
    failed_at: Cell<Option<Instant>>,
}

/// Tags of the lines by a key that only this process knows: comparing them reveals nothing about a line.
#[derive(Debug)]
struct Tags {
    key: hmac::Key,
    lines: Vec<hmac::Tag>,
}

impl Tags {
    fn of(text: &str) -> Result<Self, Failure> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let key = key.map_err(|_| Failure::internal("no random bytes are available"))?;
        let secrets = text.lines().map(str::trim).filter(|line| line.len() >= MIN_SECRET);
        let lines = secrets.map(|line| hmac::sign(&key, line.as_bytes())).collect();
        Ok(Self { key, lines })
    }

    fn contain(&self, secret: &str) -> bool {
        let is = |line: &hmac::Tag| hmac::verify(&self.key, secret.as_bytes(), line.as_ref()).is_ok();
        self.lines.iter().fold(false, |found, line| is(line) | found)
    }
}

impl<S: KeySource> OriginSecret<S> {
    pub fn new(secret: S) -> Self {
        Self { secret, cached: Cache::empty(), failed_at: Cell::new(None) }
    }

    /// Whether this is one of the lines of the secret. The time does not depend on where the two differ.
    pub async fn is(&self, secret: &str) -> Result<bool, Failure> {
        if self.failed_at.get().is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            return Err(Failure::unavailable("secrets", "the origin secret could not be read a moment ago"));
        }
        let read = async || Tags::of(&self.secret.read().await?.unwrap_or_default());
        let tags = self.cached.get(MAX_AGE, read).await;
        self.failed_at.set(tags.is_err().then(Instant::now));
        Ok(tags?.contain(secret))
    }
}

impl<S: KeySource> edge::http::Distribution for OriginSecret<S> {
    async fn sends(&self, secret: &str) -> Result<bool, Failure> {
        self.is(secret).await
    }
}
