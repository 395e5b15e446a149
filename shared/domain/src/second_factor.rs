//! Second factors: one-time passwords by time (TOTP, RFC 6238), and recovery codes for whoever has lost the device.

use crate::{user::Role, verification::Token};
use kernel::{Failure, FailureKind, Timestamp, seconds_after};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::{borrow::Cow, fmt, ops::RangeInclusive};

/// Seconds for which a code is shown.
pub const STEP_S: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Steps that the clock of a device may be ahead or behind.
const DRIFT: i64 = 1;
/// Recovery codes of an account.
pub const RECOVERY_CODES: usize = 10;
/// Seconds within which a login is to be finished.
pub const LOGIN_S: i64 = 300;
/// How often a login may be tried to be finished.
pub const MAX_ATTEMPTS: i32 = 5;
/// Seconds for which a token to set up a second factor is valid.
const ENROLMENT_S: i64 = 600;

/// The steps whose codes are accepted at a time.
pub fn accepted_steps(now: Timestamp) -> RangeInclusive<i64> {
    let step = now.as_second() / STEP_S;
    step - DRIFT..=step + DRIFT
}

/// When a login that has to be finished expires.
pub fn login_expiry(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, LOGIN_S)
}

/// When a token to set up a second factor expires.
pub fn enrolment_expiry(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, ENROLMENT_S)
}

/// A code: six digits. Spaces, as some devices show them, are ignored.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Code(String);

impl Code {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let digits: String = text.chars().filter(|one| *one != ' ').take(DIGITS + 1).collect();
        match digits.len() == DIGITS && digits.bytes().all(|one| one.is_ascii_digit()) {
            true => Ok(Self(digits)),
            false => Err(format!("must have {DIGITS} digits")),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{6}$" })
    }
}

/// A request for the secret of a second factor.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginTotp {
    pub current_password: String,
}

/// A code of the device, to activate a second factor or to renew its recovery codes.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    /// What the device shows.
    pub code: Code,
}

/// A request to remove the own second factor.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveTotp {
    pub current_password: String,
    /// What the device shows.
    pub code: Code,
}

/// A request to finish a login, with a code or a recovery code.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishLogin {
    /// From the problem `mfa-required`.
    pub mfa_token: String,
    /// What the device shows.
    #[serde(default)]
    code: Option<Code>,
    /// One of those that were shown when the second factor was activated.
    #[serde(default)]
    recovery_code: Option<String>,
}

/// What proves to have a second factor.
#[derive(Clone, PartialEq, Eq)]
pub enum FactorResponse {
    Code(Code),
    /// `None` for what no recovery code can be.
    RecoveryCode(Option<Token>),
}

impl FinishLogin {
    pub fn proof(&self) -> Result<FactorResponse, Failure> {
        match (&self.code, &self.recovery_code) {
            (Some(code), None) => Ok(FactorResponse::Code(code.clone())),
            (None, Some(text)) => Ok(FactorResponse::RecoveryCode(Token::parse(text))),
            _ => Err(Failure::field("/code", "must be given, or /recovery_code, but not both")),
        }
    }
}

/// The second factor of an account, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The encrypted secret.
    pub sealed: String,
    /// Whether a code has shown that the device has the secret. Before, it has no effect.
    pub is_active: bool,
}

/// Who needs a second factor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MfaPolicy(Vec<Role>);

impl MfaPolicy {
    /// Parses roles of persons that are separated by commas; `None` if one is none.
    pub fn parse(text: &str) -> Option<Self> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let role = |name| Role::parse(name).filter(|role| matches!(role, Role::Customer | Role::Staff | Role::Admin));
        names.map(role).collect::<Option<Vec<_>>>().map(Self)
    }

    pub fn requires(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// The roles that need one.
    pub fn roles(&self) -> &[Role] {
        &self.0
    }
}

/// The password is right, and the login is to be finished with the token.
pub fn mfa_required(token: String) -> Failure {
    let detail = "Finish the login with a code at POST /api/v1/users/login/mfa.";
    Failure::new(FailureKind::Unauthenticated, "mfa-required", detail).with_member("mfa_token", token.into())
}

/// The password is right, and the account must get a second factor first, with the token.
pub fn enrolment_required(token: String) -> Failure {
    let detail = "This account needs a second factor; set one up with the token, and log in again.";
    Failure::new(FailureKind::Unauthenticated, "mfa-enrolment-required", detail)
        .with_member("enrolment_token", token.into())
}

/// The failure to finish a login whose token is wrong, used, expired or was tried too often.
pub fn invalid_login_token() -> Failure {
    let detail = "The token is wrong, was used or tried too often, or has expired; please log in again.";
    Failure::new(FailureKind::Unauthenticated, "invalid-mfa-token", detail)
}

/// The failure of a code at a login.
pub fn wrong_code() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "wrong-code", "The code is wrong or was used already.")
}

/// The failure of a code elsewhere.
pub fn wrong_code_field() -> Failure {
    Failure::field("/code", "is wrong or was used already")
}

/// The failure to set up a second factor where one is active.
pub fn already_active() -> Failure {
    let detail = "A second factor is active; remove it first.";
    Failure::new(FailureKind::Conflict, "totp-active", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_step_and_its_neighbours_are_accepted() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        assert_eq!((accepted_steps(at(59)), accepted_steps(at(60))), (0..=2, 1..=3));
    }

    #[test]
    fn code_has_six_digits() {
        let code = |text: &str| Code::try_from(text.to_owned()).map(|code| code.as_str().to_owned());
        assert_eq!(code("123 456"), Ok("123456".to_owned()));
        for wrong in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"] {
            assert!(code(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn login_is_finished_with_one_proof() {
        let proof = |json| serde_json::from_value::<FinishLogin>(json).expect("parses").proof();
        assert!(matches!(
            proof(serde_json::json!({ "mfa_token": "t", "code": "123456" })),
            Ok(FactorResponse::Code(_))
        ));
        let none = serde_json::json!({ "mfa_token": "t", "recovery_code": "x" });
        assert!(matches!(proof(none), Ok(FactorResponse::RecoveryCode(None))));
        assert!(proof(serde_json::json!({ "mfa_token": "t" })).is_err());
        assert!(proof(serde_json::json!({ "mfa_token": "t", "code": "123456", "recovery_code": "x" })).is_err());
    }

    #[test]
    fn policy_names_roles_of_persons() {
        let policy = MfaPolicy::parse("staff, admin").expect("valid");
        assert!(policy.requires(Role::Staff) && policy.requires(Role::Admin) && !policy.requires(Role::Customer));
        assert_eq!(MfaPolicy::parse(""), Some(MfaPolicy::default()));
        assert_eq!((MfaPolicy::parse("root"), MfaPolicy::parse("service")), (None, None));
    }
}
