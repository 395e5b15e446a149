//! The account of the synthetic canary.

use crate::SecretValue;
use adapters::wiring::{Result, Wiring};
use domain::canary::CanaryAccount;
use kernel::Failure;
use ports::CanaryAccounts;

pub fn canary_account(wiring: &Wiring) -> Result<CanarySecret> {
    Ok(CanarySecret(crate::secret(wiring, &catalog::CANARY_ACCOUNT)?))
}

/// A secret with the account as JSON.
#[derive(Debug, Clone)]
pub struct CanarySecret(pub SecretValue);

impl CanaryAccounts for CanarySecret {
    async fn account(&self) -> Result<Option<CanaryAccount>, Failure> {
        match self.0.read().await? {
            Some(text) => CanaryAccount::parse(&text),
            None => Ok(None),
        }
    }
}
