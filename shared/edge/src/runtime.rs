//! Starts the Lambda runtime. Handlers are trait objects, and its future is boxed, so that the runtime is compiled once, here, and not in each
//! function's crate: the code of an `async fn` is generated where it is polled.

use crate::{Clock, telemetry, trace};
use futures_util::{FutureExt, future::LocalBoxFuture};
use kernel::{Failure, Timestamp};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use std::cell::Cell;
use std::fmt;
use tracing::Instrument;

/// Error of the Lambda runtime itself, with which a function's `main` ends.
pub type Error = lambda_runtime::Error;

/// Handles one invocation.
pub(crate) type Invoke<'a> = dyn Fn(Value, InvocationContext) -> LocalBoxFuture<'a, Result<Value, FunctionError>> + 'a;

/// What Lambda provides with the event of an invocation.
#[derive(Debug, Clone)]
pub(crate) struct InvocationContext {
    pub clock: Clock,
    /// Lambda's request id; empty outside of Lambda.
    pub request_id: String,
    /// Lambda's X-Ray trace header.
    pub xray: Option<String>,
}

impl InvocationContext {
    /// The context of an invocation outside of Lambda, in a test or a simulation.
    pub fn outside(clock: &Clock) -> Self {
        Self { clock: clock.clone(), request_id: String::new(), xray: None }
    }

    fn of(context: Context) -> Self {
        // `cargo lambda watch` sends a deadline in the past, which means that there is none.
        let now = Clock::system().now().as_millisecond();
        let deadline = i64::try_from(context.deadline).ok().filter(|ms| *ms > now);
        let clock = match deadline.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
            Some(deadline) => Clock::system().until(deadline),
            None => Clock::system(),
        };
        Self { clock, request_id: context.request_id, xray: context.xray_trace_id }
    }
}

/// Failure of a whole invocation. Lambda counts an error and, for streams and asynchronous invocations, retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Stable code, as in [`Failure::code`].
    pub code: String,
    /// A sentence without internal details.
    pub detail: String,
}

impl FunctionError {
    /// `records` records of a batch must be redelivered.
    pub(crate) fn batch_failed(records: usize) -> Self {
        Self { code: "batch-failed".to_owned(), detail: format!("{records} records must be redelivered.") }
    }

    /// The event has another source than the runner expects: the function is wired to the wrong trigger.
    pub(crate) fn not_an_event_of(source: &str, why: impl fmt::Display) -> Self {
        Self { code: "wrong-event".to_owned(), detail: format!("This is not an event of {source}: {why}.") }
    }
}

impl From<&Failure> for FunctionError {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.code.to_owned(), detail: failure.detail.clone() }
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for FunctionError {}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.code, error_message: error.detail }
    }
}

/// Serves invocations, one after another, until the execution environment is shut down.
pub(crate) fn serve<'a>(invoke: &'a Invoke<'a>) -> LocalBoxFuture<'a, Result<(), Error>> {
    async move {
        let cold_start = Cell::new(true);
        let service = service_fn(|event: LambdaEvent<Value>| {
            let invocation = InvocationContext::of(event.context);
            let cold_start = cold_start.replace(false);
            let span = tracing::info_span!(
                "invocation",
                cold_start,
                function_request_id = invocation.request_id,
                xray_trace_id = invocation.xray.as_deref().map(trace::root),
            );
            async move {
                telemetry::metrics::count("Invocations", 1);
                if cold_start {
                    telemetry::metrics::count("ColdStarts", 1);
                }
                let response = invoke(event.payload, invocation).await;
                telemetry::metrics::flush();
                response
            }
            .instrument(span)
        });
        Runtime::new(service).run().await
    }
    .boxed_local()
}
