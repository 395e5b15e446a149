//! What operators see of stuck orders, of queues, and of what operators did.

use crate::{id, rfc3339};
use domain::{
    consumer::ConsumerState,
    order::{Order, Reason, Wait},
    queue::QueueDepth,
    redrive::AuditEntry,
    replay::Selection,
};
use kernel::Uuid;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A pending order that makes no progress.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StuckOrderView {
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Id of its customer.
    #[schemars(extend("format" = "uuid"))]
    pub user_id: String,
    /// What it waits for, as the customer sees it.
    pub status_reason: Option<&'static str>,
    /// `reserve_stock`, `charge_payment`, `customer_consent`, `customer_payment`, `restock` or `staff_decision`.
    pub next_step: &'static str,
    /// The functions of which one takes the step; empty if a person does, or if goods are awaited.
    pub functions: Vec<&'static str>,
    /// When it was placed.
    #[schemars(extend("format" = "date-time"))]
    pub placed_at: String,
    /// When its status or reason last changed.
    #[schemars(extend("format" = "date-time"))]
    pub updated_at: String,
    /// When it is cancelled if nothing happens; null if it waits for as long as it takes.
    #[schemars(extend("format" = "date-time"))]
    pub cancelled_at: Option<String>,
    /// The reason that the cancellation will have; null without one.
    pub cancellation_reason: Option<&'static str>,
}

impl StuckOrderView {
    /// The view of an order that waits.
    pub fn new(order: &Order, wait: Wait) -> Self {
        Self {
            id: id(order.id.0),
            user_id: id(order.user_id.0),
            status_reason: order.reason.map(Reason::name),
            next_step: wait.step.name(),
            functions: wait.step.functions().iter().map(|function| function.name).collect(),
            placed_at: rfc3339(order.created_at),
            updated_at: rfc3339(order.updated_at),
            cancelled_at: wait.cancelled.map(|(at, _)| rfc3339(at)),
            cancellation_reason: wait.cancelled.and_then(|(_, reason)| reason).map(Reason::name),
        }
    }
}

/// A consumer with its queue and its dead-letter queue. The numbers are approximate, as SQS tells them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct QueueView {
    /// Name of the consumer's function.
    pub name: String,
    /// `running`, `paused`, or `changing` while Lambda changes it; null if it cannot be paused, because S3 invokes it.
    pub state: Option<&'static str>,
    /// Whether it has a queue, to which dead letters can go back; otherwise it reads a stream, a topic or a bucket.
    pub has_queue: bool,
    /// Messages that wait for a delivery.
    pub waiting: u64,
    /// Messages that are being processed, or wait for their next attempt.
    pub in_flight: u64,
    /// Messages whose delay is not over.
    pub delayed: u64,
    /// Messages in the dead-letter queue.
    pub dead_letters: u64,
}

impl QueueView {
    /// The view of a consumer in this state.
    pub fn new(depth: &QueueDepth, state: Option<ConsumerState>) -> Self {
        let queue = depth.queue;
        Self {
            name: depth.consumer.clone(),
            state: state.map(ConsumerState::name),
            has_queue: queue.is_some(),
            waiting: queue.map_or(0, |queue| queue.visible),
            in_flight: queue.map_or(0, |queue| queue.in_flight),
            delayed: queue.map_or(0, |queue| queue.delayed),
            dead_letters: depth.dead_letters,
        }
    }
}

/// A consumer that was paused or resumed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConsumerStateView {
    /// Id of the action in the audit.
    #[schemars(extend("format" = "uuid"))]
    pub action_id: String,
    /// Name of the consumer.
    pub consumer: String,
    /// `running`, `paused`, or `changing` for the half minute that Lambda may take.
    pub state: &'static str,
    /// Number of event source mappings that were changed; 0 if the consumer had the state already.
    pub changed: usize,
}

impl ConsumerStateView {
    /// The view of a consumer after an action.
    pub fn new(action: Uuid, consumer: &str, state: ConsumerState, changed: usize) -> Self {
        Self { action_id: id(action), consumer: consumer.to_owned(), state: state.name(), changed }
    }
}

/// What a replay did, or would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReplayView {
    /// Id of the action in the audit; null for a dry run, which delivers nothing.
    #[schemars(extend("format" = "uuid"))]
    pub action_id: Option<String>,
    /// Name of the consumer.
    pub consumer: String,
    /// What the consumer does with an event that it has handled before: `claims` if it recognizes the event and does nothing, so that no message is
    /// sent again; `by_version` if it handles the event again, and stores what is missing or newer.
    pub policy: String,
    /// Number of events that were sent to the queue of the consumer.
    pub replayed: usize,
    /// Ids of the events that were chosen, in the order of their publication.
    pub event_ids: Vec<String>,
    /// Where another request goes on; null after the last event.
    pub next_cursor: Option<String>,
}

impl ReplayView {
    /// The view of a replay of these events.
    pub fn new(
        action: Option<Uuid>,
        selection: &Selection,
        events: Vec<Uuid>,
        replayed: usize,
        next: Option<String>,
    ) -> Self {
        Self {
            action_id: action.map(id),
            consumer: selection.consumer.to_owned(),
            policy: selection.policy.name().to_owned(),
            replayed,
            event_ids: events.into_iter().map(id).collect(),
            next_cursor: next,
        }
    }
}

/// Something that an operator did with queues and consumers, that somebody tried whose role does not permit it, or that staff or an admin
/// changed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OperatorActionView {
    /// Id of the action, or of the event of a change.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// When the action began, or the change was made.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Id of the account of the operator.
    #[schemars(extend("format" = "uuid"))]
    pub operator_id: String,
    /// The role of the operator at a change, `staff` or `admin`, or of the caller of a refused action; null for an action, which only admins take.
    pub operator_role: Option<String>,
    /// `redrive`, `discard`, `replay`, `pause`, `resume`, or `refused` if the role of the caller does not permit it; of a change, the type of its
    /// event, such as `OrderCancelled.v1`.
    pub action: String,
    /// The name of the consumer; of a refused action, the operation that was called; of a change, the id of what changed.
    pub target: String,
    /// The order that a change is about; its timeline tells the rest.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: Option<String>,
    /// The reason that the operator stated for an action, or for the decision about a refund; null for other changes, and for a refused action.
    pub reason: Option<String>,
    /// What was asked for, for a discard with the messages as they were; empty for a change.
    pub request: Map<String, Value>,
    /// The result of the action; null if it did not end, and may have been done in part. Of a change, what its event says, without personal data.
    pub outcome: Option<Map<String, Value>>,
}

impl From<&AuditEntry> for OperatorActionView {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: id(entry.id),
            at: rfc3339(entry.at),
            operator_id: id(entry.operator.0),
            operator_role: entry.role.clone(),
            action: entry.action.clone(),
            target: entry.target.clone(),
            order_id: entry.order_id.map(|order| id(order.0)),
            reason: entry.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            request: entry.request.clone(),
            outcome: entry.outcome.clone(),
        }
    }
}

/// A policy, rate or limit of the environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SettingView {
    /// Name of the variable, as in docs/configuration.md.
    pub name: String,
    /// Value; empty if none is set.
    pub value: String,
}
