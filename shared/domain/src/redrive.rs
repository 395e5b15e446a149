//! What operators do about dead letters, and the record of what they do.

use crate::{
    event_patch::EventPatch,
    id::{OrderId, UserId},
    queue::DeadMessage,
    text::ActionReason,
    timeline::EventRecord,
};
use catalog::{Function, KafkaTopic, role};
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Most messages that one request moves, and most in a second.
pub const MAX_MESSAGES: u32 = 100;
/// Most messages that a request looks at to find those that it names.
const MAX_SEARCHED: u32 = 1_000;
/// Longest delay of a message in SQS, in seconds.
const MAX_DELAY_S: u32 = 900;
/// Messages a second, if a request names no rate.
const DEFAULT_RATE: u32 = 10;

/// A request to move dead letters back to where their consumer reads: its queue, or their topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    /// Why; it is kept with the action. 3 to 500 characters.
    pub reason: ActionReason,
    /// Ids of 1 to 100 messages; by default all.
    #[serde(default)]
    pub message_ids: Option<Vec<Uuid>>,
    /// How many at most: 1 to 100; by default 100. A longer queue needs several requests.
    #[serde(default)]
    pub max: Option<u32>,
    /// How many are delivered in a second: 1 to 100; by default 10. A consumer of Kafka takes them as it takes all records.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// Edits texts in the event of each message before it is moved; a message that the patch does not apply to, or makes invalid, stays. By
    /// default nothing.
    #[serde(default)]
    pub patch: Option<EventPatch>,
    /// Whether nothing is moved, and the response says what would be.
    #[serde(default)]
    pub dry_run: bool,
}

impl Redrive {
    /// Checks the numbers, and whether there are events to edit. Fails with `Invalid`, naming the member.
    pub fn check(&self, consumer: &Function) -> Result<(), Failure> {
        check_numbers(self.max, self.per_second)?;
        if self.per_second.is_some() && !consumer.has_queue() {
            return Err(Failure::field("/per_second", "must be left out: this consumer takes what its topic has"));
        }
        if self.patch.is_some() && consumer.consumes().is_empty() {
            return Err(Failure::field("/patch", "must be left out: the messages of this consumer are no events"));
        }
        let count = self.message_ids.as_ref().map(|ids| u32::try_from(ids.len()).unwrap_or(u32::MAX));
        match count.is_some_and(|count| !(1..=MAX_MESSAGES).contains(&count)) {
            true => Err(Failure::field("/message_ids", format!("must be 1 to {MAX_MESSAGES} ids"))),
            false => Ok(()),
        }
    }

    fn max_messages(&self) -> u32 {
        self.max.unwrap_or(MAX_MESSAGES)
    }

    /// How many messages are searched.
    pub fn search_limit(&self) -> u32 {
        if self.message_ids.is_some() { MAX_SEARCHED } else { self.max_messages() }
    }

    /// The messages that the request selects, and the others.
    pub fn partition<M>(&self, messages: Vec<M>, id: impl Fn(&M) -> &str) -> (Vec<M>, Vec<M>) {
        let is_id = |named: &Uuid, message: &M| id(message).parse() == Ok(*named);
        let is_named =
            |message: &M| self.message_ids.as_ref().is_none_or(|ids| ids.iter().any(|named| is_id(named, message)));
        let (mut chosen, mut others): (Vec<M>, Vec<M>) = messages.into_iter().partition(is_named);
        let max = usize::try_from(self.max_messages()).unwrap_or(usize::MAX).min(chosen.len());
        others.extend(chosen.split_off(max));
        (chosen, others)
    }

    /// The delay of each message in seconds, so that no more than the rate are delivered in a second.
    pub fn delays(&self) -> impl Iterator<Item = u32> + use<> {
        delays(self.per_second)
    }
}

/// Checks how many messages a request moves, and how many in a second.
pub(crate) fn check_numbers(max: Option<u32>, per_second: Option<u32>) -> Result<(), Failure> {
    let is_allowed = |number: Option<u32>| number.is_none_or(|number| (1..=MAX_MESSAGES).contains(&number));
    if !is_allowed(max) {
        return Err(Failure::field("/max", format!("must be from 1 to {MAX_MESSAGES}")));
    }
    if !is_allowed(per_second) {
        return Err(Failure::field("/per_second", format!("must be from 1 to {MAX_MESSAGES}")));
    }
    Ok(())
}

/// The delay of each message of a request in seconds.
pub(crate) fn delays(per_second: Option<u32>) -> impl Iterator<Item = u32> + use<> {
    let rate = per_second.unwrap_or(DEFAULT_RATE).max(1);
    (0..MAX_MESSAGES).map(move |n| (n / rate).min(MAX_DELAY_S))
}

words! {
    /// What an operator did.
    pub enum OperatorActionKind {
        /// Moved dead letters back to their queue.
        Redrive,
        /// Delivered published events again.
        Replay,
        /// Stopped the deliveries to a consumer.
        Pause,
        /// Started them again.
        Resume,
    }
}

/// Something that an operator does, recorded before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub id: Uuid,
    pub operator: UserId,
    pub verb: OperatorActionKind,
    /// What it is done to, such as the name of a consumer.
    pub target: String,
    pub reason: ActionReason,
    /// What was asked for, without values of a patch.
    pub request: Map<String, Value>,
    pub at: Timestamp,
}

impl Action {
    /// A redrive of the dead letters of `consumer`.
    pub fn redrive(id: Uuid, operator: Uuid, consumer: &str, wanted: &Redrive, at: Timestamp) -> Self {
        let members = [
            wanted.message_ids.as_ref().map(|ids| ("message_ids", json!(ids))),
            wanted.max.map(|max| ("max", json!(max))),
            wanted.per_second.map(|rate| ("per_second", json!(rate))),
            wanted.patch.as_ref().map(|patch| ("patch", patch.outline())),
        ];
        Self {
            id,
            operator: UserId(operator),
            verb: OperatorActionKind::Redrive,
            target: consumer.to_owned(),
            reason: wanted.reason.clone(),
            request: members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect(),
            at,
        }
    }
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorActionResult {
    pub verb: OperatorActionKind,
    /// Messages, events or event source mappings that were found.
    pub found: usize,
    /// Those that were moved, delivered or changed.
    pub succeeded: usize,
}

impl OperatorActionResult {
    /// As it is stored and shown.
    pub fn members(self) -> Map<String, Value> {
        let done = match self.verb {
            OperatorActionKind::Redrive => "redriven",
            OperatorActionKind::Replay => "replayed",
            OperatorActionKind::Pause => "paused",
            OperatorActionKind::Resume => "resumed",
        };
        Map::from_iter([("matched".to_owned(), self.found.into()), (done.to_owned(), self.succeeded.into())])
    }
}

/// An entry of the audit: an action of an operator, or a change that the request of a member of staff caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Id of the action, or of the event of the change.
    pub id: Uuid,
    pub at: Timestamp,
    pub operator: UserId,
    /// Role of the operator at a change. Only admins take actions.
    pub role: Option<String>,
    /// Name of the action, or type of the event.
    pub action: String,
    /// What the action is done to, or the aggregate that changed.
    pub target: String,
    /// The order that a change is about.
    pub order_id: Option<OrderId>,
    /// Why an action was taken.
    pub reason: Option<ActionReason>,
    /// What an action was asked to do.
    pub request: Map<String, Value>,
    /// What came of an action, `None` if it was never finished: it may have been done in part. Of a change, the data of the event.
    pub outcome: Option<Map<String, Value>>,
}

impl AuditEntry {
    /// The entry of an action.
    pub fn of_action(action: &Action, outcome: Option<Map<String, Value>>) -> Self {
        Self {
            id: action.id,
            at: action.at,
            operator: action.operator,
            role: None,
            action: action.verb.name().to_owned(),
            target: action.target.clone(),
            order_id: None,
            reason: Some(action.reason.clone()),
            request: action.request.clone(),
            outcome,
        }
    }

    /// The entry of a change; `None` unless the request of staff or of an admin caused the event.
    pub fn of_change(event: &EventRecord) -> Option<Self> {
        let actor = event.actor.as_ref().filter(|actor| [role::STAFF, role::ADMIN].contains(&actor.role.as_str()))?;
        Some(Self {
            id: event.id,
            at: event.occurred_at,
            operator: UserId(actor.id),
            role: Some(actor.role.clone()),
            action: event.kind.clone(),
            target: event.subject.clone(),
            order_id: event.order_id,
            reason: None,
            request: Map::new(),
            outcome: Some(event.data.clone()),
        })
    }
}

/// The failure for a consumer that reads neither a queue nor topics: `Conflict`.
pub fn not_redrivable(consumer: &str) -> Failure {
    let detail = format!("{consumer} reads a stream or a bucket: there is nothing to move its dead letters to.");
    Failure::new(FailureKind::Conflict, "queue-not-redrivable", detail)
}

/// The topic and the key of the record that a dead letter of a consumer of Kafka was. Its body is the value of the record, unless that was no text.
/// Fails with `Invalid` if no record can be made of it.
pub fn record_of(consumer: &Function, message: &DeadMessage) -> Result<(&'static KafkaTopic, String), Failure> {
    let unreadable = |detail| Failure::new(FailureKind::Invalid, "unreadable", detail);
    // Topic, partition and offset.
    let origin = message.notes.get("record_id").and_then(|id| id.rsplitn(3, '-').nth(2));
    let topic = consumer.topics().iter().copied().find(|topic| Some(topic.name) == origin);
    let topic = topic.ok_or_else(|| unreadable("The message does not say from which topic of the consumer it is."))?;
    let key = message.attributes.get("key").cloned();
    let key = key.ok_or_else(|| unreadable("The record had no key."))?;
    let body: Option<Map<String, Value>> = serde_json::from_str(&message.body).ok();
    match body.is_some_and(|members| ["topic", "partition", "offset"].iter().all(|name| members.contains_key(*name))) {
        true => Err(unreadable("The value of the record was no text.")),
        false => Ok((topic, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redrive(members: Value) -> Redrive {
        let mut request = json!({ "reason": "gateway is back" });
        request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn messages_are_chosen_by_id_and_by_number() {
        let [a, b, c] = [1, 2, 3].map(|n| Uuid::from_u128(n).to_string());
        let messages = || vec![a.as_str(), b.as_str(), c.as_str()];
        let partition = |wanted: &Redrive| wanted.partition(messages(), |message| *message);
        assert_eq!(partition(&redrive(json!({}))), (messages(), vec![]));
        assert_eq!(partition(&redrive(json!({ "max": 2 }))), (vec![a.as_str(), &b], vec![c.as_str()]));
        let named = redrive(json!({ "message_ids": [c, Uuid::nil()] }));
        assert_eq!(partition(&named), (vec![c.as_str()], vec![a.as_str(), &b]));
        assert!(named.search_limit() > redrive(json!({ "max": 2 })).search_limit());
    }

    #[test]
    fn no_more_messages_than_the_rate_are_delivered_in_a_second() {
        let delays: Vec<u32> = redrive(json!({ "per_second": 2 })).delays().take(5).collect();
        assert_eq!(delays, [0, 0, 1, 1, 2]);
        assert!(redrive(json!({ "per_second": 1 })).delays().all(|delay| delay <= MAX_DELAY_S));
    }

    #[test]
    fn numbers_out_of_bounds_are_named() {
        let many: Vec<Uuid> = (0..101).map(Uuid::from_u128).collect();
        for (members, pointer) in [
            (json!({ "max": 0 }), "/max"),
            (json!({ "max": 101 }), "/max"),
            (json!({ "per_second": 0 }), "/per_second"),
            (json!({ "message_ids": [] }), "/message_ids"),
            (json!({ "message_ids": many }), "/message_ids"),
        ] {
            assert_eq!(redrive(members).check(catalog::STOCK_RESERVE).unwrap_err().fields[0].pointer, pointer);
        }
        assert_eq!(
            redrive(json!({ "max": 100, "per_second": 1, "message_ids": [Uuid::nil()] })).check(catalog::STOCK_RESERVE),
            Ok(())
        );
        let patch = redrive(json!({ "patch": [{ "op": "remove", "path": "/a" }] }));
        assert_eq!(patch.check(catalog::STOCK_RESERVE), Ok(()));
        assert_eq!(patch.check(catalog::EMAIL_FEEDBACK_TRACK).unwrap_err().fields[0].pointer, "/patch");
    }

    #[test]
    fn rate_is_of_deliveries_to_a_queue() {
        let wanted = redrive(json!({ "per_second": 2 }));
        assert_eq!(wanted.check(catalog::RECORD_WRITE).unwrap_err().fields[0].pointer, "/per_second");
        assert_eq!(redrive(json!({})).check(catalog::RECORD_WRITE), Ok(()));
    }

    #[test]
    fn dead_letter_of_a_topic_says_which_record_it_was() {
        let message = |record_id: &str, key: Option<&str>, body: &str| DeadMessage {
            id: String::new(),
            receipt_handle: String::new(),
            body: body.to_owned(),
            dead_since: Timestamp::UNIX_EPOCH,
            notes: [("record_id".to_owned(), record_id.to_owned())].into(),
            attributes: key.map(|key| ("key".to_owned(), key.to_owned())).into_iter().collect(),
        };
        let of = |message| record_of(catalog::EVENT_RECORD, &message);
        let (topic, key) = of(message("user-events-1-1700", Some("u-1"), "{}")).unwrap();
        assert_eq!((topic.name, key.as_str()), ("user-events", "u-1"));
        assert!(of(message("user-events-1-1700", Some("u-1"), "no JSON")).is_ok(), "it will be a dead letter again");
        for wrong in [
            message("user-events-1-1700", None, "{}"),
            message("user-events", Some("u-1"), "{}"),
            message("records-1-1700", Some("u-1"), "{}"),
            message("user-events-1-1700", Some("u-1"), r#"{"topic":"user-events","partition":1,"offset":1700}"#),
        ] {
            assert_eq!(of(wrong.clone()).unwrap_err().code, "unreadable", "{wrong:?}");
        }
    }

    #[test]
    fn action_says_what_was_edited_without_the_values() {
        let patch = json!([{ "op": "add", "path": "/data/name", "value": "Ada" }]);
        let wanted = redrive(json!({ "patch": patch }));
        let action = Action::redrive(Uuid::nil(), Uuid::max(), "stock-reserve", &wanted, Timestamp::UNIX_EPOCH);
        assert_eq!(Value::Object(action.request), json!({ "patch": [{ "op": "add", "path": "/data/name" }] }));
    }

    #[test]
    fn action_says_who_what_and_why() {
        let wanted = redrive(json!({ "message_ids": [Uuid::nil()] }));
        let action = Action::redrive(Uuid::nil(), Uuid::max(), "stock-reserve", &wanted, Timestamp::UNIX_EPOCH);
        assert_eq!((action.operator.0, action.target.as_str()), (Uuid::max(), "stock-reserve"));
        assert_eq!(action.reason.as_str(), "gateway is back");
        assert_eq!(Value::Object(action.request), json!({ "message_ids": [Uuid::nil()] }));
    }
}
