//! Queues of consumers, as operators see them.

use kernel::Timestamp;
use std::collections::BTreeMap;

/// How many messages a consumer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    pub consumer: String,
    /// In its queue; `None` if it reads a stream.
    pub queue: Option<Waiting>,
    pub dead_letters: u64,
}

/// The messages of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub visible: u64,
    /// Received and not settled: they are being processed, or wait for their next attempt.
    pub in_flight: u64,
    /// Not to be delivered before their delay is over.
    pub delayed: u64,
}

/// The reason shown for a dead letter that SQS moved, which states none.
pub const MOVED_BY_SQS: &str = "moved-by-sqs";

/// A dead letter that was received and is hidden from other receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMessage {
    /// Id of the message in the dead-letter queue.
    pub id: String,
    /// Names this reception of the message.
    pub receipt_handle: String,
    /// The body that the consumer got.
    pub body: String,
    /// When it was sent to the dead-letter queue; for a message that SQS moved, to its first queue.
    pub dead_since: Timestamp,
    /// What the consumer said of the failure: `reason`, `detail`, `attempt`, `record_id`, `source`. Empty if SQS moved the message.
    pub notes: BTreeMap<String, String>,
    /// The other attributes, which the message came with.
    pub attributes: BTreeMap<String, String>,
}

impl DeadMessage {
    /// The code of the failure; [`MOVED_BY_SQS`] if it says none.
    pub fn reason_code(&self) -> &str {
        self.notes.get("reason").map_or(MOVED_BY_SQS, String::as_str)
    }
}
