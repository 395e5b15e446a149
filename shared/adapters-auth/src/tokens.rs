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
#[cfg(test)]
mod vectors;

pub use crate::cache::KeySource;
use crate::{
    RandomTokens,
    cache::{Cache, MAX_AGE},
};
use adapters_secrets::SecretValue;
use kernel::{Failure, Timestamp};
use keyring::Keyring;
use ports::Claims;
use public::{PublicKeys, TokenCheck};
use std::sync::Arc;
use std::time::Duration;

/// The age below which keys are not read again, even for an unknown key id or a request for the key set.
const MIN_AGE: Duration = Duration::from_secs(10);

/// Signs access tokens.
#[derive(Debug)]
pub struct JwtTokens<S = SecretValue> {
    source: S,
    issuer: String,
    cached: Cache<Keyring>,
}

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
    async fn ready(&self) -> Result<(), Failure> {
        self.keys().await?.ready()
    }

    async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        self.keys().await?.sign(claims, &self.issuer)
    }
}

impl<S> ports::RefreshTokens for JwtTokens<S> {
    fn refresh_token(&self) -> Result<(String, String), Failure> {
        RandomTokens.refresh_token()
    }

    fn digest(&self, refresh_token: &str) -> String {
        RandomTokens.digest(refresh_token)
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
            TokenCheck::Valid(claims) => Ok(Some(claims)),
            TokenCheck::Invalid => Ok(None),
            TokenCheck::UnknownKey => match self.keys(MIN_AGE).await?.verify(token, now) {
                TokenCheck::Valid(claims) => Ok(Some(claims)),
                TokenCheck::Invalid | TokenCheck::UnknownKey => Ok(None),
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
    /// Publishes the old and the new keys, replaces the private ones, and then publishes those that are left. Whatever step is the
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
