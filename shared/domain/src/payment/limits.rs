//! The smallest and the largest amount that the gateway charges to a card.

use crate::{Money, money::Currency};

/// Maximum charge in minor units: the gateway accepts eight digits in every supported currency (same source as [`MINIMUM`]).
pub const MAX_CHARGE: i64 = 99_999_999;

/// Minimum charge in minor units of each supported currency, as Stripe publishes it at
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>, transcribed on 2026-11-28. Compare it with that page when a
/// currency is added, and when `ChargeRequestsRejected` counts `amount_too_small`.
const MINIMUM: [(&str, i64); 20] = [
    ("AUD", 50),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 15_00),
    ("DKK", 2_50),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 4_00),
    ("ILS", 50),
    ("JPY", 50),
    ("MXN", 10_00),
    ("NOK", 3_00),
    ("NZD", 50),
    ("PLN", 2_00),
    ("RON", 2_00),
    ("SEK", 3_00),
    ("SGD", 50),
    ("USD", 50),
    ("ZAR", 50),
];

/// The minimum charge of a currency in minor units; the largest of the table if it lists none.
fn minimum(currency: Currency) -> i64 {
    let listed = MINIMUM.iter().find(|(code, _)| *code == currency.code()).map(|(_, minor)| *minor);
    listed.unwrap_or_else(|| MINIMUM.iter().map(|(_, minor)| *minor).max().unwrap_or(MAX_CHARGE))
}

/// Checks a total against the limits of the gateway. A total of 0 is allowed: nothing is charged. The error is a phrase to follow the
/// name of the field.
pub fn check_total(total: Money) -> Result<(), String> {
    let limit = |minor| Money::new(minor, total.currency.code());
    let minimum = minimum(total.currency);
    match total.amount.get() {
        0 => Ok(()),
        minor if minor < minimum => {
            Err(format!("total {total}; the minimum that can be charged is {}", limit(minimum)?))
        }
        minor if minor > MAX_CHARGE => {
            Err(format!("total {total}; the maximum that can be charged is {}", limit(MAX_CHARGE)?))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_between_the_limits_of_their_currency_can_be_charged() {
        for (code, minimum) in MINIMUM {
            let money = |minor| Money::new(minor, code).expect("a supported currency");
            for (minor, is_charged) in [
                (0, true),
                (1, false),
                (minimum - 1, false),
                (minimum, true),
                (MAX_CHARGE, true),
                (MAX_CHARGE + 1, false),
            ] {
                assert_eq!(check_total(money(minor)).is_ok(), is_charged, "{minor} {code}");
            }
            let refused = check_total(money(1)).expect_err("too little");
            assert!(refused.ends_with(&money(minimum).to_string()), "{refused}");
        }
    }

    #[test]
    fn every_supported_currency_has_a_minimum() {
        let listed = |currency: &Currency| MINIMUM.iter().any(|(code, _)| *code == currency.code());
        assert_eq!(Currency::all().iter().find(|currency| !listed(currency)), None);
        assert_eq!(Currency::all().len(), MINIMUM.len());
    }
}
