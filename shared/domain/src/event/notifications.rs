//! Events of the notifications context.

use crate::{
    channel::{Channel, Template},
    id::{OrderId, UserId},
    text::{MessageText, Subject},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Staff requested a manual notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRequested {
    /// Id of the recipient.
    pub user_id: UserId,
    /// Id of the order that the notification is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Channel to send on.
    pub channel: Channel,
    /// Template of the notification.
    pub template: Template,
    /// Subject of the message.
    pub subject: Subject,
    /// Body of the message.
    pub text: MessageText,
}

/// A notification was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationSent {
    /// Id of the order that the notification is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Id of the recipient.
    pub user_id: UserId,
    /// Channel that it was sent on.
    pub channel: Channel,
    /// Template of the notification.
    pub template: Template,
}
