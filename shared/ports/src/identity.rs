//! Ports of identity.

use domain::{
    Event,
    id::UserId,
    user::{Password, Role, User},
};
use kernel::{Failure, Timestamp};

/// Accounts.
pub trait UserStore {
    /// Keeps a new account with its event. A taken e-mail or username is a `Conflict`, code `email-taken` or
    /// `username-taken`, with the field's pointer.
    async fn register(&self, user: &User, password_hash: &str, event: &Event) -> Result<(), Failure>;

    /// What is needed to let somebody in, found by e-mail or by username (both lower case).
    async fn credentials(&self, login: &str) -> Result<Option<Credentials>, Failure>;

    /// Counts a wrong password and locks the account until `locked_until` once `limit` of them stand in a row. A lock that has
    /// ended at `now` ends the row too.
    async fn record_failed_login(
        &self,
        user: UserId,
        limit: u32,
        now: Timestamp,
        locked_until: Timestamp,
    ) -> Result<(), Failure>;

    /// Begins a session: forgets wrong passwords and keeps the digest of a refresh token until `expires_at`.
    async fn begin_session(
        &self,
        user: UserId,
        token_digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Failure>;
}

/// What is needed to let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// PHC string of the password's hash.
    pub password_hash: String,
    /// Until when nobody gets in.
    pub locked_until: Option<Timestamp>,
}

/// Password hashing. Slow on purpose, and without I/O.
pub trait Passwords {
    /// PHC string of a fresh salt and hash.
    fn hash(&self, password: &Password) -> Result<String, Failure>;

    /// Whether the password has this hash. `None` stands for an account that does not exist, and takes as long.
    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure>;
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub issued_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Signed access tokens.
pub trait Tokens {
    /// A token that says `claims`, signed with the newest key that has been published for five minutes at `claims.issued_at`, or
    /// with the oldest when none has.
    async fn issue(&self, claims: &Claims) -> Result<String, Failure>;

    /// What a token says, if one of our keys signed it, by the one algorithm that we use, and it has not expired at `now`.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure>;

    /// The public keys, as a JSON Web Key Set (RFC 7517) in JSON.
    async fn jwks(&self) -> Result<String, Failure>;

    /// Makes a new signing key; tokens of its predecessor stay valid. Answers the new key's id.
    async fn rotate(&self) -> Result<String, Failure>;

    /// A refresh token and what is kept of it: 256 random bits in base64url, and the SHA-256 of that text in hexadecimal.
    fn refresh_token(&self) -> Result<(String, String), Failure>;
}
