//! Ports of sessions.

use domain::{
    id::{SessionId, UserId},
    session::{ActiveSession, Session},
};
use kernel::{Failure, Page, Timestamp};

/// The claim of an access token that names its session. Routes get it from the authorizer.
pub const SESSION_CLAIM: &str = "sid";

/// A refresh token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub digest: String,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Sessions: each is the family of refresh tokens that replaced each other since a login.
pub trait SessionStore {
    /// Replaces the refresh token with the digest `old` by `new`. Reuse of a replaced token ends its session, because the token has leaked. Whether
    /// the account has the second factor that its role needs is for the caller to decide.
    async fn rotate_token(&self, old: &str, new: &RefreshToken) -> Result<TokenRotation, Failure>;

    /// The sessions of a user that have not expired at `now`, newest first.
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Session>, Failure>;

    /// Ends all sessions of a user, and returns those that have ended.
    async fn end_sessions(&self, user: UserId) -> Result<Vec<SessionId>, Failure>;

    /// Ends a session of a user. `false` if the user has no such session.
    async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, Failure>;

    /// Ends the session of the refresh token with this digest, also of one that was replaced, and returns it. `None` if the token is wrong, has
    /// expired at `now`, or its session has ended.
    async fn end_session_of_token(&self, digest: &str, now: Timestamp) -> Result<Option<SessionId>, Failure>;

    /// The sessions that have ended, in whatever way, while an access token of them may be valid at `now`, and the service clients that were
    /// deleted so, by the session of their tokens: those that ended last first, at most `limit`.
    async fn ended_sessions(&self, now: Timestamp, limit: u32) -> Result<Vec<SessionId>, Failure>;
}

/// Result of [`SessionStore::rotate_token`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRotation {
    /// It was the last one of its session, and is replaced.
    Rotated(ActiveSession),
    /// It was replaced before: its session has ended.
    Reused(SessionId),
    /// It is wrong, has expired, or its session has ended.
    Unknown,
}

/// Sessions whose access tokens are not accepted any more, although they have not expired.
pub trait Revocations {
    /// Revokes the access tokens of these sessions: those that were issued until now. `false` if some or all of it cannot be stored, which is counted
    /// once and lost; the sweep of [`SessionStore::ended_sessions`] repeats it.
    async fn revoke(&self, sessions: &[SessionId]) -> bool;

    /// Whether the access tokens of a session are revoked. It fails open: `false` if the store does not respond, because a token expires
    /// within an hour, and rejecting every request would be worse.
    async fn is_revoked(&self, session: SessionId) -> bool;
}
