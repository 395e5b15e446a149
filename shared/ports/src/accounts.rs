//! Ports of user accounts.

use domain::{
    Event,
    id::{SessionId, UserId},
    user::User,
};
use kernel::{Failure, Page};

/// Accounts as their users and admins see and change them. Deleted accounts are not found.
///
/// `proven` is the password hash of which the caller has proved to know the password, `None` if no password is needed. If the account has another
/// one by then, the failure is that of a wrong password, [`domain::profile::wrong_current_password`], and nothing changes.
pub trait AccountStore {
    async fn account(&self, user: UserId) -> Result<Option<User>, Failure>;

    /// Replaces an account, whose version is one more than the stored one, and commits the event. `false`, with nothing changed, if the stored
    /// version is another. A taken e-mail address or username is `Conflict`, as in [`crate::UserStore::register`].
    async fn update_account(&self, user: &User, proven: Option<&str>, event: &Event) -> Result<bool, Failure>;

    /// Replaces role and status of an account, whose version is one more than the stored one, ends its sessions and all logins that are to be
    /// finished, and commits the event. `None`, with nothing changed, if the stored version is another; otherwise the sessions that have ended.
    ///
    /// Where no active admin would be left, it is `Conflict`, code `last-admin`, and nothing changes; so are [`Self::delete_account`] and
    /// [`Self::erase_account`]. Of two admins who change each other at once, the second one finds what the first has changed.
    async fn administer_account(&self, user: &User, event: &Event) -> Result<Option<Vec<SessionId>>, Failure>;

    /// A page of the accounts whose e-mail address, username or full name begins with `prefix`, which is in lower case, oldest first.
    async fn search_accounts(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page<User>, Failure>;

    /// Deletes an account that has this version, ends its sessions and all logins that are to be finished, and commits the event. `None`, with
    /// nothing changed, if the version is another; otherwise the sessions that have ended. The username stays taken; the e-mail address does not.
    async fn delete_account(
        &self,
        user: UserId,
        version: u64,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure>;

    /// Erases what an account says about its person, ends its sessions and all logins that are to be finished, and commits the events: `deleted`
    /// unless it was deleted before, then `erased`; the store sets their sequences. An account that was erased before stays as it is. `None` if
    /// there is no such account; otherwise the sessions that have ended. Username and e-mail address can be registered again.
    async fn erase_account(
        &self,
        user: UserId,
        proven: Option<&str>,
        deleted: &Event,
        erased: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure>;
}
