//! Times from outside, within the years that are accepted, and arithmetic on instants. The clock and the database represent more
//! years; arithmetic and storage fail at the ends of either.

use crate::{Failure, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::ops::RangeInclusive;

/// From 1970 to the end of 9998: deadlines and periods can be added to each of them.
const ACCEPTED: RangeInclusive<Timestamp> = Timestamp::UNIX_EPOCH..=Timestamp::constant(253_370_764_799, 0);

/// Whether a time from outside is accepted.
pub fn is_accepted(at: Timestamp) -> bool {
    ACCEPTED.contains(&at)
}

/// Parses a time as clients write it: RFC 3339 with `Z` or an offset. The error is a phrase to follow the name of the field.
///
/// A space is accepted in place of the plus sign of an offset, because a query string in which the plus is not escaped arrives like that.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let at = text.parse().or_else(|error| match with_plus(text) {
        Some(repaired) => repaired.parse(),
        None => Err(error),
    });
    match at {
        Ok(at) if is_accepted(at) => Ok(at),
        Ok(_) => Err("must be between the years 1970 and 9998".to_owned()),
        Err(_) => {
            Err("must be a time of RFC 3339, such as 2026-11-21T08:45:00Z or 2026-11-21T09:45:00%2B01:00".to_owned())
        }
    }
}

/// The text with a plus sign before an offset that follows a space.
fn with_plus(text: &str) -> Option<String> {
    let (time, offset) = text.rsplit_once(' ')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let is_offset = offset.split_once(':').is_some_and(|(hours, minutes)| digits(hours) && digits(minutes));
    (is_offset && time.contains(':')).then(|| format!("{time}+{offset}"))
}

/// Deserializes a time that [is accepted](is_accepted), for `#[serde(deserialize_with)]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let at = Timestamp::deserialize(deserializer)?;
    match is_accepted(at) {
        true => Ok(at),
        false => Err(D::Error::custom("must be between the years 1970 and 9998")),
    }
}

/// The whole second `seconds` after `at`, or before it if negative; `Internal` beyond the range of [`Timestamp`].
pub fn seconds_after(at: Timestamp, seconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_second(at.as_second().saturating_add(seconds)).map_err(Failure::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_added_and_subtracted_within_the_range() {
        let at = Timestamp::from_millisecond(100_900).expect("valid");
        assert_eq!(seconds_after(at, 20), Ok(Timestamp::from_second(120).expect("valid")));
        assert_eq!(seconds_after(at, -120), Ok(Timestamp::from_second(-20).expect("valid")));
        assert!(seconds_after(at, i64::MAX).is_err());
    }

    #[test]
    fn times_outside_of_the_accepted_years_are_rejected() {
        for far in [
            "-009999-01-05T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert!(parse(far).is_err(), "{far}");
            assert!(
                deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(far)).is_err(),
                "{far}"
            );
        }
        for near in ["1970-01-01T00:00:00Z", "2026-11-21T08:45:00.123456Z", "9998-12-30T00:00:00Z"] {
            assert!(parse(near).is_ok(), "{near}");
        }
    }

    #[test]
    fn unescaped_plus_of_an_offset_is_repaired() {
        let at = parse("2026-11-21T07:45:00Z");
        for same in [
            "2026-11-21T08:45:00+01:00",
            "2026-11-21T08:45:00 01:00",
            "2026-11-21 08:45:00 01:00",
            "2026-11-21T02:45:00-05:00",
        ] {
            assert_eq!(parse(same), at, "{same}");
        }
        for bad in [
            "",
            "yesterday",
            "2026-11-21",
            "2026-11-21 08:45",
            "2026-11-21T08:45:00 0100",
            "2026-11-21T08:45:00",
            "01:00 01:00",
        ] {
            assert!(parse(bad).is_err_and(|error| error.contains("%2B")), "{bad}");
        }
    }
}
