//! User accounts and tokens.

use crate::{id, rfc3339};
use domain::{
    address::Address,
    client::{Client, TokenRefusal},
    id::UserId,
    personal_data::{ExportedContext, PersonalDataPart},
    session::{ACCESS_TOKEN_SECONDS, Session},
    user::{Role, User},
    verification::ContactKind,
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A user account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserView {
    /// Id of the user.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// E-mail address, its domain in the script that people read.
    pub email: String,
    /// Login name.
    pub username: String,
    /// Full name.
    pub full_name: Option<String>,
    /// Phone number in E.164 format.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<Address>,
    /// Role of the user.
    pub role: &'static str,
    /// `active`, or `disabled` by an admin.
    pub status: &'static str,
    /// Whether the e-mail address is verified.
    pub email_verified: bool,
    /// Whether the phone number is verified.
    pub phone_verified: bool,
    /// Version, incremented by each change.
    pub version: u64,
    /// Registration time.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: id(user.id.0),
            email: user.email.display(),
            username: user.username.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(|name| name.as_str().to_owned()),
            phone: user.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            address: user.address.clone(),
            role: user.role.name(),
            status: user.status.name(),
            email_verified: user.verified.contains(&ContactKind::Email),
            phone_verified: user.verified.contains(&ContactKind::Phone),
            version: user.version,
            created_at: rfc3339(user.created_at),
        }
    }
}

/// A token pair (RFC 6749, section 5.1).
#[derive(Clone, Serialize, JsonSchema)]
pub struct TokenView {
    /// Access token for the `Authorization` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
    /// Refresh token; null if it is in a cookie.
    pub refresh_token: Option<String>,
}

impl TokenView {
    /// The pair of a session, or its access token alone.
    pub fn new(access_token: String, refresh_token: Option<String>) -> Self {
        Self { access_token, token_type: "Bearer", expires_in: ACCESS_TOKEN_SECONDS, refresh_token }
    }
}

/// The secret of a second factor that is not active yet.
#[derive(Clone, Serialize, JsonSchema)]
pub struct TotpView {
    /// The secret in base32, to type into an authenticator app.
    pub secret: String,
    /// The same as a URI, to show as a QR code.
    pub otpauth_uri: String,
}

impl TotpView {
    /// A secret of the account with this e-mail address.
    pub fn new(secret: String, email: &str) -> Self {
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        let account: String = email.bytes().map(encode).collect();
        let otpauth_uri = format!(
            "otpauth://totp/Quayside:{account}?secret={secret}&issuer=Quayside&algorithm=SHA1&digits=6&period=30"
        );
        Self { secret, otpauth_uri }
    }
}

/// Recovery codes, which are shown only once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct RecoveryCodesView {
    /// Each finishes one login without the device.
    pub recovery_codes: Vec<String>,
}

/// An access token of a service client (RFC 6749, section 5.1).
#[derive(Clone, Serialize, JsonSchema)]
pub struct ServiceTokenView {
    /// Access token for the `Authorization` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
}

impl ServiceTokenView {
    /// An access token that was issued now.
    pub fn new(access_token: String) -> Self {
        Self { access_token, token_type: "Bearer", expires_in: ACCESS_TOKEN_SECONDS }
    }
}

/// Why no token was issued (RFC 6749, section 5.2).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TokenRefusalView {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
    pub error: &'static str,
    /// What is wrong, for the developer of the client.
    pub error_description: &'static str,
}

impl From<TokenRefusal> for TokenRefusalView {
    fn from(refusal: TokenRefusal) -> Self {
        Self { error: refusal.code(), error_description: refusal.description() }
    }
}

/// A service client.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClientView {
    /// Id of the client: its `client_id`.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// What the client is, for people.
    pub name: String,
    /// Role of the client: always `service`.
    pub role: &'static str,
    /// Id of the admin who created it.
    #[schemars(extend("format" = "uuid"))]
    pub created_by: String,
    /// When it was created.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Until when the secret before the current one is valid, if there was one.
    #[schemars(extend("format" = "date-time"))]
    pub previous_secret_valid_until: Option<String>,
}

impl From<&Client> for ClientView {
    fn from(client: &Client) -> Self {
        Self {
            id: id(client.id.0),
            name: client.name.as_str().to_owned(),
            role: Role::Service.name(),
            created_by: id(client.created_by.0),
            created_at: rfc3339(client.created_at),
            previous_secret_valid_until: client.previous_valid_until.map(rfc3339),
        }
    }
}

/// A service client with its secret, which is shown only once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ClientSecretView {
    /// The client.
    #[serde(flatten)]
    pub client: ClientView,
    /// Secret of the client: its `client_secret`.
    pub secret: String,
}

impl ClientSecretView {
    /// A client and its new secret.
    pub fn new(client: &Client, secret: String) -> Self {
        Self { client: ClientView::from(client), secret }
    }
}

/// A session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionView {
    /// Id of the session.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// When it began, by a login.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When its last tokens were issued.
    #[schemars(extend("format" = "date-time"))]
    pub refreshed_at: String,
    /// When it ends unless it is refreshed before.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
    /// Whether the request belongs to it.
    pub is_current: bool,
}

impl SessionView {
    /// A session, and whether the request belongs to it.
    pub fn new(session: &Session, is_current: bool) -> Self {
        Self {
            id: id(session.id.0),
            created_at: rfc3339(session.created_at),
            refreshed_at: rfc3339(session.refreshed_at),
            expires_at: rfc3339(session.expires_at),
            is_current,
        }
    }
}

/// A verification that was requested.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerificationView {
    /// The address that a token is sent to: `email` or `phone`.
    pub channel: &'static str,
}

impl From<ContactKind> for VerificationView {
    fn from(kind: ContactKind) -> Self {
        Self { channel: kind.name() }
    }
}

/// Everything that is held about a person, or a part of it.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ExportView {
    /// Id of the user.
    #[schemars(extend("format" = "uuid"))]
    pub user_id: String,
    /// When this part was exported.
    #[schemars(extend("format" = "date-time"))]
    pub exported_at: String,
    /// By the name of the part of the system that holds it: `identity`, `orders`, `payments`, `invoices`, `notifications`.
    pub contexts: BTreeMap<String, ExportedContextView>,
    /// Cursor of the following part; null in the last one. Most people's data are one part.
    pub next_cursor: Option<String>,
}

/// What one part of the system holds about a person.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ExportedContextView {
    /// What there is once: the profile, the contact, preferences; in the first part only.
    pub about: Map<String, Value>,
    /// What there is many times, oldest first: sessions, orders, payments, invoices, notifications.
    pub records: Vec<Value>,
}

impl ExportView {
    /// The view of a part.
    pub fn new(user: UserId, part: PersonalDataPart, now: Timestamp) -> Self {
        let view = |(name, ExportedContext { about, records })| (name, ExportedContextView { about, records });
        Self {
            user_id: id(user.0),
            exported_at: rfc3339(now),
            contexts: part.contexts.into_iter().map(view).collect(),
            next_cursor: part.next.map(|cursor| cursor.to_string()),
        }
    }
}
