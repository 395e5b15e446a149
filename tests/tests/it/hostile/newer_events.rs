//! Events of a newer writer: readers ignore the members that they do not know, at every depth. Requests are the opposite.

use crate::functions::sample_time;
use domain::DomainEvent;
use kernel::{CloudEvent, Uuid};
use serde_json::{Value, json};

/// Adds a member to every object in `value`, and returns how many there are.
pub fn extend(value: &mut Value) -> usize {
    match value {
        Value::Object(members) => {
            let below: usize = members.values_mut().map(extend).sum();
            members.insert("added_later".to_owned(), json!({ "kind": "unknown", "amount": 1 }));
            below + 1
        }
        Value::Array(items) => items.iter_mut().map(extend).sum(),
        _ => 0,
    }
}

/// A valid text of the type that a schema names.
fn text(definition: &str) -> &'static str {
    match definition {
        "Email" => "ada@example.com",
        "Phone" => "+491701234567",
        "Area" | "Country" => "DE",
        "PostalCode" => "10115",
        "Currency" => "USD",
        "TaxRate" => "19",
        "Category" => "lamps",
        "Sku" => "LANTERN-1",
        "Username" => "ada",
        "PaymentMethod" => "pm_card_visa",
        "ShippingMethod" => "standard",
        "TrackingNumber" => "JD0146",
        _ => "Lantern",
    }
}

/// An instance of a schema with all its members. `name` is that of its definition, or of the member.
fn instance(schema: &Value, name: &str, definitions: &Value) -> Value {
    if let Some(definition) = schema["$ref"].as_str().and_then(|link| link.strip_prefix("#/$defs/")) {
        return instance(&definitions[definition], definition, definitions);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return instance(choices.iter().find(|one| one["type"] != "null").expect("a value"), name, definitions);
    }
    if let Some(members) = schema["properties"].as_object() {
        return members.iter().map(|(name, member)| (name.clone(), instance(member, name, definitions))).collect();
    }
    if schema["items"].is_object() {
        return json!([instance(&schema["items"], name, definitions)]);
    }
    let word = schema["oneOf"][0]["const"].as_str().or_else(|| schema["enum"][0].as_str());
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match (word, schema["format"].as_str(), kind) {
        (Some(word), ..) => json!(word),
        (_, Some("uuid"), _) => json!(Uuid::from_u128(7)),
        (_, Some("date-time"), _) => json!(sample_time()),
        (.., Some("string")) if name.ends_with("_at") => json!(sample_time()),
        (.., Some("string")) => json!(text(name)),
        (.., Some("boolean")) => json!(true),
        _ => json!(7),
    }
}

/// An event of this type as a writer of today publishes it, with every optional member.
pub fn event(row: &'static catalog::Event) -> Value {
    let schemas = domain::event::schemas();
    let schema = schemas.into_iter().find(|(name, _)| *name == row.name).expect("a schema").1.to_value();
    json!({
        "specversion": "1.0",
        "id": Uuid::nil(),
        "source": row.context.source(),
        "type": row.name,
        "subject": Uuid::nil(),
        "time": sample_time(),
        "sequence": 1,
        "correlationid": Uuid::nil(),
        "data": instance(&schema, "", &schema["$defs"]),
    })
}

#[test]
fn event_with_members_added_at_every_depth_is_read_as_if_it_had_none() {
    let mut depths = 0;
    for row in catalog::EVENTS {
        let today = event(row);
        let mut newer = today.clone();
        depths += extend(&mut newer) - 1;
        let read = |event: Value| {
            serde_json::from_value::<CloudEvent<DomainEvent>>(event)
                .unwrap_or_else(|cause| panic!("{}: {cause}", row.name))
        };
        assert_eq!(read(newer), read(today), "{}", row.name);
    }
    assert!(depths > 2 * catalog::EVENTS.len(), "the samples have objects within objects");
}

#[test]
fn schemas_of_events_allow_members_that_they_do_not_name() {
    for (name, schema) in domain::event::schemas() {
        let text = schema.to_value().to_string();
        assert!(!text.contains("\"additionalProperties\":false"), "{name}");
    }
}
