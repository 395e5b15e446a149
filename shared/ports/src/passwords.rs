//! Ports of passwords that change.

use domain::{
    Event,
    id::{SessionId, UserId},
    password_reset::PasswordReset,
    text::Email,
};
use kernel::{Failure, Timestamp};

/// Changes of passwords. They are stored as hashes alone.
pub trait PasswordStore {
    /// Replaces the hash of a user's password, unless it is not `old` any more, and ends all sessions but `keep` and all logins that are to be
    /// finished. `None` if nothing changed; otherwise the sessions that have ended.
    async fn change_password(
        &self,
        user: UserId,
        old: &str,
        new: &str,
        keep: SessionId,
    ) -> Result<Option<Vec<SessionId>>, Failure>;

    /// Commits the event that asks for a token for `email`, unless the budget of the address is used up. It takes the same steps whether an
    /// account has the address or not.
    async fn request_reset(&self, email: &Email, event: &Event) -> Result<(), Failure>;

    /// The user with this verified address, who may log in.
    async fn find_resettable(&self, email: &Email) -> Result<Option<UserId>, Failure>;

    /// Stores the digest of a token, which is mailed to `reset.email`, under its selector until `expires_at`. A token that was stored under the
    /// same id is replaced.
    async fn store_reset(&self, reset: &PasswordReset, selector: &str, expires_at: Timestamp) -> Result<(), Failure>;

    /// Counts an attempt on each valid token with this selector, and returns those that may be tried: the user may log in and has the address to
    /// which the token was mailed, and there were fewer than `MAX_ATTEMPTS` attempts.
    async fn try_reset(&self, selector: &str, now: Timestamp) -> Result<Vec<PasswordReset>, Failure>;

    /// Sets the hash of the user's password, removes all tokens of the user, and ends all sessions and logins that are to be finished. `None`,
    /// with the password of before, if the token was used or the user has another address; otherwise the sessions that have ended.
    async fn reset_password(&self, reset: &PasswordReset, new: &str) -> Result<Option<Vec<SessionId>>, Failure>;
}
