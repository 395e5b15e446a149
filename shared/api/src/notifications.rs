//! What was told to customers.

use crate::{id, rfc3339};
use domain::{
    event::NotificationRequested,
    id::DeviceId,
    notification::{NotificationLogEntry, Preferences},
};
use kernel::{Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Serialize;

/// How somebody wants to be told.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PreferencesView {
    /// By all of these: `email`, `sms`, `push`.
    pub channels: Vec<&'static str>,
    /// In which language: `en`, `de`.
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

/// A device that shows notices.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeviceView {
    /// Id.
    pub id: String,
}

impl From<DeviceId> for DeviceView {
    fn from(device: DeviceId) -> Self {
        Self { id: id(device.0) }
    }
}

/// Something that was sent, was to be, or will be.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NotificationView {
    /// Id: that of what it was sent for.
    pub id: String,
    /// To whom.
    pub user_id: String,
    /// About which order, if about one.
    pub order_id: Option<String>,
    /// How.
    pub channel: &'static str,
    /// Which template.
    pub template: &'static str,
    /// `accepted`; `sent`, and of mail later `bounced` or `complained`; or why it was not: `no_address`, `refused`,
    /// `suppressed`.
    pub status: &'static str,
    /// Since when.
    pub at: String,
}

impl NotificationView {
    /// What was asked for with the event `of`, and is on its way.
    pub fn accepted(of: Uuid, asked: &NotificationRequested, at: Timestamp) -> Self {
        Self {
            id: id(of),
            user_id: id(asked.user_id.0),
            order_id: asked.order_id.map(|order| id(order.0)),
            channel: asked.channel.name(),
            template: asked.template.name(),
            status: "accepted",
            at: rfc3339(at),
        }
    }
}

impl From<&NotificationLogEntry> for NotificationView {
    fn from(logged: &NotificationLogEntry) -> Self {
        Self {
            id: id(logged.id),
            user_id: id(logged.sent.user_id.0),
            order_id: logged.sent.order_id.map(|order| id(order.0)),
            channel: logged.sent.channel.name(),
            template: logged.sent.template.name(),
            status: logged.outcome.name(),
            at: rfc3339(logged.at),
        }
    }
}
