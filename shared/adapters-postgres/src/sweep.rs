//! The outbox sweep: publishes what a crash or an unreachable bus left in the outboxes, and deletes rows past their retention.

use super::{
    Database, delivery_check,
    migrations::publishers,
    outbox::{DEFERRED, belongs_to},
    params::params,
    rows::{count, get, json, log_undecodable, only},
};
use domain::Event;
use edge::telemetry::metrics;
use futures_util::future::join_all;
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use ports::{
    Backlog, Bus, DeliveryCheck, DeliveryCheckReport, ExpiredRows, MAX_COUNTED, Outbox, Retention, SWEEP_LEASE_SECONDS,
    SweepReport, TimeCursor,
};
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;

/// Events of one request to the bus: the most that `PutEvents` takes.
const REQUEST: usize = 10;
/// Timeout of one request. The others of the sweep do not depend on it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Counts rows that this version of the code cannot decode. They stay in the outbox and block no other row.
const UNDECODABLE: &str = "OutboxRowsUndecodable";

/// The outboxes of all contexts, as the role of operations.
#[derive(Debug)]
pub struct PgOutbox<B> {
    database: Arc<Database>,
    bus: B,
    lease_due: String,
    conclude: String,
    backlog: String,
    delivery_checks: Vec<String>,
}

impl<B: Bus> PgOutbox<B> {
    /// `database` logs in as the role of operations.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        let (lease_due, conclude, backlog) = (lease_statement(), conclude_statement(), backlog_statement());
        Self { database, bus, lease_due, conclude, backlog, delivery_checks: delivery_check::statements() }
    }

    /// Publishes the events in concurrent requests. A request that fails or times out does not affect the others.
    async fn publish(&self, events: &[Event]) -> PublishResult {
        let responses = join_all(events.chunks(REQUEST).map(|chunk| self.request(chunk))).await;
        let timed_out = !responses.is_empty() && responses.iter().all(Option::is_none);
        let accepted: Vec<Uuid> = responses.into_iter().flatten().flatten().collect();
        metrics::count(DEFERRED, u64::try_from(events.len() - accepted.len()).unwrap_or(u64::MAX));
        PublishResult { accepted, timed_out }
    }

    /// The ids of the events that the bus accepted; `None` if it timed out.
    async fn request(&self, events: &[Event]) -> Option<Vec<Uuid>> {
        let accepted = match tokio::time::timeout(REQUEST_TIMEOUT, self.bus.publish(events)).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(failure)) => {
                tracing::warn!(failure.code, failure.detail, failure.internal, "the bus rejected events of a sweep");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(events = events.len(), "the bus timed out during a sweep");
                return None;
            }
        };
        Some(events.iter().zip(accepted).filter(|(_, is_accepted)| *is_accepted).map(|(event, _)| event.id).collect())
    }
}

/// Result of publishing the events of a sweep.
struct PublishResult {
    accepted: Vec<Uuid>,
    /// Whether it responded to no request.
    timed_out: bool,
}

impl<B: Bus> Outbox for PgOutbox<B> {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<SweepReport, Failure> {
        let (at, id) = after.map(|after| (after.at, after.id)).unzip();
        let leased_until = seconds_after(before, SWEEP_LEASE_SECONDS)?;
        let rows =
            self.database.query(&self.lease_due, &params![before, i64::from(limit), at, id, leased_until]).await?;
        let Some(last) = rows.last() else { return Ok(SweepReport::default()) };
        let (events, refused) = publishable(&rows);
        let PublishResult { accepted, timed_out } = self.publish(&events).await;
        let leased = rows.iter().map(|row| get(row, "id")).collect::<Result<Vec<Uuid>, _>>()?;
        self.database.query(&self.conclude, &params![&accepted, leased]).await?;
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (due, sent, offered) = (small(rows.len()), small(accepted.len()), small(events.len()));
        Ok(SweepReport { due, sent, offered, refused, last: Some(cursor_of(last)?), timed_out })
    }

    async fn requeue_undelivered(&self, check: &DeliveryCheck) -> Result<DeliveryCheckReport, Failure> {
        delivery_check::run(&self.database, &self.delivery_checks, check).await
    }

    async fn backlog(&self) -> Result<Backlog, Failure> {
        let rows = self.database.query(&self.backlog, &[]).await?;
        let row = only(&rows)?;
        Ok(Backlog { waiting: count(row, "waiting")?, oldest: get(row, "oldest")? })
    }
}

impl<B: Bus> Retention for PgOutbox<B> {
    async fn delete(&self, rows: &ExpiredRows, limit: u32) -> Result<u32, Failure> {
        let found = self.database.query(&delete_statement(rows), &params![rows.before, i64::from(limit)]).await?;
        u32::try_from(count(only(&found)?, "deleted")?).map_err(Failure::internal)
    }
}

fn cursor_of(row: &Row) -> Result<TimeCursor, Failure> {
    Ok(TimeCursor { at: get(row, "created_at")?, id: get(row, "id")? })
}

/// Leases until `$5` at most `$2` pending events of all outboxes that happened before `$1` and after `($3, $4)`, and that no other sweep has
/// leased; returns them, oldest first. Each outbox is read in the order of its index, up to the limit. A row that another sweep is leasing at
/// this moment is skipped.
fn lease_statement() -> String {
    let due = |name: &str| {
        format!(
            "{name}_due AS (SELECT '{name}' AS context, id, created_at FROM {name}.outbox
            WHERE published_at IS NULL AND (claimed_until IS NULL OR claimed_until < $1)
                AND created_at < $1 AND ($3 IS NULL OR (created_at, id) > ($3, $4))
            ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)"
        )
    };
    let leased = |name: &str| {
        format!(
            "{name}_leased AS (UPDATE {name}.outbox AS o SET claimed_until = $5 FROM due
            WHERE due.context = '{name}' AND o.id = due.id RETURNING '{name}' AS context, o.id, o.created_at, o.event)"
        )
    };
    let each = |format: &dyn Fn(&str) -> String, between: &str| {
        publishers().map(|context| format(context.name())).collect::<Vec<_>>().join(between)
    };
    format!(
        "WITH {}, due AS ({} ORDER BY created_at, id LIMIT $2), {} {} ORDER BY created_at, id",
        each(&due, ", "),
        each(&|name| format!("SELECT * FROM {name}_due"), " UNION ALL "),
        each(&leased, ", "),
        each(&|name| format!("SELECT * FROM {name}_leased"), " UNION ALL "),
    )
}

/// Marks the events `$1` as published and ends the leases of the events `$2`, which include them.
fn conclude_statement() -> String {
    let conclude = |name: &str| {
        format!(
            "{name}_concluded AS (UPDATE {name}.outbox SET claimed_until = NULL,
                published_at = CASE WHEN id = ANY ($1) THEN now() ELSE published_at END WHERE id = ANY ($2))"
        )
    };
    let parts: Vec<String> = publishers().map(|context| conclude(context.name())).collect();
    format!("WITH {} SELECT", parts.join(", "))
}

/// Counts pending events up to [`MAX_COUNTED`], and finds the oldest that this version of the code would publish: one that is refused or cannot
/// be decoded is never published, has an alarm of its own, and does not count as lag. Only such rows are read to find it, in the order of
/// the index.
fn backlog_statement() -> String {
    let (mut waiting, mut oldest) = (Vec::new(), Vec::new());
    for context in publishers() {
        let (name, source) = (context.name(), context.source());
        let own = catalog::EVENTS.iter().filter(|event| event.context == context);
        let types = own.map(|event| format!("'{}'", event.name)).collect::<Vec<_>>().join(", ");
        waiting.push(format!("(SELECT FROM {name}.outbox WHERE published_at IS NULL LIMIT {MAX_COUNTED})"));
        oldest.push(format!(
            "(SELECT created_at FROM {name}.outbox WHERE published_at IS NULL
                AND event ->> 'source' = '{source}' AND event ->> 'type' IN ({types}) ORDER BY created_at, id LIMIT 1)"
        ));
    }
    format!(
        "SELECT (SELECT count(*) FROM (SELECT FROM ({}) AS pending LIMIT {MAX_COUNTED}) AS counted) AS waiting,
            (SELECT min(created_at) FROM ({}) AS publishable) AS oldest",
        waiting.join(" UNION ALL "),
        oldest.join(" UNION ALL ")
    )
}

/// Deletes at most `$2` rows, oldest first, that expired before `$1` and before the clock of the database, which alone decides how long
/// a response or a token is valid. Returns their number.
fn delete_statement(ExpiredRows { table, since, .. }: &ExpiredRows) -> String {
    // The condition is repeated outside of the subquery, since only there is it evaluated again for a row that a concurrent transaction
    // has changed (for instance, an expired record that was replaced).
    let is_expired = format!("{since} < least($1, now())");
    format!(
        "WITH deleted AS (
            DELETE FROM {table} WHERE {is_expired}
                AND ctid = ANY (ARRAY (SELECT ctid FROM {table} WHERE {is_expired} ORDER BY {since} LIMIT $2))
            RETURNING 1
        ) SELECT count(*) AS deleted FROM deleted"
    )
}

/// The events of rows that belong to the context of their outbox, and the number of those that do not.
fn publishable(rows: &[Row]) -> (Vec<Event>, u32) {
    let (mut events, mut refused) = (Vec::new(), 0);
    for row in rows {
        let Some(event) = decodable(row) else { continue };
        let context = get::<&str>(row, "context").ok().and_then(|name| publishers().find(|one| one.name() == name));
        match context {
            Some(context) if belongs_to(&event, context) => events.push(event),
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
            let context = get::<&str>(row, "context").unwrap_or_default();
            log_undecodable(&format!("{context}.outbox"), &id, &failure);
            None
        }
    }
}
