//! The runner for S3 event notifications: handles each object separately. Notifications may arrive twice or out of order.
//!
//! S3 invokes asynchronously, without partial responses: if an object must be retried, the invocation fails, and Lambda retries it with
//! all its objects.

use crate::catch_panic::catch_panic;
use crate::consumer::{self, BatchSummary, Consumer, RecordContext, RecordError};
use crate::dead_letters::{self, BoxedDeadLetters, DeadLetter, DeadLetters};
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::{Clock, envelope, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use serde_json::Value;
use std::collections::BTreeMap;
use tracing::Instrument;

/// One S3 event about one object.
#[derive(Debug)]
pub struct Object {
    /// Name of the event, such as `ObjectCreated:Put`.
    pub event_name: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Key of the object, URL-decoded.
    pub key: String,
    /// Size in bytes, unless the object was deleted.
    pub size: Option<u64>,
    /// Version id, if the bucket is versioned.
    pub version_id: Option<String>,
    /// ETag of the content.
    pub etag: Option<String>,
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// A new trace.
    pub trace: TraceContext,
    /// When Lambda kills the invocation; `None` without a deadline.
    pub deadline: Option<Timestamp>,
}

/// Runs `consumer` with `handler`.
pub async fn run<F>(consumer: Consumer, dead_letters: &impl DeadLetters, handler: F) -> Result<(), Error>
where
    F: AsyncFn(Object) -> Result<(), Failure>,
{
    let (consumer, handler) = (&consumer, &handler);
    runtime::serve(&|event, invocation| {
        async move { work(consumer, event, &invocation, dead_letters, &|object| handler(object).boxed_local()).await }
            .boxed_local()
    })
    .await
}

/// Handles one notification like [`run`], without the Lambda runtime. Fails if it must be retried.
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
    work(consumer, event, &InvocationContext::outside(clock), dead_letters, &|object| handler(object).boxed_local())
        .await
}

type Handle<'a> = dyn Fn(Object) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a;

async fn work(
    consumer: &Consumer,
    mut event: Value,
    invocation: &InvocationContext,
    dead_letters: &dyn BoxedDeadLetters,
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
        let span = context.span(location(record).1);
        let dead_letter = dead_letter_of(consumer, record);
        async {
            let result = match read(record, context) {
                Ok(object) => catch_panic(&invocation.clock, handle(object)).await.map_err(RecordError::Failed),
                Err(failure) => Err(RecordError::Malformed(failure)),
            };
            let Err(error) = result else {
                summary.processed += 1;
                return;
            };
            telemetry::log_failure("record", error.failure());
            match !error.is_retryable() && dead_letters::send(dead_letters, dead_letter.with_error(&error)).await {
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
        n => Err(FunctionError { code: "objects-failed".to_owned(), detail: format!("{n} objects must be retried.") }),
    }
}

/// Bucket and URL-encoded key; empty if missing.
fn location(record: &Value) -> (&str, &str) {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/s3/bucket/name"), text("/s3/object/key"))
}

fn read(record: &Value, context: RecordContext) -> Result<Object, Failure> {
    let (bucket, key) = location(record);
    // S3 encodes keys like form values, with a plus sign for a space, so the form parser decodes them.
    let form: QueryMap = format!("key={}", key.replace('&', "%26")).parse().unwrap_or_default();
    let key = form.first("key").filter(|key| !key.is_empty() && !bucket.is_empty());
    let key = key.ok_or_else(|| envelope::unreadable("The notification has no bucket name or object key."))?.to_owned();
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

fn dead_letter_of(consumer: &Consumer, record: &Value) -> DeadLetter {
    let (bucket, key) = location(record);
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
