//! Notifications: what is told to customers, and how.

use crate::{
    DomainEvent,
    event::NotificationSent,
    id::{OrderId, UserId},
    text::{DeviceToken, MessageText, Subject},
};
use kernel::{Failure, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The tag that a letter carries to whom carries it, and that comes back with what becomes of it: the id of its delivery.
pub const DELIVERY_TAG: &str = "delivery";

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By mail.
    Email,
    /// By a text message to their telephone.
    Sms,
    /// By a notice of the app on their devices.
    Push,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The most characters of a message by hand with its subject: four text messages in the plain alphabet of 153 characters each, eight
    /// in any other, of 67; a notice of 4 KiB takes them, too.
    pub const fn max_message_chars(self) -> Option<usize> {
        match self {
            Self::Email => None,
            Self::Sms | Self::Push => Some(480),
        }
    }
}

/// The language that somebody is written to in, as a BCP 47 tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Locale {
    /// Every language that there are templates in.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// The word on the wire and in the database, and the directory of its templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.name() == name)
    }
}

/// How somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// By all of these; by none when it is empty.
    pub channels: BTreeSet<Channel>,
    /// In which language.
    pub locale: Locale,
}

impl Default for Preferences {
    /// By mail, in English: who never said anything.
    fn default() -> Self {
        Self { channels: [Channel::Email].into(), locale: Locale::En }
    }
}

/// Why an address takes no more mail of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// It does not exist, or refuses us for good.
    Bounced,
    /// Its owner called a letter of ours unwanted.
    Complained,
}

impl Suppression {
    /// The word in the database and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Bounced, Self::Complained].into_iter().find(|one| one.name() == name)
    }
}

/// What became of something that was to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Handed over to who carries it.
    Sent,
    /// Not sent: there is no telephone number, or no device.
    NoAddress,
    /// Not sent: the number was refused for good.
    Refused,
    /// Not sent: the address bounced before, or its owner complained.
    Suppressed,
    /// Sent, and came back.
    Bounced,
    /// Sent, and complained about.
    Complained,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Sent, Self::NoAddress, Self::Refused, Self::Suppressed, Self::Bounced, Self::Complained];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NoAddress => "no_address",
            Self::Refused => "refused",
            Self::Suppressed => "suppressed",
            Self::Bounced => Suppression::Bounced.name(),
            Self::Complained => Suppression::Complained.name(),
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl From<Suppression> for Outcome {
    fn from(suppression: Suppression) -> Self {
        match suppression {
            Suppression::Bounced => Self::Bounced,
            Suppression::Complained => Self::Complained,
        }
    }
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// That an order is paid and its stock is held.
    OrderConfirmed,
    /// That an order waits for something.
    OrderWaiting,
    /// That an order was cancelled.
    OrderCancelled,
    /// That an order is on its way.
    OrderShipped,
    /// That an order arrived.
    OrderDelivered,
    /// What a person at the shop wrote.
    Message,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 6] = [
        Self::OrderConfirmed,
        Self::OrderWaiting,
        Self::OrderCancelled,
        Self::OrderShipped,
        Self::OrderDelivered,
        Self::Message,
    ];

    /// The word on the wire and in the database, and the name of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderConfirmed => "order_confirmed",
            Self::OrderWaiting => "order_waiting",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderShipped => "order_shipped",
            Self::OrderDelivered => "order_delivered",
            Self::Message => "message",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }
}

/// What an event tells the customer by `channel`; none for an event that tells them nothing by itself.
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

/// What can be sent by hand: news of orders are sent by their events, and by nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManualTemplate {
    /// What a person at the shop wrote.
    Message,
}

/// What is to be sent by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendNotification {
    /// To whom.
    pub user_id: UserId,
    /// How.
    pub channel: Channel,
    /// Which template.
    pub template: ManualTemplate,
    /// What is put into it.
    pub data: Message,
}

impl SendNotification {
    /// Whether the channel carries so long a text.
    pub fn check(&self) -> Result<(), Failure> {
        match self.channel.max_message_chars() {
            Some(most) if self.data.length() > most => Err(Failure::field(
                "/data/text",
                format!("must be at most {most} characters on this channel, with its subject"),
            )),
            _ => Ok(()),
        }
    }
}

/// What a person at the shop wrote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its subject.
    pub subject: Subject,
    /// What it says; lines may be broken.
    pub text: MessageText,
    /// About which order, if about one.
    #[serde(default)]
    pub order_id: Option<OrderId>,
}

impl Message {
    /// Characters of subject and text.
    fn length(&self) -> usize {
        self.subject.as_str().chars().count() + self.text.as_str().chars().count()
    }
}

/// A device that is to show notices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// What its push service calls the app on it.
    pub token: DeviceToken,
}

/// Something that was sent, or was to be, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationLogEntry {
    /// The event that it was sent for; with the channel, the entry's name.
    pub id: Uuid,
    /// What, how and to whom.
    pub sent: NotificationSent,
    /// What became of it.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
}

impl NotificationLogEntry {
    /// Where a page of the log begins that this entry ended the page before.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.id, self.sent.channel.name())
    }
}

/// Reads such a cursor.
pub fn parse_cursor(text: &str) -> Result<(Uuid, Channel), Failure> {
    let read = || {
        let (id, channel) = text.split_once('.')?;
        Some((id.parse().ok()?, Channel::parse(channel)?))
    };
    read().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_on_the_wire_is_the_one_in_the_database() {
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
            assert_eq!(Outcome::from(suppression).name(), suppression.name());
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.name()), Some(outcome));
        }
        assert_eq!((Channel::parse("fax"), Template::parse(""), Locale::parse("EN")), (None, None, None));
        assert_eq!((Suppression::parse("sent"), Outcome::parse("")), (None, None));
    }

    #[test]
    fn a_cursor_names_the_entry_that_ended_a_page_and_nothing_else_is_one() {
        let id = Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00e1);
        let sent = NotificationSent {
            order_id: None,
            user_id: UserId(Uuid::nil()),
            channel: Channel::Sms,
            template: Template::Message,
        };
        let logged = NotificationLogEntry { id, sent, outcome: Outcome::Sent, at: Timestamp::UNIX_EPOCH };
        assert_eq!(parse_cursor(&logged.cursor()), Ok((id, Channel::Sms)));
        for wrong in ["", "x", "x.sms", &id.to_string(), &format!("{id}.fax")] {
            assert_eq!(parse_cursor(wrong).expect_err("no cursor").fields[0].pointer, "?cursor", "{wrong}");
        }
    }

    #[test]
    fn what_becomes_of_an_order_is_news_and_nothing_else_is() {
        let (order, user) = (Uuid::from_u128(1), Uuid::from_u128(2));
        // Readers take what they know, so that one body does for all of them.
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
            let told = for_event(&event(row), Channel::Push);
            let (order_id, user_id) = (Some(OrderId(order)), UserId(user));
            assert_eq!(
                told,
                Some(NotificationSent { order_id, user_id, channel: Channel::Push, template }),
                "{}",
                row.name
            );
        }
        assert_eq!(for_event(&event(catalog::NOTIFICATION_SENT), Channel::Email), None);
    }

    #[test]
    fn who_never_said_anything_is_written_to_by_mail_in_english() {
        let usual = Preferences::default();
        assert_eq!((usual.channels, usual.locale), ([Channel::Email].into(), Locale::En));
    }

    #[test]
    fn a_telephone_takes_short_messages_only() {
        let of = |channel: Channel, length: usize| {
            let wish = serde_json::json!({
                "user_id": Uuid::nil(), "channel": channel, "template": "message",
                "data": { "subject": "four", "text": "ä".repeat(length - 4) },
            });
            serde_json::from_value::<SendNotification>(wish).expect("parses").check()
        };
        assert!(of(Channel::Sms, 480).is_ok() && of(Channel::Push, 480).is_ok() && of(Channel::Email, 4000).is_ok());
        for channel in [Channel::Sms, Channel::Push] {
            assert_eq!(of(channel, 481).expect_err("too long").fields[0].pointer, "/data/text");
        }
    }
}
