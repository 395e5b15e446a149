//! The outbox sweep: publishes what a crash or an unreachable bus left in the outboxes, and deletes expired rows.

use super::{
    Database,
    database::Session,
    migrations::{consumers, idempotent_contexts, publishers},
    outbox::{DEFERRED, may_leave},
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

/// Timeout for publishing the events of a sweep, while their rows are locked.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Counts rows that this version of the code cannot decode. They stay in the outbox and block no other row.
const UNDECODABLE: &str = "OutboxRowsUndecodable";

/// The outboxes of all contexts, as the role of operations.
#[derive(Debug)]
pub struct PgOutbox<B> {
    database: Arc<Database>,
    bus: B,
    lock_due: String,
    mark_published: String,
    count_waiting: String,
    clean_up: String,
}

impl<B: Bus> PgOutbox<B> {
    /// `database` logs in as the role of operations.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        let names: Vec<&str> = publishers().map(Context::name).collect();
        let each = |format: fn(&str) -> String, between: &str| {
            names.iter().map(|name| format(name)).collect::<Vec<_>>().join(between)
        };
        // Locks up to the limit in each outbox and takes the oldest of all; the other locks end with the transaction. `FOR UPDATE` cannot
        // be applied to a UNION, hence one CTE for each context.
        let lock_due = format!(
            "WITH {} SELECT context, id, created_at, event FROM ({}) AS due ORDER BY created_at, id LIMIT $2",
            each(
                |name| {
                    format!(
                    "{name}_due AS (SELECT '{name}' AS context, id, created_at, event FROM {name}.outbox
                    WHERE published_at IS NULL AND created_at < $1 AND ($3 IS NULL OR (created_at, id) > ($3, $4)) ORDER BY created_at, id LIMIT $2
                    FOR UPDATE SKIP LOCKED)"
                )
                },
                ", "
            ),
            each(|name| format!("SELECT * FROM {name}_due"), " UNION ALL "),
        );
        let mark_published = format!(
            "WITH {} SELECT",
            each(
                |name| format!("{name}_sent AS (UPDATE {name}.outbox SET published_at = now() WHERE id = ANY ($1))"),
                ", "
            ),
        );
        let count_waiting = count_waiting_statement();
        let clean_up = clean_up_statement();
        Self { database, bus, lock_due, mark_published, count_waiting, clean_up }
    }

    /// The ids of the events that the bus accepted; `None` if it timed out. A rejection is not an error of the sweep.
    async fn publish(&self, events: &[Event]) -> Option<Vec<Uuid>> {
        if events.is_empty() {
            return Some(Vec::new());
        }
        let response = tokio::time::timeout(PUBLISH_TIMEOUT, self.bus.publish(events)).await;
        let timed_out = response.is_err();
        let accepted = match response {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(failure)) => {
                tracing::warn!(error.message = %failure, "the bus rejected the events of a sweep");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("the bus timed out during a sweep");
                Vec::new()
            }
        };
        let published: Vec<Uuid> =
            events.iter().zip(accepted).filter(|(_, is_accepted)| *is_accepted).map(|(event, _)| event.id).collect();
        metrics::count(DEFERRED, u64::try_from(events.len() - published.len()).unwrap_or(u64::MAX));
        (!timed_out).then_some(published)
    }

    async fn waiting(&self, session: &Session<'_>) -> Result<(u64, Option<Timestamp>), Failure> {
        let rows = session.query(&self.count_waiting, &[]).await?;
        let row = only(&rows)?;
        Ok((count(row, "waiting")?, get(row, "oldest")?))
    }
}

impl<B: Bus> Outbox for PgOutbox<B> {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure> {
        let session = self.database.session().await?;
        session.command("BEGIN").await?;
        let (at, id) = after.map(|after| (after.at, after.id)).unzip();
        let rows = session.query(&self.lock_due, &params![before, i64::from(limit), at, id]).await?;
        let (events, refused) = leaving(&rows);
        let result = self.publish(&events).await;
        let timed_out = result.is_none();
        let published = result.unwrap_or_default();
        if !published.is_empty() {
            session.query(&self.mark_published, &params![&published]).await?;
        }
        session.command("COMMIT").await?;
        let (waiting, oldest) = self.waiting(&session).await?;
        session.release();
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let last = rows.last().map(cursor_of).transpose()?;
        Ok(SweepReport {
            due: small(rows.len()),
            sent: small(published.len()),
            refused,
            waiting,
            oldest,
            last,
            timed_out,
        })
    }

    async fn clean_up(&self, cutoffs: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure> {
        let params = params![cutoffs.sent, cutoffs.claims, cutoffs.replies, i64::from(limit)];
        let rows = self.database.query(&self.clean_up, &params).await?;
        let row = only(&rows)?;
        Ok(CleanupReport {
            sent: count(row, "sent")?,
            claims: count(row, "claims")?,
            replies: count(row, "replies")?,
            expired: count(row, "expired")?,
        })
    }
}

fn cursor_of(row: &Row) -> Result<OutboxCursor, Failure> {
    Ok(OutboxCursor { at: get(row, "created_at")?, id: get(row, "id")? })
}

/// Counts pending events, and finds the oldest that this version of the code would publish: one that is refused or cannot be decoded never
/// leaves, has an alarm of its own, and says nothing about the lag. Only such rows are read to find it, in the order of the index.
fn count_waiting_statement() -> String {
    let (mut waiting, mut oldest) = (Vec::new(), Vec::new());
    for context in publishers() {
        let (name, source) = (context.name(), context.source());
        let own = catalog::EVENTS.iter().filter(|event| event.context == context);
        let types = own.map(|event| format!("'{}'", event.name)).collect::<Vec<_>>().join(", ");
        waiting.push(format!("(SELECT count(*) FROM {name}.outbox WHERE published_at IS NULL)"));
        oldest.push(format!(
            "(SELECT created_at FROM {name}.outbox WHERE published_at IS NULL
                AND event ->> 'source' = '{source}' AND event ->> 'type' IN ({types}) ORDER BY created_at LIMIT 1)"
        ));
    }
    format!(
        "SELECT {} AS waiting, (SELECT min(created_at) FROM ({}) AS leaving) AS oldest",
        waiting.join(" + "),
        oldest.join(" UNION ALL ")
    )
}

/// The rows that say themselves when they expire: context, table and key.
const EXPIRING: [(Context, &str, &str); 10] = [
    (Context::Identity, "login_attempts", "counter"),
    (Context::Identity, "pending_logins", "digest"),
    (Context::Identity, "login_sources", "counter"),
    (Context::Identity, "message_budgets", "counter"),
    (Context::Identity, "password_resets", "id"),
    (Context::Identity, "sessions", "id"),
    (Context::Identity, "used_refresh_tokens", "digest"),
    (Context::Identity, "verifications", "id"),
    (Context::Notifications, "message_budgets", "counter"),
    (Context::Notifications, "webhook_deliveries", "endpoint_id, id"),
];

/// Deletes events that were published before `$1` from every outbox, claims before `$2` from every inbox, and idempotency records and
/// rows of [`EXPIRING`] that expired before `$3` and before the database's own clock, which alone decides how long they are valid. At most `$4` rows of each table,
/// oldest first. Returns the numbers of deleted rows.
fn clean_up_statement() -> String {
    // The condition is repeated outside of the subquery, since only there is it evaluated again for a row that a concurrent transaction
    // has changed (for instance, an expired record that was replaced).
    let deletion = |part: &str, table: &str, key: &str, since: &str, end: &str| {
        format!(
            "{part} AS (DELETE FROM {table} WHERE {since} < {end} AND ({key}) IN
            (SELECT {key} FROM {table} WHERE {since} < {end} ORDER BY {since} LIMIT $4) RETURNING 1)"
        )
    };
    let (mut parts, mut sent, mut claims, mut replies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut expired = Vec::new();
    for (context, table, key) in EXPIRING {
        let part = format!("{}_{table}", context.name());
        let table = format!("{}.{table}", context.name());
        parts.push(deletion(&part, &table, key, "expires_at", "least($3, now())"));
        expired.push(format!("(SELECT count(*) FROM {part})"));
    }
    for name in idempotent_contexts().map(Context::name) {
        let part = format!("{name}_replies");
        parts.push(deletion(&part, &format!("{name}.idempotency"), "scope, key", "expires_at", "least($3, now())"));
        replies.push(format!("(SELECT count(*) FROM {part})"));
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
        "WITH {} SELECT {} AS sent, {} AS claims, {} AS replies, {} AS expired",
        parts.join(", "),
        sent.join(" + "),
        claims.join(" + "),
        replies.join(" + "),
        expired.join(" + "),
    )
}

/// The events of rows that may leave the outbox that they are in, and the number of those that may not.
fn leaving(rows: &[Row]) -> (Vec<Event>, u32) {
    let (mut events, mut refused) = (Vec::new(), 0);
    for row in rows {
        let Some(event) = decodable(row) else { continue };
        let context = get::<&str>(row, "context").ok().and_then(|name| publishers().find(|one| one.name() == name));
        match context {
            Some(context) if may_leave(&event, context) => events.push(event),
            _ => refused += 1,
        }
    }
    (events, refused)
}

/// The event of a row. One that cannot be decoded, such as that of a newer version of the code, is logged and counted.
fn decodable(row: &Row) -> Option<Event> {
    match json(row, "event") {
        Ok(event) => Some(event),
        Err(failure) => {
            metrics::count(UNDECODABLE, 1);
            let id = get::<Uuid>(row, "id").map(|id| id.to_string()).unwrap_or_default();
            tracing::error!(error.message = %failure, event.id = %id, "an event in an outbox cannot be decoded");
            None
        }
    }
}
