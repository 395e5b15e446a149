//! The two secrets: their values, their rotation, and how often they are read.

use super::*;
use kernel::FailureKind;
use ports::{CounterKey as _, RequestSources as _};
use std::cell::{Cell, RefCell};

/// A secret in memory that counts reads.
#[derive(Default)]
struct Secret {
    text: RefCell<Option<String>>,
    reads: Cell<u32>,
}

impl Secret {
    fn of(text: &str) -> Self {
        Self { text: RefCell::new(Some(text.to_owned())), ..Self::default() }
    }
}

impl KeySource for &Secret {
    async fn read(&self) -> Result<Option<String>, Failure> {
        self.reads.set(self.reads.get() + 1);
        Ok(self.text.borrow().clone())
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        *self.text.borrow_mut() = Some(text);
        Ok(())
    }
}

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

fn key() -> Secret {
    Secret::of(&"5a".repeat(KEY_BYTES))
}

#[tokio::test]
async fn missing_counter_key_is_unavailable_and_a_malformed_one_an_internal_error() {
    for (text, kind) in [
        (None, FailureKind::Unavailable),
        (Some("unset"), FailureKind::Unavailable),
        (Some("{}"), FailureKind::Internal),
        (Some("5a5a"), FailureKind::Internal),
    ] {
        let (key, origin) =
            (Secret { text: RefCell::new(text.map(str::to_owned)), ..Secret::default() }, Secret::default());
        let failure = SecretSources::new(&key, &origin).keyed_hash("ada").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{text:?}");
    }
}

#[tokio::test]
async fn counter_key_is_made_once_and_a_malformed_one_is_not_replaced() {
    let key = Secret::of("unset");
    StoredCounterKey(&key).ensure().await.unwrap();
    let made = key.text.borrow().clone();
    StoredCounterKey(&key).ensure().await.unwrap();
    assert_eq!(*key.text.borrow(), made);
    assert_eq!(made.map(|text| text.len()), Some(2 * KEY_BYTES));
    let broken = Secret::of("x");
    assert_eq!(StoredCounterKey(&broken).ensure().await.unwrap_err().kind, FailureKind::Internal);
}

#[tokio::test]
async fn nothing_is_from_the_distribution_while_its_secret_is_unset_or_short() {
    for text in ["", "unset", "\n\n", "short secret", "unset\nunset"] {
        let (key, origin) = (key(), Secret::of(text));
        let sources = SecretSources::new(&key, &origin);
        for given in ["", "unset", text, "short secret"] {
            assert_eq!(sources.is_from_distribution(given).await, Ok(false), "{text:?} {given:?}");
        }
    }
}

#[tokio::test]
async fn previous_origin_secret_is_accepted_for_as_long_as_it_has_a_line() {
    tokio::time::pause();
    let (key, origin) = (key(), Secret::of(&format!("{NEW}\n{OLD}\n")));
    let sources = SecretSources::new(&key, &origin);
    for (given, expected) in [(NEW, true), (OLD, true), (&OLD[1..], false), (&format!("{NEW}\n{OLD}"), false)] {
        assert_eq!(sources.is_from_distribution(given).await, Ok(expected), "{given}");
    }
    *origin.text.borrow_mut() = Some(NEW.to_owned());
    tokio::time::advance(MAX_AGE).await;
    assert_eq!(sources.is_from_distribution(OLD).await, Ok(false));
    assert_eq!(sources.is_from_distribution(NEW).await, Ok(true));
}

#[tokio::test]
async fn forged_secrets_cause_one_read_in_five_minutes() {
    tokio::time::pause();
    let (key, origin) = (key(), Secret::of(NEW));
    let sources = SecretSources::new(&key, &origin);
    for number in 0..50 {
        assert_eq!(sources.is_from_distribution(&format!("{OLD}{number}")).await, Ok(false));
    }
    assert_eq!((key.reads.get(), origin.reads.get()), (1, 1));
}

#[test]
fn template_uses_the_same_text_for_secrets_without_a_value() {
    for (template, name) in [
        (include_str!("../../../../stacks/shared.yaml"), catalog::COUNTER_KEY.name),
        (include_str!("../../../../stacks/identity.yaml"), catalog::ORIGIN_SECRET.name),
    ] {
        let secret = format!("quayside/${{Stage}}/{name}\n      SecretString: {UNSET}\n");
        assert!(template.contains(&secret), "{name}");
    }
}
