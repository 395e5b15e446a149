//! The sweep: sends what a crash, or a bus that was away, left in the outboxes, and deletes what nobody needs any more.

use super::{
    Database,
    database::Session,
    migrations::{answerers, consumers, publishers},
    outbox::LEFT,
    params::params,
    rows::{count, get, json, only},
};
use catalog::Context;
use domain::Event;
use edge::telemetry::metrics;
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, CleanupReport, Cutoffs, Outbox, OutboxCursor, SweepReport};
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;

/// How long the bus may take for a sweep's events, while their rows are locked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts rows that do not read as events of this version of the code. They stay, and block none.
const UNREADABLE: &str = "OutboxRowsUndecodable";

/// The outboxes of all contexts, swept as the role of operations.
#[derive(Debug)]
pub struct PgOutbox<B> {
    database: Arc<Database>,
    bus: B,
    take: String,
    mark: String,
    look: String,
    tidy: String,
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
            "WITH {} SELECT id, created_at, event FROM ({}) AS due ORDER BY created_at, id LIMIT $2",
            each(
                |name| {
                    format!(
                    "{name}_due AS (SELECT id, created_at, event FROM {name}.outbox
                    WHERE published_at IS NULL AND created_at < $1 AND ($3 IS NULL OR (created_at, id) > ($3, $4)) ORDER BY created_at, id LIMIT $2
                    FOR UPDATE SKIP LOCKED)"
                )
                },
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
        let tidy = tidy();
        Self { database, bus, take, mark, look, tidy }
    }

    /// Which of the rows in hand the bus took, unless it was timed_out. That it took none is no failure of the sweep, which has more
    /// to tell.
    async fn publish(&self, rows: &[Row]) -> Option<Vec<Uuid>> {
        let events: Vec<Event> = rows.iter().filter_map(readable).collect();
        if events.is_empty() {
            return Some(Vec::new());
        }
        let answer = tokio::time::timeout(PATIENCE, self.bus.publish(&events)).await;
        let timed_out = answer.is_err();
        let taken = match answer {
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
        (!timed_out).then_some(sent)
    }

    async fn waiting(&self, session: &Session<'_>) -> Result<(u64, Option<Timestamp>), Failure> {
        let rows = session.query(&self.look, &[]).await?;
        let row = only(&rows)?;
        Ok((count(row, "waiting")?, get(row, "oldest")?))
    }
}

impl<B: Bus> Outbox for PgOutbox<B> {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure> {
        let session = self.database.session().await?;
        session.command("BEGIN").await?;
        let (at, id) = after.map(|after| (after.at, after.id)).unzip();
        let rows = session.query(&self.take, &params![before, i64::from(limit), at, id]).await?;
        let answer = self.publish(&rows).await;
        let timed_out = answer.is_none();
        let sent = answer.unwrap_or_default();
        if !sent.is_empty() {
            session.query(&self.mark, &params![&sent]).await?;
        }
        session.command("COMMIT").await?;
        let (waiting, oldest) = self.waiting(&session).await?;
        session.rest();
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let last = rows.last().map(place).transpose()?;
        Ok(SweepReport { due: small(rows.len()), sent: small(sent.len()), waiting, oldest, last, timed_out })
    }

    async fn clean_up(&self, ends: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure> {
        let params = params![ends.sent, ends.claims, ends.replies, i64::from(limit)];
        let rows = self.database.query(&self.tidy, &params).await?;
        let row = only(&rows)?;
        Ok(CleanupReport { sent: count(row, "sent")?, claims: count(row, "claims")?, replies: count(row, "answers")? })
    }
}

fn place(row: &Row) -> Result<OutboxCursor, Failure> {
    Ok(OutboxCursor { at: get(row, "created_at")?, id: get(row, "id")? })
}

/// Deletes from every outbox what went out before `$1`, from every inbox what was claimed before `$2`, and of the answers to
/// requests those that expired before `$3`, by this clock and by the database's, which alone decides how long they last; `$4` rows of each at most, the oldest first. It answers how many.
fn tidy() -> String {
    // The condition stands twice: where somebody changed a row meanwhile (took an expired key over, say), only what is said of the
    // row itself is looked at again before it goes.
    let deletion = |part: &str, table: &str, key: &str, since: &str, end: &str| {
        format!(
            "{part} AS (DELETE FROM {table} WHERE {since} < {end} AND ({key}) IN
            (SELECT {key} FROM {table} WHERE {since} < {end} ORDER BY {since} LIMIT $4) RETURNING 1)"
        )
    };
    let (mut parts, mut sent, mut claims, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in answerers().map(Context::name) {
        let part = format!("{name}_answers");
        parts.push(deletion(&part, &format!("{name}.idempotency"), "scope, key", "expires_at", "least($3, now())"));
        answers.push(format!("(SELECT count(*) FROM {part})"));
    }
    for name in publishers().map(Context::name) {
        let part = format!("{name}_sent");
        parts.push(deletion(&part, &format!("{name}.outbox"), "id", "published_at", "$1"));
        sent.push(format!("(SELECT count(*) FROM {part})"));
    }
    for name in consumers().map(Context::name) {
        let part = format!("{name}_claims");
        parts.push(deletion(&part, &format!("{name}.inbox"), "consumer, event_id", "claimed_at", "$2"));
        claims.push(format!("(SELECT count(*) FROM {part})"));
    }
    format!(
        "WITH {} SELECT {} AS sent, {} AS claims, {} AS answers",
        parts.join(", "),
        sent.join(" + "),
        claims.join(" + "),
        answers.join(" + "),
    )
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
