//! Ports of outbound webhooks.

use crate::Page;
use domain::{
    Event,
    id::{DeliveryId, EndpointId},
    webhook::{AttemptResult, Endpoint, SendError, WebhookDelivery, WebhookUrl},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

/// The endpoints that staff register.
pub trait WebhookEndpoints {
    /// Stores a new endpoint, once for a key, whose response is stored with it.
    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Failure>;

    /// A page of all endpoints, newest first.
    async fn endpoints(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Endpoint>, Failure>;

    /// Replaces the version before `endpoint`; `false` if another is stored. Since when it has been failing stays as attempts recorded it, unless
    /// its URL or its status changes. Pending deliveries to an endpoint that is disabled fail.
    async fn replace_endpoint(&self, endpoint: &Endpoint) -> Result<bool, Failure>;

    /// Deletes an endpoint with its deliveries; `false` if there is none, or if another version than `version` is stored.
    async fn delete_endpoint(&self, id: EndpointId, version: Option<u64>) -> Result<bool, Failure>;
}

/// The log of deliveries to an endpoint.
pub trait WebhookLog {
    /// A page of the deliveries to an endpoint, newest first; `None` without such an endpoint.
    async fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<WebhookDelivery>>, Failure>;

    /// Adds a delivery to an existing endpoint.
    async fn add_delivery(&self, delivery: &WebhookDelivery) -> Result<(), Failure>;

    /// Makes a delivery due at `now`, with all its attempts before it; `None` if there is none.
    async fn retry_delivery(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<WebhookDelivery>, Failure>;
}

/// A delivery that is leased, and its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// As leased: `attempts` counts the attempt that is to be made.
    pub delivery: WebhookDelivery,
    pub endpoint: Endpoint,
    /// When it became due.
    pub due_at: Timestamp,
    /// Whether the creator of the endpoint can be written to; accounts that `database-migrate` made have no contact.
    pub has_contact: bool,
}

/// Most deliveries that are leased at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLimits {
    pub total: u32,
    /// So that an endpoint with many deliveries does not delay the others.
    pub per_endpoint: u32,
}

/// Deliveries that are due.
pub trait WebhookQueue {
    /// Adds a delivery of the event `id` to each enabled endpoint that subscribed to its type, once each. Returns how many are new.
    async fn enqueue(&self, id: DeliveryId, event_type: &str, payload: &str, now: Timestamp) -> Result<u64, Failure>;

    /// Leases deliveries to enabled endpoints that are due at `now`, the oldest of each endpoint before the second of any, and counts an attempt
    /// of each. Until `lease_until` no other invocation leases them; after that they are due again, unless the attempt was concluded.
    async fn lease_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure>;

    /// Leases the deliveries of the event `id` that are due at `now` and were never attempted, as [`WebhookQueue::lease_due`] does, but none to
    /// an endpoint that is failing, and none beyond `limits`, which here are those of all first attempts under way.
    async fn lease_first(
        &self,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure>;

    /// Leases one delivery that is due at `now`, whatever else is under way; `None` if it is not due, or its endpoint is disabled.
    async fn lease_one(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueDelivery>, Failure>;

    /// Concludes the leased attempt at `now`: the delivery gets the result, and its endpoint remembers since when it
    /// has been failing. An endpoint to disable is disabled, its pending deliveries fail, and `notice`, if any, is
    /// committed with that. Returns whether it was disabled. Nothing changes if the delivery was leased again since. The version of the endpoint
    /// stays, so that an edit does not conflict with attempts, unless the endpoint is disabled: its status is edited, too.
    async fn conclude_attempt(
        &self,
        due: &DueDelivery,
        result: &AttemptResult,
        notice: Option<&Event>,
        now: Timestamp,
    ) -> Result<bool, Failure>;
}

/// A message in the form of Standard Webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookMessage<'a> {
    pub url: &'a WebhookUrl,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: the time of the attempt.
    pub timestamp: Timestamp,
    pub body: &'a str,
    /// The secrets that sign it.
    pub secrets: Vec<Vec<u8>>,
}

pub trait WebhookSender {
    /// Sends a message and returns the status of the response, whose body is not read. Redirects are not followed.
    async fn send_webhook(&self, message: &WebhookMessage<'_>) -> Result<u16, SendError>;
}
