//! What notifications tell.

use crate::{
    id::{OrderId, UserId},
    notification::{Channel, Template},
    text::{MessageText, Subject},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody is to be written to by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRequested {
    /// Whom.
    pub user_id: UserId,
    /// About which order, if about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// How.
    pub channel: Channel,
    /// What: name of the template.
    pub template: Template,
    /// Its subject.
    pub subject: Subject,
    /// What it says.
    pub text: MessageText,
}

/// Somebody was told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationSent {
    /// About which order, if about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Who.
    pub user_id: UserId,
    /// How.
    pub channel: Channel,
    /// What: name of the template.
    pub template: Template,
}
