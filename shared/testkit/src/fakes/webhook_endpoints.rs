//! In-memory fake of webhooks: endpoints, deliveries, and a receiver.

use super::{Dependency, State, WebhookReceiver, Webhooks, keys::IdempotencyKeys, orders::read_cursor};
use domain::{
    Event,
    id::{DeliveryId, EndpointId, UserId},
    webhook::{self, AttemptResult, DeliveryStatus, Endpoint, EndpointStatus, SendError, WebhookDelivery},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{DueDelivery, LeaseLimits, Page, WebhookMessage};
use std::cmp::Reverse;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct WebhooksState {
    endpoints: BTreeMap<EndpointId, Endpoint>,
    deliveries: BTreeMap<(EndpointId, DeliveryId), WebhookDelivery>,
    keys: IdempotencyKeys,
    received: Vec<ReceivedWebhook>,
    /// Instead of 204.
    response: Option<u16>,
}

/// A message that the receiver got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedWebhook {
    pub url: String,
    /// `webhook-id`.
    pub id: String,
    pub body: String,
    /// The secrets that signed it.
    pub secrets: Vec<Vec<u8>>,
}

impl WebhooksState {
    /// Gives pending deliveries to an endpoint up.
    fn give_up(&mut self, endpoint: EndpointId) {
        for one in self.deliveries.values_mut().filter(|one| one.endpoint_id == endpoint) {
            if one.status == DeliveryStatus::Pending {
                (one.status, one.next_attempt_at) = (DeliveryStatus::Failed, None);
            }
        }
    }

    fn add(&mut self, delivery: WebhookDelivery) -> bool {
        let key = (delivery.endpoint_id, delivery.id);
        let is_new = !self.deliveries.contains_key(&key);
        self.deliveries.entry(key).or_insert(delivery);
        is_new
    }

    fn is_due(&self, one: &WebhookDelivery, now: Timestamp) -> bool {
        let enabled = self.endpoints.get(&one.endpoint_id).is_some_and(|to| to.status == EndpointStatus::Enabled);
        enabled && one.status == DeliveryStatus::Pending && one.next_attempt_at.is_some_and(|at| at <= now)
    }

    fn lease_oldest(
        &mut self,
        has_contact: impl Fn(UserId) -> bool,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Vec<DueDelivery> {
        let mut due: Vec<_> = self.deliveries.values().filter(|one| self.is_due(one, now)).cloned().collect();
        due.sort_by_key(|one| one.next_attempt_at);
        let mut taken: BTreeMap<EndpointId, u32> = BTreeMap::new();
        let ranked = due.into_iter().map(|one| {
            let rank = taken.entry(one.endpoint_id).or_default();
            *rank += 1;
            (*rank, one)
        });
        let mut due: Vec<_> = ranked.filter(|(rank, _)| *rank <= limits.per_endpoint).collect();
        due.sort_by_key(|(rank, one)| (*rank, one.next_attempt_at));
        due.truncate(usize::try_from(limits.total).unwrap_or(usize::MAX));
        let mut due: Vec<_> = due.into_iter().map(|(_, one)| one).collect();
        due.sort_by_key(|one| one.next_attempt_at);
        self.lease(due, has_contact, now, lease_until)
    }

    fn lease_first(
        &mut self,
        id: DeliveryId,
        has_contact: impl Fn(UserId) -> bool,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Vec<DueDelivery> {
        let is_healthy = |id: &EndpointId| self.endpoints.get(id).is_some_and(|one| one.failing_since.is_none());
        let is_under_way = |one: &&WebhookDelivery| {
            let is_leased = one.attempts == 1 && one.next_attempt_at.is_some_and(|at| at > now);
            is_leased && one.status == DeliveryStatus::Pending && is_healthy(&one.endpoint_id)
        };
        let mut under_way: BTreeMap<EndpointId, u32> = BTreeMap::new();
        for one in self.deliveries.values().filter(is_under_way) {
            *under_way.entry(one.endpoint_id).or_default() += 1;
        }
        let left = limits.total.saturating_sub(under_way.values().sum());
        let is_wanted = |one: &&WebhookDelivery| {
            let others = under_way.get(&one.endpoint_id).copied().unwrap_or_default();
            let is_first = one.id == id && one.attempts == 0 && self.is_due(one, now);
            is_first && is_healthy(&one.endpoint_id) && others < limits.per_endpoint
        };
        let due = self.deliveries.values().filter(is_wanted).take(usize::try_from(left).unwrap_or(usize::MAX));
        let due = due.cloned().collect();
        self.lease(due, has_contact, now, lease_until)
    }

    /// Counts an attempt of each of `due`, and lets it be due again after its lease.
    fn lease(
        &mut self,
        due: Vec<WebhookDelivery>,
        has_contact: impl Fn(UserId) -> bool,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Vec<DueDelivery> {
        let mut leased = Vec::new();
        for one in due {
            let Some(endpoint) = self.endpoints.get(&one.endpoint_id).cloned() else { continue };
            let due_at = one.next_attempt_at.unwrap_or(now);
            let delivery =
                WebhookDelivery { attempts: one.attempts + 1, next_attempt_at: Some(lease_until), ..one.clone() };
            self.deliveries.insert((one.endpoint_id, one.id), delivery.clone());
            let has_contact = has_contact(endpoint.created_by);
            leased.push(DueDelivery { delivery, endpoint, due_at, has_contact });
        }
        leased
    }
}

/// A page of `all`, newest first.
fn page<T: Clone>(
    mut all: Vec<T>,
    position: impl Fn(&T) -> (Timestamp, Uuid),
    limit: u32,
    after: Option<(Timestamp, Uuid)>,
) -> Page<T> {
    all.retain(|one| after.is_none_or(|after| position(one) < after));
    all.sort_by_key(|one| Reverse(position(one)));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|last| format!("{}/{}", position(last).0, position(last).1));
    Page { items: all, next }
}

impl Webhooks {
    /// Stores an endpoint as it is.
    pub fn put(&self, endpoint: &Endpoint) {
        self.0.arrange(|state| state.webhooks.endpoints.insert(endpoint.id, endpoint.clone()));
    }

    pub fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.0.inspect(|state| state.webhooks.deliveries.values().cloned().collect())
    }
}

impl ports::WebhookEndpoints for Webhooks {
    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("webhooks.create_endpoint", |state| {
            if let Some(settled) = key.map(|key| state.webhooks.keys.find(key)).transpose()?.flatten() {
                return Ok(settled);
            }
            state.webhooks.endpoints.insert(endpoint.id, endpoint.clone());
            key.into_iter().for_each(|key| state.webhooks.keys.record(key, Some(reply)));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.webhooks.endpoints.get(&id).cloned())).await
    }

    async fn endpoints(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Endpoint>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let all = state.webhooks.endpoints.values().cloned().collect();
            Ok(page(all, |one: &Endpoint| (one.created_at, one.id.0), limit, after))
        });
        query.await
    }

    async fn replace_endpoint(&self, endpoint: &Endpoint) -> Result<bool, Failure> {
        let commit = self.0.commit("webhooks.replace_endpoint", |state| {
            let stored = state.webhooks.endpoints.get_mut(&endpoint.id);
            let Some(stored) = stored.filter(|stored| stored.version + 1 == endpoint.version) else {
                return Ok(false);
            };
            let is_as_before = stored.url == endpoint.url && stored.status == endpoint.status;
            let failing_since = if is_as_before { stored.failing_since } else { endpoint.failing_since };
            *stored = Endpoint { failing_since, ..endpoint.clone() };
            if endpoint.status == EndpointStatus::Disabled {
                state.webhooks.give_up(endpoint.id);
            }
            Ok(true)
        });
        commit.await
    }

    async fn delete_endpoint(&self, id: EndpointId, version: Option<u64>) -> Result<bool, Failure> {
        let commit = self.0.commit("webhooks.delete_endpoint", |state| {
            let known = state.webhooks.endpoints.get(&id).map(|endpoint| endpoint.version);
            if known.is_none() || version.is_some() && version != known {
                return Ok(false);
            }
            state.webhooks.deliveries.retain(|(endpoint, _), _| *endpoint != id);
            Ok(state.webhooks.endpoints.remove(&id).is_some())
        });
        commit.await
    }
}

impl ports::WebhookLog for Webhooks {
    async fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<WebhookDelivery>>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            if !state.webhooks.endpoints.contains_key(&endpoint) {
                return Ok(None);
            }
            let all = state.webhooks.deliveries.values().filter(|one| one.endpoint_id == endpoint).cloned().collect();
            Ok(Some(page(all, |one: &WebhookDelivery| (one.created_at, one.id.0), limit, after)))
        });
        query.await
    }

    async fn add_delivery(&self, delivery: &WebhookDelivery) -> Result<(), Failure> {
        let commit = self.0.commit("webhooks.add_delivery", |state| {
            state.webhooks.add(delivery.clone());
            Ok(())
        });
        commit.await
    }

    async fn retry_delivery(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<WebhookDelivery>, Failure> {
        let commit = self.0.commit("webhooks.retry_delivery", |state| {
            let Some(one) = state.webhooks.deliveries.get_mut(&(endpoint, id)) else { return Ok(None) };
            (one.status, one.attempts, one.next_attempt_at) = (DeliveryStatus::Pending, 0, Some(now));
            Ok(Some(one.clone()))
        });
        commit.await
    }
}

impl ports::WebhookQueue for Webhooks {
    async fn enqueue(&self, id: DeliveryId, event_type: &str, payload: &str, now: Timestamp) -> Result<u64, Failure> {
        let commit = self.0.commit("webhooks.enqueue", |state| {
            let subscribed: Vec<EndpointId> = state
                .webhooks
                .endpoints
                .values()
                .filter(|one| one.status == EndpointStatus::Enabled && one.event_types.contains(event_type))
                .map(|one| one.id)
                .collect();
            let delivery =
                |endpoint: EndpointId| webhook::delivery((endpoint, id), event_type, payload.to_owned(), now);
            let added = subscribed.into_iter().filter(|to| state.webhooks.add(delivery(*to))).count();
            Ok(u64::try_from(added).unwrap_or(u64::MAX))
        });
        commit.await
    }

    async fn lease_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure> {
        let commit = self.0.commit("webhooks.lease_due", |state| {
            let State { webhooks, contacts, .. } = state;
            Ok(webhooks.lease_oldest(|user| contacts.has(user), now, lease_until, limits))
        });
        commit.await
    }

    async fn lease_first(
        &self,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure> {
        let commit = self.0.commit("webhooks.lease_first", |state| {
            let State { webhooks, contacts, .. } = state;
            Ok(webhooks.lease_first(id, |user| contacts.has(user), now, lease_until, limits))
        });
        commit.await
    }

    async fn lease_one(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueDelivery>, Failure> {
        let commit = self.0.commit("webhooks.lease_one", |state| {
            let State { webhooks, contacts, .. } = state;
            let known = webhooks.deliveries.get(&(endpoint, id)).cloned();
            let due = known.filter(|one| webhooks.is_due(one, now)).into_iter().collect();
            Ok(webhooks.lease(due, |user| contacts.has(user), now, lease_until).pop())
        });
        commit.await
    }

    async fn conclude_attempt(
        &self,
        due: &DueDelivery,
        result: &AttemptResult,
        notice: Option<&Event>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("webhooks.conclude_attempt", |state| Ok(conclude(state, due, result, notice, now)));
        commit.await
    }
}

fn conclude(
    state: &mut State,
    due: &DueDelivery,
    result: &AttemptResult,
    notice: Option<&Event>,
    now: Timestamp,
) -> bool {
    let WebhooksState { endpoints, deliveries, .. } = &mut state.webhooks;
    let is_leased =
        |one: &&mut WebhookDelivery| one.attempts == due.delivery.attempts && one.status == DeliveryStatus::Pending;
    let key = (due.endpoint.id, due.delivery.id);
    let Some(one) = deliveries.get_mut(&key).filter(is_leased) else { return false };
    (one.status, one.next_attempt_at) = (result.status, result.next_attempt_at);
    (one.response_status, one.error, one.last_attempt_at) = (result.response_status, result.error, Some(now));
    let Some(endpoint) = endpoints.get_mut(&due.endpoint.id) else { return false };
    let is_delivered = result.status == DeliveryStatus::Delivered;
    let changes = match result.disable {
        _ if is_delivered => endpoint.failing_since.is_some(),
        None => endpoint.failing_since.is_none(),
        Some(reason) => {
            endpoint.status == EndpointStatus::Enabled
                && (reason == webhook::DisabledReason::Gone || endpoint.failing_since == due.endpoint.failing_since)
        }
    };
    if !changes {
        return false;
    }
    endpoint.failing_since = if is_delivered { None } else { endpoint.failing_since.or(Some(now)) };
    let Some(reason) = result.disable else { return false };
    (endpoint.updated_at, endpoint.version) = (now, endpoint.version + 1);
    (endpoint.status, endpoint.disabled_reason) = (EndpointStatus::Disabled, Some(reason));
    state.webhooks.give_up(due.endpoint.id);
    notice.into_iter().for_each(|notice| state.outbox.add(notice));
    true
}

impl WebhookReceiver {
    /// The status of all responses from now on.
    pub fn respond_with(&self, status: u16) {
        self.0.arrange(|state| state.webhooks.response = Some(status));
    }

    /// Every message, in the order of arrival.
    pub fn received(&self) -> Vec<ReceivedWebhook> {
        self.0.inspect(|state| state.webhooks.received.clone())
    }
}

impl ports::WebhookSender for WebhookReceiver {
    async fn send_webhook(&self, message: &WebhookMessage<'_>) -> Result<u16, SendError> {
        let step = self.0.step(Dependency::Webhooks, "webhook_receiver.send", |state| {
            let WebhookMessage { url, id, body, secrets, .. } = message;
            let (url, id, body) = (url.as_str().to_owned(), id.clone(), (*body).to_owned());
            state.webhooks.received.push(ReceivedWebhook { url, id, body, secrets: secrets.clone() });
            Ok(state.webhooks.response.unwrap_or(204))
        });
        step.await.map_err(|_| SendError::ConnectionFailed)
    }
}
