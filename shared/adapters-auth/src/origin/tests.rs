//! The secret of the distribution: its values, its rotation, and how often it is read.

use super::*;
use crate::cache::memory::Secret;

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

#[tokio::test]
async fn nothing_is_from_the_distribution_while_its_secret_is_unset_or_short() {
    for text in ["", "unset", "\n\n", "short secret", "unset\nunset"] {
        let stored = Secret::new(Some(text));
        let origin = OriginSecret::new(&stored);
        for given in ["", "unset", text, "short secret"] {
            assert_eq!(origin.is(given).await, Ok(false), "{text:?} {given:?}");
        }
    }
}

#[tokio::test]
async fn previous_secret_is_accepted_for_as_long_as_it_has_a_line() {
    tokio::time::pause();
    let stored = Secret::new(Some(&format!("{NEW}\n{OLD}\n")));
    let origin = OriginSecret::new(&stored);
    for (given, expected) in [(NEW, true), (OLD, true), (&OLD[1..], false), (&format!("{NEW}\n{OLD}"), false)] {
        assert_eq!(origin.is(given).await, Ok(expected), "{given}");
    }
    stored.text.replace(Some(NEW.to_owned()));
    tokio::time::advance(MAX_AGE).await;
    assert_eq!(origin.is(OLD).await, Ok(false));
    assert_eq!(origin.is(NEW).await, Ok(true));
}

#[tokio::test]
async fn forged_secrets_cause_one_read_in_five_minutes() {
    tokio::time::pause();
    let stored = Secret::new(Some(NEW));
    let origin = OriginSecret::new(&stored);
    for number in 0..50 {
        assert_eq!(origin.is(&format!("{OLD}{number}")).await, Ok(false));
    }
    assert_eq!(stored.reads.get(), 1);
}

#[tokio::test]
async fn failed_read_is_repeated_after_ten_seconds_and_not_before() {
    tokio::time::pause();
    let stored = Secret::new(Some(NEW));
    stored.is_down.set(true);
    let origin = OriginSecret::new(&stored);
    for _ in 0..50 {
        assert!(origin.is(NEW).await.is_err());
    }
    assert_eq!(stored.reads.get(), 1);
    stored.is_down.set(false);
    tokio::time::advance(RETRY_AFTER).await;
    assert_eq!((origin.is(NEW).await, stored.reads.get()), (Ok(true), 2));
}
