//! Dead letters of a consumer of events, which operators see in the timeline of the order, too.

use super::SqsDeadLetters;
use adapters::wiring::{Result, Wiring};
use domain::Event;
use edge::{DeadLetter, DeadLetters, QueueControl};
use kernel::{Claim, Failure, Uuid};
use ports::HandledEvents;
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::timeout;

/// Bounds the wait for the record.
const RECORD_TIMEOUT: Duration = Duration::from_millis(500);

/// The event of a message, as the runner of a consumer reads it.
///
/// That runner is generic, and this function is not: here, rustc generates the deserialization of all events, which the crate of each consumer links.
/// (With an `opt-level` of 0 or "s", a crate links what its dependencies have generated of generic functions.)
#[inline(never)]
pub fn event_in(message: &str) -> std::result::Result<Event, Failure> {
    edge::event_in(message)
}

/// The dead-letter queue of the function, whose messages are recorded in `handled_events`.
pub fn recorded_dead_letters<'a, H: HandledEvents>(
    wiring: &Wiring,
    handled_events: &'a H,
) -> Result<RecordedDeadLetters<'a, SqsDeadLetters, H>> {
    let queue = super::dead_letters(wiring)?;
    Ok(RecordedDeadLetters { queue, handled_events, consumer: wiring.function().name })
}

/// A dead-letter queue that records each event that it takes.
#[derive(Debug)]
pub struct RecordedDeadLetters<'a, Q, H> {
    pub queue: Q,
    pub handled_events: &'a H,
    /// Name of the function.
    pub consumer: &'static str,
}

impl<Q: DeadLetters, H: HandledEvents> DeadLetters for RecordedDeadLetters<'_, Q, H> {
    async fn send(&self, dead_letter: DeadLetter) -> std::result::Result<(), Failure> {
        self.queue.send(dead_letter).await
    }

    /// Of a dead letter that cannot be recorded, only the timeline does not know.
    async fn record(&self, dead_letter: &DeadLetter) {
        let Some(event_id) = event_id(&dead_letter.body) else { return };
        let claim = Claim { consumer: self.consumer, event_id };
        let recording = timeout(RECORD_TIMEOUT, self.handled_events.record_dead_letter(claim, &dead_letter.reason));
        let late = || Err(Failure::unavailable("database", "the dead letter was not recorded in time"));
        if let Err(failure) = recording.await.unwrap_or_else(|_| late()) {
            edge::telemetry::log_failure("record of a dead letter", &failure);
        }
    }
}

/// The id of the event in a message; `None` if there is none.
fn event_id(body: &str) -> Option<Uuid> {
    edge::event_in::<Map<String, Value>>(body).ok().map(|event| event.id)
}

impl<Q: QueueControl, H> QueueControl for RecordedDeadLetters<'_, Q, H> {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> std::result::Result<(), Failure> {
        self.queue.change_visibility(receipt_handle, seconds).await
    }
}
