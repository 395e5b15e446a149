//! Tests of the runner for Kinesis streams.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[test]
fn summary_counts_processed_dead_lettered_and_retried_records() {
    let five: Vec<_> = (1..=5).map(thing_done).collect();
    let broken = |places: &[usize]| {
        let mut event = kinesis_event(&five.iter().collect::<Vec<_>>());
        places.iter().for_each(|i| event["Records"][i]["kinesis"]["data"] = json!("bm90IGpzb24="));
        event
    };
    let summary_of = |event, dead_letters: &FakeDeadLetterQueue, handler: &dyn Fn(&[u32]) -> Result<(), Failure>| {
        let handler = async |batch: &[Delivery<Event>]| handler(&numbers(batch));
        summary_of(kinesis::batch(&CONSUMER, event, &clock(), dead_letters, &handler))
    };
    let ok = &|_: &[u32]| Ok(());
    assert_eq!(summary_of(broken(&[]), &FakeDeadLetterQueue::default(), ok), [5, 0, 0]);
    assert_eq!(summary_of(broken(&[0, 3]), &FakeDeadLetterQueue::default(), ok), [3, 2, 0]);
    assert_eq!(summary_of(broken(&[3]), &FakeDeadLetterQueue::unreachable(), ok), [3, 0, 2]);
    let later = &|batch: &[u32]| match batch.contains(&2) {
        true => Err(Failure::unavailable("store", "down")),
        false => Ok(()),
    };
    // A record that cannot be dead-lettered is redelivered, and so is the failed one before it.
    assert_eq!(
        summary_of(broken(&[3]), &FakeDeadLetterQueue::unreachable(), later)[2],
        5 - summary_of(broken(&[3]), &FakeDeadLetterQueue::unreachable(), later)[0]
    );
    let never = &|batch: &[u32]| match batch.contains(&2) {
        true => Err(Failure::field("/n", "is even")),
        false => Ok(()),
    };
    assert_eq!(summary_of(broken(&[3]), &FakeDeadLetterQueue::default(), never), [3, 2, 0]);
}

#[tokio::test]
async fn well_formed_records_are_handled_at_once_and_others_dead_lettered() {
    let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let handler = async |batch: &[Delivery<Event>]| {
        seen.borrow_mut().push(numbers(batch));
        Ok(())
    };
    let event = fixture(include_str!("../../fixtures/kinesis.json"));
    let response = kinesis::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.unwrap();
    assert_eq!((response, seen.into_inner()), (failures(&[]), vec![vec![1, 3, 4]]));
    let [dead_letter] = dead_letters.sent().try_into().unwrap();
    assert_eq!(
        (dead_letter.reason.as_str(), dead_letter.body.as_str()),
        ("unreadable", "gIGC"),
        "data that is not text stays encoded"
    );
    assert_eq!(dead_letter.attributes["partitionKey"], "thing");
}

/// Three records; the second has an unknown event type and was written `hours` ago.
fn with_a_newer_one(hours: i64) -> Value {
    let three: Vec<_> = (1..=3).map(thing_done).collect();
    let mut event = kinesis_event(&three.iter().collect::<Vec<_>>());
    let mut newer = serde_json::to_value(thing_done(2)).unwrap();
    newer["type"] = json!("ThingLost.v1");
    let kinesis = &mut event["Records"][1]["kinesis"];
    kinesis["data"] = json!(STANDARD.encode(newer.to_string()));
    kinesis["approximateArrivalTimestamp"] = json!(clock().now().as_second() - hours * 3_600);
    event
}

#[tokio::test]
async fn newer_event_waits_almost_a_day_and_holds_what_follows() {
    let run = async |hours| {
        let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
        let handler = async |batch: &[Delivery<Event>]| {
            seen.borrow_mut().extend(numbers(batch));
            Ok(())
        };
        let response = kinesis::batch(&CONSUMER, with_a_newer_one(hours), &clock(), &dead_letters, &handler).await;
        let reasons: Vec<_> = dead_letters.sent().into_iter().map(|one| one.reason).collect();
        (response.unwrap(), seen.into_inner(), reasons)
    };
    assert_eq!(run(22).await, (failures(&["2"]), vec![1], vec![]));
    assert_eq!(run(23).await, (failures(&[]), vec![1, 3], vec!["newer-event".to_owned()]));
}

#[tokio::test]
async fn empty_batch_succeeds() {
    let handler = async |_: &[Delivery<Event>]| Ok(());
    let event = json!({ "Records": [] });
    let response = kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(response, Ok(failures(&[])));
}

#[tokio::test]
async fn invocation_fails_if_no_record_is_processed() {
    let handler = async |_: &[Delivery<Event>]| Err(Failure::unavailable("store", "down"));
    let event = kinesis_event(&[&thing_done(1), &thing_done(2)]);
    let response = kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(response, Err(FunctionError::batch_failed(2)));
}

#[tokio::test]
async fn permanent_failure_is_isolated_and_does_not_block_the_shard() {
    let dead_letters = FakeDeadLetterQueue::default();
    let handler = async |batch: &[Delivery<Event>]| match numbers(batch).contains(&2) {
        true => Err(Failure::field("/n", "is even")),
        false => Ok(()),
    };
    let event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3)]);
    let response = kinesis::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.unwrap();
    assert_eq!(response, failures(&[]));
    assert_eq!(dead_letters.sent().iter().map(|dead_letter| dead_letter.record_id.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[tokio::test]
async fn malformed_record_that_cannot_be_dead_lettered_is_redelivered() {
    let seen = RefCell::new(Vec::new());
    let handler = async |batch: &[Delivery<Event>]| {
        seen.borrow_mut().push(numbers(batch));
        Ok(())
    };
    let mut event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3)]);
    event["Records"][1]["kinesis"]["data"] = json!("bm90IGpzb24=");
    let response =
        kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::unreachable(), &handler).await.unwrap();
    assert_eq!((response, seen.into_inner()), (failures(&["2"]), vec![vec![1, 3]]));
}

#[tokio::test]
async fn permanent_failure_is_dead_lettered_once_despite_redeliveries() {
    let dead_letters = FakeDeadLetterQueue::default();
    let mut event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3), &thing_done(4)]);
    event["Records"][0]["kinesis"]["data"] = json!("bm90IGpzb24=");
    event["Records"][2]["kinesis"]["data"] = json!("bm90IGpzb24=");
    let down = async |_: &[Delivery<Event>]| Err(Failure::unavailable("store", "down"));
    let response = kinesis::batch(&CONSUMER, event.clone(), &clock(), &dead_letters, &down).await.unwrap();
    assert_eq!(response, failures(&["2"]));
    let dead_lettered = || dead_letters.sent().into_iter().map(|dead_letter| dead_letter.record_id).collect::<Vec<_>>();
    assert_eq!(dead_lettered(), ["1"], "a record that is redelivered is not dead-lettered yet");
    event["Records"].as_array_mut().unwrap().remove(0);
    for _ in 0..2 {
        let response = kinesis::batch(&CONSUMER, event.clone(), &clock(), &dead_letters, &down).await;
        assert_eq!(response, Err(FunctionError::batch_failed(3)));
    }
    let up = async |_: &[Delivery<Event>]| Ok(());
    assert_eq!(kinesis::batch(&CONSUMER, event, &clock(), &dead_letters, &up).await.unwrap(), failures(&[]));
    assert_eq!(dead_lettered(), ["1", "3"]);
}

#[tokio::test]
async fn batch_without_time_left_is_redelivered_unhandled() {
    let handler = async |_: &[Delivery<Event>]| panic!("there is no time");
    let event = kinesis_event(&[&thing_done(1)]);
    let response = kinesis::batch(&CONSUMER, event, &late(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(response, Err(FunctionError::batch_failed(1)));
}
