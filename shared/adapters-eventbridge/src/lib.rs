//! The event bus on EventBridge.

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use catalog::Uses;
use domain::Event;
use domain::event::is_published_by;
use futures_util::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream};
use kernel::Failure;

/// The bus of a function that declares it.
pub fn bus(wiring: &Wiring) -> Result<EventBridge> {
    wiring.require("the bus", |uses| matches!(uses, Uses::Bus))?;
    Ok(EventBridge::new(Client::new(wiring.sdk()?), wiring.config().event_bus()?))
}

/// Limits of one `PutEvents` request.
const MAX_ENTRIES: usize = 10;
const MAX_BYTES: usize = 256 * 1024;
/// Requests of one call at a time.
const MAX_CONCURRENT: usize = 10;
/// Bytes that the time of an entry counts towards the size limit.
const TIME_BYTES: usize = 14;

#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
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

    /// Sends one request. The result says for each entry whether the bus accepted it.
    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<Vec<bool>, Failure> {
        let sent = entries.len();
        let response = self.client.put_events().set_entries(Some(entries)).send().await;
        let response = response.map_err(|error| aws::to_failure("event bus", &error))?;
        Ok(accepted(response.entries(), sent))
    }

    /// As [`ports::Bus::publish`]. Boxed, so that the client is compiled here, and not in each function's crate.
    fn put_all<'a>(&'a self, events: &'a [Event]) -> LocalBoxFuture<'a, Result<Vec<bool>, Failure>> {
        async move {
            let own: Vec<bool> = events.iter().map(is_own).collect();
            let offered = events.iter().zip(&own).filter(|(_, is_own)| **is_own);
            let entries = offered.map(|(event, _)| self.entry(event)).collect::<Result<Vec<_>, _>>()?;
            let requests = stream::iter(batches(entries)).map(async |batch| (batch.len(), self.put(batch).await));
            let responses: Vec<_> = requests.buffered(MAX_CONCURRENT).collect().await;
            let mut accepted = Vec::with_capacity(events.len());
            let mut failure = None;
            for (sent, response) in responses {
                match response {
                    Ok(results) => accepted.extend(results),
                    Err(cause) => {
                        accepted.extend(std::iter::repeat_n(false, sent));
                        failure = Some(cause);
                    }
                }
            }
            let none = !events.is_empty() && !accepted.contains(&true);
            match (none, failure) {
                (true, Some(failure)) => Err(failure),
                (true, None) => Err(Failure::unavailable("event bus", "every entry was rejected")),
                _ => Ok(in_order(&own, accepted)),
            }
        }
        .boxed_local()
    }
}

impl ports::Bus for EventBridge {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        self.put_all(events).await
    }
}

/// Whether the event names the context that publishes its type. Any other is not put on the bus, whose consumers would refuse it.
fn is_own(event: &Event) -> bool {
    let is_own = is_published_by(event, event.event.row().context);
    if !is_own {
        tracing::error!(event.id = %event.id, event.source = event.source, "an event names another source than its publisher");
    }
    is_own
}

/// The results of the events that were offered, with `false` for each of the others.
fn in_order(offered: &[bool], results: Vec<bool>) -> Vec<bool> {
    let mut results = results.into_iter();
    offered.iter().map(|is_offered| *is_offered && results.next().unwrap_or(false)).collect()
}

/// An entry and its size in bytes.
struct Entry {
    request: PutEventsRequestEntry,
    size: usize,
}

/// Requests within both limits, in order. An entry above the limit has a request of its own, so that no other is rejected with it.
fn batches(entries: Vec<Entry>) -> Vec<Vec<PutEventsRequestEntry>> {
    let mut batches: Vec<Vec<PutEventsRequestEntry>> = Vec::new();
    let mut filled = 0;
    for entry in entries {
        match batches.last_mut().filter(|batch| batch.len() < MAX_ENTRIES && filled + entry.size <= MAX_BYTES) {
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

/// Whether each of the `sent` entries was accepted, in their order. An entry without a result counts as rejected.
fn accepted(results: &[PutEventsResultEntry], sent: usize) -> Vec<bool> {
    (0..sent)
        .map(|i| {
            let result = results.get(i);
            let is_accepted = result.is_some_and(|result| result.event_id().is_some() && result.error_code().is_none());
            if !is_accepted {
                let code = result.and_then(PutEventsResultEntry::error_code).unwrap_or("no result");
                tracing::warn!(failure.code = code, "the bus rejected an event");
            }
            is_accepted
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
    fn request_has_at_most_ten_entries_and_256_kib() {
        assert_eq!(lengths(&[1; 23]), [10, 10, 3]);
        assert_eq!(lengths(&[MAX_BYTES / 2, MAX_BYTES / 2, 1]), [2, 1]);
        assert_eq!(lengths(&[1, MAX_BYTES + 1, 1]), [1, 1, 1]);
        assert!(lengths(&[]).is_empty());
    }

    #[test]
    fn event_that_was_not_offered_has_no_result_of_another() {
        assert_eq!(in_order(&[false, true, false, true], vec![true, false]), [false, true, false, false]);
    }

    #[test]
    fn each_entry_has_its_own_result_and_a_missing_one_is_a_rejection() {
        let ok = PutEventsResultEntry::builder().event_id("e").build();
        let rejected = PutEventsResultEntry::builder().error_code("ThrottlingException").build();
        assert_eq!(accepted(&[ok, rejected], 3), [true, false, false]);
    }
}
