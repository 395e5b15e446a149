//! In-memory fakes of second factors.

use super::{Dependency, Tokens, Users};
use crate::hex;
use domain::{
    Event,
    id::{SessionId, UserId},
    login_throttle, profile,
    second_factor::{Code, MAX_ATTEMPTS, MfaPolicy, Totp, accepted_steps},
    user::User,
    verification::Token,
};
use kernel::{Failure, Timestamp, seconds_after};
use ports::{CodeAttempt, Credentials};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Factors {
    /// With the last step that was used.
    totp: BTreeMap<UserId, (Totp, i64)>,
    /// By user: when the whole budget of wrong codes is there again.
    wrong_codes: BTreeMap<UserId, Timestamp>,
    recovery_codes: BTreeSet<(UserId, String)>,
    /// By digest: the user, the number of attempts, and the expiry.
    logins: BTreeMap<String, (UserId, i32, Timestamp)>,
}

impl Factors {
    pub(super) fn is_active(&self, user: UserId) -> bool {
        self.totp.get(&user).is_some_and(|(totp, _)| totp.is_active)
    }

    pub(super) fn erase(&mut self, user: UserId) {
        self.totp.remove(&user);
        self.wrong_codes.remove(&user);
        self.recovery_codes.retain(|(owner, _)| *owner != user);
        self.end_logins(user);
    }

    /// Ends the logins of a user that are to be finished, and a second factor that was begun and not confirmed.
    pub(super) fn end_logins(&mut self, user: UserId) {
        self.logins.retain(|_, (owner, ..)| *owner != user);
        self.totp.retain(|owner, (totp, _)| *owner != user || totp.is_active);
    }
}

impl ports::FactorStore for Users {
    async fn begin_totp(&self, user: UserId, proven: &str, sealed: &str, _now: Timestamp) -> Result<bool, Failure> {
        let commit = self.0.commit("users.begin_totp", |state| {
            if !state.users.is_active(user) {
                return Err(profile::wrong_current_password());
            }
            state.users.check_proven(user, Some(proven))?;
            if state.users.factors.is_active(user) {
                return Ok(false);
            }
            let totp = Totp { sealed: sealed.to_owned(), is_active: false };
            state.users.factors.totp.insert(user, (totp, 0));
            Ok(true)
        });
        commit.await
    }

    async fn totp(&self, user: UserId) -> Result<Option<Totp>, Failure> {
        let query = self
            .0
            .query(Dependency::Database, |state| Ok(state.users.factors.totp.get(&user).map(|(totp, _)| totp.clone())));
        query.await
    }

    async fn activate_totp(&self, user: UserId, sealed: &str, step: i64, digests: &[String]) -> Result<bool, Failure> {
        let commit = self.0.commit("users.activate_totp", |state| {
            let factors = &mut state.users.factors;
            match factors.totp.get_mut(&user) {
                Some((totp, last)) if !totp.is_active && totp.sealed == sealed => {
                    (totp.is_active, *last) = (true, step);
                    factors.recovery_codes.extend(digests.iter().map(|digest| (user, digest.clone())));
                    Ok(true)
                }
                _ => Ok(false),
            }
        });
        commit.await
    }

    async fn renew_recovery_codes(&self, user: UserId, digests: &[String]) -> Result<bool, Failure> {
        let commit = self.0.commit("users.renew_recovery_codes", |state| {
            let factors = &mut state.users.factors;
            if !factors.is_active(user) {
                return Ok(false);
            }
            factors.recovery_codes.retain(|(owner, _)| *owner != user);
            factors.recovery_codes.extend(digests.iter().map(|digest| (user, digest.clone())));
            Ok(true)
        });
        commit.await
    }

    async fn remove_totp(
        &self,
        user: UserId,
        policy: &MfaPolicy,
        own: Option<(&str, SessionId)>,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let commit = self.0.commit("users.remove_totp", |state| {
            let (proven, keep) = own.unzip();
            state.users.check_proven(user, proven)?;
            let factors = &mut state.users.factors;
            if factors.totp.remove(&user).is_none() {
                return Ok(None);
            }
            factors.wrong_codes.remove(&user);
            factors.recovery_codes.retain(|(owner, _)| *owner != user);
            let User { role, version, .. } = state.users.account(user)?.user;
            let ended = if policy.requires(role) { state.users.end_logins(user, keep) } else { vec![] };
            state.outbox.add(&Event { sequence: version, ..event.clone() });
            Ok(Some(ended))
        });
        commit.await
    }

    async fn try_code(&self, user: UserId, now: Timestamp) -> Result<CodeAttempt, Failure> {
        let commit = self.0.commit("users.try_code", |state| {
            let factors = &mut state.users.factors;
            let Some((totp, _)) = factors.totp.get(&user).filter(|(totp, _)| totp.is_active) else {
                return Ok(CodeAttempt::Inactive);
            };
            let refilled_at = factors.wrong_codes.get(&user).copied().unwrap_or(now).max(now);
            let until = seconds_after(refilled_at, -i64::from(login_throttle::CODE_AHEAD_S))?;
            if until > now {
                return Ok(CodeAttempt::Refused(Some(until)));
            }
            factors.wrong_codes.insert(user, seconds_after(refilled_at, i64::from(login_throttle::CODE_INTERVAL_S))?);
            Ok(CodeAttempt::Granted(totp.sealed.clone()))
        });
        commit.await
    }

    async fn use_step(&self, user: UserId, step: i64) -> Result<bool, Failure> {
        let commit = self.0.commit("users.use_step", |state| {
            let factors = &mut state.users.factors;
            let Some((_, last)) = factors.totp.get_mut(&user).filter(|(totp, last)| totp.is_active && *last < step)
            else {
                return Ok(false);
            };
            *last = step;
            if let Some(refilled_at) = factors.wrong_codes.get_mut(&user) {
                *refilled_at = seconds_after(*refilled_at, -i64::from(login_throttle::CODE_INTERVAL_S))?;
            }
            Ok(true)
        });
        commit.await
    }

    async fn use_recovery_code(&self, user: UserId, digest: &str) -> Result<bool, Failure> {
        let code = (user, digest.to_owned());
        self.0.commit("users.use_recovery_code", |state| Ok(state.users.factors.recovery_codes.remove(&code))).await
    }

    async fn store_login(
        &self,
        digest: &str,
        checked: &Credentials,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("users.store_login", |state| {
            let (user, is_unchanged) = (checked.user_id, state.users.is_unchanged(checked));
            let logins = &mut state.users.factors.logins;
            logins.retain(|_, (owner, _, expiry)| *owner != user || *expiry > now);
            if is_unchanged {
                logins.insert(digest.to_owned(), (user, 0, expires_at));
            }
            Ok(is_unchanged)
        });
        commit.await
    }

    async fn try_login(&self, digest: &str, now: Timestamp) -> Result<Option<UserId>, Failure> {
        let commit = self.0.commit("users.try_login", |state| match state.users.factors.logins.get_mut(digest) {
            Some((user, attempts, expiry)) if *expiry > now && *attempts < MAX_ATTEMPTS => {
                *attempts += 1;
                Ok(Some(*user))
            }
            _ => Ok(None),
        });
        commit.await
    }

    async fn finish_login(&self, digest: &str) -> Result<bool, Failure> {
        self.0.commit("users.finish_login", |state| Ok(state.users.factors.logins.remove(digest).is_some())).await
    }
}

impl Tokens {
    /// The code of a second factor at a time.
    pub fn code_at(&self, sealed: &str, now: Timestamp) -> String {
        code(sealed, *accepted_steps(now).start() + 1)
    }
}

/// Six digits that depend on the secret and the step.
fn code(sealed: &str, step: i64) -> String {
    let digest = Sha256::digest(format!("{sealed}:{step}"));
    let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", number % 1_000_000)
}

impl ports::FactorCodes for Tokens {
    async fn totp_secret(&self, user: UserId) -> Result<(String, String), Failure> {
        let number = self.0.arrange(|state| {
            state.secrets += 1;
            state.secrets
        });
        let shown = format!("SECRET{number}");
        let sealed = hex(&Sha256::digest(format!("{user} {shown}")));
        Ok((shown, sealed))
    }

    async fn step_of(&self, _user: UserId, sealed: &str, typed: &Code, now: Timestamp) -> Result<Option<i64>, Failure> {
        Ok(accepted_steps(now).find(|step| code(sealed, *step) == typed.as_str()))
    }

    fn recovery_code(&self) -> Result<(Token, String), Failure> {
        ports::VerificationTokens::verification_token(self)
    }

    fn recovery_digest(&self, code: &Token) -> String {
        hex(&Sha256::digest(code.expose()))
    }
}
