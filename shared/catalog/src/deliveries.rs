//! Deliveries of events: how often a queue repeats one, and who records that it was handled.

use crate::{EVENTS, Event, FUNCTIONS, Function, Trigger};

/// `maxReceiveCount` of every queue: deliveries of a message before SQS moves it to the dead-letter queue; the maximum of SQS. It counts for
/// functions that end without a batch response (at start, out of time or memory): nothing sets a backoff then, and a message is redelivered after
/// the visibility timeout, 90 seconds or more, so that such a failure may last for a day. What a running function fails, `edge::queue`
/// redelivers with backoff and dead-letters by itself.
pub const MAX_RECEIVES: u32 = 1_000;

/// Days after an event happened for which it is delivered again. Consumers keep their claims for longer, and recognize it.
pub const DELIVERY_DAYS: u32 = 14;

/// What a consumer does with an event that it has handled, when an operator delivers it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayPolicy {
    /// It recognizes the event, by its claim or by what it has stored under the event's id, and does nothing: no mail is sent again.
    Claims,
    /// It handles the event again: what is missing or older where the event ends is completed, and the rest does not change.
    ByVersion,
    /// No event can be delivered to it alone: it has no queue, or its queue has no events.
    Refused,
}

impl ReplayPolicy {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::ByVersion => "by_version",
            Self::Refused => "refused",
        }
    }
}

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

    /// What it does with an event that an operator delivers again.
    pub const fn replay_policy(&self) -> ReplayPolicy {
        match self.keeps_inbox() {
            false => ReplayPolicy::Refused,
            true if self.compares_versions => ReplayPolicy::ByVersion,
            true => ReplayPolicy::Claims,
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
