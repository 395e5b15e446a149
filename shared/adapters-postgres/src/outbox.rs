//! Publishes committed events at once and marks them in the outbox.

use super::{Database, params::params};
use catalog::Context;
use domain::{Event, event::is_published_by};
use edge::telemetry::metrics;
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::Failure;
use ports::Bus;
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::time::{error::Elapsed, timeout};

/// How long a command waits for the bus. The command has been committed, and the sweep publishes what the bus does not accept in time.
const PUBLISH_TIMEOUT: Duration = Duration::from_millis(600);

/// Does not wait for the write to disk: events whose mark is lost are published again.
const MARK_PUBLISHED: &str = "SELECT mark_published($1)";

/// Counts events that the bus did not accept and that the sweep will publish.
pub(super) const DEFERRED: &str = "OutboxPublishDeferred";
/// Counts events that will be published a second time because marking them failed.
const MARK_FAILED: &str = "OutboxMarkFailed";

/// Counts events in an outbox that its context does not publish. They are never sent.
const REFUSED: &str = "OutboxRowsRefused";

/// Publishes committed events from the outbox of one role.
#[derive(Debug)]
pub struct Relay<B> {
    context: Context,
    database: Arc<Database>,
    bus: B,
}

impl<B: Bus> Relay<B> {
    /// `database` logs in as the role of `context`.
    pub fn new(context: Context, database: Arc<Database>, bus: B) -> Self {
        Self { context, database, bus }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Publishes committed events. An error undoes no commit and is not returned: it is logged and counted, and the sweep publishes the
    /// events.
    pub(super) async fn publish(&self, events: &[Event]) {
        let events = publishable(events, self.context);
        if !events.is_empty() {
            let response = timeout(PUBLISH_TIMEOUT, self.bus.publish(&events)).await;
            mark_accepted(&self.database, &events, response).await;
        }
    }
}

/// Marks the events that the bus accepted. Boxed, so that it is compiled here, and not in each function's crate.
fn mark_accepted<'a>(
    database: &'a Database,
    events: &'a [Event],
    response: Result<Result<Vec<bool>, Failure>, Elapsed>,
) -> BoxFuture<'a, ()> {
    async move {
        let accepted = match response {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(failure)) => return deferred(events.len(), &failure),
            Err(_) => return deferred(events.len(), &Failure::unavailable("bus", "timed out")),
        };
        let published: Vec<_> =
            events.iter().zip(&accepted).filter(|(_, accepted)| **accepted).map(|(event, _)| event.id).collect();
        if published.len() < events.len() {
            deferred(events.len() - published.len(), &Failure::unavailable("bus", "rejected events"));
        }
        if published.is_empty() {
            return;
        }
        if let Err(failure) = database.query(MARK_PUBLISHED, &params![&published]).await {
            metrics::count(MARK_FAILED, u64::try_from(published.len()).unwrap_or(u64::MAX));
            tracing::warn!(
                failure.code,
                failure.detail,
                failure.internal,
                events = published.len(),
                "events will be published twice"
            );
        }
    }
    .boxed()
}

/// The events that belong to `context`; copied only if one does not.
fn publishable(events: &[Event], context: Context) -> Cow<'_, [Event]> {
    let is_own: Vec<bool> = events.iter().map(|event| belongs_to(event, context)).collect();
    match is_own.contains(&false) {
        false => Cow::Borrowed(events),
        true => events.iter().zip(is_own).filter(|(_, is_own)| *is_own).map(|(event, _)| event.clone()).collect(),
    }
}

/// Whether the event belongs to `context`. One of another context, or with another source, is reported and counted: whoever
/// can write one context's table does not speak for another.
pub(super) fn belongs_to(event: &Event, context: Context) -> bool {
    let is_own = is_published_by(event, context);
    if !is_own {
        metrics::count(REFUSED, 1);
        tracing::error!(
            event.id = %event.id, event.name = event.event.row().name, outbox = context.name(),
            "an event in an outbox is not one of its context"
        );
    }
    is_own
}

fn deferred(events: usize, failure: &Failure) {
    metrics::count(DEFERRED, u64::try_from(events).unwrap_or(u64::MAX));
    tracing::warn!(failure.code, failure.detail, failure.internal, events, "events are left to the sweep");
}

/// Stands for the bus in functions that publish no events; publishing is an internal error.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl Bus for NoEvents {
    async fn publish(&self, _: &[Event]) -> Result<Vec<bool>, Failure> {
        Err(Failure::internal("a function without a bus published an event"))
    }
}
