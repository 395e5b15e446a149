//! The dead letters of a request, with their events as its patch edits them.

use catalog::{Function, KafkaTopic};
use domain::{
    Event,
    dead_letter::{self, DeadLetterAction},
    event_patch::EventPatch,
    queue::DeadMessage,
    redrive::Redrive,
};
use kernel::Failure;
use ports::DeadLetterQueues;

/// A message that can be sent, with its event as the request edits it.
#[derive(Debug)]
pub(crate) struct ReadyMessage {
    pub message: DeadMessage,
    /// The topic and the key of its record, if its consumer reads topics.
    pub record: Option<(&'static KafkaTopic, String)>,
}

/// What was received for a request. It is hidden from other receivers.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Ids of all chosen messages.
    pub ids: Vec<String>,
    /// The messages to send.
    pub ready: Vec<ReadyMessage>,
    /// Whether there are more to choose, if that is known.
    pub has_more: Option<bool>,
    /// The messages that cannot be sent, or whose events cannot be edited, with the reasons.
    pub refused: Vec<(DeadMessage, Failure)>,
}

impl Selection {
    /// Receives the dead letters that are asked for, and no others.
    pub async fn receive(
        queues: &impl DeadLetterQueues,
        consumer: &Function,
        wanted: &Redrive,
    ) -> Result<Self, Failure> {
        let received = queues.receive(consumer.name, wanted.search_limit()).await?;
        let (chosen, others, has_more) = wanted.partition(received);
        queues.release(consumer.name, &others).await?;
        let ids = chosen.iter().map(|message| message.id.clone()).collect();
        let mut selection = Self { ids, has_more, ..Self::default() };
        for message in chosen {
            match ready(consumer, wanted, &message) {
                Ok(ready) => selection.ready.push(ready),
                Err(failure) => selection.refused.push((message, failure)),
            }
        }
        Ok(selection)
    }

    /// The messages that stay when this many were sent.
    pub fn unsent(&self, sent: usize) -> Vec<DeadMessage> {
        let refused = self.refused.iter().map(|(message, _)| message);
        let ready = self.ready.iter().map(|ready| &ready.message);
        ready.skip(sent).chain(refused).cloned().collect()
    }
}

/// A message as it is sent. Fails if it cannot be sent, or if its event cannot be edited.
fn ready(consumer: &Function, wanted: &Redrive, message: &DeadMessage) -> Result<ReadyMessage, Failure> {
    let is_record = !consumer.has_queue() && wanted.action == DeadLetterAction::Redrive;
    let record = is_record.then(|| dead_letter::record_of(consumer, message)).transpose()?;
    let body = wanted.patch.as_ref().map(|patch| edit(patch, message)).transpose()?;
    let body = body.unwrap_or_else(|| message.body.clone());
    Ok(ReadyMessage { message: DeadMessage { body, ..message.clone() }, record })
}

/// The edited event of a message, without the envelope that it came in. Fails if it is not valid for its type.
fn edit(patch: &EventPatch, message: &DeadMessage) -> Result<String, Failure> {
    let body = patch.apply(&edge::extract_event(&message.body)?)?.to_string();
    let _: Event = edge::event_in(&body)?;
    Ok(body)
}
