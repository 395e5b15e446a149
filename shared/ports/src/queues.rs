//! Ports of operators: the queues of all consumers, their dead letters, and the record of what operators do.

use crate::Page;
use domain::{
    consumer::{DesiredState, Mapping},
    queue::{DeadMessage, QueueDepth},
    redrive::{Action, AuditEntry, OperatorActionResult},
    refused_action::RefusedAction,
    replay::Selection,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};

pub trait QueueDepths {
    /// The number of messages of each of these consumers, approximately, in the order given.
    async fn depths(&self, consumers: &[&'static str]) -> Result<Vec<QueueDepth>, Failure>;
}

/// The event source mappings of all consumers.
pub trait ConsumerMappings {
    /// All of them, in no order.
    async fn list(&self) -> Result<Vec<Mapping>, Failure>;
}

/// Starts and stops event source mappings.
pub trait ConsumerControl: ConsumerMappings {
    /// Makes a mapping invoke its consumer, or no longer, and returns it as it is then. What was read from its source is still delivered.
    /// `consumer-changing` if the last change is not complete, `not-found` if the mapping is gone.
    async fn set_state(&self, mapping: &Mapping, wanted: DesiredState) -> Result<Mapping, Failure>;
}

/// The dead-letter queues of all consumers.
pub trait DeadLetterQueues {
    /// Receives up to `most` dead letters and hides them for half a minute.
    async fn receive(&self, consumer: &str, most: u32) -> Result<Vec<DeadMessage>, Failure>;

    /// Makes received dead letters visible again.
    async fn release(&self, consumer: &str, messages: &[DeadMessage]) -> Result<(), Failure>;

    /// Sends a message to the queue of the consumer, as it came, to be delivered after a delay, and then removes the dead letter. After a crash
    /// in between, both exist.
    async fn redrive(&self, consumer: &str, message: &DeadMessage, delay_s: u32) -> Result<(), Failure>;

    /// Removes a dead letter that was received.
    async fn remove(&self, consumer: &str, message: &DeadMessage) -> Result<(), Failure>;
}

/// A published event as the outbox has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedEvent {
    pub id: Uuid,
    /// The event in JSON, with all its members.
    pub body: String,
}

/// Published events, as long as the outboxes keep them.
pub trait EventHistory {
    /// The events of a selection in the order of their publication, at most `limit`. A malformed cursor is `Invalid`, field `?cursor`.
    async fn published(
        &self,
        selection: &Selection,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<PublishedEvent>, Failure>;
}

/// The queues of all consumers, to send to.
pub trait ConsumerQueues {
    /// Sends a message to the queue of a consumer, to be delivered after a delay.
    async fn send(&self, consumer: &str, body: &str, delay_s: u32) -> Result<(), Failure>;
}

/// How long an action has the key of its request if it is not finished, because its function died. Longer than such a function runs.
pub const ACTION_LEASE_SECONDS: u32 = 60;

/// The idempotency key of a request, and the response to store; `None` releases the key.
pub type KeyOutcome<'a> = (&'a IdempotencyKey, Option<&'a StoredReply>);

/// Records what operators do.
pub trait OperatorActions {
    /// Records an action that is about to be done, and takes the key of its request for [`ACTION_LEASE_SECONDS`] at most. Records nothing if the
    /// key has a response; `idempotency-key-in-flight` if another action has the key.
    async fn begin(&self, action: &Action, key: Option<&IdempotencyKey>) -> Result<IdempotencyOutcome, Failure>;

    /// Records the result of an action, and stores or releases its key unless another action holds it.
    async fn finish(
        &self,
        action: Uuid,
        outcome: OperatorActionResult,
        at: Timestamp,
        settled: Option<KeyOutcome<'_>>,
    ) -> Result<(), Failure>;

    /// Records a request that was refused; of a caller and a function, one in each [`RefusedAction::INTERVAL_S`].
    async fn refuse(&self, refused: &RefusedAction) -> Result<(), Failure>;
}

/// Reads what operators did, what callers were refused, and what staff and admins changed.
pub trait OperatorLog {
    /// A page of the audit, newest first.
    async fn list(&self, limit: u32, cursor: Option<&str>) -> Result<Page<AuditEntry>, Failure>;
}
