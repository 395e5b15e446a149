//! Ports of notifications.

mod channels;

pub use channels::{EmailChannel, NotificationChannel, NotificationJob, PushChannel, SmsChannel, send_once};

use crate::{Claim, Page};
use domain::{
    DomainEvent, Event,
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{Channel, NotificationLogEntry, Outcome, Preferences, Suppression, Template},
    text::{DeviceToken, Email, FullName, Phone},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};

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
    pub registered_at: Timestamp,
}

/// The most devices of one person: who enters another loses the one that was entered longest ago.
pub const MAX_DEVICES: usize = 10;

/// Somebody who is to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Where to write to.
    pub contact: Contact,
    /// How they want to be told.
    pub preferences: Preferences,
    /// Why their address takes no more mail, if it does not.
    pub suppressed: Option<Suppression>,
    /// Their devices, at most [`MAX_DEVICES`].
    pub devices: Vec<Device>,
}

impl Recipient {
    /// Somebody who never said anything, and about whom nobody did.
    pub fn with_defaults(contact: Contact) -> Self {
        Self { contact, preferences: Preferences::default(), suppressed: None, devices: Vec::new() }
    }

    /// Whether they want to be told by `channel`.
    pub fn opted_in(&self, channel: Channel) -> bool {
        self.preferences.channels.contains(&channel)
    }

    /// Why they cannot be told by `channel`, if they cannot.
    pub fn blocked_reason(&self, channel: Channel) -> Option<Outcome> {
        match channel {
            Channel::Email => self.suppressed.map(|_| Outcome::Suppressed),
            Channel::Sms => self.contact.phone.is_none().then_some(Outcome::NoAddress),
            Channel::Push => self.devices.is_empty().then_some(Outcome::NoAddress),
        }
    }
}

/// Contacts, and what was sent to them.
pub trait ContactStore {
    /// Remembers a contact; doing it twice changes nothing.
    async fn save(&self, claim: Claim, contact: &Contact) -> Result<(), Failure>;

    /// Finds one, with all that telling them something takes.
    async fn find(&self, user: UserId) -> Result<Option<Recipient>, Failure>;

    /// Whether the message that this claim stands for was sent, or given up.
    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure>;

    /// Keeps that it was sent, with its event, a `NotificationSent`, and what that says in the log; `false` when that is known
    /// already.
    async fn record_sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure>;

    /// Keeps in the log that `about` was not sent, and why; once a claim.
    async fn record_not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        why: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure>;
}

/// What the back office writes by hand, and what was written at all.
pub trait NotificationRequests {
    /// Keeps that something is to be sent, as `event` says, with the answer to its request. The key with another body is `Invalid`,
    /// code `idempotency-key-reused`.
    async fn request(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// The answer that was kept under a key, if there is one; takes no key. Failures as for `request`.
    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// A page of what was sent about an order, or was to be, oldest first.
    async fn delivery_log(
        &self,
        order: OrderId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<NotificationLogEntry>, Failure>;
}

/// How people want to be told.
pub trait PreferenceStore {
    /// What somebody wants; the usual, when they never said.
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure>;

    /// Keeps what they want, in place of what they wanted before.
    async fn set_preferences(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure>;
}

/// Devices that show notices.
pub trait DeviceStore {
    /// Keeps that a device is `user`'s, and nobody else's any more: it has changed hands. Answers its id, which is the one given unless
    /// it is known by another. Beyond [`MAX_DEVICES`] those that were entered longest ago are forgotten.
    async fn save_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure>;

    /// Forgets a device of `user`, if there is such a one.
    async fn remove_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure>;

    /// Forgets a device that the push service does not reach any more, unless it was entered again since.
    async fn prune_device(&self, device: &Device) -> Result<(), Failure>;
}

/// A letter that came back, or was complained about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailFeedback {
    /// The id of the delivery that it was of, where it says so.
    pub delivery: Option<Uuid>,
    /// Why.
    pub why: Suppression,
    /// The addresses that get no more for that: none, where it was the letter's or the mailbox's passing trouble.
    pub suppress: Vec<Email>,
}

/// What became of mail after it was handed over.
pub trait EmailFeedbackStore {
    /// Keeps what became of a letter, and which addresses get no more. Doing it twice changes nothing; what is known first stays.
    async fn record_feedback(&self, mail: &EmailFeedback, now: Timestamp) -> Result<(), Failure>;
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailMessage {
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
pub struct ShortMessage {
    /// About what.
    pub title: String,
    /// What there is to say.
    pub text: String,
}

/// Mail.
pub trait EmailSender {
    /// Hands a letter over, marked with the id of what it is sent for, which comes back with what becomes of it. An address that is
    /// refused for good is `Invalid`.
    async fn send(&self, letter: &EmailMessage, delivery: Uuid) -> Result<(), Failure>;
}

/// Text messages.
pub trait SmsSender {
    /// Hands a text message over. `false` when the number is refused for good.
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure>;
}

/// Notices on devices.
pub trait PushSender {
    /// Hands a notice over to the device behind `endpoint`; a second one under the same `mark` takes the place of the first on the
    /// device. `false` when the device is not reached that way any more.
    async fn send(&self, endpoint: &str, note: &ShortMessage, mark: &str) -> Result<bool, Failure>;
}

/// The push service's own list of devices.
pub trait PushEndpoints {
    /// Enters a device, or finds it there, able to be reached; answers what it is called. A token that is refused is `Invalid`;
    /// where there are no notices at all it is a `Conflict`, code `push-not-configured`.
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure>;
}

/// Letters and notes from templates, in the language of who gets them.
pub trait MessageTemplates {
    /// Writes `template` with `data` as a letter.
    fn render_email(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<EmailMessage, Failure>;

    /// Writes it in a few words.
    fn render_short(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<ShortMessage, Failure>;
}
