//! How names of the catalog become logical ids and physical names.

use serde_json::Value;

use super::cfn::sub;

/// `order-place` and `Function` make `OrderPlaceFunction`.
#[must_use]
pub fn logical(name: &str, kind: &str) -> String {
    let mut id = String::new();
    for word in name.split(['-', '_', '.']) {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id + kind
}

/// The template text of a physical name: `quayside-${Stage}-<name>`.
#[must_use]
pub fn physical_text(name: &str) -> String {
    format!("{}-${{Stage}}-{name}", catalog::PREFIX)
}

/// The physical name as an intrinsic function.
#[must_use]
pub fn physical(name: &str) -> Value {
    sub(&physical_text(name))
}

/// The name of a function's dead-letter queue, which its queue's name begins.
#[must_use]
pub fn dead_letter_queue(function: &str) -> String {
    format!("{function}-dlq")
}

/// Logical id of a function's dead-letter queue.
#[must_use]
pub fn dead_letter_queue_id(function: &str) -> String {
    logical(function, "DeadLetterQueue")
}

/// The Kafka consumer group of a function on a topic: every mapping needs one of its own.
#[must_use]
pub fn consumer_group(function: &str, topic: &str) -> String {
    format!("{function}-{topic}")
}

/// Logical id of the rules that mail is sent under.
pub const EMAIL_CONFIGURATION_SET: &str = "EmailConfigurationSet";

/// Logical name of the queue for what a rule or a subscription could not deliver.
pub const UNDELIVERED: &str = "undelivered";
