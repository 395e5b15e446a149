//! What operators do about dead letters, and the record of what they do.

#[cfg(test)]
mod tests;

use crate::{
    dead_letter::{DeadLetterAction, DiscardedMessage},
    event_patch::EventPatch,
    id::{OrderId, UserId},
    queue::DeadMessage,
    text::{ActionReason, FailureCode},
    timeline::EventRecord,
};
use catalog::{Function, role};
use kernel::{Failure, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Most messages that one request moves, and most in a second.
pub const MAX_MESSAGES: u32 = 100;
/// Most messages that a request looks at to find those that it selects.
const MAX_SEARCHED: u32 = 1_000;
/// Longest delay of a message in SQS, in seconds.
const MAX_DELAY_S: u32 = 900;
/// Messages a second, if a request names no rate.
const DEFAULT_RATE: u32 = 10;

/// A request to move dead letters back to where their consumer reads, its queue or their topic; or to delete them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    /// Why; it is kept with the action. 3 to 500 characters.
    pub reason: ActionReason,
    /// `redrive` (the default), or `discard`, which deletes messages that will never be redriven. A discard has `message_ids` or a
    /// `reason_code`, and the audit keeps the event of each message without personal data; a body that is no event is kept nowhere. An event that
    /// its consumer has not handled is published again for fourteen days, whatever becomes of its dead letter.
    #[serde(default)]
    pub action: DeadLetterAction,
    /// Ids of 1 to 100 messages; by default all.
    #[serde(default)]
    pub message_ids: Option<Vec<Uuid>>,
    /// Only messages with this reason, as `GET /api/v1/ops/dead-letters` shows it; `moved-by-sqs` for those that have none.
    #[serde(default)]
    pub reason_code: Option<FailureCode>,
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
        if self.action == DeadLetterAction::Discard {
            self.check_discard()?;
        }
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

    /// Nothing that nobody has looked at is deleted, and what says how to deliver a message has no meaning.
    fn check_discard(&self) -> Result<(), Failure> {
        if self.message_ids.is_none() && self.reason_code.is_none() {
            return Err(Failure::field("/message_ids", "must be given for a discard, unless it has a reason_code"));
        }
        let unused = [("/per_second", self.per_second.is_some()), ("/patch", self.patch.is_some())];
        match unused.into_iter().find(|(_, is_given)| *is_given) {
            Some((pointer, _)) => Err(Failure::field(pointer, "must be left out: a discard delivers nothing")),
            None => Ok(()),
        }
    }

    fn max_messages(&self) -> u32 {
        self.max.unwrap_or(MAX_MESSAGES)
    }

    /// How many messages are searched. A dry run looks for one more than it chooses, to know whether there are more.
    pub fn search_limit(&self) -> u32 {
        let is_selection = self.message_ids.is_some() || self.reason_code.is_some();
        if is_selection { MAX_SEARCHED } else { self.max_messages() + u32::from(self.dry_run) }
    }

    /// The messages that the request selects, the others, and whether there are more to select, as far as the
    /// queue returned messages: `None` if that is not known.
    pub fn partition(&self, messages: Vec<DeadMessage>) -> (Vec<DeadMessage>, Vec<DeadMessage>, Option<bool>) {
        let is_all = messages.len() < usize::try_from(self.search_limit()).unwrap_or(usize::MAX);
        let is_named = |message: &DeadMessage| {
            self.message_ids.as_ref().is_none_or(|ids| ids.iter().any(|named| message.id.parse() == Ok(*named)))
        };
        let has_reason =
            |message: &DeadMessage| self.reason_code.as_ref().is_none_or(|code| message.reason_code() == code.as_str());
        let is_selected = |message: &DeadMessage| is_named(message) && has_reason(message);
        let (mut chosen, mut others): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_selected);
        let max = usize::try_from(self.max_messages()).unwrap_or(usize::MAX).min(chosen.len());
        let rest = chosen.split_off(max);
        let has_more = (is_all || !rest.is_empty()).then_some(!rest.is_empty());
        others.extend(rest);
        (chosen, others, has_more)
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
        /// Deleted dead letters.
        Discard,
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
    /// What is done with the dead letters of `consumer`.
    pub fn redrive(id: Uuid, operator: Uuid, consumer: &str, wanted: &Redrive, at: Timestamp) -> Self {
        let members = [
            wanted.message_ids.as_ref().map(|ids| ("message_ids", json!(ids))),
            wanted.reason_code.as_ref().map(|code| ("reason_code", json!(code))),
            wanted.max.map(|max| ("max", json!(max))),
            wanted.per_second.map(|rate| ("per_second", json!(rate))),
            wanted.patch.as_ref().map(|patch| ("patch", patch.outline())),
        ];
        Self {
            id,
            operator: UserId(operator),
            verb: match wanted.action {
                DeadLetterAction::Redrive => OperatorActionKind::Redrive,
                DeadLetterAction::Discard => OperatorActionKind::Discard,
            },
            target: consumer.to_owned(),
            reason: wanted.reason.clone(),
            request: members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect(),
            at,
        }
    }

    /// With the messages that are about to be deleted.
    #[must_use]
    pub fn with_discarded(mut self, messages: &[DiscardedMessage]) -> Self {
        let messages: Vec<Value> = messages.iter().map(DiscardedMessage::members).collect();
        self.request.insert("messages".to_owned(), messages.into());
        self
    }
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorActionResult {
    pub verb: OperatorActionKind,
    /// Messages, events or event source mappings that were found.
    pub found: usize,
    /// Those that were moved, deleted, delivered or changed.
    pub succeeded: usize,
}

impl OperatorActionResult {
    /// As it is stored and shown.
    pub fn members(&self) -> Map<String, Value> {
        let done = match self.verb {
            OperatorActionKind::Redrive => "redriven",
            OperatorActionKind::Discard => "discarded",
            OperatorActionKind::Replay => "replayed",
            OperatorActionKind::Pause => "paused",
            OperatorActionKind::Resume => "resumed",
        };
        [("matched".to_owned(), self.found.into()), (done.to_owned(), self.succeeded.into())].into_iter().collect()
    }
}

/// An entry of the audit: an action of an operator, or a change that the request of a member of staff caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Id of the action, or of the event of the change.
    pub id: Uuid,
    pub at: Timestamp,
    pub operator: UserId,
    /// Role of the operator at a change or a refused action. Only admins take actions.
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
