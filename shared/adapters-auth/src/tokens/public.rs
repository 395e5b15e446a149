//! The public halves of the signing keys: a JSON Web Key Set (RFC 7517), and verification with it, without I/O.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{SessionId, UserId};
use domain::user::Role;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::{Failure, Timestamp, Uuid};
use ports::Claims;
use serde::{Deserialize, Serialize};

/// The only algorithm for signing and verification.
pub(super) const ALGORITHM: Algorithm = Algorithm::ES256;
/// The type of an access token (RFC 9068).
pub(super) const TYPE: &str = "at+jwt";

/// The public keys of an issuer, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKeys {
    keys: Vec<PublicKey>,
    issuer: String,
}

/// A public key as a JSON Web Key, which is also how it is stored. It has no private members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublicKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
}

/// The result of verifying a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenCheck {
    Valid(Claims),
    /// Forged, malformed or expired.
    Invalid,
    /// Signed with a key that is not in this set.
    UnknownKey,
}

#[derive(Default, Serialize, Deserialize)]
struct KeySet {
    #[serde(default)]
    keys: Vec<PublicKey>,
}

/// The JSON of the claims (RFC 9068).
#[derive(Serialize, Deserialize)]
pub(super) struct AccessTokenClaims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    /// The session (OpenID Connect Front-Channel Logout 1.0).
    pub sid: Uuid,
    pub role: String,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

impl PublicKey {
    /// The key of an uncompressed point: `04`, x, y.
    pub(super) fn of_point(kid: String, point: &[u8]) -> Self {
        let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
        Self {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            kid,
            alg: "ES256".to_owned(),
            usage: "sig".to_owned(),
        }
    }
}

impl PublicKeys {
    pub(super) fn new(keys: Vec<PublicKey>, issuer: &str) -> Self {
        Self { keys, issuer: issuer.to_owned() }
    }

    /// Parses the stored keys of `issuer`. An empty text has no keys.
    pub(super) fn parse(text: &str, issuer: &str) -> Result<Self, Failure> {
        let set: KeySet = match text.trim() {
            "" => KeySet::default(),
            text => serde_json::from_str(text).map_err(|_| Failure::internal("the verification keys are malformed"))?,
        };
        Ok(Self::new(set.keys, issuer))
    }

    /// The keys as a JSON Web Key Set, to store and to publish.
    pub(super) fn to_text(&self) -> Result<String, Failure> {
        let set = KeySet { keys: self.keys.clone() };
        serde_json::to_string(&set).map_err(|_| Failure::internal("the verification keys cannot be serialized"))
    }

    /// These keys, and those of `others` that are not among them.
    pub(super) fn with(mut self, others: Self) -> Self {
        for key in others.keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
        self
    }

    pub(super) fn verify(&self, token: &str, now: Timestamp) -> TokenCheck {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return TokenCheck::Invalid };
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYPE) {
            return TokenCheck::Invalid;
        }
        let Some(kid) = header.kid else { return TokenCheck::Invalid };
        let Some(key) = self.keys.iter().find(|key| key.kid == kid) else { return TokenCheck::UnknownKey };
        let Ok(public) = DecodingKey::from_ec_components(&key.x, &key.y) else { return TokenCheck::Invalid };
        match jsonwebtoken::decode::<AccessTokenClaims>(token, &public, &self.validation()) {
            Ok(token) => valid_at(&token.claims, now).map_or(TokenCheck::Invalid, TokenCheck::Valid),
            Err(_) => TokenCheck::Invalid,
        }
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library reads the system clock; `valid_at` checks the expiry against the given time instead.
        validation.validate_exp = false;
        validation
    }
}

/// Without leeway: the issuer and the verifier run on the same platform.
fn valid_at(body: &AccessTokenClaims, now: Timestamp) -> Option<Claims> {
    let expires_at = Timestamp::from_second(body.exp).ok().filter(|expires_at| now < *expires_at)?;
    Some(Claims {
        user_id: UserId(body.sub),
        session_id: SessionId(body.sid),
        role: Role::parse(&body.role)?,
        issued_at: Timestamp::from_second(body.iat).ok()?,
        expires_at,
    })
}
