//! The trace context of an invocation: from W3C `traceparent`, else from the X-Ray header, else new.

use kernel::{Ids, TraceContext, Uuid};
use std::sync::OnceLock;

/// Identifiers from upstream, in order of preference.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct IncomingTraceIds<'a> {
    pub correlation_id: Option<Uuid>,
    pub traceparent: Option<&'a str>,
    /// `Root=1-…;Parent=…;Sampled=…`
    pub xray: Option<&'a str>,
}

/// The share of traces whose spans are logged, of those that begin here: `TRACE_SHARE`, from 0 to 1.
fn share() -> f64 {
    static SHARE: OnceLock<f64> = OnceLock::new();
    *SHARE.get_or_init(|| std::env::var("TRACE_SHARE").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0))
}

/// The trace context of this hop: the upstream trace id with a new span id.
pub(crate) fn enter(upstream: IncomingTraceIds<'_>, ids: &Ids) -> TraceContext {
    enter_sampled(upstream, ids, share())
}

fn enter_sampled(upstream: IncomingTraceIds<'_>, ids: &Ids, share: f64) -> TraceContext {
    let correlation_id = upstream.correlation_id.unwrap_or_else(|| ids.next());
    let (trace_id, flags) = upstream.traceparent.and_then(read_traceparent).unwrap_or_else(|| {
        let trace_id = upstream.xray.and_then(read_xray).unwrap_or_else(|| ids.next().simple().to_string());
        let flags = if is_in(share, &trace_id) { "01" } else { "00" };
        (trace_id, flags)
    });
    // The second half of a UUIDv7 is random and, because of its variant bits, never zero.
    let span_id = &ids.next().simple().to_string()[16..];
    TraceContext { correlation_id, traceparent: Some(format!("00-{trace_id}-{span_id}-{flags}")) }
}

/// Whether the trace belongs to the share. Its id decides, so that all hops decide alike: the end of an id is random, in X-Ray's, too.
#[expect(clippy::float_arithmetic, reason = "a share of traces, no amount of money")]
fn is_in(share: f64, trace_id: &str) -> bool {
    let end = trace_id.len().checked_sub(8).and_then(|start| u32::from_str_radix(&trace_id[start..], 16).ok());
    end.is_none_or(|end| f64::from(end) < share * (f64::from(u32::MAX) + 1.0))
}

/// The upstream span, which causes this hop.
pub(crate) fn parent<'a>(upstream: IncomingTraceIds<'a>) -> Option<&'a str> {
    let text = upstream.traceparent?;
    read_traceparent(text).and_then(|_| text.trim().split('-').nth(2))
}

/// Trace id and flags of a well-formed `traceparent`. Of later versions, the members of version 00 are read.
fn read_traceparent(text: &str) -> Option<(String, &str)> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let extra = parts.next().is_some();
    let well_formed = is_hex(version, 2)
        && version != "ff"
        && !(version == "00" && extra)
        && is_id(trace, 32)
        && is_id(span, 16)
        && is_hex(flags, 2);
    // Only the "sampled" flag is propagated.
    well_formed.then(|| {
        (trace.to_owned(), if flags.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']) { "01" } else { "00" })
    })
}

/// X-Ray's id of the trace in its header, by which its console finds the log lines. The header itself, if it has none.
pub(crate) fn root(header: &str) -> &str {
    xray_field(header, "Root").unwrap_or(header)
}

fn xray_field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Trace id of an X-Ray header. What X-Ray samples says nothing about spans: Lambda samples none where its tracing is off.
fn read_xray(text: &str) -> Option<String> {
    let (time, random) = xray_field(text, "Root")?.strip_prefix("1-")?.split_once('-')?;
    let trace = format!("{time}{random}").to_ascii_lowercase();
    (time.len() == 8 && is_id(&trace, 32)).then_some(trace)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The specification reserves all zeros for an invalid id.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|b| b != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn enter_with(traceparent: Option<&str>, xray: Option<&str>) -> TraceContext {
        let ids = Ids::seeded(1, Timestamp::UNIX_EPOCH);
        enter(IncomingTraceIds { correlation_id: None, traceparent, xray }, &ids)
    }

    #[test]
    fn well_formed_traceparent_is_continued_with_a_new_span() {
        let trace = enter_with(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01")), None);
        assert_eq!(trace.trace_id(), Some(TRACE));
        let traceparent = trace.traceparent.unwrap();
        assert!(!traceparent.contains("00f067aa0ba902b7") && traceparent.ends_with("-01"));
        assert!(read_traceparent(&traceparent).is_some());
    }

    #[test]
    fn parent_is_the_span_of_a_well_formed_traceparent() {
        let of =
            |traceparent| parent(IncomingTraceIds { traceparent: Some(traceparent), ..IncomingTraceIds::default() });
        assert_eq!(of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), Some("00f067aa0ba902b7"));
        assert_eq!(of("00-4bf92f35-00f067aa0ba902b7-01"), None);
    }

    #[test]
    fn malformed_traceparent_is_not_continued() {
        for bad in [
            "",
            "00",
            &format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}-00f067aa0ba902b7-01-extra"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            assert_ne!(enter_with(Some(bad), None).trace_id(), Some(TRACE), "{bad}");
        }
    }

    #[test]
    fn x_ray_trace_is_continued_without_a_traceparent() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!((root(header), root("other")), ("1-5759e988-bd862e3fe1be46a994272793", "other"));
        let trace = enter_with(Some("nonsense"), Some(header));
        assert_eq!(trace.trace_id(), Some("5759e988bd862e3fe1be46a994272793"));
        assert!(trace.traceparent.unwrap().ends_with("-01"));
    }

    #[test]
    fn order_has_spans_although_x_ray_does_not_sample_it() {
        let unsampled = enter_with(None, Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"));
        assert!(unsampled.traceparent.unwrap().ends_with("-01"));
    }

    #[test]
    fn share_of_the_traces_that_begin_here_has_spans() {
        let ids = Ids::seeded(1, Timestamp::UNIX_EPOCH);
        let count = |share| {
            let begin = |_| enter_sampled(IncomingTraceIds::default(), &ids, share).traceparent.unwrap();
            (0..1000).map(begin).filter(|traceparent| traceparent.ends_with("-01")).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 1000));
        assert!((20..100).contains(&count(0.05)), "{}", count(0.05));
    }

    #[test]
    fn hop_of_another_share_keeps_the_decision_of_the_first() {
        for flags in ["00", "01"] {
            let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
            let upstream = IncomingTraceIds { traceparent: Some(&traceparent), ..IncomingTraceIds::default() };
            let trace = enter_sampled(upstream, &Ids::seeded(1, Timestamp::UNIX_EPOCH), 0.0);
            assert!(trace.traceparent.unwrap().ends_with(flags), "{flags}");
        }
    }

    #[test]
    fn new_trace_begins_without_an_upstream_one() {
        let trace = enter_with(None, Some("Root=1-zz-1"));
        assert!(read_traceparent(trace.traceparent.as_deref().unwrap()).is_some());
    }
}
