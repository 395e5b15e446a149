//! Access tokens: JSON Web Tokens signed with ES256, under keys that one secret holds and that rotate.
//!
//! The keys are kept in the process for some minutes. A token under a key that is not known makes them be read again, so that a
//! rotation is noticed at once, but not more often than every few seconds, so that forged tokens cost nothing. The key set is shown
//! as it was read at most those few seconds ago: a new key is out at once, and signs when it has been out for five minutes.

mod keyring;
#[cfg(test)]
mod tests;

use crate::secret::SecretValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Failure, Timestamp};
use keyring::{Keyring, Verdict};
use ports::Claims;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long keys are used before they are read again.
const FRESH: Duration = Duration::from_secs(300);
/// How long they are used at least, even when a token names a key that is not among them or somebody asks for the key set.
const JUST_READ: Duration = Duration::from_secs(10);

/// Where the keys lie.
#[allow(async_fn_in_trait)] // As in `ports`: nobody needs these futures to be Send.
pub trait KeySource {
    /// Their text; none while nobody has put any there.
    async fn read(&self) -> Result<Option<String>, Failure>;

    /// Replaces it.
    async fn write(&self, text: String) -> Result<(), Failure>;
}

impl KeySource for SecretValue {
    async fn read(&self) -> Result<Option<String>, Failure> {
        SecretValue::read(self).await
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        SecretValue::write(self, text).await
    }
}

/// Tokens that are signed and verified with the keys of a source.
#[derive(Debug)]
pub struct JwtTokens<S = SecretValue> {
    source: S,
    issuer: String,
    cached: Mutex<Option<Cached>>,
}

#[derive(Debug, Clone)]
struct Cached {
    keys: Arc<Keyring>,
    read_at: Instant,
}

impl<S: KeySource> JwtTokens<S> {
    /// Tokens of `issuer`, which is also the only audience that they are for.
    pub fn new(source: S, issuer: String) -> Self {
        Self { source, issuer, cached: Mutex::default() }
    }

    /// Keys that were read less than `age` ago. When they cannot be read, older ones serve on: better that than nobody gets in.
    async fn keys(&self, age: Duration) -> Result<Arc<Keyring>, Failure> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.read_at.elapsed() < age) {
            return Ok(cached.keys.clone());
        }
        match (self.read().await, &mut *cached) {
            (Ok(keys), _) => {
                let keys = Arc::new(keys);
                *cached = Some(Cached { keys: keys.clone(), read_at: Instant::now() });
                Ok(keys)
            }
            (Err(failure), Some(old)) => {
                tracing::warn!(
                    failure.internal = failure.internal,
                    "the signing keys cannot be read; the last ones serve on"
                );
                old.read_at = Instant::now();
                Ok(old.keys.clone())
            }
            (Err(failure), None) => Err(failure),
        }
    }

    async fn read(&self) -> Result<Keyring, Failure> {
        Keyring::parse(&self.source.read().await?.unwrap_or_default(), &self.issuer)
    }
}

impl<S: KeySource> ports::Tokens for JwtTokens<S> {
    async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        self.keys(FRESH).await?.sign(claims)
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure> {
        match self.keys(FRESH).await?.verify(token, now) {
            Verdict::Valid(claims) => Ok(Some(claims)),
            Verdict::Invalid => Ok(None),
            Verdict::UnknownKey => match self.keys(JUST_READ).await?.verify(token, now) {
                Verdict::Valid(claims) => Ok(Some(claims)),
                Verdict::Invalid | Verdict::UnknownKey => Ok(None),
            },
        }
    }

    async fn jwks(&self) -> Result<String, Failure> {
        Ok(self.keys(JUST_READ).await?.jwks())
    }

    async fn rotate(&self) -> Result<String, Failure> {
        let rotated = self.read().await?.rotated()?;
        self.source.write(rotated.to_text()?).await?;
        let key_id = rotated.newest().map(str::to_owned);
        *self.cached.lock().await = Some(Cached { keys: Arc::new(rotated), read_at: Instant::now() });
        key_id.ok_or_else(|| Failure::internal("a rotation made no key"))
    }

    fn refresh_token(&self) -> Result<(String, String), Failure> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random numbers"))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let digest = Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((token, digest))
    }
}
