//! The delivery check: looks for published events that a consumer has not recorded, and requeues them.

use super::{
    Database,
    migrations::publishers,
    params::params,
    rows::{count, only},
};
use catalog::Context;
use kernel::Failure;
use ports::{DeliveryCheck, DeliveryCheckReport};

/// One statement for each outbox whose events have consumers that record them.
pub(super) fn statements() -> Vec<String> {
    publishers().filter_map(statement).collect()
}

/// Looks at a page of the events of every outbox.
pub(super) async fn run(
    database: &Database,
    statements: &[String],
    check: &DeliveryCheck,
) -> Result<DeliveryCheckReport, Failure> {
    let params = params![
        check.now,
        check.published_before,
        check.given_up_before,
        check.repeat_hours.to_vec(),
        i64::from(check.limit)
    ];
    let mut total = DeliveryCheckReport::default();
    for statement in statements {
        let rows = database.query(statement, &params).await?;
        let row = only(&rows)?;
        total.checked = total.checked.max(count(row, "checked")?);
        total.requeued += count(row, "requeued")?;
    }
    Ok(total)
}

/// Looks at events in the order in which they were published, from the position of the last check on; events of the same time are looked at
/// together. An undelivered event is marked as unpublished, so that the sweep publishes it again, or as published now, so that it is looked at
/// again in an hour: each with a time of its own, so that pages stay small however many are undelivered. Concurrent checks look at the same
/// events and requeue each once. Parameters: those of [`DeliveryCheck`], in order.
fn statement(context: Context) -> Option<String> {
    let name = context.name();
    let missing = missing_entries(context)?;
    Some(format!(
        "WITH page AS (
            SELECT id, created_at, published_at, event ->> 'type' AS type FROM {name}.outbox
            WHERE published_at <= $2
                AND published_at > coalesce((SELECT checked_until FROM delivery_checks WHERE outbox = '{name}'), $2 - interval '1 hour')
            ORDER BY published_at FETCH FIRST ($5) ROWS WITH TIES
        ), undelivered AS (
            SELECT id, published_at, floor(extract(epoch FROM $1 - created_at) / 3600)::bigint AS hours,
                row_number() OVER (ORDER BY published_at) AS position
            FROM page
            WHERE created_at >= $3 AND ({missing})
        ), changed AS (
            UPDATE {name}.outbox AS o
            SET published_at = CASE WHEN u.hours = ANY ($4) THEN NULL
                ELSE $1 + u.position * interval '1 microsecond' END
            FROM undelivered AS u WHERE o.id = u.id AND o.published_at = u.published_at
            RETURNING o.published_at
        ), moved AS (
            INSERT INTO delivery_checks AS known (outbox, checked_until)
            SELECT '{name}', max(published_at) FROM page HAVING count(*) > 0
            ON CONFLICT (outbox) DO UPDATE SET checked_until = greatest(known.checked_until, excluded.checked_until)
        )
        SELECT (SELECT count(*) FROM page) AS checked,
            (SELECT count(*) FROM changed WHERE published_at IS NULL) AS requeued"
    ))
}

/// The condition that some consumer of an event of the context has no entry of it in its inbox.
fn missing_entries(context: Context) -> Option<String> {
    let owed = catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox()).filter_map(|function| {
        let consumed = function.consumes().iter().filter(|event| event.context == context);
        let types: Vec<String> = consumed.map(|event| format!("'{}'", event.name)).collect();
        (!types.is_empty()).then(|| {
            format!(
                "type IN ({}) AND NOT EXISTS (SELECT FROM {}.inbox AS i WHERE i.consumer = '{}' AND i.event_id = page.id)",
                types.join(", "),
                function.context.name(),
                function.name
            )
        })
    });
    let owed: Vec<String> = owed.collect();
    (!owed.is_empty()).then(|| owed.join("\n OR "))
}
