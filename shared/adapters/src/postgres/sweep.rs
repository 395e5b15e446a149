//! The sweep: sends what a crash, or a bus that was away, left in the outboxes.

use super::{
    Database,
    database::Session,
    migrations::publishers,
    outbox::LEFT,
    params::params,
    rows::{count, get, json, only},
};
use catalog::Context;
use domain::Event;
use edge::telemetry::metrics;
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, Outbox, Swept};
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;

/// How long the bus may take for a sweep's events, while their rows are locked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts rows that do not read as events of this version of the code. They stay, and block none.
const UNREADABLE: &str = "OutboxUnreadable";

/// The outboxes of all contexts, swept as the role of operations.
#[derive(Debug)]
pub struct PgOutbox<B> {
    database: Arc<Database>,
    bus: B,
    take: String,
    mark: String,
    look: String,
}

impl<B: Bus> PgOutbox<B> {
    /// Over `database`, as the role of operations.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        let names: Vec<&str> = publishers().map(Context::name).collect();
        let each = |format: fn(&str) -> String, between: &str| {
            names.iter().map(|name| format(name)).collect::<Vec<_>>().join(between)
        };
        // Each outbox gives up to the limit, and of those the oldest go: rows that are locked and left are free again at the
        // end. A lock cannot be asked for over a UNION, hence one part a context.
        let take = format!(
            "WITH {} SELECT id, event FROM ({}) AS due ORDER BY created_at, id LIMIT $2",
            each(
                |name| format!(
                    "{name}_due AS (SELECT id, created_at, event FROM {name}.outbox
                    WHERE published_at IS NULL AND created_at < $1 ORDER BY created_at, id LIMIT $2
                    FOR UPDATE SKIP LOCKED)"
                ),
                ", "
            ),
            each(|name| format!("SELECT * FROM {name}_due"), " UNION ALL "),
        );
        let mark = format!(
            "WITH {} SELECT",
            each(
                |name| format!("{name}_sent AS (UPDATE {name}.outbox SET published_at = now() WHERE id = ANY ($1))"),
                ", "
            ),
        );
        let look = format!(
            "SELECT count(*) AS waiting, min(created_at) AS oldest FROM ({}) AS waiting",
            each(|name| format!("SELECT created_at FROM {name}.outbox WHERE published_at IS NULL"), " UNION ALL "),
        );
        Self { database, bus, take, mark, look }
    }

    /// Which of the rows in hand the bus took. That it took none is no failure of the sweep, which has more to tell.
    async fn publish(&self, rows: &[Row]) -> Vec<Uuid> {
        let events: Vec<Event> = rows.iter().filter_map(readable).collect();
        if events.is_empty() {
            return Vec::new();
        }
        let taken = match tokio::time::timeout(PATIENCE, self.bus.publish(&events)).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(failure)) => {
                tracing::warn!(error.message = %failure, "the bus took nothing of a sweep");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("the bus did not answer a sweep in time");
                Vec::new()
            }
        };
        let sent: Vec<Uuid> = events.iter().zip(taken).filter(|(_, taken)| *taken).map(|(event, _)| event.id).collect();
        metrics::count(LEFT, u64::try_from(events.len() - sent.len()).unwrap_or(u64::MAX));
        sent
    }

    async fn waiting(&self, session: &Session<'_>, before: Timestamp) -> Result<(u64, u64), Failure> {
        let rows = session.query(&self.look, &[]).await?;
        let row = only(&rows)?;
        let lag = match get::<Option<Timestamp>>(row, "oldest")? {
            Some(oldest) => before.as_millisecond().saturating_sub(oldest.as_millisecond()),
            None => 0,
        };
        Ok((count(row, "waiting")?, u64::try_from(lag).unwrap_or_default()))
    }
}

impl<B: Bus> Outbox for PgOutbox<B> {
    /// The lag is counted up to `before`: what is younger is on its way, and not late.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<Swept, Failure> {
        let session = self.database.session().await?;
        session.command("BEGIN").await?;
        let rows = session.query(&self.take, &params![before, i64::from(limit)]).await?;
        let sent = self.publish(&rows).await;
        if !sent.is_empty() {
            session.query(&self.mark, &params![&sent]).await?;
        }
        session.command("COMMIT").await?;
        let (waiting, lag_ms) = self.waiting(&session, before).await?;
        session.rest();
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Swept { due: small(rows.len()), sent: small(sent.len()), waiting, lag_ms })
    }
}

/// The event of a row; none, said loudly, where a newer or broken version of the code wrote it.
fn readable(row: &Row) -> Option<Event> {
    match json(row, "event") {
        Ok(event) => Some(event),
        Err(failure) => {
            metrics::count(UNREADABLE, 1);
            let id = get::<Uuid>(row, "id").map(|id| id.to_string()).unwrap_or_default();
            tracing::error!(error.message = %failure, event.id = %id, "an event in an outbox cannot be read");
            None
        }
    }
}
