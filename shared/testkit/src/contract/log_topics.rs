//! Contract of [`LogTopics`].

use super::{Fixture, fresh};
use futures_util::future::join_all;
use ports::LogTopics;

/// Generates one test per rule of [`LogTopics`]. The expression is a future of a `Fixture<impl LogTopics>`.
#[macro_export]
macro_rules! contract_log_topics {
    ($fixture:expr) => {
        $crate::each_rule! { log_topics, $fixture;
            created_topic_is_listed_with_its_partitions
            topic_that_exists_is_left_unchanged
            topic_is_created_by_one_of_concurrent_callers
            topic_is_given_the_settings_that_it_does_not_have
            topic_keeps_its_settings_when_it_is_given_wrong_ones
        }
    };
}

fn a_name() -> String {
    format!("contract-{}", fresh())
}

pub async fn created_topic_is_listed_with_its_partitions(fixture: &Fixture<impl LogTopics>) {
    let (one, three) = (a_name(), a_name());
    assert!(!fixture.port().list().await.expect("a list").contains_key(&one));
    assert_eq!(fixture.port().create(&one, 1).await, Ok(true));
    assert_eq!(fixture.port().create(&three, 3).await, Ok(true));
    let listed = fixture.port().list().await.expect("a list");
    assert_eq!((listed.get(&one), listed.get(&three)), (Some(&1), Some(&3)));
}

pub async fn topic_that_exists_is_left_unchanged(fixture: &Fixture<impl LogTopics>) {
    let name = a_name();
    assert_eq!(fixture.port().create(&name, 2).await, Ok(true));
    assert_eq!(fixture.port().create(&name, 5).await, Ok(false));
    assert_eq!(fixture.port().list().await.expect("a list").get(&name), Some(&2));
}

pub async fn topic_is_created_by_one_of_concurrent_callers(fixture: &Fixture<impl LogTopics>) {
    let name = a_name();
    let created = join_all(fixture.concurrent(4).map(|process| process.create(&name, 1))).await;
    assert_eq!(created.iter().filter(|created| **created == Ok(true)).count(), 1, "{created:?}");
    assert!(created.iter().all(Result::is_ok), "{created:?}");
}

pub async fn topic_is_given_the_settings_that_it_does_not_have(fixture: &Fixture<impl LogTopics>) {
    let (name, other) = (a_name(), a_name());
    for topic in [&name, &other] {
        assert_eq!(fixture.port().create(topic, 1).await, Ok(true));
    }
    let [deleted, compacted] = [catalog::Cleanup::Delete, catalog::Cleanup::CompactAndDelete].map(|one| one.settings());
    let configure = async |name: &str, settings| fixture.port().configure(name, settings).await;
    assert_eq!(configure(&name, deleted).await, Ok(false), "it is the default");
    assert_eq!(configure(&name, compacted).await, Ok(true));
    assert_eq!(configure(&name, compacted).await, Ok(false), "they are set");
    assert_eq!(configure(&name, &compacted[1..]).await, Ok(false));
    assert_eq!(configure(&other, deleted).await, Ok(false), "another topic is unchanged");
    assert_eq!(configure(&name, deleted).await, Ok(true));
    assert_eq!(configure(&name, &compacted[1..]).await, Ok(false), "settings that are not named are left");
}

pub async fn topic_keeps_its_settings_when_it_is_given_wrong_ones(fixture: &Fixture<impl LogTopics>) {
    let name = a_name();
    let compacted = catalog::Cleanup::CompactAndDelete.settings();
    assert!(fixture.port().configure(&name, compacted).await.is_err(), "there is no such topic");
    assert_eq!(fixture.port().create(&name, 1).await, Ok(true));
    assert_eq!(fixture.port().configure(&name, compacted).await, Ok(true));
    assert!(fixture.port().configure(&name, &[("cleanup.policy", "nonsense")]).await.is_err());
    assert_eq!(fixture.port().configure(&name, compacted).await, Ok(false));
}
