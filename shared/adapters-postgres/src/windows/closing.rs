//! Closing windows: which have a revision that is not published, and publishing them.

use super::{max_regions, read, window_columns};
use crate::{
    Database,
    outbox::Relay,
    params::params,
    rows::{get, word},
};
use domain::{
    Event,
    event::AnomalyDetected,
    money::Currency,
    window::{
        ChangedWindow, FoundAnomaly, WindowRevision,
        anomaly::{BESIDE, Baseline, Sales, WEEKS},
    },
};
use kernel::{Failure, Timestamp};
use ports::{Bus, WindowClosing};
use serde::Deserialize;
use serde_json::{Value, json as object};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// A window in which nothing happened has no row, and could not be unusual. So each currency of the last four weeks gets a row for every window
/// of the last hour: enough for runs every few minutes, and what an outage of an hour leaves out is no window without orders.
const OPEN: &str = "
    INSERT INTO windows (window_start, currency)
    SELECT slot, active.currency
    FROM generate_series($1 - interval '1 hour', $1 - interval '5 minutes', interval '5 minutes') AS slot, (
        SELECT DISTINCT currency FROM windows WHERE window_start >= $1 - interval '672 hours' AND orders > 0
    ) AS active
    ORDER BY slot, active.currency
    ON CONFLICT DO NOTHING";

/// A week is part of the baseline if the currency had windows before it. Hours are written out, because a day of a time zone may have 25.
const CHANGED: &str = concat!(
    "SELECT CASE WHEN w.published = 0 THEN (
        SELECT jsonb_build_object(
            'previous', (
                SELECT jsonb_build_array(p.orders, p.revenue) FROM windows AS p
                WHERE p.currency = w.currency AND p.window_start = w.window_start - interval '5 minutes'
            ),
            'windows', (
                SELECT coalesce(jsonb_agg(jsonb_build_array(coalesce(b.orders, 0), coalesce(b.revenue, 0))), '[]')
                FROM generate_series(1, $3) AS week CROSS JOIN generate_series(-$4, $4) AS beside
                LEFT JOIN windows AS b ON b.currency = w.currency
                    AND b.window_start = w.window_start - week * interval '168 hours' + beside * interval '5 minutes'
                WHERE w.window_start - week * interval '168 hours' - $4 * interval '5 minutes' >= known.since
            )
        )
        FROM (SELECT min(o.window_start) AS since FROM windows AS o WHERE o.currency = w.currency) AS known
    ) END AS baseline, ",
    window_columns!("$5"),
    "
    FROM windows AS w
    WHERE w.published < w.revision AND w.window_start < $1
    ORDER BY w.window_start, w.currency LIMIT $2"
);

/// Locks windows in the order in which batches do. One that was changed since it was read is left to the next page.
const PUBLISH: &str = "
    WITH given AS (
        SELECT * FROM jsonb_to_recordset($1) AS g (
            window_start timestamptz, currency text, revision bigint, changes bigint, events jsonb, anomalies jsonb
        )
    ), locked AS (
        SELECT w.window_start, w.currency, given.revision, given.events, given.anomalies
        FROM windows AS w JOIN given USING (window_start, currency)
        WHERE w.changes = given.changes AND w.published < given.revision
        ORDER BY w.window_start, w.currency FOR UPDATE OF w
    ), published AS (
        UPDATE windows AS w SET published = locked.revision FROM locked
        WHERE w.window_start = locked.window_start AND w.currency = locked.currency
        RETURNING w.window_start, w.currency, locked.events, locked.anomalies
    ), inserted AS (
        INSERT INTO outbox (id, created_at, event)
        SELECT (one.event ->> 'id')::uuid, (one.event ->> 'time')::timestamptz, one.event
        FROM published, jsonb_array_elements(published.events) AS one (event)
    ), unusual AS (
        INSERT INTO anomalies (id, found_at, window_start, currency, metric, observed, expected, least, most)
        SELECT a.id, a.found_at, published.window_start, published.currency, a.metric, a.observed, a.expected, a.least, a.most
        FROM published, jsonb_to_recordset(published.anomalies) AS a (
            id uuid, found_at timestamptz, metric text, observed bigint, expected bigint, least bigint, most bigint
        )
    )
    SELECT window_start, currency FROM published";

/// Closes the windows of analytics.
#[derive(Debug)]
pub struct PgWindowClosing<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgWindowClosing<B> {
    /// `database` logs in as the role of analytics.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Analytics, database, bus) }
    }
}

impl<B: Bus> WindowClosing for PgWindowClosing<B> {
    async fn open(&self, until: Timestamp) -> Result<(), Failure> {
        self.relay.database().query(OPEN, &params![until]).await.map(drop)
    }

    async fn changed(&self, until: Timestamp, limit: u32) -> Result<Vec<ChangedWindow>, Failure> {
        let (weeks, beside) = (i32::try_from(WEEKS), i32::try_from(BESIDE));
        let (weeks, beside) = (weeks.map_err(Failure::internal)?, beside.map_err(Failure::internal)?);
        let params = params![until, i64::from(limit), weeks, beside, max_regions()?];
        self.relay.database().query(CHANGED, &params).await?.iter().map(read_changed).collect()
    }

    async fn publish(&self, closings: &[WindowRevision]) -> Result<u32, Failure> {
        if closings.is_empty() {
            return Ok(0);
        }
        let given: Vec<Value> = closings.iter().map(to_json).collect();
        let rows = self.relay.database().query(PUBLISH, &params![Json(given)]).await?;
        let mut published: Vec<Event> = Vec::new();
        for row in &rows {
            let (start, currency): (Timestamp, _) =
                (get(row, "window_start")?, word(row, "currency", |code| Currency::parse(code).ok())?);
            let closed = closings.iter().filter(|closing| (closing.start, closing.currency) == (start, currency));
            published.extend(closed.flat_map(|closing| closing.events.iter().cloned()));
        }
        self.relay.publish(&published).await;
        u32::try_from(rows.len()).map_err(Failure::internal)
    }
}

fn to_json(closing: &WindowRevision) -> Value {
    let anomaly = |FoundAnomaly { id, found_at, anomaly }| {
        let AnomalyDetected { metric, observed, expected, least, most, .. } = anomaly;
        object!({
            "id": id, "found_at": found_at, "metric": metric, "observed": observed, "expected": expected, "least": least,
            "most": most,
        })
    };
    object!({
        "window_start": closing.start, "currency": closing.currency, "revision": closing.revision,
        "changes": closing.changes, "events": closing.events,
        "anomalies": closing.anomalies().map(anomaly).collect::<Vec<_>>(),
    })
}

/// A baseline as the statement returns it: pairs of orders and revenue.
#[derive(Deserialize)]
struct StoredBaseline {
    previous: Option<(i64, i64)>,
    windows: Vec<(i64, i64)>,
}

fn read_changed(row: &Row) -> Result<ChangedWindow, Failure> {
    let sales = |(orders, revenue)| Sales { orders, revenue };
    let stored = get::<Option<Json<StoredBaseline>>>(row, "baseline")?;
    let baseline = stored.map(|Json(StoredBaseline { previous, windows })| Baseline {
        previous: previous.map(sales),
        windows: windows.into_iter().map(sales).collect(),
    });
    Ok(ChangedWindow { window: read(row)?, changes: get(row, "changes")?, baseline })
}
