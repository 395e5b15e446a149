//! Tests of the queue runner through `batch`, with events as SQS sends them.

use super::*;
use crate::telemetry::lines_of;
use crate::testing::{FakeDeadLetterQueue, sqs_bodies, sqs_event};
use kernel::{CloudEvent, FailureKind, Timestamp, TraceContext, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::cell::RefCell;
use std::time::Duration;

const FIXTURE: &str = include_str!("../../fixtures/sqs.json");
const CONSUMER: Consumer = Consumer::new("thing-watch", 5);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    #[serde(rename = "ThingDone.v1")]
    ThingDone { n: u32 },
}

impl kernel::EventPayload for Event {
    fn source(&self) -> &'static str {
        "things"
    }
}

fn clock() -> Clock {
    Clock::at(Timestamp::UNIX_EPOCH, 1)
}

fn thing_done(n: u32) -> CloudEvent<Event> {
    let trace = TraceContext::new(Uuid::from_u128(7));
    CloudEvent::new(Uuid::from_u128(n.into()), n, 1, Timestamp::UNIX_EPOCH, &trace, Event::ThingDone { n })
}

/// A batch of the messages `m-0`, `m-1` and `m-2`.
fn three() -> Value {
    sqs_event(&[&thing_done(0), &thing_done(1), &thing_done(2)])
}

async fn handled(
    event: Value,
    dead_letters: &FakeDeadLetterQueue,
    handler: impl AsyncFn(Delivery<Event>) -> Result<(), Failure>,
) -> Value {
    batch(&CONSUMER, event, &clock(), dead_letters, &handler).await.unwrap()
}

/// The partial batch response that names `ids`.
fn failures(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Vec<_>>() })
}

fn n_of(delivery: &Delivery<Event>) -> u32 {
    let Event::ThingDone { n } = delivery.event.event;
    n
}

#[tokio::test]
async fn messages_in_every_envelope_are_handled_and_malformed_ones_dead_lettered() {
    let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let response = handled(serde_json::from_str(FIXTURE).unwrap(), &dead_letters, async |delivery| {
        assert_eq!(delivery.trace.correlation_id, delivery.event.correlationid);
        assert_eq!(delivery.trace.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        seen.borrow_mut().push((n_of(&delivery), delivery.attempt, delivery.last_attempt));
        Ok(())
    })
    .await;
    assert_eq!(*seen.borrow(), [(1, 1, false), (2, 1, false), (4, 5, true)]);
    assert_eq!(response, failures(&[]));
    let [dead_letter] = dead_letters.sent().try_into().unwrap();
    assert_eq!((dead_letter.body.as_str(), dead_letter.reason.as_str()), ("this is not json", "unreadable"));
    assert_eq!((dead_letter.function.as_str(), dead_letter.attempt), ("thing-watch", 2));
    assert_eq!(dead_letter.record_id, "059f36b4-87a3-44ab-83d2-661975040003");
    assert_eq!(dead_letter.source, "arn:aws:sqs:eu-central-1:123456789012:things");
    assert_eq!(dead_letter.attributes["origin"], "by hand");
}

#[tokio::test]
async fn event_from_another_source_than_its_producer_is_dead_lettered_with_a_reason() {
    let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let mut forged = thing_done(1);
    forged.source = "others".to_owned();
    let consumer = CONSUMER.producers(&[("ThingDone.v1", "things")]);
    let handler = async |delivery: Delivery<Event>| {
        seen.borrow_mut().push(n_of(&delivery));
        Ok(())
    };
    let sent = sqs_event(&[&thing_done(0), &forged, &thing_done(2)]);
    let response = batch(&consumer, sent, &clock(), &dead_letters, &handler).await.unwrap();
    assert_eq!((response, seen.into_inner()), (failures(&[]), vec![0, 2]));
    let [dead_letter] = dead_letters.sent().try_into().unwrap();
    assert_eq!((dead_letter.reason.as_str(), dead_letter.attempt), ("wrong-source", 1));
    assert_eq!(dead_letter.detail, "ThingDone.v1 is published by things alone.");
}

#[tokio::test]
async fn only_the_retryable_message_is_redelivered() {
    let dead_letters = FakeDeadLetterQueue::default();
    let response = handled(three(), &dead_letters, async |delivery| match n_of(&delivery) {
        1 => Err(Failure::unavailable("database", "down")),
        _ => Ok(()),
    })
    .await;
    assert_eq!(response, failures(&["m-1"]));
    assert!(dead_letters.sent().is_empty());
    let [(receipt_handle, seconds)] = dead_letters.visibility_changes().try_into().unwrap();
    assert_eq!((receipt_handle.as_str(), seconds), ("receipt-1", 1));
}

#[test]
fn summary_counts_processed_dead_lettered_and_retried_messages() {
    let lines = lines_of(|| {
        let dead_letters = FakeDeadLetterQueue::default();
        let work = handled(three(), &dead_letters, async |delivery| match n_of(&delivery) {
            1 => Err(Failure::unavailable("database", "down")),
            2 => Err(Failure::field("/n", "is two")),
            _ => Ok(()),
        });
        work.now_or_never().unwrap();
    });
    let line = lines.iter().find(|line| line["message"] == "batch finished").unwrap();
    assert_eq!([&line["records.processed"], &line["records.dead_lettered"], &line["records.retried"]], [1, 1, 1]);
    let lines = lines_of(|| {
        handled(three(), &FakeDeadLetterQueue::default(), async |_| Ok(())).now_or_never().unwrap();
    });
    assert_eq!((&lines[0]["records.processed"], &lines[0]["records.retried"]), (&json!(3), &json!(0)));
}

#[test]
fn retry_window_adds_up_the_backoff_of_all_deliveries() {
    assert_eq!([0, 1, 2, 3, 5].map(retry_window_seconds), [0, 0, 1, 3, 15]);
    assert_eq!(retry_window_seconds(20), (1..=512).filter(|n: &u32| n.is_power_of_two()).sum::<u32>() + 9 * 900);
}

#[test]
fn backoff_doubles_with_jitter_up_to_the_maximum() {
    for (attempt, doubled) in [(1, 1), (2, 2), (5, 16), (9, 256)] {
        let seconds = backoff(attempt, "m-7");
        assert!((doubled..=doubled + doubled / 4).contains(&seconds), "{attempt}: {seconds}");
    }
    assert_eq!((backoff(40, "m-7"), backoff(20, "m-8")), (MAX_BACKOFF, MAX_BACKOFF));
    assert_ne!(backoff(9, "m-7"), backoff(9, "m-8"));
}

#[tokio::test]
async fn permanent_failure_is_dead_lettered_with_its_code() {
    let dead_letters = FakeDeadLetterQueue::default();
    let rejection = Failure::new(FailureKind::Conflict, "already-shipped", "It is gone.").with_internal("version 9");
    let response = handled(three(), &dead_letters, async |delivery| match n_of(&delivery) {
        1 => Err(rejection.clone()),
        _ => Ok(()),
    })
    .await;
    assert_eq!(response, failures(&[]));
    let [dead_letter] = dead_letters.sent().try_into().unwrap();
    assert_eq!(
        (dead_letter.reason.as_str(), dead_letter.detail.as_str()),
        ("already-shipped", "It is gone. (version 9)")
    );
    assert!(dead_letter.body.contains("detail-type"), "the original body is preserved");
}

#[tokio::test]
async fn message_that_cannot_be_dead_lettered_is_redelivered() {
    let response = handled(sqs_bodies(&["nonsense"]), &FakeDeadLetterQueue::unreachable(), async |_| Ok(())).await;
    assert_eq!(response, failures(&["m-0"]));
}

#[tokio::test]
async fn event_of_a_newer_version_waits_and_is_dead_lettered_at_the_last_delivery() {
    let dead_letters = FakeDeadLetterQueue::default();
    let mut other = serde_json::to_value(thing_done(0)).unwrap();
    other["type"] = json!("ThingLost.v1");
    let mut event = sqs_bodies(&[&other.to_string()]);
    assert_eq!(handled(event.clone(), &dead_letters, async |_| Ok(())).await, failures(&["m-0"]));
    assert_eq!(dead_letters.sent().len(), 0);
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!(CONSUMER.max_receive_count.to_string());
    assert_eq!(handled(event, &dead_letters, async |_| Ok(())).await, failures(&[]));
    assert_eq!(dead_letters.sent()[0].reason, "newer-event");
}

#[tokio::test]
async fn panic_fails_one_message_which_is_redelivered() {
    let response = handled(three(), &FakeDeadLetterQueue::default(), async |delivery| {
        assert_ne!(n_of(&delivery), 1, "poison");
        Ok(())
    })
    .await;
    assert_eq!(response, failures(&["m-1"]));
}

#[tokio::test]
async fn messages_without_time_left_are_redelivered_unhandled() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(10));
    let handler = async |delivery: Delivery<Event>| {
        assert_eq!(n_of(&delivery), 0);
        clock.advance(Duration::from_millis(9_500));
        Ok(())
    };
    let dead_letters = FakeDeadLetterQueue::default();
    let mut event = three();
    event["Records"][1]["attributes"]["SentTimestamp"] = json!((-25_i64 * 3_600_000).to_string());
    let response = batch(&CONSUMER, event, &clock, &dead_letters, &handler).await.unwrap();
    assert_eq!(response, failures(&["m-1", "m-2"]), "however old");
    let receipts: Vec<_> =
        dead_letters.visibility_changes().into_iter().map(|(receipt_handle, _)| receipt_handle).collect();
    assert_eq!(receipts, ["receipt-1", "receipt-2"], "or they would exhaust their deliveries unhandled");
}

/// A dead-letter queue that never responds.
struct Unresponsive;

impl DeadLetters for Unresponsive {
    async fn send(&self, _: DeadLetter) -> Result<(), Failure> {
        std::future::pending().await
    }
}

impl QueueControl for Unresponsive {
    async fn change_visibility(&self, _: &str, _: u32) -> Result<(), Failure> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn unresponsive_dead_letter_queue_does_not_delay_the_response() {
    let handler = async |delivery: Delivery<Event>| match n_of(&delivery) {
        0 => Ok(()),
        1 => Err(Failure::unavailable("database", "down")),
        _ => Err(Failure::field("/n", "is two")),
    };
    for spent in [0, 9_500, 9_800, 10_000] {
        let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(10));
        let handler = async |delivery| {
            clock.advance(Duration::from_millis(spent));
            handler(delivery).await
        };
        let begun = tokio::time::Instant::now();
        let response = batch(&CONSUMER.concurrency(3), three(), &clock, &Unresponsive, &handler).await.unwrap();
        let failed: Vec<_> = response["batchItemFailures"].as_array().unwrap().clone();
        assert!(failed.len() >= 2, "{response}");
        // The fixed clock does not advance during both calls, so that each takes all of the remaining time.
        let left = Duration::from_millis(10_000 - spent);
        assert!(begun.elapsed() <= 2 * left, "{spent}: {:?}", begun.elapsed());
    }
}

/// [`three`], with the last delivery of the message at `index`.
fn last_delivery_of(index: usize) -> Value {
    let mut event = three();
    event["Records"][index]["attributes"]["ApproximateReceiveCount"] = json!(CONSUMER.max_receive_count.to_string());
    event
}

#[tokio::test]
async fn retryable_failure_is_dead_lettered_at_the_last_delivery() {
    let failing = async |delivery: Delivery<Event>| match n_of(&delivery) {
        1 => Err(Failure::internal("the sky fell")),
        2 => Err(Failure::unavailable("database", "down")),
        _ => Ok(()),
    };
    let dead_letters = FakeDeadLetterQueue::default();
    let response = handled(last_delivery_of(1), &dead_letters, failing).await;
    assert_eq!(response, failures(&["m-2"]));
    let [dead_letter] = dead_letters.sent().try_into().unwrap();
    assert_eq!((dead_letter.record_id.as_str(), dead_letter.reason.as_str()), ("m-1", Failure::internal("").code));
    assert!(dead_letter.detail.contains("the sky fell"));
    assert_eq!(
        handled(last_delivery_of(1), &FakeDeadLetterQueue::unreachable(), failing).await,
        failures(&["m-1", "m-2"])
    );
}

/// How many of one message are dead-lettered that fails so, sent so many hours ago, at this delivery of a thousand.
async fn dead_lettered(failure: Failure, hours: i64, attempt: u32) -> usize {
    let (dead_letters, clock) = (FakeDeadLetterQueue::default(), clock());
    let mut event = sqs_bodies(&[&serde_json::to_string(&thing_done(0)).unwrap()]);
    let attributes = &mut event["Records"][0]["attributes"];
    attributes["ApproximateReceiveCount"] = json!(attempt.to_string());
    attributes["SentTimestamp"] = json!((clock.now().as_millisecond() - hours * 3_600_000).to_string());
    let consumer = Consumer { max_receive_count: 1_000, ..CONSUMER };
    let handler = async |_: Delivery<Event>| Err(failure.clone());
    batch(&consumer, event, &clock, &dead_letters, &handler).await.unwrap();
    dead_letters.sent().len()
}

#[tokio::test]
async fn message_waits_a_day_for_a_dependency_however_often_it_was_delivered() {
    let down = || Failure::unavailable("database", "down");
    assert_eq!(dead_lettered(down(), 23, 999).await, 0);
    assert_eq!(dead_lettered(down(), 24, 100).await, 1);
    assert_eq!(dead_lettered(down(), 1, 1_000).await, 1, "the last delivery");
}

#[tokio::test]
async fn defect_is_dead_lettered_long_before_the_last_delivery() {
    let defect = || Failure::internal("a panic");
    assert_eq!(dead_lettered(defect(), 6, 39).await, 0);
    assert_eq!(dead_lettered(defect(), 6, 40).await, 1);
    assert_eq!(dead_lettered(Failure::field("/n", "is odd"), 0, 1).await, 1, "no retry helps");
}

#[tokio::test]
async fn message_not_started_is_dead_lettered_at_the_last_delivery() {
    let (dead_letters, late) =
        (FakeDeadLetterQueue::default(), clock().until(Timestamp::UNIX_EPOCH + Duration::from_millis(500)));
    let handler = async |_: Delivery<Event>| panic!("there is no time");
    let response = batch(&CONSUMER, last_delivery_of(1), &late, &dead_letters, &handler).await.unwrap();
    assert_eq!(response, failures(&["m-0", "m-2"]));
    assert!(dead_letters.sent()[0].detail.contains("not started"));
}

#[tokio::test(start_paused = true)]
async fn message_that_hangs_does_not_affect_the_others() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(10));
    let handler = async |delivery: Delivery<Event>| match n_of(&delivery) {
        1 => {
            clock.advance(Duration::from_secs(10));
            std::future::pending().await
        }
        _ => Ok(()),
    };
    let response = batch(&CONSUMER, three(), &clock, &FakeDeadLetterQueue::default(), &handler).await.unwrap();
    assert_eq!(response, failures(&["m-1", "m-2"]));
}

#[tokio::test]
async fn concurrent_messages_are_reported_separately() {
    let barrier = tokio::sync::Barrier::new(3);
    let handler = async |delivery: Delivery<Event>| {
        barrier.wait().await;
        if n_of(&delivery) == 1 { Err(Failure::internal("no")) } else { Ok(()) }
    };
    let response =
        batch(&CONSUMER.concurrency(3), three(), &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap();
    assert_eq!(response, failures(&["m-1"]));
}

#[tokio::test]
async fn map_consumer_gets_any_event_unchanged() {
    let original = serde_json::to_value(thing_done(3)).unwrap();
    let mut unknown = original.clone();
    unknown["type"] = json!("Whatever.v9");
    unknown["data"] = json!({ "nested": [1, { "deep": null }] });
    let handler = async |delivery: Delivery<Map<String, Value>>| {
        assert_eq!(delivery.event.event["type"], "Whatever.v9");
        assert_eq!(serde_json::to_value(&delivery.event).unwrap(), unknown);
        Ok(())
    };
    let event = sqs_bodies(&[&unknown.to_string()]);
    assert_eq!(
        batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap(),
        failures(&[])
    );
}

#[tokio::test]
async fn event_of_another_source_fails_the_invocation() {
    let handler = async |_: Delivery<Event>| Ok(());
    for wrong in [json!({}), json!({ "Records": [{ "body": "{}" }] })] {
        let error = batch(&CONSUMER, wrong, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap_err();
        assert_eq!(error.code, "wrong-event");
    }
}

#[tokio::test]
async fn raw_message_is_passed_as_json_or_text_without_unwrapping() {
    let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let handler = async |message: RawMessage| {
        seen.borrow_mut().push((message.record_id, message.content));
        Ok(())
    };
    let event = sqs_bodies(&["{\"kind\":\"bounce\"}", "welcome", "{\"detail-type\":\"x\",\"detail\":1}"]);
    let response = raw_batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.unwrap();
    assert_eq!(response, failures(&[]));
    let expected = [
        ("m-0".to_owned(), json!({ "kind": "bounce" })),
        ("m-1".to_owned(), json!("welcome")),
        ("m-2".to_owned(), json!({ "detail-type": "x", "detail": 1 })),
    ];
    assert_eq!(seen.into_inner(), expected, "a body that looks like an envelope is not unwrapped");
}

#[tokio::test]
async fn raw_message_is_retried_or_dead_lettered_like_an_event() {
    let dead_letters = FakeDeadLetterQueue::default();
    let handler = async |message: RawMessage| match message.content.as_str() {
        Some("later") => Err(Failure::unavailable("store", "down")),
        Some("never") => Err(Failure::new(FailureKind::Malformed, "unreadable", "who is that?")),
        _ => Ok(()),
    };
    let event = sqs_bodies(&["later", "never", "now"]);
    let response = raw_batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.unwrap();
    assert_eq!(response, failures(&["m-0"]));
    let dead_lettered: Vec<_> =
        dead_letters.sent().into_iter().map(|dead_letter| (dead_letter.record_id, dead_letter.reason)).collect();
    assert_eq!(dead_lettered, [("m-1".to_owned(), "unreadable".to_owned())]);
}
