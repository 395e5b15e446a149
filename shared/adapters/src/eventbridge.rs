//! The event bus: EventBridge.

use crate::aws;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use domain::Event;
use kernel::Failure;

/// EventBridge takes no more entries in one request.
const ENTRIES: usize = 10;
/// And no more bytes.
const BYTES: usize = 256 * 1024;
/// What an entry's time counts for in that sum.
const TIME_BYTES: usize = 14;

/// The platform's bus on EventBridge.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus of this name.
    pub fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }

    fn entry(&self, event: &Event) -> Result<Entry, Failure> {
        let row = event.event.row();
        let detail = serde_json::to_string(event).map_err(Failure::internal)?;
        let size = TIME_BYTES + event.source.len() + row.name.len() + detail.len();
        let request = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(&event.source)
            .detail_type(row.name)
            .time(DateTime::from_secs(event.time.as_second()))
            .detail(detail)
            .build();
        Ok(Entry { request, size })
    }

    /// Sends one request; says of each entry whether it was taken, or why none was.
    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<Vec<bool>, Failure> {
        let sent = entries.len();
        let answer = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| aws::failed("event bus", &error))?;
        Ok(taken(answer.entries(), sent))
    }
}

impl ports::Bus for EventBridge {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        let mut accepted = Vec::with_capacity(events.len());
        let mut failure = None;
        let entries = events.iter().map(|event| self.entry(event)).collect::<Result<Vec<_>, _>>()?;
        for batch in batches(entries) {
            let sent = batch.len();
            match self.put(batch).await {
                Ok(taken) => accepted.extend(taken),
                Err(cause) => {
                    accepted.extend(std::iter::repeat_n(false, sent));
                    failure = Some(cause);
                }
            }
        }
        let none = !events.is_empty() && !accepted.contains(&true);
        match (none, failure) {
            (true, Some(failure)) => Err(failure),
            (true, None) => Err(Failure::unavailable("event bus", "every entry was refused")),
            _ => Ok(accepted),
        }
    }
}

/// An entry and what it counts for.
struct Entry {
    request: PutEventsRequestEntry,
    size: usize,
}

/// Requests that keep within both limits, in order. An entry above the limit goes alone, and is refused alone.
fn batches(entries: Vec<Entry>) -> Vec<Vec<PutEventsRequestEntry>> {
    let mut batches: Vec<Vec<PutEventsRequestEntry>> = Vec::new();
    let mut filled = 0;
    for entry in entries {
        match batches.last_mut().filter(|batch| batch.len() < ENTRIES && filled + entry.size <= BYTES) {
            Some(batch) => batch.push(entry.request),
            None => {
                batches.push(vec![entry.request]);
                filled = 0;
            }
        }
        filled += entry.size;
    }
    batches
}

/// What the bus said of each of `sent` entries, in their order; about an entry of which it said nothing we assume the worst.
fn taken(answers: &[PutEventsResultEntry], sent: usize) -> Vec<bool> {
    (0..sent)
        .map(|i| {
            let answer = answers.get(i);
            let taken = answer.is_some_and(|answer| answer.event_id().is_some() && answer.error_code().is_none());
            if !taken {
                let code = answer.and_then(PutEventsResultEntry::error_code).unwrap_or("no answer");
                tracing::warn!(bus.error = code, "the bus refused an event");
            }
            taken
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sizes: &[usize]) -> Vec<Entry> {
        sizes.iter().map(|size| Entry { request: PutEventsRequestEntry::builder().build(), size: *size }).collect()
    }

    fn lengths(sizes: &[usize]) -> Vec<usize> {
        batches(entries(sizes)).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_request_holds_ten_entries_and_256_kilobytes_at_most() {
        assert_eq!(lengths(&[1; 23]), [10, 10, 3]);
        assert_eq!(lengths(&[BYTES / 2, BYTES / 2, 1]), [2, 1]);
        assert_eq!(lengths(&[1, BYTES + 1, 1]), [1, 1, 1]);
        assert!(lengths(&[]).is_empty());
    }

    #[test]
    fn each_entry_has_its_own_outcome_and_silence_is_a_refusal() {
        let ok = PutEventsResultEntry::builder().event_id("e").build();
        let refused = PutEventsResultEntry::builder().error_code("ThrottlingException").build();
        assert_eq!(taken(&[ok, refused], 3), [true, false, false]);
    }
}
