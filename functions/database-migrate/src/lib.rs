//! Migrates the database to the schema of this version and creates seed accounts and that of the canary.
//!
//! A deployment invokes it before it shifts traffic. A second run changes nothing.

use domain::{
    text::{Email, Username},
    user::{Password, Role},
};
use edge::direct::Invocation;
use kernel::Failure;
use ports::{CanarySeed, Migrations, Passwords, SeedAccount};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migrate {
    /// Accounts to create unless they exist.
    #[serde(default)]
    pub accounts: Vec<AccountInput>,
    /// The account of the synthetic canary. Its password is replaced if it exists.
    #[serde(default)]
    pub canary: Option<Canary>,
}

/// The login of the synthetic canary.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    pub email: Email,
    pub username: Username,
    pub password: Password,
}

/// An account of staff, an admin or a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    pub email: Email,
    pub username: Username,
    pub password: Password,
    pub role: String,
}

#[derive(Debug, Serialize)]
pub struct Migrated {
    /// Names of the migrations that this run applied.
    pub applied: Vec<String>,
    /// Number of accounts that this run created.
    pub accounts: u32,
}

/// Applies the migrations, then creates the accounts, that of the canary last.
pub async fn handle(
    migrations: &impl Migrations,
    passwords: &impl Passwords,
    call: Invocation<Migrate>,
) -> Result<Migrated, Failure> {
    let applied = migrations.apply().await?;
    let account = |(n, account): (usize, AccountInput)| {
        let unknown = || Failure::field(format!("/accounts/{n}/role"), "is not a role");
        Ok(SeedAccount {
            role: Role::parse(&account.role).ok_or_else(unknown)?,
            password_hash: passwords.hash(&account.password)?,
            email: account.email,
            username: account.username,
        })
    };
    let accounts = call.input.accounts.into_iter().enumerate().map(account).collect::<Result<Vec<_>, Failure>>()?;
    let accounts = migrations.seed_accounts(&accounts, call.now).await?;
    if let Some(Canary { email, username, password }) = call.input.canary {
        let seed = CanarySeed { password_hash: passwords.hash(&password)?, email, username };
        migrations.put_canary(&seed, call.now).await?;
    }
    Ok(Migrated { applied, accounts })
}
