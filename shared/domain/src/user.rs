//! Accounts: who registers, with what, and what becomes known of it.

use crate::{
    address::Address,
    event::UserRegistered,
    id::UserId,
    text::{Email, FullName, Phone, Username},
};
use kernel::{Failure, FieldError, Timestamp};
use serde::Deserialize;
use std::fmt;

/// What an account may do; as it stands in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Staff,
    /// Runs the platform.
    Admin,
    /// A program.
    Service,
}

impl Role {
    /// The catalog's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => catalog::role::CUSTOMER,
            Self::Staff => catalog::role::STAFF,
            Self::Admin => catalog::role::ADMIN,
            Self::Service => catalog::role::SERVICE,
        }
    }

    /// Reads the catalog's word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Staff, Self::Admin, Self::Service].into_iter().find(|role| role.name() == name)
    }

    /// Whether what belongs to others may be seen and done.
    pub fn is_staff_or_admin(self) -> bool {
        matches!(self, Self::Staff | Self::Admin)
    }
}

/// Whose things a principal sees: `None` for the back office, which sees everybody's.
pub fn owner_filter(id: kernel::Uuid, role: &str) -> Option<UserId> {
    match Role::parse(role) {
        Some(role) if role.is_staff_or_admin() => None,
        _ => Some(UserId(id)),
    }
}

/// Whether a principal may see what is `whose`: their own, and for the back office everybody's. Else there is nothing to be found.
pub fn check_owner(whose: UserId, id: kernel::Uuid, role: &str) -> Result<(), Failure> {
    match owner_filter(id, role) {
        Some(own) if own != whose => Err(Failure::not_found("user")),
        _ => Ok(()),
    }
}

/// A password as typed. It is never stored, shown or logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

/// Fewest and most characters of a password. NIST SP 800-63B asks for length and against composition rules; the upper
/// bound keeps hashing from being a way to keep us busy.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

impl TryFrom<String> for Password {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let length = text.chars().count();
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if !PASSWORD_LENGTH.contains(&length) {
            Err(format!("must be {} to {} characters", PASSWORD_LENGTH.start(), PASSWORD_LENGTH.end()))
        } else if distinct.len() < 5 {
            Err("is too easy to guess: use at least five different characters".to_owned())
        } else {
            Ok(Self(text))
        }
    }
}

impl Password {
    /// The password itself, for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A request to register.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Where to write to; unique.
    pub email: Email,
    /// What to be called; unique.
    pub username: Username,
    /// The secret.
    pub password: Password,
    /// Full name.
    #[serde(default)]
    pub full_name: Option<FullName>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Where they live.
    #[serde(default)]
    pub address: Option<Address>,
}

/// An account. The hash of its password is kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Address for mail.
    pub email: Email,
    /// Name here.
    pub username: Username,
    /// Full name.
    pub full_name: Option<FullName>,
    /// Telephone.
    pub phone: Option<Phone>,
    /// Address.
    pub address: Option<Address>,
    /// What it may do.
    pub role: Role,
    /// Counts changes.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Decides a registration. Whether e-mail and username are free is for the store to say, in the same transaction.
pub fn register(id: UserId, command: Register, now: Timestamp) -> Result<(User, UserRegistered), Failure> {
    let secret = command.password.expose().to_lowercase();
    let mailbox = command.email.as_str().split('@').next().unwrap_or_default();
    if secret.contains(command.username.as_str()) || (mailbox.len() > 3 && secret.contains(mailbox)) {
        let detail = "must not contain the username or the e-mail address".to_owned();
        return Err(Failure::fields(vec![FieldError { pointer: "/password".to_owned(), detail }]));
    }
    let user = User {
        id,
        email: command.email,
        username: command.username,
        full_name: command.full_name,
        phone: command.phone,
        address: command.address,
        role: Role::Customer,
        version: 1,
        created_at: now,
    };
    let event = UserRegistered {
        user_id: id,
        email: user.email.clone(),
        username: user.username.clone(),
        full_name: user.full_name.clone(),
        phone: user.phone.clone(),
    };
    Ok((user, event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_short_or_of_few_characters_is_refused() {
        assert!(Password::try_from("short".to_owned()).is_err());
        assert!(Password::try_from("aaaaaaaaaaaa".to_owned()).is_err());
        assert!(Password::try_from("correct horse battery".to_owned()).is_ok());
    }

    #[test]
    fn a_password_that_contains_the_username_is_refused_with_its_field() {
        let json = r#"{"email":"ada@example.com","username":"lovelace","password":"x-Lovelace-1815"}"#;
        let command = serde_json::from_str(json).expect("parses");
        let failure = register(UserId(kernel::Uuid::nil()), command, Timestamp::UNIX_EPOCH).expect_err("refused");
        assert_eq!(failure.fields[0].pointer, "/password");
    }

    #[test]
    fn every_role_reads_its_own_name() {
        for role in [Role::Customer, Role::Staff, Role::Admin, Role::Service] {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
    }

    #[test]
    fn the_back_office_sees_everybody_s_things_and_all_others_their_own() {
        let id = kernel::Uuid::from_u128(7);
        let seen = |role: Role| (role.is_staff_or_admin(), owner_filter(id, role.name()));
        for role in [Role::Staff, Role::Admin] {
            assert_eq!(seen(role), (true, None), "{role:?}");
        }
        for role in [Role::Customer, Role::Service] {
            assert_eq!(seen(role), (false, Some(UserId(id))), "{role:?}");
        }
        assert_eq!(owner_filter(id, "nobody we know"), Some(UserId(id)));
        let other = UserId(kernel::Uuid::from_u128(8));
        for role in [Role::Customer, Role::Service] {
            assert_eq!(check_owner(UserId(id), id, role.name()), Ok(()));
            assert_eq!(check_owner(other, id, role.name()), Err(Failure::not_found("user")));
        }
        assert_eq!(check_owner(other, id, Role::Admin.name()), Ok(()));
    }

    #[test]
    fn a_password_is_as_long_and_of_as_many_characters_as_it_must_be_and_is_not_shown() {
        let reads = |text: &str| Password::try_from(text.to_owned()).is_ok();
        assert!(reads("abcdeabcde") && reads(&format!("abcd{}", "é".repeat(124))));
        assert!(!reads("abcdabcdab") && !reads("abcdeabcd") && !reads(&format!("abcd{}", "é".repeat(125))));
        let password = Password::try_from("correct horse battery".to_owned()).expect("reads");
        assert_eq!((format!("{password:?}").as_str(), password.expose()), ("Password(…)", "correct horse battery"));
    }

    #[test]
    fn a_password_that_contains_the_mailbox_is_refused_unless_that_is_too_short_to_tell() {
        let register = |email: &str| {
            let json = serde_json::json!({ "email": email, "username": "lovelace", "password": "x-countess-1815" });
            let command = serde_json::from_value(json).expect("parses");
            register(UserId(kernel::Uuid::nil()), command, Timestamp::UNIX_EPOCH).is_ok()
        };
        assert!(!register("countess@example.com") && !register("1815@example.com"));
        assert!(register("181@example.com") && register("ada@example.com") && register("somebody@example.com"));
    }
}
