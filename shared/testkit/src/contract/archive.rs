//! Rules of [`Archive`].

use super::{Reader, Under, Watched, fresh};
use ports::Archive;

/// One test a rule of [`Archive`], each over the `Under<Watched<impl Archive, impl Reader>>` that the expression gives when it is
/// awaited. The reader reads by key.
#[macro_export]
macro_rules! contract_archive {
    ($under:expr) => {
        $crate::each_rule! { archive, $under;
            lines_are_kept_as_they_were
            the_same_batch_again_is_the_same_object
        }
    };
}

const LINES: &str = "{\"a\":1}\n{\"b\":\"ü 照明\"}\n";

fn a_key() -> String {
    format!("order-events/2026/11/21/{}.ndjson", fresh())
}

pub async fn lines_are_kept_as_they_were(under: &Under<Watched<impl Archive, impl Reader>>) {
    let key = a_key();
    assert!(under.beyond().read(&key).await.is_err(), "nothing is there yet");
    under.door().put(&key, LINES.to_owned()).await.expect("kept");
    assert_eq!(under.beyond().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
}

pub async fn the_same_batch_again_is_the_same_object(under: &Under<Watched<impl Archive, impl Reader>>) {
    let key = a_key();
    for _ in 0..2 {
        under.door().put(&key, LINES.to_owned()).await.expect("kept");
        assert_eq!(under.beyond().read(&key).await.as_deref(), Ok(LINES.as_bytes()));
    }
}
