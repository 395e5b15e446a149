//! Endpoints of webhooks, and deliveries to them.

use crate::{id, rfc3339};
use domain::{
    text::EndpointDescription,
    webhook::{
        DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, EventTypes, SendError, WebhookDelivery, WebhookUrl,
    },
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// An endpoint of webhooks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WebhookEndpointView {
    /// Id of the endpoint.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Where events are sent to.
    pub url: WebhookUrl,
    /// The events that are sent.
    pub event_types: EventTypes,
    /// What the endpoint is for.
    pub description: Option<EndpointDescription>,
    /// Whether events are sent.
    pub status: EndpointStatus,
    /// Why it is disabled; null while it is enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// Since when all attempts have failed; null if the last one succeeded.
    #[schemars(extend("format" = "date-time"))]
    pub failing_since: Option<String>,
    /// Until when the secret before the current one signs, too; null if only one signs.
    #[schemars(extend("format" = "date-time"))]
    pub previous_secret_expires_at: Option<String>,
    /// Id of the user who created it, who is notified when it is disabled.
    #[schemars(extend("format" = "uuid"))]
    pub created_by: String,
    /// Time of creation.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Time of the last edit, or when it was disabled.
    #[schemars(extend("format" = "date-time"))]
    pub updated_at: String,
    /// Version, incremented by each edit, and when it is disabled; not by deliveries.
    pub version: u64,
}

impl From<&Endpoint> for WebhookEndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: id(endpoint.id.0),
            url: endpoint.url.clone(),
            event_types: endpoint.event_types.clone(),
            description: endpoint.description.clone(),
            status: endpoint.status,
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since.map(rfc3339),
            previous_secret_expires_at: endpoint.previous_secret.as_ref().map(|previous| rfc3339(previous.expires_at)),
            created_by: id(endpoint.created_by.0),
            created_at: rfc3339(endpoint.created_at),
            updated_at: rfc3339(endpoint.updated_at),
            version: endpoint.version,
        }
    }
}

impl WebhookEndpointView {
    /// All that the representation depends on: the version, and since when the endpoint has been failing, which deliveries record.
    pub fn etag(&self) -> String {
        let failing = self.failing_since.iter().map(|since| format!("-{since}"));
        format!("{}{}", self.version, failing.collect::<String>())
    }

    /// Whether an ETag is of this version of an endpoint, failing or not. Staff change what the version counts: a delivery that has failed
    /// since, or succeeded, does not invalidate their change.
    pub fn is_tag_of(tag: &str, version: u64) -> bool {
        tag.split('-').next() == Some(version.to_string().as_str())
    }
}

/// A new endpoint of webhooks, with its secret.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NewWebhookEndpointView {
    /// Id of the endpoint.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// The secret that signs, as libraries of Standard Webhooks take it. It is not shown again.
    pub secret: String,
    /// Where events are sent to.
    pub url: WebhookUrl,
    /// The events that are sent.
    pub event_types: EventTypes,
    /// What the endpoint is for.
    pub description: Option<EndpointDescription>,
    /// Whether events are sent.
    pub status: EndpointStatus,
    /// Id of the user who created it, who is notified when it is disabled.
    #[schemars(extend("format" = "uuid"))]
    pub created_by: String,
    /// Time of creation.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Version, incremented by each change.
    pub version: u64,
}

impl NewWebhookEndpointView {
    /// The view of `endpoint`; `secret` is in the form in which it is shown.
    pub fn new(endpoint: &Endpoint, secret: String) -> Self {
        Self {
            id: id(endpoint.id.0),
            secret,
            url: endpoint.url.clone(),
            event_types: endpoint.event_types.clone(),
            description: endpoint.description.clone(),
            status: endpoint.status,
            created_by: id(endpoint.created_by.0),
            created_at: rfc3339(endpoint.created_at),
            version: endpoint.version,
        }
    }
}

/// The new secret of an endpoint.
#[derive(Clone, Serialize, JsonSchema)]
pub struct WebhookSecretView {
    /// The secret that signs, as libraries of Standard Webhooks take it. It is not shown again.
    pub secret: String,
    /// Until when the secret before it signs, too.
    #[schemars(extend("format" = "date-time"))]
    pub previous_secret_expires_at: String,
}

impl WebhookSecretView {
    /// The view of a secret in the form in which it is shown.
    pub fn new(secret: String, previous_expires_at: Timestamp) -> Self {
        Self { secret, previous_secret_expires_at: rfc3339(previous_expires_at) }
    }
}

/// A delivery of an event to an endpoint.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WebhookDeliveryView {
    /// Id of the event and of its message (`webhook-id`).
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Type of the event.
    pub event_type: String,
    /// `pending`, `delivered` or `failed`.
    pub status: DeliveryStatus,
    /// Attempts so far, since the last retry by hand.
    pub attempts: u32,
    /// Time of the last attempt.
    #[schemars(extend("format" = "date-time"))]
    pub last_attempt_at: Option<String>,
    /// Status of the last response; null if there was none.
    pub response_status: Option<u16>,
    /// Why the last attempt got no response; null if it did.
    pub error: Option<SendError>,
    /// Time of the next attempt; null unless the delivery is pending.
    #[schemars(extend("format" = "date-time"))]
    pub next_attempt_at: Option<String>,
    /// Time at which the delivery was created.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl From<&WebhookDelivery> for WebhookDeliveryView {
    fn from(delivery: &WebhookDelivery) -> Self {
        Self {
            id: id(delivery.id.0),
            event_type: delivery.event_type.clone(),
            status: delivery.status,
            attempts: delivery.attempts,
            last_attempt_at: delivery.last_attempt_at.map(rfc3339),
            response_status: delivery.response_status,
            error: delivery.error,
            next_attempt_at: delivery.next_attempt_at.map(rfc3339),
            created_at: rfc3339(delivery.created_at),
        }
    }
}
