//! Ports of notifications.

use crate::Claim;
use domain::{
    Event,
    id::UserId,
    text::{Email, FullName},
};
use kernel::Failure;

/// Where to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub user_id: UserId,
    /// Address.
    pub email: Email,
    /// How to address them.
    pub name: Option<FullName>,
}

/// Contacts, and what was sent to them.
pub trait ContactBook {
    /// Remembers a contact; doing it twice changes nothing.
    async fn remember(&self, claim: Claim, contact: &Contact) -> Result<(), Failure>;

    /// Finds one.
    async fn find(&self, user: UserId) -> Result<Option<Contact>, Failure>;

    /// Whether the message that this claim stands for was sent.
    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure>;

    /// Keeps that it was sent, with its event; `false` when that is known already.
    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure>;
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// About what.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// Mail.
pub trait Mailer {
    /// Hands a letter over. An address that is refused for good is `Invalid`.
    async fn send(&self, letter: &Letter) -> Result<(), Failure>;
}

/// Letters from templates.
pub trait LetterWriter {
    /// Writes `template` with `data` for `contact`.
    fn write(&self, template: &str, contact: &Contact, data: &domain::DomainEvent) -> Result<Letter, Failure>;
}
