//! Ports of operations: readiness and migrations.

use domain::{
    text::{Email, Username},
    user::Role,
};
use kernel::{Failure, Timestamp};

/// Readiness check of one dependency.
pub trait Probe {
    /// Name of the dependency in the response of `/ready`.
    fn dependency(&self) -> &'static str;

    /// Whether the service is not ready without it.
    fn is_essential(&self) -> bool;

    /// Checks that the dependency responds.
    async fn check(&self) -> Result<(), Failure>;
}

/// An account that is created with an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedAccount {
    pub email: Email,
    pub username: Username,
    /// PHC string.
    pub password_hash: String,
    pub role: Role,
}

/// The schema of the database.
pub trait Migrations {
    /// Applies pending migrations and returns their names.
    async fn apply(&self) -> Result<Vec<String>, Failure>;

    /// Creates the accounts that do not exist yet and leaves the others unchanged. Returns how many were created.
    async fn seed_accounts(&self, accounts: &[SeedAccount], now: Timestamp) -> Result<u32, Failure>;
}
