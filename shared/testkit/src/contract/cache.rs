//! Rules of [`Cache`]. That a cache which is down is in nobody's way is told by its adapters' own tests.

use super::{Fixture, fresh};
use ports::Cache;

/// One test a rule of [`Cache`], each over the `Fixture<impl Cache>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_cache {
    ($under:expr) => {
        $crate::each_rule! { cache, $under;
            value_is_returned_until_it_is_invalidated
            missing_key_returns_none
            later_value_replaces_an_earlier_one
            value_is_visible_to_other_processes
            value_with_zero_ttl_is_not_stored
            values_may_be_empty_long_or_non_ascii
        }
    };
}

fn a_key() -> String {
    format!("test:{}", fresh())
}

pub async fn value_is_returned_until_it_is_invalidated(under: &Fixture<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 60).await;
    assert_eq!(under.port().get(&key).await.as_deref(), Some("value"));
    under.port().invalidate(&key).await;
    assert_eq!(under.port().get(&key).await, None);
    under.port().invalidate(&key).await;
}

pub async fn missing_key_returns_none(under: &Fixture<impl Cache>) {
    assert_eq!(under.port().get(&a_key()).await, None);
}

pub async fn later_value_replaces_an_earlier_one(under: &Fixture<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "first", 60).await;
    under.port().put(&key, "second", 60).await;
    assert_eq!(under.port().get(&key).await.as_deref(), Some("second"));
}

pub async fn value_is_visible_to_other_processes(under: &Fixture<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 60).await;
    for cache in under.concurrent(4) {
        assert_eq!(cache.get(&key).await.as_deref(), Some("value"));
    }
}

pub async fn value_with_zero_ttl_is_not_stored(under: &Fixture<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 0).await;
    assert_eq!(under.port().get(&key).await, None);
}

pub async fn values_may_be_empty_long_or_non_ascii(under: &Fixture<impl Cache>) {
    for value in ["", "ü 照明 \u{0} \r\n", &"x".repeat(100_000)] {
        let key = a_key();
        under.port().put(&key, value, 60).await;
        assert_eq!(under.port().get(&key).await.as_deref(), Some(value));
    }
}
