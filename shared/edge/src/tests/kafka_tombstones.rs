//! Records without a value on a Kafka topic.

use super::*;

#[test]
fn tombstone_beside_a_good_record_is_skipped_and_counted() {
    let mut event = kafka_event("things", &[("a", json!(1)), ("b", json!(2)), ("c", json!(3)), ("d", json!("x"))]);
    let records = event["records"]["things-0"].as_array_mut().unwrap();
    records[0].as_object_mut().unwrap().remove("value");
    records[1]["value"] = Value::Null;
    let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let handler = async |batch: &[Record<u32>]| {
        seen.borrow_mut().extend(batch.iter().map(|record| record.value));
        Ok(())
    };
    let lines = lines_of(|| {
        let response = kafka::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).now_or_never();
        assert_eq!(response, Some(Ok(Value::Null)));
    });
    assert_eq!(seen.into_inner(), [3]);
    let dead_lettered: Vec<_> = dead_letters.sent().into_iter().map(|dead_letter| dead_letter.record_id).collect();
    assert_eq!(dead_lettered, ["things-0-3"], "a malformed value is no tombstone");
    assert!(lines.iter().any(|line| line["records.skipped"] == 2), "{lines:?}");
}

#[tokio::test]
async fn batch_of_tombstones_only_calls_no_handler() {
    let mut event = kafka_event("things", &[("a", json!(1))]);
    event["records"]["things-0"][0].as_object_mut().unwrap().remove("value");
    let handler = async |_: &[Record<u32>]| -> Result<(), Failure> { panic!("there is nothing to handle") };
    let response = kafka::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(response, Ok(Value::Null));
}
