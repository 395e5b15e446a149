//! The usual way to place an order: a transaction of plain statements, each prepared once and each a round trip.

use super::{ground::said, sample::Sample};
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
    INSERT INTO orders (id, user_id, status, reason, total_amount, currency, shipping_address, payment_method, payment_id,
        version, created_at, updated_at, history)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9, $10, $11, $12)";
/// All lines at once: a statement a line would be a round trip a line.
const LINES: &str = "
    INSERT INTO order_lines (order_id, position, product_id, product_name, quantity, unit_price, line_total)
    SELECT $1, line.position, (line.item ->> 'product_id')::uuid, line.item ->> 'product_name',
        (line.item ->> 'quantity')::bigint, (line.item #>> '{unit_price,amount}')::bigint,
        (line.item #>> '{line_total,amount}')::bigint
    FROM jsonb_array_elements($2) WITH ORDINALITY AS line (item, position)";
const KEY: &str = "
    INSERT INTO idempotency (scope, key, fingerprint, status, headers, body, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now(), now() + interval '24 hours')";
const OUTBOX: &str = "INSERT INTO outbox (id, created_at, event) VALUES ($1, $2, $3)";
/// The least that can be committed: what takes no longer than this has nothing to gain.
const LEAST: &str = "INSERT INTO least (id) VALUES ($1)";
const MARK: &str = "UPDATE outbox SET published_at = now() WHERE id = $1";

/// How often the usual way waits for the database.
#[derive(Clone, Copy)]
pub enum Way {
    /// After each of its five statements, and after `BEGIN` and `COMMIT`.
    Seven,
    /// After each of its five statements: `BEGIN` travels with the first, `COMMIT` with the last.
    Five,
}

/// A connection with its statements.
pub struct Plain {
    client: Client,
    find: Statement,
    order: Statement,
    lines: Statement,
    key: Statement,
    outbox: Statement,
    mark: Statement,
    least: Statement,
}

impl Plain {
    /// Connects by way of `port`, as the role of orders.
    pub async fn connect(database: &Database, port: u16) -> Result<Self> {
        let client = database.plain(Context::Orders, port).await?;
        Self::prepare(client).await.map_err(said)
    }

    async fn prepare(client: Client) -> std::result::Result<Self, Error> {
        Ok(Self {
            find: client.prepare(FIND).await?,
            order: client.prepare(ORDER).await?,
            lines: client.prepare(LINES).await?,
            key: client.prepare(KEY).await?,
            outbox: client.prepare(OUTBOX).await?,
            mark: client.prepare(MARK).await?,
            least: client.prepare(LEAST).await?,
            client,
        })
    }

    /// Places an order in the round trips of `way`, and one more if its event is marked as sent.
    pub async fn place(&mut self, way: Way, sample: &Sample, marks: bool) -> Result<()> {
        match way {
            Way::Seven => self.commit(sample).await,
            Way::Five => self.commit_briefly(sample).await,
        }
        .map_err(said)?;
        if marks {
            self.client.execute(&self.mark, &[&sample.event.id]).await.map_err(said)?;
        }
        Ok(())
    }

    /// Commits one row of one column, in one round trip.
    pub async fn commit_least(&mut self, sample: &Sample) -> Result<()> {
        self.client.execute(&self.least, &[&sample.order.id.0]).await.map(drop).map_err(said)
    }

    async fn commit(&mut self, sample: &Sample) -> std::result::Result<(), Error> {
        self.client.batch_execute("BEGIN").await?;
        if self.find(sample).await?.is_some() {
            return self.client.batch_execute("ROLLBACK").await;
        }
        self.order(sample).await?;
        self.lines(sample).await?;
        self.key(sample).await?;
        self.event(sample).await?;
        self.client.batch_execute("COMMIT").await
    }

    /// `BEGIN` does not wait before the first statement goes out, nor the last one before `COMMIT` does.
    async fn commit_briefly(&mut self, sample: &Sample) -> std::result::Result<(), Error> {
        let (begun, found) = tokio::join!(biased; self.client.batch_execute("BEGIN"), self.find(sample));
        begun?;
        if found?.is_some() {
            return self.client.batch_execute("ROLLBACK").await;
        }
        self.order(sample).await?;
        self.lines(sample).await?;
        self.key(sample).await?;
        let (told, committed) = tokio::join!(biased; self.event(sample), self.client.batch_execute("COMMIT"));
        told?;
        committed
    }

    async fn find(&self, Sample { key, .. }: &Sample) -> std::result::Result<Option<Row>, Error> {
        self.client.query_opt(&self.find, &[&key.scope, &key.key]).await
    }

    async fn order(&self, Sample { order, .. }: &Sample) -> std::result::Result<(), Error> {
        // The version of a new order fits everywhere.
        let version = i64::try_from(order.version).unwrap_or(1);
        let reason = order.reason.map(domain::order::Reason::name);
        let params: [&(dyn ToSql + Sync); 12] = [
            &order.id.0,
            &order.user_id.0,
            &order.status.name(),
            &reason,
            &order.total.amount.get(),
            &order.total.currency.code(),
            &Json(&order.shipping_address),
            &order.payment_method.as_str(),
            &version,
            &order.created_at,
            &order.updated_at,
            &Json(&order.history),
        ];
        self.client.execute(&self.order, &params).await.map(drop)
    }

    async fn lines(&self, Sample { order, .. }: &Sample) -> std::result::Result<(), Error> {
        self.client.execute(&self.lines, &[&order.id.0, &Json(&order.lines)]).await.map(drop)
    }

    async fn key(&self, Sample { key, reply, .. }: &Sample) -> std::result::Result<(), Error> {
        let status = i32::from(reply.status);
        let headers = Json(&reply.headers);
        let params: [&(dyn ToSql + Sync); 6] = [&key.scope, &key.key, &key.fingerprint, &status, &headers, &reply.body];
        self.client.execute(&self.key, &params).await.map(drop)
    }

    async fn event(&self, Sample { event, .. }: &Sample) -> std::result::Result<(), Error> {
        self.client.execute(&self.outbox, &[&event.id, &event.time, &Json(event)]).await.map(drop)
    }
}
