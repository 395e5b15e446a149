//! Which request a piece of work belongs to.

use crate::Uuid;

/// Correlation and trace ids, handed from hop to hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// One customer's request, through everything that it causes.
    pub correlation_id: Uuid,
    /// W3C `traceparent` of the hop at hand (`00-<trace>-<span>-<flags>`).
    pub traceparent: Option<String>,
}

impl Trace {
    /// A trace that begins here, under a new correlation id.
    pub fn begin(correlation_id: Uuid) -> Self {
        Self { correlation_id, traceparent: None }
    }

    /// The 32 hexadecimal digits of the trace id, where there is a well-formed `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        let id = self.traceparent.as_deref()?.split('-').nth(1)?;
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
    }
}
