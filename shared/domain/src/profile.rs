//! Changes of a user's own account.

use crate::{
    address::Address,
    event::{UserDeleted, UserRegistered, UserUpdated},
    id::UserId,
    text::{Email, FullName, Phone, Username},
    user::{AccountStatus, Role, User},
    verification::ContactKind,
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;

/// A request to replace a profile. What is missing is removed.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// Unique. Changing it needs the password, because a new password can be requested by e-mail.
    pub email: Email,
    /// User name; unique among accounts.
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

/// The user with another profile, and the event. An address that changes is to be verified again; the one before is notified, if it was verified.
pub fn update(user: &User, command: UpdateProfile) -> (User, UserUpdated) {
    let is_same = |kind: &ContactKind| match kind {
        ContactKind::Email => command.email == user.email,
        ContactKind::Phone => command.phone == user.phone,
    };
    let is_replaced = |kind: ContactKind| user.verified.contains(&kind) && !is_same(&kind);
    let replaced_email = is_replaced(ContactKind::Email).then(|| user.email.clone());
    let replaced_phone = user.phone.clone().filter(|_| is_replaced(ContactKind::Phone));
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
    let event = UserUpdated { replaced_email, replaced_phone, ..updated_event(&updated) };
    (updated, event)
}

/// A request to give a user another role.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    pub role: PersonalRole,
}

/// A request to disable or enable an account.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStatus {
    pub status: AccountStatus,
}

words! {
    /// A role that a person can have.
    pub enum PersonalRole {
        Customer,
        Staff,
        Admin,
    }
}

impl From<PersonalRole> for Role {
    fn from(role: PersonalRole) -> Self {
        match role {
            PersonalRole::Customer => Self::Customer,
            PersonalRole::Staff => Self::Staff,
            PersonalRole::Admin => Self::Admin,
        }
    }
}

/// What an admin changes of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileChange {
    Role(Role),
    Status(AccountStatus),
}

/// The user after a change by the admin `by`, and the event; `None` if it changes nothing. Admins cannot change themselves, so that one of them
/// is always left; the store sees to it if two change each other ([`last_admin`]).
pub fn administer(user: &User, change: ProfileChange, by: UserId) -> Result<Option<(User, UserUpdated)>, Failure> {
    if user.id == by {
        return Err(own_account("Admins cannot change their own role or status; another admin can."));
    }
    let (role, status) = match change {
        ProfileChange::Role(role) => (role, user.status),
        ProfileChange::Status(status) => (user.role, status),
    };
    if (role, status) == (user.role, user.status) {
        return Ok(None);
    }
    let changed = User { role, status, version: user.version + 1, ..user.clone() };
    let event = updated_event(&changed);
    Ok(Some((changed, event)))
}

/// Refuses to delete or to erase a user if that is an admin and asks for it himself, so that one admin is always left.
pub fn check_removal(user: &User, by: UserId) -> Result<(), Failure> {
    match user.role == Role::Admin && user.id == by {
        true => Err(own_account("Admins cannot delete or erase their own account; another admin can.")),
        false => Ok(()),
    }
}

fn own_account(detail: &'static str) -> Failure {
    Failure::new(FailureKind::Conflict, "own-account", detail)
}

/// The failure of a change after which no active admin would be left, because another one was changed at the same time.
pub fn last_admin() -> Failure {
    let detail = "No other admin is active; make another user an admin, or enable one, and repeat the request.";
    Failure::new(FailureKind::Conflict, "last-admin", detail)
}

/// A request to create the account of a colleague, who sets the password with a mailed token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// E-mail address; unique among accounts.
    pub email: Email,
    /// User name; unique among accounts.
    pub username: Username,
    pub role: PersonalRole,
    #[serde(default)]
    pub full_name: Option<FullName>,
}

/// Creates an account with a role. The store checks in its transaction that e-mail and username are unique.
pub fn invite(id: UserId, command: Invite, now: Timestamp) -> (User, UserRegistered) {
    let user = User {
        id,
        email: command.email,
        username: command.username,
        full_name: command.full_name,
        phone: None,
        address: None,
        role: command.role.into(),
        status: AccountStatus::Active,
        verified: Vec::new(),
        version: 1,
        created_at: now,
    };
    let event = UserRegistered {
        user_id: id,
        email: user.email.clone(),
        username: user.username.clone(),
        full_name: user.full_name.clone(),
        phone: None,
        role: Some(user.role.name().to_owned()),
    };
    (user, event)
}

/// The beginning of an e-mail address, a username or a full name to search for, in lower case.
pub fn search_prefix(query: Option<&str>) -> Result<String, Failure> {
    let prefix = query.unwrap_or_default().trim().to_lowercase();
    match (MIN_SEARCH..=MAX_SEARCH).contains(&prefix.chars().count()) {
        true => Ok(prefix),
        false => Err(Failure::field("?query", format!("must be {MIN_SEARCH} to {MAX_SEARCH} characters"))),
    }
}

/// Length of a search in characters: shorter ones would list most customers.
const MIN_SEARCH: usize = 3;
const MAX_SEARCH: usize = 100;

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
        replaced_email: None,
        replaced_phone: None,
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
    use kernel::Uuid;

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

    #[test]
    fn verified_addresses_that_are_replaced_are_told() {
        for (verified, email, phone, told) in [
            (ContactKind::ALL.to_vec(), "ada@example.com", Some("+491701234567"), [false, false]),
            (ContactKind::ALL.to_vec(), "countess@example.com", Some("+491701234568"), [true, true]),
            (ContactKind::ALL.to_vec(), "ada@example.com", None, [false, true]),
            (vec![ContactKind::Phone], "countess@example.com", Some("+491701234567"), [false, false]),
        ] {
            let (before, command) =
                (User { verified, ..user() }, serde_json::json!({ "email": email, "username": "ada", "phone": phone }));
            let (_, event) = update(&before, serde_json::from_value(command).expect("a command"));
            let expected = (told[0].then_some(before.email), before.phone.filter(|_| told[1]));
            assert_eq!((event.replaced_email, event.replaced_phone), expected, "{email} {phone:?}");
        }
    }

    #[test]
    fn admins_change_others_and_not_themselves() {
        let by = UserId(Uuid::from_u128(1));
        let (staff, event) =
            administer(&user(), ProfileChange::Role(Role::Staff), by).expect("allowed").expect("a change");
        assert_eq!((staff.role, staff.version, event.role.as_str()), (Role::Staff, 4, "staff"));
        assert_eq!(administer(&staff, ProfileChange::Role(Role::Staff), by), Ok(None));
        let disabled = administer(&user(), ProfileChange::Status(AccountStatus::Disabled), by).expect("allowed");
        assert_eq!(disabled.map(|(user, _)| user.status), Some(AccountStatus::Disabled));
        let own = administer(&user(), ProfileChange::Role(Role::Staff), user().id);
        assert_eq!(own.expect_err("refused").code, "own-account");
    }

    #[test]
    fn admins_remove_others_and_not_themselves() {
        let (admin, other) = (User { role: Role::Admin, ..user() }, UserId(Uuid::from_u128(1)));
        assert_eq!(check_removal(&admin, admin.id).expect_err("refused").code, "own-account");
        assert_eq!((check_removal(&admin, other), check_removal(&user(), user().id)), (Ok(()), Ok(())));
    }

    #[test]
    fn search_is_lower_case_and_long_enough() {
        assert_eq!(search_prefix(Some(" ADA ")), Ok("ada".to_owned()));
        for wrong in [None, Some("ad"), Some("   a   "), Some("x".repeat(101).as_str())] {
            assert!(search_prefix(wrong).is_err(), "{wrong:?}");
        }
    }
}
