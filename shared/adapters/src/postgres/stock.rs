//! Stock accounts: opened once, held for orders all lines or none, freed again.

use super::{
    Database, Relay,
    fragments::{announce, claim, take_key, what_was_kept},
    keys,
    params::params,
    rows::{count, counted, get, only, parsed_if, readable, word},
};
use domain::{
    Event,
    event::{PaymentRef, ProductCreated, StockLevel},
    id::{OrderId, PaymentId, ProductId},
    stock::{self, AdjustStock, AdjustmentReason, Movement, MovementKind, Reservation},
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
    ), noted AS (
        INSERT INTO stock_movements (product_id, version, kind, quantity, available, reserved, at)
        SELECT product_id, version, 'opened', available, available, reserved, updated_at FROM opened
    )
    SELECT announce(jsonb_set($6, '{data,levels}', jsonb_build_array(jsonb_build_object(
        'product_id', product_id, 'available', available, 'reserved', reserved, 'version', version
    )))) AS event FROM opened",
);

const RESERVE: &str = "SELECT reserve($1, $2, $3, $4, $5, $6, $7, $8) AS event";

const KEEP: &str = "SELECT keep($1, $2, $3, $4, $5, $6, $7, $8) AS event";

const COMMIT: &str = "SELECT commit_stock($1, $2, $3, $4) AS event";

const LAPSE: &str = "SELECT lapse($1, $2) AS event";

const RETRY: &str = "SELECT retry($1, $2) AS event";

const LAPSED: &str = "
    SELECT order_id, expires_at FROM reservations
    WHERE state = 'reserved' AND expires_at < $1 AND ($3 IS NULL OR (expires_at, order_id) > ($3, $4))
    ORDER BY expires_at, order_id LIMIT $2";

/// Those alone for which all is there, when those who have waited longer have theirs: what cannot be filled, however long it has
/// waited, takes nobody's place in a round.
const WAITING: &str = "
    SELECT order_id, payment_id, payment_version, paid_at FROM (
        SELECT o.*, s.available - sum(r.quantity) OVER (PARTITION BY r.product_id ORDER BY o.paid_at, o.order_id) AS rest
        FROM reservations AS o
        JOIN reservation_lines AS r ON r.order_id = o.order_id
        JOIN stock AS s ON s.product_id = r.product_id
        WHERE o.state = 'backordered'
    ) AS line
    WHERE $2 IS NULL OR (paid_at, order_id) > ($2, $3)
    GROUP BY order_id, payment_id, payment_version, paid_at HAVING min(rest) >= 0
    ORDER BY paid_at, order_id LIMIT $1";

const WAIT: &str = "SELECT count(*) AS orders FROM reservations WHERE state = 'backordered'";

const RELEASE: &str = "SELECT release($1, $2, $3, $4) AS event";

const MOVEMENTS: &str = "
    SELECT kind, quantity, available, reserved, version, order_id, reason, at FROM stock_movements
    WHERE product_id = $1 AND ($2 IS NULL OR version < $2) ORDER BY version DESC LIMIT $3";

const LEVEL: &str = "SELECT available, reserved, version FROM stock WHERE product_id = $1";

/// Where the level is another than the one that was read, nothing is written and the key is not taken.
const ADJUST: &str = concat!(
    "WITH before AS (
        SELECT product_id FROM stock WHERE product_id = $6 AND version = $7 - 1 FOR NO KEY UPDATE
    ), ",
    take_key!(from "before"),
    ", kept AS (
        UPDATE stock AS s
        SET available = s.available + $8, version = $7, updated_at = ($10 ->> 'time')::timestamptz
        FROM taken
        WHERE s.product_id = $6
        RETURNING s.product_id, s.available, s.reserved, s.version, s.updated_at
    ), noted AS (
        INSERT INTO stock_movements (product_id, version, kind, quantity, available, reserved, at, reason)
        SELECT product_id, version, 'adjusted', $8, available, reserved, updated_at, $9 FROM kept
    ), ",
    announce!("$10", from "kept"),
    what_was_kept!(),
);

/// A level that is older than the one that was noted changes nothing.
const NOTE: &str = concat!(
    "WITH noted AS (
        INSERT INTO low_stock_alerts AS old (product_id, version, is_low, was_low) VALUES ($1, $2, $3, false)
        ON CONFLICT (product_id) DO UPDATE
        SET version = excluded.version, is_low = excluded.is_low, was_low = old.is_low
        WHERE old.version < excluded.version
        RETURNING is_low AND NOT was_low AS is_news
    ), news AS (
        SELECT FROM noted WHERE is_news
    ), ",
    announce!("$4", from "news"),
    " SELECT EXISTS (SELECT FROM news) AS is_news",
);

/// Stock accounts in the schema of inventory.
#[derive(Debug)]
pub struct PgStock<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgStock<B> {
    /// Over `database`, as inventory's role.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(database, bus) }
    }

    /// Sends the event that a statement committed, if it did commit one.
    async fn outcome(&self, event: Option<Json<Event>>) -> Option<Event> {
        let Json(event) = event?;
        self.relay.send(std::slice::from_ref(&event)).await;
        Some(event)
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
        let rows = self.relay.database().query(OPEN, &params).await?;
        let opened = rows.first().map(|row| get(row, "event")).transpose()?;
        Ok(self.outcome(opened).await)
    }

    async fn reserve(
        &self,
        claim: Claim,
        hold: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let (products, quantities) = lines(hold);
        let params = params![
            claim.consumer,
            claim.event_id,
            hold.reserved.order_id.0,
            products,
            quantities,
            expires_at,
            Json(reserved),
            Json(short),
        ];
        let rows = self.relay.database().query(RESERVE, &params).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
    }

    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        kept: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            paid.order_id.0,
            paid.payment.payment_id.0,
            counted(paid.payment.version)?,
            paid.at,
            Json(kept),
            Json(short),
        ];
        let rows = self.relay.database().query(KEEP, &params).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
    }

    async fn ship(&self, claim: Claim, order: OrderId, committed: &Event) -> Result<Option<Event>, Failure> {
        let params = params![claim.consumer, claim.event_id, order.0, Json(committed)];
        let rows = self.relay.database().query(COMMIT, &params).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        let params = params![claim.consumer, claim.event_id, order.0, Json(released)];
        let rows = self.relay.database().query(RELEASE, &params).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
    }

    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure> {
        let (at, order) = after.map(|after| (after.at, after.order_id.0)).unzip();
        let rows = self.relay.database().query(LAPSED, &params![now, i64::from(limit), at, order]).await?;
        let hold =
            |row| Ok(ExpiredReservation { order_id: OrderId(get(row, "order_id")?), at: get(row, "expires_at")? });
        rows.iter().map(hold).collect()
    }

    async fn expire(&self, order: OrderId, lapsed: &Event) -> Result<Option<Event>, Failure> {
        let rows = self.relay.database().query(LAPSE, &params![order.0, Json(lapsed)]).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
    }

    async fn backorders_fillable(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        let (at, order) = after.map(|after| (after.at, after.order_id.0)).unzip();
        let rows = self.relay.database().query(WAITING, &params![i64::from(limit), at, order]).await?;
        let paid = |row: &Row| {
            let payment =
                PaymentRef { payment_id: PaymentId(get(row, "payment_id")?), version: count(row, "payment_version")? };
            Ok(PaidOrder { order_id: OrderId(get(row, "order_id")?), payment, at: get(row, "paid_at")? })
        };
        Ok(readable(&rows, paid))
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        count(only(&self.relay.database().query(WAIT, &[]).await?)?, "orders")
    }

    async fn allocate_backorder(&self, order: OrderId, kept: &Event) -> Result<Option<Event>, Failure> {
        let rows = self.relay.database().query(RETRY, &params![order.0, Json(kept)]).await?;
        Ok(self.outcome(get(only(&rows)?, "event")?).await)
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
    async fn movements(&self, product: ProductId, limit: u32, cursor: Option<&str>) -> Result<Page<Movement>, Failure> {
        let before = cursor.map(stock::parse_cursor).transpose()?;
        let shown = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(MOVEMENTS, &params![product.0, before, i64::from(limit) + 1]).await?;
        let movement = |row| {
            Ok(Movement {
                kind: word(row, "kind", MovementKind::parse)?,
                quantity: get(row, "quantity")?,
                level: level(product, row)?,
                order_id: get::<Option<Uuid>>(row, "order_id")?.map(OrderId),
                reason: parsed_if(row, "reason", |word| AdjustmentReason::parse(word).ok_or("is no reason of ours"))?,
                at: get(row, "at")?,
            })
        };
        let items: Vec<Movement> = rows.iter().take(shown).map(movement).collect::<Result<_, Failure>>()?;
        let next = items.last().filter(|_| rows.len() > shown).map(|last| last.level.version.to_string());
        Ok(Page { items, next })
    }
}

impl<B: Bus> StockAdjustments for PgStock<B> {
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        wish: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            keys::head(reply),
            &reply.body,
            after.product_id.0,
            after.version,
            wish.delta,
            wish.reason.name(),
            Json(event),
        ];
        let settled = keys::settled(key, &self.relay.database().query(ADJUST, &params).await?)?;
        if settled == Some(IdempotencyOutcome::Committed) {
            self.relay.send(std::slice::from_ref(event)).await;
        }
        Ok(settled)
    }

    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        keys::refuse(self.relay.database(), key, reply).await
    }
}

impl<B: Bus> LowStockAlerts for PgStock<B> {
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure> {
        let params = params![level.product_id.0, level.version, is_low, Json(event)];
        let rows = self.relay.database().query(NOTE, &params).await?;
        let is_news = get(only(&rows)?, "is_news")?;
        if is_news {
            self.relay.send(std::slice::from_ref(event)).await;
        }
        Ok(is_news)
    }
}

/// The lines of a hold as two columns, each product once.
fn lines(hold: &Reservation) -> (Vec<Uuid>, Vec<i64>) {
    let mut pieces: BTreeMap<Uuid, i64> = BTreeMap::new();
    for line in &hold.lines {
        *pieces.entry(line.product_id.0).or_default() += i64::from(line.quantity);
    }
    pieces.into_iter().unzip()
}
