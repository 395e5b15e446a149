//! Events of changes that another store made.

use super::{Database, outbox::Relay, params::params};
use catalog::Context;
use domain::Event;
use kernel::Failure;
use ports::{Bus, EventOutbox};
use std::sync::Arc;
use tokio_postgres::types::Json;

const COMMIT: &str = "
    INSERT INTO outbox (id, created_at, event) VALUES (($1 ->> 'id')::uuid, ($1 ->> 'time')::timestamptz, $1)
    ON CONFLICT DO NOTHING RETURNING id";

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
        if !self.relay.database().query(COMMIT, &params![Json(event)]).await?.is_empty() {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(())
    }
}
