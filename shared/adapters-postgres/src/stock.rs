//! Stock accounts, reservations and stock movements.
//!
//! The commands on reservations are functions of the database; V004__inventory.sql says why.

use super::{
    Database, Relay,
    fragments::{claim, insert_event, insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::{Param, params},
    rows::{bigint, count, decodable_page, get, only, parsed_if, word},
};
use domain::{
    Event,
    event::{PaymentRef, ProductCreated, StockLevel},
    id::{OrderId, PaymentId, ProductId},
    stock::{self, AdjustStock, AdjustmentReason, Reservation, StockMovement, StockMovementKind},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{
    Bus, Claim, ExpiredReservation, LowStockAlerts, Page, PaidOrder, StockAdjustments, StockMovements, StockStore,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio_postgres::{Row, types::Json};

const OPEN: &str = concat!(
    "WITH ",
    claim!(),
    ", opened AS (
        INSERT INTO stock (product_id, sku, available, reserved, version, updated_at)
        SELECT $3, $4, $5, 0, 1, ($6 ->> 'time')::timestamptz FROM claim
        ON CONFLICT DO NOTHING
        RETURNING product_id, available, reserved, version, updated_at
    ), recorded AS (
        INSERT INTO stock_movements (product_id, version, kind, quantity, available, reserved, at)
        SELECT product_id, version, 'opened', available, available, reserved, updated_at FROM opened
    )
    SELECT add_to_outbox(jsonb_set($6, '{data,levels}', jsonb_build_array(jsonb_build_object(
        'product_id', product_id, 'available', available, 'reserved', reserved, 'version', version
    )))) AS event FROM opened",
);

const RESERVE: &str = "SELECT reserve($1, $2, $3, $4, $5, $6, $7, $8) AS event";

const ALLOCATE: &str = "SELECT allocate($1, $2, $3, $4, $5, $6, $7, $8) AS event";

const SHIP: &str = "SELECT ship($1, $2, $3, $4) AS event";

const EXPIRE: &str = "SELECT expire($1, $2) AS event";

const ALLOCATE_BACKORDER: &str = "SELECT allocate_backorder($1, $2) AS event";

const EXPIRED: &str = "
    SELECT order_id, expires_at FROM reservations
    WHERE state = 'reserved' AND expires_at < $1 AND ($3 IS NULL OR (expires_at, order_id) > ($3, $4))
    ORDER BY expires_at, order_id LIMIT $2";

/// Only backorders that can be filled after those that were paid earlier have got their units. One that cannot be filled, however
/// old, takes no place on the page. A line wants a unit at least, so that of each queue no more lines are read than units are available.
const BACKORDERS_FILLABLE: &str = "
    SELECT r.order_id, r.payment_id, r.payment_version, r.paid_at FROM (
        SELECT line.order_id, count(*) AS lines
        FROM stock AS s CROSS JOIN LATERAL (
            SELECT b.order_id, sum(b.quantity) OVER (ORDER BY b.paid_at, b.order_id) AS wanted FROM (
                SELECT order_id, paid_at, quantity FROM backorder_lines
                WHERE product_id = s.product_id ORDER BY paid_at, order_id LIMIT s.available
            ) AS b
        ) AS line
        WHERE s.backordered > 0 AND s.available > 0 AND line.wanted <= s.available
        GROUP BY line.order_id
    ) AS filled
    JOIN reservations AS r ON r.order_id = filled.order_id
    WHERE filled.lines = (SELECT count(*) FROM reservation_lines AS l WHERE l.order_id = r.order_id)
        AND ($2 IS NULL OR (r.paid_at, r.order_id) > ($2, $3))
    ORDER BY r.paid_at, r.order_id LIMIT $1";

const BACKORDER_COUNT: &str = "SELECT count(*) AS orders FROM reservations WHERE state = 'backordered'";

const RELEASE: &str = "SELECT release($1, $2, $3, $4) AS event";

const MOVEMENTS: &str = "
    SELECT kind, quantity, available, reserved, version, order_id, reason, at FROM stock_movements
    WHERE product_id = $1 AND ($2 IS NULL OR version < $2) ORDER BY version DESC LIMIT $3";

const LEVEL: &str = "SELECT available, reserved, version FROM stock WHERE product_id = $1";

/// Writes nothing and does not store the key if the level has changed since it was read.
const ADJUST: &str = concat!(
    "WITH before AS (
        SELECT product_id FROM stock WHERE product_id = $6 AND version = $7 - 1 FOR NO KEY UPDATE
    ), ",
    insert_idempotency_record!(from "before"),
    ", adjusted AS (
        UPDATE stock AS s
        SET available = s.available + $8, version = $7, updated_at = ($10 ->> 'time')::timestamptz
        FROM recorded
        WHERE s.product_id = $6
        RETURNING s.product_id, s.available, s.reserved, s.version, s.updated_at
    ), movement AS (
        INSERT INTO stock_movements (product_id, version, kind, quantity, available, reserved, at, reason)
        SELECT product_id, version, 'adjusted', $8, available, reserved, updated_at, $9 FROM adjusted
    ), ",
    insert_event!("$10", from "adjusted"),
    select_idempotency_outcome!(),
);

/// A level that is older than the recorded one changes nothing.
const RECORD_LEVEL: &str = concat!(
    "WITH recorded AS (
        INSERT INTO low_stock_alerts AS old (product_id, version, is_low, was_low) VALUES ($1, $2, $3, false)
        ON CONFLICT (product_id) DO UPDATE
        SET version = excluded.version, is_low = excluded.is_low, was_low = old.is_low
        WHERE old.version < excluded.version
        RETURNING is_low AND NOT was_low AS is_new
    ), alert AS (
        SELECT FROM recorded WHERE is_new
    ), ",
    insert_event!("$4", from "alert"),
    " SELECT EXISTS (SELECT FROM alert) AS is_new",
);

/// Stock accounts in the `inventory` schema.
#[derive(Debug)]
pub struct PgStock<B> {
    pub(super) relay: Relay<B>,
}

impl<B: Bus> PgStock<B> {
    /// `database` logs in as the role `inventory`.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Inventory, database, bus) }
    }

    /// Runs a statement that commits at most one event, publishes the event and returns it.
    async fn run(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Event>, Failure> {
        let rows = self.relay.database().query(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let Some(Json(event)) = get::<Option<Json<Event>>>(row, "event")? else { return Ok(None) };
        self.relay.publish(std::slice::from_ref(&event)).await;
        Ok(Some(event))
    }
}

impl<B: Bus> StockStore for PgStock<B> {
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            product.product_id.0,
            product.sku.as_str(),
            i64::from(product.stock_quantity),
            Json(event),
        ];
        self.run(OPEN, &params).await
    }

    async fn reserve(
        &self,
        claim: Claim,
        reservation: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        let (products, quantities) = lines(reservation);
        let params = params![
            claim.consumer,
            claim.event_id,
            reservation.reserved.order_id.0,
            products,
            quantities,
            expires_at,
            Json(reserved),
            Json(failed),
        ];
        self.run(RESERVE, &params).await
    }

    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        allocated: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            paid.order_id.0,
            paid.payment.payment_id.0,
            bigint(paid.payment.version)?,
            paid.at,
            Json(allocated),
            Json(failed),
        ];
        self.run(ALLOCATE, &params).await
    }

    async fn ship(&self, claim: Claim, order: OrderId, shipped: &Event) -> Result<Option<Event>, Failure> {
        self.run(SHIP, &params![claim.consumer, claim.event_id, order.0, Json(shipped)]).await
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        self.run(RELEASE, &params![claim.consumer, claim.event_id, order.0, Json(released)]).await
    }

    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure> {
        let (at, order) = after.map(|after| (after.at, after.order_id.0)).unzip();
        let rows = self.relay.database().query(EXPIRED, &params![now, i64::from(limit), at, order]).await?;
        let expired =
            |row| Ok(ExpiredReservation { order_id: OrderId(get(row, "order_id")?), at: get(row, "expires_at")? });
        rows.iter().map(expired).collect()
    }

    async fn expire(&self, order: OrderId, expired: &Event) -> Result<Option<Event>, Failure> {
        self.run(EXPIRE, &params![order.0, Json(expired)]).await
    }

    async fn fillable_backorders(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        let page = async |after: Option<(Timestamp, Uuid)>| {
            let (at, order) = after.unzip();
            self.relay.database().query(BACKORDERS_FILLABLE, &params![i64::from(limit), at, order]).await
        };
        let paid = |row: &Row| {
            let payment =
                PaymentRef { payment_id: PaymentId(get(row, "payment_id")?), version: count(row, "payment_version")? };
            Ok(PaidOrder { order_id: OrderId(get(row, "order_id")?), payment, at: get(row, "paid_at")? })
        };
        let after = after.map(|after| (after.at, after.order_id.0));
        decodable_page("inventory.reservations", after, ("paid_at", "order_id"), page, paid).await
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        count(only(&self.relay.database().query(BACKORDER_COUNT, &[]).await?)?, "orders")
    }

    async fn allocate_backorder(&self, order: OrderId, allocated: &Event) -> Result<Option<Event>, Failure> {
        self.run(ALLOCATE_BACKORDER, &params![order.0, Json(allocated)]).await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        let rows = self.relay.database().query(LEVEL, &params![product.0]).await?;
        rows.first().map(|row| level(product, row)).transpose()
    }
}

fn level(product_id: ProductId, row: &Row) -> Result<StockLevel, Failure> {
    Ok(StockLevel {
        product_id,
        available: get(row, "available")?,
        reserved: get(row, "reserved")?,
        version: get(row, "version")?,
    })
}

impl<B: Bus> StockMovements for PgStock<B> {
    async fn movements(
        &self,
        product: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<StockMovement>, Failure> {
        let before = cursor.map(stock::parse_cursor).transpose()?;
        let shown = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(MOVEMENTS, &params![product.0, before, i64::from(limit) + 1]).await?;
        let movement = |row| {
            Ok(StockMovement {
                kind: word(row, "kind", StockMovementKind::parse)?,
                quantity: get(row, "quantity")?,
                level: level(product, row)?,
                order_id: get::<Option<Uuid>>(row, "order_id")?.map(OrderId),
                reason: parsed_if(row, "reason", |word| {
                    AdjustmentReason::parse(word).ok_or("is not an adjustment reason")
                })?,
                at: get(row, "at")?,
            })
        };
        let items: Vec<StockMovement> = rows.iter().take(shown).map(movement).collect::<Result<_, Failure>>()?;
        let next = items.last().filter(|_| rows.len() > shown).map(|last| last.level.version.to_string());
        Ok(Page { items, next })
    }
}

impl<B: Bus> StockAdjustments for PgStock<B> {
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        adjustment: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            after.product_id.0,
            after.version,
            adjustment.delta,
            adjustment.reason.name(),
            Json(event),
        ];
        let outcome = idempotency::outcome(key, &self.relay.database().query(ADJUST, &params).await?)?;
        if outcome == Some(IdempotencyOutcome::Committed) {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(outcome)
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_response(self.relay.database(), key, reply).await
    }
}

impl<B: Bus> LowStockAlerts for PgStock<B> {
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure> {
        let params = params![level.product_id.0, level.version, is_low, Json(event)];
        let rows = self.relay.database().query(RECORD_LEVEL, &params).await?;
        let is_new = get(only(&rows)?, "is_new")?;
        if is_new {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(is_new)
    }
}

/// Products and quantities as two columns, each product once.
fn lines(reservation: &Reservation) -> (Vec<Uuid>, Vec<i64>) {
    let mut quantities: BTreeMap<Uuid, i64> = BTreeMap::new();
    for line in &reservation.lines {
        *quantities.entry(line.product_id.0).or_default() += i64::from(line.quantity);
    }
    quantities.into_iter().unzip()
}
