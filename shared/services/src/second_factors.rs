//! Proving to have a second factor. Each code is accepted once, and wrong codes of a device are limited by source and by account.

use crate::login_throttle::LoginThrottle;
use domain::{
    id::UserId,
    login_throttle,
    second_factor::{Code, FactorResponse, RECOVERY_CODES},
};
use kernel::{Failure, Timestamp};
use ports::{
    CodeAttempt, Credentials, FactorAttempt, FactorCodes, FactorLogins, FactorStore, LoginCounters, LoginName,
    RequestSources, UserStore,
};

impl<U: UserStore + FactorStore, C: FactorCodes, S: RequestSources> FactorLogins for LoginThrottle<'_, U, C, S> {
    async fn prove_factor(&self, attempt: FactorAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
        let FactorAttempt { user, proof, client_address, now } = attempt;
        // Counted apart from passwords: those of a login are forgotten with the right password.
        let name = format!("second factor {user}");
        let counters = self.counters(&name, client_address).await?;
        let found = self.reserve(LoginName::Id(user), &counters, now).await?;
        let is_valid = match proof {
            FactorResponse::Code(code) => self.use_code((user, code), &counters, now).await?,
            FactorResponse::RecoveryCode(None) => false,
            FactorResponse::RecoveryCode(Some(code)) => {
                self.store.use_recovery_code(user, &self.proofs.recovery_digest(code)).await?
            }
        };
        Ok(found.filter(|_| is_valid).map(|credentials| (credentials, counters)))
    }

    async fn confirm_factor(&self, attempt: FactorAttempt<'_>) -> Result<bool, Failure> {
        let Some((_, counters)) = self.prove_factor(attempt).await? else { return Ok(false) };
        self.store.forget_attempt(&counters).await?;
        Ok(true)
    }
}

impl<U: UserStore + FactorStore, C: FactorCodes, S: RequestSources> LoginThrottle<'_, U, C, S> {
    /// Uses a code of a user's device. `false` if it is wrong, was used already, or no second factor is active. A code that the budget of the
    /// account refuses does not count for its source, so that a recovery code from there is not delayed.
    async fn use_code(
        &self,
        (user, code): (UserId, &Code),
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let sealed = match self.store.try_code(user, now).await? {
            CodeAttempt::Granted(sealed) => sealed,
            CodeAttempt::Inactive => return Ok(false),
            CodeAttempt::Refused(until) => {
                self.store.forget_attempt(counters).await?;
                return Err(login_throttle::too_many_codes(until, now));
            }
        };
        match self.proofs.step_of(user, &sealed, code, now).await? {
            Some(step) => self.store.use_step(user, step).await,
            None => Ok(false),
        }
    }
}

/// New recovery codes of an account, as they are shown, and their digests.
pub fn new_recovery_codes(codes: &impl FactorCodes) -> Result<(Vec<String>, Vec<String>), Failure> {
    let new = (0..RECOVERY_CODES).map(|_| codes.recovery_code()).collect::<Result<Vec<_>, _>>()?;
    Ok(new.into_iter().map(|(code, digest)| (code.text(), digest)).unzip())
}
