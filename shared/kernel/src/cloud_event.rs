//! The envelope of domain events: CloudEvents 1.0 in JSON with the extensions `traceparent`, `sequence` and `correlationid`.

use crate::{Timestamp, TraceContext, Uuid};
use serde::{Deserialize, Serialize};

/// Version of the CloudEvents specification.
pub const SPEC_VERSION: &str = "1.0";

/// A domain event with its envelope.
///
/// `E` must be adjacently tagged with `type` and `data`, so that it serializes to the CloudEvents attributes of these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent<E> {
    /// Always [`SPEC_VERSION`].
    pub specversion: String,
    /// Globally unique; consumers deduplicate by it.
    pub id: Uuid,
    /// The bounded context that publishes the event, such as `quayside.orders`.
    pub source: String,
    /// Id of the aggregate that the event describes.
    pub subject: String,
    /// When the event occurred, not when it was published.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub time: Timestamp,
    /// Version of the aggregate after this event. Consumers ignore events older than what they have processed.
    pub sequence: u64,
    /// Identifies the request that caused the event; see [`TraceContext::correlation_id`].
    pub correlationid: Uuid,
    /// W3C trace context of the publishing hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The attributes `type` and `data`.
    #[serde(flatten)]
    pub event: E,
}

/// The payload of a [`CloudEvent`] that knows its `source`.
pub trait EventPayload {
    /// The context that publishes the event, such as `quayside.orders`.
    fn source(&self) -> &'static str;
}

impl<E: EventPayload> CloudEvent<E> {
    /// Wraps `event`, which brought the aggregate `subject` to version `sequence`.
    pub fn new(
        id: Uuid,
        subject: impl ToString,
        sequence: u64,
        time: Timestamp,
        trace: &TraceContext,
        event: impl Into<E>,
    ) -> Self {
        let event = event.into();
        Self {
            specversion: SPEC_VERSION.to_owned(),
            id,
            source: event.source().to_owned(),
            subject: subject.to_string(),
            time,
            sequence,
            correlationid: trace.correlation_id,
            traceparent: trace.traceparent.clone(),
            event,
        }
    }
}

impl<E> CloudEvent<E> {
    /// Returns the trace context that the event carries.
    pub fn trace(&self) -> TraceContext {
        TraceContext { correlation_id: self.correlationid, traceparent: self.traceparent.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(tag = "type", content = "data")]
    enum Sample {
        #[serde(rename = "ThingDone.v1")]
        ThingDone { n: u32 },
    }

    impl EventPayload for Sample {
        fn source(&self) -> &'static str {
            "quayside.things"
        }
    }

    #[test]
    fn envelope_round_trips_and_has_the_specified_attributes() {
        let trace = TraceContext { correlation_id: Uuid::nil(), traceparent: None };
        let done = Sample::ThingDone { n: 7 };
        let event: CloudEvent<Sample> = CloudEvent::new(Uuid::nil(), "t-1", 3, Timestamp::UNIX_EPOCH, &trace, done);
        let json = serde_json::to_value(&event).expect("serializes");
        assert_eq!(json["type"], "ThingDone.v1");
        assert_eq!(json["data"]["n"], 7);
        assert_eq!((&json["specversion"], &json["source"]), (&"1.0".into(), &"quayside.things".into()));
        assert_eq!(serde_json::from_value::<CloudEvent<Sample>>(json).expect("parses"), event);
    }
}
