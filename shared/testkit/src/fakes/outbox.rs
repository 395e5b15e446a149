//! In-memory fakes of the event bus and the outbox.

use super::{Bus, Dependency, Outbox, Platform, State};
use domain::{Event, event::is_published_by};
use kernel::{Failure, Timestamp};
use ports::{CleanupReport, Cutoffs, OutboxCursor, SweepReport};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

#[derive(Default)]
pub(super) struct OutboxState {
    next: u64,
    pending: BTreeMap<u64, PendingEvent>,
    committed: Vec<Rc<Event>>,
    /// Times of the events marked as published. Here an event is published when it happens.
    sent: Vec<Timestamp>,
}

struct PendingEvent {
    event: Rc<Event>,
    locked: bool,
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
        self.pending.insert(self.next, PendingEvent { event, locked: false });
        self.next += 1;
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
        self.step(Dependency::Database, "outbox.mark_published", |state| {
            for number in numbers {
                if let Some(sent) = state.outbox.pending.remove(number) {
                    state.outbox.sent.push(sent.event.time);
                }
            }
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

/// Unlocks the events of a sweep when dropped, even if its process crashes.
struct SweepLock<'a> {
    platform: &'a Platform,
    numbers: Vec<u64>,
}

impl Drop for SweepLock<'_> {
    fn drop(&mut self) {
        self.platform.arrange(|state| {
            for number in &self.numbers {
                if let Some(pending_event) = state.outbox.pending.get_mut(number) {
                    pending_event.locked = false;
                }
            }
        });
    }
}

impl ports::Outbox for Outbox {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure> {
        let due: Vec<(u64, Rc<Event>)> = self
            .0
            .query(Dependency::Database, |state| {
                let unlocked = state.outbox.pending.iter().filter(|(_, one)| !one.locked && one.event.time < before);
                let after_cursor = unlocked.filter(|(_, one)| after.is_none_or(|after| cursor(&one.event) > after));
                let mut due: Vec<_> = after_cursor.map(|(number, one)| (*number, Rc::clone(&one.event))).collect();
                due.sort_by_key(|(_, event)| cursor(event));
                due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                Ok(due)
            })
            .await?;
        let lock = SweepLock { platform: &self.0, numbers: due.iter().map(|(number, _)| *number).collect() };
        self.0.arrange(|state| {
            for number in &lock.numbers {
                if let Some(pending_event) = state.outbox.pending.get_mut(number) {
                    pending_event.locked = true;
                }
            }
        });
        let last = due.last().map(|(_, event)| cursor(event));
        let mut report =
            SweepReport { due: u32::try_from(due.len()).unwrap_or(u32::MAX), last, ..SweepReport::default() };
        report.refused = u32::try_from(due.iter().filter(|(_, event)| !is_own(event)).count()).unwrap_or(u32::MAX);
        if !due.is_empty() {
            // A failing bus does not fail the sweep: the events stay pending and the report counts them.
            let accepted = self.0.publish_numbered(due).await.unwrap_or_default();
            if !accepted.is_empty() {
                self.0.mark_published(&accepted).await?;
            }
            report.sent = u32::try_from(accepted.len()).unwrap_or(u32::MAX);
        }
        drop(lock);
        Ok(self.0.inspect(|state| {
            let pending = &state.outbox.pending;
            let oldest = pending.values().filter(|one| is_own(&one.event)).map(|one| one.event.time).min();
            SweepReport { waiting: pending.len() as u64, oldest, ..report }
        }))
    }

    /// Deletes published events only: claims and responses have no age here, and the fake lives no longer than a test.
    async fn clean_up(&self, cutoffs: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure> {
        let step = self.0.step(Dependency::Database, "outbox.clean_up", |state| {
            let sent = &mut state.outbox.sent;
            sent.sort_unstable();
            let old = sent.partition_point(|at| *at < cutoffs.sent).min(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(CleanupReport { sent: sent.drain(..old).count() as u64, ..CleanupReport::default() })
        });
        step.await
    }
}

/// Whether the event names the context that publishes its type. The fake has one outbox for all contexts.
fn is_own(event: &Event) -> bool {
    is_published_by(event, event.event.row().context)
}

fn cursor(event: &Event) -> OutboxCursor {
    OutboxCursor { at: event.time, id: event.id }
}
