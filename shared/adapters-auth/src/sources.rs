//! Sources of requests: the key that names their counters, and the secret that marks what came through the distribution.
//!
//! Both are cached for five minutes.

#[cfg(test)]
mod tests;

use crate::cache::{Cache, KeySource, MAX_AGE};
use crate::origin::OriginSecret;
use adapters_secrets::SecretValue;
use aws_lc_rs::{hmac, rand};
use kernel::Failure;
use std::rc::Rc;

/// Bytes of the counter key.
const KEY_BYTES: usize = 32;
/// What the template puts into the secrets.
const UNSET: &str = "unset";

/// Tells the sources of requests apart, by two secrets.
#[derive(Debug)]
pub struct SecretSources<S = SecretValue> {
    counter_key: S,
    key: Cache<hmac::Key>,
    origin: Rc<OriginSecret<S>>,
}

/// Makes the counter key.
#[derive(Debug)]
pub struct StoredCounterKey<S = SecretValue>(pub S);

impl<S: KeySource> SecretSources<S> {
    pub fn new(counter_key: S, origin: Rc<OriginSecret<S>>) -> Self {
        Self { counter_key, key: Cache::empty(), origin }
    }
}

impl<S: KeySource> ports::RequestSources for SecretSources<S> {
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        let read = async || {
            let missing = || Failure::unavailable("counter key", "no counter key exists yet; run key-rotate");
            parse(self.counter_key.read().await?)?.ok_or_else(missing)
        };
        let key = self.key.get(MAX_AGE, read).await?;
        Ok(hexadecimal(hmac::sign(&key, text.as_bytes()).as_ref()))
    }

    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
        self.origin.is(secret).await
    }
}

impl<S: KeySource> ports::CounterKey for StoredCounterKey<S> {
    async fn ensure(&self) -> Result<(), Failure> {
        if parse(self.0.read().await?)?.is_some() {
            return Ok(());
        }
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).map_err(|_| Failure::internal("no random bytes are available"))?;
        self.0.write(hexadecimal(&key)).await
    }
}

/// The stored key; `None` while there is none.
fn parse(text: Option<String>) -> Result<Option<hmac::Key>, Failure> {
    let text = text.unwrap_or_default();
    match text.trim() {
        "" | UNSET => Ok(None),
        // The text is secret and must not be part of an error.
        text if text.len() != 2 * KEY_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(Failure::internal("the secret with the counter key is malformed"))
        }
        text => Ok(Some(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
