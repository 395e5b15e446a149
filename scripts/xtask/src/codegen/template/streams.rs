//! Event source mappings of Kinesis streams, DynamoDB streams and Kafka topics. Each has limits and an on-failure destination.

use crate::codegen::{
    cfn::{Resource, Template, attribute, only_when, reference},
    names::{RELAYED_CHANGES, consumer_group, dead_letter_queue_id, logical, physical},
};
use catalog::{Function, Trigger};
use serde_json::{Value, json};

/// Retries of a batch, or of its bisected half: Lambda's maximum. `AGE_S` is the effective limit, because these streams carry an
/// outbox and analytics records, and functions dead-letter permanent failures themselves.
pub const RETRIES: u32 = 10_000;
/// Maximum age of a record in seconds: the retention of the streams.
pub const AGE_S: u32 = 24 * 3_600;

pub(super) fn add(template: &mut Template, function: &Function) {
    let id = logical(function.name, "Mapping");
    match function.trigger {
        Trigger::Stream(stream, _) => {
            let source = attribute(&logical(stream.name, "Stream"), "Arn");
            template.add_for(function, bounded(function, id, source, &[]));
        }
        Trigger::TableChanges(table) => {
            let source = attribute(&logical(table.name, "Table"), "StreamArn");
            let filter = json!({ "Filters": RELAYED_CHANGES.map(|pattern| json!({ "Pattern": pattern })) });
            template.add_for(function, bounded(function, id, source, &[("FilterCriteria", filter)]));
        }
        Trigger::Kafka(topics) => {
            // A mapping has one topic.
            for topic in topics {
                let id = logical(&format!("{}-{}", function.name, topic.name), "Mapping");
                template.add_for(function, kafka(function, id, topic).only_when("HasKafkaCluster"));
            }
        }
        _ => {}
    }
}

fn bounded(function: &Function, id: String, source: Value, more: &[(&str, Value)]) -> Resource {
    let mut properties = json!({
        "BatchSize": function.batch.size,
        "BisectBatchOnFunctionError": true,
        "DestinationConfig": failures(function),
        "EventSourceArn": source,
        "FunctionName": reference(&logical(function.name, "Function")),
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": function.batch.window_s,
        "MaximumRecordAgeInSeconds": AGE_S,
        "MaximumRetryAttempts": RETRIES,
        "StartingPosition": "TRIM_HORIZON",
    });
    for (name, value) in more {
        properties[name] = value.clone();
    }
    Resource::new(id, "AWS::Lambda::EventSourceMapping", properties)
}

fn kafka(function: &Function, id: String, topic: &catalog::KafkaTopic) -> Resource {
    Resource::new(
        id,
        "AWS::Lambda::EventSourceMapping",
        json!({
            "AmazonManagedKafkaEventSourceConfig": { "ConsumerGroupId": physical(&consumer_group(function.name, topic.name)) },
            "BatchSize": function.batch.size,
            "DestinationConfig": failures(function),
            "EventSourceArn": reference("KafkaClusterArn"),
            "FunctionName": reference(&logical(function.name, "Function")),
            "MaximumBatchingWindowInSeconds": function.batch.window_s,
            // With IAM, the poller logs in as the function's role.
            "SourceAccessConfigurations": only_when("HasKafkaLogin", json!([{
                "Type": "SASL_SCRAM_512_AUTH",
                "URI": reference("KafkaLoginSecretArn"),
            }])),
            "StartingPosition": "TRIM_HORIZON",
            "Topics": [topic.name],
        }),
    )
}

fn failures(function: &Function) -> Value {
    json!({ "OnFailure": { "Destination": attribute(&dead_letter_queue_id(function.name), "Arn") } })
}
