//! Endpoints of webhooks, and attempts to deliver to them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    DomainEvent, Event,
    id::{DeliveryId, EndpointId},
    webhook::{self, DeliveryStatus, Endpoint, SendError},
};
use futures_util::future::join_all;
use kernel::{EventContext, Failure, FailureKind, Timestamp, time};
use ports::{DueDelivery, LeaseLimits, Sealer, WebhookEndpoints, WebhookMessage, WebhookQueue, WebhookSender};

/// First attempts that are under way at once, so that receivers that respond slowly do not hold back the events of others: fewer than the
/// batches that `webhook-enqueue` handles at once. The sweep attempts the rest.
const FIRST_ATTEMPTS: LeaseLimits = LeaseLimits { total: 10, per_endpoint: 2 };

/// A secret in the form in which Standard Webhooks shows it.
pub fn shown_webhook_secret(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The endpoint with this id. Fails if there is none, and while it is disabled.
pub async fn enabled_endpoint(endpoints: &impl WebhookEndpoints, id: EndpointId) -> Result<Endpoint, Failure> {
    let endpoint = endpoints.endpoint(id).await?.ok_or_else(|| Failure::not_found("webhook endpoint"))?;
    endpoint.check_enabled()?;
    Ok(endpoint)
}

/// Makes attempts, all at the same time.
#[derive(Debug)]
pub struct WebhookAttempts<'a, W, S, H> {
    pub webhooks: &'a W,
    pub sealer: &'a S,
    pub sender: &'a H,
    pub context: &'a EventContext<'a>,
}

/// Result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookAttempt {
    pub is_delivered: bool,
    /// Whether the endpoint was disabled after it.
    pub is_disabled: bool,
}

impl<W: WebhookQueue, S: Sealer, H: WebhookSender> WebhookAttempts<'_, W, S, H> {
    /// Attempts and concludes each of the leased deliveries. One that fails to be concluded does not prevent the others.
    pub async fn make(&self, due: &[DueDelivery]) -> Vec<Result<WebhookAttempt, Failure>> {
        join_all(due.iter().map(|one| self.make_one(one))).await
    }

    /// Attempts the deliveries of a new event, if few others are under way and their endpoints are not failing.
    pub async fn make_first(&self, event: DeliveryId) -> Result<Vec<Result<WebhookAttempt, Failure>>, Failure> {
        let now = self.context.now;
        let due = self.webhooks.lease_first(event, now, self.lease_until()?, FIRST_ATTEMPTS).await?;
        Ok(self.make(&due).await)
    }

    /// Attempts one delivery that is due; `None` if another process does.
    pub async fn make_now(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<Option<WebhookAttempt>, Failure> {
        let now = self.context.now;
        match self.webhooks.lease_one(endpoint, delivery, now, self.lease_until()?).await? {
            Some(due) => self.make_one(&due).await.map(Some),
            None => Ok(None),
        }
    }

    /// Until when attempts that begin now are leased.
    pub fn lease_until(&self) -> Result<Timestamp, Failure> {
        time::seconds_after(self.context.now, webhook::LEASE_SECONDS)
    }

    async fn make_one(&self, due: &DueDelivery) -> Result<WebhookAttempt, Failure> {
        let DueDelivery { delivery, endpoint, .. } = due;
        let (now, id, jitter) = (self.context.now, delivery.id.to_string(), self.jitter());
        let result = match self.secrets(endpoint).await {
            Ok(secrets) => {
                let (url, body) = (&endpoint.url, &*delivery.payload);
                self.sender.send_webhook(&WebhookMessage { url, id, timestamp: now, body, secrets }).await
            }
            Err(failure) if failure.kind == FailureKind::Internal => Err(SendError::SecretUnreadable),
            Err(failure) => return Err(failure),
        };
        let result = webhook::conclude(delivery.attempts, endpoint.failing_since, result, jitter, now)?;
        let notice = result
            .disable
            .filter(|_| due.has_contact)
            .map(|reason| webhook::disabled_notice(endpoint, reason))
            .transpose()?;
        let notice: Option<Event> =
            notice.map(|notice| self.context.event::<DomainEvent>(endpoint.created_by, 1, notice));
        let is_disabled = self.webhooks.conclude_attempt(due, &result, notice.as_ref(), now).await?;
        Ok(WebhookAttempt { is_delivered: result.status == DeliveryStatus::Delivered, is_disabled })
    }

    /// The secrets that sign now.
    async fn secrets(&self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>, Failure> {
        let (data, mut secrets) = (Endpoint::associated_data(endpoint.id), Vec::new());
        for sealed in endpoint.signing_secrets(self.context.now) {
            secrets.push(self.sealer.open(&data, sealed).await?);
        }
        Ok(secrets)
    }

    /// The random end of an id.
    fn jitter(&self) -> u16 {
        let [.., high, low] = *self.context.ids.next().as_bytes();
        u16::from_be_bytes([high, low])
    }
}
