//! The queues and dead-letter queues of all consumers, for operators.

use super::{NOTES, decode_body};
use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName,
};
use catalog::{Function, Uses};
use domain::queue::{DeadMessage, QueueDepth, Waiting};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kernel::{Failure, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Most messages that SQS returns, or takes, in a call.
const BATCH: u32 = 10;
/// How long what was received is hidden, unless it is released or removed before.
const HIDDEN_S: i32 = 30;
/// Receives in a row that return nothing after which a queue counts as empty: SQS asks some of its servers each time.
const EMPTY_RECEIVES: u32 = 2;
/// Queues that are counted at the same time.
const CONCURRENT: usize = 16;

/// The numbers of messages of all queues.
pub fn queue_depths(wiring: &Wiring) -> Result<SqsQueues> {
    wiring.require("the queues of all consumers", |uses| matches!(uses, Uses::Queues(_)))?;
    queues(wiring)
}

/// The dead-letter queues of all consumers.
pub fn dead_letter_queues(wiring: &Wiring) -> Result<SqsQueues> {
    wiring.require("the dead-letter queues of all consumers", |uses| matches!(uses, Uses::DeadLetterQueues(_)))?;
    queues(wiring)
}

/// The queues of all consumers, to send to.
pub fn consumer_queues(wiring: &Wiring) -> Result<SqsQueues> {
    queue_depths(wiring)
}

fn queues(wiring: &Wiring) -> Result<SqsQueues> {
    Ok(SqsQueues::new(Client::new(wiring.sdk()?), wiring.config().queues_url()?))
}

/// All queues of a deployment, which have names after a common prefix.
#[derive(Debug, Clone)]
pub struct SqsQueues {
    client: Client,
    /// What the URL of every queue begins with.
    prefix: String,
}

impl SqsQueues {
    /// `prefix` is followed by the name of a consumer.
    pub fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix }
    }

    fn url(&self, consumer: &str) -> String {
        format!("{}{consumer}", self.prefix)
    }

    fn dead_letter_url(&self, consumer: &str) -> String {
        format!("{}{consumer}{}", self.prefix, catalog::DEAD_LETTER_SUFFIX)
    }

    async fn waiting(&self, url: String) -> Result<Waiting, Failure> {
        let request = self.client.get_queue_attributes().queue_url(url);
        let request = request
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let response = request.send().await.map_err(|error| aws::to_failure("queues", &error))?;
        let attributes = response.attributes.unwrap_or_default();
        let number = |name| attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Waiting {
            visible: number(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        })
    }

    async fn depth(&self, consumer: &str) -> Result<QueueDepth, Failure> {
        let queue = match catalog::find(consumer).is_some_and(Function::has_queue) {
            true => Some(self.waiting(self.url(consumer)).await?),
            false => None,
        };
        let dead = self.waiting(self.dead_letter_url(consumer)).await?;
        Ok(QueueDepth { consumer: consumer.to_owned(), queue, dead_letters: dead.visible + dead.in_flight })
    }

    /// Dead letters of one request to SQS, which returns at most [`BATCH`] and may return fewer than there are.
    async fn receive_some(&self, url: &str, most: u32) -> Result<Vec<DeadMessage>, Failure> {
        let request = self.client.receive_message().queue_url(url).visibility_timeout(HIDDEN_S).wait_time_seconds(0);
        let request = request
            .max_number_of_messages(i32::try_from(most.clamp(1, BATCH)).map_err(Failure::internal)?)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let received = request.send().await.map_err(|error| aws::to_failure("dead-letter queue", &error))?;
        received.messages.unwrap_or_default().into_iter().map(read).collect()
    }
}

impl ports::QueueDepths for SqsQueues {
    async fn depths(&self, consumers: &[&'static str]) -> Result<Vec<QueueDepth>, Failure> {
        stream::iter(consumers).map(|consumer| self.depth(consumer)).buffered(CONCURRENT).try_collect().await
    }
}

impl ports::DeadLetterQueues for SqsQueues {
    async fn receive(&self, consumer: &str, most: u32) -> Result<Vec<DeadMessage>, Failure> {
        let url = self.dead_letter_url(consumer);
        let (mut found, mut empty) = (Vec::new(), 0);
        while empty < EMPTY_RECEIVES {
            let missing = most.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if missing == 0 {
                break;
            }
            let received = self.receive_some(&url, missing).await?;
            empty = if received.is_empty() { empty + 1 } else { 0 };
            found.extend(received);
        }
        Ok(found)
    }

    async fn release(&self, consumer: &str, messages: &[DeadMessage]) -> Result<(), Failure> {
        let url = self.dead_letter_url(consumer);
        for batch in messages.chunks(usize::try_from(BATCH).map_err(Failure::internal)?) {
            let entry = |(n, message): (usize, &DeadMessage)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
                entry.receipt_handle(&message.receipt_handle).visibility_timeout(0).build().map_err(Failure::internal)
            };
            let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
            let request = self.client.change_message_visibility_batch().queue_url(&url).set_entries(Some(entries));
            // One that is not released becomes visible by itself, half a minute later.
            request.send().await.map_err(|error| aws::to_failure("dead-letter queue", &error))?;
        }
        Ok(())
    }

    async fn redrive(&self, consumer: &str, message: &DeadMessage, delay_s: u32) -> Result<(), Failure> {
        let delay = i32::try_from(delay_s).map_err(Failure::internal)?;
        let mut request = self.client.send_message().queue_url(self.url(consumer)).message_body(&message.body);
        request = request.delay_seconds(delay);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(Failure::internal)?);
        }
        request.send().await.map_err(|error| aws::to_failure("queue", &error))?;
        self.remove(consumer, message).await
    }

    async fn remove(&self, consumer: &str, message: &DeadMessage) -> Result<(), Failure> {
        let delete = self.client.delete_message().queue_url(self.dead_letter_url(consumer));
        let deleted = delete.receipt_handle(&message.receipt_handle).send().await;
        deleted.map(drop).map_err(|error| aws::to_failure("dead-letter queue", &error))
    }
}

impl ports::ConsumerQueues for SqsQueues {
    async fn send(&self, consumer: &str, body: &str, delay_s: u32) -> Result<(), Failure> {
        let delay = i32::try_from(delay_s).map_err(Failure::internal)?;
        let request = self.client.send_message().queue_url(self.url(consumer)).message_body(body).delay_seconds(delay);
        request.send().await.map(drop).map_err(|error| aws::to_failure("queue", &error))
    }
}

/// What a receive returned.
fn read(message: Message) -> Result<DeadMessage, Failure> {
    let missing = || Failure::internal("SQS returned a message without id, receipt or time");
    let sent: Option<i64> = message
        .attributes
        .as_ref()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|text| text.parse().ok());
    let texts: HashMap<String, String> = message
        .message_attributes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.string_value?)))
        .collect();
    let (mut notes, attributes): (BTreeMap<_, _>, BTreeMap<_, _>) =
        texts.into_iter().partition(|(name, _)| NOTES.contains(&name.as_str()));
    let encoding = notes.remove("body_encoding");
    Ok(DeadMessage {
        id: message.message_id.ok_or_else(missing)?,
        receipt_handle: message.receipt_handle.ok_or_else(missing)?,
        body: decode_body(message.body.unwrap_or_default(), encoding.as_deref()),
        dead_since: sent.and_then(|at| Timestamp::from_millisecond(at).ok()).ok_or_else(missing)?,
        notes,
        attributes,
    })
}
