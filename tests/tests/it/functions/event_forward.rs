//! What is exported to Kafka.

use super::{ORDER, PRODUCT, USER, clock, confirmed, consumers::deliver};
use domain::event::{UserDeleted, UserErased};
use edge::{Consumer, Delivery};
use kernel::CloudEvent;
use ports::EventLogRecord;
use serde_json::{Map, Value, json};
use testkit::{Platform, build};

fn value_of(record: &EventLogRecord) -> Value {
    serde_json::from_str(record.value.as_deref().expect("a value")).expect("JSON")
}

#[tokio::test]
async fn event_forward_appends_the_exported_members_of_every_event_to_its_topic() {
    let platform = Platform::new();
    let handler =
        async |delivery: Delivery<Map<String, Value>>| event_forward::handle(&platform.event_log(), delivery).await;
    deliver(catalog::EVENT_FORWARD, &["ok", "bad_mixed_batch", "bad_subject"], &platform, handler).await;
    let records = platform.event_log().records();
    let record = &records[0];
    assert_eq!((record.topic, record.key.as_str()), (catalog::ORDER_PLACED.topic.name, ORDER.to_string().as_str()));
    let value = value_of(record);
    let money = |amount: i64| json!({ "amount": amount, "currency": "USD" });
    let line = json!({ "product_id": PRODUCT, "quantity": 2, "unit_price": money(1_999), "line_total": money(3_998) });
    let left = json!({ "order_id": ORDER, "user_id": USER, "lines": [line], "total_amount": money(3_998) });
    assert_eq!((&value["data"], &value["type"]), (&left, &json!(catalog::ORDER_PLACED.name)));
    let mut envelope: Vec<&str> = value.as_object().expect("an event").keys().map(String::as_str).collect();
    envelope.sort_unstable();
    let expected = "correlationid data id sequence source specversion subject time traceparent type";
    assert_eq!(envelope.join(" "), expected, "no other member of the envelope is exported");
    for record in &records {
        let value = value_of(record);
        let row = catalog::find_event(value["type"].as_str().expect("a type")).expect("an event of ours");
        assert_eq!((record.topic, value["subject"].as_str()), (row.topic.name, Some(record.key.as_str())));
    }
}

#[tokio::test]
async fn forwarded_events_contain_no_personal_data() {
    let platform = Platform::new();
    let (_, event) = confirmed();
    let handler =
        async |delivery: Delivery<Map<String, Value>>| event_forward::handle(&platform.event_log(), delivery).await;
    let batch = edge::testing::sqs_event(&[&event, &build::event(3, build::user().event())]);
    let consumer = Consumer::new(catalog::EVENT_FORWARD.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, batch, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let log: String = platform.event_log().records().iter().filter_map(|record| record.value.clone()).collect();
    assert!(log.contains(catalog::USER_REGISTERED.name) && !log.contains("example.com"), "{log}");
}

/// An event in its envelope, with one member of its `data` replaced or, by null, removed.
fn edited(event: &domain::Event, pointer: &str, value: &Value) -> CloudEvent<Map<String, Value>> {
    let mut event = serde_json::to_value(event).expect("JSON");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Value::Null => drop(parent.remove(name).expect("a member")),
        value => drop(parent.insert(name.to_owned(), value.clone())),
    }
    serde_json::from_value(event).expect("an event")
}

#[tokio::test]
async fn event_without_the_form_of_its_type_is_dead_lettered_and_the_rest_goes_on() {
    let platform = Platform::new();
    let handler =
        async |delivery: Delivery<Map<String, Value>>| event_forward::handle(&platform.event_log(), delivery).await;
    let sale = |number: u64| domain::Event { id: testkit::ids::event(number), ..confirmed().1 };
    let wrong = [
        edited(&sale(3), "/data/lines/0/quantity", &json!("two")),
        edited(&sale(4), "/data/total_amount/amount", &json!(-1)),
        edited(&sale(5), "/data/order_id", &Value::Null),
        edited(&sale(6), "/data/placed_at", &json!("yesterday")),
    ];
    // What a newer writer has added: a member, and a word.
    let newer = [
        edited(&sale(7), "/data/added_later", &json!({ "a": 1 })),
        edited(&sale(8), "/data/total_amount/currency", &json!("XTS")),
    ];
    let right = edited(&sale(9), "/data/order_id", &json!(ORDER));
    let events: Vec<_> = wrong.iter().chain(&newer).chain([&right]).collect();
    let consumer = Consumer::new(catalog::EVENT_FORWARD.name, catalog::MAX_RECEIVES);
    let batch = edge::testing::sqs_event(&events);
    let response = edge::queue::batch(&consumer, batch, &clock(), &platform.dead_letters(), &handler).await;
    assert_eq!(response.expect("a batch")["batchItemFailures"], json!([]));
    let left: Vec<_> = platform.event_log().records().iter().map(|record| value_of(record)["id"].clone()).collect();
    assert_eq!(left, newer.iter().chain([&right]).map(|event| json!(event.id)).collect::<Vec<_>>());
    let messages = platform.dead_letters().messages();
    let named = ["/data/lines/0/quantity", "/data/total_amount/amount", "/data/order_id", "/data/placed_at"];
    for (message, pointer) in messages.iter().zip(named) {
        assert_eq!(message.reason, "validation", "{message:?}");
        assert!(message.detail.contains(pointer), "{message:?}");
    }
    assert_eq!(messages.len(), named.len());
}

#[tokio::test]
async fn tombstone_follows_the_event_that_a_person_was_erased() {
    let platform = Platform::new();
    let handler =
        async |delivery: Delivery<Map<String, Value>>| event_forward::handle(&platform.event_log(), delivery).await;
    let of_user = |event: domain::Event| domain::Event { subject: USER.to_string(), ..event };
    let deleted = of_user(build::event(3, UserDeleted { user_id: USER }));
    let erased = of_user(build::event(4, UserErased { user_id: USER }));
    let batch = edge::testing::sqs_event(&[&deleted, &erased]);
    let consumer = Consumer::new(catalog::EVENT_FORWARD.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, batch, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let records = platform.event_log().records();
    let [first, second, tombstone] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&value_of(first)["id"], &value_of(second)["id"]), (&json!(deleted.id), &json!(erased.id)));
    let expected = (catalog::USER_EVENTS.name, USER.to_string(), None);
    assert_eq!((tombstone.topic, tombstone.key.clone(), tombstone.value.clone()), expected);
}
