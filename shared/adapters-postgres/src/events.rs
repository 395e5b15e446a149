//! Events of changes that another store made.

use super::{Database, outbox::Relay, params::params, rows::get};
use catalog::Context;
use domain::{Event, id::ProductId};
use kernel::{Failure, Uuid};
use ports::{Bus, EventOutbox, SweepPosition, SweepPositions};
use std::sync::Arc;
use tokio_postgres::types::Json;

const INSERT_EVENT: &str = "
    INSERT INTO outbox (id, created_at, event) VALUES (($1 ->> 'id')::uuid, ($1 ->> 'time')::timestamptz, $1)
    ON CONFLICT DO NOTHING RETURNING id";

const SWEPT: &str = "SELECT hour, after_product FROM product_sweep";

const ADVANCE: &str = "
    INSERT INTO product_sweep (hour, after_product) VALUES ($1, $2)
    ON CONFLICT (is_only) DO UPDATE SET hour = excluded.hour, after_product = excluded.after_product";

/// The outbox of a context whose changes are stored elsewhere.
#[derive(Debug)]
pub struct PgEvents<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgEvents<B> {
    /// `database` logs in as the role of `context`.
    pub fn new(context: Context, database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(context, database, bus) }
    }
}

impl<B: Bus> EventOutbox for PgEvents<B> {
    async fn commit(&self, event: &Event) -> Result<(), Failure> {
        if !self.relay.database().query(INSERT_EVENT, &params![Json(event)]).await?.is_empty() {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(())
    }
}

impl<B: Bus> SweepPositions for PgEvents<B> {
    async fn position(&self) -> Result<Option<SweepPosition>, Failure> {
        let rows = self.relay.database().query(SWEPT, &[]).await?;
        let position = |row| {
            Ok(SweepPosition {
                hour: get(row, "hour")?,
                after: get::<Option<Uuid>>(row, "after_product")?.map(ProductId),
            })
        };
        rows.first().map(position).transpose()
    }

    async fn advance(&self, position: SweepPosition) -> Result<(), Failure> {
        let after = position.after.map(|product| product.0);
        self.relay.database().query(ADVANCE, &params![position.hour, after]).await.map(drop)
    }
}
