//! Dead-letter queues on SQS, and the visibility timeout of messages in a function's own queue.

mod queues;
mod recorded;

pub use queues::{SqsQueues, consumer_queues, dead_letter_queues, queue_depths};
pub use recorded::{RecordedDeadLetters, event_in, recorded_dead_letters};

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::change_message_visibility::builders::ChangeMessageVisibilityFluentBuilder;
use aws_sdk_sqs::types::MessageAttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::{DeadLetter, DeadLetters, QueueControl};
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::Failure;

/// The dead-letter queue of the function, and its own queue where it has one.
pub fn dead_letters(wiring: &Wiring) -> Result<SqsDeadLetters> {
    let (function, config) = (wiring.function(), wiring.config());
    if !function.has_dead_letter_queue() {
        return Err(wiring.undeclared("a dead-letter queue"));
    }
    let queue = function.has_queue().then(|| config.queue_url()).transpose()?;
    Ok(SqsDeadLetters::new(Client::new(wiring.sdk()?), config.dead_letter_queue()?, queue))
}

/// SQS accepts at most this many attributes on one message.
const MAX_ATTRIBUTES: usize = 10;
/// Longer attribute values are truncated to this many characters.
const MAX_VALUE_CHARS: usize = 1024;

/// The attributes in which a dead letter says why it is one.
const NOTES: [&str; 7] = ["reason", "detail", "function", "attempt", "record_id", "source", "body_encoding"];

#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
    source_url: Option<String>,
}

impl SqsDeadLetters {
    /// The dead-letter queue at `queue_url`. `source_url` is the function's own queue; `None` if it consumes a stream.
    pub fn new(client: Client, queue_url: String, source_url: Option<String>) -> Self {
        Self { client, queue_url, source_url }
    }
}

/// Futures are boxed, so that the client is compiled here, and not in each function's crate.
impl DeadLetters for SqsDeadLetters {
    fn send(&self, dead_letter: DeadLetter) -> impl Future<Output = Result<(), Failure>> {
        async move {
            let Message { body, attributes } = message(dead_letter);
            let mut request = self.client.send_message().queue_url(&self.queue_url).message_body(body);
            for (name, value) in attributes {
                let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
                request = request.message_attributes(name, value.map_err(Failure::internal)?);
            }
            request.send().await.map(drop).map_err(|error| aws::to_failure("dead-letter queue", &error))
        }
        .boxed()
    }
}

impl QueueControl for SqsDeadLetters {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> Result<(), Failure> {
        // A record of a stream has no visibility timeout.
        let Some(queue_url) = &self.source_url else { return Ok(()) };
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let request = self.client.change_message_visibility().queue_url(queue_url).receipt_handle(receipt_handle);
        change(request.visibility_timeout(seconds)).await
    }
}

/// Boxed, as the futures of [`SqsDeadLetters`].
fn change(request: ChangeMessageVisibilityFluentBuilder) -> BoxFuture<'static, Result<(), Failure>> {
    async move { request.send().await.map(drop).map_err(|error| aws::to_failure("queue", &error)) }.boxed()
}

#[derive(Debug, PartialEq, Eq)]
struct Message {
    body: String,
    attributes: Vec<(String, String)>,
}

/// A message that SQS accepts. A body that SQS would reject is encoded as base64, and `body_encoding` says so.
fn message(dead_letter: DeadLetter) -> Message {
    let mut attributes = vec![
        ("reason".to_owned(), dead_letter.reason),
        ("detail".to_owned(), dead_letter.detail),
        ("function".to_owned(), dead_letter.function),
        ("attempt".to_owned(), dead_letter.attempt.to_string()),
        ("record_id".to_owned(), dead_letter.record_id),
        ("source".to_owned(), dead_letter.source),
    ];
    let body = match dead_letter.body.is_empty() || !dead_letter.body.chars().all(is_valid) {
        true => {
            attributes.push(("body_encoding".to_owned(), "base64".to_owned()));
            // SQS rejects an empty body, and the encoding of an empty one is empty: a padding character stands for it.
            Some(STANDARD.encode(&dead_letter.body)).filter(|text| !text.is_empty()).unwrap_or_else(|| "=".to_owned())
        }
        false => dead_letter.body,
    };
    let known = attributes.len();
    let extra = dead_letter.attributes.into_iter().filter(|(name, _)| is_valid_name(name));
    attributes.extend(extra.take(MAX_ATTRIBUTES - known));
    let attributes = attributes.into_iter().map(|(name, value)| (name, clean(&value)));
    Message { body, attributes: attributes.filter(|(_, value)| !value.is_empty()).collect() }
}

/// The body that was given to [`message`].
fn decode_body(body: String, encoding: Option<&str>) -> String {
    match encoding {
        Some("base64") if body == "=" => String::new(),
        Some("base64") => STANDARD.decode(&body).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(body),
        _ => body,
    }
}

/// Whether SQS accepts the character, which are those of XML 1.0.
fn is_valid(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_valid_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.is_empty()
        && name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.")
        && !lower.starts_with('.')
        && !lower.ends_with('.')
        && !lower.contains("..")
        && !NOTES.contains(&name)
}

fn clean(value: &str) -> String {
    value.chars().filter(|c| is_valid(*c)).take(MAX_VALUE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead_letter(body: &str) -> DeadLetter {
        DeadLetter {
            body: body.to_owned(),
            reason: "unreadable".to_owned(),
            detail: "expected \u{0} value".to_owned(),
            function: "stock-reserve".to_owned(),
            attempt: 3,
            record_id: "m-1".to_owned(),
            source: String::new(),
            attributes: (0..20).map(|n| (format!("a{n:02}"), n.to_string())).collect(),
        }
    }

    fn value<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
        message.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn dead_letter_has_the_original_body_and_the_reason() {
        let message = message(dead_letter("not json"));
        assert_eq!(message.body, "not json");
        assert_eq!(value(&message, "reason"), Some("unreadable"));
        assert_eq!(value(&message, "attempt"), Some("3"));
        assert_eq!(value(&message, "body_encoding"), None);
    }

    #[test]
    fn content_that_sqs_rejects_is_encoded_or_dropped() {
        let message = message(dead_letter("a\u{1}b"));
        assert_eq!(message.body, STANDARD.encode("a\u{1}b"));
        assert_eq!(value(&message, "body_encoding"), Some("base64"));
        assert_eq!(value(&message, "detail"), Some("expected  value"));
        assert_eq!(value(&message, "source"), None, "an empty value is left out");
        assert!(message.attributes.len() <= MAX_ATTRIBUTES);
        assert_eq!(super::message(dead_letter("")).body, "=");
    }

    #[test]
    fn attribute_of_the_record_overrides_no_reserved_one() {
        let mut forged = dead_letter("x");
        forged.attributes = [("reason".to_owned(), "forged".to_owned())].into();
        assert_eq!(value(&message(forged), "reason"), Some("unreadable"));
    }
}
