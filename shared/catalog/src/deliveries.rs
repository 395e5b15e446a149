//! Deliveries of events: how often a queue repeats one, and who records that it was handled.

use crate::{EVENTS, Event, FUNCTIONS, Function, Trigger};

/// `maxReceiveCount` of every queue: deliveries of a message before SQS moves it to the dead-letter queue; the maximum of SQS. It counts for
/// functions that end without a batch response (at start, out of time or memory): nothing sets a backoff then, and a message is redelivered after
/// the visibility timeout, 90 seconds or more, so that such a failure may last for a day. What a running function fails, `edge::queue`
/// redelivers with backoff and dead-letters by itself.
pub const MAX_RECEIVES: u32 = 1_000;

/// What the name of a dead-letter queue has after that of its function.
pub const DEAD_LETTER_SUFFIX: &str = "-dlq";

impl Function {
    /// The events that it receives through a queue or a stream.
    pub const fn consumes(&self) -> &'static [&'static Event] {
        match self.trigger {
            Trigger::Bus(events) | Trigger::Fanout(_, events) | Trigger::Stream(_, events) => events,
            Trigger::AllEvents => EVENTS,
            _ => &[],
        }
    }

    /// Whether the inbox of its context has an entry for each event that it has handled, which the delivery check looks for.
    pub const fn keeps_inbox(&self) -> bool {
        matches!(self.trigger, Trigger::Bus(_) | Trigger::Fanout(..) | Trigger::AllEvents)
    }
}

/// The functions that owe the inbox of their context an entry for each event of this type.
pub fn consumers_with_inbox(event: &Event) -> impl Iterator<Item = &'static Function> {
    let consumes = |function: &&Function| function.consumes().iter().any(|consumed| consumed.name == event.name);
    FUNCTIONS.iter().copied().filter(|function| function.keeps_inbox()).filter(consumes)
}
