//! Channels and templates of notifications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

/// How a notification is delivered.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    IntoStaticStr,
    EnumCount,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Push notification to the customer's devices.
    Push,
}

impl Channel {
    /// Maximum length of a manual message with its subject, in characters. It fits a push payload of 4 KiB. What an SMS may take besides is
    /// [`crate::sms::MAX_SEGMENTS`].
    pub const fn max_message_chars(self) -> Option<usize> {
        match self {
            Self::Email => None,
            Self::Sms | Self::Push => Some(480),
        }
    }
}

/// The template of a notification. Its word is also the name of the template's files.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    IntoStaticStr,
    EnumCount,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Template {
    /// The order is paid and allocated.
    OrderConfirmed,
    /// The order waits for the customer, for stock or for staff.
    OrderWaiting,
    /// The order was cancelled.
    OrderCancelled,
    /// The order was shipped.
    OrderShipped,
    /// The order was delivered.
    OrderDelivered,
    /// A message written by staff.
    Message,
}

words!(Channel, Template);
