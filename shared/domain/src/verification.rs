//! Verification of contact addresses by a token that is sent to them.

pub use crate::account_status::ContactKind;
use crate::{
    DomainEvent,
    event::{ContactVerified, unexpected_event},
    id::UserId,
    message_limits::{CallingCodes, MessageBudgets},
    text::Phone,
};
use kernel::{Failure, FailureKind, Timestamp, Uuid, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;

/// How often the token of one message may be tried.
pub const MAX_ATTEMPTS: i32 = 5;
/// Seconds for which a token is valid: a day, since people read mail late.
pub const VALID_S: i64 = 24 * 3600;

/// A request to send a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestVerification {
    pub channel: ContactKind,
}

/// A request to verify the address that a token was sent to.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyContact {
    pub token: String,
}

/// Crockford's base 32: no letter is mistaken for another or for a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 20;
/// The beginning, by which a token is found. The rest is 75 random bits.
const SELECTOR: usize = 5;

/// A token as it is sent: four groups of five characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of random bytes.
    pub fn from_random(bytes: &[u8; LENGTH]) -> Self {
        Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    /// Reads a token as people type it: in any case, with or without hyphens, and with the letters that look like digits.
    pub fn parse(text: &str) -> Option<Self> {
        let typed = text.chars().filter(|one| !matches!(one, '-' | ' ')).map(|one| match one.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let token: String = typed.take(LENGTH + 1).collect();
        (token.len() == LENGTH && token.bytes().all(|one| ALPHABET.contains(&one))).then_some(Self(token))
    }

    /// The text to send.
    pub fn text(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH).step_by(5).filter_map(|at| self.0.get(at..at + 5)).collect();
        groups.join("-")
    }

    /// The part by which the token is found.
    pub fn selector(&self) -> &str {
        self.0.get(..SELECTOR).unwrap_or_default()
    }

    /// All characters, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The addresses of a user, and which of them are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contacts {
    pub email: String,
    pub phone: Option<String>,
    pub verified: Vec<ContactKind>,
}

impl Contacts {
    /// The address of this kind; `Invalid` if there is none, `Conflict`, code `already-verified`, if there is nothing to verify.
    pub fn to_verify(&self, kind: ContactKind) -> Result<&str, Failure> {
        if self.verified.contains(&kind) {
            let detail = "This address is verified already.";
            return Err(Failure::new(FailureKind::Conflict, "already-verified", detail));
        }
        match kind {
            ContactKind::Email => Ok(&self.email),
            ContactKind::Phone => {
                self.phone.as_deref().ok_or_else(|| Failure::field("/channel", "is not one that this customer has"))
            }
        }
    }

    /// Like [`Self::to_verify`]; `Invalid` also for a phone number in a country to which no text messages are sent.
    pub fn to_verify_in(&self, countries: &CallingCodes, kind: ContactKind) -> Result<&str, Failure> {
        let address = self.to_verify(kind)?;
        if kind == ContactKind::Phone {
            let phone =
                Phone::parse(address).map_err(|_| Failure::internal("a stored phone number cannot be parsed"))?;
            countries.check("/channel", &phone)?;
        }
        Ok(address)
    }
}

/// A token that was sent and not used yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Id of the event that asked for it.
    pub id: Uuid,
    pub user_id: UserId,
    pub kind: ContactKind,
    pub address: String,
    pub digest: String,
    /// Version of the user when it was read.
    pub version: u64,
}

impl Verification {
    /// The event that the address is verified.
    pub fn verified(&self) -> ContactVerified {
        ContactVerified { user_id: self.user_id, channel: self.kind, address: self.address.clone() }
    }
}

/// Whose address, and which, an event asks to verify: the e-mail address at registration, or what the customer requested.
pub fn requested_by(event: &DomainEvent) -> Result<(UserId, ContactKind), Failure> {
    match event {
        DomainEvent::UserRegistered(user) => Ok((user.user_id, ContactKind::Email)),
        DomainEvent::ContactVerificationRequested(request) => Ok((request.user_id, request.channel)),
        other => Err(unexpected_event(other)),
    }
}

/// When a token that is sent `now` expires.
pub fn expires_at(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, VALID_S)
}

/// The failure for every token that verifies nothing. It does not say why.
pub fn invalid_token() -> Failure {
    Failure::field("/token", "is wrong, was used already or has expired; please request another")
}

/// The failure of a request for more messages than a customer may cause, or an address may get.
pub fn too_many_requests(quota: &MessageBudgets) -> Failure {
    let detail = "Too many verifications were requested; please try again later.";
    let interval = quota.per_customer.interval_s().max(quota.per_address.interval_s());
    Failure {
        retry_after_s: Some(interval.unsigned_abs()),
        ..Failure::new(FailureKind::RateLimited, "too-many-verifications", detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::from_random(&[0, 1, 18, 20, 31, 32, 33, 255, 16, 17, 0, 0, 0, 0, 0, 9, 9, 9, 9, 10])
    }

    #[test]
    fn token_is_read_as_people_type_it() {
        assert_eq!(token().text(), "01JMZ-01ZGH-00000-9999A");
        for typed in ["01JMZ-01ZGH-00000-9999A", "oljmz 0izgh ooooo 9999a", "01JMZ01ZGH000009999A"] {
            assert_eq!(Token::parse(typed), Some(token()), "{typed}");
        }
        for wrong in ["", "01JMZ", "01JMZ-01ZGH-00000-9999AA", "U1JMZ-01ZGH-00000-9999A", "ä1JMZ-01ZGH-00000-9999A"] {
            assert_eq!(Token::parse(wrong), None, "{wrong}");
        }
        assert_eq!((token().selector(), format!("{:?}", token())), ("01JMZ", "Token(…)".to_owned()));
    }

    #[test]
    fn only_an_unverified_address_that_exists_can_be_verified() {
        let contacts = Contacts { email: "ada@example.com".to_owned(), phone: None, verified: vec![] };
        assert_eq!(contacts.to_verify(ContactKind::Email), Ok("ada@example.com"));
        assert_eq!(contacts.to_verify(ContactKind::Phone).expect_err("no phone").fields[0].pointer, "/channel");
        let verified = Contacts { verified: vec![ContactKind::Email], ..contacts };
        assert_eq!(verified.to_verify(ContactKind::Email).expect_err("verified").code, "already-verified");
    }

    #[test]
    fn words_are_the_same_on_the_wire_and_in_the_database() {
        for kind in ContactKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("serializes"), kind.name());
            assert_eq!(ContactKind::parse(kind.name()), Some(kind));
        }
    }

    #[test]
    fn number_in_a_country_without_text_messages_cannot_be_verified() {
        let contacts =
            Contacts { email: "ada@example.com".to_owned(), phone: Some("+447700900123".to_owned()), verified: vec![] };
        let codes = |text| CallingCodes::parse(text).expect("codes");
        assert_eq!(contacts.to_verify_in(&codes("44"), ContactKind::Phone), Ok("+447700900123"));
        assert_eq!(contacts.to_verify_in(&codes("49"), ContactKind::Email), Ok("ada@example.com"));
        let refused = contacts.to_verify_in(&codes("49"), ContactKind::Phone).expect_err("not listed");
        assert_eq!(refused.fields[0].pointer, "/channel");
    }

    #[test]
    fn token_expires_after_a_day_and_the_slower_budget_says_when_to_try_again() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        assert_eq!(expires_at(at(100)), Ok(at(86_500)));
        assert_eq!(too_many_requests(&MessageBudgets::daily(5, 10)).retry_after_s, Some(17_280));
    }
}
