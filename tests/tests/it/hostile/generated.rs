//! Generated requests: whatever JSON is sent to a route, the response is no 5xx, and a rejected request has written nothing.

use super::routes::Api;
use crate::functions::sample;
use catalog::{FUNCTIONS, Function, Trigger};
use futures_util::FutureExt;
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Map, Value, json};

fn routes() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|row| row.is_http()).copied()
}

/// Any JSON, with problematic values more often than by chance.
fn anything() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        " ",
        "\0",
        "\u{202e}x",
        "\u{212a}",
        "ﬁ",
        "-1",
        "1e999",
        "0192f0c1-0000-7000-8000-0000000000a1",
        "pm_card_visa",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&[0_i64, -1, 1, 2, i64::MAX, 100_000_001][..]).prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Every pointer into a document, from the root on.
fn pointers(value: &Value) -> Vec<String> {
    let below = |name: String, member: &Value| pointers(member).into_iter().map(move |rest| format!("/{name}{rest}"));
    let inner: Vec<String> = match value {
        Value::Object(members) => members.iter().flat_map(|(name, member)| below(name.clone(), member)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(i, item)| below(i.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    std::iter::once(String::new()).chain(inner).collect()
}

/// Replaces the member at the pointer that `choice` selects, or adds a member to the document.
fn spoilt(mut document: Value, choice: prop::sample::Index, value: Value) -> Value {
    let all = pointers(&document);
    let pointer = all[choice.index(all.len())].clone();
    match document.pointer_mut(&pointer) {
        Some(Value::Object(members)) if value.is_boolean() => drop(members.insert("unknown".to_owned(), value)),
        Some(member) => *member = value,
        None => {}
    }
    document
}

fn check(function: &'static Function, event: Value) -> Result<(), TestCaseError> {
    let api = Api::new();
    let before = api.state();
    let shown = event["body"].clone();
    let answer = api.send(function, event).now_or_never().expect("nothing waits");
    prop_assert!(answer.status < 500, "{} {}: {}", function.name, shown, answer.body);
    if answer.status >= 400 {
        let is_refusal_of_oauth = function.name == catalog::TOKEN_ISSUE.name && answer.body["error"].is_string();
        let media_type = if is_refusal_of_oauth { "application/json" } else { "application/problem+json" };
        prop_assert_eq!(answer.headers["content-type"].as_str(), Some(media_type));
        prop_assert_eq!(api.state(), before, "{} {} wrote something", function.name, shown);
    }
    Ok(())
}

/// Members of requests that take any JSON, and the gateway's events, of which those that nobody knows are ignored.
const ANY_JSON: [(&Function, &str); 5] = [
    (catalog::PAYMENT_WEBHOOK, ""),
    (catalog::RECORD_CREATE, "/payload"),
    (catalog::SOURCE_CREATE, "/schema"),
    (catalog::SOURCE_SCHEMA_ADD, "/schema"),
    (catalog::QUEUE_REDRIVE, "/patch"),
];

/// What serde derives for an enumeration takes an object with one member, which no contract has.
#[test]
fn object_in_place_of_a_text_is_refused_by_every_route() {
    for function in routes() {
        let event = sample(function, "ok");
        let Some(body) = event["body"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            continue;
        };
        for pointer in pointers(&body) {
            let Some(text) = body.pointer(&pointer).and_then(Value::as_str) else { continue };
            if ANY_JSON.iter().any(|(row, member)| row.name == function.name && pointer.contains(member)) {
                continue;
            }
            let (mut spoilt, mut event) = (body.clone(), event.clone());
            *spoilt.pointer_mut(&pointer).expect("a member") = json!({ text: null });
            event["body"] = spoilt.to_string().into();
            let answer = Api::new().send(function, event).now_or_never().expect("nothing waits");
            assert!((400..500).contains(&answer.status), "{} {spoilt}: {}", function.name, answer.body);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn generated_body_never_fails_a_route(choice in any::<prop::sample::Index>(), value in anything()) {
        for function in routes() {
            let mut event = sample(function, "ok");
            let body = event["body"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
            event["body"] = spoilt(body.unwrap_or(Value::Null), choice, value.clone()).to_string().into();
            check(function, event)?;
        }
    }

    #[test]
    fn generated_query_and_path_never_fail_a_route(text in any::<String>(), number in any::<i64>()) {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for function in routes() {
            let Trigger::Http { .. } = function.trigger else { continue };
            for query in [
                format!("cursor={encoded}"),
                format!("limit={number}&cursor={number}"),
                format!("from={encoded}&to={encoded}"),
                format!("cursor={number}-USD&order_id={encoded}"),
            ] {
                let mut event = sample(function, "ok");
                event["rawQueryString"] = query.into();
                if let Some(parameters) = event.get_mut("pathParameters").and_then(Value::as_object_mut) {
                    parameters.values_mut().for_each(|value| *value = json!(encoded));
                }
                check(function, event)?;
            }
        }
    }
}
