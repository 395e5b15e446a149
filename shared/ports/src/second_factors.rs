//! Ports of second factors.

use crate::{Credentials, LoginCounters, RequestSources};
use domain::{
    Event,
    id::{SessionId, UserId},
    second_factor::{Code, FactorResponse, MfaPolicy, Totp},
    verification::Token,
};
use kernel::{Failure, Timestamp};

/// Second factors of accounts, and logins that wait for one.
pub trait FactorStore {
    /// Stores the encrypted secret of an inactive second factor, replacing an inactive one. `false` if an active one exists.
    ///
    /// `proven` is the password hash of which the user has proved to know the password. If the account has another one by then, or is not active, the
    /// failure is that of a wrong password, [`domain::profile::wrong_current_password`], and nothing changes.
    async fn begin_totp(&self, user: UserId, proven: &str, sealed: &str, now: Timestamp) -> Result<bool, Failure>;

    /// The second factor of a user.
    async fn totp(&self, user: UserId) -> Result<Option<Totp>, Failure>;

    /// Activates the second factor with this encrypted secret, marks the step as used, and stores the digests of the recovery codes.
    /// `false` unless an inactive second factor has this secret.
    async fn activate_totp(&self, user: UserId, sealed: &str, step: i64, digests: &[String]) -> Result<bool, Failure>;

    /// Stores the digests of new recovery codes in place of the earlier ones, as many as there were at first. `false` unless a second factor is
    /// active.
    async fn renew_recovery_codes(&self, user: UserId, digests: &[String]) -> Result<bool, Failure>;

    /// Removes the second factor and the recovery codes, and commits the event, whose `sequence` becomes the version of the account. If `policy`
    /// requires one of the account's role, its sessions end. `None` if there is no second factor; otherwise the sessions that have ended.
    ///
    /// `own` is given where the user removes it: the password hash that was proven, as in [`Self::begin_totp`], and the session that does not end.
    async fn remove_totp(
        &self,
        user: UserId,
        policy: &MfaPolicy,
        own: Option<(&str, SessionId)>,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure>;

    /// Counts a code of the device, from whatever source, and returns what it is verified against. It counts as wrong until
    /// [`Self::use_step`], and before it is verified, so that concurrent guesses are counted one by one. `domain::login_throttle` has the budget; a
    /// refused code counts nothing.
    async fn try_code(&self, user: UserId, now: Timestamp) -> Result<CodeAttempt, Failure>;

    /// Marks a step, and all before it, as used, and gives the account the attempt of its code back. `false`, with nothing changed, if the step
    /// is used already: a code is accepted once.
    async fn use_step(&self, user: UserId, step: i64) -> Result<bool, Failure>;

    /// Deletes a recovery code. `false` if there is none with this digest.
    async fn use_recovery_code(&self, user: UserId, digest: &str) -> Result<bool, Failure>;

    /// Stores the digest of the token of a login that is to be finished, and deletes those of the user that have expired. `false`, with no
    /// login stored, in the cases of [`crate::UserStore::begin_session`].
    async fn store_login(
        &self,
        digest: &str,
        checked: &Credentials,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, Failure>;

    /// Counts an attempt to finish a login, and returns its user. `None` if it is unknown, has expired, or was tried `MAX_ATTEMPTS` times.
    async fn try_login(&self, digest: &str, now: Timestamp) -> Result<Option<UserId>, Failure>;

    /// Deletes a login that is finished. `false` if somebody else has finished it.
    async fn finish_login(&self, digest: &str) -> Result<bool, Failure>;
}

/// Whether a code of a device may be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeAttempt {
    /// It may, against this encrypted secret.
    Granted(String),
    /// It may not, before this time.
    Refused(Option<Timestamp>),
    /// No second factor is active.
    Inactive,
}

/// An attempt to authenticate with a second factor.
#[derive(Clone, Copy)]
pub struct FactorAttempt<'a> {
    pub user: UserId,
    pub proof: &'a FactorResponse,
    /// The client's IP address.
    pub client_address: Option<&'a str>,
    pub now: Timestamp,
}

/// Verifies second factors, throttled by `domain::login_throttle`.
pub trait FactorLogins: RequestSources {
    /// Uses a code or a recovery code. The attempt counts as failed until the returned counters are settled. `None` if it is wrong or was
    /// used before; `RateLimited` after too many wrong ones. Those of the device are also limited for each account, from all sources together.
    async fn prove_factor(&self, attempt: FactorAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure>;

    /// As [`FactorLogins::prove_factor`], outside of a login: the attempt is not counted any more if the code is right. `false` if it is wrong.
    async fn confirm_factor(&self, attempt: FactorAttempt<'_>) -> Result<bool, Failure>;
}

/// Secrets and codes of second factors.
pub trait FactorCodes {
    /// A new secret in base32, and in its stored form: encrypted, and bound to the user.
    async fn totp_secret(&self, user: UserId) -> Result<(String, String), Failure>;

    /// The time step whose code is `code`, among the steps accepted at `now`; `None` if no step matches.
    async fn step_of(&self, user: UserId, sealed: &str, code: &Code, now: Timestamp) -> Result<Option<i64>, Failure>;

    /// A new recovery code and its stored digest.
    fn recovery_code(&self) -> Result<(Token, String), Failure>;

    /// The digest under which a recovery code is stored.
    fn recovery_digest(&self, code: &Token) -> String;
}
