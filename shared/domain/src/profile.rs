//! Changes of a user's own account.

use crate::{
    address::Address,
    event::{UserDeleted, UserUpdated},
    text::{Email, FullName, Phone, Username},
    user::User,
    verification::ContactKind,
};
use kernel::{Failure, FailureKind};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;

/// A request to replace a profile. What is missing is removed.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// Unique. Changing it needs the password, because a new password can be requested by e-mail.
    pub email: Email,
    /// Unique.
    pub username: Username,
    #[serde(default)]
    pub full_name: Option<FullName>,
    #[serde(default)]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub address: Option<Address>,
    /// Required if the e-mail address changes.
    #[serde(default)]
    pub current_password: Option<String>,
}

impl fmt::Debug for UpdateProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpdateProfile(…)")
    }
}

/// The user with another profile, and the event. An address that changes is to be verified again.
pub fn update(user: &User, command: UpdateProfile) -> (User, UserUpdated) {
    let is_same = |kind: &ContactKind| match kind {
        ContactKind::Email => command.email == user.email,
        ContactKind::Phone => command.phone == user.phone,
    };
    let updated = User {
        verified: user.verified.iter().filter(|kind| is_same(kind)).copied().collect(),
        email: command.email,
        username: command.username,
        full_name: command.full_name,
        phone: command.phone,
        address: command.address,
        version: user.version + 1,
        ..user.clone()
    };
    let event = updated_event(&updated);
    (updated, event)
}

/// The event of a changed account.
pub fn updated_event(user: &User) -> UserUpdated {
    UserUpdated {
        user_id: user.id,
        email: user.email.clone(),
        username: user.username.clone(),
        full_name: user.full_name.clone(),
        phone: user.phone.clone(),
        role: user.role.name().to_owned(),
        status: user.status,
    }
}

/// The event of a deleted account.
pub fn deleted_event(user: &User) -> UserDeleted {
    UserDeleted { user_id: user.id }
}

/// The failure of a wrong or missing password, with which the caller would confirm a change.
pub fn wrong_current_password() -> Failure {
    Failure::field("/current_password", "must be your password")
}

/// Rejects a change of another version than the current one.
pub fn version_mismatch() -> Failure {
    let detail = "The account has changed; fetch it and retry with its current version.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::UserId,
        user::{AccountStatus, Role},
    };
    use kernel::{Timestamp, Uuid};

    fn user() -> User {
        User {
            id: UserId(Uuid::nil()),
            email: Email::parse("ada@example.com").expect("valid"),
            username: Username::parse("ada").expect("valid"),
            full_name: None,
            phone: Some(Phone::parse("+491701234567").expect("valid")),
            address: None,
            role: Role::Customer,
            status: AccountStatus::Active,
            verified: ContactKind::ALL.to_vec(),
            version: 3,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn changed_addresses_are_to_be_verified_again() {
        for (email, phone, verified) in [
            ("ada@example.com", Some("+491701234567"), ContactKind::ALL.to_vec()),
            ("countess@example.com", Some("+491701234567"), vec![ContactKind::Phone]),
            ("ada@example.com", Some("+491701234568"), vec![ContactKind::Email]),
            ("ada@example.com", None, vec![ContactKind::Email]),
        ] {
            let command = serde_json::json!({ "email": email, "username": "ada", "phone": phone });
            let (updated, event) = update(&user(), serde_json::from_value(command).expect("a command"));
            assert_eq!((updated.verified, updated.version), (verified, 4));
            assert_eq!((event.email.as_str(), event.phone), (email, updated.phone));
        }
    }
}
