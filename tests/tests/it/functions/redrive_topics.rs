//! Dead letters of consumers of Kafka, which are appended to their topic again.

use super::{
    operators::{A, B, audit, dead_letter, redrive, redrive_response},
    sample, sample_time,
};
use catalog::Function;
use domain::{queue::DeadMessage, record::Record};
use edge::{Clock, Consumer, kafka, testing};
use kernel::Timestamp;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use testkit::{Dependency, Platform};

/// A day, less the hour before its end after which a record does not wait any longer.
const WAITED: Duration = Duration::from_secs(23 * 3_600);

fn redrive_of(consumer: &Function) -> String {
    format!("set /pathParameters/name = \"{}\"; remove /body/per_second", consumer.name)
}

/// Runs record-write with a batch at a time.
async fn write(platform: &Platform, batch: Value, now: Timestamp) -> Result<Value, edge::FunctionError> {
    let handler = async |batch: &[kafka::Record<Record>]| record_write::handle(&platform.records(), batch).await;
    let consumer = Consumer::new(catalog::RECORD_WRITE.name, catalog::MAX_RECEIVES);
    kafka::batch(&consumer, batch, &Clock::at(now, 7), &platform.dead_letters(), &handler).await
}

/// What SQS has of the dead letters that a consumer sent.
fn received(platform: &Platform, consumer: &Function) {
    for (n, letter) in (0..).zip(platform.dead_letters().messages()) {
        let message = DeadMessage {
            id: testkit::ids::event(900 + n).to_string(),
            body: letter.body,
            notes: BTreeMap::from([("reason".to_owned(), letter.reason), ("record_id".to_owned(), letter.record_id)]),
            attributes: letter.attributes,
            ..dead_letter(A)
        };
        platform.queues().put(consumer.name, message);
    }
}

#[tokio::test]
async fn records_that_waited_for_the_database_for_almost_a_day_are_redriven_and_written() {
    let (platform, consumer) = (Platform::new(), catalog::RECORD_WRITE);
    let batch = sample(consumer, "ok");
    platform.faults().take_down(Dependency::Database);
    assert!(write(&platform, batch.clone(), sample_time()).await.is_err(), "it waits");
    assert!(write(&platform, batch, sample_time() + WAITED).await.is_ok(), "it waits no longer");
    platform.faults().restore(Dependency::Database);
    received(&platform, consumer);
    assert_eq!((platform.records().all().len(), platform.dead_letters().messages().len()), (0, 3));

    let dry = redrive(&platform, &format!("{}; set /body/dry_run = true", redrive_of(consumer))).await;
    assert_eq!((&dry["redriven"], dry["message_ids"].as_array().map(Vec::len)), (&json!(0), Some(3)));
    assert!(platform.event_log().records().is_empty());
    let done = redrive(&platform, &redrive_of(consumer)).await;
    assert_eq!((&done["redriven"], &done["refused"]), (&json!(3), &json!([])));
    assert_eq!(audit(&platform).await[0]["outcome"], json!({ "matched": 3, "redriven": 3 }));
    assert_eq!(redrive(&platform, &redrive_of(consumer)).await["redriven"], 0, "they are no dead letters any more");

    let appended = platform.event_log().records();
    assert!(appended.iter().all(|record| record.topic == "records" && record.time == sample_time()), "{appended:?}");
    let values = appended.iter().map(|record| {
        let value: Value = serde_json::from_str(record.value.as_deref().expect("a value")).expect("JSON");
        assert_eq!(value["id"], record.key.as_str());
        (record.key.as_str(), value)
    });
    let values: Vec<(&str, Value)> = values.collect();
    let values: Vec<(&str, &Value)> = values.iter().map(|(key, value)| (*key, value)).collect();
    for _ in 0..2 {
        write(&platform, testing::kafka_event("records", &values), sample_time()).await.expect("written");
    }
    assert_eq!(platform.records().all().len(), 3);
}

/// A dead letter of `event-record`.
fn of_topic(id: &str, record_id: &str, body: &str) -> DeadMessage {
    DeadMessage {
        body: body.to_owned(),
        notes: BTreeMap::from([("record_id".to_owned(), record_id.to_owned())]),
        attributes: BTreeMap::from([("key".to_owned(), "o-1".to_owned())]),
        ..dead_letter(id)
    }
}

#[tokio::test]
async fn message_that_is_no_record_of_a_topic_stays_with_the_reason() {
    let (platform, consumer) = (Platform::new(), catalog::EVENT_RECORD);
    platform.queues().put(consumer.name, of_topic(A, "order-events-3-17", "{}"));
    platform.queues().put(consumer.name, of_topic(B, "unknown-3-17", "{}"));
    let done = redrive(&platform, &redrive_of(consumer)).await;
    assert_eq!((&done["redriven"], &done["message_ids"]), (&json!(1), &json!([A, B])));
    assert_eq!((&done["refused"][0]["message_id"], &done["refused"][0]["reason"]), (&json!(B), &json!("unreadable")));
    let records = platform.event_log().records();
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((record.topic, record.key.as_str(), record.value.as_deref()), ("order-events", "o-1", Some("{}")));
    assert_eq!(redrive(&platform, &redrive_of(consumer)).await["message_ids"], json!([B]), "it stays");
}

#[tokio::test]
async fn redrive_during_an_outage_of_kafka_removes_no_dead_letter() {
    let (platform, consumer) = (Platform::new(), catalog::EVENT_RECORD);
    platform.queues().put(consumer.name, of_topic(A, "order-events-3-17", "{}"));
    platform.faults().take_down(Dependency::Log);
    assert_eq!(redrive_response(&platform, &redrive_of(consumer)).await["statusCode"], 503);
    platform.faults().restore(Dependency::Log);
    assert_eq!(redrive(&platform, &redrive_of(consumer)).await["redriven"], 1);
}
