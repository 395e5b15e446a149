//! The event that a function receives from a Kafka event source mapping.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rskafka::record::RecordAndOffset;
use serde_json::{Map, Value, json};

/// The invocation event for records of one partition, in the form that AWS documents.
pub fn invocation(source: &str, brokers: &[String], topic: &str, partition: i32, records: &[RecordAndOffset]) -> Value {
    let records: Vec<_> = records.iter().map(|record| record_json(topic, partition, record)).collect();
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": source,
        "bootstrapServers": brokers.join(","),
        "records": { format!("{topic}-{partition}"): records },
    })
}

fn record_json(topic: &str, partition: i32, RecordAndOffset { record, offset }: &RecordAndOffset) -> Value {
    let mut json = json!({
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": record.timestamp.timestamp_millis(),
        "timestampType": "CREATE_TIME",
        "headers": record.headers.iter().map(|(name, value)| header_json(name, value)).collect::<Vec<_>>(),
    });
    // Lambda leaves out a missing key and a missing value.
    for (name, bytes) in [("key", &record.key), ("value", &record.value)] {
        if let (Some(members), Some(bytes)) = (json.as_object_mut(), bytes) {
            members.insert(name.to_owned(), STANDARD.encode(bytes).into());
        }
    }
    json
}

/// Lambda shows the bytes of a header as Java does, with a sign.
fn header_json(name: &str, value: &[u8]) -> Value {
    let bytes: Vec<_> = value.iter().map(|byte| i8::from_ne_bytes([*byte])).collect();
    Value::Object(Map::from_iter([(name.to_owned(), bytes.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rskafka::record::Record;
    use std::collections::BTreeMap;

    #[test]
    fn event_has_the_form_that_aws_documents() {
        let record = Record {
            key: Some(b"o-1".to_vec()),
            value: None,
            headers: BTreeMap::from([("h".to_owned(), vec![104, 0xe9])]),
            timestamp: chrono::DateTime::from_timestamp_millis(1_545_084_650_987).unwrap(),
        };
        let records = [RecordAndOffset { record, offset: 15 }];
        assert_eq!(
            invocation("arn:aws:kafka:x", &["b-1:9092".to_owned(), "b-2:9092".to_owned()], "order-events", 3, &records),
            json!({
                "eventSource": "aws:kafka",
                "eventSourceArn": "arn:aws:kafka:x",
                "bootstrapServers": "b-1:9092,b-2:9092",
                "records": { "order-events-3": [{
                    "topic": "order-events",
                    "partition": 3,
                    "offset": 15,
                    "timestamp": 1_545_084_650_987_i64,
                    "timestampType": "CREATE_TIME",
                    "key": "by0x",
                    "headers": [{ "h": [104, -23] }],
                }]},
            })
        );
    }
}
