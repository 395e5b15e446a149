//! What operators see of an order: the events about it, and which consumers have handled each of them.

use crate::{
    event,
    id::{OrderId, UserId},
};
use catalog::EVENT_RECORD_DAYS;
use kernel::{CloudEvent, Failure, FailureKind, Principal, Timestamp, Uuid, seconds_after};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A redacted event with the ids of its order and customer. It contains no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Id of the event.
    pub id: Uuid,
    /// Its type, such as `OrderPlaced.v1`.
    pub kind: String,
    /// The context that published it, such as `quayside.orders`.
    pub source: String,
    /// Id of the aggregate that it describes.
    pub subject: String,
    /// Version of the aggregate after it.
    pub sequence: u64,
    pub occurred_at: Timestamp,
    pub correlation_id: Uuid,
    /// Id of the W3C trace in which the event was published.
    pub trace_id: Option<String>,
    /// Whose request caused it, unless a consumer, a schedule or an anonymous request did.
    pub actor: Option<Principal>,
    pub order_id: Option<OrderId>,
    pub user_id: Option<UserId>,
    /// The members that may leave.
    pub data: Map<String, Value>,
}

/// Redacts an event again and turns it into a record. `Unavailable` if the event is not in the catalog.
pub fn record(mut event: CloudEvent<Map<String, Value>>) -> Result<EventRecord, Failure> {
    let row = event::redact(&mut event)?;
    let trace_id = event.traceparent.as_deref().and_then(|parent| parent.split('-').nth(1)).map(str::to_owned);
    let data = match event.event.remove("data") {
        Some(Value::Object(data)) => data,
        _ => Map::new(),
    };
    let id = |name: &str| data.get(name).and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    Ok(EventRecord {
        id: event.id,
        kind: row.name.to_owned(),
        source: row.context.source().to_owned(),
        sequence: event.sequence,
        occurred_at: event.time,
        correlation_id: event.correlationid,
        trace_id,
        actor: event.actor,
        order_id: id("order_id").map(OrderId),
        user_id: id("user_id").map(UserId),
        subject: event.subject,
        data,
    })
}

/// Days for which every inbox has the entry of an event. Entries are deleted a day later.
const INBOX_RETENTION_DAYS: i64 = 14;

/// Start of the period that the inboxes cover. Which consumers have handled an older event is unknown.
pub fn inbox_covered_since(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, -INBOX_RETENTION_DAYS * 86_400)
}

/// The failure of a timeline without events. An order from before the retention of events had some, if it existed, by the time in its id:
/// `history-removed`. Of another order none is recorded yet.
pub fn without_events(order: OrderId, now: Timestamp) -> Result<Failure, Failure> {
    let kept_since = seconds_after(now, -i64::from(EVENT_RECORD_DAYS) * 86_400)?;
    let placed = order.0.get_timestamp().and_then(|time| i64::try_from(time.to_unix().0).ok());
    if placed.is_none_or(|placed| placed >= kept_since.as_second()) {
        return Ok(Failure::not_found("event of this order"));
    }
    let detail = format!(
        "Events are kept for {EVENT_RECORD_DAYS} days. If there was such an order, its events have been removed."
    );
    Ok(Failure::new(FailureKind::NotFound, "history-removed", detail))
}

/// An event in the timeline of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    pub event: EventRecord,
    /// When it was published for the last time; `None` if its outbox has forgotten that, and for one that is being published again.
    pub published_at: Option<Timestamp>,
    /// When operations recorded it: some time after it was published.
    pub recorded_at: Timestamp,
    /// Its consumers, those that have handled it first. Empty when the entries of the inboxes about the event are
    /// deleted.
    pub deliveries: Vec<ConsumerStatus>,
}

/// Whether a consumer has handled an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsumerStatus {
    pub consumer: String,
    /// When it had handled the event; `None` as long as it has not.
    pub handled_at: Option<Timestamp>,
    /// Attempts of its handler that failed.
    pub failed_attempts: u32,
    /// The code of the last failure.
    pub last_failure: Option<String>,
    /// When its message became a dead letter; `None` if it was attempted or handled since.
    pub dead_lettered_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TraceContext;
    use serde_json::json;

    const ORDER: &str = "0192f0c1-0000-7000-8000-0000000000b1";

    fn event(kind: &str, data: Value) -> CloudEvent<Map<String, Value>> {
        let trace = TraceContext::new(Uuid::from_u128(7));
        CloudEvent {
            specversion: kernel::SPEC_VERSION.to_owned(),
            id: Uuid::from_u128(1),
            source: "quayside.orders".to_owned(),
            subject: ORDER.to_owned(),
            time: Timestamp::UNIX_EPOCH,
            sequence: 3,
            correlationid: trace.correlation_id,
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            actor: Some(Principal { id: Uuid::from_u128(9), role: "staff".to_owned() }),
            event: Map::from_iter([("type".to_owned(), kind.into()), ("data".to_owned(), data)]),
        }
    }

    #[test]
    fn record_names_the_order_the_customer_the_trace_and_the_actor() {
        let data =
            json!({ "order_id": ORDER, "user_id": "0192f0c1-0000-7000-8000-000000000001", "reason": "timed_out" });
        let found = record(event("OrderCancelled.v1", data.clone())).unwrap();
        assert_eq!(found.order_id.map(|id| id.to_string()).as_deref(), Some(ORDER));
        assert_eq!(found.user_id.map(|id| id.0.as_u128() & 0xff), Some(1));
        assert_eq!(found.trace_id.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!((found.kind.as_str(), found.sequence), ("OrderCancelled.v1", 3));
        assert_eq!(found.actor, Some(Principal { id: Uuid::from_u128(9), role: "staff".to_owned() }));
        assert_eq!(Value::Object(found.data), data);
    }

    #[test]
    fn order_from_before_the_retention_of_events_has_a_removed_history() {
        let day = |days: i64| Timestamp::from_second(1_767_225_600 + days * 86_400).unwrap();
        let placed = OrderId(kernel::Ids::seeded(1, day(0)).next());
        let code = |order, now| without_events(order, now).unwrap().code;
        assert_eq!([180, 181].map(|days| code(placed, day(days))), ["not-found", "history-removed"]);
        assert_eq!(code(OrderId(Uuid::nil()), day(9_000)), "not-found", "an id without a time");
    }

    #[test]
    fn record_keeps_nothing_that_may_not_leave() {
        let data = json!({ "order_id": ORDER, "shipping_address": { "line1": "1 Pier" }, "user_id": "Ada Lovelace" });
        let mut sent = event("OrderPlaced.v1", data);
        sent.actor = Some(Principal { id: Uuid::from_u128(9), role: "Ada Lovelace".to_owned() });
        let found = record(sent).unwrap();
        assert_eq!(Value::Object(found.data), json!({ "order_id": ORDER }));
        assert_eq!((found.user_id, found.actor), (None, None));
    }

    #[test]
    fn every_inbox_keeps_its_entries_for_longer_than_the_timeline_asks() {
        let inboxes = catalog::swept_tables().filter(|one| one.table.ends_with(".inbox"));
        assert!(inboxes.map(|one| i64::from(one.days)).min() > Some(INBOX_RETENTION_DAYS));
    }

    #[test]
    fn event_that_is_not_in_the_catalog_waits_for_the_next_deployment() {
        assert_eq!(record(event("OrderInvented.v1", json!({}))).unwrap_err().code, "newer-event");
    }
}
