//! Spans of sampled traces: which function handled what, caused by which span, and for how long.
//!
//! They are written as the member `spans` of the invocation's metrics line, so that a trace costs no line of its own. Before
//! [`init`](super::init) nothing is collected.

use super::identity;
use kernel::{Timestamp, TraceContext};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// One span, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Span {
    trace_id: String,
    span_id: String,
    /// The span that caused this one; absent at the start of a trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    correlation_id: String,
    /// A route key, an event type, or the function's name.
    name: String,
    /// Milliseconds since the Unix epoch.
    started_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

static COLLECTED: Mutex<Vec<Span>> = Mutex::new(Vec::new());

/// Begins the span of `trace`, caused by the span `parent`. A trace that is not sampled is not recorded.
pub(crate) fn begin(name: &str, trace: &TraceContext, parent: Option<&str>) {
    if identity().is_none() {
        return;
    }
    if let Some(span) = span(name, trace, parent, Timestamp::now()) {
        COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }
}

/// Ends the span of `trace`. One that is still open at the end of the invocation ends then.
pub(crate) fn end(trace: &TraceContext, succeeded: bool) {
    if identity().is_some()
        && let Some((_, id)) = sampled(trace)
        && let Some(span) =
            COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().find(|span| span.span_id == id)
    {
        close(span, Timestamp::now());
        span.failed = !succeeded;
    }
}

/// Takes the collected spans, at the end of the invocation.
pub(super) fn take(now: Timestamp) -> Vec<Span> {
    let mut spans = std::mem::take(&mut *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner));
    spans.iter_mut().for_each(|span| close(span, now));
    spans
}

fn close(span: &mut Span, now: Timestamp) {
    span.duration_ms.get_or_insert(now.as_millisecond() - span.started_at);
}

fn span(name: &str, trace: &TraceContext, parent: Option<&str>, now: Timestamp) -> Option<Span> {
    let (trace_id, span_id) = sampled(trace)?;
    Some(Span {
        trace_id: trace_id.to_owned(),
        span_id: span_id.to_owned(),
        parent_id: parent.map(str::to_owned),
        correlation_id: trace.correlation_id.to_string(),
        name: name.to_owned(),
        started_at: now.as_millisecond(),
        duration_ms: None,
        failed: false,
    })
}

/// Trace id and span id of a sampled trace.
fn sampled(trace: &TraceContext) -> Option<(&str, &str)> {
    let mut parts = trace.traceparent.as_deref()?.split('-').skip(1);
    let (trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?);
    (flags == "01").then_some((trace_id, span_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn trace(flags: &str) -> TraceContext {
        let traceparent = Some(format!("00-{TRACE}-00f067aa0ba902b7-{flags}"));
        TraceContext { traceparent, ..TraceContext::new(Uuid::nil()) }
    }

    #[test]
    fn span_names_its_trace_its_cause_and_its_duration() {
        let start = Timestamp::UNIX_EPOCH;
        let mut span = span("OrderPlaced.v1", &trace("01"), Some("53995c3f42cd8ad8"), start).unwrap();
        close(&mut span, Timestamp::from_millisecond(7).unwrap());
        close(&mut span, Timestamp::from_millisecond(9).unwrap());
        let written = serde_json::to_value(&span).unwrap();
        assert_eq!(written["trace_id"], TRACE);
        assert_eq!(written["span_id"], "00f067aa0ba902b7");
        assert_eq!(written["parent_id"], "53995c3f42cd8ad8");
        assert_eq!(written["name"], "OrderPlaced.v1");
        assert_eq!(written["duration_ms"], 7);
        assert!(written.get("failed").is_none());
    }

    #[test]
    fn trace_that_is_not_sampled_has_no_spans() {
        assert_eq!(span("OrderPlaced.v1", &trace("00"), None, Timestamp::UNIX_EPOCH), None);
    }
}
