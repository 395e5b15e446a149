//! AWS event envelopes for tests and simulations, so that a test drives a handler through its real runner.
#![allow(clippy::expect_used, reason = "test support; a builder that fails is a bug of the test")]

use crate::dead_letters::{DeadLetter, DeadLetters, QueueControl};
use crate::http::{Body, Call, Route};
pub use crate::telemetry::capture::CapturedLogs;
use crate::{Clock, Delivery};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{CloudEvent, Failure, Timestamp, TraceContext, Uuid};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A request of an HTTP API (payload format 2.0). `path` may contain a query.
pub fn http_event(method: &str, path: &str) -> HttpEvent {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    HttpEvent {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: BTreeMap::new(),
        path_parameters: BTreeMap::new(),
        principal: None,
        body: None,
    }
}

/// Builder of an HTTP API request.
#[derive(Debug, Clone)]
pub struct HttpEvent {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    path_parameters: BTreeMap<String, String>,
    principal: Option<(Uuid, String)>,
    body: Option<String>,
}

impl HttpEvent {
    /// Sets a JSON body.
    #[must_use]
    pub fn body(self, body: impl Serialize) -> Self {
        let text = serde_json::to_string(&body).expect("the body serializes");
        self.text(&text).header("content-type", "application/json")
    }

    /// Sets the body to `text`, without a content type.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        Self { body: Some(text.to_owned()), ..self }
    }

    /// Sets a header, in place of one of the same name. Names are in lower case, as API Gateway sends them.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Sets `If-Match` to the ETag of `version`.
    #[must_use]
    pub fn if_match(self, version: impl std::fmt::Display) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// Sets the path parameter `name`.
    #[must_use]
    pub fn path_param(mut self, name: &str, value: impl ToString) -> Self {
        self.path_parameters.insert(name.to_owned(), value.to_string());
        self
    }

    /// Sets the principal that the authorizer returned.
    #[must_use]
    pub fn principal(self, id: Uuid, role: &str) -> Self {
        Self { principal: Some((id, role.to_owned())), ..self }
    }

    /// The event as API Gateway sends it.
    pub fn build(self) -> Value {
        let mut context = json!({
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": self.method, "path": self.path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{} {}", self.method, self.path),
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_u64,
        });
        if let Some((id, role)) = self.principal {
            context["authorizer"] = json!({ "lambda": { "sub": id, "role": role } });
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": format!("{} {}", self.method, self.path),
            "rawPath": self.path,
            "rawQueryString": self.query,
            "isBase64Encoded": false,
        });
        // Large members are moved in instead of copied by `json!`; simulations build many events.
        event["headers"] = self.headers.into_iter().collect();
        event["pathParameters"] = self.path_parameters.into_iter().collect();
        event["requestContext"] = context;
        event["body"] = self.body.into();
        event
    }

    /// The call that `route` passes to its handler after all checks, for tests that call a handler directly.
    pub fn call<B: Body>(self, route: &Route, clock: &Clock) -> Result<Call<B>, Failure> {
        crate::http::read(route, self.build(), clock)
    }
}

/// `event` in the envelope that EventBridge sends to its targets.
pub fn bridge_event<E: Serialize>(event: &CloudEvent<E>) -> Value {
    let detail = serde_json::to_value(event).expect("the event serializes");
    let mut bridge = json!({
        "version": "0",
        "id": event.id,
        "detail-type": detail["type"],
        "source": event.source,
        "account": "123456789012",
        "time": event.time,
        "region": "eu-central-1",
        "resources": [],
    });
    bridge["detail"] = detail;
    bridge
}

/// An SQS batch with one message for each event, in EventBridge's envelope.
pub fn sqs_event<E: Serialize>(events: &[&CloudEvent<E>]) -> Value {
    let bodies: Vec<_> = events.iter().map(|event| bridge_event(event).to_string()).collect();
    sqs_bodies(&bodies.iter().map(String::as_str).collect::<Vec<_>>())
}

/// An SQS batch with these bodies. Message ids are `m-0`, `m-1` and so on; the receive count is 1.
pub fn sqs_bodies(bodies: &[&str]) -> Value {
    let record = |(i, body): (usize, &&str)| {
        json!({
            "messageId": format!("m-{i}"),
            "receiptHandle": format!("receipt-{i}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1773342238001",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
            "awsRegion": "eu-central-1",
        })
    };
    records(bodies.iter().enumerate().map(record))
}

fn records(records: impl Iterator<Item = Value>) -> Value {
    Map::from_iter([("Records".to_owned(), records.collect())]).into()
}

/// A Kinesis batch with one record for each event. Sequence numbers are `1`, `2` and so on.
pub fn kinesis_event<E: Serialize>(events: &[&CloudEvent<E>]) -> Value {
    records((1..).zip(events).map(|(i, event)| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": event.subject,
                "sequenceNumber": i.to_string(),
                "data": STANDARD.encode(bridge_event(event).to_string()),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000000:{i}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/function",
            "awsRegion": "eu-central-1",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/stream",
        })
    }))
}

/// A DynamoDB stream batch with one `INSERT` for each image. Sequence numbers are `1`, `2` and so on. Images are in DynamoDB's JSON form,
/// `{"id":{"S":"x"}}`.
pub fn dynamodb_event(images: &[Value]) -> Value {
    let records = (1..).zip(images).map(|(i, image)| {
        json!({
            "eventID": format!("change-{i}"),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "Keys": {},
                "NewImage": image,
                "SequenceNumber": i.to_string(),
                "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/table/stream/2026-03-12T19:03:58.000",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// A Kafka batch with these keys and values, in partition 0 of `topic`, from offset 0 on.
pub fn kafka_event<V: Serialize>(topic: &str, values: &[(&str, V)]) -> Value {
    let records = (0..).zip(values).map(|(offset, (key, value))| {
        let value = serde_json::to_string(value).expect("the value serializes");
        json!({
            "topic": topic,
            "partition": 0,
            "offset": offset,
            "timestamp": 1_773_342_238_000_i64,
            "timestampType": "CREATE_TIME",
            "key": STANDARD.encode(key),
            "value": STANDARD.encode(value),
            "headers": [],
        })
    });
    let mut topics = Map::new();
    topics.insert(format!("{topic}-0"), records.collect());
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:eu-central-1:123456789012:cluster/cluster/vpc-2priv-2pub",
        "bootstrapServers": "b-1.example.com:9098",
        "records": topics,
    })
}

/// The event of a schedule that was due at `time`.
pub fn schedule_event(time: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": time,
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/schedule"],
        "detail": {},
    })
}

/// An S3 notification of one new object. `key` is not URL-encoded.
pub fn s3_event(bucket: &str, key: &str, size: u64) -> Value {
    let key: String = key.bytes().fold(String::new(), |key, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => key + &char::from(byte).to_string(),
        b' ' => key + "+",
        other => key + &format!("%{other:02X}"),
    });
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-03-12T19:03:58.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": { "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": key, "size": size, "eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": "0A1B2C" },
        },
    }] })
}

/// The authorizer event of a request to `route` with this `Authorization` header.
pub fn authorizer_event(route: &str, authorization: Option<&str>) -> Value {
    let headers: BTreeMap<_, _> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    let (method, path) = route.split_once(' ').unwrap_or(("GET", route));
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:api/$default/GET/orders",
        "identitySource": authorization.into_iter().collect::<Vec<_>>(),
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "http": { "method": method, "path": path, "sourceIp": "192.0.2.1" },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
        },
    })
}

/// The first delivery of `event` to `consumer`, for tests that call a handler directly.
pub fn delivery<E>(consumer: &'static str, event: CloudEvent<E>, clock: &Clock) -> Delivery<E> {
    let trace = TraceContext { correlation_id: event.correlationid, traceparent: event.traceparent.clone() };
    Delivery {
        event,
        consumer,
        now: clock.now(),
        ids: clock.ids(),
        trace,
        attempt: 1,
        last_attempt: false,
        record_id: "m-0".to_owned(),
        deadline: clock.deadline(),
    }
}

/// In-memory dead-letter queue.
#[derive(Debug, Default)]
pub struct FakeDeadLetterQueue {
    dead_letters: Mutex<Vec<DeadLetter>>,
    visibility_changes: Mutex<Vec<(String, u32)>>,
    is_unreachable: bool,
}

impl FakeDeadLetterQueue {
    /// A queue that rejects every dead letter.
    pub fn unreachable() -> Self {
        Self { is_unreachable: true, ..Self::default() }
    }

    /// The dead letters, in order.
    pub fn sent(&self) -> Vec<DeadLetter> {
        self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The visibility changes, in order: receipt and seconds.
    pub fn visibility_changes(&self) -> Vec<(String, u32)> {
        self.visibility_changes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl DeadLetters for FakeDeadLetterQueue {
    async fn send(&self, dead_letter: DeadLetter) -> Result<(), Failure> {
        if self.is_unreachable {
            return Err(Failure::unavailable("dead-letter queue", "unreachable"));
        }
        self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).push(dead_letter);
        Ok(())
    }
}

impl QueueControl for FakeDeadLetterQueue {
    async fn change_visibility(&self, receipt_handle: &str, seconds: u32) -> Result<(), Failure> {
        self.visibility_changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((receipt_handle.to_owned(), seconds));
        Ok(())
    }
}
