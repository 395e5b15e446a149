//! Liveness and readiness, and what operators see.

use crate::{id, rfc3339};
use domain::timeline::{ConsumerStatus, TimelineEntry};
use kernel::{Principal, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The response of a function that is alive.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HealthView {
    /// Always `ok`.
    pub status: &'static str,
}

impl HealthView {
    /// The only value.
    pub const OK: Self = Self { status: "ok" };
}

/// Whether the service is ready, with the state of each dependency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReadinessView {
    /// `ready`, `degraded` if a dependency is down that is not essential, or `not_ready`.
    pub status: &'static str,
    /// All dependencies.
    pub dependencies: Vec<DependencyView>,
}

/// A dependency of the service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DependencyView {
    /// Name of the dependency.
    pub name: &'static str,
    /// `up` or `down`.
    pub state: &'static str,
    /// Whether the service is not ready without it.
    #[serde(skip)]
    pub is_essential: bool,
}

impl DependencyView {
    /// Creates the view of a dependency that was checked.
    pub fn new(name: &'static str, is_essential: bool, is_up: bool) -> Self {
        Self { name, state: if is_up { "up" } else { "down" }, is_essential }
    }

    fn is_down(&self) -> bool {
        self.state == "down"
    }
}

impl ReadinessView {
    /// Creates the view of a service with these dependencies.
    pub fn new(dependencies: Vec<DependencyView>) -> Self {
        let is_degraded = dependencies.iter().any(DependencyView::is_down);
        let is_ready = !dependencies.iter().any(|dependency| dependency.is_essential && dependency.is_down());
        let status = match (is_ready, is_degraded) {
            (true, false) => "ready",
            (true, true) => "degraded",
            (false, _) => "not_ready",
        };
        Self { status, dependencies }
    }

    /// Whether every essential dependency is up.
    pub fn is_ready(&self) -> bool {
        self.status != "not_ready"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_is_degraded_without_a_dependency_and_not_ready_without_an_essential_one() {
        for (database, cache, status) in
            [(true, true, "ready"), (true, false, "degraded"), (false, true, "not_ready"), (false, false, "not_ready")]
        {
            let view = ReadinessView::new(vec![
                DependencyView::new("database", true, database),
                DependencyView::new("cache", false, cache),
            ]);
            assert_eq!((view.status, view.is_ready()), (status, database));
        }
    }
}

/// An event in the timeline of an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TimelineEntryView {
    /// Id of the event.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Type and version, such as `OrderPlaced.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The context that published it, such as `quayside.orders`.
    pub source: String,
    /// Id of the aggregate that it describes.
    pub subject: String,
    /// Version of the aggregate after it.
    pub sequence: u64,
    /// When the event occurred.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: String,
    /// Milliseconds since the entry before; null for the first one of a page.
    pub since_previous_ms: Option<i64>,
    /// When it was published for the last time; null for an event that was published more than a week ago.
    #[schemars(extend("format" = "date-time"))]
    pub published_at: Option<String>,
    /// When it was recorded for operators, after it was published and forwarded.
    #[schemars(extend("format" = "date-time"))]
    pub recorded_at: String,
    /// Id of the request that caused it; in every log line and every further event of that request.
    #[schemars(extend("format" = "uuid"))]
    pub correlation_id: String,
    /// The W3C trace in which it was published; null if it had none.
    pub trace_id: Option<String>,
    /// Whose request caused it; null for an event that a consumer or a schedule caused, or a request without an access token.
    pub actor: Option<ActorView>,
    /// What it says, without personal data.
    pub data: Map<String, Value>,
    /// The functions that consume it, those that have handled it first. Empty for an event of more than fourteen days ago.
    pub deliveries: Vec<HandlingView>,
}

/// The caller whose request caused an event.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ActorView {
    /// Id of the account, or of the service client.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// The role at the time of the request: `customer`, `staff`, `admin` or `service`.
    pub role: String,
}

impl From<&Principal> for ActorView {
    fn from(actor: &Principal) -> Self {
        Self { id: id(actor.id), role: actor.role.clone() }
    }
}

/// What is known of an event and one of its consumers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HandlingView {
    /// Name of the consumer's function.
    pub consumer: String,
    /// `handled`; or `open`, which means that it is queued, retried, or a dead letter.
    pub status: &'static str,
    /// When it had handled the event; null as long as it has not.
    #[schemars(extend("format" = "date-time"))]
    pub handled_at: Option<String>,
    /// Milliseconds from the event until then; null as long as it has not handled it.
    pub after_ms: Option<i64>,
    /// Attempts of its handler that failed. An attempt that died, or found the event unreadable, is not counted.
    pub failed_attempts: u32,
    /// Code of the last failure; null without one.
    pub last_failure: Option<String>,
    /// When the consumer moved the message to its dead-letter queue; null once the consumer has attempted or handled the event again, as after a
    /// redrive. A discarded message keeps it. Also null for a message that SQS moved by itself, because the function died each time: only
    /// `GET /api/v1/ops/dead-letters` knows of that one.
    #[schemars(extend("format" = "date-time"))]
    pub dead_lettered_at: Option<String>,
}

impl TimelineEntryView {
    /// The views of the entries of a page.
    pub fn all(entries: &[TimelineEntry]) -> Vec<Self> {
        let before = std::iter::once(None).chain(entries.iter().map(|entry| Some(entry.event.occurred_at)));
        entries.iter().zip(before).map(|(entry, before)| Self::of(entry, before)).collect()
    }

    fn of(entry: &TimelineEntry, before: Option<Timestamp>) -> Self {
        let TimelineEntry { event, published_at, recorded_at, deliveries } = entry;
        Self {
            id: id(event.id),
            kind: event.kind.clone(),
            source: event.source.clone(),
            subject: event.subject.clone(),
            sequence: event.sequence,
            occurred_at: rfc3339(event.occurred_at),
            since_previous_ms: before.map(|before| millis(before, event.occurred_at)),
            published_at: published_at.map(rfc3339),
            recorded_at: rfc3339(*recorded_at),
            correlation_id: id(event.correlation_id),
            trace_id: event.trace_id.clone(),
            actor: event.actor.as_ref().map(ActorView::from),
            data: event.data.clone(),
            deliveries: deliveries.iter().map(|status| HandlingView::of(status, event.occurred_at)).collect(),
        }
    }
}

impl HandlingView {
    fn of(status: &ConsumerStatus, occurred_at: Timestamp) -> Self {
        Self {
            consumer: status.consumer.clone(),
            status: if status.handled_at.is_some() { "handled" } else { "open" },
            handled_at: status.handled_at.map(rfc3339),
            after_ms: status.handled_at.map(|at| millis(occurred_at, at)),
            failed_attempts: status.failed_attempts,
            last_failure: status.last_failure.clone(),
            dead_lettered_at: status.dead_lettered_at.map(rfc3339),
        }
    }
}

/// Milliseconds from one instant to another.
fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}
