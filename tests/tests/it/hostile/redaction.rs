//! What is exported to Kafka, S3 and the analytics stream: for every event type, with generated personal data in every text, nothing of it.

use crate::functions::{confirmed, sample_time};
use domain::{DomainEvent, Event, window::AnalyticsRecord};
use edge::{Clock, Delivery, kafka::Record, testing};
use futures_util::FutureExt;
use kernel::{CloudEvent, Principal, TraceContext, Uuid};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use testkit::{Platform, ids};

/// A member of an event's `data`: its path as the catalog writes it, and whether it is text that somebody may have typed.
type Member = (String, bool);

/// Walks the schema of an event's `data` and makes an instance of it.
struct Schema<'a> {
    definitions: &'a Value,
    texts: &'a [String],
    /// The texts used so far.
    used: usize,
    members: Vec<Member>,
}

impl<'a> Schema<'a> {
    /// An instance with one of `texts` wherever the schema allows any text, and its members.
    fn instance(event: &'static catalog::Event, texts: &'a [String]) -> (Value, Vec<Member>) {
        let schemas = domain::event::schemas();
        let schema = schemas.into_iter().find(|(name, _)| *name == event.name).expect("a schema").1.to_value();
        let mut walk = Schema { definitions: &schema["$defs"], texts, used: 0, members: Vec::new() };
        let data = walk.value(&schema, "");
        (data, walk.members)
    }

    fn value(&mut self, schema: &Value, path: &str) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|link| link.strip_prefix("#/$defs/")) {
            return self.value(&self.definitions[name].clone(), path);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let present = choices.iter().find(|choice| choice["type"] != "null").expect("more than null");
            return self.value(&present.clone(), path);
        }
        if let Some(members) = schema["properties"].as_object() {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            return members.iter().map(|(name, member)| (name.clone(), self.value(member, &below(name)))).collect();
        }
        if schema["items"].is_object() {
            return json!([self.value(&schema["items"].clone(), path)]);
        }
        let code = schema["oneOf"][0]["const"].as_str().or_else(|| schema["enum"][0].as_str());
        let is_text = code.is_none()
            && schema["format"].is_null()
            && schema["pattern"].is_null()
            && (schema["type"] == "string" || schema["type"][0] == "string");
        self.members.push((path.to_owned(), is_text));
        match (code, schema["format"].as_str()) {
            (Some(code), _) => json!(code),
            (_, Some("uuid")) => json!(Uuid::nil()),
            (_, Some("date-time")) => json!(sample_time()),
            _ if !schema["pattern"].is_null() => json!("USD"),
            _ if is_text => json!(self.next_text()),
            _ => json!(7),
        }
    }

    fn next_text(&mut self) -> String {
        self.used += 1;
        self.texts[self.used % self.texts.len()].clone()
    }
}

fn envelope(row: &'static catalog::Event, data: Value, note: &str) -> CloudEvent<Map<String, Value>> {
    let event = confirmed().1;
    let mut data = data;
    data["remark"] = json!({ "from": note, "order_id": note });
    CloudEvent {
        specversion: event.specversion,
        id: Uuid::nil(),
        source: row.context.source().to_owned(),
        subject: Uuid::nil().to_string(),
        time: sample_time(),
        sequence: 1,
        correlationid: Uuid::nil(),
        traceparent: Some(note.to_owned()),
        actor: Some(Principal { id: Uuid::nil(), role: note.to_owned() }),
        event: Map::from_iter([
            ("type".to_owned(), json!(row.name)),
            ("data".to_owned(), data),
            ("remark".to_owned(), json!(note)),
        ]),
    }
}

/// What is exported of an event: its key and its value on Kafka, and what the archive has. Its form is not checked: most texts have no form
/// that a type takes.
fn exported(event: CloudEvent<Map<String, Value>>) -> (String, String, String) {
    let (platform, clock) = (Platform::new(), Clock::at(sample_time(), 7));
    let (_, forwarded) = event_forward::record_of(event).expect("an event of ours");
    let value = forwarded.value.expect("a value");
    let record = Record {
        topic: forwarded.topic.to_owned(),
        partition: 0,
        offset: 0,
        timestamp: forwarded.time,
        value: IgnoredAny,
        raw: value.clone(),
        now: clock.now(),
        ids: clock.ids(),
        trace: TraceContext::new(ids::request(1)),
        deadline: None,
    };
    let archive = platform.archive();
    event_archive::handle(&archive, &[record]).now_or_never().expect("nothing waits").expect("stored");
    let archived = archive.objects().iter().map(|(key, lines)| format!("{key}\n{lines}")).collect();
    (forwarded.key, value, archived)
}

/// Personal data of every kind: names, e-mail addresses, phone numbers, streets, free text.
fn personal_data() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        "[A-Z][a-z]{5,9} [A-Z][a-z]{5,9}",
        "[a-z]{6,9}@[a-z]{6,9}\\.example",
        "\\+49[1-9][0-9]{8,10}",
        "[1-9][0-9] [A-Z][a-z]{6,9} Street",
        "[A-Z][a-z]{6,9}berg",
        "Please ring at [A-Z][a-z]{6,9}'s door",
    ];
    prop::collection::vec(text, 8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_personal_leaves_for_kafka_and_s3(texts in personal_data()) {
        for row in catalog::EVENTS {
            let (data, _) = Schema::instance(row, &texts);
            let (key, value, archived) = exported(envelope(row, data, &texts[0]));
            for text in &texts {
                prop_assert!(!value.contains(text.as_str()), "{}: {} left for Kafka", row.name, text);
                prop_assert!(!key.contains(text.as_str()), "{}: {} is a key", row.name, text);
                prop_assert!(!archived.contains(text.as_str()), "{}: {} left for S3", row.name, text);
            }
        }
    }

    #[test]
    fn nothing_personal_is_in_a_record_of_analytics(texts in personal_data()) {
        let mut event = serde_json::to_value(confirmed().1).expect("serializes");
        let address = &mut event["data"]["shipping_address"];
        for (member, text) in ["name", "line1", "line2", "city", "region"].into_iter().zip(&texts) {
            address[member] = json!(text);
        }
        let event: Event = serde_json::from_value(event).expect("an event");
        let DomainEvent::OrderConfirmed(order) = &event.event else { panic!("{event:?}") };
        let platform = Platform::new();
        let delivery: Delivery<DomainEvent> =
            testing::delivery(catalog::ANALYTICS_FEED.name, event.clone(), &Clock::at(sample_time(), 7));
        let fed = analytics_feed::handle(&platform.analytics_stream(), delivery).now_or_never();
        fed.expect("nothing waits").expect("fed");
        let records = platform.analytics_stream().records();
        let record = serde_json::to_string(&records).expect("serializes");
        for text in &texts {
            prop_assert!(!record.contains(text.as_str()), "{} left: {}", text, record);
        }
        let AnalyticsRecord::Sold(sale) = &records[0].event else { panic!("{records:?}") };
        prop_assert_eq!(sale.area.as_str(), order.shipping_address.country.as_str());
    }
}

#[test]
fn every_exported_member_exists_and_is_exported() {
    let texts = ["Ada Lovelace".to_owned()];
    for row in catalog::EVENTS {
        let (data, members) = Schema::instance(row, &texts);
        let (_, value, _) = exported(envelope(row, data, &texts[0]));
        let left: Value = serde_json::from_str(&value).expect("JSON");
        for path in row.exported {
            let is_text = members.iter().find(|(member, _)| member == path).map(|(_, is_text)| *is_text);
            assert_eq!(
                is_text,
                Some(false),
                "{}: {path} does not exist or is text that somebody may have typed",
                row.name
            );
            let found = path.split('.').try_fold(&left["data"], |value, step| match value.get(0).unwrap_or(value) {
                Value::Object(members) => members.get(step),
                _ => None,
            });
            assert!(found.is_some_and(|value| !value.is_null()), "{}: {path} was not exported: {left}", row.name);
        }
    }
}
