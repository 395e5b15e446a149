//! Brings the database to the version of this code, and makes the accounts that an installation begins with.
//!
//! A deployment calls it before traffic comes. Twice changes nothing.

use domain::{
    text::{Email, Username},
    user::{Password, Role},
};
use edge::direct::Invocation;
use kernel::Failure;
use ports::{Migrations, Passwords, SeedAccount};
use serde::{Deserialize, Serialize};

/// What to do besides migrating.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migrate {
    /// Accounts to make unless they are there.
    #[serde(default)]
    pub accounts: Vec<Account>,
}

/// An account of the back office.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Address for mail.
    pub email: Email,
    /// Name.
    pub username: Username,
    /// The secret.
    pub password: Password,
    /// What it may do.
    pub role: String,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct Migrated {
    /// Migrations that were applied now.
    pub applied: Vec<String>,
    /// Accounts that were made now.
    pub accounts: u32,
}

/// Migrates.
pub async fn handle(
    migrations: &impl Migrations,
    passwords: &impl Passwords,
    call: Invocation<Migrate>,
) -> Result<Migrated, Failure> {
    let applied = migrations.apply().await?;
    let account = |(n, account): (usize, Account)| {
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
    Ok(Migrated { applied, accounts })
}
