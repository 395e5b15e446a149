//! The public halves of the signing keys: a JSON Web Key Set (RFC 7517), and verification with it, without I/O.
//!
//! A token has the members in its header that the signer writes, and no other: none of them may bring a key of its own (`jwk`, `jku`, `x5u`, `x5c`)
//! or be critical (`crit`, RFC 7515, section 4.1.11). Members of the claims that are not known are ignored. Of the two signatures (r, s) and
//! (r, n − s) both are accepted, as RFC 7515 leaves it: nothing is identified by a signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{SessionId, UserId};
use domain::session::CLOCK_SKEW_S;
use domain::user::Role;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use ports::Claims;
use serde::{Deserialize, Serialize};

/// The only algorithm for signing and verification.
pub(super) const ALGORITHM: Algorithm = Algorithm::ES256;
/// As headers and keys spell it.
const ALGORITHM_NAME: &str = "ES256";
/// The type of an access token (RFC 9068).
pub(super) const TYPE: &str = "at+jwt";
/// The longest token in bytes. Those of the signer have about 600.
pub(super) const MAX_LENGTH: usize = 4_096;

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

/// The JSON of the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl TokenHeader {
    fn parse(token: &str) -> Option<Self> {
        let (text, _) = token.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
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
    /// The second before which the token is not valid. The signer writes none.
    #[serde(default, skip_serializing)]
    pub nbf: i64,
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
            alg: ALGORITHM_NAME.to_owned(),
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
        if token.len() > MAX_LENGTH {
            return TokenCheck::Invalid;
        }
        let Some(header) = TokenHeader::parse(token) else { return TokenCheck::Invalid };
        if header.alg != ALGORITHM_NAME || header.typ != TYPE {
            return TokenCheck::Invalid;
        }
        let Some(key) = self.keys.iter().find(|key| key.kid == header.kid) else { return TokenCheck::UnknownKey };
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
        // The library reads the system clock; `valid_at` compares with the given time instead.
        validation.validate_exp = false;
        validation
    }
}

/// The end is without leeway: the issuer and the verifier run on the same platform. Their clocks may differ by a little at the beginning, when a
/// token has just been issued.
fn valid_at(body: &AccessTokenClaims, now: Timestamp) -> Option<Claims> {
    let expires_at = Timestamp::from_second(body.exp).ok().filter(|expires_at| now < *expires_at)?;
    let latest = seconds_after(now, CLOCK_SKEW_S).ok()?;
    let issued_at = Timestamp::from_second(body.iat).ok().filter(|issued_at| *issued_at <= latest)?;
    Timestamp::from_second(body.nbf).ok().filter(|not_before| *not_before <= now)?;
    Some(Claims {
        user_id: UserId(body.sub),
        session_id: SessionId(body.sid),
        role: Role::parse(&body.role)?,
        issued_at,
        expires_at,
    })
}
