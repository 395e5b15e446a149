//! What each consumer does with events of an older and of a newer writer, through the runners that it has on Lambda.

use super::golden::lines;
use crate::functions::sample_time;
use catalog::Function;
use domain::{DomainEvent, Event, window::AnalyticsRecord};
use edge::{
    Clock, Consumer, Delivery, kafka,
    testing::{self, FakeDeadLetterQueue},
};
use futures_util::FutureExt as _;
use kernel::{CloudEvent, Failure, Uuid};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, json};
use std::{cell::RefCell, fs, time::Duration};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MINUTE: Duration = Duration::from_secs(60);
/// A stream forgets a record after a day, and an hour before that it is dead-lettered.
const STREAM_WAITS: Duration = Duration::from_secs(23 * 3_600);

type Untyped = CloudEvent<Map<String, Value>>;

fn untyped(event: &Value) -> Untyped {
    serde_json::from_value(event.clone()).expect("an event")
}

fn consumers() -> impl Iterator<Item = &'static Function> {
    catalog::FUNCTIONS.iter().copied().filter(|row| row.has_queue() && !row.consumes().is_empty())
}

/// Whether a consumer takes events without decoding them.
fn takes_any(consumer: &Function) -> bool {
    let path = format!("{}/../functions/{}/src/lib.rs", env!("CARGO_MANIFEST_DIR"), consumer.name);
    fs::read_to_string(path).expect("a source file").contains("Delivery<Map<String, Value>>")
}

fn consumed(consumer: &Function, file: &str) -> Vec<Value> {
    let is_for_it = |event: &Value| consumer.consumes().iter().any(|row| event["type"] == row.name);
    lines(file).into_iter().filter(is_for_it).collect()
}

/// Result of a batch.
#[derive(Debug, PartialEq)]
struct Outcome<E> {
    handled: Vec<CloudEvent<E>>,
    retried: usize,
    dead_letters: Vec<String>,
}

impl<E> Outcome<E> {
    fn handled(handled: Vec<CloudEvent<E>>) -> Self {
        Self { handled, retried: 0, dead_letters: vec![] }
    }

    fn retried(retried: usize) -> Self {
        Self { handled: vec![], retried, dead_letters: vec![] }
    }
}

fn runner(consumer: &'static Function) -> Consumer {
    Consumer::new(consumer.name, catalog::MAX_RECEIVES).producers(catalog::PRODUCERS)
}

fn retried(response: &Value) -> usize {
    response["batchItemFailures"].as_array().map_or(0, Vec::len)
}

/// Delivers messages that were sent so long ago.
fn deliver<E: DeserializeOwned + Clone>(consumer: &'static Function, events: &[Value], age: Duration) -> Outcome<E> {
    let (queue, handled) = (FakeDeadLetterQueue::default(), RefCell::new(vec![]));
    let now = sample_time() + age;
    let events: Vec<Untyped> = events.iter().map(untyped).collect();
    let mut batch = testing::sqs_event(&events.iter().collect::<Vec<_>>());
    for record in batch["Records"].as_array_mut().into_iter().flatten() {
        record["attributes"]["SentTimestamp"] = json!(sample_time().as_millisecond().to_string());
    }
    let handler = async |delivery: Delivery<E>| {
        handled.borrow_mut().push(delivery.event);
        Ok::<_, Failure>(())
    };
    let clock = Clock::at(now, 7);
    let response = edge::queue::batch(&runner(consumer), batch, &clock, &queue, &handler).now_or_never();
    let retried = retried(&response.expect("no waiting").expect("a batch"));
    let dead_letters = queue.sent().into_iter().map(|letter| letter.reason).collect();
    Outcome { handled: handled.into_inner(), retried, dead_letters }
}

/// The same for records of the analytics stream.
fn aggregate(sales: &[Value], age: Duration) -> Outcome<AnalyticsRecord> {
    let (queue, handled) = (FakeDeadLetterQueue::default(), RefCell::new(vec![]));
    let sales: Vec<Untyped> = sales.iter().map(untyped).collect();
    let mut batch = testing::kinesis_event(&sales.iter().collect::<Vec<_>>());
    for record in batch["Records"].as_array_mut().into_iter().flatten() {
        record["kinesis"]["approximateArrivalTimestamp"] = json!(sample_time().as_second());
    }
    let handler = async |batch: &[Delivery<AnalyticsRecord>]| {
        handled.borrow_mut().extend(batch.iter().map(|delivery| delivery.event.clone()));
        Ok::<_, Failure>(())
    };
    let (consumer, clock) = (runner(catalog::WINDOW_AGGREGATE), Clock::at(sample_time() + age, 7));
    let response = edge::kinesis::batch(&consumer, batch, &clock, &queue, &handler).now_or_never();
    // A batch of which nothing was handled fails as a whole.
    let retried = response.expect("no waiting").map_or(sales.len(), |response| retried(&response));
    let dead_letters = queue.sent().into_iter().map(|letter| letter.reason).collect();
    Outcome { handled: handled.into_inner(), retried, dead_letters }
}

/// Whether `new` has everything that `old` has, at every depth.
fn has_all(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            old.iter().all(|(name, value)| new.get(name).is_some_and(|new| has_all(new, value)))
        }
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| has_all(new, old))
        }
        _ => new == old,
    }
}

fn read(event: &Value) -> Event {
    serde_json::from_value(event.clone()).unwrap_or_else(|cause| panic!("{event}: {cause}"))
}

/// A member that is renamed with a default would be read, and its value lost.
#[test]
fn new_reader_of_an_old_event_has_every_value_that_was_written() {
    for event in lines("events-0.1.jsonl") {
        let again = serde_json::to_value(read(&event)).expect("JSON");
        assert!(has_all(&again, &event), "{event}\nis read as\n{again}");
    }
}

#[test]
fn every_consumer_handles_every_event_of_an_old_writer() {
    for consumer in consumers() {
        let events = consumed(consumer, "events-0.1.jsonl");
        let ids: usize = if takes_any(consumer) {
            deliver::<Map<String, Value>>(consumer, &events, MINUTE).handled.len()
        } else {
            let outcome = deliver::<DomainEvent>(consumer, &events, MINUTE);
            assert_eq!(outcome.handled, events.iter().map(read).collect::<Vec<_>>(), "{}", consumer.name);
            outcome.handled.len()
        };
        assert!(ids == events.len() && ids > 0, "{} handles {ids} of {}", consumer.name, events.len());
    }
    let sales = lines("sales-0.1.jsonl");
    let outcome = aggregate(&sales, MINUTE);
    assert_eq!((outcome.handled.len(), outcome.retried), (sales.len(), 0));
}

#[test]
fn every_consumer_reads_an_event_with_new_members_as_if_it_had_none() {
    for consumer in consumers() {
        let events = consumed(consumer, "events-0.2-members.jsonl");
        if takes_any(consumer) {
            assert_eq!(deliver::<Map<String, Value>>(consumer, &events, MINUTE).handled.len(), events.len());
            continue;
        }
        let outcome = deliver::<DomainEvent>(consumer, &events, MINUTE);
        let expected: Vec<Event> = events.iter().map(|newer| read(&without_added(newer))).collect();
        assert_eq!(outcome, Outcome::handled(expected), "{}", consumer.name);
    }
    let outcome = aggregate(&lines("sales-0.2-members.jsonl"), MINUTE);
    assert_eq!(outcome.handled, aggregate(&lines("sales-0.1.jsonl"), MINUTE).handled);
}

#[test]
fn event_with_a_new_word_waits_for_a_day_at_every_consumer() {
    let mut waited = 0;
    for consumer in consumers().filter(|consumer| !takes_any(consumer)) {
        let events = consumed(consumer, "events-0.2-words.jsonl");
        waited += events.len();
        for age in [Duration::ZERO, DAY - MINUTE] {
            let outcome = deliver::<DomainEvent>(consumer, &events, age);
            assert_eq!(outcome, Outcome::retried(events.len()), "{} after {age:?}", consumer.name);
        }
        let outcome = deliver::<DomainEvent>(consumer, &events, DAY);
        assert_eq!(outcome.dead_letters, vec!["newer-event"; events.len()], "{}", consumer.name);
    }
    assert!(waited > 40, "{waited} events have a new word");
}

#[test]
fn consumer_that_decodes_nothing_handles_an_event_with_a_new_word() {
    let all = lines("events-0.2-words.jsonl");
    for consumer in consumers().filter(|consumer| takes_any(consumer)) {
        let events = consumed(consumer, "events-0.2-words.jsonl");
        let outcome = deliver::<Map<String, Value>>(consumer, &events, MINUTE);
        assert_eq!((outcome.handled.len(), outcome.retried), (events.len(), 0), "{}", consumer.name);
    }
    let values: Vec<(&str, &Value)> = all.iter().map(|event| ("key", event)).collect();
    let (queue, archived) = (FakeDeadLetterQueue::default(), RefCell::new(vec![]));
    let handler = async |batch: &[kafka::Record<IgnoredAny>]| {
        archived.borrow_mut().extend(batch.iter().map(|record| record.raw.clone()));
        Ok::<_, Failure>(())
    };
    let (clock, batch) = (Clock::at(sample_time(), 7), testing::kafka_event("order-events", &values));
    let outcome = kafka::batch(&runner(catalog::EVENT_ARCHIVE), batch, &clock, &queue, &handler).now_or_never();
    outcome.expect("no waiting").expect("a batch");
    assert_eq!(archived.into_inner(), all.iter().map(Value::to_string).collect::<Vec<_>>());
}

#[test]
fn sale_with_a_new_currency_waits_in_the_stream() {
    let sales = lines("sales-0.2-words.jsonl");
    for age in [Duration::ZERO, STREAM_WAITS - MINUTE] {
        let outcome = aggregate(&sales, age);
        assert!(outcome.retried > 0, "{outcome:?}");
        assert_eq!((outcome.handled.len(), outcome.dead_letters.len()), (0, 0));
    }
    assert_eq!(aggregate(&sales, STREAM_WAITS).dead_letters, vec!["newer-event"; sales.len()]);
}

/// A consumer whose rule is deployed before its code gets types that it does not know.
#[test]
fn event_of_a_new_type_waits_at_every_consumer() {
    let new: Vec<Value> =
        lines("events-0.2-words.jsonl").into_iter().filter(|event| event["type"] == "OrderGifted.v1").collect();
    assert_eq!(new.len(), 1);
    for consumer in consumers().filter(|consumer| !takes_any(consumer)) {
        assert_eq!(deliver::<DomainEvent>(consumer, &new, MINUTE).retried, 1, "{}", consumer.name);
    }
    let failure = domain::event::redact(&mut untyped(&new[0])).expect_err("a type that is not known");
    assert!(failure.is_retryable(), "{failure}");
}

#[test]
fn new_member_leaves_only_when_the_catalog_lets_it() {
    for newer in lines("events-0.2-members.jsonl") {
        let (mut newer, mut old) = (untyped(&newer), untyped(&without_added(&newer)));
        domain::event::redact(&mut newer).expect("an event of the catalog");
        domain::event::redact(&mut old).expect("an event of the catalog");
        assert_eq!(newer, old);
        assert_eq!(newer.id, Uuid::nil());
    }
}

fn without_added(event: &Value) -> Value {
    match event {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| *name != "added_later");
            Value::Object(kept.map(|(name, value)| (name.clone(), without_added(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_added).collect(),
        other => other.clone(),
    }
}
