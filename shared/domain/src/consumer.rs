//! Consumers that operators pause and resume.

use crate::{
    id::UserId,
    redrive::{Action, OperatorActionKind},
    text::ActionReason,
};
use catalog::Function;
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

words! {
    /// The state that an operator wants a consumer in.
    pub enum DesiredState {
        /// It gets no messages; they wait in their queue, stream or topic.
        Paused,
        /// It gets its messages.
        Running,
    }

    /// Whether a consumer gets messages.
    pub enum ConsumerState {
        Running,
        Paused,
        /// Some of its event source mappings are not running or stopped yet, or not any more.
        Changing,
    }
}

/// A request to pause or to resume a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConsumerState {
    /// The state that it is to have.
    pub state: DesiredState,
    /// Why; it is kept with the action. 3 to 500 characters.
    pub reason: ActionReason,
}

/// An event source mapping: what invokes a consumer with messages of one queue, stream or topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub id: String,
    /// Name of the consumer.
    pub consumer: &'static str,
    pub state: MappingState,
}

/// What Lambda says of an event source mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingState {
    Enabled,
    Enabling,
    Disabled,
    Disabling,
    /// It is being created, updated or deleted.
    Busy,
}

impl DesiredState {
    /// Whether a mapping has this state, or is about to have it.
    fn is_reached_by(self, state: MappingState) -> bool {
        match self {
            Self::Paused => matches!(state, MappingState::Disabled | MappingState::Disabling),
            Self::Running => matches!(state, MappingState::Enabled | MappingState::Enabling),
        }
    }

    pub fn verb(self) -> OperatorActionKind {
        match self {
            Self::Paused => OperatorActionKind::Pause,
            Self::Running => OperatorActionKind::Resume,
        }
    }
}

impl UpdateConsumerState {
    /// The mappings that have to change. Fails with `Conflict` while one of them changes in another way.
    pub fn to_change<'a>(&self, mappings: &'a mut [Mapping]) -> Result<Vec<&'a mut Mapping>, Failure> {
        let open = mappings.iter_mut().filter(|mapping| !self.state.is_reached_by(mapping.state));
        open.map(|mapping| match mapping.state {
            MappingState::Enabled | MappingState::Disabled => Ok(mapping),
            MappingState::Enabling | MappingState::Disabling | MappingState::Busy => Err(changing(mapping.consumer)),
        })
        .collect()
    }

    /// The record of it.
    pub fn action(&self, id: Uuid, operator: Uuid, consumer: &str, at: Timestamp) -> Action {
        let (verb, reason) = (self.state.verb(), self.reason.clone());
        Action { id, operator: UserId(operator), verb, target: consumer.to_owned(), reason, request: Map::new(), at }
    }
}

/// The state of a consumer with these mappings; `None` without any.
pub fn state_of<'a>(mappings: impl IntoIterator<Item = &'a Mapping>) -> Option<ConsumerState> {
    let states = mappings.into_iter().map(|mapping| match mapping.state {
        MappingState::Enabled => ConsumerState::Running,
        MappingState::Disabled => ConsumerState::Paused,
        MappingState::Enabling | MappingState::Disabling | MappingState::Busy => ConsumerState::Changing,
    });
    states.reduce(|one, other| if one == other { one } else { ConsumerState::Changing })
}

/// The function of this name, if it can be paused.
pub fn pausable(name: &str) -> Result<&'static Function, Failure> {
    let function = catalog::find(name).ok_or_else(|| Failure::not_found("consumer"))?;
    if function.has_event_source_mapping() { Ok(function) } else { Err(not_pausable(name)) }
}

/// The failure for a function that nothing delivers messages to: `Conflict`.
pub fn not_pausable(name: &str) -> Failure {
    let detail = format!("{name} has no event source mapping: there is nothing to pause or to resume.");
    Failure::new(FailureKind::Conflict, "consumer-not-pausable", detail)
}

/// The failure while Lambda changes an event source mapping: `Conflict`. Nothing is unavailable: the state of the consumer ends it by itself.
pub fn changing(consumer: &str) -> Failure {
    let detail = format!("An event source mapping of {consumer} is changing; please try again in a minute.");
    Failure::new(FailureKind::Conflict, "consumer-changing", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MappingState::*;
    use serde_json::json;

    fn mappings(states: &[MappingState]) -> Vec<Mapping> {
        let mapping = |state: &MappingState| Mapping {
            id: format!("{state:?}"),
            consumer: catalog::STOCK_RESERVE.name,
            state: *state,
        };
        states.iter().map(mapping).collect()
    }

    fn to_change(state: &str, states: &[MappingState]) -> Result<Vec<String>, &'static str> {
        let wanted: UpdateConsumerState =
            serde_json::from_value(json!({ "state": state, "reason": "a defect" })).unwrap();
        let mut mappings = mappings(states);
        let found = wanted.to_change(&mut mappings);
        found.map(|all| all.into_iter().map(|one| one.id.clone()).collect()).map_err(|failure| failure.code)
    }

    #[test]
    fn state_of_a_consumer_is_that_of_all_its_mappings() {
        for (states, expected) in [
            (&[][..], None),
            (&[Enabled], Some(ConsumerState::Running)),
            (&[Disabled, Disabled], Some(ConsumerState::Paused)),
            (&[Enabled, Disabled], Some(ConsumerState::Changing)),
            (&[Disabled, Disabling], Some(ConsumerState::Changing)),
            (&[Busy], Some(ConsumerState::Changing)),
        ] {
            assert_eq!(state_of(&mappings(states)), expected, "{states:?}");
        }
    }

    #[test]
    fn mapping_that_has_the_state_or_is_about_to_have_it_is_left_alone() {
        assert_eq!(to_change("paused", &[Enabled, Disabled, Disabling]), Ok(vec!["Enabled".to_owned()]));
        assert_eq!(to_change("running", &[Enabled, Disabled, Enabling]), Ok(vec!["Disabled".to_owned()]));
        assert_eq!(to_change("paused", &[Disabled]), Ok(vec![]));
    }

    #[test]
    fn nothing_changes_while_a_mapping_changes_in_another_way() {
        for (state, busy) in [("paused", Enabling), ("running", Disabling), ("paused", Busy), ("running", Busy)] {
            assert_eq!(to_change(state, &[Enabled, Disabled, busy]), Err("consumer-changing"), "{state} {busy:?}");
        }
    }

    #[test]
    fn only_what_an_event_source_mapping_invokes_can_be_paused() {
        let code = |name: &str| pausable(name).map(|function| function.name).map_err(|failure| failure.code);
        for function in [catalog::STOCK_RESERVE, catalog::WINDOW_AGGREGATE, catalog::EVENT_ARCHIVE] {
            assert_eq!(code(function.name), Ok(function.name));
        }
        assert_eq!(code("no-such"), Err("not-found"));
        for function in [catalog::IMAGE_RESIZE, catalog::ORDER_GET, catalog::OUTBOX_SWEEP] {
            assert_eq!(code(function.name), Err("consumer-not-pausable"));
        }
    }
}
