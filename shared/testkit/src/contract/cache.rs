//! Rules of [`Cache`]. That a cache which is down is in nobody's way is told by its adapters' own tests.

use super::{Under, fresh};
use ports::Cache;

/// One test a rule of [`Cache`], each over the `Under<impl Cache>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_cache {
    ($under:expr) => {
        $crate::each_rule! { cache, $under;
            what_was_put_is_there_until_it_is_forgotten
            what_was_never_put_is_absent
            a_later_value_replaces_an_earlier_one
            one_process_finds_what_another_put
            a_value_of_no_seconds_is_not_kept
            values_may_be_empty_long_and_of_any_script
        }
    };
}

fn a_key() -> String {
    format!("test:{}", fresh())
}

pub async fn what_was_put_is_there_until_it_is_forgotten(under: &Under<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 60).await;
    assert_eq!(under.port().get(&key).await.as_deref(), Some("value"));
    under.port().forget(&key).await;
    assert_eq!(under.port().get(&key).await, None);
    under.port().forget(&key).await;
}

pub async fn what_was_never_put_is_absent(under: &Under<impl Cache>) {
    assert_eq!(under.port().get(&a_key()).await, None);
}

pub async fn a_later_value_replaces_an_earlier_one(under: &Under<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "first", 60).await;
    under.port().put(&key, "second", 60).await;
    assert_eq!(under.port().get(&key).await.as_deref(), Some("second"));
}

pub async fn one_process_finds_what_another_put(under: &Under<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 60).await;
    for cache in under.crowd(4) {
        assert_eq!(cache.get(&key).await.as_deref(), Some("value"));
    }
}

pub async fn a_value_of_no_seconds_is_not_kept(under: &Under<impl Cache>) {
    let key = a_key();
    under.port().put(&key, "value", 0).await;
    assert_eq!(under.port().get(&key).await, None);
}

pub async fn values_may_be_empty_long_and_of_any_script(under: &Under<impl Cache>) {
    for value in ["", "ü 照明 \u{0} \r\n", &"x".repeat(100_000)] {
        let key = a_key();
        under.port().put(&key, value, 60).await;
        assert_eq!(under.port().get(&key).await.as_deref(), Some(value));
    }
}
