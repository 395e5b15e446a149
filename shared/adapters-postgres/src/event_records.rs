//! What operators see of every event.

use super::{
    Database,
    orders::{format_position, parse_cursor},
    params::params,
    rows::{count, get, json},
};
use domain::{
    id::{OrderId, UserId},
    timeline::{ConsumerStatus, EventRecord, TimelineEntry},
};
use kernel::{Failure, Principal, Timestamp, Uuid};
use ports::{DeliveryStatuses, EventRecords, Page, Timeline};
use serde_json::{Value, json as object};
use std::{collections::BTreeMap, sync::Arc};
use tokio_postgres::{Row, types::Json};

/// Adds a batch. The role may insert and read nothing, which a conflict target would need.
const ADD: &str = "
    INSERT INTO event_records
        (id, type, source, subject, sequence, occurred_at, correlation_id, trace_id, actor_id, actor_role, order_id, user_id, data)
    SELECT id, type, source, subject, sequence, occurred_at, correlation_id, trace_id, actor_id, actor_role, order_id, user_id, data
    FROM jsonb_to_recordset($1) AS e (
        id uuid, type text, source text, subject text, sequence bigint, occurred_at timestamptz, correlation_id uuid,
        trace_id text, actor_id uuid, actor_role text, order_id uuid, user_id uuid, data jsonb
    )
    ORDER BY id
    ON CONFLICT DO NOTHING";

/// A [`ConsumerStatus`] from `owed`, `handled` and `failed`.
macro_rules! delivery_status {
    () => {
        "jsonb_build_object(
            'consumer', owed.consumer, 'handled_at', handled.handled_at,
            'failed_attempts', coalesce(failed.attempts, 0), 'last_failure', failed.code,
            'dead_lettered_at', CASE WHEN handled.handled_at IS NULL THEN failed.dead_lettered_at END
        )"
    };
}

/// A page of the events about an order with their consumers. `$6` and `$7` pair each type of event with each of its consumers. The place of an
/// event is when it occurred, or when one with a lower version of its aggregate did if that is later: so clocks that differ do not
/// reverse the versions.
const OF_ORDER: &str = concat!(
    "
    WITH placed AS MATERIALIZED (
        SELECT *, greatest(occurred_at, max(occurred_at) OVER (
            PARTITION BY source, subject ORDER BY sequence RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )) AS placed_at
        FROM event_records WHERE order_id = $1
    ), page AS MATERIALIZED (
        SELECT * FROM placed
        WHERE $2 IS NULL OR (placed_at, sequence, id) > ($2, (SELECT sequence FROM placed WHERE id = $3), $3)
        ORDER BY placed_at, sequence, id LIMIT $4
    ), owed AS MATERIALIZED (
        SELECT page.id, consumes.consumer
        FROM page JOIN unnest($6, $7) AS consumes (type, consumer) USING (type)
        WHERE page.occurred_at >= $5
    ), asked AS (
        SELECT array_agg(consumer ORDER BY id, consumer) AS consumers, array_agg(id ORDER BY id, consumer) AS ids FROM owed
    ), delivery AS (
        SELECT owed.id, jsonb_agg(",
    delivery_status!(),
    " ORDER BY handled.handled_at, owed.consumer) AS list
        FROM owed
        LEFT JOIN handled((SELECT consumers FROM asked), (SELECT ids FROM asked)) AS handled
            ON handled.event_id = owed.id AND handled.consumer = owed.consumer
        LEFT JOIN failed((SELECT consumers FROM asked), (SELECT ids FROM asked)) AS failed
            ON failed.event_id = owed.id AND failed.consumer = owed.consumer
        GROUP BY owed.id
    )
    SELECT page.*, published.published_at, coalesce(delivery.list, '[]') AS deliveries
    FROM page LEFT JOIN delivery USING (id)
    LEFT JOIN published((SELECT array_agg(id) FROM page)) AS published ON published.event_id = page.id
    ORDER BY page.placed_at, page.sequence, page.id"
);

/// What is known of events (`$2`), each with its consumer in `$1`.
const OF_CONSUMER: &str = concat!(
    "SELECT owed.id, ",
    delivery_status!(),
    " AS status FROM unnest($1, $2) AS owed (consumer, id)
    LEFT JOIN handled($1, $2) AS handled ON handled.event_id = owed.id AND handled.consumer = owed.consumer
    LEFT JOIN failed($1, $2) AS failed ON failed.event_id = owed.id AND failed.consumer = owed.consumer"
);

#[derive(Debug)]
pub struct PgEventRecords {
    database: Arc<Database>,
}

impl PgEventRecords {
    /// `database` logs in as the recorder to add events, as the reader of operations to read them, and as either to ask for deliveries.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl EventRecords for PgEventRecords {
    async fn add(&self, events: &[EventRecord]) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        let events: Vec<Value> = events.iter().map(to_json).collect();
        self.database.query(ADD, &params![Json(events)]).await.map(drop)
    }
}

impl DeliveryStatuses for PgEventRecords {
    async fn of_consumer(
        &self,
        consumer: &'static str,
        events: &[Uuid],
    ) -> Result<BTreeMap<Uuid, ConsumerStatus>, Failure> {
        let params = params![vec![consumer; events.len()], events.to_vec()];
        let rows = self.database.query(OF_CONSUMER, &params).await?;
        rows.iter().map(|row| Ok((get(row, "id")?, json(row, "status")?))).collect()
    }
}

impl Timeline for PgEventRecords {
    async fn of_order(
        &self,
        order: OrderId,
        inbox_covered_since: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<TimelineEntry>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let (kinds, consumers): (Vec<&str>, Vec<&str>) = consumers().unzip();
        let params = params![order.0, at, id, i64::from(limit) + 1, inbox_covered_since, kinds, consumers];
        let rows = self.database.query(OF_ORDER, &params).await?;
        let items: Vec<TimelineEntry> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let last = rows.get(page_size.saturating_sub(1)).filter(|_| rows.len() > page_size);
        Ok(Page { items, next: last.map(position).transpose()? })
    }
}

/// Each type of event with each consumer that keeps an inbox.
fn consumers() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |event: &&'static catalog::Event| {
        let name = event.name;
        catalog::consumers_with_inbox(event).map(move |function| (name, function.name))
    };
    catalog::EVENTS.iter().flat_map(of)
}

fn position(last: &Row) -> Result<String, Failure> {
    Ok(format_position(get(last, "placed_at")?, get(last, "id")?))
}

fn to_json(event: &EventRecord) -> Value {
    object!({
        "id": event.id,
        "type": event.kind,
        "source": event.source,
        "subject": event.subject,
        "sequence": event.sequence,
        "occurred_at": event.occurred_at,
        "correlation_id": event.correlation_id,
        "trace_id": event.trace_id,
        "actor_id": event.actor.as_ref().map(|actor| actor.id),
        "actor_role": event.actor.as_ref().map(|actor| &actor.role),
        "order_id": event.order_id,
        "user_id": event.user_id,
        "data": event.data,
    })
}

fn read(row: &Row) -> Result<TimelineEntry, Failure> {
    let actor = get::<Option<Uuid>>(row, "actor_id")?.zip(get::<Option<String>>(row, "actor_role")?);
    Ok(TimelineEntry {
        event: EventRecord {
            id: get(row, "id")?,
            kind: get(row, "type")?,
            source: get(row, "source")?,
            subject: get(row, "subject")?,
            sequence: count(row, "sequence")?,
            occurred_at: get(row, "occurred_at")?,
            correlation_id: get(row, "correlation_id")?,
            trace_id: get(row, "trace_id")?,
            actor: actor.map(|(id, role)| Principal { id, role }),
            order_id: get::<Option<Uuid>>(row, "order_id")?.map(OrderId),
            user_id: get::<Option<Uuid>>(row, "user_id")?.map(UserId),
            data: json(row, "data")?,
        },
        published_at: get(row, "published_at")?,
        recorded_at: get(row, "recorded_at")?,
        deliveries: json::<Vec<ConsumerStatus>>(row, "deliveries")?,
    })
}
