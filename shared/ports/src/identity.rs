//! Ports of identity.

use domain::{
    Event,
    id::UserId,
    user::{Password, Role, User},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

/// User accounts and sessions.
pub trait UserStore {
    /// Stores a new account with its event. A taken e-mail address or username is `Conflict`, code `email-taken` or `username-taken`,
    /// with the pointer of the field.
    async fn register(&self, user: &User, password_hash: &str, event: &Event) -> Result<(), Failure>;

    /// Like [`Self::register`], once for a key: stores the response with the account, or returns the one that is stored. A conflict stores
    /// nothing.
    async fn register_once(
        &self,
        user: &User,
        password_hash: &str,
        event: &Event,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Stores a rejection as the response of a key, unless it has one.
    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// Finds credentials by e-mail address or username, both in lower case.
    async fn credentials(&self, login: &str) -> Result<Option<Credentials>, Failure>;

    /// Counts a failed login, and locks the account until `locked_until` after `limit` consecutive ones. A lock that ended before
    /// `now` resets the count first.
    async fn record_failed_login(
        &self,
        user: UserId,
        limit: u32,
        now: Timestamp,
        locked_until: Timestamp,
    ) -> Result<(), Failure>;

    /// Starts a session: resets the count of failed logins and stores the digest of a refresh token until `expires_at`.
    async fn begin_session(
        &self,
        user: UserId,
        token_digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Failure>;
}

/// What a login is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user_id: UserId,
    pub role: Role,
    /// PHC string.
    pub password_hash: String,
    /// No login succeeds before then.
    pub locked_until: Option<Timestamp>,
}

/// Password hashing. It is slow on purpose and does no I/O.
pub trait Passwords {
    /// Hashes a password with a new salt. Returns a PHC string.
    fn hash(&self, password: &Password) -> Result<String, Failure>;

    /// Verifies a password against a hash. `None`, for an unknown account, takes as long and is `false`.
    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure>;
}

/// Claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub user_id: UserId,
    pub role: Role,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Signs access tokens, with the private halves of the signing keys.
pub trait Tokens {
    /// Signs a token with the newest key that was published five minutes before `claims.issued_at`, or with the oldest key if none
    /// was.
    async fn issue(&self, claims: &Claims) -> Result<String, Failure>;

    /// A new refresh token and its stored digest: 256 random bits in base64url, and the SHA-256 of that text in hexadecimal.
    fn refresh_token(&self) -> Result<(String, String), Failure>;
}

/// Verifies access tokens, with the public halves of the signing keys and without the private ones.
pub trait TokenVerifier {
    /// The claims of a token; `None` unless one of our keys signed it with the one allowed algorithm and it is valid at `now`.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure>;

    /// The public keys as a JSON Web Key Set (RFC 7517).
    async fn jwks(&self) -> Result<String, Failure>;
}

/// The signing keys.
pub trait SigningKeys {
    /// Adds a new signing key, publishes its public half before it can sign, and returns its id. Tokens that the previous key signed stay
    /// valid.
    async fn rotate(&self) -> Result<String, Failure>;
}
