//! Sessions: who gets in, for how long, and after how many wrong passwords nobody does.

use kernel::{Failure, FailureKind, FieldError, Timestamp};
use serde::Deserialize;

/// Seconds that an access token is good for.
pub const ACCESS_TOKEN_SECONDS: i64 = 3600;
/// Seconds that a refresh token is good for.
pub const REFRESH_TOKEN_SECONDS: i64 = 30 * 24 * 3600;
/// Wrong passwords in a row that lock an account (OWASP Authentication Cheat Sheet: a small number, and not for ever).
pub const MAX_FAILED_LOGINS: u32 = 5;
/// Seconds that it stays locked.
pub const LOCK_SECONDS: i64 = 15 * 60;

/// A request to be let in: by e-mail or by username.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Address.
    #[serde(default)]
    email: Option<String>,
    /// Name.
    #[serde(default)]
    username: Option<String>,
    /// The secret, as typed.
    pub password: String,
}

impl Login {
    /// The one name that was given, in lower case.
    pub fn name(&self) -> Result<String, Failure> {
        match (&self.email, &self.username) {
            (Some(name), None) | (None, Some(name)) => Ok(name.trim().to_lowercase()),
            _ => {
                let detail = "give either email or username".to_owned();
                Err(Failure::fields(vec![FieldError { pointer: "/email".to_owned(), detail }]))
            }
        }
    }
}

/// When the two tokens of a session end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenExpiry {
    /// The access token.
    pub access: Timestamp,
    /// The refresh token.
    pub refresh: Timestamp,
}

/// TokenExpiry of a session that begins `now`.
pub fn token_expiry(now: Timestamp) -> Result<TokenExpiry, Failure> {
    Ok(TokenExpiry { access: after(now, ACCESS_TOKEN_SECONDS)?, refresh: after(now, REFRESH_TOKEN_SECONDS)? })
}

/// Until when an account is locked whose last straw was `now`.
pub fn locked_until(now: Timestamp) -> Result<Timestamp, Failure> {
    after(now, LOCK_SECONDS)
}

/// Nobody gets in before `until`.
pub fn check_lock(until: Timestamp, now: Timestamp) -> Result<(), Failure> {
    if now >= until {
        return Ok(());
    }
    let seconds = u32::try_from(until.as_second() - now.as_second()).unwrap_or(1).max(1);
    let detail = "Too many wrong passwords; please try again later.";
    Err(Failure { retry_after_s: Some(seconds), ..Failure::new(FailureKind::Locked, "account-locked", detail) })
}

/// The one answer to an unknown name and to a wrong password: it does not tell which it was.
pub fn wrong_credentials() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "wrong-credentials", "The name and the password do not fit.")
}

fn after(now: Timestamp, seconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_second(now.as_second() + seconds).map_err(Failure::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn a_lock_holds_until_its_end_and_says_how_long() {
        let failure = check_lock(at(100), at(40)).expect_err("locked");
        assert_eq!((failure.kind, failure.retry_after_s), (FailureKind::Locked, Some(60)));
        assert!(check_lock(at(100), at(100)).is_ok());
    }

    #[test]
    fn a_login_names_one_account() {
        let login = |json: &str| serde_json::from_str::<Login>(json).expect("parses").name();
        assert_eq!(login(r#"{"email":" Ada@Example.com","password":"x"}"#), Ok("ada@example.com".to_owned()));
        assert!(login(r#"{"email":"a","username":"b","password":"x"}"#).is_err());
        assert!(login(r#"{"password":"x"}"#).is_err());
    }

    #[test]
    fn an_access_token_is_good_for_an_hour_a_refresh_token_for_thirty_days_and_a_lock_for_a_quarter_of_an_hour() {
        assert_eq!(token_expiry(at(100)), Ok(TokenExpiry { access: at(100 + 3_600), refresh: at(100 + 2_592_000) }));
        assert_eq!(locked_until(at(100)), Ok(at(100 + 900)));
        assert!(locked_until(Timestamp::MAX).is_err());
    }
}
