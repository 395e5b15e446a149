//! Ports of notifications.

mod couriers;

pub use couriers::{ByMail, ByPush, BySms, Courier, Errand, send_once};

use crate::{Claim, Page};
use domain::{
    DomainEvent, Event,
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{Channel, Logged, Outcome, Preferences, Suppression, Template},
    text::{DeviceToken, Email, FullName, Phone},
};
use kernel::{Failure, Idempotency, Settled, StoredReply, Timestamp, Uuid};

/// Where to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub user_id: UserId,
    /// Address.
    pub email: Email,
    /// How to address them.
    pub name: Option<FullName>,
    /// Telephone.
    pub phone: Option<Phone>,
}

/// A device that shows notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id here.
    pub id: DeviceId,
    /// What the push service calls it: an ARN.
    pub endpoint: String,
    /// When its app last entered it.
    pub entered_at: Timestamp,
}

/// The most devices of one person: who enters another loses the one that was entered longest ago.
pub const MOST_DEVICES: usize = 10;

/// Somebody who is to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Where to write to.
    pub contact: Contact,
    /// How they want to be told.
    pub preferences: Preferences,
    /// Why their address takes no more mail, if it does not.
    pub suppressed: Option<Suppression>,
    /// Their devices, at most [`MOST_DEVICES`].
    pub devices: Vec<Device>,
}

impl Addressee {
    /// Somebody who never said anything, and about whom nobody did.
    pub fn usual(contact: Contact) -> Self {
        Self { contact, preferences: Preferences::default(), suppressed: None, devices: Vec::new() }
    }

    /// Whether they want to be told by `channel`.
    pub fn wants(&self, channel: Channel) -> bool {
        self.preferences.channels.contains(&channel)
    }

    /// Why they cannot be told by `channel`, if they cannot.
    pub fn hindrance(&self, channel: Channel) -> Option<Outcome> {
        match channel {
            Channel::Email => self.suppressed.map(|_| Outcome::Suppressed),
            Channel::Sms => self.contact.phone.is_none().then_some(Outcome::NoAddress),
            Channel::Push => self.devices.is_empty().then_some(Outcome::NoAddress),
        }
    }
}

/// Contacts, and what was sent to them.
pub trait ContactBook {
    /// Remembers a contact; doing it twice changes nothing.
    async fn remember(&self, claim: Claim, contact: &Contact) -> Result<(), Failure>;

    /// Finds one, with all that telling them something takes.
    async fn find(&self, user: UserId) -> Result<Option<Addressee>, Failure>;

    /// Whether the message that this claim stands for was sent, or given up.
    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure>;

    /// Keeps that it was sent, with its event, a `NotificationSent`, and what that says in the log; `false` when that is known
    /// already.
    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure>;

    /// Keeps in the log that `about` was not sent, and why; once a claim.
    async fn not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        why: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure>;
}

/// What the back office writes by hand, and what was written at all.
pub trait NotificationDesk {
    /// Keeps that something is to be sent, as `event` says, with the answer to its request. The key with another body is `Invalid`,
    /// code `idempotency-key-reused`.
    async fn request(&self, key: &Idempotency, reply: &StoredReply, event: &Event) -> Result<Settled, Failure>;

    /// The answer that was kept under a key, if there is one; takes no key. Failures as for `request`.
    async fn recall(&self, key: &Idempotency) -> Result<Option<Settled>, Failure>;

    /// A page of what was sent about an order, or was to be, oldest first.
    async fn log(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Page<Logged>, Failure>;
}

/// How people want to be told.
pub trait PreferenceBook {
    /// What somebody wants; the usual, when they never said.
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure>;

    /// Keeps what they want, in place of what they wanted before.
    async fn prefer(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure>;
}

/// Devices that show notices.
pub trait DeviceBook {
    /// Keeps that a device is `user`'s, and nobody else's any more: it has changed hands. Answers its id, which is the one given unless
    /// it is known by another. Beyond [`MOST_DEVICES`] those that were entered longest ago are forgotten.
    async fn keep_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure>;

    /// Forgets a device of `user`, if there is such a one.
    async fn drop_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure>;

    /// Forgets a device that the push service does not reach any more, unless it was entered again since.
    async fn forget_device(&self, device: &Device) -> Result<(), Failure>;
}

/// A letter that came back, or was complained about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedMail {
    /// The id of the delivery that it was of, where it says so.
    pub delivery: Option<Uuid>,
    /// Why.
    pub why: Suppression,
    /// The addresses that get no more for that: none, where it was the letter's or the mailbox's passing trouble.
    pub closes: Vec<Email>,
}

/// What became of mail after it was handed over.
pub trait FeedbackBook {
    /// Keeps what became of a letter, and which addresses get no more. Doing it twice changes nothing; what is known first stays.
    async fn returned(&self, mail: &ReturnedMail, now: Timestamp) -> Result<(), Failure>;
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

/// The same in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// About what.
    pub title: String,
    /// What there is to say.
    pub text: String,
}

/// Mail.
pub trait Mailer {
    /// Hands a letter over, marked with the id of what it is sent for, which comes back with what becomes of it. An address that is
    /// refused for good is `Invalid`.
    async fn send(&self, letter: &Letter, delivery: Uuid) -> Result<(), Failure>;
}

/// Text messages.
pub trait Texter {
    /// Hands a text message over. `false` when the number is refused for good.
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure>;
}

/// Notices on devices.
pub trait Pusher {
    /// Hands a notice over to the device behind `endpoint`; a second one under the same `mark` takes the place of the first on the
    /// device. `false` when the device is not reached that way any more.
    async fn send(&self, endpoint: &str, note: &Note, mark: &str) -> Result<bool, Failure>;
}

/// The push service's own list of devices.
pub trait DeviceDirectory {
    /// Enters a device, or finds it there, able to be reached; answers what it is called. A token that is refused is `Invalid`;
    /// where there are no notices at all it is a `Conflict`, code `no-notices`.
    async fn enter(&self, token: &DeviceToken) -> Result<String, Failure>;
}

/// Letters and notes from templates, in the language of who gets them.
pub trait LetterWriter {
    /// Writes `template` with `data` as a letter.
    fn write(&self, template: Template, to: &Addressee, data: &DomainEvent) -> Result<Letter, Failure>;

    /// Writes it in a few words.
    fn note(&self, template: Template, to: &Addressee, data: &DomainEvent) -> Result<Note, Failure>;
}
