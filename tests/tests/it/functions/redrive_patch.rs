//! Dead letters whose events are edited before they go back to their queue.

use super::{
    ORDER,
    http::assert_responses,
    operators::{A, B, audit, dead_letter, handle_redrive, platform_with, redrive},
    sample,
};
use domain::{DomainEvent, event_patch::EventPatch, queue::DeadMessage};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::Platform;

/// A redrive with this patch.
fn with(patch: &Value) -> String {
    format!("set /body/patch = {patch}")
}

/// The events that were sent, without the envelopes.
fn sent(platform: &Platform) -> Vec<Value> {
    platform.queues().sent().iter().map(|(_, body, _)| serde_json::from_str(body).expect("JSON")).collect()
}

/// A dead letter with its event changed by `change`.
fn changed(id: &str, change: impl FnOnce(&mut Value)) -> DeadMessage {
    let mut body: Value = serde_json::from_str(&dead_letter(id).body).expect("JSON");
    change(&mut body["detail"]);
    DeadMessage { body: body.to_string(), ..dead_letter(id) }
}

#[tokio::test]
async fn event_is_sent_as_the_patch_edits_it() {
    let platform = platform_with(&[A]);
    let stringly = changed(B, |event| event["data"]["lines"][0]["quantity"] = json!("2"));
    platform.queues().put(catalog::STOCK_RESERVE.name, stringly);
    let patch = json!([
        { "op": "replace", "path": "/data/lines/0/quantity", "value": 2 },
        { "op": "replace", "path": "/data/shipping_address/city", "value": "Alameda" },
    ]);
    let done = redrive(&platform, &with(&patch)).await;
    assert_eq!((&done["redriven"], &done["message_ids"]), (&json!(2), &json!([A, B])));
    assert_eq!((&done["refused"], &done["edited"]), (&json!([]), &json!([])));
    for event in sent(&platform) {
        assert_eq!((&event["type"], &event["data"]["order_id"]), (&json!("OrderPlaced.v1"), &json!(ORDER)));
        assert_eq!(event["data"]["lines"][0]["quantity"], 2);
        let address = &event["data"]["shipping_address"];
        assert_eq!((&address["city"], &address["line1"]), (&json!("Alameda"), &json!("1 Harbour Way")));
    }
}

#[tokio::test]
async fn message_that_the_patch_does_not_fit_stays_with_the_reason() {
    let platform = platform_with(&[A]);
    let other = changed(B, |event| event["data"]["lines"][0]["quantity"] = json!(3));
    platform.queues().put(catalog::STOCK_RESERVE.name, other);
    let patch = json!([
        { "op": "test", "path": "/data/lines/0/quantity", "value": 2 },
        { "op": "replace", "path": "/data/shipping_address/city", "value": "Alameda" },
    ]);
    let done = redrive(&platform, &with(&patch)).await;
    assert_eq!((&done["redriven"], &done["message_ids"]), (&json!(1), &json!([A, B])));
    let [refused] = &done["refused"].as_array().expect("a list")[..] else { panic!("{done}") };
    assert_eq!((&refused["message_id"], &refused["reason"]), (&json!(B), &json!("validation")));
    let detail = refused["detail"].as_str().expect("a text");
    assert!(detail.starts_with("/patch/0 does not apply: "), "{detail}");
    assert_eq!(audit(&platform).await[0]["outcome"], json!({ "matched": 2, "redriven": 1 }));
    assert_eq!(redrive(&platform, "ok").await["message_ids"], json!([B]), "it is visible again");
}

#[tokio::test]
async fn patch_that_makes_an_event_invalid_or_another_one_is_refused() {
    let replace = |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
    for (patch, detail) in [
        (
            json!([{ "op": "remove", "path": "/data/shipping_address/line1" }]),
            "/data/shipping_address/line1 is required",
        ),
        (
            replace("/data/shipping_address/country", json!("Utopia")),
            "/data/shipping_address/country must be a country code",
        ),
        (replace("/data/shipping_address/city", json!(7)), "/data/shipping_address/city must be a string"),
        (replace("/data/shipping_address/line1", Value::Null), "/data/shipping_address/line1 must be a string"),
        (replace("/type", json!("StockReleased.v1")), "/type must stay as it is"),
        (replace("/source", json!("quayside.payments")), "/source must stay as it is"),
        (replace("/id", json!(ORDER)), "/id must stay as it is"),
        (replace("/data/payment_method", json!("pm_card_other")), "/data/payment_method must stay as it is"),
        (replace("/data/total_amount/amount", json!(1)), "/data/total_amount/amount must stay as it is"),
        (replace("", json!(7)), "The document must stay as it is"),
    ] {
        let platform = platform_with(&[A]);
        let done = redrive(&platform, &with(&patch)).await;
        assert_eq!((&done["redriven"], &done["refused"][0]["message_id"]), (&json!(0), &json!(A)), "{patch}");
        let found = done["refused"][0]["detail"].as_str().expect("a text");
        assert!(found.starts_with(detail), "{patch}: {found}");
        assert!(platform.queues().sent().is_empty(), "{patch}");
    }
}

/// Pointers to all texts and numbers in `value`, each with another value of its kind.
fn forgeries(value: &Value, pointer: &str) -> Vec<(String, Value)> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| forgeries(member, &format!("{pointer}/{name}"))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(n, item)| forgeries(item, &format!("{pointer}/{n}"))).collect()
        }
        Value::Number(_) => vec![(pointer.to_owned(), json!(4_711))],
        Value::String(_) => vec![(pointer.to_owned(), json!("forged"))],
        Value::Null | Value::Bool(_) => vec![],
    }
}

/// An event of each consumer that has a queue of them.
fn events() -> impl Iterator<Item = Value> {
    let consumers = catalog::FUNCTIONS.iter().filter(|row| row.has_queue() && !row.consumes().is_empty());
    consumers.map(|consumer| {
        let message = &sample(consumer, "ok")["Records"][0]["body"];
        edge::extract_event(message.as_str().expect("a body")).expect("an event")
    })
}

#[test]
fn member_that_makes_an_event_invalid_is_named_by_its_pointer() {
    let mut named = BTreeSet::new();
    for event in events() {
        for (pointer, _) in forgeries(&event, "") {
            let mut wrong = event.clone();
            *wrong.pointer_mut(&pointer).expect("a member") = json!([]);
            // Members that no type has are ignored.
            let Err(failure) = edge::event_in::<DomainEvent>(&wrong.to_string()) else { continue };
            assert_eq!(failure.fields[0].pointer, pointer, "{}: {failure:?}", event["type"]);
            let words = ["sequence", "map", "variant", "struct"].map(|word| failure.fields[0].detail.contains(word));
            assert_eq!(words, [false; 4], "terms of serde: {failure:?}");
            named.insert((event["type"].to_string(), pointer));
        }
    }
    assert!(named.len() > 100, "{named:?}");
}

#[test]
fn texts_alone_can_be_edited_in_the_events_of_all_consumers() {
    let mut editable = BTreeSet::new();
    for event in events() {
        for (pointer, value) in forgeries(&event, "") {
            let patch = json!([{ "op": "replace", "path": pointer, "value": value }]);
            let patch: EventPatch = serde_json::from_value(patch).expect("a patch");
            if patch.apply(&event).is_ok() {
                editable.extend(pointer.rsplit('/').next().map(str::to_owned));
            }
        }
    }
    let expected = [
        "city",
        "country",
        "full_name",
        "line1",
        "name",
        "postal_code",
        "product_name",
        "reason",
        "region",
        "subject",
        "template",
        "text",
        "username",
    ];
    assert!(editable.iter().eq(expected), "{editable:?}");
}

#[tokio::test]
async fn body_that_is_no_json_cannot_be_edited() {
    let platform = platform_with(&[]);
    let unreadable = DeadMessage { body: "Ada Lovelace, 1 Pier".to_owned(), ..dead_letter(A) };
    platform.queues().put(catalog::STOCK_RESERVE.name, unreadable);
    let done = redrive(&platform, &with(&json!([{ "op": "add", "path": "/a", "value": 1 }]))).await;
    assert_eq!((&done["redriven"], &done["refused"][0]["reason"]), (&json!(0), &json!("unreadable")));
    assert!(!done.to_string().contains("Ada"), "{done}");
}

#[tokio::test]
async fn dry_run_shows_the_edited_events_without_personal_data_and_moves_nothing() {
    let platform = platform_with(&[]);
    let stringly = changed(A, |event| event["data"]["lines"][0]["quantity"] = json!("2"));
    platform.queues().put(catalog::STOCK_RESERVE.name, stringly);
    platform.queues().put(catalog::STOCK_RESERVE.name, changed(B, |event| event["data"]["lines"] = json!([])));
    let patch = json!([{ "op": "replace", "path": "/data/lines/0/quantity", "value": 2 }]);
    let dry = redrive(&platform, &format!("{}; set /body/dry_run = true", with(&patch))).await;
    let [edited] = &dry["edited"].as_array().expect("a list")[..] else { panic!("{dry}") };
    assert_eq!((&edited["message_id"], &edited["event"]["data"]["lines"][0]["quantity"]), (&json!(A), &json!(2)));
    assert_eq!((&dry["action_id"], &dry["refused"][0]["message_id"]), (&Value::Null, &json!(B)));
    assert!(!dry.to_string().contains("Harbour"), "{dry}");
    assert!(platform.queues().sent().is_empty());
    assert_eq!(audit(&platform).await, json!([]));
    assert_eq!(redrive(&platform, "ok").await["message_ids"], json!([A, B]), "they are visible again");
}

#[tokio::test]
async fn audit_has_the_operations_of_a_patch_without_their_values() {
    let platform = platform_with(&[A]);
    let patch = json!([{ "op": "add", "path": "/data/shipping_address/name", "value": "Ada" }]);
    redrive(&platform, &with(&patch)).await;
    let audited = audit(&platform).await;
    let expected = json!([{ "op": "add", "path": "/data/shipping_address/name" }]);
    assert_eq!(audited[0]["request"]["patch"], expected);
}

#[tokio::test]
async fn wrong_patch_is_named() {
    let no_events =
        r#"set /pathParameters/name = "email-feedback-track"; set /body/patch = [{"op": "remove", "path": "/a"}]"#;
    let expected = [
        ("set /body/patch = []", 422, "validation", "/patch"),
        (r#"set /body/patch = [{"op": "merge", "path": "/a"}]"#, 422, "validation", "/patch"),
        (r#"set /body/patch = [{"op": "remove", "path": "a"}]"#, 422, "validation", "/patch"),
        (r#"set /body/patch = [{"op": "copy", "from": "/data/user_id", "path": "/a"}]"#, 422, "validation", "/patch"),
        (r#"set /body/patch = {"op": "remove", "path": "/a"}"#, 422, "validation", "/patch"),
        (no_events, 422, "validation", "/patch"),
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("bad_no_reason", 422, "validation", "/reason"),
    ];
    let platform = platform_with(&[]);
    assert_responses(catalog::QUEUE_REDRIVE, &expected, async |_, call| handle_redrive(&platform, call).await).await;
}
