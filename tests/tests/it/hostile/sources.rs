//! Who may say what on the bus: an event from another source than the context that publishes its type reaches no handler.

use crate::functions::{confirmed, sample_time};
use adapters::{Wiring, config::Config};
use catalog::{Context, FUNCTIONS, Function, Trigger};
use edge::{Clock, Delivery, testing};
use futures_util::FutureExt;
use kernel::{CloudEvent, Uuid};
use serde_json::{Map, Value, json};
use std::cell::Cell;
use testkit::Platform;

type Untyped = CloudEvent<Map<String, Value>>;

fn event(row: &'static catalog::Event, source: &str) -> Untyped {
    let confirmed = confirmed().1;
    CloudEvent {
        specversion: confirmed.specversion,
        id: Uuid::nil(),
        source: source.to_owned(),
        subject: Uuid::nil().to_string(),
        time: sample_time(),
        sequence: 1,
        correlationid: Uuid::nil(),
        traceparent: None,
        actor: None,
        event: Map::from_iter([("type".to_owned(), json!(row.name)), ("data".to_owned(), json!({}))]),
    }
}

/// How often the handler was called with this event, and the reasons of the dead letters.
fn delivered(function: &'static Function, sent: &Untyped) -> (u32, Vec<String>) {
    let (clock, platform, calls) = (Clock::at(sample_time(), 7), Platform::new(), Cell::new(0));
    let consumer = Wiring::new(function, Config::from_vars([])).consumer().expect("a consumer");
    let queue = platform.dead_letters();
    if let Trigger::Stream(..) = function.trigger {
        let handler = async |batch: &[Delivery<Map<String, Value>>]| {
            calls.set(calls.get() + u32::try_from(batch.len()).expect("few"));
            Ok(())
        };
        let batch = edge::kinesis::batch(&consumer, testing::kinesis_event(&[sent]), &clock, &queue, &handler);
        batch.now_or_never().expect("nothing waits").expect("a batch");
    } else {
        let handler = async |_: Delivery<Map<String, Value>>| {
            calls.set(calls.get() + 1);
            Ok(())
        };
        let batch = edge::queue::batch(&consumer, testing::sqs_event(&[sent]), &clock, &queue, &handler);
        batch.now_or_never().expect("nothing waits").expect("a batch");
    }
    (calls.get(), queue.messages().into_iter().map(|letter| letter.reason).collect())
}

#[test]
fn every_consumer_dead_letters_an_event_from_another_source() {
    let mut consumers = 0;
    for function in FUNCTIONS.iter().filter(|function| !function.consumes().is_empty()) {
        consumers += 1;
        for row in function.consumes() {
            assert_eq!(delivered(function, &event(row, row.context.source())), (1, vec![]), "{}", function.name);
            for other in catalog::CONTEXTS.iter().map(|context| context.source()).chain(["quayside", "", "aws.events"])
            {
                if other != row.context.source() {
                    let refused = (0, vec!["wrong-source".to_owned()]);
                    assert_eq!(delivered(function, &event(row, other)), refused, "{}: {other}", function.name);
                }
            }
        }
    }
    assert!(consumers > 15);
}

#[test]
fn event_that_declares_another_source_than_its_envelope_is_dead_lettered() {
    let (clock, platform, calls) = (Clock::at(sample_time(), 7), Platform::new(), Cell::new(0));
    let wiring = Wiring::new(catalog::STOCK_ALLOCATE, Config::from_vars([]));
    let mut bridge = testing::bridge_event(&event(catalog::PAYMENT_SUCCEEDED, Context::Payments.source()));
    bridge["source"] = json!(Context::Notifications.source());
    let handler = async |_: Delivery<Map<String, Value>>| {
        calls.set(calls.get() + 1);
        Ok(())
    };
    let (batch, queue) = (testing::sqs_bodies(&[&bridge.to_string()]), platform.dead_letters());
    let consumer = wiring.consumer().expect("a consumer");
    let response =
        edge::queue::batch(&consumer, batch, &clock, &queue, &handler).now_or_never().expect("nothing waits");
    assert_eq!(response.expect("a batch"), json!({ "batchItemFailures": [] }));
    assert_eq!((calls.get(), queue.messages()[0].reason.as_str()), (0, "unreadable"));
}
