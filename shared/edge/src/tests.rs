//! Tests of the runners for streams, schedules, S3, authorizers and direct invocations, with events as AWS sends them.

mod kafka_tombstones;
mod kinesis_streams;

use crate::authorizer::{self, AuthRequest, Grant};
use crate::direct::{self, Invocation};
use crate::dynamodb::{self, ChangeKind, ChangeRecord};
use crate::http::Principal;
use crate::kafka::{self, Record};
use crate::kinesis;
use crate::objects::{self, Object};
use crate::schedule::{self, Tick};
use crate::telemetry::lines_of;
use crate::testing::{FakeDeadLetterQueue, authorizer_event, dynamodb_event, kafka_event, kinesis_event, s3_event};
use crate::{Clock, Consumer, Delivery, FunctionError};
use futures_util::FutureExt;
use kernel::{CloudEvent, Failure, FailureKind, Timestamp, TraceContext, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;

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

/// A clock without time to start a record.
fn late() -> Clock {
    clock().until(Timestamp::UNIX_EPOCH + Duration::from_millis(500))
}

fn thing_done(n: u32) -> CloudEvent<Event> {
    let trace = TraceContext::new(Uuid::from_u128(7));
    CloudEvent::new(Uuid::from_u128(n.into()), n, 1, Timestamp::UNIX_EPOCH, &trace, Event::ThingDone { n })
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The partial batch response that names `ids`.
fn failures(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Vec<_>>() })
}

fn numbers(batch: &[Delivery<Event>]) -> Vec<u32> {
    batch.iter().map(|Delivery { event: CloudEvent { event: Event::ThingDone { n }, .. }, .. }| *n).collect()
}

/// The summary that a batch logs: processed, dead-lettered and retried records.
fn summary_of(work: impl Future) -> [u64; 3] {
    let lines = lines_of(|| {
        work.now_or_never().expect("nothing waits");
    });
    let line = lines.iter().find(|line| line["message"] == "batch finished").expect("a line");
    ["records.processed", "records.dead_lettered", "records.retried"].map(|name| line[name].as_u64().unwrap())
}

mod dynamodb_streams {
    use super::*;

    #[test]
    fn summary_counts_processed_dead_lettered_and_retried_records() {
        let event =
            || dynamodb_event(&[json!({}), json!({}), json!({ "n": { "X": 1 } }), json!({}), json!({}), json!({})]);
        let summary_of = |dead_letters: &FakeDeadLetterQueue, stops_at: &str| {
            let handler = async |change: ChangeRecord| match change.sequence_number == stops_at {
                true => Err(Failure::internal("not yet")),
                false => Ok(()),
            };
            summary_of(dynamodb::batch(&CONSUMER, event(), &clock(), dead_letters, &handler))
        };
        assert_eq!(summary_of(&FakeDeadLetterQueue::default(), ""), [5, 1, 0]);
        assert_eq!(summary_of(&FakeDeadLetterQueue::default(), "5"), [3, 1, 2]);
        assert_eq!(summary_of(&FakeDeadLetterQueue::unreachable(), ""), [2, 0, 4]);
    }

    #[tokio::test]
    async fn changes_are_handled_in_order_as_plain_json() {
        let seen = RefCell::new(Vec::new());
        let handler = async |change: ChangeRecord| {
            seen.borrow_mut().push(change);
            Ok(())
        };
        let event = fixture(include_str!("../fixtures/dynamodb.json"));
        let response =
            dynamodb::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap();
        assert_eq!(response, failures(&[]));
        let [insert, modify, remove] = seen.into_inner().try_into().unwrap();
        assert_eq!(
            (insert.kind, modify.kind, remove.kind),
            (ChangeKind::Insert, ChangeKind::Modify, ChangeKind::Remove)
        );
        assert_eq!(insert.keys, json!({ "pk": "thing-1" }));
        let image = json!({
            "pk": "thing-1", "version": 1, "tags": ["new"], "correlationid": "0198a3c0-0000-7000-8000-0000000000c1",
        });
        assert_eq!(insert.new_image, Some(image));
        assert_eq!(insert.trace.correlation_id.to_string(), "0198a3c0-0000-7000-8000-0000000000c1");
        assert_eq!(remove.new_image, None);
    }

    #[tokio::test]
    async fn first_retryable_change_ends_the_batch() {
        let seen = RefCell::new(Vec::new());
        let handler = async |change: ChangeRecord| {
            seen.borrow_mut().push(change.sequence_number.clone());
            if change.sequence_number == "2" { Err(Failure::internal("not yet")) } else { Ok(()) }
        };
        let event = dynamodb_event(&[json!({}), json!({}), json!({})]);
        let response =
            dynamodb::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap();
        assert_eq!((response, seen.into_inner()), (failures(&["2"]), vec!["1".to_owned(), "2".to_owned()]));
    }

    #[tokio::test]
    async fn failed_and_malformed_changes_are_dead_lettered_and_the_next_handled() {
        let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
        let handler = async |change: ChangeRecord| {
            seen.borrow_mut().push(change.sequence_number.clone());
            if change.sequence_number == "2" { Err(Failure::field("/n", "is odd")) } else { Ok(()) }
        };
        let event = dynamodb_event(&[json!({ "n": { "X": 1 } }), json!({}), json!({})]);
        let response = dynamodb::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.unwrap();
        assert_eq!((response, seen.into_inner()), (failures(&[]), vec!["2".to_owned(), "3".to_owned()]));
        let reasons: Vec<_> = dead_letters.sent().into_iter().map(|dead_letter| dead_letter.reason).collect();
        assert_eq!(reasons, ["unreadable", "validation"]);
    }

    #[tokio::test]
    async fn batch_without_time_left_is_redelivered_unhandled() {
        let handler = async |_: ChangeRecord| panic!("there is no time");
        let event = dynamodb_event(&[json!({})]);
        let response = dynamodb::batch(&CONSUMER, event, &late(), &FakeDeadLetterQueue::default(), &handler).await;
        assert_eq!(response, Err(FunctionError::batch_failed(1)));
    }

    #[tokio::test]
    async fn invocation_fails_if_no_record_is_processed() {
        let handler = async |_: ChangeRecord| Err(Failure::unavailable("bus", "down"));
        let event = dynamodb_event(&[json!({}), json!({}), json!({})]);
        let response = dynamodb::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
        assert_eq!(response, Err(FunctionError::batch_failed(3)));
    }
}

mod kafka_topics {
    use super::*;

    #[test]
    fn summary_counts_processed_dead_lettered_and_retried_records() {
        let event = || {
            kafka_event(
                "things",
                &[("a", json!(1)), ("b", json!("x")), ("c", json!(3)), ("d", json!("y")), ("e", json!(5))],
            )
        };
        let summary_of = |dead_letters: &FakeDeadLetterQueue, bad: u32, failure: &Failure| {
            let handler = async |batch: &[Record<u32>]| match batch.iter().any(|record| record.value == bad) {
                true => Err(failure.clone()),
                false => Ok(()),
            };
            summary_of(kafka::batch(&CONSUMER, event(), &clock(), dead_letters, &handler))
        };
        assert_eq!(summary_of(&FakeDeadLetterQueue::default(), 0, &Failure::internal("never")), [3, 2, 0]);
        assert_eq!(summary_of(&FakeDeadLetterQueue::unreachable(), 0, &Failure::internal("never")), [3, 0, 2]);
        assert_eq!(summary_of(&FakeDeadLetterQueue::default(), 3, &Failure::field("", "is three")), [2, 3, 0]);
        let [processed, dead_lettered, retried] =
            summary_of(&FakeDeadLetterQueue::unreachable(), 3, &Failure::unavailable("store", "down"));
        assert_eq!((dead_lettered, processed + retried), (0, 5));
        assert!(retried >= 3, "the one that failed and both malformed ones");
    }

    #[tokio::test]
    async fn all_partitions_are_handled_at_once_and_malformed_records_dead_lettered() {
        let (dead_letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
        let handler = async |batch: &[Record<CloudEvent<Event>>]| {
            for record in batch {
                seen.borrow_mut().push((record.partition, record.offset));
                assert_eq!(record.timestamp.as_millisecond(), 1_545_084_650_987);
                assert_eq!(record.trace.correlation_id, record.value.correlationid);
                assert!(record.raw.starts_with("{\"specversion\""));
            }
            Ok(())
        };
        let event = fixture(include_str!("../fixtures/kafka.json"));
        let response = kafka::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await;
        assert_eq!(response, Ok(Value::Null));
        assert_eq!(seen.into_inner(), [(0, 15), (1, 7)]);
        let [dead_letter] = dead_letters.sent().try_into().unwrap();
        assert_eq!((dead_letter.record_id.as_str(), dead_letter.body.as_str()), ("things-0-16", "{broken"));
        assert_eq!(dead_letter.attributes["key"], "thing-2");
    }

    #[tokio::test]
    async fn retryable_failure_fails_the_invocation() {
        let handler = async |_: &[Record<Value>]| Err(Failure::unavailable("store", "at 10.0.0.7"));
        let event = kafka_event("things", &[("a", json!(1)), ("b", json!(2))]);
        let error =
            kafka::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await.unwrap_err();
        assert_eq!(
            error,
            FunctionError { code: "batch-failed".into(), detail: "2 records must be redelivered.".into() }
        );
    }

    #[tokio::test]
    async fn record_that_cannot_be_dead_lettered_fails_the_invocation() {
        let handler = async |_: &[Record<u32>]| Ok(());
        let event = kafka_event("things", &[("a", json!("not a number"))]);
        assert!(kafka::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::unreachable(), &handler).await.is_err());
    }

    #[tokio::test]
    async fn permanent_failure_is_dead_lettered_once_despite_redeliveries() {
        let dead_letters = FakeDeadLetterQueue::default();
        let event = kafka_event("things", &[("a", json!("poison")), ("b", json!(2)), ("c", json!(3))]);
        let tries = RefCell::new(0);
        let handler = async |batch: &[Record<u32>]| match batch {
            [only] if only.value == 3 => {
                *tries.borrow_mut() += 1;
                if *tries.borrow() < 3 { Err(Failure::unavailable("store", "down")) } else { Ok(()) }
            }
            [only] if only.value != 2 => Ok(()),
            _ => Err(Failure::field("", "is even")),
        };
        for last in [false, false, true] {
            assert_eq!(kafka::batch(&CONSUMER, event.clone(), &clock(), &dead_letters, &handler).await.is_ok(), last);
        }
        let dead_lettered: Vec<_> = dead_letters.sent().into_iter().map(|dead_letter| dead_letter.record_id).collect();
        assert_eq!(dead_lettered, ["things-0-0", "things-0-1"]);
    }

    #[tokio::test]
    async fn permanent_failure_is_isolated_and_dead_lettered() {
        let dead_letters = FakeDeadLetterQueue::default();
        let handler = async |batch: &[Record<u32>]| match batch.iter().any(|record| record.value == 2) {
            true => Err(Failure::field("", "is even")),
            false => Ok(()),
        };
        let event = kafka_event("things", &[("a", 1), ("b", 2), ("c", 3)]);
        assert!(kafka::batch(&CONSUMER, event, &clock(), &dead_letters, &handler).await.is_ok());
        assert_eq!(dead_letters.sent()[0].record_id, "things-0-1");
    }
}

mod schedules {
    use super::*;

    #[tokio::test]
    async fn tick_knows_when_it_was_due_and_returns_a_summary() {
        let handler =
            async |tick: Tick| Ok(json!({ "late_s": tick.scheduled_for.unwrap().as_second() - tick.now.as_second() }));
        let event = fixture(include_str!("../fixtures/schedule.json"));
        let now = "2026-03-12T19:04:58Z".parse().unwrap();
        assert_eq!(schedule::tick("sweep", event, &Clock::at(now, 1), &handler).await, Ok(json!({ "late_s": 2 })));
    }

    #[tokio::test]
    async fn failure_is_a_function_error_without_internals() {
        let handler = async |_: Tick| Err::<(), _>(Failure::unavailable("database", "at 10.0.0.7"));
        let error = schedule::tick("sweep", json!({}), &clock(), &handler).await.unwrap_err();
        assert_eq!(error.code, "unavailable");
        assert!(!error.to_string().contains("10.0.0.7"));
    }
}

mod direct_invocations {
    use super::*;

    #[tokio::test]
    async fn input_and_output_are_plain_json() {
        let handler = async |call: Invocation<u32>| Ok(call.input + 1);
        assert_eq!(direct::invoke("add", json!(1), &clock(), &handler).await, Ok(json!(2)));
    }

    #[tokio::test]
    async fn invalid_input_is_a_function_error() {
        let handler = async |call: Invocation<u32>| Ok(call.input);
        let error = direct::invoke("add", json!("one"), &clock(), &handler).await.unwrap_err();
        assert_eq!(error.code, "validation");
    }

    #[tokio::test]
    async fn panic_is_a_function_error_without_its_message() {
        let handler = async |_: Invocation<Value>| -> Result<(), Failure> { panic!("secret") };
        let error = direct::invoke("add", json!({}), &clock(), &handler).await.unwrap_err();
        assert_eq!(error.code, "internal");
        assert!(!error.to_string().contains("secret"));
    }
}

mod authorizers {
    use super::*;

    const USER: Uuid = Uuid::from_u128(1);

    fn customer() -> Grant {
        Grant::from(Principal { id: USER, role: "customer".to_owned() })
    }

    #[tokio::test]
    async fn principal_is_passed_to_routes_and_claims_cannot_replace_it() {
        let handler = async |request: AuthRequest| {
            assert_eq!(request.token.as_deref(), Some("eyJhbGciOi.J9.x"));
            assert_eq!(request.route, "GET /api/v1/things/{id}");
            let claims = [("jti".to_owned(), "t-1".to_owned()), ("role".to_owned(), "admin".to_owned())].into();
            Ok(Some(Grant { claims, ..customer() }))
        };
        let event = fixture(include_str!("../fixtures/authorizer.json"));
        let response = authorizer::decide(event, &clock(), &handler).await.unwrap();
        assert_eq!(
            response,
            json!({ "isAuthorized": true, "context": { "sub": USER, "role": "customer", "jti": "t-1" } })
        );
    }

    #[test]
    fn debug_output_of_a_request_contains_no_token() {
        let request =
            AuthRequest { token: Some("eyJhbGciOi".to_owned()), route: "GET /things".to_owned(), now: clock().now() };
        let shown = format!("{request:?}");
        assert!(shown.contains("GET /things") && !shown.contains("eyJhbGciOi"), "{shown}");
    }

    #[tokio::test]
    async fn anonymous_request_is_authorized_without_a_principal() {
        let handler = async |request: AuthRequest| Ok(request.token.map(|_| customer()));
        for header in [None, Some("Basic dTpw"), Some("Bearer"), Some("Bearer  ")] {
            let response =
                authorizer::decide(authorizer_event("GET /things", header), &clock(), &handler).await.unwrap();
            assert_eq!(response, json!({ "isAuthorized": true, "context": {} }), "{header:?}");
        }
    }

    #[tokio::test]
    async fn authorizer_fails_if_a_dependency_is_unavailable() {
        let handler = async |_: AuthRequest| Err(Failure::unavailable("keys", "no route to host"));
        let error = authorizer::decide(authorizer_event("GET /things", None), &clock(), &handler).await.unwrap_err();
        assert_eq!(error.code, "unavailable");
    }
}

mod buckets {
    use super::*;

    #[tokio::test]
    async fn object_key_is_decoded() {
        let handler = async |object: Object| {
            assert_eq!((object.bucket.as_str(), object.key.as_str()), ("pictures", "incoming/red shoeé&+.png"));
            assert_eq!((object.event_name.as_str(), object.size), ("ObjectCreated:Put", Some(1_305_107)));
            assert_eq!(object.version_id.as_deref(), Some("v-1"));
            Ok(())
        };
        let event = fixture(include_str!("../fixtures/s3.json"));
        assert_eq!(
            objects::notification(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await,
            Ok(Value::Null)
        );
    }

    #[tokio::test]
    async fn retryable_object_fails_the_invocation_and_others_are_dead_lettered() {
        let dead_letters = FakeDeadLetterQueue::default();
        let event = s3_event("pictures", "a b.png", 1);
        let later = async |_: Object| Err(Failure::unavailable("bucket", "slow"));
        assert!(objects::notification(&CONSUMER, event.clone(), &clock(), &dead_letters, &later).await.is_err());
        let bad = async |_: Object| Err(Failure::new(FailureKind::Invalid, "not-an-image", "It is not an image."));
        assert!(objects::notification(&CONSUMER, event, &clock(), &dead_letters, &bad).await.is_ok());
        let [dead_letter] = dead_letters.sent().try_into().unwrap();
        assert_eq!((dead_letter.reason.as_str(), dead_letter.record_id.as_str()), ("not-an-image", "a+b.png"));
    }

    #[tokio::test]
    async fn s3_test_event_is_ignored() {
        let handler = async |_: Object| panic!("there is no object");
        let event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "pictures" });
        assert_eq!(
            objects::notification(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await,
            Ok(Value::Null)
        );
    }
}
