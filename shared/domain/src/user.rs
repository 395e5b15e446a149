//! User accounts: registration, roles and access to the data of users.

pub use crate::account_status::AccountStatus;
use crate::{
    account_status::ContactKind,
    address::Address,
    event::UserRegistered,
    id::UserId,
    text::{Email, FullName, Phone, Username},
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::{borrow::Cow, fmt};
use unicode_normalization::UnicodeNormalization;

/// The role of a principal, as in access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Places orders.
    Customer,
    /// Manages products and orders.
    Staff,
    /// Operates the platform.
    Admin,
    /// A machine client.
    Service,
    /// Has to set up a second factor before anything else; of tokens only.
    MfaEnrolment,
}

impl Role {
    /// The word of the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => catalog::role::CUSTOMER,
            Self::Staff => catalog::role::STAFF,
            Self::Admin => catalog::role::ADMIN,
            Self::Service => catalog::role::SERVICE,
            Self::MfaEnrolment => catalog::role::MFA_ENROLMENT,
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Customer, Self::Staff, Self::Admin, Self::Service, Self::MfaEnrolment];
        all.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role may access the data of other users.
    pub fn is_staff_or_admin(self) -> bool {
        matches!(self, Self::Staff | Self::Admin)
    }
}

/// Whether a registration was rejected because another account has its e-mail address or username.
pub fn is_taken(rejection: &Failure) -> bool {
    rejection.kind == FailureKind::Conflict && !rejection.fields.is_empty()
}

/// The user whose data a principal may access; `None` for staff and admins, who may access everyone's.
pub fn owner_filter(id: kernel::Uuid, role: &str) -> Option<UserId> {
    match Role::parse(role) {
        Some(role) if role.is_staff_or_admin() => None,
        _ => Some(UserId(id)),
    }
}

/// Checks that a principal may access the data of the user `owner`. If not, the data is `NotFound`.
pub fn check_owner(owner: UserId, id: kernel::Uuid, role: &str) -> Result<(), Failure> {
    match owner_filter(id, role) {
        Some(allowed) if allowed != owner => Err(Failure::not_found("user")),
        _ => Ok(()),
    }
}

/// Checks that a principal is the user `owner` or an admin. If not, the data is `NotFound`.
pub fn check_self_or_admin(owner: UserId, id: kernel::Uuid, role: &str) -> Result<(), Failure> {
    match Role::parse(role) {
        Some(Role::Admin) => Ok(()),
        _ => check_self(owner, id, role),
    }
}

/// Checks that a principal is the user `owner`. If not, the data is `NotFound`, whatever the role.
pub fn check_self(owner: UserId, id: kernel::Uuid, _role: &str) -> Result<(), Failure> {
    match owner.0 == id {
        true => Ok(()),
        false => Err(Failure::not_found("user")),
    }
}

/// A plain-text password, in Unicode normalization form C. It is never stored or logged.
///
/// Keyboards send the same letter composed (`é`) or decomposed (`e` and an accent). NIST SP 800-63B asks for a normalization before
/// hashing; form C is that of RFC 8265 (OpaqueString), which changes nothing that a person would see.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

/// Length of a password in characters. NIST SP 800-63B recommends length over composition rules; the upper bound limits the cost of
/// hashing.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

/// The form in which passwords are hashed.
pub fn normalized_password(text: &str) -> String {
    text.nfc().collect()
}

impl JsonSchema for Password {
    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (least, most) = PASSWORD_LENGTH.into_inner();
        json_schema!({ "type": "string", "format": "password", "minLength": least, "maxLength": most })
    }
}

impl TryFrom<String> for Password {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = normalized_password(&text);
        let length = text.chars().count();
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if !PASSWORD_LENGTH.contains(&length) {
            Err(format!("must be {} to {} characters", PASSWORD_LENGTH.start(), PASSWORD_LENGTH.end()))
        } else if distinct.len() < 5 {
            Err("is too easy to guess: use at least five different characters".to_owned())
        } else if text.chars().any(char::is_control) {
            // No keyboard types one; it came from a clipboard or a program, and will not come again.
            Err("must not contain control characters".to_owned())
        } else {
            Ok(Self(text))
        }
    }
}

impl Password {
    /// The plain text, for hashing.
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
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Unique.
    pub email: Email,
    /// Unique.
    pub username: Username,
    pub password: Password,
    #[serde(default)]
    pub full_name: Option<FullName>,
    #[serde(default)]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub address: Option<Address>,
}

/// A user account. The hash of the password is stored separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub username: Username,
    pub full_name: Option<FullName>,
    pub phone: Option<Phone>,
    pub address: Option<Address>,
    pub role: Role,
    pub status: AccountStatus,
    /// The addresses that are verified.
    pub verified: Vec<ContactKind>,
    /// Incremented by each change.
    pub version: u64,
    pub created_at: Timestamp,
}

/// What everyone knows of an account.
#[derive(Debug, Clone, Copy)]
pub struct AccountWords<'a> {
    pub email: &'a Email,
    pub username: &'a Username,
    pub full_name: Option<&'a FullName>,
}

impl AccountWords<'_> {
    /// The words that somebody would try first as the password of the account.
    pub fn words(&self) -> Vec<&str> {
        let (email, name) = (self.email.as_str(), self.full_name.map_or("", FullName::as_str));
        let whole = [email, self.username.as_str(), name];
        let is_word = |word: &&str| word.chars().count() >= SHORTEST_WORD;
        let parts = whole.into_iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        whole.into_iter().chain(parts).filter(is_word).collect()
    }
}

/// Characters of the shortest word that counts: of two, half of all passwords have some.
const SHORTEST_WORD: usize = 3;

impl User {
    /// What everyone knows of the account.
    pub fn account_words(&self) -> AccountWords<'_> {
        AccountWords { email: &self.email, username: &self.username, full_name: self.full_name.as_ref() }
    }
}

/// Rejects a password that contains the username or the mailbox of the account.
pub fn check_password(password: &Password, known: &AccountWords<'_>) -> Result<(), Failure> {
    let secret = password.expose().to_lowercase();
    let mailbox = known.email.as_str().split('@').next().unwrap_or_default();
    match secret.contains(known.username.as_str()) || (mailbox.len() > 3 && secret.contains(mailbox)) {
        true => Err(Failure::field("/password", "must not contain the username or the e-mail address")),
        false => Ok(()),
    }
}

/// The rejection of a password that is easy to guess.
pub fn guessable_password() -> Failure {
    let detail = "is too easy to guess: use four or more words that do not belong together, or one that a password manager has made";
    Failure::field("/password", detail)
}

/// Registers a customer. The store checks in its transaction that e-mail and username are unique.
pub fn register(id: UserId, command: Register, now: Timestamp) -> (User, UserRegistered) {
    let user = User {
        id,
        email: command.email,
        username: command.username,
        full_name: command.full_name,
        phone: command.phone,
        address: command.address,
        role: Role::Customer,
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
        phone: user.phone.clone(),
        role: None,
    };
    (user, event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_repetitive_passwords_are_rejected() {
        assert!(Password::try_from("short".to_owned()).is_err());
        assert!(Password::try_from("aaaaaaaaaaaa".to_owned()).is_err());
        assert!(Password::try_from("correct horse battery".to_owned()).is_ok());
    }

    #[test]
    fn composed_and_decomposed_password_are_the_same_and_control_characters_refused() {
        let password = |text: &str| Password::try_from(text.to_owned()).expect("valid");
        assert_eq!(password("cre\u{300}me bru\u{302}le\u{301}e"), password("crème brûlée"));
        assert_eq!(password("crème brûlée").expose(), "crème brûlée");
        assert!(Password::try_from("correct\u{0}horse\n".to_owned()).is_err());
        assert_ne!(password("ﬁne-password-1"), password("fine-password-1"), "compatibility forms stay distinct");
    }

    #[test]
    fn password_containing_the_username_is_rejected() {
        let failure = check("ada@example.com", "x-Lovelace-1815").expect_err("rejected");
        assert_eq!(failure.fields[0].pointer, "/password");
    }

    /// Checks a password of the user `lovelace`.
    fn check(email: &str, password: &str) -> Result<(), Failure> {
        let (email, username) = (Email::parse(email).expect("valid"), Username::parse("lovelace").expect("valid"));
        let password = Password::try_from(password.to_owned()).expect("valid");
        check_password(&password, &AccountWords { email: &email, username: &username, full_name: None })
    }

    #[test]
    fn account_words_are_tried_whole_and_in_words_of_three_characters_or_more() {
        let email = Email::parse("ada.b@example.com").expect("valid");
        let (username, name) =
            (Username::parse("lovelace").expect("valid"), FullName::parse("Ada King").expect("valid"));
        let known = AccountWords { email: &email, username: &username, full_name: Some(&name) };
        let expected =
            ["ada.b@example.com", "lovelace", "Ada King", "ada", "example", "com", "lovelace", "Ada", "King"];
        assert_eq!(known.words(), expected);
    }

    #[test]
    fn roles_parse_their_own_names() {
        for role in [Role::Customer, Role::Staff, Role::Admin, Role::Service, Role::MfaEnrolment] {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
    }

    #[test]
    fn staff_and_admins_access_every_user_and_others_only_themselves() {
        let id = kernel::Uuid::from_u128(7);
        let seen = |role: Role| (role.is_staff_or_admin(), owner_filter(id, role.name()));
        for role in [Role::Staff, Role::Admin] {
            assert_eq!(seen(role), (true, None), "{role:?}");
        }
        for role in [Role::Customer, Role::Service] {
            assert_eq!(seen(role), (false, Some(UserId(id))), "{role:?}");
        }
        assert_eq!(owner_filter(id, "unknown"), Some(UserId(id)));
        let other = UserId(kernel::Uuid::from_u128(8));
        for role in [Role::Customer, Role::Service] {
            assert_eq!(check_owner(UserId(id), id, role.name()), Ok(()));
            assert_eq!(check_owner(other, id, role.name()), Err(Failure::not_found("user")));
        }
        assert_eq!(check_owner(other, id, Role::Admin.name()), Ok(()));
        assert_eq!(check_self(UserId(id), id, Role::Customer.name()), Ok(()));
        assert_eq!(check_self(other, id, Role::Admin.name()), Err(Failure::not_found("user")));
        assert_eq!(check_self_or_admin(other, id, Role::Admin.name()), Ok(()));
        assert_eq!(check_self_or_admin(UserId(id), id, Role::Staff.name()), Ok(()));
        assert_eq!(check_self_or_admin(other, id, Role::Staff.name()), Err(Failure::not_found("user")));
    }

    #[test]
    fn password_length_and_distinct_characters_are_checked_and_debug_hides_it() {
        let is_valid = |text: &str| Password::try_from(text.to_owned()).is_ok();
        assert!(is_valid("abcdeabcde") && is_valid(&format!("abcd{}", "é".repeat(124))));
        assert!(!is_valid("abcdabcdab") && !is_valid("abcdeabcd") && !is_valid(&format!("abcd{}", "é".repeat(125))));
        let password = Password::try_from("correct horse battery".to_owned()).expect("valid");
        assert_eq!((format!("{password:?}").as_str(), password.expose()), ("Password(…)", "correct horse battery"));
    }

    #[test]
    fn password_containing_a_mailbox_of_four_characters_or_more_is_rejected() {
        let is_accepted = |email: &str| check(email, "x-countess-1815").is_ok();
        assert!(!is_accepted("countess@example.com") && !is_accepted("1815@example.com"));
        assert!(["181@example.com", "ada@example.com", "somebody@example.com"].into_iter().all(is_accepted));
    }
}
