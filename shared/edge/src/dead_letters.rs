//! Where records go that no retry can help, with the reason, so that a person can look and send them again.

use crate::consumer::RecordError;
use crate::telemetry;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;

/// A record that could not be done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The record as it came, to be sent again as it is.
    pub body: String,
    /// Stable slug: `unreadable`, or the code of the failure.
    pub reason: String,
    /// What was wrong, for an operator.
    pub detail: String,
    /// The function that could not do it.
    pub function: String,
    /// How often it had been delivered.
    pub attempt: u32,
    /// The queue's or the stream's name for the record.
    pub record_id: String,
    /// The ARN of the queue or stream that it came from.
    pub source: String,
    /// What else the record carried: message attributes, the key of its partition.
    pub attributes: BTreeMap<String, String>,
}

/// A place for dead letters.
pub trait DeadLetters {
    /// Keeps `letter`. Only when this has succeeded does its record count as done.
    fn send(&self, letter: DeadLetter) -> impl Future<Output = Result<(), Failure>>;

    /// Asks the queue to deliver the message of `receipt` again in `seconds`. By default nothing is asked: the message comes
    /// again when the queue's visibility timeout is over.
    fn change_visibility(&self, _receipt: &str, _seconds: u32) -> impl Future<Output = Result<(), Failure>> {
        async { Ok(()) }
    }
}

impl<D: DeadLetters> DeadLetters for &D {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        (**self).send(letter).await
    }

    async fn change_visibility(&self, receipt: &str, seconds: u32) -> Result<(), Failure> {
        (**self).change_visibility(receipt, seconds).await
    }
}

impl DeadLetter {
    /// Fills in why.
    pub(crate) fn with_error(mut self, stop: &RecordError) -> Self {
        let failure = stop.failure();
        self.reason = match stop {
            RecordError::Malformed(_) => "unreadable".to_owned(),
            RecordError::Failed(_) => failure.code.to_owned(),
        };
        self.detail = match &failure.internal {
            Some(internal) => format!("{} ({internal})", failure.detail),
            None => failure.detail.clone(),
        };
        self
    }
}

/// Buries `letter`; where even that fails, the record must come again. Both are logged here.
pub(crate) async fn bury(letters: &impl DeadLetters, letter: DeadLetter) -> bool {
    let reason = letter.reason.clone();
    match letters.send(letter).await {
        Ok(()) => {
            tracing::warn!(failure.code = reason, "record buried");
            true
        }
        Err(failure) => {
            telemetry::log_failure("burial", &failure);
            false
        }
    }
}

/// Postpones a message. Where that fails the message comes all the same, only later.
pub(crate) async fn postpone(letters: &impl DeadLetters, receipt: String, seconds: u32) {
    if let Err(failure) = letters.change_visibility(&receipt, seconds).await {
        telemetry::log_failure("postponement", &failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeDeadLetterQueue;

    async fn through(letters: impl DeadLetters) -> Result<(), Failure> {
        let letter = DeadLetter {
            body: "{}".to_owned(),
            reason: "unreadable".to_owned(),
            detail: String::new(),
            function: "thing-do".to_owned(),
            attempt: 1,
            record_id: "1".to_owned(),
            source: String::new(),
            attributes: BTreeMap::new(),
        };
        letters.send(letter).await?;
        letters.change_visibility("receipt", 7).await
    }

    #[tokio::test]
    async fn what_is_lent_is_the_place_itself() {
        let letters = FakeDeadLetterQueue::default();
        assert_eq!(through(&letters).await, Ok(()));
        assert_eq!((letters.sent().len(), letters.visibility_changes()), (1, vec![("receipt".to_owned(), 7)]));
    }
}
