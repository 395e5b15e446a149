//! The signing keys: parsing, signing, verification and rotation, without I/O.
//!
//! They are stored as `{"keys": [{"kid": …, "private_key": …}]}`, newest first, the private key as PKCS #8 in base64. The id of a key
//! is a UUIDv7 and so contains its creation time, which decides when the key may sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::id::UserId;
use domain::user::Role;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Failure, Ids, Timestamp, Uuid};
use ports::Claims;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// The only algorithm for signing and verification.
const ALGORITHM: Algorithm = Algorithm::ES256;
/// The type of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// The current key, and its predecessor for tokens that are still valid.
const MAX_KEYS: usize = 2;
/// Seconds for which a key is published before it signs. Verifiers must cache the key set for less than that.
const PUBLICATION_S: i64 = 300;

/// The keys of an issuer, newest first.
pub(super) struct Keyring {
    keys: Vec<Key>,
    issuer: String,
    validation: Validation,
}

struct Key {
    kid: String,
    /// Unix time in seconds; 0 if the id contains no time.
    created_at: i64,
    pkcs8: Vec<u8>,
    /// The public key as an uncompressed point: `04`, x, y.
    point: Vec<u8>,
}

/// The result of verifying a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid(Claims),
    /// Forged, malformed or expired.
    Invalid,
    /// Signed with a key that is not in this key ring.
    UnknownKey,
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    #[serde(default)]
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    private_key: String,
}

/// The JSON of the claims (RFC 9068).
#[derive(Serialize, Deserialize)]
struct AccessTokenClaims {
    iss: String,
    aud: String,
    sub: Uuid,
    role: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl Keyring {
    /// Parses the stored keys of `issuer`. An empty text has no keys.
    pub(super) fn parse(text: &str, issuer: &str) -> Result<Self, Failure> {
        // The text is secret and must not be part of an error.
        let broken = || Failure::internal("the secret with the signing keys is malformed");
        let stored: Stored = match text.trim() {
            "" => Stored::default(),
            text => serde_json::from_str(text).map_err(|_| broken())?,
        };
        let mut keys = Vec::with_capacity(stored.keys.len());
        for StoredKey { kid, private_key } in stored.keys {
            let pkcs8 = STANDARD.decode(private_key).map_err(|_| broken())?;
            keys.push(Key::new(kid, pkcs8).ok_or_else(broken)?);
        }
        Ok(Self::new(keys, issuer.to_owned()))
    }

    fn new(keys: Vec<Key>, issuer: String) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library reads the system clock; `valid_at` checks the expiry against the given time instead.
        validation.validate_exp = false;
        Self { keys, issuer, validation }
    }

    /// The text to store.
    pub(super) fn to_text(&self) -> Result<String, Failure> {
        let stored = |key: &Key| StoredKey { kid: key.kid.clone(), private_key: STANDARD.encode(&key.pkcs8) };
        let stored = Stored { keys: self.keys.iter().map(stored).collect() };
        serde_json::to_string(&stored).map_err(|_| Failure::internal("the signing keys cannot be serialized"))
    }

    /// Adds a new key and drops the oldest.
    pub(super) fn rotated(self) -> Result<Self, Failure> {
        let broken = || Failure::internal("a signing key cannot be generated");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| broken())?.as_ref().to_vec();
        let mut keys = vec![Key::new(Ids::system().next().to_string(), pkcs8).ok_or_else(broken)?];
        keys.extend(self.keys);
        keys.truncate(MAX_KEYS);
        Ok(Self { keys, ..self })
    }

    /// The id of the newest key.
    pub(super) fn newest(&self) -> Option<&str> {
        self.keys.first().map(|key| key.kid.as_str())
    }

    /// The key that signs at `now`: the newest that has been published for long enough, otherwise the oldest.
    fn signing(&self, now: Timestamp) -> Option<&Key> {
        let is_published = |key: &&Key| now.as_second() - key.created_at >= PUBLICATION_S;
        self.keys.iter().find(is_published).or(self.keys.last())
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, Failure> {
        let key = self.signing(claims.issued_at);
        let key =
            key.ok_or_else(|| Failure::unavailable("signing keys", "no signing key exists yet; run key-rotate"))?;
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let body = AccessTokenClaims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: claims.user_id.0,
            role: claims.role.name().to_owned(),
            iat: claims.issued_at.as_second(),
            exp: claims.expires_at.as_second(),
            jti: Ids::system().next(),
        };
        jsonwebtoken::encode(&header, &body, &EncodingKey::from_ec_der(&key.pkcs8))
            .map_err(|_| Failure::internal("the token cannot be signed"))
    }

    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Verdict {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Verdict::Invalid };
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYPE) {
            return Verdict::Invalid;
        }
        let Some(kid) = header.kid else { return Verdict::Invalid };
        let Some(key) = self.keys.iter().find(|key| key.kid == kid) else { return Verdict::UnknownKey };
        let public = DecodingKey::from_ec_der(&key.point);
        match jsonwebtoken::decode::<AccessTokenClaims>(token, &public, &self.validation) {
            Ok(token) => valid_at(&token.claims, now).map_or(Verdict::Invalid, Verdict::Valid),
            Err(_) => Verdict::Invalid,
        }
    }

    /// The public keys as a JSON Web Key Set.
    pub(super) fn jwks(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(Key::jwk).collect();
        json!({ "keys": keys }).to_string()
    }
}

/// Without leeway: the issuer and the verifier run on the same platform.
fn valid_at(body: &AccessTokenClaims, now: Timestamp) -> Option<Claims> {
    let expires_at = Timestamp::from_second(body.exp).ok().filter(|expires_at| now < *expires_at)?;
    Some(Claims {
        user_id: UserId(body.sub),
        role: Role::parse(&body.role)?,
        issued_at: Timestamp::from_second(body.iat).ok()?,
        expires_at,
    })
}

impl Key {
    fn new(kid: String, pkcs8: Vec<u8>) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?;
        let point = pair.public_key().as_ref().to_vec();
        let created_at = Uuid::parse_str(&kid).ok().and_then(|id| id.get_timestamp()).map_or(0, |at| at.to_unix().0);
        (point.len() == 65).then_some(Self { kid, created_at: i64::try_from(created_at).ok()?, pkcs8, point })
    }

    fn jwk(&self) -> serde_json::Value {
        let (x, y) = self.point.get(1..).unwrap_or_default().split_at(32);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
            "kid": self.kid,
            "alg": "ES256",
            "use": "sig",
        })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}
