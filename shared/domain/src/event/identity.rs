//! Events of the identity context.

use crate::{
    account_status::{AccountStatus, ContactKind},
    id::UserId,
    text::{Email, FullName, Phone, Username},
};
use kernel::Uuid;
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
    /// Role that an admin invited the user with. A user who registered is a customer and has none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub role: Option<String>,
}

/// An account was changed, by its user or by an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserUpdated {
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
    /// Role of the user.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub role: String,
    /// Whether the user may log in.
    pub status: AccountStatus,
    /// The verified e-mail address that this change replaced, which is notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_email: Option<Email>,
    /// The verified phone number that this change replaced or removed, which is notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_phone: Option<Phone>,
}

/// An account was deleted. Its orders and invoices stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserDeleted {
    /// Id of the user.
    pub user_id: UserId,
}

/// The personal data of a user is to be erased. Orders and invoices stay, under the id of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserErased {
    /// Id of the user.
    pub user_id: UserId,
}

/// The second factor of an account was removed, by its user or by an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondFactorRemoved {
    /// Id of the user.
    pub user_id: UserId,
    /// Id of the user or the admin who removed it.
    pub removed_by: UserId,
}

/// Somebody asked for a new password for an e-mail address, whether an account has it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasswordResetRequested {
    /// Id of the request.
    pub request_id: Uuid,
    /// E-mail address, as it was typed.
    pub email: Email,
}

/// A user asked for a token to verify an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactVerificationRequested {
    /// Id of the user.
    pub user_id: UserId,
    /// Which address is to be verified.
    pub channel: ContactKind,
}

/// An address of a user was verified. A user who changes the address has to verify the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactVerified {
    /// Id of the user.
    pub user_id: UserId,
    /// Which address was verified.
    pub channel: ContactKind,
    /// The address.
    pub address: String,
}
