//! The bus and the outbox: what is committed, what waits, what was sent.

use super::{Bus, Dependency, Outbox, Platform, State};
use domain::Event;
use kernel::{Failure, Timestamp};
use ports::{CleanupReport, Cutoffs, OutboxCursor, SweepReport};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

#[derive(Default)]
pub(super) struct OutboxState {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    committed: Vec<Rc<Event>>,
    /// When what was noted as sent happened: here that is when it was sent.
    sent: Vec<Timestamp>,
}

struct Waiting {
    event: Rc<Event>,
    held: bool,
}

#[derive(Default)]
pub(super) struct BusState {
    pub published: Vec<Rc<Event>>,
}

impl OutboxState {
    /// Puts an event down, to be sent after the commit.
    pub fn add(&mut self, event: &Event) {
        let event = Rc::new(event.clone());
        self.committed.push(Rc::clone(&event));
        self.waiting.insert(self.next, Waiting { event, held: false });
        self.next += 1;
    }
}

impl Platform {
    /// A step of the database that commits state and events together, and then sends the events. That sending fails is no
    /// failure of the command: the sweep sends them.
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
            self.send_committed(added).await;
        }
        Ok(outcome)
    }

    async fn send_committed(&self, added: Range<u64>) {
        let events = self.see(|state| {
            state.outbox.waiting.range(added).map(|(number, waiting)| (*number, Rc::clone(&waiting.event))).collect()
        });
        if let Ok(taken) = self.offer(events).await
            && !taken.is_empty()
        {
            // What cannot be noted as sent is sent once more by the sweep: consumers know it by its id.
            let noted = self.note_sent(&taken).await;
            drop(noted);
        }
    }

    /// ProductSnapshots events to the bus; the numbers of those that it took.
    async fn offer(&self, events: Vec<(u64, Rc<Event>)>) -> Result<Vec<u64>, Failure> {
        let takes: Vec<bool> = {
            let plan = self.0.plan.borrow();
            events.iter().map(|(_, event)| plan.takes(event)).collect()
        };
        self.step(Dependency::Bus, "bus.publish", |state| {
            let mut taken = Vec::new();
            for ((number, event), takes) in events.into_iter().zip(takes) {
                if takes {
                    state.bus.published.push(event);
                    taken.push(number);
                }
            }
            Ok(taken)
        })
        .await
    }

    async fn note_sent(&self, numbers: &[u64]) -> Result<(), Failure> {
        self.step(Dependency::Database, "outbox.note_sent", |state| {
            for number in numbers {
                if let Some(sent) = state.outbox.waiting.remove(number) {
                    state.outbox.sent.push(sent.event.time);
                }
            }
            Ok(())
        })
        .await
    }
}

impl Bus {
    /// Everything that the bus took, in order.
    pub fn published(&self) -> Vec<Event> {
        self.0.see(|state| state.bus.published.iter().map(|event| Event::clone(event)).collect())
    }

    /// What the bus took after the first `count` events.
    pub fn published_after(&self, count: usize) -> Vec<Rc<Event>> {
        self.0.see(|state| state.bus.published.iter().skip(count).cloned().collect())
    }
}

impl ports::Bus for Bus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        let offered = (0..).zip(events.iter().map(|event| Rc::new(event.clone()))).collect();
        let taken = self.0.offer(offered).await?;
        let answers: Vec<bool> = (0..).zip(events).map(|(number, _)| taken.contains(&number)).collect();
        if taken.is_empty() && !events.is_empty() { Err(Dependency::Bus.down()) } else { Ok(answers) }
    }
}

impl Outbox {
    /// What is committed and not known to be on the bus, oldest first.
    pub fn pending(&self) -> Vec<Event> {
        self.0.see(|state| state.outbox.waiting.values().map(|waiting| Event::clone(&waiting.event)).collect())
    }

    /// Everything that was ever committed to it, in order, whether or not it still waits.
    pub fn committed(&self) -> Vec<Rc<Event>> {
        self.0.see(|state| state.outbox.committed.clone())
    }

    /// How many events wait.
    pub fn pending_count(&self) -> usize {
        self.0.see(|state| state.outbox.waiting.len())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.see(|state| state.outbox.waiting.is_empty())
    }

    /// Forgets events although the bus may not have them, as a sweep would that does not look at the bus's answer.
    pub fn discard(&self, events: &[Event]) {
        self.0.arrange(|state| {
            state.outbox.waiting.retain(|_, waiting| events.iter().all(|event| event.id != waiting.event.id));
        });
    }

    /// Commits an event by itself, as a store that was killed before it could send would leave it.
    pub fn insert(&self, event: &Event) {
        self.0.arrange(|state| state.outbox.add(event));
    }
}

/// Frees what a sweep holds, also when its process dies.
struct Held<'a> {
    platform: &'a Platform,
    numbers: Vec<u64>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.platform.arrange(|state| {
            for number in &self.numbers {
                if let Some(waiting) = state.outbox.waiting.get_mut(number) {
                    waiting.held = false;
                }
            }
        });
    }
}

impl ports::Outbox for Outbox {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<OutboxCursor>) -> Result<SweepReport, Failure> {
        let due: Vec<(u64, Rc<Event>)> = self
            .0
            .look(Dependency::Database, |state| {
                let free = state.outbox.waiting.iter().filter(|(_, one)| !one.held && one.event.time < before);
                let behind = free.filter(|(_, one)| after.is_none_or(|after| place(&one.event) > after));
                let mut due: Vec<_> = behind.map(|(number, one)| (*number, Rc::clone(&one.event))).collect();
                due.sort_by_key(|(_, event)| place(event));
                due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                Ok(due)
            })
            .await?;
        let held = Held { platform: &self.0, numbers: due.iter().map(|(number, _)| *number).collect() };
        self.0.arrange(|state| {
            for number in &held.numbers {
                if let Some(waiting) = state.outbox.waiting.get_mut(number) {
                    waiting.held = true;
                }
            }
        });
        let last = due.last().map(|(_, event)| place(event));
        let mut swept =
            SweepReport { due: u32::try_from(due.len()).unwrap_or(u32::MAX), last, ..SweepReport::default() };
        if !due.is_empty() {
            // A bus that takes nothing is no failure of the sweep: what it did not take still waits, and the figures say so.
            let taken = self.0.offer(due).await.unwrap_or_default();
            if !taken.is_empty() {
                self.0.note_sent(&taken).await?;
            }
            swept.sent = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        }
        drop(held);
        Ok(self.0.see(|state| {
            let waiting = &state.outbox.waiting;
            let oldest = waiting.values().map(|one| one.event.time).min();
            SweepReport { waiting: waiting.len() as u64, oldest, ..swept }
        }))
    }

    /// Claims and answers stay: they have no age here, and the twin lives no longer than a test.
    async fn clean_up(&self, ends: &Cutoffs, limit: u32) -> Result<CleanupReport, Failure> {
        let step = self.0.step(Dependency::Database, "outbox.clean_up", |state| {
            let sent = &mut state.outbox.sent;
            sent.sort_unstable();
            let old = sent.partition_point(|at| *at < ends.sent).min(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(CleanupReport { sent: sent.drain(..old).count() as u64, ..CleanupReport::default() })
        });
        step.await
    }
}

fn place(event: &Event) -> OutboxCursor {
    OutboxCursor { at: event.time, id: event.id }
}
