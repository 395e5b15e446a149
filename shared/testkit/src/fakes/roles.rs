//! In-memory fakes of the secrets of database roles and of the roles' passwords.

use super::{Dependency, RolePasswords, RoleSecrets};
use kernel::Failure;
use ports::{RoleLogin, Rotation};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct RolesState {
    secrets: BTreeMap<String, Secret>,
    /// Passwords in the database; empty before the first one is set.
    passwords: BTreeMap<String, String>,
    prepared: u64,
}

#[derive(Debug)]
struct Secret {
    role: String,
    current: Option<String>,
    /// Passwords by version.
    versions: BTreeMap<String, String>,
}

impl RoleSecrets {
    /// Creates the secret of a role, without a password.
    pub fn create(&self, secret: &str, role: &str) {
        let created = Secret { role: role.to_owned(), current: None, versions: BTreeMap::new() };
        self.0.arrange(|state| drop(state.roles.secrets.insert(secret.to_owned(), created)));
    }

    /// The password of the current version; `None` before the first rotation.
    pub fn current(&self, secret: &str) -> Option<String> {
        self.0.inspect(|state| {
            let secret = state.roles.secrets.get(secret)?;
            secret.versions.get(secret.current.as_ref()?).cloned()
        })
    }
}

impl RolePasswords {
    /// Creates a role without a password.
    pub fn create(&self, role: &str) {
        self.0.arrange(|state| drop(state.roles.passwords.insert(role.to_owned(), String::new())));
    }

    /// Whether the role can log in with the password.
    pub fn accepts(&self, role: &str, password: &str) -> bool {
        self.0.inspect(|state| state.roles.passwords.get(role).is_some_and(|set| !set.is_empty() && set == password))
    }
}

impl ports::RoleSecrets for RoleSecrets {
    async fn prepare(&self, rotation: &Rotation) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Keys, "role_secrets.prepare", |state| {
            state.roles.prepared += 1;
            let password = format!("password {}", state.roles.prepared);
            let secret = state.roles.secrets.get_mut(&rotation.secret);
            let secret = secret.ok_or_else(|| Failure::not_found("secret"))?;
            secret.versions.entry(rotation.version.clone()).or_insert(password);
            Ok(())
        });
        step.await
    }

    async fn prepared(&self, rotation: &Rotation) -> Result<RoleLogin, Failure> {
        let query = self.0.query(Dependency::Keys, |state| {
            let found = state.roles.secrets.get(&rotation.secret).and_then(|secret| {
                let password = secret.versions.get(&rotation.version)?.clone();
                Some(RoleLogin { role: secret.role.clone(), password })
            });
            found.ok_or_else(|| Failure::not_found("secret version"))
        });
        query.await
    }

    async fn promote(&self, rotation: &Rotation) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Keys, "role_secrets.promote", |state| {
            let secret = state.roles.secrets.get_mut(&rotation.secret);
            let secret = secret.filter(|secret| secret.versions.contains_key(&rotation.version));
            secret.ok_or_else(|| Failure::not_found("secret version"))?.current = Some(rotation.version.clone());
            Ok(())
        });
        step.await
    }
}

impl ports::RolePasswords for RolePasswords {
    async fn set_password(&self, login: &RoleLogin) -> Result<(), Failure> {
        let commit = self.0.commit("role_passwords.set", |state| {
            let password = state.roles.passwords.get_mut(&login.role);
            password.ok_or_else(|| Failure::not_found("database role"))?.clone_from(&login.password);
            Ok(())
        });
        commit.await
    }
}
