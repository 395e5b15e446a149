//! Proving to have a second factor. Each code is accepted once.

use crate::throttled::Throttled;
use domain::{
    id::UserId,
    second_factor::{Code, FactorResponse, RECOVERY_CODES},
};
use kernel::{Failure, Timestamp};
use ports::{
    Credentials, FactorAttempt, FactorCodes, FactorLogins, FactorStore, LoginCounters, LoginName, RequestSources,
    UserStore,
};

impl<U: UserStore + FactorStore, C: FactorCodes, S: RequestSources> FactorLogins for Throttled<'_, U, C, S> {
    async fn prove_factor(&self, attempt: FactorAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
        let FactorAttempt { user, proof, client_address, now } = attempt;
        // Counted apart from passwords: those of a login are forgotten with the right password.
        let name = format!("second factor {user}");
        let counters = self.counters(&name, client_address).await?;
        let found = self.reserve(LoginName::Id(user), &counters, now).await?;
        let is_valid = match proof {
            FactorResponse::Code(code) => use_code(self.store, self.proofs, user, code, now).await?,
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

/// Uses a code of a user. `false` if it is wrong, was used already, or no second factor is active.
async fn use_code(
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

/// New recovery codes of an account, as they are shown, and their digests.
pub fn new_recovery_codes(codes: &impl FactorCodes) -> Result<(Vec<String>, Vec<String>), Failure> {
    let new = (0..RECOVERY_CODES).map(|_| codes.recovery_code()).collect::<Result<Vec<_>, _>>()?;
    Ok(new.into_iter().map(|(code, digest)| (code.text(), digest)).unzip())
}
