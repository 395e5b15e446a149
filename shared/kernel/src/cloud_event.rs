//! The envelope of every domain event: CloudEvents 1.0 in JSON, with the distributed-tracing extension and two of ours.

use crate::{Timestamp, TraceContext, Uuid};
use serde::{Deserialize, Serialize};

/// The version of the CloudEvents specification that the envelope follows.
pub const SPEC_VERSION: &str = "1.0";

/// A domain event on the wire.
///
/// `E` is adjacently tagged (`type` and `data`), so that a typed enum and the specification's members are the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent<E> {
    /// Always [`SPEC_VERSION`].
    pub specversion: String,
    /// Unique for ever; consumers remember it to do each event once.
    pub id: Uuid,
    /// The context that published it, `quayside.orders` for instance.
    pub source: String,
    /// Id of the aggregate that the event is about.
    pub subject: String,
    /// When it happened (not when it was sent).
    pub time: Timestamp,
    /// Version of the aggregate after this event: an older one must not undo a newer one.
    pub sequence: u64,
    /// Follows one customer's request through everything that it causes.
    pub correlationid: Uuid,
    /// W3C trace context of the hop that published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// `type` and `data`.
    #[serde(flatten)]
    pub event: E,
}

/// The payload of a [`CloudEvent`] that knows its `source`.
pub trait EventPayload {
    /// The context that publishes the event, such as `quayside.orders`.
    fn source(&self) -> &'static str;
}

impl<E> CloudEvent<E> {
    /// Wraps `event` as `id`, which brought the aggregate `subject` to version `sequence`, as part of what `trace` follows.
    pub fn new(
        id: Uuid,
        source: &str,
        subject: impl ToString,
        sequence: u64,
        time: Timestamp,
        trace: &TraceContext,
        event: E,
    ) -> Self {
        Self {
            specversion: SPEC_VERSION.to_owned(),
            id,
            source: source.to_owned(),
            subject: subject.to_string(),
            time,
            sequence,
            correlationid: trace.correlation_id,
            traceparent: trace.traceparent.clone(),
            event,
        }
    }

    /// What the event says of the request that caused it.
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

    #[test]
    fn the_envelope_survives_the_wire_and_carries_the_specified_members() {
        let trace = TraceContext { correlation_id: Uuid::nil(), traceparent: None };
        let event = CloudEvent::new(
            Uuid::nil(),
            "quayside.things",
            "t-1",
            3,
            Timestamp::UNIX_EPOCH,
            &trace,
            Sample::ThingDone { n: 7 },
        );
        let json = serde_json::to_value(&event).expect("serializes");
        assert_eq!(json["type"], "ThingDone.v1");
        assert_eq!(json["data"]["n"], 7);
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(serde_json::from_value::<CloudEvent<Sample>>(json).expect("parses"), event);
    }
}
