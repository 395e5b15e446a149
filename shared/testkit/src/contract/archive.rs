//! Rules of [`Archive`].

use super::{Fixture, Observed, Reader, fresh};
use ports::Archive;

/// One test a rule of [`Archive`], each over the `Fixture<Observed<impl Archive, impl Reader>>` that the expression gives when it is
/// awaited. The reader reads by key.
#[macro_export]
macro_rules! contract_archive {
    ($under:expr) => {
        $crate::each_rule! { archive, $under;
            lines_are_stored_unchanged
            repeated_put_of_a_batch_leaves_one_object
        }
    };
}

const LINES: &str = "{\"a\":1}\n{\"b\":\"ü 照明\"}\n";

fn a_key() -> String {
    format!("order-events/2026/11/21/{}.ndjson", fresh())
}

pub async fn lines_are_stored_unchanged(under: &Fixture<Observed<impl Archive, impl Reader>>) {
    let key = a_key();
    assert!(under.observer().read(&key).await.is_err(), "nothing is there yet");
    under.observed_port().put(&key, LINES.to_owned()).await.expect("kept");
    assert_eq!(under.observer().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
}

pub async fn repeated_put_of_a_batch_leaves_one_object(under: &Fixture<Observed<impl Archive, impl Reader>>) {
    let key = a_key();
    for _ in 0..2 {
        under.observed_port().put(&key, LINES.to_owned()).await.expect("kept");
        assert_eq!(under.observer().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
    }
}
