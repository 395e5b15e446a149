//! Proving to have a second factor, under the delays of `domain::throttle`. Each code is accepted once.

use crate::passwords::counters;
use domain::{
    id::UserId,
    second_factor::{Code, Proof},
    throttle,
};
use kernel::{Failure, Timestamp};
use ports::{
    Credentials, FactorAttempt, FactorCodes, FactorLogins, FactorStore, LoginAttempt, LoginCounters, LoginName,
    RequestSources, UserStore,
};

/// Proves second factors of the accounts of a store.
#[derive(Debug)]
pub struct ThrottledFactors<'a, U, C, S> {
    pub users: &'a U,
    pub codes: &'a C,
    pub sources: &'a S,
}

impl<U, C, S: RequestSources> RequestSources for ThrottledFactors<'_, U, C, S> {
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        self.sources.keyed_hash(text).await
    }

    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
        self.sources.is_from_distribution(secret).await
    }
}

impl<U: UserStore + FactorStore, C: FactorCodes, S: RequestSources> FactorLogins for ThrottledFactors<'_, U, C, S> {
    async fn prove_factor(&self, attempt: FactorAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
        let FactorAttempt { user, proof, client_address, now } = attempt;
        // Counted apart from passwords: those of a login are forgotten with the right password.
        let name = format!("second factor {user}");
        let counters = counters(self.sources, &name, &throttle::source(client_address)).await?;
        let found = match self.users.reserve_login(LoginName::Id(user), &counters, now).await? {
            LoginAttempt::Granted(found) => found,
            LoginAttempt::Refused(until) => return Err(throttle::too_many_logins(until, now)),
        };
        let is_valid = match proof {
            Proof::Code(code) => use_code(self.users, self.codes, user, code, now).await?,
            Proof::RecoveryCode(None) => false,
            Proof::RecoveryCode(Some(code)) => {
                self.users.use_recovery_code(user, &self.codes.recovery_digest(code)).await?
            }
        };
        Ok(found.filter(|_| is_valid).map(|credentials| (credentials, counters)))
    }
}

/// Uses a code of a user. `false` if it is wrong, was used already, or no second factor is active.
pub async fn use_code(
    factors: &impl FactorStore,
    codes: &impl FactorCodes,
    user: UserId,
    code: &Code,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Some(totp) = factors.totp(user).await?.filter(|totp| totp.is_active) else { return Ok(false) };
    match codes.step_of(user, &totp.sealed, code, now).await? {
        Some(step) => factors.use_step(user, step).await,
        None => Ok(false),
    }
}
