//! Notifications, preferences and devices.

use crate::{id, rfc3339};
use domain::{
    event::NotificationRequested,
    id::DeviceId,
    notification::{DeliveryLogEntry, Preferences},
};
use kernel::{Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Serialize;

/// The notification preferences of a user.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PreferencesView {
    /// Enabled channels: `email`, `sms`, `push`.
    pub channels: Vec<&'static str>,
    /// Language of notifications: `en` or `de`.
    pub locale: &'static str,
}

impl From<&Preferences> for PreferencesView {
    fn from(preferences: &Preferences) -> Self {
        Self {
            channels: preferences.channels.iter().map(|channel| channel.name()).collect(),
            locale: preferences.locale.name(),
        }
    }
}

/// A device registered for push notifications.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeviceView {
    /// Id of the device.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
}

impl From<DeviceId> for DeviceView {
    fn from(device: DeviceId) -> Self {
        Self { id: id(device.0) }
    }
}

/// A notification that was accepted, sent, or not sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NotificationView {
    /// Id of the event that caused the notification.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Id of the recipient.
    #[schemars(extend("format" = "uuid"))]
    pub user_id: String,
    /// Id of the order that the notification is about, if any.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: Option<String>,
    /// Channel of the notification.
    pub channel: &'static str,
    /// Template of the notification.
    pub template: &'static str,
    /// `accepted`, `sent` (for e-mail later possibly `bounced` or `complained`), or why it was not sent: `no_address`, `rejected`,
    /// `suppressed`, `unverified`, `country_not_served` or `quota_exceeded`.
    pub status: &'static str,
    /// Time of the status.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

impl NotificationView {
    /// A manual notification that was requested with the event `event_id` and is not sent yet.
    pub fn accepted(event_id: Uuid, request: &NotificationRequested, at: Timestamp) -> Self {
        Self {
            id: id(event_id),
            user_id: id(request.user_id.0),
            order_id: request.order_id.map(|order| id(order.0)),
            channel: request.channel.name(),
            template: request.template.name(),
            status: "accepted",
            at: rfc3339(at),
        }
    }
}

impl From<&DeliveryLogEntry> for NotificationView {
    fn from(entry: &DeliveryLogEntry) -> Self {
        Self {
            id: id(entry.id),
            user_id: id(entry.sent.user_id.0),
            order_id: entry.sent.order_id.map(|order| id(order.0)),
            channel: entry.sent.channel.name(),
            template: entry.sent.template.name(),
            status: entry.outcome.name(),
            at: rfc3339(entry.at),
        }
    }
}
