//! Records that no sensor should send, and some that they do.

use super::routes::Api;
use catalog::{RECORD_CREATE, RECORD_GET, RECORD_LIST, SOURCE_CREATE, SOURCE_SCHEMA_ADD};
use serde_json::{Value, json};

async fn api() -> Api {
    let api = Api::new();
    assert_eq!(api.sample(SOURCE_CREATE, "ok").await.status, 201);
    api
}

/// Status, code and first pointer of the response to a body, as its text.
async fn send(api: &Api, body: &str) -> (u16, String, String) {
    let mut event = crate::functions::sample(RECORD_CREATE, "ok");
    event["body"] = json!(body);
    event["headers"]["idempotency-key"] = json!(format!("k-{:x}", body.len()));
    let answer = api.send(RECORD_CREATE, event).await;
    (answer.status, answer.code().to_owned(), answer.pointer().to_owned())
}

fn record(recorded_at: &str, payload: &str) -> String {
    format!(r#"{{"source":"greenhouse","recorded_at":"{recorded_at}","payload":{payload}}}"#)
}

const NOW: &str = "2026-11-21T08:48:00Z";

#[tokio::test]
async fn records_that_no_sensor_should_send_are_refused_with_a_pointer() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40));
    let long = format!(r#"{{"temperature":1,"unit":"{}"}}"#, "C".repeat(17_000));
    let many = vec![record(NOW, r#"{"temperature":1}"#); 501].join(",");
    for (body, status, code, pointer) in [
        (record("2025-11-21T08:48:00Z", r#"{"temperature":1}"#), 422, "validation", "/recorded_at"),
        (record("2026-11-21T08:53:00.001Z", r#"{"temperature":1}"#), 422, "validation", "/recorded_at"),
        (record("+275760-09-13T00:00:00Z", r#"{"temperature":1}"#), 422, "validation", "/recorded_at"),
        (record("1795250880", r#"{"temperature":1}"#), 422, "validation", "/recorded_at"),
        (record(NOW, r#"{"temperature":NaN}"#), 400, "malformed-json", ""),
        (record(NOW, r#"{"temperature":Infinity}"#), 400, "malformed-json", ""),
        (record(NOW, r#"{"temperature":1e400}"#), 400, "malformed-json", ""),
        (record(NOW, r#"{"temperature":1e300}"#), 422, "validation", "/payload/temperature"),
        (record(NOW, r#"{"temperature":123456789012345678901234567890}"#), 422, "validation", "/payload/temperature"),
        (record(NOW, r#"{"temperature":1,"temperature":2}"#), 400, "duplicate-member", ""),
        (record(NOW, r#"{"temperature":"\u0000"}"#), 422, "validation", "/payload/temperature"),
        (record(NOW, r#"{"temperature":"21"}"#), 422, "validation", "/payload/temperature"),
        (record(NOW, r#"{"unit":"C"}"#), 422, "validation", "/payload/temperature"),
        (record(NOW, r#"{"temperature":1,"~/":1}"#), 422, "validation", "/payload/~0~1"),
        (record(NOW, "[]"), 422, "validation", "/payload"),
        (record(NOW, "null"), 422, "validation", "/payload"),
        (record(NOW, &deep), 400, "malformed-json", ""),
        (record(NOW, &long), 422, "validation", "/payload"),
        (record(NOW, &format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20))), 413, "body-too-large", ""),
        (format!(r#"{{"records":[{many}]}}"#), 422, "validation", "/records"),
        (r#"{"records":[]}"#.to_owned(), 422, "validation", "/records"),
        (r#"{"records":{}}"#.to_owned(), 422, "validation", "/records"),
        // A sequence stands for the members in order, as everywhere in this API.
        (r#"[]"#.to_owned(), 422, "validation", "/source"),
    ] {
        let api = api().await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(send(&api, &body).await, (status, code.to_owned(), pointer.to_owned()), "{shown}");
        assert_eq!(api.platform.record_topic().records(), [], "{shown}");
    }
}

#[tokio::test]
async fn one_bad_record_among_five_hundred_refuses_all_of_them() {
    let api = api().await;
    let mut records = vec![record(NOW, r#"{"temperature":1}"#); 499];
    records.insert(137, record(NOW, r#"{"temperature":"hot"}"#));
    let body = format!(r#"{{"records":[{}]}}"#, records.join(","));
    let expected = (422, "validation".to_owned(), "/records/137/payload/temperature".to_owned());
    assert_eq!(send(&api, &body).await, expected);
    assert_eq!(api.platform.record_topic().records(), []);
}

#[tokio::test]
async fn numbers_are_kept_as_doubles_and_whole_numbers_of_64_bits_exactly() {
    let api = api().await;
    assert_eq!(api.sample(SOURCE_SCHEMA_ADD, r#"set /body/schema = {}; set /body/breaking = true"#).await.status, 200);
    let sent = r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0.1,"d":1e300,"e":123456789012345678901234567890,"f":1.0,"g":5e-400}"#;
    assert_eq!(send(&api, &record(NOW, sent)).await.0, 202);
    let kept = &api.platform.record_topic().records()[0].payload;
    let expected: Value = json!({
        "a": 18_446_744_073_709_551_615_u64, "b": i64::MIN, "c": 0.1, "d": 1e300, "e": 1.234_567_890_123_456_8e29, "f": 1, "g": 0,
    });
    assert_eq!(Value::Object(kept.clone()), expected);
}

#[tokio::test]
async fn schemas_that_reach_out_or_cost_much_are_refused() {
    for (schema, pointer) in [
        (json!({ "$ref": "http://169.254.169.254/latest/meta-data" }), "/schema"),
        (json!({ "$ref": "file:///etc/passwd" }), "/schema"),
        (json!({ "$dynamicRef": "https://example.com/x#a" }), "/schema"),
        (json!({ "properties": { "a": { "pattern": "(a+)+\\1$" } } }), "/schema/properties/a/pattern"),
        (json!({ "properties": { "a": { "pattern": "(a{1000}){1000}" } } }), "/schema/properties/a/pattern"),
        (json!({ "$schema": "https://example.com/my-dialect" }), "/schema"),
        (json!({ "title": "x".repeat(70_000) }), "/schema"),
    ] {
        let (api, shown) = (Api::new(), schema.to_string().chars().take(100).collect::<String>());
        let mut event = crate::functions::sample(SOURCE_CREATE, "ok");
        event["body"] = json!(json!({ "name": "greenhouse", "schema": schema }).to_string());
        let answer = api.send(SOURCE_CREATE, event).await;
        assert_eq!((answer.status, answer.pointer()), (422, pointer), "{shown}: {}", answer.body);
    }
}

#[tokio::test]
async fn ids_and_cursors_that_are_none_are_refused() {
    let api = api().await;
    for id in ["7", "", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "%00", "../sources"] {
        let answer = api.sample(RECORD_GET, &format!("set /pathParameters/id = {}", json!(id))).await;
        assert_eq!((answer.status, answer.code()), (404, "not-found"), "{id}");
    }
    for cursor in ["x", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "%00"] {
        let query = json!(format!("source=greenhouse&cursor={cursor}"));
        let answer = api.sample(RECORD_LIST, &format!("set /rawQueryString = {query}")).await;
        assert_eq!((answer.status, answer.pointer()), (422, "?cursor"), "{cursor}");
    }
}
