//! The runner for functions that an operator, a deployment or another function invokes by name: migrations, replays, hooks.

use crate::consumer::Slot;
use crate::contain::contain;
use crate::runtime::{self, Ambient, Error, FunctionError};
use crate::telemetry::metrics;
use crate::{Clock, json, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Ids, Timestamp, Trace};
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
    pub trace: Trace,
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
    runtime::serve(&|event, ambient| {
        async move { work(function, event, &ambient, &|input, slot| handle(handler, input, slot)).await }.boxed_local()
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
    work(function, event, &Ambient::outside(clock), &|input, slot| handle(handler, input, slot)).await
}

type Handle<'a> = dyn Fn(Value, Slot) -> LocalBoxFuture<'a, Result<Value, Failure>> + 'a;

fn handle<'a, I, O, F>(handler: &'a F, input: Value, slot: Slot) -> LocalBoxFuture<'a, Result<Value, Failure>>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(Invocation<I>) -> Result<O, Failure>,
{
    async move {
        let Slot { now, ids, trace, deadline } = slot;
        let invocation = Invocation { input: json::read(input)?, now, ids, trace, deadline };
        serde_json::to_value(handler(invocation).await?).map_err(Failure::internal)
    }
    .boxed_local()
}

async fn work(
    function: &'static str,
    event: Value,
    ambient: &Ambient,
    handle: &Handle<'_>,
) -> Result<Value, FunctionError> {
    let started = ambient.clock.now();
    let slot = Slot::of(&event, ambient.xray.as_deref(), &ambient.clock);
    let span = slot.span(function);
    async {
        let done = contain(&ambient.clock, handle(event, slot)).await;
        let duration_ms = ambient.clock.millis_since(started);
        metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
        tracing::info!(done = done.is_ok(), duration_ms, "invocation finished");
        done.map_err(|failure| {
            telemetry::failed("invocation", &failure);
            FunctionError::from(&failure)
        })
    }
    .instrument(span)
    .await
}
