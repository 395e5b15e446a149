//! Sample events of a new function: full envelopes, in the form that AWS sends.

use super::{Kind, Plan};
use crate::Result;
use catalog::Event;
use serde_json::{Value, json};
use std::{fs, path::Path};

// The same ids and time in every sample.
const ID: &str = "0192f0c1-0000-7000-8000-0000000000b1";
const USER: &str = "0192f0c1-0000-7000-8000-000000000001";
const CORRELATION: &str = "0192f0c1-0000-7000-8000-00000000c0de";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TIME: &str = "2026-11-21T08:48:00Z";
const TIME_MS: u64 = 1_795_250_880_000;

/// The valid sample and the invalid one, by name.
pub(super) fn samples(root: &Path, plan: &Plan) -> Result<Vec<(&'static str, Value)>> {
    let bad = plan.bad_case().0;
    match &plan.kind {
        Kind::Http { .. } => {
            let valid = request(plan, plan.has_body().then(|| json!({ "text": "hello" })));
            let mut invalid = valid.clone();
            match bad {
                "bad_unknown_field" => invalid["body"] = json!(r#"{"text": "hello", "unknown": true}"#),
                "bad_no_principal" => {
                    drop(invalid["requestContext"].as_object_mut().map(|context| context.remove("authorizer")))
                }
                _ => invalid["body"] = json!("not JSON"),
            }
            Ok(vec![("ok", valid), (bad, invalid)])
        }
        Kind::Queue { events } => {
            let records: Vec<_> = events
                .iter()
                .enumerate()
                .map(|(at, event)| Ok(record(plan, at, &body(root, event)?)))
                .collect::<Result<_>>()?;
            let mut mixed = vec![record(plan, events.len(), "this is not JSON")];
            mixed.extend(records.iter().cloned());
            Ok(vec![("ok", json!({ "Records": records })), (bad, json!({ "Records": mixed }))])
        }
    }
}

fn request(plan: &Plan, body: Option<Value>) -> Value {
    let Kind::Http { method, path, role, idempotent, .. } = &plan.kind else { return Value::Null };
    let names: Vec<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let raw = names.iter().fold(path.clone(), |raw, name| raw.replace(&format!("{{{name}}}"), ID));
    let mut headers = json!({
        "accept": "application/json",
        "host": "api.example.com",
        "traceparent": TRACE,
        "x-correlation-id": CORRELATION,
    });
    if *idempotent {
        headers["idempotency-key"] = json!(format!("0b9f7c1e-{}", plan.name));
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{} {path}", method.name()),
        "rawPath": raw,
        "rawQueryString": "",
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": method.name(),
                "path": raw,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{} {path}", method.name()),
            "stage": "$default",
            "time": "21/Nov/2026:08:48:00 +0000",
            "timeEpoch": TIME_MS,
        },
        "isBase64Encoded": false,
    });
    if !names.is_empty() {
        event["pathParameters"] = names.iter().map(|name| ((*name).to_owned(), json!(ID))).collect::<Value>();
    }
    if let Some(role) = role {
        event["headers"] = json!({});
        headers["authorization"] = json!("Bearer token");
        event["requestContext"]["authorizer"] = json!({ "lambda": { "sub": USER, "role": role } });
    }
    if let Some(body) = body {
        headers["content-type"] = json!("application/json");
        event["body"] = json!(body.to_string());
    }
    event["headers"] = headers;
    event
}

fn record(plan: &Plan, at: usize, body: &str) -> Value {
    json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-66197597{at:04}"),
        "receiptHandle": format!("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{at}"),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": TIME_MS.to_string(),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": (TIME_MS + 1).to_string(),
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:eu-west-1:123456789012:{}-dev-{}", catalog::PREFIX, plan.name),
        "awsRegion": "eu-west-1",
    })
}

/// The message of an event: copied from another consumer's valid sample, else with data to be filled in.
fn body(root: &Path, event: &Event) -> Result<String> {
    let directory = root.join("events");
    let entries = fs::read_dir(&directory).map_err(|error| format!("events: {error}"))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path().join("ok.json"))).collect();
    paths.sort();
    for path in paths {
        let sample: Value =
            fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        for record in sample["Records"].as_array().into_iter().flatten() {
            let Some(body) = record["body"].as_str() else { continue };
            let message: Value = serde_json::from_str(body).unwrap_or_default();
            if message["detail-type"] == event.name {
                return Ok(body.to_owned());
            }
        }
    }
    Ok(json!({
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": event.name,
        "source": event.context.source(),
        "account": "123456789012",
        "time": TIME,
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "specversion": "1.0",
            "id": "0192f0c1-0000-7000-8000-0000000e0001",
            "source": event.context.source(),
            "subject": ID,
            "time": TIME,
            "sequence": 1,
            "correlationid": CORRELATION,
            "traceparent": TRACE,
            "type": event.name,
            "data": { "replace": format!("with data that matches events/schemas/{}.json", event.name) },
        },
    })
    .to_string())
}
