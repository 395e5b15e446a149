//! New passwords: changed with the old one, or set with a token that was mailed.

use crate::{
    id::UserId,
    message_limits::Budget,
    text::{Email, FullName, Username},
    user::{AccountWords, Password},
    verification::{self, Token},
};
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;

/// Seconds for which a mailed token is valid.
pub const VALID_S: i64 = 3600;
/// How often a mailed token may be tried.
pub const MAX_ATTEMPTS: i32 = 5;

/// Resets that may be requested for an address. Anyone can use it up, until there is one more.
pub fn request_budget() -> Budget {
    Budget::hourly(6)
}

/// A request to change the own password.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    pub current_password: String,
    pub password: Password,
}

/// A request to mail a token with which a new password can be set.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestReset {
    pub email: Email,
}

/// A request to set a new password.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmReset {
    pub token: String,
    pub password: Password,
}

impl ConfirmReset {
    /// The token, as people type it.
    pub fn token(&self) -> Result<Token, Failure> {
        Token::parse(&self.token).ok_or_else(verification::invalid_token)
    }
}

/// A token that was mailed and not used yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordReset {
    /// Id of the event that asked for it.
    pub id: Uuid,
    pub user_id: UserId,
    pub digest: String,
    pub email: Email,
    pub username: Username,
    pub full_name: Option<FullName>,
}

impl PasswordReset {
    /// What everyone knows of the account.
    pub fn account_words(&self) -> AccountWords<'_> {
        AccountWords { email: &self.email, username: &self.username, full_name: self.full_name.as_ref() }
    }
}

/// When a token that is mailed `now` expires.
pub fn expires_at(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, VALID_S)
}
