//! The counter key: its values, and that it is made once.

use super::*;
use crate::cache::memory::Secret;
use kernel::FailureKind;
use ports::{CounterKey as _, RequestSources as _};

#[tokio::test]
async fn missing_counter_key_is_unavailable_and_a_malformed_one_an_internal_error() {
    for (text, kind) in [
        (None, FailureKind::Unavailable),
        (Some("unset"), FailureKind::Unavailable),
        (Some("{}"), FailureKind::Internal),
        (Some("5a5a"), FailureKind::Internal),
    ] {
        let (key, origin) = (Secret::new(text), Secret::default());
        let sources = SecretSources::new(&key, Rc::new(OriginSecret::new(&origin)));
        let failure = sources.keyed_hash("ada").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{text:?}");
    }
}

#[tokio::test]
async fn counter_key_is_made_once_and_a_malformed_one_is_not_replaced() {
    let key = Secret::new(Some("unset"));
    StoredCounterKey(&key).ensure().await.unwrap();
    let made = key.text.borrow().clone();
    StoredCounterKey(&key).ensure().await.unwrap();
    assert_eq!(*key.text.borrow(), made);
    assert_eq!(made.map(|text| text.len()), Some(2 * KEY_BYTES));
    let broken = Secret::new(Some("x"));
    assert_eq!(StoredCounterKey(&broken).ensure().await.unwrap_err().kind, FailureKind::Internal);
}

#[test]
fn template_uses_the_same_text_for_secrets_without_a_value() {
    for (template, name) in [
        (include_str!("../../../../stacks/shared.yaml"), catalog::COUNTER_KEY.name),
        (include_str!("../../../../stacks/shared.yaml"), catalog::ORIGIN_SECRET.name),
    ] {
        let secret = format!("quayside/${{Stage}}/{name}\n      SecretString: {UNSET}\n");
        assert!(template.contains(&secret), "{name}");
    }
}
