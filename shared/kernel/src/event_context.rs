//! What the events of one request, delivery or tick have in common, and how they are wrapped.

use crate::{CloudEvent, EventPayload, Ids, Principal, Timestamp, TraceContext};

/// Time, source of ids, trace and actor of the new events that one request, delivery or tick causes.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a> {
    /// When the events occur.
    pub now: Timestamp,
    /// Source of their ids.
    pub ids: &'a Ids,
    /// The trace that they continue.
    pub trace: &'a TraceContext,
    /// The caller of the request; `None` for a delivery, a tick or an anonymous request.
    pub actor: Option<&'a Principal>,
}

impl EventContext<'_> {
    /// A new event: it brought the aggregate `subject` to version `sequence`.
    pub fn event<P: EventPayload>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payload: impl Into<P>,
    ) -> CloudEvent<P> {
        let event = CloudEvent::new(self.ids.next(), subject, sequence, self.now, self.trace, payload);
        CloudEvent { actor: self.actor.cloned(), ..event }
    }

    /// One event for each of `payloads`, all of one transition; otherwise as [`EventContext::event`].
    pub fn events<P: EventPayload + Clone>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payloads: &[P],
    ) -> Vec<CloudEvent<P>> {
        let subject = subject.to_string();
        payloads.iter().map(|payload| self.event(&subject, sequence, payload.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uuid;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Done(u32);

    impl EventPayload for Done {
        fn source(&self) -> &'static str {
            "things"
        }
    }

    #[test]
    fn events_of_a_transition_keep_their_order_and_have_an_id_each() {
        let (now, trace) = (Timestamp::UNIX_EPOCH, TraceContext::new(Uuid::from_u128(7)));
        let actor = Principal { id: Uuid::from_u128(9), role: "staff".to_owned() };
        let context = EventContext { now, ids: &Ids::seeded(1, now), trace: &trace, actor: Some(&actor) };
        let events = context.events("s-1", 3, &[Done(1), Done(2)]);
        assert_eq!(events.iter().map(|event| event.event.clone()).collect::<Vec<_>>(), [Done(1), Done(2)]);
        assert_ne!(events[0].id, events[1].id);
        for event in events {
            assert_eq!((event.subject.as_str(), event.sequence, event.correlationid), ("s-1", 3, Uuid::from_u128(7)));
            assert_eq!((event.source.as_str(), event.time, event.actor.as_ref()), ("things", now, Some(&actor)));
        }
    }
}
