//! Contract of [`ConsumerMappings`] and [`ConsumerSwitch`].

use super::Fixture;
use domain::consumer::{ConsumerState, Mapping, MappingState, WantedState, state_of};
use kernel::FailureKind;
use ports::{ConsumerMappings, ConsumerSwitch};
use std::collections::BTreeSet;

/// A consumer with several event source mappings: one for each of its topics.
pub const CONSUMER: &catalog::Function = catalog::EVENT_ARCHIVE;

/// Generates one test per rule. The expression is a future of a `Fixture<impl ConsumerSwitch>` whose [`CONSUMER`] has more than one mapping, all of
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

pub async fn every_mapping_of_a_consumer_is_listed_once(fixture: &Fixture<impl ConsumerSwitch>) {
    let mappings = own(fixture.port()).await;
    let ids: BTreeSet<&str> = mappings.iter().map(|mapping| mapping.id.as_str()).collect();
    assert!(ids.len() > 1 && ids.len() == mappings.len(), "{mappings:?}");
    assert_eq!(state_of(&mappings), Some(ConsumerState::Running));
}

pub async fn disabled_mapping_stays_so_until_it_is_enabled(fixture: &Fixture<impl ConsumerSwitch>) {
    let port = fixture.port();
    let [first, second, ..] = &own(port).await[..] else { panic!("two mappings") };
    let paused = port.switch(first, WantedState::Paused).await.expect("paused");
    assert_eq!(paused, Mapping { state: MappingState::Disabled, ..first.clone() });
    assert_eq!(state(port, &first.id).await, MappingState::Disabled);
    assert_eq!(state(port, &second.id).await, MappingState::Enabled, "the other one");
    assert_eq!(port.switch(first, WantedState::Running).await.as_ref(), Ok(first));
    assert_eq!(state(port, &first.id).await, MappingState::Enabled);
}

pub async fn mapping_that_has_the_state_already_keeps_it(fixture: &Fixture<impl ConsumerSwitch>) {
    let port = fixture.port();
    let [first, ..] = &own(port).await[..] else { panic!("a mapping") };
    for (wanted, expected) in
        [(WantedState::Running, MappingState::Enabled), (WantedState::Paused, MappingState::Disabled)]
    {
        for _ in 0..2 {
            assert_eq!(port.switch(first, wanted).await.map(|one| one.state), Ok(expected));
        }
    }
}

pub async fn state_of_a_consumer_changes_with_its_last_mapping(fixture: &Fixture<impl ConsumerSwitch>) {
    let port = fixture.port();
    let mappings = own(port).await;
    for (number, mapping) in mappings.iter().enumerate() {
        port.switch(mapping, WantedState::Paused).await.expect("paused");
        let is_last = number + 1 == mappings.len();
        let expected = if is_last { ConsumerState::Paused } else { ConsumerState::Changing };
        assert_eq!(state_of(&own(port).await), Some(expected));
    }
}

pub async fn mapping_that_is_gone_is_not_found(fixture: &Fixture<impl ConsumerSwitch>) {
    let gone = Mapping { id: super::fresh().to_string(), consumer: CONSUMER.name, state: MappingState::Enabled };
    let failure = fixture.port().switch(&gone, WantedState::Paused).await.expect_err("it is gone");
    assert_eq!(failure.kind, FailureKind::NotFound);
}
