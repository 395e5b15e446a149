//! Access tokens: JSON Web Tokens signed with ES256. The signing keys are in one secret and rotate.
//!
//! The keys are cached for five minutes. A token with an unknown key id triggers another read, so that a rotation takes effect at once,
//! but at most one every ten seconds, so that forged tokens cause no load. The published key set is at most ten seconds old, and a new
//! key signs only after it has been published for five minutes.

mod keyring;
#[cfg(test)]
mod tests;

use adapters_secrets::SecretValue;
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

/// How long keys are cached.
const MAX_AGE: Duration = Duration::from_secs(300);
/// The age below which keys are not read again, even for an unknown key id or a request for the key set.
const MIN_AGE: Duration = Duration::from_secs(10);

/// The storage of the signing keys.
#[allow(async_fn_in_trait)] // As in `ports`: no caller needs `Send` futures.
pub trait KeySource {
    /// `None` while there are no keys.
    async fn read(&self) -> Result<Option<String>, Failure>;

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

/// Signs and verifies access tokens.
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
    /// `issuer` is also the audience of the tokens.
    pub fn new(source: S, issuer: String) -> Self {
        Self { source, issuer, cached: Mutex::default() }
    }

    /// Keys that were read less than `age` ago. If reading fails, the cached keys remain in use.
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
                    "the signing keys cannot be read; the cached ones remain in use"
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
        self.keys(MAX_AGE).await?.sign(claims)
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure> {
        match self.keys(MAX_AGE).await?.verify(token, now) {
            Verdict::Valid(claims) => Ok(Some(claims)),
            Verdict::Invalid => Ok(None),
            Verdict::UnknownKey => match self.keys(MIN_AGE).await?.verify(token, now) {
                Verdict::Valid(claims) => Ok(Some(claims)),
                Verdict::Invalid | Verdict::UnknownKey => Ok(None),
            },
        }
    }

    async fn jwks(&self) -> Result<String, Failure> {
        Ok(self.keys(MIN_AGE).await?.jwks())
    }

    async fn rotate(&self) -> Result<String, Failure> {
        let rotated = self.read().await?.rotated()?;
        self.source.write(rotated.to_text()?).await?;
        let key_id = rotated.newest().map(str::to_owned);
        *self.cached.lock().await = Some(Cached { keys: Arc::new(rotated), read_at: Instant::now() });
        key_id.ok_or_else(|| Failure::internal("the rotation created no key"))
    }

    fn refresh_token(&self) -> Result<(String, String), Failure> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let digest = Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((token, digest))
    }
}
