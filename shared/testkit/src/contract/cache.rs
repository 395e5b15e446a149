//! Contract of [`Cache`]. The tests of each adapter check that an unreachable cache fails no request.

use super::{Fixture, fresh};
use futures_util::future::join_all;
use ports::Cache;

/// Generates one test per rule of [`Cache`]. The expression is a future of a `Fixture<impl Cache>`.
#[macro_export]
macro_rules! contract_cache {
    ($fixture:expr) => {
        $crate::each_rule! { cache, $fixture;
            value_is_returned_until_it_is_invalidated
            missing_key_returns_none
            later_value_replaces_an_earlier_one
            value_is_visible_to_other_processes
            value_with_zero_ttl_is_not_stored
            values_may_be_empty_long_or_non_ascii
            one_caller_has_the_load_lock_of_a_key
            value_that_another_process_stores_is_waited_for
        }
    };
}

fn a_key() -> String {
    format!("test:{}", fresh())
}

pub async fn value_is_returned_until_it_is_invalidated(fixture: &Fixture<impl Cache>) {
    let key = a_key();
    fixture.port().put(&key, "value", 60).await;
    assert_eq!(fixture.port().get(&key).await.as_deref(), Some("value"));
    fixture.port().invalidate(&key).await;
    assert_eq!(fixture.port().get(&key).await, None);
    fixture.port().invalidate(&key).await;
}

pub async fn missing_key_returns_none(fixture: &Fixture<impl Cache>) {
    assert_eq!(fixture.port().get(&a_key()).await, None);
}

pub async fn later_value_replaces_an_earlier_one(fixture: &Fixture<impl Cache>) {
    let key = a_key();
    fixture.port().put(&key, "first", 60).await;
    fixture.port().put(&key, "second", 60).await;
    assert_eq!(fixture.port().get(&key).await.as_deref(), Some("second"));
}

pub async fn value_is_visible_to_other_processes(fixture: &Fixture<impl Cache>) {
    let key = a_key();
    fixture.port().put(&key, "value", 60).await;
    for cache in fixture.concurrent(4) {
        assert_eq!(cache.get(&key).await.as_deref(), Some("value"));
    }
}

pub async fn value_with_zero_ttl_is_not_stored(fixture: &Fixture<impl Cache>) {
    let key = a_key();
    fixture.port().put(&key, "value", 0).await;
    assert_eq!(fixture.port().get(&key).await, None);
}

pub async fn values_may_be_empty_long_or_non_ascii(fixture: &Fixture<impl Cache>) {
    for value in ["", "ü 照明 \u{0} \r\n", &"x".repeat(100_000)] {
        let key = a_key();
        fixture.port().put(&key, value, 60).await;
        assert_eq!(fixture.port().get(&key).await.as_deref(), Some(value));
    }
}

pub async fn one_caller_has_the_load_lock_of_a_key(fixture: &Fixture<impl Cache>) {
    let (key, other) = (a_key(), a_key());
    let locks = join_all(fixture.concurrent(4).map(|cache| cache.try_load_lock(&key, 60))).await;
    assert_eq!(locks.iter().filter(|is_taken| **is_taken).count(), 1, "{locks:?}");
    assert!(fixture.port().try_load_lock(&other, 60).await);
    assert_eq!(fixture.port().get(&key).await, None, "the lock is no value");
}

pub async fn value_that_another_process_stores_is_waited_for(fixture: &Fixture<impl Cache>) {
    let key = a_key();
    assert_eq!(fixture.port().wait(&key).await, None);
    fixture.port().put(&key, "value", 60).await;
    for cache in fixture.concurrent(2) {
        assert_eq!(cache.wait(&key).await.as_deref(), Some("value"));
    }
}
