//! What was told to customers.

use crate::{id, rfc3339};
use domain::{event::NotificationRequested, notification::Logged};
use kernel::{Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Serialize;

/// Something that was sent, or will be.
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
    /// `accepted`, or `sent`.
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

impl From<&Logged> for NotificationView {
    fn from(logged: &Logged) -> Self {
        Self {
            id: id(logged.id),
            user_id: id(logged.sent.user_id.0),
            order_id: logged.sent.order_id.map(|order| id(order.0)),
            channel: logged.sent.channel.name(),
            template: logged.sent.template.name(),
            status: "sent",
            at: rfc3339(logged.at),
        }
    }
}
