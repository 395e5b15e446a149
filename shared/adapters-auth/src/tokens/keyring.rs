//! The private signing keys: parsing, signing and rotation, without I/O.
//!
//! They are stored as `{"keys": [{"kid": …, "private_key": …}]}`, newest first, the private key as PKCS #8 in base64. The id of a key
//! is a UUIDv7 and so contains its creation time, which decides when the key may sign.

use super::public::{ALGORITHM, AccessTokenClaims, PublicKey, PublicKeys, TYPE};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use kernel::{Failure, Ids, Timestamp, Uuid};
use ports::Claims;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The current key, and its predecessor for tokens that are still valid.
const MAX_KEYS: usize = 2;
/// Seconds for which a key is published before it signs. Verifiers must cache the key set for less than that.
const PUBLICATION_S: i64 = 300;

/// The keys of an issuer, newest first.
pub(super) struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    kid: String,
    /// Unix time in seconds; 0 if the id contains no time.
    created_at: i64,
    pkcs8: Vec<u8>,
    /// The public key as an uncompressed point: `04`, x, y.
    point: Vec<u8>,
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

impl Keyring {
    /// Parses the stored keys. An empty text has no keys.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
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
        Ok(Self { keys })
    }

    /// The text to store.
    pub(super) fn to_text(&self) -> Result<String, Failure> {
        let stored = |key: &Key| StoredKey { kid: key.kid.clone(), private_key: STANDARD.encode(&key.pkcs8) };
        let stored = Stored { keys: self.keys.iter().map(stored).collect() };
        serde_json::to_string(&stored).map_err(|_| Failure::internal("the signing keys cannot be serialized"))
    }

    /// The public halves.
    pub(super) fn public(&self) -> PublicKeys {
        let public = |key: &Key| PublicKey::of_point(key.kid.clone(), &key.point);
        PublicKeys::new(self.keys.iter().map(public).collect(), "")
    }

    /// Adds a new key and drops the oldest.
    pub(super) fn rotated(self) -> Result<Self, Failure> {
        let broken = || Failure::internal("a signing key cannot be generated");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| broken())?.as_ref().to_vec();
        let mut keys = vec![Key::new(Ids::system().next().to_string(), pkcs8).ok_or_else(broken)?];
        keys.extend(self.keys);
        keys.truncate(MAX_KEYS);
        Ok(Self { keys })
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

    /// Fails while there is no key.
    pub(super) fn ready(&self) -> Result<(), Failure> {
        if self.keys.is_empty() { Err(no_key()) } else { Ok(()) }
    }

    pub(super) fn sign(&self, claims: &Claims, issuer: &str) -> Result<String, Failure> {
        let key = self.signing(claims.issued_at).ok_or_else(no_key)?;
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let body = AccessTokenClaims {
            iss: issuer.to_owned(),
            aud: issuer.to_owned(),
            sub: claims.user_id.0,
            sid: claims.session_id.0,
            role: claims.role.name().to_owned(),
            iat: claims.issued_at.as_second(),
            exp: claims.expires_at.as_second(),
            nbf: 0,
            jti: Ids::system().next(),
        };
        jsonwebtoken::encode(&header, &body, &EncodingKey::from_ec_der(&key.pkcs8))
            .map_err(|_| Failure::internal("the token cannot be signed"))
    }
}

fn no_key() -> Failure {
    Failure::unavailable("signing keys", "no signing key exists yet; run key-rotate")
}

impl Key {
    fn new(kid: String, pkcs8: Vec<u8>) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?;
        let point = pair.public_key().as_ref().to_vec();
        let created_at = Uuid::parse_str(&kid).ok().and_then(|id| id.get_timestamp()).map_or(0, |at| at.to_unix().0);
        (point.len() == 65).then_some(Self { kid, created_at: i64::try_from(created_at).ok()?, pkcs8, point })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}
