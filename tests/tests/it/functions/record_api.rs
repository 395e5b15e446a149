//! Sources of records, and the HTTP API of records.

use super::{assert_all_samples_run, clock, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use adapters_schemas::JsonSchemas;
use catalog::{
    Function, RECORD_CREATE, RECORD_GET, RECORD_LIST, RECORD_ROLLUP_LIST, SOURCE_CLOSE, SOURCE_CREATE, SOURCE_GET,
    SOURCE_LIST, SOURCE_SCHEMA_ADD,
};
use domain::record::{Record, RecordId};
use edge::http::{Body, Call, Reply};
use kernel::{Failure, Uuid};
use ports::{RecordWriter as _, SourceStore as _};
use serde::Serialize;
use serde_json::{Value, json};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

const CUSTOMER: &str = r#"set /requestContext/authorizer/lambda/role = "customer""#;
/// Another service client than that of the samples.
const STRANGER: &str =
    r#"set /requestContext/authorizer/lambda = {"role": "service", "sub": "0192f0c1-0000-7000-8000-0000000000f2"}"#;
const STAFF: &str =
    r#"set /requestContext/authorizer/lambda = {"role": "staff", "sub": "0192f0c1-0000-7000-8000-000000000002"}"#;
/// How many records may wait, where a test does not say.
const BACKLOG: u64 = 200_000;

/// The response to a sample.
async fn respond<B: Body, T: Serialize>(
    function: &'static Function,
    case: &str,
    handler: impl AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
) -> Value {
    let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
    let mut response = edge::http::respond(&route, sample(function, case), &clock(), &handler).await;
    response["body"] = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
    response
}

/// A platform with the source of the samples.
async fn platform() -> Platform {
    let platform = Platform::new();
    let created = respond(SOURCE_CREATE, "ok", async |call| create_source(&platform, call).await).await;
    assert_eq!(created["statusCode"], 201, "{created}");
    platform
}

pub(crate) async fn create_source(
    platform: &Platform,
    call: Call<domain::source::CreateSource>,
) -> Result<Reply<api::SourceView>, Failure> {
    source_create::handle(&platform.sources(), &JsonSchemas::default(), call).await
}

pub(crate) async fn add_schema(
    platform: &Platform,
    call: Call<domain::source::AddSchema>,
) -> Result<Reply<api::SourceView>, Failure> {
    source_schema_add::handle(&platform.sources(), &platform.records(), &JsonSchemas::default(), call).await
}

pub(crate) async fn create(
    platform: &Platform,
    backlog: u64,
    call: Call<domain::record_batch::SendRecords>,
) -> Result<Reply<api::AcceptedRecordsView>, Failure> {
    let (schemas, log) = (JsonSchemas::default(), platform.record_topic());
    record_create::handle(&platform.sources(), &log, &schemas, backlog, call).await
}

/// Writes what is on the topic, as `record-write` does.
async fn write(platform: &Platform) -> Vec<Record> {
    let (records, ends) = (platform.record_topic().records(), ports::RecordLog::ends(&platform.record_topic()));
    platform.records().write(&records, &ends).await.expect("written");
    records
}

#[tokio::test]
async fn records_are_accepted_together_or_refused_with_every_error() {
    let platform = platform().await;
    let expected = [
        ("bad_payload", 422, "validation", "/records/1/payload/temperature"),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        ("remove /body/payload", 422, "validation", "/payload"),
        (r#"set /body/unknown = 1"#, 422, "validation", "/unknown"),
        (r#"set /body/payload/humidity = 1"#, 422, "validation", "/payload/humidity"),
        (r#"set /body/recorded_at = "2025-11-21T08:48:00Z""#, 422, "validation", "/recorded_at"),
        (r#"set /body/source = "cellar""#, 404, "not-found", "/source"),
        (STRANGER, 404, "not-found", "/source"),
        (CUSTOMER, 403, "forbidden", ""),
        ("ok", 202, "", ""),
        ("ok_batch", 202, "", ""),
        (STAFF, 202, "", ""),
    ];
    assert_responses(RECORD_CREATE, &expected, async |_, call| create(&platform, BACKLOG, call).await).await;
    let records = platform.record_topic().records();
    assert_eq!(records.len(), 4);
    assert!(records.iter().all(|record| record.schema_version == 1 && record.received_at == sample_time()));
}

#[tokio::test]
async fn repeated_request_has_the_same_ids_and_another_body_under_its_key_is_refused() {
    let platform = platform().await;
    let send = async |case| respond(RECORD_CREATE, case, async |call| create(&platform, BACKLOG, call).await).await;
    let (first, again) = (send("ok_batch").await, send("ok_batch").await);
    assert_eq!((&first["body"], first["body"]["accepted"].as_u64()), (&again["body"], Some(2)));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    assert_eq!(first["headers"].get("idempotent-replayed"), None);
    let other = send(r#"set /body/payload/temperature = 3; set /headers/idempotency-key = "one-key""#).await;
    assert_eq!(other["statusCode"], 202);
    let reused = send(r#"set /body/payload/temperature = 4; set /headers/idempotency-key = "one-key""#).await;
    assert_eq!(reused["body"]["type"], "/problems/idempotency-key-reused");
    assert_eq!(platform.record_topic().records().len(), 5, "the repeated ones are on the topic twice");
    write(&platform).await;
    assert_eq!(platform.records().all().len(), 3);
}

#[tokio::test]
async fn request_during_an_outage_of_kafka_is_accepted_when_it_is_repeated() {
    let platform = platform().await;
    let send = async || respond(RECORD_CREATE, "ok", async |call| create(&platform, BACKLOG, call).await).await;
    platform.faults().take_down(Dependency::Log);
    let refused = send().await;
    assert_eq!(refused["statusCode"], 503);
    assert!(refused["headers"]["retry-after"].is_string(), "{refused}");
    platform.faults().restore(Dependency::Log);
    assert_eq!(send().await["statusCode"], 202);
    assert_eq!(write(&platform).await.len(), 1);
}

#[tokio::test]
async fn request_during_an_outage_of_postgresql_is_accepted_when_it_is_repeated() {
    let platform = platform().await;
    let send = async || respond(RECORD_CREATE, "ok_batch", async |call| create(&platform, BACKLOG, call).await).await;
    // The second time PostgreSQL keeps the key, and its answer is lost.
    for point in [FaultPoint::Before, FaultPoint::After] {
        platform.faults().fail(Dependency::Database, Occurrence::Nth(1), point);
        let refused = send().await;
        assert_eq!((&refused["statusCode"], &refused["body"]["type"]), (&json!(503), &json!("/problems/unavailable")));
        assert!(refused["headers"]["retry-after"].is_string(), "{refused}");
        assert_eq!(platform.record_topic().records(), [], "nothing is on the topic of what was refused");
        platform.faults().restore(Dependency::Database);
    }
    let accepted = send().await;
    assert_eq!((&accepted["statusCode"], &accepted["body"]["accepted"]), (&json!(202), &json!(2)), "{accepted}");
    let written: Vec<String> = write(&platform).await.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(accepted["body"]["ids"], json!(written));
    assert_eq!(platform.records().all().len(), 2);
}

#[tokio::test]
async fn nothing_is_accepted_while_more_records_wait_than_the_limit() {
    let platform = platform().await;
    let send = async |case| respond(RECORD_CREATE, case, async |call| create(&platform, 1, call).await).await;
    assert_eq!(send("ok_batch").await["statusCode"], 202);
    let refused = send("ok").await;
    assert_eq!((&refused["statusCode"], &refused["body"]["type"]), (&json!(503), &json!("/problems/backlog-full")));
    assert_eq!(refused["headers"]["retry-after"], "10");
    assert_eq!(platform.record_topic().records().len(), 2);
    write(&platform).await;
    assert_eq!(send("ok").await["statusCode"], 202, "the key of a refused request is free for the same body");
}

#[tokio::test]
async fn record_is_read_by_those_that_may_through_a_cache_that_may_fail() {
    let platform = platform().await;
    respond(RECORD_CREATE, "ok", async |call| create(&platform, BACKLOG, call).await).await;
    assert_all_samples_run(RECORD_GET, &["ok", "bad_id"]);
    let id = platform.record_topic().records()[0].id;
    let of = |case: &str| format!("set /pathParameters/id = \"{id}\"; {case}");
    let read = async |case: &str| {
        let handler =
            async |call| record_get::handle(&platform.records(), &platform.cache(), &platform.records(), call).await;
        respond(RECORD_GET, &of(case), handler).await
    };
    let mine = r#"set /requestContext/authorizer/lambda/role = "service""#;
    assert_eq!(read(mine).await["statusCode"], 404, "it is not written yet");
    write(&platform).await;
    assert_eq!(read(mine).await["statusCode"], 404, "that is cached");
    platform.cache().advance(2);
    let found = read(mine).await;
    assert_eq!(found["body"]["payload"], json!({ "temperature": 21.5, "unit": "C" }));
    assert_eq!(found["body"]["recorded_at"], "2026-11-21T08:47:00Z");
    for (case, status) in [(STAFF, 200), (STRANGER, 404), (CUSTOMER, 403)] {
        assert_eq!(read(case).await["statusCode"], status, "{case}");
    }
    platform.faults().take_down(Dependency::Database);
    assert_eq!(read(mine).await["statusCode"], 200, "it is cached");
    platform.faults().take_down(Dependency::Cache);
    assert_eq!(read(mine).await["statusCode"], 503);
    platform.faults().restore(Dependency::Database);
    assert_eq!(read(mine).await["statusCode"], 200);
}

#[tokio::test]
async fn records_of_an_archived_day_are_read_from_its_files_by_those_that_may() {
    let platform = platform().await;
    respond(RECORD_CREATE, "ok_batch", async |call| create(&platform, BACKLOG, call).await).await;
    let records = write(&platform).await;
    super::records::partition(&platform, 99).await.expect("archived");
    assert!(platform.records().all().is_empty());
    let of = |case: &str| format!("set /pathParameters/id = \"{}\"; {case}", records[0].id);
    for (case, status) in [(STAFF, 200), (STRANGER, 404)] {
        let handler =
            async |call| record_get::handle(&platform.records(), &platform.cache(), &platform.records(), call).await;
        assert_eq!(respond(RECORD_GET, &of(case), handler).await["statusCode"], status, "{case}");
    }
    let list = async |call| record_list::handle(&platform.records(), &platform.records(), call).await;
    let listed = respond(RECORD_LIST, "ok", list).await["body"].clone();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(records.len()), "{listed}");
}

#[tokio::test]
async fn record_get_responds_to_its_samples() {
    let platform = platform().await;
    let expected = [("ok", 404, "not-found", ""), ("bad_id", 404, "not-found", "")];
    let handler = async |_: &str, call| {
        record_get::handle(&platform.records(), &platform.cache(), &platform.records(), call).await
    };
    assert_responses(RECORD_GET, &expected, handler).await;
}

#[tokio::test]
async fn records_of_a_source_are_listed_newest_first_in_pages() {
    let platform = platform().await;
    respond(RECORD_CREATE, "ok_batch", async |call| create(&platform, BACKLOG, call).await).await;
    let mut records = write(&platform).await;
    records.sort_by_key(|record| std::cmp::Reverse(record.id));
    let list = async |call| record_list::handle(&platform.records(), &platform.records(), call).await;
    let expected = [
        ("bad_source", 422, "validation", "?source"),
        (r#"set /rawQueryString = "source=cellar""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "source=greenhouse&cursor=x""#, 422, "validation", "?cursor"),
        (r#"set /rawQueryString = "source=greenhouse&from=2026-01-01T00:00:00Z""#, 422, "validation", "?from"),
        (STRANGER, 404, "not-found", ""),
        (CUSTOMER, 403, "forbidden", ""),
        ("ok", 200, "", ""),
    ];
    assert_responses(RECORD_LIST, &expected, async |_, call| list(call).await).await;
    let page = async |query: &str| {
        let found = respond(RECORD_LIST, &format!("set /rawQueryString = \"{query}\""), list).await["body"].clone();
        let ids = found["items"].as_array().expect("items").iter().map(|item| item["id"].clone());
        (ids.collect::<Vec<_>>(), found["next_cursor"].clone())
    };
    let (newest, cursor) = page("source=greenhouse&limit=1").await;
    let (oldest, end) = page(&format!("source=greenhouse&limit=1&cursor={}", cursor.as_str().expect("a cursor"))).await;
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    assert_eq!([newest, oldest].concat(), ids.iter().map(|id| json!(id)).collect::<Vec<_>>());
    assert_eq!(end, Value::Null);
    assert_eq!(page("source=greenhouse&to=2026-11-21T08:47:00Z").await.0, Vec::<Value>::new());
}

#[tokio::test]
async fn hours_of_a_source_have_its_records_and_their_bytes() {
    let platform = platform().await;
    respond(RECORD_CREATE, "ok_batch", async |call| create(&platform, BACKLOG, call).await).await;
    write(&platform).await;
    let list = async |call| record_rollup_list::handle(&platform.records(), call).await;
    let expected = [
        ("bad_span", 422, "validation", "?to"),
        (r#"set /pathParameters/name = "cellar""#, 404, "not-found", ""),
        (STRANGER, 404, "not-found", ""),
        (CUSTOMER, 403, "forbidden", ""),
        ("ok", 200, "", ""),
    ];
    assert_responses(RECORD_ROLLUP_LIST, &expected, async |_, call| list(call).await).await;
    let found = respond(RECORD_ROLLUP_LIST, "ok", list).await;
    let bytes = [r#"{"temperature":21.5,"unit":"C"}"#, r#"{"temperature":21.75,"unit":"C"}"#].concat().len();
    let expected = json!([{ "hour": "2026-11-21T08:00:00Z", "records": 2, "bytes": bytes }]);
    assert_eq!(found["body"]["items"], expected);
}

#[tokio::test]
async fn source_is_created_once_with_a_self_contained_schema() {
    let platform = Platform::new();
    let expected = [
        ("bad_schema", 422, "validation", "/schema/type"),
        (r#"set /body/schema = {"$ref": "https://example.com/x"}"#, 422, "validation", "/schema"),
        (r#"set /body/schema = true"#, 422, "validation", "/schema"),
        (r#"set /body/schema/$schema = "http://json-schema.org/draft-07/schema#""#, 422, "validation", "/schema"),
        (r#"set /body/name = "Green house""#, 422, "validation", "/name"),
        (r#"set /body/writers = ["x"]"#, 422, "validation", "/writers/0"),
        (r#"set /requestContext/authorizer/lambda/role = "service""#, 403, "forbidden", ""),
        ("ok", 201, "", ""),
        ("ok", 409, "source-exists", ""),
    ];
    assert_responses(SOURCE_CREATE, &expected, async |_, call| create_source(&platform, call).await).await;
}

#[tokio::test]
async fn repeated_creation_of_a_source_gets_the_first_response() {
    let platform = Platform::new();
    let send = async |case: &str| respond(SOURCE_CREATE, case, async |call| create_source(&platform, call).await).await;
    let keyed = r#"set /headers/idempotency-key = "one-key""#;
    let (first, again) = (send(keyed).await, send(keyed).await);
    assert_eq!((&first["statusCode"], &again["statusCode"]), (&json!(201), &json!(201)), "{again}");
    assert_eq!((&again["body"], &again["headers"]["location"]), (&first["body"], &first["headers"]["location"]));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    let other = send(r#"set /headers/idempotency-key = "one-key"; set /body/name = "cellar""#).await;
    assert_eq!(other["body"]["type"], "/problems/idempotency-key-reused");
    let taken = r#"set /headers/idempotency-key = "another-key""#;
    assert_eq!(send(taken).await["body"]["type"], "/problems/source-exists");
    let replayed = send(taken).await;
    assert_eq!((&replayed["statusCode"], &replayed["headers"]["idempotent-replayed"]), (&json!(409), &json!("true")));
}

#[tokio::test]
async fn source_is_read_by_staff_and_its_clients_and_listed_for_staff() {
    let platform = platform().await;
    let mine =
        r#"set /requestContext/authorizer/lambda = {"role": "service", "sub": "0192f0c1-0000-7000-8000-0000000000f1"}"#;
    let expected = [
        ("bad_name", 404, "not-found", ""),
        (r#"set /pathParameters/name = "cellar""#, 404, "not-found", ""),
        (STRANGER, 404, "not-found", ""),
        (CUSTOMER, 403, "forbidden", ""),
        (mine, 200, "", ""),
        ("ok", 200, "", ""),
    ];
    let get = async |_: &str, call| source_get::handle(&platform.sources(), call).await;
    assert_responses(SOURCE_GET, &expected, get).await;
    let expected = [("bad_limit", 422, "validation", "?limit"), (mine, 403, "forbidden", ""), ("ok", 200, "", "")];
    let list = async |call| source_list::handle(&platform.sources(), call).await;
    assert_responses(SOURCE_LIST, &expected, async |_, call| list(call).await).await;
    let listed = respond(SOURCE_LIST, "ok", list).await;
    assert_eq!(listed["body"]["items"][0]["name"], "greenhouse");
}

#[tokio::test]
async fn next_version_of_a_schema_admits_the_records_of_late_or_is_called_breaking() {
    let platform = platform().await;
    respond(RECORD_CREATE, "ok", async |call| create(&platform, BACKLOG, call).await).await;
    write(&platform).await;
    let strict = r#"set /body/schema = {"required": ["humidity"]}"#;
    let breaking = r#"set /body/schema = {"required": ["humidity"]}; set /body/breaking = true"#;
    let expected = [
        ("bad_reference", 422, "validation", "/schema"),
        (r#"set /pathParameters/name = "cellar""#, 404, "not-found", ""),
        (CUSTOMER, 403, "forbidden", ""),
        (strict, 409, "schema-breaking", ""),
        ("ok", 200, "", ""),
        ("ok", 200, "", ""),
        (breaking, 200, "", ""),
    ];
    assert_responses(SOURCE_SCHEMA_ADD, &expected, async |_, call| add_schema(&platform, call).await).await;
    let name = domain::record::SourceName::parse("greenhouse").expect("a name");
    let source = platform.sources().source(&name).await.expect("a response").expect("a source");
    assert_eq!(source.schema_version, 3, "the version that was sent again is no other");
    let sent = async |case| respond(RECORD_CREATE, case, async |call| create(&platform, BACKLOG, call).await).await;
    assert_eq!(sent("ok_batch").await["body"]["errors"][0]["pointer"], "/records/0/payload/humidity");
    assert_eq!(sent("set /body/payload/humidity = 40").await["statusCode"], 202);
    let versions: Vec<u32> = platform.record_topic().records().iter().map(|record| record.schema_version).collect();
    assert_eq!(versions, [1, 3]);
}

#[tokio::test]
async fn closed_source_takes_no_records_and_keeps_those_that_it_has() {
    let platform = platform().await;
    let sent = async |case| respond(RECORD_CREATE, case, async |call| create(&platform, BACKLOG, call).await).await;
    sent("ok").await;
    let expected = [
        ("bad_unknown", 404, "not-found", ""),
        (CUSTOMER, 403, "forbidden", ""),
        ("ok", 204, "", ""),
        ("ok", 204, "", ""),
    ];
    let close = async |_: &str, call| source_close::handle(&platform.sources(), call).await;
    assert_responses(SOURCE_CLOSE, &expected, close).await;
    let refused = sent("ok_batch").await;
    assert_eq!((&refused["statusCode"], &refused["body"]["type"]), (&json!(409), &json!("/problems/source-closed")));
    assert_eq!(refused["body"]["errors"][1]["pointer"], "/records/1/source");
    let added = respond(SOURCE_SCHEMA_ADD, "ok", async |call| add_schema(&platform, call).await).await;
    assert_eq!(added["body"]["type"], "/problems/source-closed");
    // What waited to be written is written.
    write(&platform).await;
    let listed = respond(RECORD_LIST, "ok", async |call| {
        record_list::handle(&platform.records(), &platform.records(), call).await
    })
    .await;
    assert_eq!(listed["body"]["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(
        Uuid::parse_str(listed["body"]["items"][0]["id"].as_str().expect("an id")).map(|id| id.get_version_num()),
        Ok(7)
    );
}
