//! The envelope of domain events: CloudEvents 1.0 in JSON with the extensions `traceparent`, `sequence`, `correlationid`,
//! `actorid` and `actorrole`.

use crate::{Principal, Timestamp, TraceContext, Uuid};
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
    /// Version of the aggregate after this event. Consumers ignore events older than what they have processed. 1 where the event changes no
    /// version, which is not compared: `catalog::UNVERSIONED`.
    pub sequence: u64,
    /// Identifies the request that caused the event; see [`TraceContext::correlation_id`].
    pub correlationid: Uuid,
    /// W3C trace context of the publishing hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Whose request caused the event: the attributes `actorid` and `actorrole`. `None` for an event that a consumer, a schedule or an
    /// anonymous request caused, and for one whose attributes are malformed.
    #[serde(flatten)]
    pub actor: Option<Principal>,
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
    /// Wraps `event`, which brought the aggregate `subject` to version `sequence`. It has no actor.
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
            actor: None,
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

    #[test]
    fn actor_is_two_attributes_that_an_undecoded_event_keeps_apart_from_its_own() {
        let trace = TraceContext::new(Uuid::nil());
        let done = Sample::ThingDone { n: 7 };
        let event: CloudEvent<Sample> = CloudEvent::new(Uuid::nil(), "t-1", 3, Timestamp::UNIX_EPOCH, &trace, done);
        assert!(!serde_json::to_string(&event).expect("serializes").contains("actor"));
        let actor = Some(Principal { id: Uuid::max(), role: "staff".to_owned() });
        let json = serde_json::to_value(CloudEvent { actor: actor.clone(), ..event }).expect("serializes");
        assert_eq!((&json["actorid"], &json["actorrole"]), (&Uuid::max().to_string().into(), &"staff".into()));
        let read: CloudEvent<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_value(json.clone()).expect("parses");
        assert_eq!(read.actor, actor);
        assert!(read.event.keys().eq(["data", "type"]), "{:?}", read.event);
        assert_eq!(serde_json::to_value(&read).expect("serializes"), json);
    }

    #[test]
    fn event_with_a_malformed_actor_is_read_without_it() {
        let trace = TraceContext::new(Uuid::nil());
        let done = Sample::ThingDone { n: 7 };
        let event: CloudEvent<Sample> = CloudEvent::new(Uuid::nil(), "t-1", 3, Timestamp::UNIX_EPOCH, &trace, done);
        let sent = serde_json::to_value(&event).expect("serializes");
        for attributes in [
            serde_json::json!({ "actorid": "root", "actorrole": "staff" }),
            serde_json::json!({ "actorid": Uuid::max(), "actorrole": 7 }),
            serde_json::json!({ "actorid": Uuid::max() }),
            serde_json::json!({ "actorrole": "staff" }),
            serde_json::json!({ "actorid": null, "actorrole": null }),
        ] {
            let mut json = sent.clone();
            json.as_object_mut().expect("an object").extend(attributes.as_object().expect("an object").clone());
            assert_eq!(serde_json::from_value::<CloudEvent<Sample>>(json).expect("parses"), event, "{attributes}");
        }
    }
}
