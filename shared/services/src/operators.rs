//! Sending the messages of a redrive or a replay, and what their consumer would do with them.

use catalog::Function;
use domain::{Event, forecast::Forecast, timeline};
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use ports::DeliveryStatuses;
use std::collections::{BTreeMap, BTreeSet};

/// Sends items one by one, each with its delay, until one fails. Returns how many were sent, and the failure.
pub async fn send_each<T>(
    items: &[T],
    delays: impl Iterator<Item = u32>,
    send: impl AsyncFn(&T, u32) -> Result<(), Failure>,
) -> (usize, Result<(), Failure>) {
    for (n, (item, delay_s)) in items.iter().zip(delays).enumerate() {
        if let Err(failure) = send(item, delay_s).await {
            return (n, Err(failure));
        }
    }
    (items.len(), Ok(()))
}

/// What a consumer would do with the events of its dead letters, in their order. `Unknown` while the database does not respond: an operator sees
/// dead letters in an outage, too.
pub async fn forecasts(
    statuses: &impl DeliveryStatuses,
    consumer: &'static Function,
    events: &[Result<Event, Failure>],
    now: Timestamp,
) -> Result<Vec<Forecast>, Failure> {
    let inbox_covered_since = timeline::inbox_covered_since(now)?;
    let ids: BTreeSet<Uuid> = events.iter().flatten().map(|event| event.id).collect();
    let known = match consumer.keeps_inbox() && !ids.is_empty() {
        true => statuses.of_consumer(consumer.name, &ids.into_iter().collect::<Vec<_>>()).await,
        false => Ok(BTreeMap::new()),
    };
    let known = match known {
        Err(failure) if failure.kind == FailureKind::Unavailable => Err(failure.detail),
        known => Ok(known?),
    };
    let forecast = |event: &Result<Event, Failure>| match &known {
        Ok(known) => {
            let status = event.as_ref().ok().and_then(|event| known.get(&event.id)).cloned();
            Forecast::of(consumer, event, status, inbox_covered_since)
        }
        Err(detail) => Forecast::unknown(format!("What is recorded cannot be read: {detail}")),
    };
    Ok(events.iter().map(forecast).collect())
}
