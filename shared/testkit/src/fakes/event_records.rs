//! In-memory fake of what operators see of every event.

use super::{Dependency, EventRecords, State};
use domain::{
    id::OrderId,
    timeline::{ConsumerStatus, EventRecord, TimelineEntry},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Claim, Page};
use std::collections::{BTreeMap, HashSet};

#[derive(Default)]
pub(super) struct RecordsState(BTreeMap<(Timestamp, Uuid), EventRecord>);

impl RecordsState {
    /// All records, by time.
    pub fn all(&self) -> impl Iterator<Item = &EventRecord> {
        self.0.values()
    }
}

impl EventRecords {
    /// All records, by time.
    pub fn all(&self) -> Vec<EventRecord> {
        self.0.inspect(|state| state.records.all().cloned().collect())
    }
}

impl ports::EventRecords for EventRecords {
    async fn add(&self, events: &[EventRecord]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "event_records.add", |state| {
            let known: HashSet<Uuid> = state.records.0.keys().map(|(_, id)| *id).collect();
            for event in events.iter().filter(|event| !known.contains(&event.id)) {
                state.records.0.entry((event.occurred_at, event.id)).or_insert_with(|| event.clone());
            }
            Ok(())
        });
        step.await
    }
}

impl ports::DeliveryStatuses for EventRecords {
    async fn of_consumer(
        &self,
        consumer: &'static str,
        events: &[Uuid],
    ) -> Result<BTreeMap<Uuid, ConsumerStatus>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let of = |event_id: &Uuid| {
                (*event_id, status(Claim { consumer, event_id: *event_id }, Timestamp::UNIX_EPOCH, state))
            };
            Ok(events.iter().map(of).collect())
        });
        query.await
    }
}

impl ports::Timeline for EventRecords {
    async fn of_order(
        &self,
        order: OrderId,
        inbox_covered_since: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<TimelineEntry>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let about: Vec<_> = state.records.all().filter(|event| event.order_id == Some(order)).collect();
            let mut found: Vec<_> = about.iter().map(|event| (place(event, &about), *event)).collect();
            found.sort_by_key(|(place, _)| *place);
            if let Some((at, id)) = after {
                let sequence = about.iter().find(|event| event.id == id).map(|event| event.sequence);
                found.retain(|(place, _)| *place > (at, sequence.unwrap_or(u64::MAX), id));
            }
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|((at, _, id), _)| format!("{at}/{id}"));
            let items = found.into_iter().map(|(_, event)| entry(event, inbox_covered_since, state)).collect();
            Ok(Page { items, next })
        });
        query.await
    }
}

/// Where an event is in the timeline: not before one with a lower version of its aggregate.
fn place(event: &EventRecord, all: &[&EventRecord]) -> (Timestamp, u64, Uuid) {
    let is_before = |one: &&&EventRecord| {
        (&one.source, &one.subject) == (&event.source, &event.subject) && one.sequence < event.sequence
    };
    let before = all.iter().filter(is_before).map(|one| one.occurred_at).max();
    (before.map_or(event.occurred_at, |before| before.max(event.occurred_at)), event.sequence, event.id)
}

/// The fake has no clock: it records and handles events when they occur.
fn entry(event: &EventRecord, inbox_covered_since: Timestamp, state: &State) -> TimelineEntry {
    let is_remembered = event.occurred_at >= inbox_covered_since;
    let row = catalog::find_event(&event.kind).filter(|_| is_remembered);
    let mut deliveries: Vec<ConsumerStatus> = row
        .into_iter()
        .flat_map(catalog::consumers_with_inbox)
        .map(|consumer| status(Claim { consumer: consumer.name, event_id: event.id }, event.occurred_at, state))
        .collect();
    deliveries.sort_by(|a, b| (a.handled_at.is_none(), &a.consumer).cmp(&(b.handled_at.is_none(), &b.consumer)));
    let published_at = state.outbox.published_at(event.id);
    TimelineEntry { event: event.clone(), published_at, recorded_at: event.occurred_at, deliveries }
}

/// What is known of an event and one of its consumers, with this as the time of all that happened.
fn status(claim: Claim, at: Timestamp, state: &State) -> ConsumerStatus {
    let failed = state.failed_attempts.get(&claim);
    let handled_at = state.claims.contains(&claim).then_some(at);
    let is_dead_letter = handled_at.is_none() && failed.is_some_and(|failed| failed.is_dead_letter);
    ConsumerStatus {
        consumer: claim.consumer.to_owned(),
        handled_at,
        failed_attempts: failed.map_or(0, |failed| failed.attempts),
        last_failure: failed.map(|failed| failed.code.clone()),
        dead_lettered_at: is_dead_letter.then_some(at),
    }
}

pub(super) fn read_cursor(cursor: &str) -> Result<(Timestamp, Uuid), Failure> {
    let parse = || {
        let (at, id) = cursor.split_once('/')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    parse().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}
