//! Outbound webhooks: endpoints that staff register, and deliveries of events to them, as <https://www.standardwebhooks.com> says.

mod schedule;
mod target;
#[cfg(test)]
mod tests;

pub use schedule::{AttemptResult, LEASE_SECONDS, MAX_ATTEMPTS, conclude};
pub use target::{WebhookTargets, WebhookUrl, is_public};

use crate::{
    event::NotificationRequested,
    id::{DeliveryId, EndpointId, UserId},
    notification::{Channel, Template},
    text::{EndpointDescription, MessageText, Subject},
};
use kernel::{Failure, FailureKind, Timestamp, time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, collections::BTreeSet};

/// Seconds for which the previous secret of an endpoint signs, too.
pub const SECRET_OVERLAP_SECONDS: i64 = 24 * 3600;
/// Days for which deliveries are kept.
pub const RETENTION_DAYS: i64 = 30;
/// The event type of a test delivery.
pub const TEST_EVENT: &str = "webhook.test";

words! {
    /// Whether events are delivered to an endpoint.
    pub enum EndpointStatus {
        Enabled,
        Disabled,
    }

    /// Why an endpoint is disabled.
    pub enum DisabledReason {
        /// Staff disabled it.
        Requested,
        /// It failed for days.
        Failing,
        /// It responded 410 Gone.
        Gone,
    }

    /// Status of a delivery.
    pub enum DeliveryStatus {
        /// Not yet delivered; there is a next attempt.
        Pending,
        /// The endpoint responded with a 2xx status.
        Delivered,
        /// Given up, after the last attempt or because the endpoint was disabled.
        Failed,
    }

    /// Why an attempt got no response.
    pub enum SendError {
        /// The URL or an address of its host is not one that webhooks are sent to.
        AddressRefused,
        /// There was no connection, or it broke.
        ConnectionFailed,
        /// There was no response in time.
        TimedOut,
        /// The stored secret could not be read, so that nothing was sent.
        SecretUnreadable,
    }
}

/// The name of an event that endpoints may subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct EventType(&'static str);

impl EventType {
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = catalog::WEBHOOK_EVENTS.iter().find(|event| event.name == name);
        known.map(|event| Self(event.name)).ok_or_else(|| "must be an event type that webhooks are sent for".to_owned())
    }

    pub fn name(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl From<EventType> for String {
    fn from(event: EventType) -> Self {
        event.0.to_owned()
    }
}

impl JsonSchema for EventType {
    fn schema_name() -> Cow<'static, str> {
        "EventType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = catalog::WEBHOOK_EVENTS.iter().map(|event| event.name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// The events of an endpoint: at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<EventType>")]
#[schemars(extend("minItems" = 1))]
pub struct EventTypes(BTreeSet<EventType>);

impl EventTypes {
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|event| event.name()).collect()
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|event| event.name() == name)
    }
}

impl TryFrom<Vec<EventType>> for EventTypes {
    type Error = String;
    fn try_from(events: Vec<EventType>) -> Result<Self, String> {
        if events.is_empty() {
            return Err("must name at least one event type".to_owned());
        }
        Ok(Self(events.into_iter().collect()))
    }
}

/// A request to create an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEndpoint {
    pub url: WebhookUrl,
    pub event_types: EventTypes,
    #[serde(default)]
    pub description: Option<EndpointDescription>,
}

/// A request to replace the members of an endpoint that staff edit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEndpoint {
    pub url: WebhookUrl,
    pub event_types: EventTypes,
    #[serde(default)]
    pub description: Option<EndpointDescription>,
    pub status: EndpointStatus,
}

/// A secret that signed before the current one, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    pub sealed: String,
    /// It does not sign from then on.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    pub url: WebhookUrl,
    pub event_types: EventTypes,
    pub description: Option<EndpointDescription>,
    pub status: EndpointStatus,
    /// Set while it is disabled.
    pub disabled_reason: Option<DisabledReason>,
    /// The secret that signs, sealed with [`Endpoint::associated_data`].
    pub secret: String,
    pub previous_secret: Option<PreviousSecret>,
    /// Since when all attempts have failed.
    pub failing_since: Option<Timestamp>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Counts the edits, and that it was disabled; not what attempts record.
    pub version: u64,
}

impl Endpoint {
    /// Associated data with which the secrets of an endpoint are sealed.
    pub fn associated_data(id: EndpointId) -> String {
        format!("webhook-endpoint/{id}")
    }

    /// The sealed secrets that sign at `now`, the current one first.
    pub fn signing_secrets(&self, now: Timestamp) -> Vec<&str> {
        let previous = self.previous_secret.iter().filter(|previous| previous.expires_at > now);
        std::iter::once(self.secret.as_str()).chain(previous.map(|previous| previous.sealed.as_str())).collect()
    }

    /// Fails unless events are delivered to it.
    pub fn check_enabled(&self) -> Result<(), Failure> {
        match self.status {
            EndpointStatus::Enabled => Ok(()),
            EndpointStatus::Disabled => {
                let detail = "The endpoint is disabled; enable it first.";
                Err(Failure::new(FailureKind::Conflict, "endpoint-disabled", detail))
            }
        }
    }
}

/// A delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The id of the event, and the `webhook-id` of the message; unique together with the endpoint.
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub event_type: String,
    /// The body, as it is signed.
    pub payload: String,
    pub status: DeliveryStatus,
    /// Attempts so far; since the last retry by hand.
    pub attempts: u32,
    /// Set while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    pub last_attempt_at: Option<Timestamp>,
    /// Status of the last response.
    pub response_status: Option<u16>,
    /// Why the last attempt got no response.
    pub error: Option<SendError>,
    pub created_at: Timestamp,
}

/// A new endpoint, enabled.
pub fn create(
    id: EndpointId,
    command: CreateEndpoint,
    targets: &WebhookTargets,
    (created_by, secret): (UserId, String),
    now: Timestamp,
) -> Result<Endpoint, Failure> {
    targets.check(&command.url)?;
    Ok(Endpoint {
        id,
        url: command.url,
        event_types: command.event_types,
        description: command.description,
        status: EndpointStatus::Enabled,
        disabled_reason: None,
        secret,
        previous_secret: None,
        failing_since: None,
        created_by,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

/// The next version of an endpoint. One that is enabled again, or has another URL, starts without a record of failures.
pub fn update(
    endpoint: &Endpoint,
    command: UpdateEndpoint,
    targets: &WebhookTargets,
    now: Timestamp,
) -> Result<Endpoint, Failure> {
    targets.check(&command.url)?;
    let disabled_reason = match command.status {
        EndpointStatus::Enabled => None,
        EndpointStatus::Disabled => endpoint.disabled_reason.or(Some(DisabledReason::Requested)),
    };
    let is_as_before = endpoint.status == command.status && endpoint.url == command.url;
    Ok(Endpoint {
        url: command.url,
        event_types: command.event_types,
        description: command.description,
        status: command.status,
        disabled_reason,
        failing_since: endpoint.failing_since.filter(|_| is_as_before),
        updated_at: now,
        version: endpoint.version + 1,
        ..endpoint.clone()
    })
}

/// The next version of an endpoint with another secret. The one before signs, too, until the returned time.
pub fn rotate_secret(endpoint: &Endpoint, secret: String, now: Timestamp) -> Result<(Endpoint, Timestamp), Failure> {
    let expires_at = time::seconds_after(now, SECRET_OVERLAP_SECONDS)?;
    let previous_secret = Some(PreviousSecret { sealed: endpoint.secret.clone(), expires_at });
    let version = endpoint.version + 1;
    Ok((Endpoint { secret, previous_secret, updated_at: now, version, ..endpoint.clone() }, expires_at))
}

/// A pending delivery of a message with this type and data, due at once.
pub fn delivery(
    (endpoint_id, id): (EndpointId, DeliveryId),
    event_type: &str,
    payload: String,
    now: Timestamp,
) -> WebhookDelivery {
    WebhookDelivery {
        id,
        endpoint_id,
        event_type: event_type.to_owned(),
        payload,
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: Some(now),
        last_attempt_at: None,
        response_status: None,
        error: None,
        created_at: now,
    }
}

/// The body of a message.
pub fn payload(event_type: &str, timestamp: Timestamp, data: &serde_json::Value) -> String {
    serde_json::json!({ "type": event_type, "timestamp": timestamp.to_string(), "data": data }).to_string()
}

/// The e-mail that tells the creator of an endpoint that it was disabled.
pub fn disabled_notice(endpoint: &Endpoint, reason: DisabledReason) -> Result<NotificationRequested, Failure> {
    let cause = match reason {
        DisabledReason::Gone => "It responded 410 Gone.",
        DisabledReason::Failing | DisabledReason::Requested => "All deliveries to it have failed for five days.",
    };
    let origin = endpoint.url.origin();
    let text = format!(
        "The webhook endpoint {} at {origin} was disabled. {cause} Pending deliveries to it were given up. Enable it again when it can receive events, \
        and retry deliveries that you need.",
        endpoint.id
    );
    Ok(NotificationRequested {
        user_id: endpoint.created_by,
        order_id: None,
        channel: Channel::Email,
        template: Template::Message,
        subject: Subject::parse("A webhook endpoint was disabled").map_err(Failure::internal)?,
        text: MessageText::parse(&text).map_err(Failure::internal)?,
    })
}

/// The stored version of an endpoint is another one.
pub fn version_mismatch() -> Failure {
    let detail = "The endpoint has changed; fetch it and retry with its current version.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}
