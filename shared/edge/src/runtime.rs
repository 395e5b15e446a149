//! The one place where the Lambda runtime is started. Handlers come in as trait objects, so that the runtime is compiled once,
//! here, and not again in each function's crate.

use crate::{Clock, telemetry};
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, Timestamp};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use std::cell::Cell;
use std::fmt;
use tracing::Instrument;

/// What a function ends with when the Lambda runtime itself gives up.
pub type Error = lambda_runtime::Error;

/// One invocation, from event to answer.
pub(crate) type Invoke<'a> = dyn Fn(Value, InvocationContext) -> LocalBoxFuture<'a, Result<Value, FunctionError>> + 'a;

/// What an invocation is told besides its event.
#[derive(Debug, Clone)]
pub(crate) struct InvocationContext {
    pub clock: Clock,
    /// Lambda's id of the invocation; empty outside of Lambda.
    pub request_id: String,
    /// The X-Ray header, as Lambda gave it.
    pub xray: Option<String>,
}

impl InvocationContext {
    /// An invocation that does not come from Lambda: a test, or a simulation.
    pub fn outside(clock: &Clock) -> Self {
        Self { clock: clock.clone(), request_id: String::new(), xray: None }
    }

    fn of(context: Context) -> Self {
        // `cargo lambda watch` gives a deadline that is long past, and means none.
        let now = Clock::system().now().as_millisecond();
        let deadline = i64::try_from(context.deadline).ok().filter(|ms| *ms > now);
        let clock = match deadline.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
            Some(deadline) => Clock::system().until(deadline),
            None => Clock::system(),
        };
        Self { clock, request_id: context.request_id, xray: context.xray_trace_id }
    }
}

/// The invocation as a whole failed: Lambda counts an error and, for a stream or an asynchronous caller, tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Stable slug, as in [`Failure::code`].
    pub code: String,
    /// A sentence without internals.
    pub detail: String,
}

impl FunctionError {
    /// So many records of a batch must come again, and the source is told so by a failure.
    pub(crate) fn batch_failed(records: usize) -> Self {
        Self { code: "batch-failed".to_owned(), detail: format!("{records} records must come again.") }
    }

    /// The event is not of the kind that the runner is for: wiring is wrong, not data.
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

/// Takes invocations from Lambda, one after another, until the environment is shut down.
pub(crate) async fn serve(invoke: &Invoke<'_>) -> Result<(), Error> {
    let cold_start = Cell::new(true);
    let service = service_fn(|event: LambdaEvent<Value>| {
        let invocation = InvocationContext::of(event.context);
        let cold_start = cold_start.replace(false);
        let span = tracing::info_span!(
            "invocation",
            cold_start,
            function_request_id = invocation.request_id,
            xray_trace_id = invocation.xray,
        );
        async move {
            telemetry::metrics::count("Invocations", 1);
            if cold_start {
                telemetry::metrics::count("ColdStarts", 1);
            }
            let answer = invoke(event.payload, invocation).await;
            telemetry::metrics::flush();
            answer
        }
        .instrument(span)
    });
    Runtime::new(service).run().await
}
