//! The runner for functions that are invoked by name: migrations, replays, deployment hooks.

use crate::catch_panic::catch_panic;
use crate::consumer::RecordContext;
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::telemetry::metrics;
use crate::{Clock, json, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, TraceContext};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

/// One direct invocation, as the handler gets it.
#[derive(Debug)]
pub struct Invocation<I> {
    /// The deserialized payload.
    pub input: I,
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// Continues `correlationid` and `traceparent` of the payload, if it has them.
    pub trace: TraceContext,
    /// When Lambda kills the invocation; `None` without a deadline.
    pub deadline: Option<Timestamp>,
}

/// Runs `function` with `handler`. A failure becomes a Lambda function error with its code and detail, without its internal cause.
pub async fn run<I, O, F>(function: &'static str, handler: F) -> Result<(), Error>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(Invocation<I>) -> Result<O, Failure>,
{
    let handler = &handler;
    runtime::serve(&|event, invocation| {
        async move { work(function, event, &invocation, &|input, context| handle(handler, input, context)).await }
            .boxed_local()
    })
    .await
}

/// Handles one invocation like [`run`], without the Lambda runtime.
pub async fn invoke<I, O, F>(
    function: &'static str,
    event: Value,
    clock: &Clock,
    handler: &F,
) -> Result<Value, FunctionError>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(Invocation<I>) -> Result<O, Failure>,
{
    work(function, event, &InvocationContext::outside(clock), &|input, context| handle(handler, input, context)).await
}

type Handle<'a> = dyn Fn(Value, RecordContext) -> LocalBoxFuture<'a, Result<Value, Failure>> + 'a;

fn handle<'a, I, O, F>(
    handler: &'a F,
    input: Value,
    context: RecordContext,
) -> LocalBoxFuture<'a, Result<Value, Failure>>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(Invocation<I>) -> Result<O, Failure>,
{
    async move {
        let RecordContext { now, ids, trace, deadline } = context;
        let invocation = Invocation { input: json::read(input)?, now, ids, trace, deadline };
        serde_json::to_value(handler(invocation).await?).map_err(Failure::internal)
    }
    .boxed_local()
}

/// The response to an event. Boxed, so that it is compiled here, and not in each function's crate.
fn work<'a>(
    function: &'static str,
    event: Value,
    invocation: &'a InvocationContext,
    handle: &'a Handle<'_>,
) -> LocalBoxFuture<'a, Result<Value, FunctionError>> {
    async move {
        let started = invocation.clock.now();
        let context = RecordContext::of(&event, invocation.xray.as_deref(), &invocation.clock);
        let span = context.span(function);
        async {
            let result = catch_panic(&invocation.clock, handle(event, context)).await;
            let duration_ms = invocation.clock.millis_since(started);
            metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
            tracing::info!(target: telemetry::SUMMARY, succeeded = result.is_ok(), duration_ms, "invocation finished");
            result.map_err(|failure| {
                telemetry::log_failure("invocation", &failure);
                FunctionError::from(&failure)
            })
        }
        .instrument(span)
        .await
    }
    .boxed_local()
}
