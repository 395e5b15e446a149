//! Events of the identity context.

use crate::{
    id::UserId,
    text::{Email, FullName, Phone, Username},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserRegistered {
    /// Id of the user.
    pub user_id: UserId,
    /// E-mail address.
    pub email: Email,
    /// Login name.
    pub username: Username,
    /// Full name, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<FullName>,
    /// Phone number, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}
