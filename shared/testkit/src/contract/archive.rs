//! Contract of [`Archive`].

use super::{Fixture, Observed, Reader, fresh};
use ports::Archive;

/// Generates one test per rule of [`Archive`]. The expression is a future of a
/// `Fixture<Observed<impl Archive, impl Reader>>`. The reader reads by key.
#[macro_export]
macro_rules! contract_archive {
    ($fixture:expr) => {
        $crate::each_rule! { archive, $fixture;
            lines_are_stored_unchanged
            repeated_put_of_a_batch_leaves_one_object
        }
    };
}

const LINES: &str = "{\"a\":1}\n{\"b\":\"ü 照明\"}\n";

fn a_key() -> String {
    format!("order-events/2026/11/21/{}.ndjson", fresh())
}

pub async fn lines_are_stored_unchanged(fixture: &Fixture<Observed<impl Archive, impl Reader>>) {
    let key = a_key();
    assert!(fixture.observer().read(&key).await.is_err(), "the object does not exist yet");
    fixture.observed_port().put(&key, LINES.to_owned()).await.expect("stored");
    assert_eq!(fixture.observer().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
}

pub async fn repeated_put_of_a_batch_leaves_one_object(fixture: &Fixture<Observed<impl Archive, impl Reader>>) {
    let key = a_key();
    for _ in 0..2 {
        fixture.observed_port().put(&key, LINES.to_owned()).await.expect("stored");
        assert_eq!(fixture.observer().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
    }
}
