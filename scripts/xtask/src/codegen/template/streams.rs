//! Mappings of Kinesis streams, table changes and Kafka topics. Each is bounded in retries and age and has somewhere to fail to.

use crate::codegen::{
    cfn::{Resource, Template, attribute, reference},
    names::{consumer_group, dead_letter_queue_id, logical, physical},
};
use catalog::{Function, Trigger};
use serde_json::{Value, json};

/// Records that a mapping hands over at once.
const BATCH: u32 = 100;
/// Retries of a batch, or of what bisecting left of it: the most that Lambda takes. The age below is the limit that counts: these
/// streams are an outbox and the facts of analytics, and what no retry can help was buried by the function itself.
pub const RETRIES: u32 = 10_000;
/// Seconds after which a record is given up: as long as the streams keep it.
pub const AGE_S: u32 = 24 * 3_600;

pub(super) fn add(template: &mut Template, function: &Function) {
    let id = logical(function.name, "Mapping");
    match function.trigger {
        Trigger::Stream(stream, _) => {
            let source = attribute(&logical(stream.name, "Stream"), "Arn");
            template.give(function, bounded(function, id, source));
        }
        Trigger::TableChanges(table) => {
            let source = attribute(&logical(table.name, "Table"), "StreamArn");
            template.give(function, bounded(function, id, source));
        }
        Trigger::Kafka(topics) => {
            // A mapping takes one topic.
            for topic in topics {
                let id = logical(&format!("{}-{}", function.name, topic.name), "Mapping");
                template.give(function, kafka(function, id, topic).only_when("HasKafkaCluster"));
            }
        }
        _ => {}
    }
}

fn bounded(function: &Function, id: String, source: Value) -> Resource {
    Resource::new(
        id,
        "AWS::Lambda::EventSourceMapping",
        json!({
            "BatchSize": BATCH,
            "BisectBatchOnFunctionError": true,
            "DestinationConfig": failures(function),
            "EventSourceArn": source,
            "FunctionName": reference(&logical(function.name, "Function")),
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRecordAgeInSeconds": AGE_S,
            "MaximumRetryAttempts": RETRIES,
            "StartingPosition": "TRIM_HORIZON",
        }),
    )
}

fn kafka(function: &Function, id: String, topic: &catalog::KafkaTopic) -> Resource {
    Resource::new(
        id,
        "AWS::Lambda::EventSourceMapping",
        json!({
            "AmazonManagedKafkaEventSourceConfig": { "ConsumerGroupId": physical(&consumer_group(function.name, topic.name)) },
            "BatchSize": BATCH,
            "DestinationConfig": failures(function),
            "EventSourceArn": reference("KafkaClusterArn"),
            "FunctionName": reference(&logical(function.name, "Function")),
            "StartingPosition": "TRIM_HORIZON",
            "Topics": [topic.name],
        }),
    )
}

fn failures(function: &Function) -> Value {
    json!({ "OnFailure": { "Destination": attribute(&dead_letter_queue_id(function.name), "Arn") } })
}
