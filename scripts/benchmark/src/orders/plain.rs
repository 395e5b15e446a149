//! The usual way to place an order: a transaction of plain statements, each prepared once and each a round trip.

use super::{ground::said, sample::Sample};
use crate::database::Database;
use catalog::Context;
use tokio_postgres::{Client, Statement, types::Json};
use xtask::Result;

const FIND: &str =
    "SELECT fingerprint, status, body FROM idempotency WHERE scope = $1 AND key = $2 AND expires_at > now()";
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
    INSERT INTO idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, now(), now() + interval '24 hours')";
const OUTBOX: &str = "INSERT INTO outbox (id, created_at, event) VALUES ($1, $2, $3)";
const MARK: &str = "UPDATE outbox SET published_at = now() WHERE id = $1";

/// A connection with its statements.
pub struct Plain {
    client: Client,
    find: Statement,
    order: Statement,
    lines: Statement,
    key: Statement,
    outbox: Statement,
    mark: Statement,
}

impl Plain {
    /// Connects by way of `port`, as the role of orders.
    pub async fn connect(database: &Database, port: u16) -> Result<Self> {
        let client = database.plain(Context::Orders, port).await?;
        Self::prepare(client).await.map_err(said)
    }

    async fn prepare(client: Client) -> std::result::Result<Self, tokio_postgres::Error> {
        Ok(Self {
            find: client.prepare(FIND).await?,
            order: client.prepare(ORDER).await?,
            lines: client.prepare(LINES).await?,
            key: client.prepare(KEY).await?,
            outbox: client.prepare(OUTBOX).await?,
            mark: client.prepare(MARK).await?,
            client,
        })
    }

    /// Places an order: seven round trips, and one more if its event is marked as sent.
    pub async fn place(&mut self, sample: &Sample, marks: bool) -> Result<()> {
        self.commit(sample, marks).await.map_err(said)
    }

    async fn commit(&mut self, sample: &Sample, marks: bool) -> std::result::Result<(), tokio_postgres::Error> {
        let Sample { order, event, key, reply, .. } = sample;
        // The version of a new order and the statuses of HTTP fit everywhere.
        let (version, status) = (i64::try_from(order.version).unwrap_or(1), i32::from(reply.status));
        let reason = order.reason.map(domain::order::Reason::name);
        let transaction = self.client.transaction().await?;
        if transaction.query_opt(&self.find, &[&key.scope, &key.key]).await?.is_some() {
            return transaction.rollback().await;
        }
        transaction
            .execute(
                &self.order,
                &[
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
                ],
            )
            .await?;
        transaction.execute(&self.lines, &[&order.id.0, &Json(&order.lines)]).await?;
        transaction.execute(&self.key, &[&key.scope, &key.key, &key.fingerprint, &status, &reply.body]).await?;
        transaction.execute(&self.outbox, &[&event.id, &event.time, &Json(event)]).await?;
        transaction.commit().await?;
        if marks {
            self.client.execute(&self.mark, &[&event.id]).await?;
        }
        Ok(())
    }
}
