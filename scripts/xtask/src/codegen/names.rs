//! Logical ids and physical names, derived from the names of the catalog.

use serde_json::Value;

use super::cfn::sub;

/// The logical id of a resource: `order-place` and `Function` give `OrderPlaceFunction`.
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

/// The physical name for a longer `Fn::Sub`: `quayside-${Stage}-<name>`.
#[must_use]
pub fn physical_text(name: &str) -> String {
    format!("{}-${{Stage}}-{name}", catalog::PREFIX)
}

/// The physical name as `Fn::Sub`.
#[must_use]
pub fn physical(name: &str) -> Value {
    sub(&physical_text(name))
}

/// The name of a function's dead-letter queue.
#[must_use]
pub fn dead_letter_queue(function: &str) -> String {
    format!("{function}{}", catalog::DEAD_LETTER_SUFFIX)
}

/// The logical id of a function's dead-letter queue.
#[must_use]
pub fn dead_letter_queue_id(function: &str) -> String {
    logical(function, "DeadLetterQueue")
}

/// The Kafka consumer group of a function and a topic, because every event source mapping needs its own.
#[must_use]
pub fn consumer_group(function: &str, topic: &str) -> String {
    format!("{function}-{topic}")
}

/// Logical id of the SES configuration set.
pub const EMAIL_CONFIGURATION_SET: &str = "EmailConfigurationSet";

/// Name of the queue for events that a rule or a subscription could not deliver.
pub const UNDELIVERED: &str = "undelivered";
/// Filters of a table's changes: new items, and changes by staff. The stock figure of a product changes with every order, and nobody
/// consumes that.
pub const RELAYED_CHANGES: [&str; 2] = [
    r#"{"eventName":["INSERT"]}"#,
    r#"{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"last_change":{"S":["staff"]}}}}"#,
];

/// Physical name of a bucket, with the placeholders of `Fn::Sub`. Functions and roles name it and do not refer to the bucket, because a
/// bucket that invokes a function refers to the function.
#[must_use]
pub fn bucket_text(name: &str) -> String {
    format!("{}-${{AWS::AccountId}}", physical_text(name))
}
