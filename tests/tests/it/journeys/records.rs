//! Records: a source, a service client that sends to it, and what can be read of it.

use super::operations::send_dead_letter;
use super::stack::{ApiClient, eventually, shared_stack, unique, var};
use domain::record::{Record, RecordId, SourceName};
use reqwest::Method;
use serde_json::{Value, json};

const DATA: &str = "/api/v1/data";

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().expect("text")
}

/// The id and the access token of a new service client.
async fn service_client(api: &ApiClient, admin: &str) -> (String, String) {
    let body = json!({ "name": unique("sensor") });
    let created = api.post("/api/v1/oauth/clients").token(admin).json(&body).send().await.expect(201);
    let (id, secret) = (text(&created, "id"), text(&created, "secret"));
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = api.post("/api/v1/oauth/token").text(&form);
    let issued = request.header("content-type", "application/x-www-form-urlencoded").send().await.expect(200);
    (id.to_owned(), text(&issued, "access_token").to_owned())
}

/// Puts a record of a source into the dead letters of `record-write`, as an outage of the database leaves it, and redrives it. Returns its id.
async fn redrive(api: &ApiClient, admin: &str, source: &str) -> RecordId {
    let now = edge::Clock::system().now();
    let id = RecordId::new(now, kernel::Ids::system().next().as_u128());
    let record = Record {
        id,
        source: SourceName::parse(source).expect("a name"),
        schema_version: 1,
        received_at: now,
        payload: json!({ "temperature": 20 }).as_object().cloned().expect("an object"),
    };
    let (marker, consumer) = (unique("outage"), catalog::RECORD_WRITE);
    let body = serde_json::to_string(&record).expect("JSON");
    let key = id.to_string();
    let notes = [("reason", "unavailable"), ("detail", &marker), ("record_id", "records-0-1"), ("key", &key)];
    send_dead_letter(consumer, &body, &notes).await;
    let list = format!("/api/v1/ops/dead-letters?queue={}&limit=100", consumer.name);
    let message = eventually("the dead letter is listed", async || {
        let listed = api.get(&list).token(admin).send().await.expect(200);
        listed["items"].as_array().into_iter().flatten().find(|item| item["detail"] == marker.as_str()).cloned()
    })
    .await;
    let path = format!("/api/v1/ops/queues/{}/redrive", consumer.name);
    let body = json!({ "reason": marker, "message_ids": [message["id"]] });
    let done = api.post(&path).token(admin).json(&body).send().await.expect(200);
    assert_eq!(done["redriven"], 1, "{done}");
    id
}

#[tokio::test]
async fn service_client_sends_records_and_reads_them_by_id_range_and_hour() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let admin = api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await;
    let ((id, sensor), (_, stranger)) = (service_client(&api, &admin).await, service_client(&api, &admin).await);
    let name = unique("greenhouse").to_ascii_lowercase();
    let schema = json!({ "properties": { "temperature": { "type": "number" } }, "required": ["temperature"] });
    let source = json!({ "name": name, "writers": [id], "schema": schema });
    let sources = format!("{DATA}/sources");
    api.post(&sources).token(&admin).json(&source).send().await.expect(201);
    api.post(&sources).token(&admin).json(&source).send().await.problem(409, "source-exists");

    let now = kernel::Timestamp::from_second(edge::Clock::system().now().as_second()).expect("a time");
    let record =
        |temperature: Value| json!({ "source": name, "recorded_at": now, "payload": { "temperature": temperature } });
    let batch = json!({ "records": [record(json!(21.5)), record(json!(22))] });
    let key = unique("key");
    let send =
        async |token: &str, key: &str, body: &Value| api.post(DATA).token(token).key(key).json(body).send().await;
    let refused = send(&sensor, &unique("key"), &json!({ "records": [record(json!(1)), record(json!("hot"))] })).await;
    assert_eq!(refused.problem(422, "validation")["errors"][0]["pointer"], "/records/1/payload/temperature");
    send(&stranger, &unique("key"), &batch).await.problem(404, "not-found");
    let accepted = send(&sensor, &key, &batch).await.expect(202);
    // The second time they are on the topic twice, and written once.
    assert_eq!(send(&sensor, &key, &batch).await.expect(202), accepted);

    let path = format!("{DATA}/{}", accepted["ids"][0].as_str().expect("an id"));
    let redriven = redrive(&api, &admin, &name).await;
    let read = async || {
        let found = api.get(&path).token(&sensor).send().await;
        (found.status == 200).then(|| found.json())
    };
    let found = eventually("the record is written", read).await;
    assert_eq!(found["payload"], json!({ "temperature": 21.5 }));
    api.get(&path).token(&stranger).send().await.problem(404, "not-found");
    let list = format!("{DATA}?source={name}&from={}&to={}", "2020-01-01T00:00:00Z", now);
    api.get(&list).token(&sensor).send().await.problem(422, "validation");
    let rollups = format!("{DATA}/sources/{name}/rollups");
    let hours = async || {
        let found = api.get(&rollups).token(&sensor).send().await.expect(200);
        (found["items"][0]["records"] == 3).then_some(found)
    };
    eventually("the hour has both records, and the one that was redriven", hours).await;
    assert_eq!(api.get(&format!("{DATA}/{redriven}")).token(&sensor).send().await.expect(200)["source"], name.as_str());
    let later = kernel::Timestamp::from_second(edge::Clock::system().now().as_second() + 1).expect("a time");
    let listed = api.get(&format!("{DATA}?source={name}&to={later}")).token(&sensor).send().await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));

    let closed = api.request(Method::DELETE, &format!("{sources}/{name}")).token(&admin).send().await;
    assert_eq!(closed.status, 204, "{}", closed.text);
    send(&sensor, &unique("key"), &batch).await.problem(409, "source-closed");
    assert_eq!(api.get(&path).token(&sensor).send().await.status, 200);
}
