//! The runner for functions that an operator, a deployment or another function invokes by name: migrations, replays, hooks.

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

/// One invocation by name.
#[derive(Debug)]
pub struct Invocation<I> {
    /// What it was invoked with.
    pub input: I,
    /// When the work began; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// What it belongs to: what the input says in `correlationid` and `traceparent`, else something new.
    pub trace: TraceContext,
    /// When the invocation is killed, where there is a limit.
    pub deadline: Option<Timestamp>,
}

/// Serves `function` with `handler`. A failure becomes an error of the function, with code and detail and nothing internal.
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

/// Handles one invocation: all that [`run`] does, without the Lambda runtime.
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

async fn work(
    function: &'static str,
    event: Value,
    invocation: &InvocationContext,
    handle: &Handle<'_>,
) -> Result<Value, FunctionError> {
    let started = invocation.clock.now();
    let context = RecordContext::of(&event, invocation.xray.as_deref(), &invocation.clock);
    let span = context.span(function);
    async {
        let done = catch_panic(&invocation.clock, handle(event, context)).await;
        let duration_ms = invocation.clock.millis_since(started);
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        tracing::info!(done = done.is_ok(), duration_ms, "invocation finished");
        done.map_err(|failure| {
            telemetry::log_failure("invocation", &failure);
            FunctionError::from(&failure)
        })
    }
    .instrument(span)
    .await
}
