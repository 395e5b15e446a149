//! Which request a piece of work belongs to.

use crate::Uuid;

/// Correlation and trace ids, handed from hop to hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// One customer's request, through everything that it causes.
    pub correlation_id: Uuid,
    /// W3C `traceparent` of the hop at hand (`00-<trace>-<span>-<flags>`).
    pub traceparent: Option<String>,
}

impl TraceContext {
    /// A trace that begins here, under a new correlation id.
    pub fn new(correlation_id: Uuid) -> Self {
        Self { correlation_id, traceparent: None }
    }

    /// The 32 hexadecimal digits of the trace id, where there is a well-formed `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        let id = self.traceparent.as_deref()?.split('-').nth(1)?;
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_id_is_the_32_digits_of_a_traceparent_and_of_nothing_else() {
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
