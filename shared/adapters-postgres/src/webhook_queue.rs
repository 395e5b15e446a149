//! Deliveries of webhooks that are due.

use super::{
    PgWebhooks,
    fragments::insert_event,
    params::params,
    rows::{Source, count, decodable, get, only},
    webhooks::{delivery, endpoint, expiry},
};
use domain::{
    Event,
    id::{DeliveryId, EndpointId},
    webhook::{AttemptResult, DisabledReason, SendError},
};
use kernel::{Failure, Timestamp};
use ports::{Bus, DueDelivery, LeaseLimits, WebhookQueue};
use tokio_postgres::{Row, types::Json};

/// The rows of deliveries that are leased, each with its endpoint.
const DELIVERIES: Source = Source { table: "notifications.webhook_deliveries", id: "delivery_id" };

const ENQUEUE: &str = "
    WITH added AS (
        INSERT INTO webhook_deliveries (endpoint_id, id, event_type, payload, status, attempts, next_attempt_at, created_at, expires_at)
        SELECT e.id, $1, $2, $3, 'pending', 0, $4, $4, $5 FROM webhook_endpoints AS e
        WHERE e.status = 'enabled' AND $2 = ANY (e.event_types)
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT count(*) AS added FROM added";

/// Leases the rows of `due` until `$2`.
macro_rules! leased_rows {
    () => {
        ", leased AS (
            UPDATE webhook_deliveries AS d SET attempts = d.attempts + 1, next_attempt_at = $2 FROM due
            WHERE d.endpoint_id = due.endpoint AND d.id = due.id
            RETURNING d.endpoint_id, d.id AS delivery_id, d.event_type, d.payload, d.status AS delivery_status, d.attempts, d.next_attempt_at,
                d.last_attempt_at, d.response_status, d.error, d.created_at AS delivery_created_at, due.next_attempt_at AS due_at
        )
        SELECT e.id, e.url, e.event_types, e.description, e.status, e.disabled_reason, e.secret, e.previous_secret, e.previous_expires_at,
            e.failing_since, e.created_by, e.created_at, e.updated_at, e.version, leased.*,
            EXISTS (SELECT FROM contacts AS c WHERE c.user_id = e.created_by) AS has_contact
        FROM leased JOIN webhook_endpoints AS e ON e.id = leased.endpoint_id ORDER BY leased.due_at"
    };
}

/// Locks are taken inside of the lateral query, which reads at most `$4` rows of each endpoint. The oldest of each endpoint comes before the second
/// of any, so that endpoints that fail and have many due do not delay the others.
const LEASE_DUE: &str = concat!(
    "WITH due AS (
        SELECT e.id AS endpoint, d.id, d.next_attempt_at FROM webhook_endpoints AS e
        CROSS JOIN LATERAL (
            SELECT one.id, one.next_attempt_at FROM webhook_deliveries AS one
            WHERE one.endpoint_id = e.id AND one.status = 'pending' AND one.next_attempt_at <= $1
            ORDER BY one.next_attempt_at LIMIT $4 FOR UPDATE SKIP LOCKED
        ) AS d
        WHERE e.status = 'enabled'
        ORDER BY row_number() OVER (PARTITION BY e.id ORDER BY d.next_attempt_at), d.next_attempt_at LIMIT $3
    )",
    leased_rows!(),
);

/// Attempts under way that began at the same moment are not counted, so that the limits may be exceeded by as many.
const LEASE_FIRST: &str = concat!(
    "WITH under_way AS (
        SELECT e.id AS endpoint, count(*) AS deliveries FROM webhook_endpoints AS e
        JOIN webhook_deliveries AS d ON d.endpoint_id = e.id AND d.status = 'pending' AND d.next_attempt_at > $1 AND d.attempts = 1
        WHERE e.status = 'enabled' AND e.failing_since IS NULL GROUP BY e.id
    ), due AS (
        SELECT d.endpoint_id AS endpoint, d.id, d.next_attempt_at FROM webhook_endpoints AS e
        JOIN webhook_deliveries AS d ON d.endpoint_id = e.id AND d.id = $5
        LEFT JOIN under_way AS u ON u.endpoint = e.id
        WHERE e.status = 'enabled' AND e.failing_since IS NULL AND coalesce(u.deliveries, 0) < $4
            AND d.status = 'pending' AND d.attempts = 0 AND d.next_attempt_at <= $1
        ORDER BY e.id LIMIT greatest($3 - (SELECT coalesce(sum(deliveries), 0) FROM under_way)::bigint, 0)
        FOR UPDATE OF d SKIP LOCKED
    )",
    leased_rows!(),
);

const LEASE_ONE: &str = concat!(
    "WITH due AS (
        SELECT d.endpoint_id AS endpoint, d.id, d.next_attempt_at FROM webhook_endpoints AS e
        JOIN webhook_deliveries AS d ON d.endpoint_id = e.id
        WHERE e.id = $3 AND d.id = $4 AND e.status = 'enabled' AND d.status = 'pending' AND d.next_attempt_at <= $1
        FOR UPDATE OF d SKIP LOCKED
    )",
    leased_rows!(),
);

/// `$9` is the reason to disable the endpoint, if it is to be disabled; `$10` is since when it had been failing when the delivery was leased.
/// One that succeeded since is not disabled for failing. Only disabling is a new version: it changes the status, which people edit.
const CONCLUDE: &str = concat!(
    "WITH done AS (
        UPDATE webhook_deliveries SET status = $4, next_attempt_at = $5, last_attempt_at = $6, response_status = $7, error = $8
        WHERE endpoint_id = $1 AND id = $2 AND attempts = $3 AND status = 'pending' RETURNING endpoint_id
    ), endpoint AS (
        UPDATE webhook_endpoints AS e SET
            failing_since = CASE WHEN $4 = 'delivered' THEN NULL ELSE coalesce(e.failing_since, $6) END,
            status = CASE WHEN $9 IS NULL THEN e.status ELSE 'disabled' END,
            disabled_reason = CASE WHEN $9 IS NULL THEN e.disabled_reason ELSE $9 END,
            updated_at = CASE WHEN $9 IS NULL THEN e.updated_at ELSE $6 END,
            version = e.version + CASE WHEN $9 IS NULL THEN 0 ELSE 1 END
        FROM done WHERE e.id = done.endpoint_id AND CASE
            WHEN $4 = 'delivered' THEN e.failing_since IS NOT NULL
            WHEN $9 IS NULL THEN e.failing_since IS NULL
            ELSE e.status = 'enabled' AND ($9 = 'gone' OR e.failing_since = $10) END
        RETURNING e.id
    ), disabled AS (
        SELECT id FROM endpoint WHERE $9 IS NOT NULL
    ), given_up AS (
        UPDATE webhook_deliveries AS d SET status = 'failed', next_attempt_at = NULL FROM disabled
        WHERE d.endpoint_id = disabled.id AND d.status = 'pending' AND d.id <> $2
    ), ",
    insert_event!("$11", from "disabled"),
    " SELECT EXISTS (SELECT FROM disabled) AS is_disabled",
);

fn due(row: &Row) -> Result<DueDelivery, Failure> {
    let (due_at, has_contact) = (get(row, "due_at")?, get(row, "has_contact")?);
    Ok(DueDelivery { delivery: delivery(row)?, endpoint: endpoint(row)?, due_at, has_contact })
}

impl<B: Bus> WebhookQueue for PgWebhooks<B> {
    async fn enqueue(&self, id: DeliveryId, event_type: &str, payload: &str, now: Timestamp) -> Result<u64, Failure> {
        let params = params![id.0, event_type, payload, now, expiry(now)?];
        count(only(&self.relay.database().query(ENQUEUE, &params).await?)?, "added")
    }

    async fn lease_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure> {
        let params = params![now, lease_until, i64::from(limits.total), i64::from(limits.per_endpoint)];
        Ok(decodable(DELIVERIES, &self.relay.database().query(LEASE_DUE, &params).await?, due))
    }

    async fn lease_first(
        &self,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
        limits: LeaseLimits,
    ) -> Result<Vec<DueDelivery>, Failure> {
        let params = params![now, lease_until, i64::from(limits.total), i64::from(limits.per_endpoint), id.0];
        Ok(decodable(DELIVERIES, &self.relay.database().query(LEASE_FIRST, &params).await?, due))
    }

    async fn lease_one(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueDelivery>, Failure> {
        let params = params![now, lease_until, endpoint.0, id.0];
        self.relay.database().query(LEASE_ONE, &params).await?.first().map(due).transpose()
    }

    async fn conclude_attempt(
        &self,
        due: &DueDelivery,
        result: &AttemptResult,
        notice: Option<&Event>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let params = params![
            due.endpoint.id.0,
            due.delivery.id.0,
            i32::try_from(due.delivery.attempts).map_err(Failure::internal)?,
            result.status.name(),
            result.next_attempt_at,
            now,
            result.response_status.map(i32::from),
            result.error.map(SendError::name),
            result.disable.map(DisabledReason::name),
            due.endpoint.failing_since,
            notice.map(Json),
        ];
        let is_disabled = get(only(&self.relay.database().query(CONCLUDE, &params).await?)?, "is_disabled")?;
        if is_disabled && let Some(notice) = notice {
            self.relay.publish(std::slice::from_ref(notice)).await;
        }
        Ok(is_disabled)
    }
}
