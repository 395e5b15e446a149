//! What follows a commit: its events go to the bus at once, and the outbox learns which arrived.

use super::{Database, params::params};
use domain::Event;
use edge::telemetry::metrics;
use kernel::Failure;
use ports::Bus;
use std::{sync::Arc, time::Duration};

/// How long a command waits for the bus. It is done already, and what the bus has not taken by then the sweep sends: waiting
/// longer serves nobody.
const PATIENCE: Duration = Duration::from_millis(600);

/// Does not wait until the mark is on the disk: one that is lost means that its events are sent again.
const MARK: &str = "SELECT mark_published($1)";

/// Counts events that a command left to the sweep.
pub(super) const LEFT: &str = "OutboxPublishDeferred";
/// Counts events that are on the bus and will go there again, because the outbox could not be told.
const UNMARKED: &str = "OutboxMarkFailed";

/// Sends committed events to the bus.
#[derive(Debug)]
pub struct Relay<B> {
    database: Arc<Database>,
    bus: B,
}

impl<B: Bus> Relay<B> {
    /// From the outbox of `database`'s role to `bus`.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { database, bus }
    }

    /// The database whose outbox it empties.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Sends `events`, which are committed. Nothing that happens here undoes that, so nothing is told to the caller: what fails
    /// is logged and counted, and waits for the sweep.
    pub(super) async fn send(&self, events: &[Event]) {
        let taken = match tokio::time::timeout(PATIENCE, self.bus.publish(events)).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(failure)) => return left(events.len(), &failure.to_string()),
            Err(_) => return left(events.len(), "the bus did not answer in time"),
        };
        let sent: Vec<_> = events.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(event, _)| event.id).collect();
        if sent.len() < events.len() {
            left(events.len() - sent.len(), "the bus did not take them");
        }
        if sent.is_empty() {
            return;
        }
        if let Err(failure) = self.database.query(MARK, &params![&sent]).await {
            metrics::count(UNMARKED, u64::try_from(sent.len()).unwrap_or(u64::MAX));
            tracing::warn!(error.message = %failure, events = sent.len(), "events will be sent twice");
        }
    }
}

fn left(events: usize, reason: &str) {
    metrics::count(LEFT, u64::try_from(events).unwrap_or(u64::MAX));
    tracing::warn!(error.message = reason, events, "events are left to the sweep");
}

/// The bus of a function that publishes nothing: for those that only read, and have no permission to do more.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnreachableBus;

impl Bus for UnreachableBus {
    async fn publish(&self, _: &[Event]) -> Result<Vec<bool>, Failure> {
        Err(Failure::internal("a function that declares no bus published an event"))
    }
}
