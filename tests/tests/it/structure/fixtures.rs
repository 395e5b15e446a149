//! Every function has fixtures, `events/<function>/ok.json` and at least one `bad_*.json`, that match its row of the catalog.

use super::{
    expect_none,
    sources::{directories, entries},
};
use catalog::{FUNCTIONS, Function, Trigger};
use serde_json::Value;
use std::fs;

/// Directory of the generated schemas, next to those of the functions.
const SCHEMAS: &str = "schemas";

fn cases(function: &str) -> Vec<String> {
    let directory = xtask::root().join("events").join(function);
    entries(&directory).iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
}

fn envelope(function: &str, case: &str) -> Result<Value, String> {
    let path = format!("events/{function}/{case}");
    let text = fs::read_to_string(xtask::root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))
}

#[test]
fn every_function_has_an_ok_fixture_and_a_bad_one() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let cases = cases(row.name);
        if !cases.iter().any(|case| case == "ok.json") {
            complaints.push(format!("events/{}/ok.json does not exist", row.name));
        }
        if !cases.iter().any(|case| case.starts_with("bad_") && case.ends_with(".json")) {
            complaints.push(format!("events/{} has no bad_*.json", row.name));
        }
    }
    expect_none(&complaints, "add the whole envelope as AWS sends it, and a test that runs it");
}

#[test]
fn fixtures_are_json_and_named_for_their_outcome() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        for case in cases(row.name) {
            if !(case.starts_with("ok") || case.starts_with("bad_")) || !case.ends_with(".json") {
                complaints.push(format!("events/{}/{case} is neither ok*.json nor bad_*.json", row.name));
            }
            complaints.extend(envelope(row.name, &case).err());
        }
    }
    expect_none(&complaints, "the envelope is JSON even if the body in it is not");
}

#[test]
fn every_fixture_directory_belongs_to_a_function() {
    let orphans = directories("events").into_iter().filter(|name| name != SCHEMAS && catalog::find(name).is_none());
    let complaints: Vec<_> = orphans.map(|name| format!("events/{name} belongs to no function")).collect();
    expect_none(&complaints, "delete it, or rename it with its function");
}

#[test]
fn ok_fixtures_match_the_trigger_of_their_row() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        match envelope(row.name, "ok.json") {
            Ok(found) => {
                complaints.extend(contradiction(row, &found).map(|why| format!("events/{}/ok.json: {why}", row.name)))
            }
            Err(problem) => complaints.push(problem),
        }
    }
    expect_none(&complaints, "correct the envelope, or the row in the catalog");
}

/// The first member of an envelope that contradicts the row.
fn contradiction(row: &Function, found: &Value) -> Option<String> {
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let differs = |pointer: &str, wanted: &str| {
        (text(pointer) != wanted).then(|| format!("{pointer} is {:?}, not {wanted:?}", text(pointer)))
    };
    match row.trigger {
        Trigger::Http { method, path, .. } => {
            let route = format!("{} {path}", method.name());
            differs("/version", "2.0")
                .or_else(|| differs("/routeKey", &route))
                .or_else(|| differs("/requestContext/routeKey", &route))
                .or_else(|| differs("/requestContext/http/method", method.name()))
        }
        Trigger::DefaultRoute => differs("/version", "2.0")
            .or_else(|| differs("/routeKey", "$default"))
            .or_else(|| differs("/requestContext/routeKey", "$default")),
        Trigger::Bus(_) | Trigger::Fanout(..) | Trigger::AllEvents => {
            let body: Value = serde_json::from_str(text("/Records/0/body")).unwrap_or_default();
            let event = body["detail-type"].as_str().unwrap_or_default();
            let is_wanted = row.consumes().iter().any(|wanted| wanted.name == event);
            differs("/Records/0/eventSource", "aws:sqs")
                .or_else(|| ends_with(text("/Records/0/eventSourceARN"), row.name))
                .or_else(|| (!is_wanted).then(|| format!("the row does not consume {event:?}")))
        }
        Trigger::ExternalTopic(_) => differs("/Records/0/eventSource", "aws:sqs")
            .or_else(|| ends_with(text("/Records/0/eventSourceARN"), row.name)),
        Trigger::Stream(stream, _) => differs("/Records/0/eventSource", "aws:kinesis")
            .or_else(|| ends_with(text("/Records/0/eventSourceARN"), stream.name)),
        Trigger::TableChanges(table) => differs("/Records/0/eventSource", "aws:dynamodb").or_else(|| {
            let arn = text("/Records/0/eventSourceARN");
            ends_with(arn.split("/stream/").next().unwrap_or_default(), table.name)
        }),
        Trigger::Objects(bucket, prefix) => differs("/Records/0/eventSource", "aws:s3").or_else(|| {
            let (name, key) = (text("/Records/0/s3/bucket/name"), text("/Records/0/s3/object/key"));
            let is_of_row = name.contains(&format!("-{}-", bucket.name)) && key.starts_with(prefix);
            (!is_of_row).then(|| format!("{key:?} in {name:?} does not invoke the function"))
        }),
        Trigger::Kafka(topics) => differs("/eventSource", "aws:kafka").or_else(|| {
            let batches = found["records"].as_object().into_iter().flatten();
            let mut named = batches.map(|(batch, _)| batch.rsplit_once('-').map_or("", |(topic, _)| topic));
            let unknown = named.find(|name| !topics.iter().any(|topic| topic.name == *name));
            unknown.map(|name| format!("the row does not read the topic {name:?}"))
        }),
        Trigger::Schedule { .. } => {
            differs("/detail-type", "Scheduled Event").or_else(|| ends_with(text("/resources/0"), row.name))
        }
        Trigger::Authorizer => differs("/type", "REQUEST"),
        Trigger::Operator => None,
    }
}

fn ends_with(arn: &str, name: &str) -> Option<String> {
    (!arn.ends_with(&format!("-{name}"))).then(|| format!("{arn:?} does not end with -{name}"))
}
