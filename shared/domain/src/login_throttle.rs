//! Delays of logins: they grow with the failed logins of one account from one source, and one source has a budget for all accounts. One
//! source has a budget of registrations, too, and one account a budget of wrong codes of its device, from all sources.
//!
//! NIST SP 800-63B (rate limiting) asks to limit failed attempts on an account, and names waiting times that grow from 30 seconds to an
//! hour. Passwords are counted by account and source, and never by account alone, which keeps anyone from locking the owner out: the owner is
//! delayed only on the source that guessed. A code has six digits, which many sources together would guess, so that codes are counted by account
//! alone, too. Only somebody with the password or a session can use that budget up, and a recovery code, which nobody guesses, is accepted
//! meanwhile.

use crate::message_limits::Budget;
use kernel::{Failure, FailureKind, Timestamp};

/// Failed logins of one name from one source that cost no delay: people mistype.
pub const FREE_FAILURES: i32 = 5;
/// Delay after the last of [`FREE_FAILURES`], in seconds. It doubles with each further failure.
pub const FIRST_DELAY_S: i32 = 30;
/// The longest delay in seconds.
pub const MAX_DELAY_S: i32 = 3_600;
/// Seconds after the last attempt when the failures of a name from a source are forgotten.
pub const MEMORY_S: i32 = 24 * 3_600;
/// Failed logins, of any names, that a source may make at once. Many people share the address of a network.
pub const SOURCE_BURST: i32 = 100;
/// Seconds after which a source may fail once more: 100 an hour.
pub const SOURCE_INTERVAL_S: i32 = 36;

/// Wrong codes of a device that an account may have at once, from any sources.
pub const CODE_BURST: i32 = 50;
/// Seconds after which an account may have one wrong code more: 50 in 24 hours, and with [`CODE_BURST`] never more than the hundred of NIST.
pub const CODE_INTERVAL_S: i32 = 1_728;
/// Seconds that the counter of an account's wrong codes may be ahead.
pub const CODE_AHEAD_S: i32 = (CODE_BURST - 1) * CODE_INTERVAL_S;

/// Delay in seconds until the next attempt, after `failures` failed logins of one name from one source.
pub const fn delay_s(failures: i32) -> i32 {
    let mut delay = if failures < FREE_FAILURES { 0 } else { FIRST_DELAY_S };
    let mut counted = FREE_FAILURES;
    while counted < failures && delay < MAX_DELAY_S {
        delay *= 2;
        counted += 1;
    }
    if delay < MAX_DELAY_S { delay } else { MAX_DELAY_S }
}

/// The delay after each number of failures, from the first to the one from which on it stays [`MAX_DELAY_S`].
pub fn delays() -> Vec<i32> {
    let grown = (1..).map(delay_s).take_while(|delay| *delay < MAX_DELAY_S);
    grown.chain([MAX_DELAY_S]).collect()
}

/// The network that a request comes from, as text. An IPv6 address counts as its /64, which one host has to itself.
pub fn source(address: Option<&str>) -> String {
    address.and_then(kernel::network::of).unwrap_or_else(|| "unknown".to_owned())
}

/// Registrations of one source, in an hour, unless an environment allows others. A household or a class registers at once, no person registers
/// every minute.
pub const REGISTRATIONS_PER_SOURCE: u32 = 20;

/// Rejects a registration before `until`; `None` stands for a time that concurrent registrations have set.
pub fn too_many_registrations(until: Option<Timestamp>, budget: Budget, now: Timestamp) -> Failure {
    let seconds = seconds_until(until, now).unwrap_or(budget.interval_s().unsigned_abs());
    let detail = "There were too many registrations from this address; please try again later.";
    Failure {
        retry_after_s: Some(seconds.max(1)),
        ..Failure::new(FailureKind::RateLimited, "too-many-registrations", detail)
    }
}

/// Seconds until `until`, rounded up.
fn seconds_until(until: Option<Timestamp>, now: Timestamp) -> Option<u32> {
    let left = until.map(|until| (until.as_millisecond() - now.as_millisecond() + 999) / 1_000);
    left.map(|left| u32::try_from(left).unwrap_or(1))
}

/// Rejects a login before `until`; `None` stands for a time that concurrent attempts have set. The failure is the same for every name.
pub fn too_many_logins(until: Option<Timestamp>, now: Timestamp) -> Failure {
    let seconds = seconds_until(until, now).unwrap_or(FIRST_DELAY_S.unsigned_abs());
    let detail = "There were too many failed logins; please try again later.";
    Failure { retry_after_s: Some(seconds.max(1)), ..Failure::new(FailureKind::RateLimited, "too-many-logins", detail) }
}

/// Rejects a code of a device before `until`, like [`too_many_logins`].
pub fn too_many_codes(until: Option<Timestamp>, now: Timestamp) -> Failure {
    let seconds = seconds_until(until, now).unwrap_or(CODE_INTERVAL_S.unsigned_abs());
    let detail = "There were too many wrong codes for this account; please use a recovery code, or try again later.";
    Failure { retry_after_s: Some(seconds.max(1)), ..Failure::new(FailureKind::RateLimited, "too-many-logins", detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_starts_after_the_free_failures_and_doubles_to_an_hour() {
        let expected = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600];
        assert_eq!(delays(), expected);
        assert_eq!((delay_s(0), delay_s(12), delay_s(13), delay_s(i32::MAX)), (0, 3_600, 3_600, 3_600));
    }

    #[test]
    fn guesses_of_one_source_stay_below_the_hundred_of_nist_for_three_days() {
        let (mut at, mut failures) = (0, 0);
        while at < 3 * 24 * 3_600 {
            failures += 1;
            at += delay_s(failures);
        }
        assert!(failures < 100, "{failures}");
    }

    #[test]
    fn wrong_codes_of_an_account_are_never_more_than_a_hundred_in_a_day() {
        let refilled = 24 * 3_600 / CODE_INTERVAL_S;
        assert_eq!(CODE_BURST + refilled, 100);
    }

    #[test]
    fn refused_code_has_the_seconds_until_the_next() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        let after = |until: Option<i64>| too_many_codes(until.map(at), at(40)).retry_after_s;
        assert_eq!((after(Some(100)), after(Some(39)), after(None)), (Some(60), Some(1), Some(1_728)));
    }

    #[test]
    fn source_is_an_address_or_the_network_of_an_ipv6_host() {
        for (address, expected) in [
            (Some("203.0.113.7"), "203.0.113.7"),
            (Some("::ffff:203.0.113.7"), "203.0.113.7"),
            (Some("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
            (Some("2001:db8:1:2::9"), "2001:db8:1:2::/64"),
            (Some("not an address"), "unknown"),
            (None, "unknown"),
        ] {
            assert_eq!(source(address), expected);
        }
    }

    #[test]
    fn refused_registration_has_the_seconds_until_the_next() {
        let at = |second| Timestamp::from_second(second).expect("valid");
        let after =
            |until: Option<i64>| too_many_registrations(until.map(at), Budget::hourly(20), at(40)).retry_after_s;
        assert_eq!((after(Some(100)), after(Some(39)), after(None)), (Some(60), Some(1), Some(180)));
    }

    #[test]
    fn refusal_has_the_remaining_seconds_rounded_up() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).expect("valid");
        let after = |until: Option<i64>| too_many_logins(until.map(at), at(40_000)).retry_after_s;
        assert_eq!(after(Some(100_000)), Some(60));
        assert_eq!((after(Some(40_001)), after(Some(41_001))), (Some(1), Some(2)));
        assert_eq!((after(Some(39_000)), after(None)), (Some(1), Some(30)));
        assert_eq!(too_many_logins(None, at(0)).kind, FailureKind::RateLimited);
    }
}
