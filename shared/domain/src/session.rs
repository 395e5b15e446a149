//! Sessions: login and token lifetimes.

use crate::{
    id::{SessionId, UserId},
    text::Email,
    user::{Role, normalized_password},
};
use kernel::{Failure, FailureKind, FieldError, Timestamp, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;

/// Lifetime of an access token in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 3600;
/// Seconds that the clock of the function which issues an access token may be ahead of that which verifies it.
pub const CLOCK_SKEW_S: i64 = 60;
/// Lifetime of a refresh token in seconds.
pub const REFRESH_TOKEN_SECONDS: i64 = 30 * 24 * 3600;

/// A login request, with an e-mail address or a username.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    username: Option<String>,
    password: String,
}

impl Login {
    /// The given e-mail address or username, as accounts store it. Only ASCII letters are lower-cased: a name that is not an account's does
    /// not become one.
    pub fn name(&self) -> Result<String, Failure> {
        match (&self.email, &self.username) {
            (Some(name), None) | (None, Some(name)) => Ok(match Email::parse(name) {
                Ok(email) => email.into(),
                Err(_) => name.trim().to_ascii_lowercase(),
            }),
            _ => {
                let detail = "must be given, or /username, but not both".to_owned();
                Err(Failure::fields(vec![FieldError { pointer: "/email".to_owned(), detail }]))
            }
        }
    }
}

impl Login {
    /// The password as it was typed.
    pub fn password(&self) -> &str {
        &self.password
    }
}

/// A typed password in the forms that may have been hashed: normalized, as every new hash is, and as typed if that differs, for hashes that are
/// older than the normalization. All forms are to be verified, so that the time does not reveal which one is right.
pub fn password_forms(typed: &str) -> Vec<String> {
    let normalized = normalized_password(typed);
    match normalized == typed {
        true => vec![normalized],
        false => vec![normalized, typed.to_owned()],
    }
}

/// A request for a new pair of tokens.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
}

words! {
    /// Where a client gets the refresh token of a session.
    pub enum SessionKind {
        /// In the body of the response.
        Body,
        /// In a cookie, for browsers: no script can read it.
        Cookie,
    }
}

impl SessionKind {
    /// Whether the parameter `session` of a request asks for a cookie.
    pub fn is_in_cookie(asked: Option<Self>) -> bool {
        asked == Some(Self::Cookie)
    }
}

/// A session that continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveSession {
    pub id: SessionId,
    pub user_id: UserId,
    /// The role that the user has now.
    pub role: Role,
    /// Whether the account has an active second factor now.
    pub has_second_factor: bool,
}

/// A session as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub created_at: Timestamp,
    /// When its last tokens were issued.
    pub refreshed_at: Timestamp,
    /// When it ends unless it is refreshed before.
    pub expires_at: Timestamp,
}

/// When the tokens of a session expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenExpiry {
    pub access: Timestamp,
    pub refresh: Timestamp,
}

/// Expiry of the tokens of a session that starts `now`.
pub fn token_expiry(now: Timestamp) -> Result<TokenExpiry, Failure> {
    Ok(TokenExpiry {
        access: seconds_after(now, ACCESS_TOKEN_SECONDS)?,
        refresh: seconds_after(now, REFRESH_TOKEN_SECONDS)?,
    })
}

/// The failure of a login. It is the same for an unknown name and a wrong password, so that it reveals no account.
pub fn wrong_credentials() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "wrong-credentials", "The name or the password is wrong.")
}

/// The failure of a refresh. It does not tell an unknown token from an expired or a used one.
pub fn invalid_refresh_token() -> Failure {
    let detail = "The refresh token is wrong, was used already or has expired; please log in again.";
    Failure::new(FailureKind::Unauthenticated, "invalid-refresh-token", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn login_requires_either_email_or_username() {
        let login = |json: &str| serde_json::from_str::<Login>(json).expect("parses").name();
        assert_eq!(login(r#"{"email":" Ada@Example.com","password":"x"}"#), Ok("ada@example.com".to_owned()));
        assert!(login(r#"{"email":"a","username":"b","password":"x"}"#).is_err());
        assert!(login(r#"{"password":"x"}"#).is_err());
    }

    #[test]
    fn login_name_is_that_of_an_account_and_not_folded_into_one() {
        let name = |typed: &str| {
            let login = serde_json::json!({ "username": typed, "password": "x" });
            serde_json::from_value::<Login>(login).expect("parses").name().expect("a name")
        };
        assert_eq!(name("Max@M\u{dc}ller.de"), "max@xn--mller-kva.de");
        assert_eq!(name(" LoveLace "), "lovelace");
        assert_eq!(name("\u{212a}ate"), "\u{212a}ate");
    }

    #[test]
    fn password_is_verified_normalized_and_as_typed() {
        assert_eq!(password_forms("crème brûlée"), ["crème brûlée"]);
        assert_eq!(password_forms("cre\u{300}me"), ["crème", "cre\u{300}me"]);
    }

    #[test]
    fn access_tokens_last_an_hour_and_refresh_tokens_30_days() {
        assert_eq!(token_expiry(at(100)), Ok(TokenExpiry { access: at(100 + 3_600), refresh: at(100 + 2_592_000) }));
        assert!(token_expiry(Timestamp::MAX).is_err());
    }
}
