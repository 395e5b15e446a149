//! What the consumer of a dead letter would do with it.
//!
//! It is derived from what is recorded. The handler is not run to find out: what it does are calls of gateways, buses and databases, which have no
//! mode without effects.

use crate::{event::Event, timeline::ConsumerStatus};
use catalog::Function;
use kernel::{Failure, Timestamp};

words! {
    /// What the consumer of a dead letter would do if it were delivered now.
    pub enum ForecastOutcome {
        /// It has handled the event: it would recognize it and change nothing.
        AlreadyHandled,
        /// It has not handled the event: its handler would run again.
        WouldRetry,
        /// It would refuse the message before its handler runs, and the message would be a dead letter again.
        WouldReturn,
        /// What is recorded does not say.
        Unknown,
    }
}

/// What the consumer of a dead letter would do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    pub outcome: ForecastOutcome,
    pub detail: String,
    /// What is recorded of the event and the consumer; `None` without an event.
    pub status: Option<ConsumerStatus>,
}

impl Forecast {
    /// `event` is what the body of the dead letter carries, and `status` what is recorded of it. What happened before `inbox_covered_since` may
    /// have been handled although nothing is recorded.
    pub fn of(
        consumer: &Function,
        event: &Result<Event, Failure>,
        status: Option<ConsumerStatus>,
        inbox_covered_since: Timestamp,
    ) -> Self {
        if !consumer.keeps_inbox() {
            return Self::unknown(format!("{} keeps no record of the events that it has handled.", consumer.name));
        }
        let (outcome, detail) = match (refusal(consumer, event), &status) {
            (Some(detail), _) => (ForecastOutcome::WouldReturn, detail),
            (None, Some(ConsumerStatus { handled_at: Some(_), .. })) => {
                (ForecastOutcome::AlreadyHandled, "It would recognize the event and change nothing.".to_owned())
            }
            (None, _) if event.as_ref().is_ok_and(|event| event.time < inbox_covered_since) => {
                (ForecastOutcome::Unknown, "The event is older than the records of handled events.".to_owned())
            }
            (None, _) => (ForecastOutcome::WouldRetry, "Its handler would run again.".to_owned()),
        };
        Self { outcome, detail, status }
    }

    pub fn unknown(detail: String) -> Self {
        Self { outcome: ForecastOutcome::Unknown, detail, status: None }
    }
}

/// Why the consumer would refuse the message.
fn refusal(consumer: &Function, event: &Result<Event, Failure>) -> Option<String> {
    let event = match event {
        Ok(event) => event,
        Err(failure) => return Some(in_full(failure)),
    };
    let row = event.event.row();
    if consumer.consumes().iter().all(|consumed| consumed.name != row.name) {
        return Some(format!("{} does not consume {}.", consumer.name, row.name));
    }
    let is_foreign = event.source != row.context.source();
    is_foreign.then(|| format!("{} is published by {} alone.", row.name, row.context.source()))
}

/// The detail of a failure with the members that it names.
fn in_full(failure: &Failure) -> String {
    let fields = failure.fields.iter().map(|field| format!("{} {}", field.pointer, field.detail));
    std::iter::once(failure.detail.clone()).chain(fields).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{EVENT_FORWARD, EVENT_RECORD, STOCK_RESERVE};
    use kernel::Uuid;
    use serde_json::json;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn delivered() -> Event {
        let id = Uuid::nil();
        let event = json!({
            "specversion": kernel::SPEC_VERSION, "id": id, "source": "quayside.orders", "subject": id, "time": AT,
            "sequence": 3, "correlationid": id, "type": "OrderDelivered.v1", "data": { "order_id": id, "user_id": id },
        });
        serde_json::from_value(event).unwrap()
    }

    fn status(handled_at: Option<Timestamp>) -> ConsumerStatus {
        ConsumerStatus {
            consumer: EVENT_FORWARD.name.to_owned(),
            handled_at,
            failed_attempts: 2,
            last_failure: Some("unavailable".to_owned()),
            dead_lettered_at: None,
        }
    }

    #[test]
    fn forecast_follows_from_the_event_and_from_what_is_recorded_of_it() {
        let (open, handled) = (status(None), status(Some(AT)));
        let unreadable = Failure::field("/data/user_id", "is required");
        let foreign = Event { source: "quayside.payments".to_owned(), ..delivered() };
        for (consumer, event, status, since, outcome, detail) in [
            (EVENT_RECORD, Ok(delivered()), &open, AT, ForecastOutcome::Unknown, "event-record keeps no record"),
            (EVENT_FORWARD, Err(unreadable), &open, AT, ForecastOutcome::WouldReturn, "/data/user_id is required"),
            (STOCK_RESERVE, Ok(delivered()), &open, AT, ForecastOutcome::WouldReturn, "consume OrderDelivered.v1"),
            (EVENT_FORWARD, Ok(foreign), &handled, AT, ForecastOutcome::WouldReturn, "by quayside.orders alone"),
            (EVENT_FORWARD, Ok(delivered()), &handled, AT, ForecastOutcome::AlreadyHandled, "recognize"),
            (EVENT_FORWARD, Ok(delivered()), &open, AT, ForecastOutcome::WouldRetry, "run again"),
            (EVENT_FORWARD, Ok(delivered()), &open, Timestamp::MAX, ForecastOutcome::Unknown, "older"),
            (EVENT_FORWARD, Ok(delivered()), &handled, Timestamp::MAX, ForecastOutcome::AlreadyHandled, "recognize"),
        ] {
            let forecast = Forecast::of(consumer, &event, Some(status.clone()), since);
            assert_eq!(forecast.outcome, outcome, "{detail}");
            assert!(forecast.detail.contains(detail), "{forecast:?}");
        }
    }
}
