//! Builds users.

use super::noon;
use crate::ids;
use domain::{
    event::UserRegistered,
    id::UserId,
    text::{Email, FullName, Username},
    user::{AccountStatus, Role, User},
};
use ports::{Contact, Recipient};
use serde_json::{Value, json};

/// User 1: the customer Ada Lovelace with the username `ada`.
pub fn user() -> UserBuilder {
    UserBuilder { id: ids::user(1), name: "ada".to_owned(), role: Role::Customer }
}

#[derive(Debug, Clone)]
pub struct UserBuilder {
    id: UserId,
    name: String,
    role: Role,
}

impl UserBuilder {
    /// The password in [`UserBuilder::json`].
    pub const PASSWORD: &str = "correct horse battery";

    /// Sets the number and the username `user-<n>`.
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        Self { id: ids::user(n), name: format!("user-{n}"), ..self }
    }

    #[must_use]
    pub fn id(self, id: UserId) -> Self {
        Self { id, ..self }
    }

    /// Sets the username and the e-mail address `<name>@example.com`.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    #[must_use]
    pub fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The request body of user-register.
    pub fn json(&self) -> Value {
        json!({
            "email": format!("{}@example.com", self.name),
            "username": self.name,
            "password": Self::PASSWORD,
            "full_name": "Ada Lovelace",
        })
    }

    pub fn registered(&self) -> User {
        User {
            id: self.id,
            email: Email::parse(&format!("{}@example.com", self.name)).expect("an address"),
            username: Username::parse(&self.name).expect("a username"),
            full_name: Some(FullName::parse("Ada Lovelace").expect("a name")),
            phone: None,
            address: None,
            role: self.role,
            status: AccountStatus::Active,
            verified: vec![],
            version: 1,
            created_at: noon(),
        }
    }

    pub fn event(&self) -> UserRegistered {
        let user = self.registered();
        UserRegistered {
            user_id: user.id,
            email: user.email,
            username: user.username,
            full_name: user.full_name,
            phone: user.phone,
            role: None,
        }
    }

    pub fn contact(&self) -> Contact {
        let user = self.registered();
        Contact { user_id: user.id, email: user.email, name: user.full_name, phone: user.phone }
    }

    /// The user as a recipient with default preferences and verified addresses.
    pub fn recipient(&self) -> Recipient {
        Recipient::with_defaults(self.contact()).verified()
    }
}
