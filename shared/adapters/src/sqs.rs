//! Where records go that no retry can help: the function's dead-letter queue on SQS. Also where its own queue is asked to wait.

use crate::aws;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::{DeadLetter, DeadLetters};
use kernel::Failure;

/// SQS takes no more attributes on one message.
const ATTRIBUTES: usize = 10;
/// Characters of an attribute's value that we keep.
const VALUE: usize = 1024;

/// A dead-letter queue.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
    source_url: Option<String>,
}

impl SqsDeadLetters {
    /// The queue of URL `queue_url`, for what comes from the queue of URL `source_url`, or from a stream.
    pub fn new(client: Client, queue_url: String, source_url: Option<String>) -> Self {
        Self { client, queue_url, source_url }
    }
}

impl DeadLetters for SqsDeadLetters {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let Message { body, attributes } = message(letter);
        let mut request = self.client.send_message().queue_url(&self.queue_url).message_body(body);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(Failure::internal)?);
        }
        request.send().await.map(drop).map_err(|error| aws::failed("dead-letter queue", &error))
    }

    async fn change_visibility(&self, receipt: &str, seconds: u32) -> Result<(), Failure> {
        // A stream has no queue, and nothing in it can be put off.
        let Some(queue_url) = &self.source_url else { return Ok(()) };
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let request = self.client.change_message_visibility().queue_url(queue_url).receipt_handle(receipt);
        let asked = request.visibility_timeout(seconds).send().await;
        asked.map(drop).map_err(|error| aws::failed("queue", &error))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Message {
    body: String,
    attributes: Vec<(String, String)>,
}

/// A letter as SQS takes it: a body that it would refuse is sent in base64, and says so.
fn message(letter: DeadLetter) -> Message {
    let mut attributes = vec![
        ("reason".to_owned(), letter.reason),
        ("detail".to_owned(), letter.detail),
        ("function".to_owned(), letter.function),
        ("attempt".to_owned(), letter.attempt.to_string()),
        ("record_id".to_owned(), letter.record_id),
        ("source".to_owned(), letter.source),
    ];
    let body = match letter.body.is_empty() || !letter.body.chars().all(acceptable) {
        true => {
            attributes.push(("body_encoding".to_owned(), "base64".to_owned()));
            // The encoding of nothing would be nothing, which SQS refuses: one character of padding stands for it.
            Some(STANDARD.encode(&letter.body)).filter(|text| !text.is_empty()).unwrap_or_else(|| "=".to_owned())
        }
        false => letter.body,
    };
    let known = attributes.len();
    let extra = letter.attributes.into_iter().filter(|(name, _)| name_is_acceptable(name));
    attributes.extend(extra.take(ATTRIBUTES - known));
    let attributes = attributes.into_iter().map(|(name, value)| (name, clean(&value)));
    Message { body, attributes: attributes.filter(|(_, value)| !value.is_empty()).collect() }
}

/// The characters that SQS takes (those of XML 1.0).
fn acceptable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn name_is_acceptable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ours = ["reason", "detail", "function", "attempt", "record_id", "source", "body_encoding"];
    !name.is_empty()
        && name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.")
        && !lower.starts_with('.')
        && !lower.ends_with('.')
        && !lower.contains("..")
        && !ours.contains(&name)
}

fn clean(value: &str) -> String {
    value.chars().filter(|c| acceptable(*c)).take(VALUE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str) -> DeadLetter {
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
    fn a_letter_keeps_its_body_and_says_why_and_whose_it_is() {
        let message = message(letter("not json"));
        assert_eq!(message.body, "not json");
        assert_eq!(value(&message, "reason"), Some("unreadable"));
        assert_eq!(value(&message, "attempt"), Some("3"));
        assert_eq!(value(&message, "body_encoding"), None);
    }

    #[test]
    fn what_sqs_would_refuse_is_changed_so_that_it_does_not() {
        let message = message(letter("a\u{1}b"));
        assert_eq!(message.body, STANDARD.encode("a\u{1}b"));
        assert_eq!(value(&message, "body_encoding"), Some("base64"));
        assert_eq!(value(&message, "detail"), Some("expected  value"));
        assert_eq!(value(&message, "source"), None, "an empty value is left out");
        assert!(message.attributes.len() <= ATTRIBUTES);
        assert_eq!(super::message(letter("")).body, "=");
    }

    #[test]
    fn an_attribute_of_the_record_does_not_hide_ours() {
        let mut letter = letter("x");
        letter.attributes = [("reason".to_owned(), "forged".to_owned())].into();
        assert_eq!(value(&message(letter), "reason"), Some("unreadable"));
    }
}
