//! In-memory fakes of the event bus and the outbox.

use super::{Bus, Dependency, Events, Outbox, Platform, State};
use catalog::Function;
use domain::{Event, delivery_check::is_repeat_due, event::is_published_by, replay::Selection};
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use ports::{
    Backlog, Claim, DeliveryCheck, DeliveryCheckReport, ExpiredRows, MAX_COUNTED, Page, PublishedEvent,
    SWEEP_LEASE_SECONDS, SweepPosition, SweepReport, TimeCursor,
};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

#[derive(Default)]
pub(super) struct OutboxState {
    next: u64,
    pending: BTreeMap<u64, PendingEvent>,
    committed: Vec<Rc<Event>>,
    /// How far the changes of products have been swept.
    swept: Option<SweepPosition>,
    /// The events marked as published.
    sent: Vec<SentEvent>,
}

struct SentEvent {
    event: Rc<Event>,
    /// When it was published. Here that is when it happened.
    at: Timestamp,
    /// Whether a delivery check has looked at it.
    is_checked: bool,
}

struct PendingEvent {
    event: Rc<Event>,
    leased_until: Option<Timestamp>,
}

#[derive(Default)]
pub(super) struct BusState {
    pub published: Vec<Rc<Event>>,
}

impl OutboxState {
    /// Stores an event to publish after the commit.
    pub fn add(&mut self, event: &Event) {
        let event = Rc::new(event.clone());
        self.committed.push(Rc::clone(&event));
        self.pending.insert(self.next, PendingEvent { event, leased_until: None });
        self.next += 1;
    }

    /// When the event was published, if it was.
    pub fn published_at(&self, event: Uuid) -> Option<Timestamp> {
        self.sent.iter().find(|sent| sent.event.id == event).map(|sent| sent.at)
    }
}

impl Platform {
    /// Commits state and events in one database step, then publishes the events. A failed publish does not fail the
    /// command: the sweep publishes them later.
    pub(super) async fn commit<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (outcome, added) = self
            .step(Dependency::Database, name, |state| {
                let first = state.outbox.next;
                let outcome = effect(state)?;
                Ok((outcome, first..state.outbox.next))
            })
            .await?;
        if !added.is_empty() {
            self.publish_committed(added).await;
        }
        Ok(outcome)
    }

    async fn publish_committed(&self, added: Range<u64>) {
        let events = self.inspect(|state| {
            state
                .outbox
                .pending
                .range(added)
                .map(|(number, pending_event)| (*number, Rc::clone(&pending_event.event)))
                .collect()
        });
        if let Ok(accepted) = self.publish_numbered(events).await
            && !accepted.is_empty()
        {
            // An event that cannot be marked is published again by the sweep: consumers deduplicate it by its id.
            let marked = self.mark_published(&accepted).await;
            drop(marked);
        }
    }

    /// Publishes events to the bus and returns the numbers of the accepted ones.
    async fn publish_numbered(&self, events: Vec<(u64, Rc<Event>)>) -> Result<Vec<u64>, Failure> {
        let accepts: Vec<bool> = {
            let plan = self.0.plan.borrow();
            events.iter().map(|(_, event)| plan.accepts(event) && is_own(event)).collect()
        };
        self.step(Dependency::Bus, "bus.publish", |state| {
            let mut accepted = Vec::new();
            for ((number, event), accepts) in events.into_iter().zip(accepts) {
                if accepts {
                    state.bus.published.push(event);
                    accepted.push(number);
                }
            }
            Ok(accepted)
        })
        .await
    }

    async fn mark_published(&self, numbers: &[u64]) -> Result<(), Failure> {
        self.conclude(numbers, &[]).await
    }

    /// Marks the events of these numbers as published, and ends the leases of a sweep.
    async fn conclude(&self, published: &[u64], leased: &[(u64, Rc<Event>)]) -> Result<(), Failure> {
        self.step(Dependency::Database, "outbox.mark_published", |state| {
            for number in published {
                if let Some(sent) = state.outbox.pending.remove(number) {
                    let at = sent.event.time;
                    state.outbox.sent.push(SentEvent { event: sent.event, at, is_checked: false });
                }
            }
            lease(&mut state.outbox.pending, leased, None);
            Ok(())
        })
        .await
    }
}

impl Bus {
    /// All events that the bus accepted, in order.
    pub fn published(&self) -> Vec<Event> {
        self.0.inspect(|state| state.bus.published.iter().map(|event| Event::clone(event)).collect())
    }

    /// All events that the bus accepted but the first `count`.
    pub fn published_after(&self, count: usize) -> Vec<Rc<Event>> {
        self.0.inspect(|state| state.bus.published.iter().skip(count).cloned().collect())
    }
}

impl ports::Bus for Bus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        let numbered = (0..).zip(events.iter().map(|event| Rc::new(event.clone()))).collect();
        let accepted = self.0.publish_numbered(numbered).await?;
        let results: Vec<bool> = (0..).zip(events).map(|(number, _)| accepted.contains(&number)).collect();
        if accepted.is_empty() && !events.is_empty() { Err(Dependency::Bus.down()) } else { Ok(results) }
    }
}

impl Outbox {
    /// Committed events that are not marked as published, oldest first.
    pub fn pending(&self) -> Vec<Event> {
        self.0.inspect(|state| {
            state.outbox.pending.values().map(|pending_event| Event::clone(&pending_event.event)).collect()
        })
    }

    /// All events ever committed, published or not, in order.
    pub fn committed(&self) -> Vec<Rc<Event>> {
        self.0.inspect(|state| state.outbox.committed.clone())
    }

    pub fn pending_count(&self) -> usize {
        self.0.inspect(|state| state.outbox.pending.len())
    }

    /// Whether no event is pending.
    pub fn is_empty(&self) -> bool {
        self.0.inspect(|state| state.outbox.pending.is_empty())
    }

    /// Deletes pending events, as a sweep would that ignores rejections by the bus.
    pub fn discard(&self, events: &[Event]) {
        self.0.arrange(|state| {
            state
                .outbox
                .pending
                .retain(|_, pending_event| events.iter().all(|event| event.id != pending_event.event.id));
        });
    }

    /// Commits an event without publishing it, as a store that crashes after its commit leaves it.
    pub fn insert(&self, event: &Event) {
        self.0.arrange(|state| state.outbox.add(event));
    }
}

impl ports::EventOutbox for Events {
    async fn commit(&self, event: &Event) -> Result<(), Failure> {
        let commit = self.0.commit("events.commit", |state| {
            if state.outbox.committed.iter().all(|known| known.id != event.id) {
                state.outbox.add(event);
            }
            Ok(())
        });
        commit.await
    }
}

impl ports::SweepPositions for Events {
    async fn position(&self) -> Result<Option<SweepPosition>, Failure> {
        self.0.step(Dependency::Database, "events.swept", |state| Ok(state.outbox.swept)).await
    }

    async fn advance(&self, position: SweepPosition) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "events.advance", |state| {
            state.outbox.swept = Some(position);
            Ok(())
        });
        step.await
    }
}

impl ports::EventHistory for Outbox {
    async fn published(
        &self,
        selection: &Selection,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<PublishedEvent>, Failure> {
        let after = cursor.map(super::event_records::read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let is_chosen = |sent: &&SentEvent| {
                let event = &sent.event;
                selection.types.contains(&event.event.row().name)
                    && (selection.from..selection.to).contains(&sent.at)
                    && event.time >= selection.happened_from
                    && selection.subject.is_none_or(|subject| event.subject == subject.to_string())
                    && after.is_none_or(|after| (sent.at, event.id) > after)
            };
            let mut chosen: Vec<&SentEvent> = state.outbox.sent.iter().filter(is_chosen).collect();
            chosen.sort_by_key(|sent| (sent.at, sent.event.id));
            let more = chosen.len() > limit;
            chosen.truncate(limit);
            let next = chosen.last().filter(|_| more).map(|last| format!("{}/{}", last.at, last.event.id));
            let items = chosen.iter().map(|sent| {
                let body = serde_json::to_string(&*sent.event).map_err(Failure::internal)?;
                Ok(PublishedEvent { id: sent.event.id, body })
            });
            Ok(Page { items: items.collect::<Result<_, Failure>>()?, next })
        });
        query.await
    }
}

impl ports::Outbox for Outbox {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<SweepReport, Failure> {
        let leased_until = Some(seconds_after(before, SWEEP_LEASE_SECONDS)?);
        let due: Vec<(u64, Rc<Event>)> = self
            .0
            .step(Dependency::Database, "outbox.lease", |state| {
                let pending = &mut state.outbox.pending;
                let is_free = |one: &PendingEvent| one.leased_until.is_none_or(|until| until < before);
                let free = pending.iter().filter(|(_, one)| is_free(one) && one.event.time < before);
                let after_cursor = free.filter(|(_, one)| after.is_none_or(|after| cursor(&one.event) > after));
                let mut due: Vec<_> = after_cursor.map(|(number, one)| (*number, Rc::clone(&one.event))).collect();
                due.sort_by_key(|(_, event)| cursor(event));
                due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                lease(pending, &due, leased_until);
                Ok(due)
            })
            .await?;
        let Some((_, last)) = due.last() else { return Ok(SweepReport::default()) };
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let refused = small(due.iter().filter(|(_, event)| !is_own(event)).count());
        let offered = small(due.len()) - refused;
        let mut report =
            SweepReport { due: small(due.len()), offered, refused, last: Some(cursor(last)), ..SweepReport::default() };
        // A failing bus does not fail the sweep: the events stay pending.
        let accepted = self.0.publish_numbered(due.clone()).await.unwrap_or_default();
        self.0.conclude(&accepted, &due).await?;
        report.sent = small(accepted.len());
        Ok(report)
    }

    async fn backlog(&self) -> Result<Backlog, Failure> {
        Ok(self.0.inspect(|state| {
            let pending = &state.outbox.pending;
            let oldest = pending.values().filter(|one| is_own(&one.event)).map(|one| one.event.time).min();
            Backlog { waiting: MAX_COUNTED.min(pending.len() as u64), oldest }
        }))
    }

    async fn requeue_undelivered(&self, check: &DeliveryCheck) -> Result<DeliveryCheckReport, Failure> {
        let step = self.0.step(Dependency::Database, "outbox.check", |state| {
            let State { outbox, claims, .. } = state;
            let due = |sent: &SentEvent| !sent.is_checked && sent.at <= check.published_before;
            let mut due: Vec<usize> = (0..outbox.sent.len()).filter(|n| outbox.sent.get(*n).is_some_and(due)).collect();
            due.sort_by_key(|n| outbox.sent.get(*n).map(|sent| sent.at));
            due.truncate(usize::try_from(check.limit).unwrap_or(usize::MAX));
            let mut report = DeliveryCheckReport { checked: due.len() as u64, requeued: 0 };
            let mut requeued = Vec::new();
            for n in due {
                let Some(sent) = outbox.sent.get_mut(n) else { continue };
                sent.is_checked = true;
                if is_delivered(&sent.event, claims) || sent.event.time < check.given_up_before {
                    continue;
                }
                (sent.at, sent.is_checked) = (check.now, false);
                if is_repeat_due(sent.event.time, check.now, check.repeat_hours) {
                    requeued.push(Rc::clone(&sent.event));
                }
            }
            outbox.sent.retain(|sent| !requeued.iter().any(|event| event.id == sent.event.id));
            report.requeued = requeued.len() as u64;
            for event in requeued {
                outbox.pending.insert(outbox.next, PendingEvent { event, leased_until: None });
                outbox.next += 1;
            }
            Ok(report)
        });
        step.await
    }
}

const COUNTED_EVENTS: &str = "analytics.counted_events";

impl Outbox {
    /// Without a step, of which the tests of faults count those of the outboxes.
    fn delete_counted(&self, before: Timestamp, limit: u32) -> u32 {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let deleted =
            self.0.arrange(|state| state.windows.counted.extract_if(.., |_, start| *start < before).take(most).count());
        u32::try_from(deleted).unwrap_or(u32::MAX)
    }
}

impl ports::Retention for Outbox {
    /// Deletes published events, as those of the outbox of orders, and ids of counted events: nothing else has an age here, and the fake lives no
    /// longer than a test.
    async fn delete(&self, rows: &ExpiredRows, limit: u32) -> Result<u32, Failure> {
        if rows.table == COUNTED_EVENTS {
            return Ok(self.delete_counted(rows.before, limit));
        }
        if rows.table != "orders.outbox" {
            return Ok(0);
        }
        let step = self.0.step(Dependency::Database, "outbox.delete", |state| {
            let sent = &mut state.outbox.sent;
            sent.sort_by_key(|one| one.at);
            let old = sent.partition_point(|one| one.at < rows.before);
            let old = old.min(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(u32::try_from(sent.drain(..old).count()).unwrap_or(u32::MAX))
        });
        step.await
    }
}

/// Leases events until an instant, or ends their leases.
fn lease(pending: &mut BTreeMap<u64, PendingEvent>, events: &[(u64, Rc<Event>)], until: Option<Timestamp>) {
    for (number, _) in events {
        if let Some(one) = pending.get_mut(number) {
            one.leased_until = until;
        }
    }
}

/// Whether every consumer has recorded the event.
fn is_delivered(event: &Event, claims: &HashSet<Claim>) -> bool {
    let is_recorded = |consumer: &Function| claims.contains(&Claim { consumer: consumer.name, event_id: event.id });
    catalog::consumers_with_inbox(event.event.row()).all(is_recorded)
}

/// Whether the event names the context that publishes its type. The fake has one outbox for all contexts.
fn is_own(event: &Event) -> bool {
    is_published_by(event, event.event.row().context)
}

fn cursor(event: &Event) -> TimeCursor {
    TimeCursor { at: event.time, id: event.id }
}
