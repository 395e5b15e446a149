//! In-memory fake of access tokens: JSON Web Tokens with a forgeable signature.

use super::{Dependency, Tokens};
use crate::hex;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{id::UserId, session::CLOCK_SKEW_S, user::Role, verification::Token};
use kernel::{Failure, Timestamp, seconds_after};
use ports::Claims;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::Cell;

/// The only algorithm of these tokens. No library knows it.
const ALGORITHM: &str = "FAKE";

/// Signing keys, newest last.
#[derive(Debug)]
pub(super) struct KeyRing(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: String,
    /// Time of the first token issued after the key was created, since the rotation has no clock.
    published_at: Cell<Option<Timestamp>>,
}

impl Key {
    fn new(number: u64) -> Self {
        Self { kid: format!("key-{number}"), published_at: Cell::default() }
    }

    fn may_sign(&self, now: Timestamp) -> bool {
        let since = self.published_at.get().unwrap_or(now);
        self.published_at.set(Some(since));
        now.as_second() - since.as_second() >= PUBLISH_SECONDS
    }
}

impl Default for KeyRing {
    fn default() -> Self {
        Self(vec![Key::new(1)])
    }
}

/// Seconds between the publication of a key and its first signature.
const PUBLISH_SECONDS: i64 = 300;

/// Number of stored keys: the current one and its predecessor.
const MAX_KEYS: usize = 2;

fn signature(kid: &str, input: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{kid}:{input}")))
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn claims(keys: &[Key], token: &str) -> Option<Claims> {
    let (input, given) = token.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let (header, payload) = (decode(header)?, decode(payload)?);
    let kid = header["kid"].as_str().filter(|kid| keys.iter().any(|key| key.kid == *kid))?;
    if header["alg"] != ALGORITHM || given != signature(kid, input) {
        return None;
    }
    Some(Claims {
        user_id: UserId(payload["sub"].as_str()?.parse().ok()?),
        session_id: payload["sid"].as_str()?.parse().ok()?,
        role: Role::parse(payload["role"].as_str()?)?,
        issued_at: Timestamp::from_second(payload["iat"].as_i64()?).ok()?,
        expires_at: Timestamp::from_second(payload["exp"].as_i64()?).ok()?,
    })
}

impl ports::Tokens for Tokens {
    async fn ready(&self) -> Result<(), Failure> {
        self.0.query(Dependency::Keys, |_| Ok(())).await
    }

    async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        let query = self.0.query(Dependency::Keys, |state| {
            let keys = &state.keys.0;
            let signing = keys.iter().rev().find(|key| key.may_sign(claims.issued_at)).or(keys.first());
            let kid = &signing.ok_or_else(|| Failure::internal("the key ring is empty"))?.kid;
            let header = json!({ "alg": ALGORITHM, "kid": kid, "typ": "JWT" });
            let payload = json!({
                "sub": claims.user_id,
                "sid": claims.session_id,
                "role": claims.role.name(),
                "iat": claims.issued_at.as_second(),
                "exp": claims.expires_at.as_second(),
            });
            let input = format!("{}.{}", encode(&header), encode(&payload));
            Ok(format!("{input}.{}", signature(kid, &input)))
        });
        query.await
    }
}

impl ports::RefreshTokens for Tokens {
    fn refresh_token(&self) -> Result<(String, String), Failure> {
        let number = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        let token = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("refresh {number}")));
        let digest = self.digest(&token);
        Ok((token, digest))
    }

    fn digest(&self, refresh_token: &str) -> String {
        hex(&Sha256::digest(refresh_token))
    }
}

impl ports::TokenVerifier for Tokens {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure> {
        let latest = seconds_after(now, CLOCK_SKEW_S)?;
        let is_valid = |one: &Claims| now < one.expires_at && one.issued_at <= latest;
        let query = self.0.query(Dependency::Keys, |state| Ok(claims(&state.keys.0, token).filter(is_valid)));
        query.await
    }

    async fn jwks(&self) -> Result<String, Failure> {
        let key = |Key { kid, .. }: &Key| {
            let x = hex(&Sha256::digest(kid));
            json!({ "kty": "OKP", "use": "sig", "alg": ALGORITHM, "kid": kid, "x": x })
        };
        let query = self.0.query(Dependency::Keys, |state| {
            Ok(json!({ "keys": state.keys.0.iter().map(key).collect::<Vec<_>>() }).to_string())
        });
        query.await
    }
}

impl ports::SigningKeys for Tokens {
    async fn rotate(&self) -> Result<String, Failure> {
        let step = self.0.step(Dependency::Keys, "keys.rotate", |state| {
            let number = |key: &Key| key.kid.strip_prefix("key-")?.parse::<u64>().ok();
            let key = Key::new(state.keys.0.last().and_then(number).unwrap_or(0) + 1);
            let kid = key.kid.clone();
            state.keys.0.push(key);
            let surplus = state.keys.0.len().saturating_sub(MAX_KEYS);
            state.keys.0.drain(..surplus);
            Ok(kid)
        });
        step.await
    }
}

impl ports::VerificationTokens for Tokens {
    fn verification_token(&self) -> Result<(Token, String), Failure> {
        let number = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&Sha256::digest(format!("verification {number}"))[..20]);
        let token = Token::from_random(&bytes);
        let digest = hex(&Sha256::digest(token.expose()));
        Ok((token, digest))
    }

    fn is_digest_of(&self, digest: &str, token: &Token) -> bool {
        digest == hex(&Sha256::digest(token.expose()))
    }
}
