//! Correlation of the work that one request causes.

use crate::Uuid;

/// Correlation id and W3C trace context, passed from hop to hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// Identifies the request that started the work; the same at every hop.
    pub correlation_id: Uuid,
    /// W3C `traceparent` of the current hop (`00-<trace>-<span>-<flags>`).
    pub traceparent: Option<String>,
}

impl TraceContext {
    /// Starts a trace with this correlation id and no `traceparent`.
    pub fn new(correlation_id: Uuid) -> Self {
        Self { correlation_id, traceparent: None }
    }

    /// Returns the trace id, 32 hexadecimal digits, or `None` without a well-formed `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        let id = self.traceparent.as_deref()?.split('-').nth(1)?;
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_id_is_read_from_a_well_formed_traceparent_only() {
        let of = |traceparent: &str| {
            let trace = TraceContext { traceparent: Some(traceparent.to_owned()), ..TraceContext::new(Uuid::nil()) };
            trace.trace_id().map(str::to_owned)
        };
        let digits = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(of(&format!("00-{digits}-00f067aa0ba902b7-01")).as_deref(), Some(digits));
        for bad in [
            "",
            "00",
            digits,
            "00-4bf92f35-00f067aa0ba902b7-01",
            "00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(TraceContext::new(Uuid::nil()).trace_id(), None);
    }
}
