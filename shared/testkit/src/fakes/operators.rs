//! In-memory fakes of what operators use: queues of dead letters, event source mappings, and the record of what operators did.

use super::{Dependency, OperatorActions, Queues, keys::IdempotencyKeys, payments::PaymentsState};
use catalog::{Function, Trigger};
use domain::{
    consumer::{self, DesiredState, Mapping, MappingState},
    queue::{DeadMessage, QueueDepth, Waiting},
    redrive::{Action, AuditEntry, OperatorActionResult},
    refused_action::RefusedAction,
    text::ActionReason,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Timestamp, Uuid};
use ports::{KeyOutcome, Page};
use serde_json::{Map, Value};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

#[derive(Default)]
pub(super) struct QueuesState {
    dead: BTreeMap<String, Vec<DeadMessage>>,
    /// Ids of the dead letters that were received.
    hidden: BTreeSet<String>,
    /// The messages that were sent, with their delays.
    sent: Vec<(String, String, u32)>,
    /// Ids of the event source mappings that are disabled.
    disabled: BTreeSet<String>,
    /// Ids of those that Lambda is changing.
    busy: BTreeSet<String>,
}

impl QueuesState {
    fn remove(&mut self, consumer: &str, message: &DeadMessage) {
        self.dead.entry(consumer.to_owned()).or_default().retain(|dead| dead.id != message.id);
        self.hidden.remove(&message.id);
    }

    /// Each consumer has one mapping, or one for each of its topics.
    fn mappings(&self) -> Vec<Mapping> {
        let consumers = catalog::FUNCTIONS.iter().filter(|function| function.has_event_source_mapping());
        consumers.flat_map(|function| ids(function).map(|id| self.mapping(function.name, id))).collect()
    }

    fn mapping(&self, consumer: &'static str, id: String) -> Mapping {
        let state = match (self.busy.contains(&id), self.disabled.contains(&id)) {
            (true, _) => MappingState::Busy,
            (false, true) => MappingState::Disabled,
            (false, false) => MappingState::Enabled,
        };
        Mapping { id, consumer, state }
    }
}

/// Ids of the event source mappings of a consumer.
fn ids(function: &Function) -> impl Iterator<Item = String> {
    let count = if let Trigger::Kafka(topics) = function.trigger { topics.len() } else { 1 };
    let name = function.name;
    (0..count).map(move |number| format!("{name}/{number}"))
}

#[derive(Default)]
pub(super) struct ActionsState {
    begun: BTreeMap<(Timestamp, Uuid), Action>,
    outcomes: BTreeMap<Uuid, Map<String, Value>>,
    keys: IdempotencyKeys,
    refused: Vec<RefusedAction>,
}

impl Queues {
    /// Puts a dead letter of `consumer` into its queue.
    pub fn put(&self, consumer: &str, message: DeadMessage) {
        self.0.arrange(|state| state.queues.dead.entry(consumer.to_owned()).or_default().push(message));
    }

    /// Consumer, body and delay in seconds of each message that was sent to a queue, in order.
    pub fn sent(&self) -> Vec<(String, String, u32)> {
        self.0.inspect(|state| state.queues.sent.clone())
    }

    /// Lets Lambda change all event source mappings of a consumer, or be done with it.
    pub fn set_busy(&self, consumer: &Function, is_busy: bool) {
        self.0.arrange(|state| match is_busy {
            true => state.queues.busy.extend(ids(consumer)),
            false => state.queues.busy.clear(),
        });
    }
}

impl ports::QueueDepths for Queues {
    async fn depths(&self, consumers: &[&'static str]) -> Result<Vec<QueueDepth>, Failure> {
        let query = self.0.query(Dependency::DeadLetters, |state| {
            let depth = |consumer: &&'static str| {
                let sent = state.queues.sent.iter().filter(|(to, ..)| to == consumer).count();
                let waiting = Waiting { visible: u64::try_from(sent).unwrap_or(u64::MAX), in_flight: 0, delayed: 0 };
                let has_queue = catalog::find(consumer).is_some_and(Function::has_queue);
                let dead = state.queues.dead.get(*consumer).map_or(0, Vec::len);
                QueueDepth {
                    consumer: (*consumer).to_owned(),
                    queue: has_queue.then_some(waiting),
                    dead_letters: u64::try_from(dead).unwrap_or(u64::MAX),
                }
            };
            Ok(consumers.iter().map(depth).collect())
        });
        query.await
    }
}

impl ports::ConsumerMappings for Queues {
    async fn list(&self) -> Result<Vec<Mapping>, Failure> {
        self.0.query(Dependency::Mappings, |state| Ok(state.queues.mappings())).await
    }
}

impl ports::ConsumerControl for Queues {
    async fn set_state(&self, mapping: &Mapping, wanted: DesiredState) -> Result<Mapping, Failure> {
        let step = self.0.step(Dependency::Mappings, "mappings.set_state", |state| {
            let queues = &mut state.queues;
            if queues.mappings().iter().all(|one| one.id != mapping.id) {
                return Err(Failure::not_found("event source mapping"));
            }
            if queues.busy.contains(&mapping.id) {
                return Err(consumer::changing(mapping.consumer));
            }
            match wanted {
                DesiredState::Paused => queues.disabled.insert(mapping.id.clone()),
                DesiredState::Running => queues.disabled.remove(&mapping.id),
            };
            Ok(queues.mapping(mapping.consumer, mapping.id.clone()))
        });
        step.await
    }
}

impl ports::DeadLetterQueues for Queues {
    async fn receive(&self, consumer: &str, most: u32) -> Result<Vec<DeadMessage>, Failure> {
        let step = self.0.step(Dependency::DeadLetters, "queues.receive", |state| {
            let queues = &mut state.queues;
            let dead = queues.dead.get(consumer).into_iter().flatten();
            let visible = dead.filter(|message| !queues.hidden.contains(&message.id));
            let found: Vec<DeadMessage> = visible.take(usize::try_from(most).unwrap_or(usize::MAX)).cloned().collect();
            queues.hidden.extend(found.iter().map(|message| message.id.clone()));
            Ok(found)
        });
        step.await
    }

    async fn release(&self, _consumer: &str, messages: &[DeadMessage]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "queues.release", |state| {
            state.queues.hidden.retain(|hidden| messages.iter().all(|message| message.id != *hidden));
            Ok(())
        });
        step.await
    }

    async fn redrive(&self, consumer: &str, message: &DeadMessage, delay_s: u32) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "queues.redrive", |state| {
            state.queues.sent.push((consumer.to_owned(), message.body.clone(), delay_s));
            state.queues.remove(consumer, message);
            Ok(())
        });
        step.await
    }

    async fn remove(&self, consumer: &str, message: &DeadMessage) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "queues.remove", |state| {
            state.queues.remove(consumer, message);
            Ok(())
        });
        step.await
    }
}

impl ports::ConsumerQueues for Queues {
    async fn send(&self, consumer: &str, body: &str, delay_s: u32) -> Result<(), Failure> {
        let step = self.0.step(Dependency::DeadLetters, "queues.send", |state| {
            state.queues.sent.push((consumer.to_owned(), body.to_owned(), delay_s));
            Ok(())
        });
        step.await
    }
}

impl ports::OperatorActions for OperatorActions {
    /// An action that is not finished keeps its key.
    async fn begin(&self, action: &Action, key: Option<&IdempotencyKey>) -> Result<IdempotencyOutcome, Failure> {
        let step = self.0.step(Dependency::Database, "operator_actions.begin", |state| {
            let actions = &mut state.actions;
            if let Some(settled) = key.map(|key| actions.keys.find(key)).transpose()?.flatten() {
                return Ok(settled);
            }
            if let Some(key) = key {
                actions.keys.record(key, None);
            }
            actions.begun.insert((action.at, action.id), action.clone());
            Ok(IdempotencyOutcome::Committed)
        });
        step.await
    }

    async fn finish(
        &self,
        action: Uuid,
        outcome: OperatorActionResult,
        _at: Timestamp,
        settled: Option<KeyOutcome<'_>>,
    ) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "operator_actions.finish", |state| {
            state.actions.outcomes.insert(action, outcome.members());
            match settled {
                Some((key, Some(reply))) => state.actions.keys.record(key, Some(reply)),
                Some((key, None)) => state.actions.keys.release(key),
                None => {}
            }
            Ok(())
        });
        step.await
    }

    async fn refuse(&self, refused: &RefusedAction) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "operator_actions.refuse", |state| {
            let recorded = &mut state.actions.refused;
            let interval = |one: &RefusedAction| {
                (one.caller, one.function, one.at.as_second().div_euclid(RefusedAction::INTERVAL_S))
            };
            if recorded.iter().all(|one| interval(one) != interval(refused)) {
                recorded.push(refused.clone());
            }
            Ok(())
        });
        step.await
    }
}

impl edge::http::RefusalLog for OperatorActions {
    async fn record(&self, refused: &edge::http::RefusedCall) -> Result<(), Failure> {
        let edge::http::RefusedCall { id, at, caller, function, path_parameters } = refused;
        let named = path_parameters.get("name").map(String::as_str);
        ports::OperatorActions::refuse(self, &RefusedAction::new(*id, *at, caller, function, named)).await
    }
}

/// Why a refund was approved or rejected, which its event does not say.
fn reason(change: &AuditEntry, payments: &PaymentsState) -> Option<ActionReason> {
    let refund = change.outcome.as_ref()?.get("refund_id")?.as_str()?;
    let is_decision = change.action == catalog::REFUND_APPROVAL_DECIDED.name;
    let approvals = payments.payments.values().flat_map(|payment| &payment.approvals).filter(|_| is_decision);
    let mut decided = approvals.filter(|approval| approval.id.to_string() == refund);
    decided.find_map(|approval| approval.decision.as_ref()?.reason.clone())
}

impl ports::OperatorLog for OperatorActions {
    async fn list(&self, limit: u32, cursor: Option<&str>) -> Result<Page<AuditEntry>, Failure> {
        let before = cursor.map(super::event_records::read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let outcome = |action: &Action| state.actions.outcomes.get(&action.id).cloned();
            let actions = state.actions.begun.values().map(|action| AuditEntry::of_action(action, outcome(action)));
            let changes = state.records.all().filter_map(AuditEntry::of_change);
            let changes = changes.map(|change| AuditEntry { reason: reason(&change, &state.payments), ..change });
            let refused = state.actions.refused.iter().map(AuditEntry::from);
            let all = actions.chain(changes).chain(refused);
            let mut found: Vec<AuditEntry> =
                all.filter(|one| before.is_none_or(|before| (one.at, one.id) < before)).collect();
            found.sort_by_key(|one| Reverse((one.at, one.id)));
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|last| format!("{}/{}", last.at, last.id));
            Ok(Page { items: found, next })
        });
        query.await
    }
}

impl edge::DeadLetters for Queues {
    async fn send(&self, dead_letter: edge::DeadLetter) -> Result<(), Failure> {
        let edge::DeadLetter { body, reason, detail, function, attempt, record_id, source, attributes } = dead_letter;
        let notes = [
            ("reason", reason),
            ("detail", detail),
            ("attempt", attempt.to_string()),
            ("record_id", record_id.clone()),
            ("source", source),
        ];
        let message = DeadMessage {
            id: record_id.clone(),
            receipt_handle: record_id,
            body,
            dead_since: Timestamp::UNIX_EPOCH,
            notes: notes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            attributes,
        };
        self.put(&function, message);
        Ok(())
    }
}
