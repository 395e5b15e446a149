//! Dead letters of a consumer of events, which operators see in the timeline of the order, too.

use super::SqsDeadLetters;
use adapters::wiring::{Result, Wiring};
use edge::{DeadLetter, DeadLetters, QueueControl};
use kernel::{Claim, Failure};
use ports::HandledEvents;
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::timeout;

/// Bounds the wait for the record: a message that is not reported in time is delivered again, although it is a dead letter.
const RECORD_TIMEOUT: Duration = Duration::from_millis(500);

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
    /// A dead letter that cannot be recorded stays one: only the timeline does not know of it.
    async fn send(&self, dead_letter: DeadLetter) -> std::result::Result<(), Failure> {
        let event = edge::event_in::<Map<String, Value>>(&dead_letter.body);
        let reason = dead_letter.reason.clone();
        self.queue.send(dead_letter).await?;
        let Ok(event) = event else { return Ok(()) };
        let claim = Claim { consumer: self.consumer, event_id: event.id };
        match timeout(RECORD_TIMEOUT, self.handled_events.record_dead_letter(claim, &reason)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::warn!(%failure, "dead letter not recorded"),
            Err(_) => tracing::warn!("dead letter not recorded in time"),
        }
        Ok(())
    }
}

impl<Q: QueueControl, H> QueueControl for RecordedDeadLetters<'_, Q, H> {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> std::result::Result<(), Failure> {
        self.queue.change_visibility(receipt_handle, seconds).await
    }
}
