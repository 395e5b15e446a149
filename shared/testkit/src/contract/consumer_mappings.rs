//! Contract of [`ConsumerMappings`] and [`ConsumerControl`].

use super::Fixture;
use domain::consumer::{ConsumerState, DesiredState, Mapping, MappingState, state_of};
use kernel::FailureKind;
use ports::{ConsumerControl, ConsumerMappings};
use std::collections::BTreeSet;

/// A consumer with several event source mappings: one for each of its topics.
pub const CONSUMER: &catalog::Function = catalog::EVENT_ARCHIVE;

/// Generates one test per rule. The expression is a future of a `Fixture<impl ConsumerControl>` whose [`CONSUMER`] has more than one mapping, all of
/// which are enabled.
#[macro_export]
macro_rules! contract_consumer_mappings {
    ($fixture:expr) => {
        $crate::each_rule! { consumer_mappings, $fixture;
            every_mapping_of_a_consumer_is_listed_once
            disabled_mapping_stays_so_until_it_is_enabled
            mapping_that_has_the_state_already_keeps_it
            state_of_a_consumer_changes_with_its_last_mapping
            mapping_that_is_gone_is_not_found
        }
    };
}

async fn own(port: &impl ConsumerMappings) -> Vec<Mapping> {
    let all = port.list().await.expect("a list");
    all.into_iter().filter(|mapping| mapping.consumer == CONSUMER.name).collect()
}

async fn state(port: &impl ConsumerMappings, id: &str) -> MappingState {
    own(port).await.into_iter().find(|mapping| mapping.id == id).expect("the mapping").state
}

pub async fn every_mapping_of_a_consumer_is_listed_once(fixture: &Fixture<impl ConsumerControl>) {
    let mappings = own(fixture.port()).await;
    let ids: BTreeSet<&str> = mappings.iter().map(|mapping| mapping.id.as_str()).collect();
    assert!(ids.len() > 1 && ids.len() == mappings.len(), "{mappings:?}");
    assert_eq!(state_of(&mappings), Some(ConsumerState::Running));
}

pub async fn disabled_mapping_stays_so_until_it_is_enabled(fixture: &Fixture<impl ConsumerControl>) {
    let port = fixture.port();
    let [first, second, ..] = &own(port).await[..] else { panic!("two mappings") };
    let paused = port.set_state(first, DesiredState::Paused).await.expect("paused");
    assert_eq!(paused, Mapping { state: MappingState::Disabled, ..first.clone() });
    assert_eq!(state(port, &first.id).await, MappingState::Disabled);
    assert_eq!(state(port, &second.id).await, MappingState::Enabled, "the other one");
    assert_eq!(port.set_state(first, DesiredState::Running).await.as_ref(), Ok(first));
    assert_eq!(state(port, &first.id).await, MappingState::Enabled);
}

pub async fn mapping_that_has_the_state_already_keeps_it(fixture: &Fixture<impl ConsumerControl>) {
    let port = fixture.port();
    let [first, ..] = &own(port).await[..] else { panic!("a mapping") };
    for (wanted, expected) in
        [(DesiredState::Running, MappingState::Enabled), (DesiredState::Paused, MappingState::Disabled)]
    {
        for _ in 0..2 {
            assert_eq!(port.set_state(first, wanted).await.map(|one| one.state), Ok(expected));
        }
    }
}

pub async fn state_of_a_consumer_changes_with_its_last_mapping(fixture: &Fixture<impl ConsumerControl>) {
    let port = fixture.port();
    let mappings = own(port).await;
    for (number, mapping) in mappings.iter().enumerate() {
        port.set_state(mapping, DesiredState::Paused).await.expect("paused");
        let is_last = number + 1 == mappings.len();
        let expected = if is_last { ConsumerState::Paused } else { ConsumerState::Changing };
        assert_eq!(state_of(&own(port).await), Some(expected));
    }
}

pub async fn mapping_that_is_gone_is_not_found(fixture: &Fixture<impl ConsumerControl>) {
    let gone = Mapping { id: super::fresh().to_string(), consumer: CONSUMER.name, state: MappingState::Enabled };
    let failure = fixture.port().set_state(&gone, DesiredState::Paused).await.expect_err("it is gone");
    assert_eq!(failure.kind, FailureKind::NotFound);
}
