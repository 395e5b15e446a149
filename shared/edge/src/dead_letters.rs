//! The dead-letter queue: records that are not retried any more, with the reason, for an operator to inspect and redrive. And the
//! control of the redelivery of those that are.

use crate::consumer::RecordError;
use crate::telemetry;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;

/// A record that could not be processed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The original record, unchanged, for a redrive.
    pub body: String,
    /// Stable code: `unreadable`, or the code of the failure.
    pub reason: String,
    /// Detail and internal cause of the failure, for operators.
    pub detail: String,
    /// The function that failed.
    pub function: String,
    /// Number of deliveries so far.
    pub attempt: u32,
    /// The id of the record at its source: message id, sequence number, or topic, partition and offset.
    pub record_id: String,
    /// ARN of the source.
    pub source: String,
    /// Message attributes, or the partition key.
    pub attributes: BTreeMap<String, String>,
}

/// Stores records that failed permanently, for an operator to inspect and redrive.
pub trait DeadLetters {
    /// Stores `dead_letter`. Its record counts as processed only if this succeeds.
    fn send(&self, dead_letter: DeadLetter) -> impl Future<Output = Result<(), Failure>>;

    /// Notes for operators that `dead_letter` was stored. Whether that succeeds changes nothing else. By default nothing is noted.
    fn record(&self, _dead_letter: &DeadLetter) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// Controls the redelivery of messages of the function's own queue.
pub trait QueueControl {
    /// Makes the queue redeliver the message of `receipt_handle` after `seconds`, and not when its visibility timeout ends.
    fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> impl Future<Output = Result<(), Failure>>;
}

impl<D: DeadLetters> DeadLetters for &D {
    async fn send(&self, dead_letter: DeadLetter) -> Result<(), Failure> {
        (**self).send(dead_letter).await
    }

    async fn record(&self, dead_letter: &DeadLetter) {
        (**self).record(dead_letter).await;
    }
}

impl<Q: QueueControl> QueueControl for &Q {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> Result<(), Failure> {
        (**self).change_visibility(receipt_handle, seconds).await
    }
}

/// A dead-letter queue as a trait object, so that the runners are compiled once and not for each function.
pub(crate) trait BoxedDeadLetters {
    fn send_boxed(&self, dead_letter: DeadLetter) -> LocalBoxFuture<'_, Result<(), Failure>>;

    fn record_boxed<'a>(&'a self, dead_letter: &'a DeadLetter) -> LocalBoxFuture<'a, ()>;
}

/// The same for a queue whose messages are redelivered.
pub(crate) trait BoxedQueue: BoxedDeadLetters {
    fn change_visibility_boxed<'a>(
        &'a self,
        receipt_handle: &'a str,
        seconds: u32,
    ) -> LocalBoxFuture<'a, Result<(), Failure>>;
}

impl<D: DeadLetters> BoxedDeadLetters for D {
    fn send_boxed(&self, dead_letter: DeadLetter) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.send(dead_letter).boxed_local()
    }

    fn record_boxed<'a>(&'a self, dead_letter: &'a DeadLetter) -> LocalBoxFuture<'a, ()> {
        self.record(dead_letter).boxed_local()
    }
}

impl<Q: DeadLetters + QueueControl> BoxedQueue for Q {
    fn change_visibility_boxed<'a>(
        &'a self,
        receipt_handle: &'a str,
        seconds: u32,
    ) -> LocalBoxFuture<'a, Result<(), Failure>> {
        self.change_visibility(receipt_handle, seconds).boxed_local()
    }
}

impl DeadLetter {
    /// Fills in reason and detail.
    pub(crate) fn with_error(mut self, error: &RecordError) -> Self {
        let failure = error.failure();
        self.reason = match error {
            RecordError::Malformed(_) => "unreadable".to_owned(),
            RecordError::Failed(_) | RecordError::TimedOut(_) => failure.code.to_owned(),
        };
        self.detail = match &failure.internal {
            Some(internal) => format!("{} ({internal})", failure.detail),
            None => failure.detail.clone(),
        };
        self
    }
}

/// Sends `dead_letter` to the dead-letter queue and records it. Returns false if sending failed: then the record must be retried.
pub(crate) async fn send(dead_letters: &dyn BoxedDeadLetters, dead_letter: DeadLetter) -> bool {
    let is_sent = store(dead_letters, dead_letter.clone()).await;
    if is_sent {
        dead_letters.record_boxed(&dead_letter).await;
    }
    is_sent
}

/// Sends `dead_letter` to the dead-letter queue and logs the result. Returns false if that failed.
pub(crate) async fn store(dead_letters: &dyn BoxedDeadLetters, dead_letter: DeadLetter) -> bool {
    let reason = dead_letter.reason.clone();
    match dead_letters.send_boxed(dead_letter).await {
        Ok(()) => {
            tracing::warn!(failure.code = reason, "record dead-lettered");
            true
        }
        Err(failure) => {
            telemetry::log_failure("dead letter", &failure);
            false
        }
    }
}

/// Changes the visibility timeout of a message. If that fails, the message is redelivered after the queue's own timeout.
pub(crate) async fn change_visibility(queue: &dyn BoxedQueue, receipt_handle: &str, seconds: u32) {
    if let Err(failure) = queue.change_visibility_boxed(receipt_handle, seconds).await {
        telemetry::log_failure("visibility change", &failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeDeadLetterQueue;

    async fn send_through(dead_letters: impl DeadLetters + QueueControl) -> Result<(), Failure> {
        let dead_letter = DeadLetter {
            body: "{}".to_owned(),
            reason: "unreadable".to_owned(),
            detail: String::new(),
            function: "thing-do".to_owned(),
            attempt: 1,
            record_id: "1".to_owned(),
            source: String::new(),
            attributes: BTreeMap::new(),
        };
        dead_letters.send(dead_letter).await?;
        dead_letters.change_visibility("receipt", 7).await
    }

    #[tokio::test]
    async fn reference_forwards_to_the_queue() {
        let dead_letters = FakeDeadLetterQueue::default();
        assert_eq!(send_through(&dead_letters).await, Ok(()));
        assert_eq!(
            (dead_letters.sent().len(), dead_letters.visibility_changes()),
            (1, vec![("receipt".to_owned(), 7)])
        );
    }
}
