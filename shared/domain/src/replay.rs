//! Published events that are delivered again to one consumer.

use crate::{
    id::UserId,
    redrive::{Action, OperatorActionKind, check_numbers, delays},
    text::ActionReason,
};
use catalog::{Function, ReplayPolicy};
use kernel::{Failure, Timestamp, Uuid, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A request to deliver published events again to one consumer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Why; it is kept with the action. 3 to 500 characters.
    pub reason: ActionReason,
    /// Name of the function that is to receive the events. It must have a queue.
    pub consumer: String,
    /// The first time of publication, RFC 3339. Outboxes keep events for seven days. An event that happened more than 14 days ago, and that
    /// was published again since because a consumer had not handled it, is left out: other consumers may not recognize it any more.
    #[schemars(extend("format" = "date-time"))]
    pub from: Timestamp,
    /// The end of the period, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: Timestamp,
    /// Types of events, such as `OrderPlaced.v1`; by default all that the consumer receives.
    #[serde(default)]
    pub event_types: Option<Vec<String>>,
    /// The order, payment, product or user that the events are about; by default any.
    #[serde(default)]
    pub subject: Option<Uuid>,
    /// How many events at most: 1 to 100; by default 100.
    #[serde(default)]
    pub max: Option<u32>,
    /// How many are delivered in a second: 1 to 100; by default 10.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// `next_cursor` of the response before, to go on from there.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Whether nothing is delivered, and the response says what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// The events to deliver, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub consumer: &'static str,
    /// What the consumer does with those that it has handled.
    pub policy: ReplayPolicy,
    /// Names of the types.
    pub types: Vec<&'static str>,
    /// First time of publication.
    pub from: Timestamp,
    /// End of the period, exclusive.
    pub to: Timestamp,
    pub subject: Option<Uuid>,
    /// Events that happened before it are left out: the claims of consumers on them may be gone.
    pub happened_from: Timestamp,
}

impl Replay {
    /// The events that it asks for. Fails with `Invalid`, naming the member.
    pub fn selection(&self, now: Timestamp) -> Result<Selection, Failure> {
        check_numbers(self.max, self.per_second)?;
        let consumer = catalog::find(&self.consumer);
        let consumer = consumer.filter(|function| function.replay_policy() != ReplayPolicy::Refused);
        let consumer = consumer
            .ok_or_else(|| Failure::field("/consumer", "must be a function that events reach through a queue"))?;
        if self.from >= self.to {
            return Err(Failure::field("/to", "must be after from"));
        }
        if let Some(at) =
            [("/from", self.from), ("/to", self.to)].iter().find(|(_, at)| !kernel::time::is_accepted(*at))
        {
            return Err(Failure::field(at.0, "must be a time of this century"));
        }
        let Self { from, to, subject, .. } = *self;
        let (policy, types) = (consumer.replay_policy(), self.types_for(consumer)?);
        let happened_from = seconds_after(now, -i64::from(catalog::DELIVERY_DAYS) * 86_400)?;
        Ok(Selection { consumer: consumer.name, policy, types, from, to, subject, happened_from })
    }

    fn types_for(&self, consumer: &Function) -> Result<Vec<&'static str>, Failure> {
        let received = || consumer.consumes().iter().map(|event| event.name);
        let Some(wanted) = &self.event_types else { return Ok(received().collect()) };
        let known = wanted.iter().enumerate().map(|(n, name)| {
            let found = received().find(|one| one == name);
            found.ok_or_else(|| {
                Failure::field(format!("/event_types/{n}"), "is no type of event that the consumer receives")
            })
        });
        match wanted.is_empty() {
            true => Err(Failure::field("/event_types", "must name at least one type")),
            false => known.collect(),
        }
    }

    /// How many events one request delivers.
    pub fn most(&self) -> u32 {
        self.max.unwrap_or(crate::redrive::MAX_MESSAGES)
    }

    /// The delay of each event in seconds, so that no more than the rate are delivered in a second.
    pub fn delays(&self) -> impl Iterator<Item = u32> + use<> {
        delays(self.per_second)
    }

    /// The record of it.
    pub fn action(&self, id: Uuid, operator: Uuid, at: Timestamp) -> Action {
        let members = [
            Some(("from", json!(self.from))),
            Some(("to", json!(self.to))),
            self.event_types.as_ref().map(|types| ("event_types", json!(types))),
            self.subject.map(|subject| ("subject", json!(subject))),
            self.max.map(|max| ("max", json!(max))),
            self.per_second.map(|rate| ("per_second", json!(rate))),
            self.cursor.as_ref().map(|cursor| ("cursor", json!(cursor))),
        ];
        let request: Map<String, Value> =
            members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect();
        let (target, reason) = (self.consumer.clone(), self.reason.clone());
        Action { id, operator: UserId(operator), verb: OperatorActionKind::Replay, target, reason, request, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T00:00:00Z".parse().unwrap()
    }

    fn replay(members: Value) -> Replay {
        let mut request = json!({
            "reason": "a defect in the index", "consumer": "product-index", "from": "2026-11-21T08:00:00Z", "to": "2026-11-21T09:00:00Z",
        });
        request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn selection_is_of_what_the_consumer_receives() {
        let all = replay(json!({})).selection(now()).unwrap();
        assert_eq!(all.types.len(), catalog::PRODUCT_INDEX.consumes().len());
        let one = replay(json!({ "event_types": ["ProductUpdated.v1"] })).selection(now()).unwrap();
        assert_eq!(one, Selection { types: vec!["ProductUpdated.v1"], ..all });
        assert_eq!(
            replay(json!({ "consumer": "event-forward" })).selection(now()).unwrap().types.len(),
            catalog::EVENTS.len()
        );
    }

    #[test]
    fn selection_has_no_event_that_consumers_may_have_forgotten() {
        let selection = replay(json!({})).selection(now()).unwrap();
        assert_eq!(selection.happened_from.to_string(), "2026-11-08T00:00:00Z");
        let inboxes = catalog::swept_tables().filter(|one| one.since == "claimed_at");
        assert!(inboxes.map(|one| one.days).all(|days| days > catalog::DELIVERY_DAYS));
    }

    #[test]
    fn wrong_members_are_named() {
        for (members, pointer) in [
            (json!({ "consumer": "no-such" }), "/consumer"),
            (json!({ "consumer": "order-get" }), "/consumer"),
            (json!({ "consumer": "event-archive" }), "/consumer"),
            (json!({ "to": "2026-11-21T08:00:00Z" }), "/to"),
            (json!({ "from": "-000001-01-01T00:00:00Z" }), "/from"),
            (json!({ "event_types": [] }), "/event_types"),
            (json!({ "event_types": ["ProductUpdated.v1", "OrderPlaced.v1"] }), "/event_types/1"),
            (json!({ "max": 101 }), "/max"),
            (json!({ "per_second": 0 }), "/per_second"),
        ] {
            let refused = replay(members.clone()).selection(now()).unwrap_err();
            assert_eq!(refused.fields[0].pointer, pointer, "{members}");
        }
    }

    #[test]
    fn action_says_who_what_and_why() {
        let action = replay(json!({ "max": 7 })).action(Uuid::nil(), Uuid::max(), Timestamp::UNIX_EPOCH);
        assert_eq!(
            (action.operator.0, action.target.as_str(), action.verb),
            (Uuid::max(), "product-index", OperatorActionKind::Replay)
        );
        let request = json!({ "from": "2026-11-21T08:00:00Z", "to": "2026-11-21T09:00:00Z", "max": 7 });
        assert_eq!(Value::Object(action.request), request);
    }
}
