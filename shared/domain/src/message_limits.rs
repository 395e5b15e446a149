//! What messages may cost: the countries that text messages go to, and how many messages a customer may cause and an address may get.

use crate::text::Phone;
use kernel::Failure;
use std::collections::BTreeMap;

/// The countries that text messages go to unless others are configured: the European Economic Area, Switzerland, the United Kingdom, the
/// United States and Canada. The other countries that share the code 1 are left out, because their numbers are rented out for messages
/// that somebody else pays. Source: ITU-T E.164 (list of assigned country codes) and the area codes of NANPA, read on 2026-11-28.
pub const DEFAULT_COUNTRIES: &str = concat!(
    "1,!1242,!1246,!1264,!1268,!1284,!1345,!1441,!1473,!1649,!1658,!1664,!1721,!1758,!1767,!1784,!1809,!1829,!1849,!1868,!1869,!1876,!1900,",
    "30,31,32,33,34,351,352,353,354,356,357,358,359,36,370,371,372,385,386,39,40,41,420,421,423,43,44,45,46,47,48,49",
);

/// Calling codes of the countries that text messages go to, and beginnings of numbers that are excepted.
///
/// No code of a country is the beginning of another one's (E.164), so that the digits of a number decide; countries that share a code
/// differ in the digits that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingCodes(BTreeMap<String, bool>);

impl CallingCodes {
    /// Parses codes that are separated by commas, such as `1,!1876,49`: `!` excepts numbers that begin so. An error is a phrase to follow the
    /// name of the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let code = |entry: &str| {
            let entry = entry.trim();
            let digits = entry.strip_prefix('!').unwrap_or(entry);
            let is_code = (1..=7).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_code.then(|| (digits.to_owned(), digits == entry))
        };
        let codes: Option<BTreeMap<_, _>> = text.split(',').map(code).collect();
        codes.map(Self).ok_or_else(|| "must be calling codes separated by commas, such as 1,!1876,49".to_owned())
    }

    /// Whether text messages go to the country of this number. The longest beginning of the number that is listed decides.
    pub fn serve(&self, phone: &Phone) -> bool {
        let digits = phone.as_str().trim_start_matches('+');
        let beginnings = (1..=digits.len().min(7)).rev().filter_map(|end| digits.get(..end));
        beginnings.filter_map(|code| self.0.get(code)).next().copied().unwrap_or(false)
    }

    /// Rejects a number to which no text message goes, naming its field.
    pub fn check(&self, pointer: &str, phone: &Phone) -> Result<(), Failure> {
        match self.serve(phone) {
            true => Ok(()),
            false => Err(Failure::field(pointer, "is in a country to which no text messages are sent")),
        }
    }
}

/// How many of something there may be: at once, and in a period, over which the budget refills evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    burst: i32,
    interval_s: i32,
}

impl Budget {
    /// The most that any budget has at once.
    pub const MAX: u32 = 3_600;

    /// `burst`, from 1 to [`Self::MAX`], at once and in a day.
    pub fn daily(burst: u32) -> Self {
        Self::of(burst, 24 * 3_600)
    }

    /// `burst`, from 1 to [`Self::MAX`], at once and in an hour.
    pub fn hourly(burst: u32) -> Self {
        Self::of(burst, 3_600)
    }

    fn of(burst: u32, period_s: i32) -> Self {
        let burst = i32::try_from(burst.clamp(1, Self::MAX)).unwrap_or(1);
        Self { burst, interval_s: period_s / burst }
    }

    pub const fn burst(self) -> i32 {
        self.burst
    }

    /// Seconds after which there is one more.
    pub const fn interval_s(self) -> i32 {
        self.interval_s
    }

    /// GCRA burst tolerance, in seconds.
    pub const fn ahead_s(self) -> i32 {
        self.interval_s * (self.burst - 1)
    }
}

/// Budgets of what a customer causes, and of what an address gets, whoever causes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageBudgets {
    pub per_customer: Budget,
    pub per_address: Budget,
}

impl MessageBudgets {
    /// Messages in a day.
    pub fn daily(per_customer: u32, per_address: u32) -> Self {
        Self { per_customer: Budget::daily(per_customer), per_address: Budget::daily(per_address) }
    }
}

/// What messages may cost, configured per environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLimits {
    /// Where text messages go.
    pub countries: CallingCodes,
    /// Text messages about orders and by staff.
    pub sms: MessageBudgets,
    /// Messages with a token that verifies an address.
    pub verifications: MessageBudgets,
}

impl Default for MessageLimits {
    fn default() -> Self {
        let countries = CallingCodes::parse(DEFAULT_COUNTRIES).unwrap_or_else(|_| CallingCodes(BTreeMap::new()));
        Self { countries, sms: MessageBudgets::daily(20, 20), verifications: MessageBudgets::daily(5, 5) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serves(codes: &str, phone: &str) -> bool {
        CallingCodes::parse(codes).expect("codes").serve(&Phone::parse(phone).expect("a number"))
    }

    #[test]
    fn longest_listed_beginning_of_a_number_decides() {
        for (codes, phone, expected) in [
            ("49", "+491701234567", true),
            ("49,1", "+447700900123", false),
            ("4", "+447700900123", true),
            ("1,!1876", "+18765550006", false),
            ("!1876,1", "+15005550006", true),
            ("1,!1876,1876555", "+18765550006", true),
        ] {
            assert_eq!(serves(codes, phone), expected, "{codes} {phone}");
        }
    }

    #[test]
    fn default_countries_exclude_those_that_share_a_code_at_a_higher_price() {
        for (phone, expected) in [
            ("+491701234567", true),
            ("+15005550006", true),
            ("+353871234567", true),
            ("+18765550006", false),
            ("+18095550006", false),
            ("+79161234567", false),
            ("+88213000000", false),
            ("+96170000000", false),
            ("+37360000000", false),
        ] {
            assert_eq!(
                MessageLimits::default().countries.serve(&Phone::parse(phone).expect("a number")),
                expected,
                "{phone}"
            );
        }
    }

    #[test]
    fn list_that_is_no_list_of_codes_is_refused() {
        assert!(CallingCodes::parse(" 49 , !1876").is_ok());
        for wrong in ["", ",", "49,", "049", "+49", "DE", "12345678", "4 9", "!!1", "!"] {
            assert!(CallingCodes::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn number_in_another_country_is_refused_by_field() {
        let (codes, phone) =
            (CallingCodes::parse("49").expect("codes"), Phone::parse("+447700900123").expect("a number"));
        let refused = codes.check("/phone", &phone).expect_err("not listed");
        assert_eq!((refused.fields[0].pointer.as_str(), refused.detail.contains("4477")), ("/phone", false));
    }

    #[test]
    fn budget_refills_evenly_over_its_period() {
        let (day, hour) = (Budget::daily(5), Budget::hourly(20));
        assert_eq!((day.burst(), day.interval_s(), day.ahead_s()), (5, 17_280, 69_120));
        assert_eq!((hour.burst(), hour.interval_s(), hour.ahead_s()), (20, 180, 3_420));
        assert_eq!((Budget::hourly(0).burst(), Budget::hourly(u32::MAX).interval_s()), (1, 1));
    }
}
