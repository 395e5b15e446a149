//! The runner for a schedule: sweeps, retention, reconciliation. A tick may arrive twice, late, or while another one is running.

use crate::catch_panic::catch_panic;
use crate::consumer::RecordContext;
use crate::runtime::{self, Error, FunctionError, InvocationContext};
use crate::telemetry::metrics;
use crate::{Clock, telemetry};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use kernel::{CloudEvent, EventContext, EventPayload, Failure, Ids, Timestamp, TraceContext};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tracing::Instrument;

/// One firing of a schedule.
#[derive(Debug)]
pub struct Tick {
    /// When processing began. Handlers use this instead of the system clock.
    pub now: Timestamp,
    /// When the schedule was due, if the event says so.
    pub scheduled_for: Option<Timestamp>,
    /// Source of new ids.
    pub ids: Ids,
    /// A new trace.
    pub trace: TraceContext,
    /// When Lambda kills the invocation; `None` without a deadline. The next tick does what is left.
    pub deadline: Option<Timestamp>,
    /// For work that continues until its time is used up; nothing else in a handler reads it.
    pub clock: Clock,
}

impl Tick {
    /// Whether less than `reserve` is left before the deadline.
    pub fn has_less_than(&self, reserve: Duration) -> bool {
        self.clock.remaining().is_some_and(|left| left < reserve)
    }

    /// The context of the new events that this tick causes.
    pub fn context(&self) -> EventContext<'_> {
        EventContext { now: self.now, ids: &self.ids, trace: &self.trace, actor: None }
    }

    /// A new event: it brought the aggregate `subject` to version `sequence`.
    pub fn event<P: EventPayload>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payload: impl Into<P>,
    ) -> CloudEvent<P> {
        self.context().event(subject, sequence, payload)
    }

    /// One event for each of `payloads`, all of one transition; otherwise as [`Tick::event`].
    pub fn events<P: EventPayload + Clone>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payloads: &[P],
    ) -> Vec<CloudEvent<P>> {
        self.context().events(subject, sequence, payloads)
    }
}

/// Runs `function` with `handler`. The handler's summary is logged and returned.
pub async fn run<S, F>(function: &'static str, handler: F) -> Result<(), Error>
where
    S: Serialize,
    F: AsyncFn(Tick) -> Result<S, Failure>,
{
    let handler = &handler;
    runtime::serve(&|event, invocation| {
        async move { work(function, event, &invocation, &|tick| handle(handler, tick)).await }.boxed_local()
    })
    .await
}

/// Handles one tick like [`run`], without the Lambda runtime.
pub async fn tick<S, F>(
    function: &'static str,
    event: Value,
    clock: &Clock,
    handler: &F,
) -> Result<Value, FunctionError>
where
    S: Serialize,
    F: AsyncFn(Tick) -> Result<S, Failure>,
{
    work(function, event, &InvocationContext::outside(clock), &|tick| handle(handler, tick)).await
}

type Handle<'a> = dyn Fn(Tick) -> LocalBoxFuture<'a, Result<Value, Failure>> + 'a;

fn handle<'a, S, F>(handler: &'a F, tick: Tick) -> LocalBoxFuture<'a, Result<Value, Failure>>
where
    S: Serialize,
    F: AsyncFn(Tick) -> Result<S, Failure>,
{
    async move { serde_json::to_value(handler(tick).await?).map_err(Failure::internal) }.boxed_local()
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
        let scheduled_for = event.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok());
        let RecordContext { now, ids, trace, deadline } =
            RecordContext::of(&Value::Null, invocation.xray.as_deref(), &invocation.clock);
        let span = tracing::info_span!(
            "tick",
            schedule = function,
            correlation_id = %trace.correlation_id,
            trace_id = trace.trace_id(),
        );
        async {
            let tick = Tick { now, scheduled_for, ids, trace, deadline, clock: invocation.clock.clone() };
            let result = catch_panic(&invocation.clock, handle(tick)).await;
            let duration_ms = invocation.clock.millis_since(started);
            metrics::value("Latency", metrics::Unit::Milliseconds, duration_ms);
            match result {
                Ok(summary) => {
                    tracing::info!(target: telemetry::SUMMARY, summary = %summary, duration_ms, "tick finished");
                    Ok(summary)
                }
                Err(failure) => {
                    telemetry::log_failure("tick", &failure);
                    Err(FunctionError::from(&failure))
                }
            }
        }
        .instrument(span)
        .await
    }
    .boxed_local()
}
