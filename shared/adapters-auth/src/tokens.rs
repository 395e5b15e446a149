//! Access tokens: JSON Web Tokens signed with ES256. The private halves of the keys are in one secret, which signers read, and the public
//! halves in another, which verifiers read. Both rotate.
//!
//! The keys are cached for five minutes. A token with an unknown key id triggers another read, so that a rotation takes effect at once,
//! but at most one every ten seconds, so that forged tokens cause no load. The published key set is at most ten seconds old, and a new
//! key signs only after it has been published for five minutes.

mod keyring;
mod public;
#[cfg(test)]
mod tests;

use adapters_secrets::SecretValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Failure, Timestamp};
use keyring::Keyring;
use ports::Claims;
use public::{PublicKeys, Verdict};
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

/// Signs access tokens.
#[derive(Debug)]
pub struct JwtTokens<S = SecretValue> {
    source: S,
    issuer: String,
    cached: Cache<Keyring>,
}

/// Verifies access tokens.
#[derive(Debug)]
pub struct JwtVerifier<S = SecretValue> {
    source: S,
    issuer: String,
    cached: Cache<PublicKeys>,
}

/// Rotates the signing keys.
#[derive(Debug)]
pub struct JwtKeys<S = SecretValue> {
    private: S,
    public: S,
}

/// Keys that were read.
#[derive(Debug)]
struct Cache<K>(Mutex<Option<Cached<K>>>);

#[derive(Debug)]
struct Cached<K> {
    keys: Arc<K>,
    read_at: Instant,
}

impl<K> Cache<K> {
    fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// Keys that were read less than `age` ago. If reading fails, the cached keys remain in use.
    async fn get(&self, age: Duration, read: impl AsyncFnOnce() -> Result<K, Failure>) -> Result<Arc<K>, Failure> {
        let mut cached = self.0.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.read_at.elapsed() < age) {
            return Ok(Arc::clone(&cached.keys));
        }
        match (read().await, &mut *cached) {
            (Ok(keys), _) => {
                let keys = Arc::new(keys);
                *cached = Some(Cached { keys: Arc::clone(&keys), read_at: Instant::now() });
                Ok(keys)
            }
            (Err(failure), Some(old)) => {
                tracing::warn!(
                    failure.internal = failure.internal,
                    "the signing keys cannot be read; the cached ones remain in use"
                );
                old.read_at = Instant::now();
                Ok(Arc::clone(&old.keys))
            }
            (Err(failure), None) => Err(failure),
        }
    }
}

impl<S: KeySource> JwtTokens<S> {
    /// `source` has the private keys; `issuer` is also the audience of the tokens.
    pub fn new(source: S, issuer: String) -> Self {
        Self { source, issuer, cached: Cache::empty() }
    }

    async fn keys(&self) -> Result<Arc<Keyring>, Failure> {
        let read = async || Keyring::parse(&self.source.read().await?.unwrap_or_default());
        self.cached.get(MAX_AGE, read).await
    }
}

impl<S: KeySource> ports::Tokens for JwtTokens<S> {
    async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        self.keys().await?.sign(claims, &self.issuer)
    }

    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        self.keys().await?.keyed_hash(text)
    }

    fn refresh_token(&self) -> Result<(String, String), Failure> {
        let mut random = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let digest = self.digest(&token);
        Ok((token, digest))
    }

    fn digest(&self, refresh_token: &str) -> String {
        Sha256::digest(refresh_token).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<S: KeySource> JwtVerifier<S> {
    /// `source` has the public keys; `issuer` is also the audience of the tokens.
    pub fn new(source: S, issuer: String) -> Self {
        Self { source, issuer, cached: Cache::empty() }
    }

    async fn keys(&self, age: Duration) -> Result<Arc<PublicKeys>, Failure> {
        let read = async || PublicKeys::parse(&self.source.read().await?.unwrap_or_default(), &self.issuer);
        self.cached.get(age, read).await
    }
}

impl<S: KeySource> ports::TokenVerifier for JwtVerifier<S> {
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
        self.keys(MIN_AGE).await?.to_text()
    }
}

impl<S: KeySource> JwtKeys<S> {
    /// `private` and `public` are where the two halves of the keys are kept.
    pub fn new(private: S, public: S) -> Self {
        Self { private, public }
    }
}

impl<S: KeySource> ports::SigningKeys for JwtKeys<S> {
    /// Publishes the keys of before and after, replaces the private ones, and then publishes those that are left. Whatever step is the
    /// last one that succeeds, every key that signs is published, and so is every key whose tokens are still valid.
    async fn rotate(&self) -> Result<String, Failure> {
        let before = Keyring::parse(&self.private.read().await?.unwrap_or_default())?;
        let (old, rotated) = (before.public(), before.rotated()?);
        let new = rotated.public();
        let both = new.clone().with(old);
        self.public.write(both.to_text()?).await?;
        self.private.write(rotated.to_text()?).await?;
        if both != new {
            self.public.write(new.to_text()?).await?;
        }
        let key_id = rotated.newest().map(str::to_owned);
        key_id.ok_or_else(|| Failure::internal("the rotation created no key"))
    }
}
