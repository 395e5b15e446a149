//! Endpoints of webhooks, and the log of deliveries to them.

use super::{
    Database, Relay,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    orders::{format_position, parse_cursor},
    params::{Param, params},
    rows::{bigint, count, get, parsed, parsed_if, word},
};
use domain::{
    id::{DeliveryId, EndpointId, UserId},
    text::EndpointDescription,
    webhook::{
        DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, EventType, EventTypes, PreviousSecret,
        RETENTION_DAYS, SendError, WebhookDelivery, WebhookUrl,
    },
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid, time};
use ports::{Bus, Page, WebhookEndpoints, WebhookLog};
use std::sync::Arc;
use tokio_postgres::Row;

/// The columns of an endpoint.
macro_rules! endpoint_columns {
    () => {
        "id, url, event_types, description, status, disabled_reason, secret, previous_secret, previous_expires_at, failing_since,
            created_by, created_at, updated_at, version"
    };
}

const CREATE: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    ", added AS (INSERT INTO webhook_endpoints (",
    endpoint_columns!(),
    ") SELECT $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 FROM recorded)",
    select_idempotency_outcome!(),
);

const CREATE_WITHOUT_KEY: &str = concat!(
    "INSERT INTO webhook_endpoints (",
    endpoint_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

const FIND: &str = concat!("SELECT ", endpoint_columns!(), " FROM webhook_endpoints WHERE id = $1");

const LIST: &str = concat!(
    "SELECT ",
    endpoint_columns!(),
    " FROM webhook_endpoints WHERE $1 IS NULL OR (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3",
);

/// Attempts record since when an endpoint has been failing without a new version, so that what they recorded since it was read is kept.
const REPLACE: &str = "
    WITH replaced AS (
        UPDATE webhook_endpoints AS e SET url = $2, event_types = $3, description = $4, status = $5, disabled_reason = $6, secret = $7,
            previous_secret = $8, previous_expires_at = $9,
            failing_since = CASE WHEN e.url = $2 AND e.status = $5 THEN e.failing_since ELSE $10 END,
            created_by = $11, created_at = $12, updated_at = $13, version = $14
        WHERE id = $1 AND version = $14 - 1 RETURNING id
    ), given_up AS (
        UPDATE webhook_deliveries AS d SET status = 'failed', next_attempt_at = NULL FROM replaced
        WHERE $5 = 'disabled' AND d.endpoint_id = replaced.id AND d.status = 'pending'
    )
    SELECT id FROM replaced";

const DELETE: &str = "DELETE FROM webhook_endpoints WHERE id = $1 AND version = coalesce($2, version) RETURNING id";

/// The deliveries, or one row without a delivery if there is none.
const DELIVERIES: &str = "
    SELECT d.* FROM webhook_endpoints AS e
    LEFT JOIN LATERAL (
        SELECT endpoint_id, id AS delivery_id, event_type, payload, status AS delivery_status, attempts, next_attempt_at, last_attempt_at,
            response_status, error, created_at AS delivery_created_at
        FROM webhook_deliveries AS one
        WHERE one.endpoint_id = e.id AND ($2 IS NULL OR (one.created_at, one.id) < ($2, $3))
        ORDER BY one.created_at DESC, one.id DESC LIMIT $4
    ) AS d ON true
    WHERE e.id = $1";

const ADD: &str = "
    INSERT INTO webhook_deliveries (endpoint_id, id, event_type, payload, status, attempts, next_attempt_at, created_at, expires_at)
    VALUES ($1, $2, $3, $4, 'pending', 0, $5, $6, $7) ON CONFLICT DO NOTHING";

const RETRY: &str = "
    UPDATE webhook_deliveries SET status = 'pending', attempts = 0, next_attempt_at = $3 WHERE endpoint_id = $1 AND id = $2
    RETURNING endpoint_id, id AS delivery_id, event_type, payload, status AS delivery_status, attempts, next_attempt_at, last_attempt_at,
        response_status, error, created_at AS delivery_created_at";

#[derive(Debug)]
pub struct PgWebhooks<B> {
    pub(super) relay: Relay<B>,
}

impl<B: Bus> PgWebhooks<B> {
    /// `database` logs in as the role of notifications.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Notifications, database, bus) }
    }
}

impl<B: Bus> WebhookEndpoints for PgWebhooks<B> {
    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let columns = endpoint_params(endpoint)?;
        let Some(key) = key else {
            self.relay.database().query(CREATE_WITHOUT_KEY, &columns).await?;
            return Ok(IdempotencyOutcome::Committed);
        };
        let head = params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body];
        let params: Vec<Param<'_>> = head.into_iter().chain(columns).collect();
        idempotency::execute(self.relay.database(), key, CREATE, &params).await
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Failure> {
        let rows = self.relay.database().query(FIND, &params![id.0]).await?;
        rows.first().map(endpoint).transpose()
    }

    async fn endpoints(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Endpoint>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(LIST, &params![at, id, i64::from(limit) + 1]).await?;
        let items: Vec<Endpoint> = rows.iter().take(page_size).map(endpoint).collect::<Result<_, _>>()?;
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last| format_position(last.created_at, last.id.0));
        Ok(Page { items, next })
    }

    async fn replace_endpoint(&self, endpoint: &Endpoint) -> Result<bool, Failure> {
        let rows = self.relay.database().query(REPLACE, &endpoint_params(endpoint)?).await?;
        Ok(!rows.is_empty())
    }

    async fn delete_endpoint(&self, id: EndpointId, version: Option<u64>) -> Result<bool, Failure> {
        let version = version.map(bigint).transpose()?;
        let rows = self.relay.database().query(DELETE, &params![id.0, version]).await?;
        Ok(!rows.is_empty())
    }
}

impl<B: Bus> WebhookLog for PgWebhooks<B> {
    async fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<WebhookDelivery>>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![endpoint.0, at, id, i64::from(limit) + 1];
        let rows = self.relay.database().query(DELIVERIES, &params).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::new();
        for row in rows.iter().take(page_size) {
            if get::<Option<Uuid>>(row, "delivery_id")?.is_some() {
                items.push(delivery(row)?);
            }
        }
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last: &WebhookDelivery| format_position(last.created_at, last.id.0));
        Ok(Some(Page { items, next }))
    }

    async fn add_delivery(&self, delivery: &WebhookDelivery) -> Result<(), Failure> {
        let params = params![
            delivery.endpoint_id.0,
            delivery.id.0,
            &delivery.event_type,
            &delivery.payload,
            delivery.next_attempt_at,
            delivery.created_at,
            expiry(delivery.created_at)?,
        ];
        self.relay.database().query(ADD, &params).await.map(drop)
    }

    async fn retry_delivery(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<WebhookDelivery>, Failure> {
        let rows = self.relay.database().query(RETRY, &params![endpoint.0, id.0, now]).await?;
        rows.first().map(delivery).transpose()
    }
}

/// When a delivery is deleted.
pub(super) fn expiry(created_at: Timestamp) -> Result<Timestamp, Failure> {
    time::seconds_after(created_at, RETENTION_DAYS * 86_400)
}

/// The parameters of [`endpoint_columns`], in that order.
fn endpoint_params(endpoint: &Endpoint) -> Result<[Param<'_>; 14], Failure> {
    let previous = endpoint.previous_secret.as_ref();
    Ok(params![
        endpoint.id.0,
        endpoint.url.as_str(),
        endpoint.event_types.names(),
        endpoint.description.as_ref().map(|text| text.as_str()),
        endpoint.status.name(),
        endpoint.disabled_reason.map(DisabledReason::name),
        &endpoint.secret,
        previous.map(|previous| previous.sealed.as_str()),
        previous.map(|previous| previous.expires_at),
        endpoint.failing_since,
        endpoint.created_by.0,
        endpoint.created_at,
        endpoint.updated_at,
        bigint(endpoint.version)?,
    ])
}

pub(super) fn endpoint(row: &Row) -> Result<Endpoint, Failure> {
    let previous: (Option<String>, Option<Timestamp>) =
        (get(row, "previous_secret")?, get(row, "previous_expires_at")?);
    let unknown = |error: String| Failure::internal(format!("the event types of an endpoint: {error}"));
    let events: Vec<&str> = get(row, "event_types")?;
    let events: Vec<EventType> = events.into_iter().map(EventType::parse).collect::<Result<_, _>>().map_err(unknown)?;
    Ok(Endpoint {
        id: EndpointId(get(row, "id")?),
        url: parsed(row, "url", WebhookUrl::parse)?,
        event_types: EventTypes::try_from(events).map_err(unknown)?,
        description: parsed_if(row, "description", EndpointDescription::parse)?,
        status: word(row, "status", EndpointStatus::parse)?,
        disabled_reason: parsed_if(row, "disabled_reason", |word| {
            DisabledReason::parse(word).ok_or("is an unknown word")
        })?,
        secret: get(row, "secret")?,
        previous_secret: previous.0.zip(previous.1).map(|(sealed, expires_at)| PreviousSecret { sealed, expires_at }),
        failing_since: get(row, "failing_since")?,
        created_by: UserId(get(row, "created_by")?),
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        version: count(row, "version")?,
    })
}

pub(super) fn delivery(row: &Row) -> Result<WebhookDelivery, Failure> {
    let status: Option<i32> = get(row, "response_status")?;
    Ok(WebhookDelivery {
        id: DeliveryId(get(row, "delivery_id")?),
        endpoint_id: EndpointId(get(row, "endpoint_id")?),
        event_type: get(row, "event_type")?,
        payload: get(row, "payload")?,
        status: word(row, "delivery_status", DeliveryStatus::parse)?,
        attempts: u32::try_from(get::<i32>(row, "attempts")?).map_err(Failure::internal)?,
        next_attempt_at: get(row, "next_attempt_at")?,
        last_attempt_at: get(row, "last_attempt_at")?,
        response_status: status.map(u16::try_from).transpose().map_err(Failure::internal)?,
        error: parsed_if(row, "error", |word| SendError::parse(word).ok_or("is an unknown word"))?,
        created_at: get(row, "delivery_created_at")?,
    })
}
