//! Ports of notifications.

use crate::{Claim, Page};
use domain::{
    DomainEvent, Event,
    event::NotificationSent,
    id::{OrderId, UserId},
    notification::{Logged, Template},
    text::{Email, FullName},
};
use kernel::{Failure, Idempotency, Settled, StoredReply};

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

    /// Keeps that it was sent, with its event, a `NotificationSent`, and what that says in the log; `false` when that is known
    /// already.
    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure>;
}

/// What the back office writes by hand, and what was written at all.
pub trait NotificationDesk {
    /// Keeps that something is to be sent, as `event` says, with the answer to its request. The key with another body is `Invalid`,
    /// code `idempotency-key-reused`.
    async fn request(&self, key: &Idempotency, reply: &StoredReply, event: &Event) -> Result<Settled, Failure>;

    /// Keeps a refusal as the answer to a request.
    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure>;

    /// A page of what was sent about an order, oldest first.
    async fn log(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Page<Logged>, Failure>;
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

/// Writes and sends the letter `sent` about `about`, unless it was sent for this claim before, and keeps that it was, with `event`.
///
/// Mail cannot be part of a transaction: between handing a letter over and keeping that it was sent, a crash sends it again.
/// At least once, and once but for that.
pub async fn send_once(
    contacts: &impl ContactBook,
    letters: &impl LetterWriter,
    mailer: &impl Mailer,
    claim: Claim,
    about: &DomainEvent,
    sent: &NotificationSent,
    event: &Event,
) -> Result<(), Failure> {
    if contacts.was_sent(claim).await? {
        return Ok(());
    }
    let on_its_way = || Failure::unavailable("contact", "the customer's contact has not arrived yet");
    let contact = contacts.find(sent.user_id).await?.ok_or_else(on_its_way)?;
    mailer.send(&letters.write(sent.template, &contact, about)?).await?;
    contacts.sent(claim, event).await.map(drop)
}

/// Letters from templates.
pub trait LetterWriter {
    /// Writes `template` with `data` for `contact`.
    fn write(&self, template: Template, contact: &Contact, data: &DomainEvent) -> Result<Letter, Failure>;
}
