//! What is done with a dead letter: it is made a record of its topic again, or it is deleted.

use crate::{queue::DeadMessage, timeline::EventRecord};
use catalog::{Function, KafkaTopic};
use kernel::{Failure, FailureKind};
use serde_json::{Map, Value, json};

words! {
    /// What is done with dead letters.
    #[derive(Default)]
    pub enum DeadLetterAction {
        /// They are moved back to where their consumer reads.
        #[default]
        Redrive,
        /// They are deleted. What their events say without personal data is kept in the audit.
        Discard,
    }
}

/// A dead letter that was deleted, as the audit keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscardedMessage {
    pub message_id: String,
    /// See [`DeadMessage::reason_code`].
    pub reason: String,
    /// Its event, without personal data; `None` if it had none.
    pub event: Option<EventRecord>,
}

impl DiscardedMessage {
    /// The body of the message is not kept, since it may have personal data.
    pub fn new(message: &DeadMessage, event: Option<EventRecord>) -> Self {
        Self { message_id: message.id.clone(), reason: message.reason_code().to_owned(), event }
    }

    /// As it is stored and shown.
    pub fn members(&self) -> Value {
        let event = self.event.as_ref().map(|event| {
            json!({
                "id": event.id,
                "type": event.kind,
                "subject": event.subject,
                "occurred_at": event.occurred_at,
                "correlation_id": event.correlation_id,
                "data": event.data,
            })
        });
        json!({ "message_id": self.message_id, "reason": self.reason, "event": event })
    }
}

/// The failure for a consumer that reads neither a queue nor topics: `Conflict`.
pub fn not_redrivable(consumer: &str) -> Failure {
    let detail = format!("{consumer} reads a stream or a bucket: there is nothing to move its dead letters to.");
    Failure::new(FailureKind::Conflict, "queue-not-redrivable", detail)
}

/// The topic and the key of the record that a dead letter of a consumer of Kafka was. Its body is the value of the record, unless that was no text.
/// Fails with `Invalid` if no record can be made of it.
pub fn record_of(consumer: &Function, message: &DeadMessage) -> Result<(&'static KafkaTopic, String), Failure> {
    let unreadable = |detail| Failure::new(FailureKind::Invalid, "unreadable", detail);
    // Topic, partition and offset.
    let origin = message.notes.get("record_id").and_then(|id| id.rsplitn(3, '-').nth(2));
    let topic = consumer.topics().iter().copied().find(|topic| Some(topic.name) == origin);
    let topic = topic.ok_or_else(|| unreadable("The message does not say from which topic of the consumer it is."))?;
    let key = message.attributes.get("key").cloned();
    let key = key.ok_or_else(|| unreadable("The record had no key."))?;
    let body: Option<Map<String, Value>> = serde_json::from_str(&message.body).ok();
    match body.is_some_and(|members| ["topic", "partition", "offset"].iter().all(|name| members.contains_key(*name))) {
        true => Err(unreadable("The value of the record was no text.")),
        false => Ok((topic, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    #[test]
    fn dead_letter_of_a_topic_says_which_record_it_was() {
        let message = |record_id: &str, key: Option<&str>, body: &str| DeadMessage {
            id: String::new(),
            receipt_handle: String::new(),
            body: body.to_owned(),
            dead_since: Timestamp::UNIX_EPOCH,
            notes: [("record_id".to_owned(), record_id.to_owned())].into(),
            attributes: key.map(|key| ("key".to_owned(), key.to_owned())).into_iter().collect(),
        };
        let of = |message| record_of(catalog::EVENT_RECORD, &message);
        let (topic, key) = of(message("user-events-1-1700", Some("u-1"), "{}")).unwrap();
        assert_eq!((topic.name, key.as_str()), ("user-events", "u-1"));
        assert!(of(message("user-events-1-1700", Some("u-1"), "no JSON")).is_ok(), "it will be a dead letter again");
        for wrong in [
            message("user-events-1-1700", None, "{}"),
            message("user-events", Some("u-1"), "{}"),
            message("records-1-1700", Some("u-1"), "{}"),
            message("user-events-1-1700", Some("u-1"), r#"{"topic":"user-events","partition":1,"offset":1700}"#),
        ] {
            assert_eq!(of(wrong.clone()).unwrap_err().code, "unreadable", "{wrong:?}");
        }
    }
}
