//! The signing keys, and what can be done with them without I/O.
//!
//! They are kept as `{"keys": [{"kid": …, "private_key": …}]}`, newest first, the private key as PKCS #8 in base64. A key's id is a
//! UUIDv7, so that it also tells when the key was made, and with it since when the key may sign.

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

/// The one algorithm that we sign with and accept.
const ALGORITHM: Algorithm = Algorithm::ES256;
/// The type of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// The current key and its predecessor, for the tokens that are out.
const KEPT: usize = 2;
/// Seconds for which a key is only published before it signs: whoever checks our tokens may keep the key set for less than that.
const SETTLED: i64 = 300;

/// Keys, newest first, and whose tokens they sign.
pub(super) struct Keyring {
    keys: Vec<Key>,
    issuer: String,
    validation: Validation,
}

struct Key {
    kid: String,
    /// When it was made, in seconds since 1970; 0 when its id does not tell.
    made_at: i64,
    pkcs8: Vec<u8>,
    /// The public key as point: `04`, x, y.
    point: Vec<u8>,
}

/// What a token turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One of ours, and still good.
    Valid(Claims),
    /// Not one of ours, or not good any more.
    Invalid,
    /// Under a key that is not on this ring.
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

/// The claims of a token on the wire (RFC 9068).
#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: Uuid,
    role: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl Keyring {
    /// Reads the keys of `issuer` from their text; of no text, no keys.
    pub(super) fn parse(text: &str, issuer: &str) -> Result<Self, Failure> {
        // Nothing of the text may get into a message: it is all secret.
        let broken = || Failure::internal("the secret of the signing keys cannot be read");
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
        // The library would ask the system's clock: expiry is checked here, against the time that is given.
        validation.validate_exp = false;
        Self { keys, issuer, validation }
    }

    /// The text that these keys are kept as.
    pub(super) fn to_text(&self) -> Result<String, Failure> {
        let stored = |key: &Key| StoredKey { kid: key.kid.clone(), private_key: STANDARD.encode(&key.pkcs8) };
        let stored = Stored { keys: self.keys.iter().map(stored).collect() };
        serde_json::to_string(&stored).map_err(|_| Failure::internal("the signing keys cannot be written"))
    }

    /// A new key in front, the oldest gone.
    pub(super) fn rotated(self) -> Result<Self, Failure> {
        let broken = || Failure::internal("a signing key could not be made");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| broken())?.as_ref().to_vec();
        let mut keys = vec![Key::new(Ids::system().next().to_string(), pkcs8).ok_or_else(broken)?];
        keys.extend(self.keys);
        keys.truncate(KEPT);
        Ok(Self { keys, ..self })
    }

    /// Id of the key that was made last.
    pub(super) fn newest(&self) -> Option<&str> {
        self.keys.first().map(|key| key.kid.as_str())
    }

    /// The key that signs at `now`: the newest that has settled, or the one that comes nearest to it.
    fn signing(&self, now: Timestamp) -> Option<&Key> {
        let settled = |key: &&Key| now.as_second() - key.made_at >= SETTLED;
        self.keys.iter().find(settled).or(self.keys.last())
    }

    /// A token that says `claims`.
    pub(super) fn sign(&self, claims: &Claims) -> Result<String, Failure> {
        let key = self.signing(claims.issued_at);
        let key = key.ok_or_else(|| Failure::unavailable("signing keys", "there are none yet"))?;
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let wire = Wire {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: claims.user_id.0,
            role: claims.role.name().to_owned(),
            iat: claims.issued_at.as_second(),
            exp: claims.expires_at.as_second(),
            jti: Ids::system().next(),
        };
        jsonwebtoken::encode(&header, &wire, &EncodingKey::from_ec_der(&key.pkcs8))
            .map_err(|_| Failure::internal("a token could not be signed"))
    }

    /// What `token` is at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Verdict {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Verdict::Invalid };
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYPE) {
            return Verdict::Invalid;
        }
        let Some(kid) = header.kid else { return Verdict::Invalid };
        let Some(key) = self.keys.iter().find(|key| key.kid == kid) else { return Verdict::UnknownKey };
        let public = DecodingKey::from_ec_der(&key.point);
        match jsonwebtoken::decode::<Wire>(token, &public, &self.validation) {
            Ok(token) => valid_at(&token.claims, now).map_or(Verdict::Invalid, Verdict::Valid),
            Err(_) => Verdict::Invalid,
        }
    }

    /// The public keys as JSON Web Key Set.
    pub(super) fn jwks(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(Key::jwk).collect();
        json!({ "keys": keys }).to_string()
    }
}

/// No leeway: issuer and verifier are the same house.
fn valid_at(wire: &Wire, now: Timestamp) -> Option<Claims> {
    let expires_at = Timestamp::from_second(wire.exp).ok().filter(|expires_at| now < *expires_at)?;
    Some(Claims {
        user_id: UserId(wire.sub),
        role: Role::parse(&wire.role)?,
        issued_at: Timestamp::from_second(wire.iat).ok()?,
        expires_at,
    })
}

impl Key {
    fn new(kid: String, pkcs8: Vec<u8>) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?;
        let point = pair.public_key().as_ref().to_vec();
        let made_at = Uuid::parse_str(&kid).ok().and_then(|id| id.get_timestamp()).map_or(0, |at| at.to_unix().0);
        (point.len() == 65).then_some(Self { kid, made_at: i64::try_from(made_at).ok()?, pkcs8, point })
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
