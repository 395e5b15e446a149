//! Requests to store records.

use super::*;
use crate::{id::ClientId, source::CreateSource};
use serde_json::json;

const CLIENT: Uuid = Uuid::from_u128(7);

fn now() -> Timestamp {
    "2026-11-21T08:48:00Z".parse().unwrap()
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey { scope: "client:record-create".into(), key: key.into(), fingerprint: "f".into() }
}

fn one(recorded_at: &str, temperature: Value) -> Value {
    json!({ "source": "greenhouse", "recorded_at": recorded_at, "payload": { "temperature": temperature } })
}

fn parse(body: Value) -> Result<Batch, Failure> {
    serde_json::from_value::<SendRecords>(body).unwrap().parse(&key("k"), now())
}

fn pointers(failure: &Failure) -> Vec<&str> {
    failure.fields.iter().map(|field| field.pointer.as_str()).collect()
}

fn source(name: &str) -> Source {
    let command = json!({ "name": name, "writers": [CLIENT], "schema": {} });
    Source::create(serde_json::from_value::<CreateSource>(command).unwrap(), now())
}

/// Temperatures must be numbers.
fn violations(_: &SchemaOf, _: &PayloadSchema, payload: &Map<String, Value>) -> Result<Vec<FieldError>, Failure> {
    let is_right = payload["temperature"].is_number();
    let error = || FieldError { pointer: "/temperature".into(), detail: "must be of type number".into() };
    Ok((!is_right).then(error).into_iter().collect())
}

fn accept(body: Value, sources: &[Source], role: &str) -> Result<Vec<Record>, Failure> {
    parse(body)?.accept(sources, (CLIENT, role), &violations, now())
}

#[test]
fn single_record_and_list_are_two_forms_of_one_request() {
    let single = parse(one("2026-11-21T08:47:00Z", json!(1))).unwrap();
    let list = parse(json!({ "records": [one("2026-11-21T08:47:00Z", json!(1))] })).unwrap();
    assert_eq!((single.ids(), single.sources()), (list.ids(), list.sources()));
    let both = json!({ "records": [], "source": "greenhouse" });
    assert_eq!(pointers(&parse(both).unwrap_err()), ["/source"]);
    for (body, pointer) in [
        (json!({}), "/source"),
        (json!({ "source": "a", "recorded_at": "2026-11-21T08:47:00Z" }), "/payload"),
        (json!({ "records": [] }), "/records"),
        (json!({ "records": vec![one("2026-11-21T08:47:00Z", json!(1)); MAX_RECORDS + 1] }), "/records"),
    ] {
        assert_eq!(pointers(&parse(body).unwrap_err()), [pointer]);
    }
    assert!(parse(json!({ "records": vec![one("2026-11-21T08:47:00Z", json!(1)); MAX_RECORDS] })).is_ok());
}

#[test]
fn repeated_request_has_the_same_ids_and_every_other_has_others() {
    let body = || json!({ "records": vec![one("2026-11-21T08:47:00Z", json!(1)); 3] });
    let ids =
        |key: &IdempotencyKey| serde_json::from_value::<SendRecords>(body()).unwrap().parse(key, now()).unwrap().ids();
    let first = ids(&key("k"));
    assert_eq!(ids(&key("k")), first);
    let others = [
        key("l"),
        IdempotencyKey { scope: "other:record-create".into(), ..key("k") },
        IdempotencyKey { fingerprint: "g".into(), ..key("k") },
    ];
    let all: BTreeSet<_> = others.iter().flat_map(ids).chain(first).collect();
    assert_eq!(all.len(), 12);
}

#[test]
fn times_are_at_most_five_minutes_ahead_and_ninety_days_ago() {
    for (recorded_at, is_accepted) in [
        ("2026-11-21T08:53:00Z", true),
        ("2026-11-21T08:53:00.001Z", false),
        ("2026-08-23T08:48:00Z", true),
        ("2026-08-23T08:47:59.999Z", false),
        ("2025-11-21T08:48:00Z", false),
        ("2026-11-21T09:52:00+01:00", true),
        ("2027-11-21T08:48:00Z", false),
        ("yesterday", false),
        ("-009999-01-05T00:00:00Z", false),
        ("9999-01-01T00:00:00Z", false),
    ] {
        let parsed = parse(one(recorded_at, json!(1)));
        assert_eq!(parsed.is_ok(), is_accepted, "{recorded_at}");
        assert!(parsed.is_ok() || pointers(&parsed.unwrap_err()) == ["/recorded_at"], "{recorded_at}");
    }
}

#[test]
fn payload_has_at_most_16_kib_of_json() {
    let of = |length: usize| one("2026-11-21T08:47:00Z", json!("x".repeat(length)));
    let around = json!({ "temperature": "" }).to_string().len();
    assert!(parse(of(MAX_PAYLOAD_BYTES - around)).is_ok());
    let failure = parse(of(MAX_PAYLOAD_BYTES - around + 1)).unwrap_err();
    assert_eq!(pointers(&failure), ["/payload"]);
    assert!(failure.detail.contains("and has 16385"), "{}", failure.detail);
}

#[test]
fn every_error_of_a_request_is_named_and_nothing_is_accepted() {
    let wrong =
        json!({ "source": "Green house", "recorded_at": "2020-01-01T00:00:00Z", "payload": { "temperature": 1 } });
    let body = json!({ "records": [wrong, one("2026-11-21T08:47:00Z", json!(1)), one("x", json!(1))] });
    let failure = parse(body).unwrap_err();
    assert_eq!(pointers(&failure), ["/records/0/source", "/records/0/recorded_at", "/records/2/recorded_at"]);
    let body = json!({ "records": [one("2026-11-21T08:47:00Z", json!("hot")), one("2026-11-21T08:47:00Z", json!(1)), one("2026-11-21T08:47:00Z", json!(null))] });
    let failure = accept(body, &[source("greenhouse")], "service").unwrap_err();
    assert_eq!(pointers(&failure), ["/records/0/payload/temperature", "/records/2/payload/temperature"]);
    let many = json!({ "records": vec![one("x", json!(1)); 200] });
    let failure = parse(many).unwrap_err();
    assert_eq!(failure.fields.len(), MAX_ERRORS);
    assert!(failure.detail.starts_with("200 fields are invalid"), "{}", failure.detail);
}

#[test]
fn records_go_to_open_sources_that_list_the_client_or_are_sent_by_staff() {
    let body = || one("2026-11-21T08:47:00Z", json!(1));
    let foreign = Source { writers: vec![ClientId(Uuid::from_u128(8))].try_into().unwrap(), ..source("greenhouse") };
    for (sources, role, code) in [
        (vec![], "staff", "not-found"),
        (vec![source("cellar")], "staff", "not-found"),
        (vec![foreign.clone()], "service", "not-found"),
        (vec![source("greenhouse")], "customer", "not-found"),
        (vec![Source { status: SourceStatus::Closed, ..source("greenhouse") }], "staff", "source-closed"),
    ] {
        let failure = accept(body(), &sources, role).unwrap_err();
        assert_eq!((failure.code, pointers(&failure)), (code, vec!["/source"]));
    }
    for (source, role) in [(source("greenhouse"), "service"), (foreign.clone(), "staff"), (foreign, "admin")] {
        let source = Source { schema_version: 3, ..source };
        let [record] = accept(body(), &[source], role).unwrap().try_into().unwrap();
        assert_eq!((record.schema_version, record.received_at), (3, now()));
        assert_eq!(record.id.recorded_at(), "2026-11-21T08:47:00Z".parse().unwrap());
    }
}

#[test]
fn backlog_is_what_lies_between_the_ends_and_what_is_written() {
    let at = |partition, next_offset| Position { partition, next_offset };
    let ends = [at(0, 150), at(1, 60), at(2, 5)];
    // The writer may be ahead of what the process saw.
    let written = [at(0, 100), at(2, 900), at(3, 0)];
    assert_eq!(check_backlog(&ends, &written, 110), Ok(()));
    let failure = check_backlog(&ends, &written, 109).unwrap_err();
    assert_eq!((failure.code, failure.retry_after_s), ("backlog-full", Some(BACKLOG_RETRY_S)));
    assert_eq!(check_backlog(&[], &[], 0), Ok(()));
}
