//! Notifications: what is told to customers, and how.

use crate::{
    event::NotificationSent,
    id::{OrderId, UserId},
    text::{MessageText, Subject},
};
use kernel::{Timestamp, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By mail.
    Email,
}

impl Channel {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Email].into_iter().find(|channel| channel.name() == name)
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

/// What can be sent by hand: news of orders are sent by their events, and by nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
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
    pub template: ByHand,
    /// What is put into it.
    pub data: Message,
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

/// Something that was sent, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The event that it was sent for.
    pub id: Uuid,
    /// What, and to whom.
    pub sent: NotificationSent,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_and_a_template_have_one_word_on_the_wire_and_in_the_database() {
        for template in Template::ALL {
            assert_eq!(serde_json::to_value(template).expect("serializes"), template.name());
            assert_eq!(Template::parse(template.name()), Some(template));
        }
        assert_eq!(serde_json::to_value(Channel::Email).expect("serializes"), Channel::Email.name());
        assert_eq!(
            (Channel::parse("email"), Channel::parse("sms"), Template::parse("")),
            (Some(Channel::Email), None, None)
        );
    }
}
