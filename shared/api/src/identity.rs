//! Accounts and tokens.

use crate::{id, rfc3339};
use domain::{address::Address, user::User};
use schemars::JsonSchema;
use serde::Serialize;

/// An account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserView {
    /// Id.
    pub id: String,
    /// Address for mail.
    pub email: String,
    /// Name here.
    pub username: String,
    /// Full name.
    pub full_name: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Where they live.
    pub address: Option<Address>,
    /// What it may do.
    pub role: &'static str,
    /// Counts changes.
    pub version: u64,
    /// When it was made.
    pub created_at: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: id(user.id.0),
            email: user.email.as_str().to_owned(),
            username: user.username.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(|name| name.as_str().to_owned()),
            phone: user.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            address: user.address.clone(),
            role: user.role.name(),
            version: user.version,
            created_at: rfc3339(user.created_at),
        }
    }
}

/// A token pair (RFC 6749, section 5.1).
#[derive(Clone, Serialize, JsonSchema)]
pub struct TokenView {
    /// For the `Authorization` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// For the next pair.
    pub refresh_token: String,
}
