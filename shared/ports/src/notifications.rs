//! Ports of notifications.

use crate::{Claim, Page};
use domain::{
    DomainEvent, Event,
    event::{ContactVerified, NotificationSent},
    id::{DeviceId, OrderId, UserId},
    message_limits::MessageBudgets,
    message_template::{TemplateEdit, TemplateHistory, TemplateKey, TemplatePreview, TemplateTexts},
    notification::{DeliveryLogEntry, NotificationOutcome, Preferences, Suppression, Template},
    text::{DeviceToken, Email, Phone},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};

pub use domain::recipient::{Contact, Device, MAX_DEVICES, Recipient};

/// Contacts, their budgets of text messages, and a log of what was sent to them.
pub trait ContactStore {
    /// Stores a contact as of this version of the user, once per claim, unless a later version is stored.
    async fn save(&self, claim: Claim, contact: &Contact, version: u64) -> Result<(), Failure>;

    /// Removes the devices of a user, once per claim.
    async fn remove_devices(&self, claim: Claim, user: UserId) -> Result<(), Failure>;

    /// Erases contact, verified addresses, preferences, devices and suppressions of a user as of this version, once per claim. Older versions of the
    /// contact and older verifications are not stored any more.
    async fn erase(&self, claim: Claim, user: UserId, version: u64) -> Result<(), Failure>;

    /// Whether a user was erased: there is nobody to notify, and there will not be.
    async fn is_erased(&self, user: UserId) -> Result<bool, Failure>;

    /// Records, once per claim, that an address of a user is verified, unless a later version is recorded. It holds for this address
    /// alone, and may come before the contact.
    async fn record_verified(&self, claim: Claim, verified: &ContactVerified, version: u64) -> Result<(), Failure>;

    /// Finds a user as a recipient.
    async fn find(&self, user: UserId) -> Result<Option<Recipient>, Failure>;

    /// Finds a user as a recipient of `template`, with the texts that staff wrote for it in the language of the user; `None` beside the recipient
    /// if the built-in texts apply.
    async fn find_for(
        &self,
        user: UserId,
        template: Template,
    ) -> Result<Option<(Recipient, Option<TemplateTexts>)>, Failure>;

    /// Whether the notification of this claim was sent or given up.
    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure>;

    /// Takes one text message, once per claim, from the budgets of the user and of the phone number. `false` if one of them has none left.
    async fn take_message(
        &self,
        claim: Claim,
        user: UserId,
        to: &Phone,
        quota: &MessageBudgets,
        now: Timestamp,
    ) -> Result<bool, Failure>;

    /// Commits the claim, the log entry and the event, a `NotificationSent`. `false` if the claim was made before.
    async fn record_sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure>;

    /// Logs, once per claim, that a notification was not sent, and why.
    async fn record_not_sent(
        &self,
        claim: Claim,
        notification: &NotificationSent,
        reason: NotificationOutcome,
        now: Timestamp,
    ) -> Result<(), Failure>;
}

/// Notifications that staff send, and the delivery log.
pub trait NotificationRequests {
    /// Commits the event that requests a notification with the response to its request. A key that was used with another body is
    /// `Invalid`, code `idempotency-key-reused`.
    async fn request(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// The stored response to a key, if there is one. It does not reserve the key. Failures are those of `request`.
    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// A page of the log entries about an order, oldest first.
    async fn delivery_log(
        &self,
        order: OrderId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryLogEntry>, Failure>;
}

pub trait PreferenceStore {
    /// The preferences of a user; the defaults, if they set none.
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure>;

    /// Replaces the preferences of a user.
    async fn set_preferences(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure>;
}

/// Devices that receive push notifications.
pub trait DeviceStore {
    /// Stores a device for `user` and removes it from its previous owner. Returns the id of the device: the given one, unless the
    /// endpoint has one already. Removes the devices beyond [`MAX_DEVICES`] that were registered longest ago.
    async fn save_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure>;

    /// The response that is stored under a key, if any.
    async fn find_device_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Like [`Self::save_device`], once for a key, whose response is stored with the device. `reply` names the given id; if the endpoint has
    /// one already, it is stored, and returned, with that.
    async fn save_device_once(
        &self,
        user: UserId,
        device: &Device,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<(DeviceId, IdempotencyOutcome), Failure>;

    /// Removes a device of `user`, if it exists.
    async fn remove_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure>;

    /// Removes a device that the push service cannot reach any more, unless it was registered again since.
    async fn prune_device(&self, device: &Device) -> Result<(), Failure>;
}

/// A bounce or a complaint that the e-mail provider reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailFeedback {
    /// Id of the delivery that it is about, if it names one.
    pub delivery: Option<Uuid>,
    pub reason: Suppression,
    /// Addresses to suppress; empty after a transient bounce.
    pub suppress: Vec<Email>,
}

/// Stores the bounces and complaints that the e-mail provider reports after it accepted a message.
pub trait EmailFeedbackStore {
    /// Records feedback and suppresses its addresses. The first feedback about a delivery or an address stays; a repetition changes
    /// nothing.
    async fn record_feedback(&self, feedback: &EmailFeedback, now: Timestamp) -> Result<(), Failure>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailMessage {
    pub to: Email,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A text message or a push notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortMessage {
    /// Title of a push notification.
    pub title: String,
    pub text: String,
}

/// The code of a failure that says that the provider will never send to an address.
pub const EMAIL_REJECTED: &str = "email-rejected";

pub trait EmailSender {
    /// Sends a message, tagged with the id of the event that caused it, which comes back with bounces and complaints. An address that
    /// is rejected permanently is `Invalid`, code [`EMAIL_REJECTED`]; a sender that the provider does not accept is not.
    async fn send(&self, message: &EmailMessage, delivery: Uuid) -> Result<(), Failure>;
}

pub trait SmsSender {
    /// Returns `false` if the number is rejected permanently.
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure>;
}

pub trait PushSender {
    /// Sends to one endpoint. On the device, a notification replaces an earlier one with the same `tag`. Returns `false` if the
    /// endpoint cannot be reached any more.
    async fn send(&self, endpoint: &str, message: &ShortMessage, tag: &str) -> Result<bool, Failure>;
}

/// Registration of devices at the push service.
pub trait PushEndpoints {
    /// Creates or re-enables the endpoint of a device and returns its ARN. A rejected token is `Invalid`; without a push application,
    /// registration is `Conflict`, code `push-not-configured`.
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure>;
}

/// The texts of messages that staff wrote. No version is ever changed or deleted.
pub trait TemplateEdits {
    /// The edits of a message, and the texts of `version`, or else of the newest one.
    async fn template_history(&self, key: TemplateKey, version: Option<u64>) -> Result<TemplateHistory, Failure>;

    /// Adds a version; `None` for the built-in texts. `false` if the version exists.
    async fn add_edit(
        &self,
        key: TemplateKey,
        edit: &TemplateEdit,
        texts: Option<&TemplateTexts>,
    ) -> Result<bool, Failure>;
}

/// Renders notifications in the recipient's language, with the built-in texts or with those that staff wrote. What staff wrote and cannot be
/// rendered with this data is logged as an error, and the built-in texts are used instead, so that no message is lost.
pub trait MessageTemplates {
    /// Renders `template` with `data` as an e-mail.
    fn render_email(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<EmailMessage, Failure>;

    /// Renders `template` with `data` as a text message or push notification.
    fn render_short(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<ShortMessage, Failure>;

    /// The built-in texts of a message.
    fn built_in(&self, key: TemplateKey) -> Result<TemplateTexts, Failure>;

    /// Renders texts with every sample of the data of their message, and returns the first. A text that cannot be rendered with one of them, or
    /// is not allowed, is a field error with its line.
    fn preview(&self, key: TemplateKey, texts: &TemplateTexts) -> Result<TemplatePreview, Failure>;
}
