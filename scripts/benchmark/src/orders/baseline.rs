//! The baseline for placing an order: a transaction of five prepared statements, one round trip each.

use super::{fixtures::message, sample::Sample};
use crate::database::Database;
use catalog::Context;
use tokio_postgres::{
    Client, Error, Row, Statement,
    types::{Json, ToSql},
};
use xtask::Result;

const FIND: &str =
    "SELECT fingerprint, status, headers, body FROM idempotency WHERE scope = $1 AND key = $2 AND expires_at > now()";
const ORDER: &str = "
    INSERT INTO orders (id, user_id, status, reason, total_amount, currency, totals, shipping_address, payment_method, payment_id,
        version, created_at, updated_at, history)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, $12, $13)";
/// One statement for all lines, so that they cost one round trip.
const LINES: &str = "
    INSERT INTO order_lines (order_id, position, product_id, product_name, quantity, unit_price, line_total, tax_rate, tax)
    SELECT $1, line.position, (line.item ->> 'product_id')::uuid, line.item ->> 'product_name',
        (line.item ->> 'quantity')::bigint, (line.item #>> '{unit_price,amount}')::bigint,
        (line.item #>> '{line_total,amount}')::bigint, line.item #>> '{tax,rate}', (line.item #>> '{tax,amount,amount}')::bigint
    FROM jsonb_array_elements($2) WITH ORDINALITY AS line (item, position)";
const KEY: &str = "
    INSERT INTO idempotency (scope, key, fingerprint, status, headers, body, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now(), now() + interval '24 hours')";
const OUTBOX: &str = "INSERT INTO outbox (id, created_at, event) VALUES ($1, $2, $3)";
/// The smallest commit: an upper bound for the rate of any way to place an order.
const SINGLE_ROW: &str = "INSERT INTO single_row (id) VALUES ($1)";
const MARK_PUBLISHED: &str = "UPDATE outbox SET published_at = now() WHERE id = $1";

/// How many round trips the transaction of five statements takes.
#[derive(Clone, Copy)]
pub enum RoundTrips {
    /// Seven round trips: the client waits after each statement, and after `BEGIN` and `COMMIT`.
    Seven,
    /// Five round trips: `BEGIN` is sent with the first statement and `COMMIT` with the last.
    Five,
}

/// A connection with the prepared statements of the baseline.
pub struct Baseline {
    client: Client,
    find: Statement,
    order: Statement,
    lines: Statement,
    key: Statement,
    outbox: Statement,
    mark_published: Statement,
    single_row: Statement,
}

impl Baseline {
    /// Connects with the role of the orders context, through the local port `port`.
    pub async fn connect(database: &Database, port: u16) -> Result<Self> {
        let client = database.connect(Context::Orders, port).await?;
        Self::prepare(client).await.map_err(message)
    }

    async fn prepare(client: Client) -> std::result::Result<Self, Error> {
        Ok(Self {
            find: client.prepare(FIND).await?,
            order: client.prepare(ORDER).await?,
            lines: client.prepare(LINES).await?,
            key: client.prepare(KEY).await?,
            outbox: client.prepare(OUTBOX).await?,
            mark_published: client.prepare(MARK_PUBLISHED).await?,
            single_row: client.prepare(SINGLE_ROW).await?,
            client,
        })
    }

    /// Places an order. If `marks_published`, one more round trip marks its event as published.
    pub async fn place(&mut self, round_trips: RoundTrips, sample: &Sample, marks_published: bool) -> Result<()> {
        match round_trips {
            RoundTrips::Seven => self.place_sequentially(sample).await,
            RoundTrips::Five => self.place_pipelined(sample).await,
        }
        .map_err(message)?;
        if marks_published {
            self.client.execute(&self.mark_published, &[&sample.event.id]).await.map_err(message)?;
        }
        Ok(())
    }

    /// Commits one row of one column, in one round trip.
    pub async fn insert_single_row(&mut self, sample: &Sample) -> Result<()> {
        self.client.execute(&self.single_row, &[&sample.order.id.0]).await.map(drop).map_err(message)
    }

    async fn place_sequentially(&mut self, sample: &Sample) -> std::result::Result<(), Error> {
        self.client.batch_execute("BEGIN").await?;
        if self.find_response(sample).await?.is_some() {
            return self.client.batch_execute("ROLLBACK").await;
        }
        self.insert_order(sample).await?;
        self.insert_lines(sample).await?;
        self.insert_key(sample).await?;
        self.insert_event(sample).await?;
        self.client.batch_execute("COMMIT").await
    }

    /// Sends the first statement without waiting for `BEGIN`, and `COMMIT` without waiting for the last statement.
    async fn place_pipelined(&mut self, sample: &Sample) -> std::result::Result<(), Error> {
        let (begun, found) = tokio::join!(biased; self.client.batch_execute("BEGIN"), self.find_response(sample));
        begun?;
        if found?.is_some() {
            return self.client.batch_execute("ROLLBACK").await;
        }
        self.insert_order(sample).await?;
        self.insert_lines(sample).await?;
        self.insert_key(sample).await?;
        let (inserted, committed) =
            tokio::join!(biased; self.insert_event(sample), self.client.batch_execute("COMMIT"));
        inserted?;
        committed
    }

    async fn find_response(&self, Sample { key, .. }: &Sample) -> std::result::Result<Option<Row>, Error> {
        self.client.query_opt(&self.find, &[&key.scope, &key.key]).await
    }

    async fn insert_order(&self, Sample { order, .. }: &Sample) -> std::result::Result<(), Error> {
        // The version of a new order is 1.
        let version = i64::try_from(order.version).unwrap_or(1);
        let reason = order.reason.map(domain::order::Reason::name);
        let params: [&(dyn ToSql + Sync); 13] = [
            &order.id.0,
            &order.user_id.0,
            &order.status.name(),
            &reason,
            &order.total.amount.get(),
            &order.total.currency.code(),
            &Json(&order.totals),
            &Json(&order.shipping_address),
            &order.payment_method.as_str(),
            &version,
            &order.created_at,
            &order.updated_at,
            &Json(&order.history),
        ];
        self.client.execute(&self.order, &params).await.map(drop)
    }

    async fn insert_lines(&self, Sample { order, .. }: &Sample) -> std::result::Result<(), Error> {
        self.client.execute(&self.lines, &[&order.id.0, &Json(&order.lines)]).await.map(drop)
    }

    async fn insert_key(&self, Sample { key, reply, .. }: &Sample) -> std::result::Result<(), Error> {
        let status = i32::from(reply.status);
        let headers = Json(&reply.headers);
        let params: [&(dyn ToSql + Sync); 6] = [&key.scope, &key.key, &key.fingerprint, &status, &headers, &reply.body];
        self.client.execute(&self.key, &params).await.map(drop)
    }

    async fn insert_event(&self, Sample { event, .. }: &Sample) -> std::result::Result<(), Error> {
        self.client.execute(&self.outbox, &[&event.id, &event.time, &Json(event)]).await.map(drop)
    }
}
