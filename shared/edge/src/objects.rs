//! The runner for objects of a bucket (S3 notifications): each one is handled by itself, and may come twice or out of order.
//!
//! S3 invokes asynchronously and knows no partial answer: where an object must come again the invocation fails, and Lambda repeats
//! it with all its objects.

use crate::catch_panic::catch_panic;
use crate::consumer::{self, BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use serde_json::Value;
use std::collections::BTreeMap;
use tracing::Instrument;

/// Something happened to an object.
#[derive(Debug)]
pub struct Object {
    /// What happened, `ObjectCreated:Put` for instance.
    pub event_name: String,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Size in bytes, where there is still an object.
    pub size: Option<u64>,
    /// The version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Hash of the content, as S3 says it.
    pub etag: Option<String>,
    /// When the work on it began; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// A trace that begins here.
    pub trace: TraceContext,
    /// When the invocation is killed, where there is a limit.
    pub deadline: Option<Timestamp>,
}

/// Serves `consumer` with `handler` for as long as S3 sends notifications.
pub async fn run<F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    F: AsyncFn(Object) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    let bury = &|letter| dead_letters::bury(dead_letters, letter).boxed_local();
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, bury, &|object| handler(object).boxed_local()).await }
            .boxed_local()
    })
    .await
}

/// Handles one notification: all that [`run`] does, without the Lambda runtime. Fails where it must come again.
pub async fn notification<F>(
    consumer: &Consumer,
    event: Value,
    clock: &Clock,
    dead_letters: &impl DeadLetters,
    handler: &F,
) -> Result<Value, FunctionError>
where
    F: AsyncFn(Object) -> Result<(), Failure>,
{
    let bury = &|letter| dead_letters::bury(dead_letters, letter).boxed_local();
    work(consumer, event, &InvocationContext::outside(clock), bury, &|object| handler(object).boxed_local()).await
}

type Handle<'a> = dyn Fn(Object) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;
type Bury<'a> = dyn Fn(DeadLetter) -> LocalBoxFuture<'a, bool> + 'a;

async fn work(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    bury: &Bury<'_>,
    handle: &Handle<'_>,
) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Value::Null);
    }
    let Some(records) = consumer::records(&mut event) else {
        return Err(FunctionError::not_an_event_of("S3", "it has no Records"));
    };
    let mut summary = BatchSummary::default();
    for record in &records {
        let context = RecordContext::of(&Value::Null, invocation.xray.as_deref(), &invocation.clock);
        let span = context.span(place(record).1);
        let letter = letter(consumer, record);
        async {
            let done = match read(record, context) {
                Ok(object) => catch_panic(&invocation.clock, handle(object)).await.map_err(RecordError::Failed),
                Err(failure) => Err(RecordError::Malformed(failure)),
            };
            let Err(stop) = done else {
                summary.processed += 1;
                return;
            };
            telemetry::log_failure("record", stop.failure());
            match !stop.is_retryable() && bury(letter.with_error(&stop)).await {
                true => summary.dead_lettered += 1,
                false => summary.retried += 1,
            }
        }
        .instrument(span)
        .await;
    }
    summary.report(invocation.clock.millis_since(started));
    match summary.retried {
        0 => Ok(Value::Null),
        n => Err(FunctionError { code: "objects-failed".to_owned(), detail: format!("{n} objects must come again.") }),
    }
}

/// Bucket and key, the key as S3 encodes it; empty where they are missing.
fn place(record: &Value) -> (&str, &str) {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/s3/bucket/name"), text("/s3/object/key"))
}

fn read(record: &Value, context: RecordContext) -> Result<Object, Failure> {
    let (bucket, key) = place(record);
    // Keys are encoded as forms are, spaces as plus signs; as the value of a form they decode like one.
    let form: QueryMap = format!("key={}", key.replace('&', "%26")).parse().unwrap_or_default();
    let key = form.first("key").filter(|key| !key.is_empty() && !bucket.is_empty());
    let key = key.ok_or_else(|| envelope::unreadable("The notification names no object."))?.to_owned();
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let RecordContext { now, ids, trace, deadline } = context;
    Ok(Object {
        event_name: text("/eventName").unwrap_or_default().trim_start_matches("s3:").to_owned(),
        bucket: bucket.to_owned(),
        key,
        size: record.pointer("/s3/object/size").and_then(Value::as_u64),
        version_id: text("/s3/object/versionId"),
        etag: text("/s3/object/eTag"),
        now,
        ids,
        trace,
        deadline,
    })
}

fn letter(consumer: &Consumer, record: &Value) -> DeadLetter {
    let (bucket, key) = place(record);
    DeadLetter {
        body: record.to_string(),
        reason: String::new(),
        detail: String::new(),
        function: consumer.function.to_owned(),
        attempt: 1,
        record_id: key.to_owned(),
        source: format!("arn:aws:s3:::{bucket}"),
        attributes: BTreeMap::new(),
    }
}
