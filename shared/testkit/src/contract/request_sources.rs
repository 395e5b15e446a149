//! Contract of [`RequestSources`] and [`CounterKey`]. The secret of the distribution is [`ORIGIN_SECRET`].

use super::Fixture;
use crate::{ORIGIN_SECRET, hex};
use ports::{CounterKey, RequestSources};
use sha2::{Digest, Sha256};

/// Generates one test per rule. The expression is a future of a `Fixture<impl RequestSources + CounterKey>`.
#[macro_export]
macro_rules! contract_request_sources {
    ($fixture:expr) => {
        $crate::each_rule! { request_sources, $fixture;
            keyed_hash_depends_on_its_text_and_is_the_same_in_every_process
            keyed_hash_needs_the_key_to_be_computed
            counter_key_is_made_once
            only_the_origin_secret_is_from_the_distribution
        }
    };
}

pub async fn keyed_hash_depends_on_its_text_and_is_the_same_in_every_process(
    fixture: &Fixture<impl RequestSources + CounterKey>,
) {
    let hash = fixture.port().keyed_hash("ada").await.expect("a hash");
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    assert_ne!(fixture.port().keyed_hash("bob").await.expect("a hash"), hash);
    for process in fixture.concurrent(2) {
        assert_eq!(process.keyed_hash("ada").await.as_ref(), Ok(&hash));
    }
}

pub async fn keyed_hash_needs_the_key_to_be_computed(fixture: &Fixture<impl RequestSources + CounterKey>) {
    assert_ne!(fixture.port().keyed_hash("ada").await.expect("a hash"), hex(&Sha256::digest("ada")));
}

pub async fn counter_key_is_made_once(fixture: &Fixture<impl RequestSources + CounterKey>) {
    let before = fixture.port().keyed_hash("ada").await.expect("a hash");
    fixture.port().ensure().await.expect("there is a key");
    // A process keeps the key for minutes.
    fixture.wait_for_propagation().await;
    assert_eq!(fixture.port().keyed_hash("ada").await, Ok(before));
}

pub async fn only_the_origin_secret_is_from_the_distribution(fixture: &Fixture<impl RequestSources + CounterKey>) {
    let longer = format!("{ORIGIN_SECRET} ");
    for (secret, expected) in [(ORIGIN_SECRET, true), ("", false), (&ORIGIN_SECRET[1..], false), (&longer, false)] {
        assert_eq!(fixture.port().is_from_distribution(secret).await, Ok(expected), "{secret}");
    }
}
