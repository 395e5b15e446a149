//! Notifications to customers: preferences, outcomes, manual messages and the delivery log.

pub use crate::channel::{Channel, Template};

use crate::{
    DomainEvent,
    event::{NotificationRequested, NotificationSent},
    id::{OrderId, UserId},
    sms,
    text::{DeviceToken, MessageText, Subject},
};
use kernel::{Failure, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

words! {
    /// The language of notifications, as a BCP 47 tag. Its word is also the directory of the templates.
    #[derive(Default)]
    pub enum Locale {
        /// English.
        #[default]
        En,
        /// German.
        De,
    }
}

/// The notification settings of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// Notifications are sent on each of these channels; on none if empty.
    pub channels: BTreeSet<Channel>,
    pub locale: Locale,
}

impl Default for Preferences {
    /// E-mail in English, for users who have not set preferences.
    fn default() -> Self {
        Self { channels: [Channel::Email].into(), locale: Locale::En }
    }
}

words! {
    /// Why an e-mail address is suppressed.
    pub enum Suppression {
        /// An e-mail bounced permanently.
        Bounced,
        /// The recipient marked an e-mail as spam.
        Complained,
    }
}

words! {
    /// The outcome of a notification.
    pub enum NotificationOutcome {
        /// Accepted by the provider.
        Sent,
        /// Not sent: the user has no phone number or device.
        NoAddress,
        /// Not sent: the provider rejected the phone number permanently.
        Rejected,
        /// Not sent: the e-mail address is suppressed.
        Suppressed,
        /// Not sent: the customer has not verified the address.
        Unverified,
        /// Not sent: no text messages are sent to the country of the phone number.
        CountryNotServed,
        /// Not sent: the customer or the address got as many messages as their budget has.
        QuotaExceeded,
        /// Sent, and bounced.
        Bounced,
        /// Sent, and marked as spam.
        Complained,
    }
}

impl From<Suppression> for NotificationOutcome {
    fn from(suppression: Suppression) -> Self {
        match suppression {
            Suppression::Bounced => Self::Bounced,
            Suppression::Complained => Self::Complained,
        }
    }
}

/// The notification of an event on `channel`; `None` for events without a notification.
pub fn for_event(event: &DomainEvent, channel: Channel) -> Option<NotificationSent> {
    let (order_id, user_id, template) = match event {
        DomainEvent::OrderConfirmed(order) => (order.order_id, order.user_id, Template::OrderConfirmed),
        DomainEvent::OrderCancelled(order) => (order.order_id, order.user_id, Template::OrderCancelled),
        DomainEvent::OrderWaiting(order) => (order.order_id, order.user_id, Template::OrderWaiting),
        DomainEvent::OrderShipped(order) => (order.order_id, order.user_id, Template::OrderShipped),
        DomainEvent::OrderDelivered(order) => (order.order_id, order.user_id, Template::OrderDelivered),
        _ => return None,
    };
    Some(NotificationSent { order_id: Some(order_id), user_id, channel, template })
}

words! {
    /// The templates that staff may send; all others are sent for events only.
    pub enum ManualTemplate {
        /// A message written by staff.
        Message,
    }
}

/// A request to send a manual notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendNotification {
    pub user_id: UserId,
    pub channel: Channel,
    pub template: ManualTemplate,
    pub data: Message,
}

impl SendNotification {
    /// Checks the length of the message against the limits of the channel.
    pub fn check(&self) -> Result<(), Failure> {
        match self.channel.max_message_chars() {
            Some(max) if self.data.length() > max => {
                let detail = format!("must be at most {max} characters on this channel, including the subject");
                return Err(Failure::field("/data/text", detail));
            }
            _ => {}
        }
        match self.channel {
            Channel::Sms => self.data.check_segments(),
            Channel::Email | Channel::Push => Ok(()),
        }
    }

    /// The event that requests the notification.
    pub fn requested(self) -> NotificationRequested {
        NotificationRequested {
            user_id: self.user_id,
            order_id: self.data.order_id,
            channel: self.channel,
            template: self.template.into(),
            subject: self.data.subject,
            text: self.data.text,
        }
    }
}

impl From<ManualTemplate> for Template {
    fn from(template: ManualTemplate) -> Self {
        match template {
            ManualTemplate::Message => Self::Message,
        }
    }
}

/// A message written by staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub subject: Subject,
    pub text: MessageText,
    /// The order that the message is about, if any.
    #[serde(default)]
    pub order_id: Option<OrderId>,
}

impl Message {
    /// Characters of subject and text.
    fn length(&self) -> usize {
        self.subject.as_str().chars().count() + self.text.as_str().chars().count()
    }

    /// Checks the size of the message as an SMS, which is its subject, a colon and its text.
    fn check_segments(&self) -> Result<(), Failure> {
        let size = sms::size(&format!("{}: {}", self.subject.as_str(), self.text.as_str()));
        if size.segments <= sms::MAX_SEGMENTS {
            return Ok(());
        }
        let detail = format!(
            "must fit into {} SMS segments of {} units in {}, with the subject; it takes {}",
            sms::MAX_SEGMENTS,
            size.alphabet.units_per_segment().1,
            size.alphabet.name(),
            size.segments,
        );
        Err(Failure::field("/data/text", detail))
    }
}

/// A request to register a device for push notifications.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// Registration token of the push service.
    pub token: DeviceToken,
}

/// An entry of the delivery log: a notification that was sent, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLogEntry {
    /// Id of the event that caused the notification; unique together with the channel.
    pub id: Uuid,
    pub sent: NotificationSent,
    pub outcome: NotificationOutcome,
    pub at: Timestamp,
}

impl DeliveryLogEntry {
    /// The cursor of the page that starts after this entry.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.id, self.sent.channel.name())
    }
}

/// Parses the cursor of a page of the delivery log.
pub fn parse_cursor(text: &str) -> Result<(Uuid, Channel), Failure> {
    let parse = || {
        let (id, channel) = text.split_once('.')?;
        Some((id.parse().ok()?, Channel::parse(channel)?))
    };
    parse().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_on_the_wire_and_in_the_database() {
        for template in Template::ALL {
            assert_eq!(serde_json::to_value(template).expect("serializes"), template.name());
            assert_eq!(Template::parse(template.name()), Some(template));
        }
        for channel in Channel::ALL {
            assert_eq!(serde_json::to_value(channel).expect("serializes"), channel.name());
            assert_eq!(Channel::parse(channel.name()), Some(channel));
        }
        for locale in Locale::ALL {
            assert_eq!(serde_json::to_value(locale).expect("serializes"), locale.name());
            assert_eq!(Locale::parse(locale.name()), Some(locale));
        }
        for suppression in [Suppression::Bounced, Suppression::Complained] {
            assert_eq!(Suppression::parse(suppression.name()), Some(suppression));
            assert_eq!(NotificationOutcome::from(suppression).name(), suppression.name());
        }
        for outcome in NotificationOutcome::ALL {
            assert_eq!(NotificationOutcome::parse(outcome.name()), Some(outcome));
        }
        assert_eq!((Channel::parse("fax"), Template::parse(""), Locale::parse("EN")), (None, None, None));
        assert_eq!((Suppression::parse("sent"), NotificationOutcome::parse("")), (None, None));
    }

    #[test]
    fn cursor_round_trips_and_malformed_cursors_are_rejected() {
        let id = Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00e1);
        let sent = NotificationSent {
            order_id: None,
            user_id: UserId(Uuid::nil()),
            channel: Channel::Sms,
            template: Template::Message,
        };
        let entry = DeliveryLogEntry { id, sent, outcome: NotificationOutcome::Sent, at: Timestamp::UNIX_EPOCH };
        assert_eq!(parse_cursor(&entry.cursor()), Ok((id, Channel::Sms)));
        for wrong in ["", "x", "x.sms", &id.to_string(), &format!("{id}.fax")] {
            assert_eq!(parse_cursor(wrong).expect_err("no cursor").fields[0].pointer, "?cursor", "{wrong}");
        }
    }

    #[test]
    fn only_order_updates_have_notifications() {
        let (order, user) = (Uuid::from_u128(1), Uuid::from_u128(2));
        // Unknown members are ignored, so that one body serves all events.
        let data = serde_json::json!({
            "order_id": order, "user_id": user, "payment_id": Uuid::nil(), "lines": [], "reason": "timed_out",
            "total_amount": { "amount": 1, "currency": "USD" }, "placed_at": "2026-11-21T08:45:00Z",
            "shipping_address": {
                "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
            },
            "channel": "email", "template": "message",
        });
        let event = |row: &catalog::Event| -> DomainEvent {
            serde_json::from_value(serde_json::json!({ "type": row.name, "data": data })).expect("an event")
        };
        for (row, template) in [
            (catalog::ORDER_CONFIRMED, Template::OrderConfirmed),
            (catalog::ORDER_CANCELLED, Template::OrderCancelled),
            (catalog::ORDER_WAITING, Template::OrderWaiting),
            (catalog::ORDER_SHIPPED, Template::OrderShipped),
            (catalog::ORDER_DELIVERED, Template::OrderDelivered),
        ] {
            let notification = for_event(&event(row), Channel::Push);
            let (order_id, user_id) = (Some(OrderId(order)), UserId(user));
            assert_eq!(
                notification,
                Some(NotificationSent { order_id, user_id, channel: Channel::Push, template }),
                "{}",
                row.name
            );
        }
        assert_eq!(for_event(&event(catalog::NOTIFICATION_SENT), Channel::Email), None);
    }

    #[test]
    fn default_preferences_are_email_in_english() {
        let default = Preferences::default();
        assert_eq!((default.channels, default.locale), ([Channel::Email].into(), Locale::En));
    }

    #[test]
    fn sms_and_push_messages_are_limited_to_480_characters() {
        let of = |channel: Channel, length: usize| {
            let request = serde_json::json!({
                "user_id": Uuid::nil(), "channel": channel, "template": "message",
                "data": { "subject": "four", "text": "ä".repeat(length - 4) },
            });
            serde_json::from_value::<SendNotification>(request).expect("parses").check()
        };
        assert!(of(Channel::Sms, 480).is_ok() && of(Channel::Push, 480).is_ok() && of(Channel::Email, 4000).is_ok());
        for channel in [Channel::Sms, Channel::Push] {
            assert_eq!(of(channel, 481).expect_err("too long").fields[0].pointer, "/data/text");
        }
    }

    #[test]
    fn sms_is_limited_to_eight_segments_in_its_alphabet() {
        let of = |channel: Channel, text: &str| {
            let request = serde_json::json!({
                "user_id": Uuid::nil(), "channel": channel, "template": "message",
                "data": { "subject": "four", "text": text },
            });
            serde_json::from_value::<SendNotification>(request).expect("parses").check()
        };
        let emoji = "😀".repeat(476);
        assert!(of(Channel::Push, &emoji).is_ok() && of(Channel::Sms, &"字".repeat(476)).is_ok());
        let refused = of(Channel::Sms, &emoji).expect_err("15 segments");
        assert_eq!(refused.fields[0].pointer, "/data/text");
        assert!(refused.detail.contains("8 SMS segments of 67 units in UCS-2"), "{}", refused.detail);
        assert!(of(Channel::Sms, &"😀".repeat(261)).is_ok() && of(Channel::Sms, &"😀".repeat(262)).is_err());
    }
}
