//! Rules of the queue runner, driven through `batch` with events as SQS sends them.

use super::*;
use crate::telemetry::lines_of;
use crate::testing::{FakeDeadLetterQueue, sqs_bodies, sqs_event};
use kernel::{CloudEvent, FailureKind, Timestamp, TraceContext, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::time::Duration;

const FIXTURE: &str = include_str!("../../fixtures/sqs.json");
const CONSUMER: Consumer = Consumer::new("thing-watch");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    #[serde(rename = "ThingDone.v1")]
    ThingDone { n: u32 },
}

fn clock() -> Clock {
    Clock::at(Timestamp::UNIX_EPOCH, 1)
}

fn thing_done(n: u32) -> CloudEvent<Event> {
    let trace = TraceContext::new(Uuid::from_u128(7));
    CloudEvent::new(Uuid::from_u128(n.into()), "things", n, 1, Timestamp::UNIX_EPOCH, &trace, Event::ThingDone { n })
}

/// Three events in a batch of `m-0`, `m-1` and `m-2`.
fn three() -> Value {
    sqs_event(&[&thing_done(0), &thing_done(1), &thing_done(2)])
}

async fn handled(
    event: Value,
    letters: &FakeDeadLetterQueue,
    handler: impl AsyncFn(Delivery<Event>) -> Result<(), Failure>,
) -> Value {
    batch(&CONSUMER, event, &clock(), letters, &handler).await.unwrap()
}

fn again(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Vec<_>>() })
}

fn n_of(delivery: &Delivery<Event>) -> u32 {
    let Event::ThingDone { n } = delivery.event.event;
    n
}

#[tokio::test]
async fn every_message_is_handled_whatever_wraps_it_and_the_unreadable_one_is_buried() {
    let (letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let answer = handled(serde_json::from_str(FIXTURE).unwrap(), &letters, async |delivery| {
        assert_eq!(delivery.trace.correlation_id, delivery.event.correlationid);
        assert_eq!(delivery.trace.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        seen.borrow_mut().push((n_of(&delivery), delivery.attempt, delivery.last_attempt));
        Ok(())
    })
    .await;
    assert_eq!(*seen.borrow(), [(1, 1, false), (2, 1, false), (4, 5, true)]);
    assert_eq!(answer, again(&[]));
    let [letter] = letters.sent().try_into().unwrap();
    assert_eq!((letter.body.as_str(), letter.reason.as_str()), ("this is not json", "unreadable"));
    assert_eq!((letter.function.as_str(), letter.attempt), ("thing-watch", 2));
    assert_eq!(letter.record_id, "059f36b4-87a3-44ab-83d2-661975040003");
    assert_eq!(letter.source, "arn:aws:sqs:eu-central-1:123456789012:things");
    assert_eq!(letter.attributes["origin"], "by hand");
}

#[tokio::test]
async fn only_the_message_that_may_pass_later_comes_again() {
    let letters = FakeDeadLetterQueue::default();
    let answer = handled(three(), &letters, async |delivery| match n_of(&delivery) {
        1 => Err(Failure::unavailable("database", "down")),
        _ => Ok(()),
    })
    .await;
    assert_eq!(answer, again(&["m-1"]));
    assert!(letters.sent().is_empty());
    let [(receipt, seconds)] = letters.visibility_changes().try_into().unwrap();
    assert_eq!((receipt.as_str(), seconds), ("receipt-1", 1));
}

#[test]
fn a_batch_tells_what_became_of_its_messages() {
    let lines = lines_of(|| {
        let letters = FakeDeadLetterQueue::default();
        let work = handled(three(), &letters, async |delivery| match n_of(&delivery) {
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
fn a_queue_that_delivers_so_often_tries_for_so_long() {
    assert_eq!([0, 1, 2, 3, 5].map(retry_window_seconds), [0, 0, 1, 3, 15]);
    assert_eq!(retry_window_seconds(20), (1..=512).filter(|n: &u32| n.is_power_of_two()).sum::<u32>() + 9 * 900);
}

#[test]
fn each_delivery_waits_twice_as_long_and_never_longer_than_the_longest() {
    for (attempt, doubled) in [(1, 1), (2, 2), (5, 16), (9, 256)] {
        let waits = wait(attempt, "m-7");
        assert!((doubled..=doubled + doubled / 4).contains(&waits), "{attempt}: {waits}");
    }
    assert_eq!((wait(40, "m-7"), wait(20, "m-8")), (LONGEST_WAIT, LONGEST_WAIT));
    assert_ne!(wait(9, "m-7"), wait(9, "m-8"));
}

#[tokio::test]
async fn a_message_that_failed_finally_is_buried_under_the_code_of_the_failure() {
    let letters = FakeDeadLetterQueue::default();
    let refused = Failure::new(FailureKind::Conflict, "already-shipped", "It is gone.").with_internal("version 9");
    let answer = handled(three(), &letters, async |delivery| match n_of(&delivery) {
        1 => Err(refused.clone()),
        _ => Ok(()),
    })
    .await;
    assert_eq!(answer, again(&[]));
    let [letter] = letters.sent().try_into().unwrap();
    assert_eq!((letter.reason.as_str(), letter.detail.as_str()), ("already-shipped", "It is gone. (version 9)"));
    assert!(letter.body.contains("detail-type"), "it is kept as it came");
}

#[tokio::test]
async fn a_message_that_cannot_be_buried_comes_again() {
    let answer = handled(sqs_bodies(&["nonsense"]), &FakeDeadLetterQueue::unreachable(), async |_| Ok(())).await;
    assert_eq!(answer, again(&["m-0"]));
}

#[tokio::test]
async fn an_event_of_another_type_is_unreadable() {
    let letters = FakeDeadLetterQueue::default();
    let mut other = serde_json::to_value(thing_done(0)).unwrap();
    other["type"] = json!("ThingLost.v1");
    let answer = handled(sqs_bodies(&[&other.to_string()]), &letters, async |_| Ok(())).await;
    assert_eq!((answer, letters.sent().len()), (again(&[]), 1));
}

#[tokio::test]
async fn a_panic_costs_one_message_and_that_one_comes_again() {
    let answer = handled(three(), &FakeDeadLetterQueue::default(), async |delivery| {
        assert_ne!(n_of(&delivery), 1, "poison");
        Ok(())
    })
    .await;
    assert_eq!(answer, again(&["m-1"]));
}

#[tokio::test]
async fn when_time_is_short_the_rest_comes_again_unhandled() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(10));
    let handler = async |delivery: Delivery<Event>| {
        assert_eq!(n_of(&delivery), 0);
        clock.advance(Duration::from_millis(9_500));
        Ok(())
    };
    let letters = FakeDeadLetterQueue::default();
    let answer = batch(&CONSUMER, three(), &clock, &letters, &handler).await.unwrap();
    assert_eq!(answer, again(&["m-1", "m-2"]));
    let receipts: Vec<_> = letters.visibility_changes().into_iter().map(|(receipt, _)| receipt).collect();
    assert_eq!(receipts, ["receipt-1", "receipt-2"], "or they would use their deliveries up unhandled");
}

/// A queue that never answers when it is asked to wait, and dead letters that are never taken.
struct Silent;

impl DeadLetters for Silent {
    async fn send(&self, _: DeadLetter) -> Result<(), Failure> {
        std::future::pending().await
    }

    async fn change_visibility(&self, _: &str, _: u32) -> Result<(), Failure> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn neither_a_postponement_nor_a_burial_makes_the_report_late() {
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
        let answer = batch(&CONSUMER.concurrency(3), three(), &clock, &Silent, &handler).await.unwrap();
        let failed: Vec<_> = answer["batchItemFailures"].as_array().unwrap().clone();
        assert!(failed.len() >= 2, "{answer}");
        // The clock that was given stands still while they are waited for, so that both take what is left.
        let left = Duration::from_millis(10_000 - spent);
        assert!(begun.elapsed() <= 2 * left, "{spent}: {:?}", begun.elapsed());
    }
}

/// [`three`], the message at `place` delivered as often as the queue delivers.
fn for_the_last_time(place: usize) -> Value {
    let mut event = three();
    event["Records"][place]["attributes"]["ApproximateReceiveCount"] = json!(CONSUMER.max_receive_count.to_string());
    event
}

#[tokio::test]
async fn what_might_pass_is_buried_with_its_reason_at_its_last_delivery() {
    let failing = async |delivery: Delivery<Event>| match n_of(&delivery) {
        1 => Err(Failure::internal("the sky fell")),
        2 => Err(Failure::unavailable("database", "down")),
        _ => Ok(()),
    };
    let letters = FakeDeadLetterQueue::default();
    let answer = handled(for_the_last_time(1), &letters, failing).await;
    assert_eq!(answer, again(&["m-2"]));
    let [letter] = letters.sent().try_into().unwrap();
    assert_eq!((letter.record_id.as_str(), letter.reason.as_str()), ("m-1", Failure::internal("").code));
    assert!(letter.detail.contains("the sky fell"));
    assert_eq!(
        handled(for_the_last_time(1), &FakeDeadLetterQueue::unreachable(), failing).await,
        again(&["m-1", "m-2"])
    );
}

#[tokio::test]
async fn what_was_never_begun_is_buried_with_that_reason_at_its_last_delivery() {
    let (letters, late) =
        (FakeDeadLetterQueue::default(), clock().until(Timestamp::UNIX_EPOCH + Duration::from_millis(500)));
    let handler = async |_: Delivery<Event>| panic!("there is no time");
    let answer = batch(&CONSUMER, for_the_last_time(1), &late, &letters, &handler).await.unwrap();
    assert_eq!(answer, again(&["m-0", "m-2"]));
    assert!(letters.sent()[0].detail.contains("not begun"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_hangs_does_not_take_the_report_of_the_others_with_it() {
    let clock = clock().until(Timestamp::UNIX_EPOCH + Duration::from_secs(10));
    let handler = async |delivery: Delivery<Event>| match n_of(&delivery) {
        1 => {
            clock.advance(Duration::from_secs(10));
            std::future::pending().await
        }
        _ => Ok(()),
    };
    let answer = batch(&CONSUMER, three(), &clock, &FakeDeadLetterQueue::default(), &handler).await.unwrap();
    assert_eq!(answer, again(&["m-1", "m-2"]));
}

#[tokio::test]
async fn in_a_fifo_queue_nothing_overtakes_a_message_of_its_group() {
    let mut event = three();
    for (record, group) in event["Records"].as_array_mut().unwrap().iter_mut().zip(["a", "b", "a"]) {
        record["attributes"]["MessageGroupId"] = json!(group);
    }
    let seen = RefCell::new(Vec::new());
    let handler = async |delivery: Delivery<Event>| {
        seen.borrow_mut().push(n_of(&delivery));
        if n_of(&delivery) == 0 { Err(Failure::internal("not yet")) } else { Ok(()) }
    };
    let consumer = CONSUMER.concurrency(3);
    let answer = batch(&consumer, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap();
    assert_eq!((answer, seen.into_inner()), (again(&["m-0", "m-2"]), vec![0, 1]));
}

#[tokio::test]
async fn several_at_once_are_reported_one_by_one_all_the_same() {
    let barrier = tokio::sync::Barrier::new(3);
    let handler = async |delivery: Delivery<Event>| {
        barrier.wait().await;
        if n_of(&delivery) == 1 { Err(Failure::internal("no")) } else { Ok(()) }
    };
    let answer =
        batch(&CONSUMER.concurrency(3), three(), &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap();
    assert_eq!(answer, again(&["m-1"]));
}

#[tokio::test]
async fn a_function_that_takes_any_event_gets_it_as_it_came() {
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
    assert_eq!(batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap(), again(&[]));
}

#[tokio::test]
async fn what_is_not_a_batch_of_sqs_is_an_error_of_the_function() {
    let handler = async |_: Delivery<Event>| Ok(());
    for wrong in [json!({}), json!({ "Records": [{ "body": "{}" }] })] {
        let error = batch(&CONSUMER, wrong, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap_err();
        assert_eq!(error.code, "wrong-event");
    }
}

#[tokio::test]
async fn a_notice_of_somebody_else_is_handed_over_as_json_or_as_the_text_that_it_is() {
    let (letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let handler = async |notice: RawMessage| {
        seen.borrow_mut().push((notice.record_id, notice.content));
        Ok(())
    };
    let event = sqs_bodies(&["{\"kind\":\"bounce\"}", "welcome", "{\"detail-type\":\"x\",\"detail\":1}"]);
    let answer = raw_batch(&CONSUMER, event, &clock(), &letters, &handler).await.unwrap();
    assert_eq!(answer, again(&[]));
    let expected = [
        ("m-0".to_owned(), json!({ "kind": "bounce" })),
        ("m-1".to_owned(), json!("welcome")),
        ("m-2".to_owned(), json!({ "detail-type": "x", "detail": 1 })),
    ];
    assert_eq!(seen.into_inner(), expected, "what looks like an envelope is theirs, too");
}

#[tokio::test]
async fn a_notice_that_failed_comes_again_and_one_that_cannot_be_done_is_buried() {
    let letters = FakeDeadLetterQueue::default();
    let handler = async |notice: RawMessage| match notice.content.as_str() {
        Some("later") => Err(Failure::unavailable("store", "down")),
        Some("never") => Err(Failure::new(FailureKind::Malformed, "unreadable", "who is that?")),
        _ => Ok(()),
    };
    let event = sqs_bodies(&["later", "never", "now"]);
    let answer = raw_batch(&CONSUMER, event, &clock(), &letters, &handler).await.unwrap();
    assert_eq!(answer, again(&["m-0"]));
    let buried: Vec<_> = letters.sent().into_iter().map(|letter| (letter.record_id, letter.reason)).collect();
    assert_eq!(buried, [("m-1".to_owned(), "unreadable".to_owned())]);
}
