//! Money: integer minor units of an ISO 4217 currency, checked arithmetic, no floats.

use iso_currency::Currency as Iso;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// The currencies that we sell in: those that the gateway charges to a card and whose minor unit it counts as ISO 4217 does.
///
/// Left out are the currencies that it counts otherwise (ISK, UGX, MGA), those of three digits, whose last one it wants to be 0,
/// and HUF and TWD, which it pays out otherwise than it charges (<https://docs.stripe.com/currencies>).
const SOLD: [Iso; 20] = [
    Iso::AUD,
    Iso::BRL,
    Iso::CAD,
    Iso::CHF,
    Iso::CZK,
    Iso::DKK,
    Iso::EUR,
    Iso::GBP,
    Iso::HKD,
    Iso::ILS,
    Iso::JPY,
    Iso::MXN,
    Iso::NOK,
    Iso::NZD,
    Iso::PLN,
    Iso::RON,
    Iso::SEK,
    Iso::SGD,
    Iso::USD,
    Iso::ZAR,
];

/// An ISO 4217 currency that we sell in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(Iso);

impl Currency {
    /// Reads an upper-case alphabetic code.
    pub fn parse(code: &str) -> Result<Self, String> {
        Iso::from_code(code)
            .filter(|currency| SOLD.contains(currency))
            .map(Self)
            .ok_or_else(|| "is not the code of a currency that we sell in".to_owned())
    }

    /// The alphabetic code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Number of decimal digits that the minor unit stands for (USD 2, JPY 0).
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

impl TryFrom<String> for Currency {
    type Error = String;
    fn try_from(code: String) -> Result<Self, String> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 alphabetic code" })
    }
}

/// An amount: never negative, always with its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units (cents), 0 to [`MAX_AMOUNT`].
    pub amount: Amount,
    /// Of this currency.
    pub currency: Currency,
}

/// The largest amount of minor units that any sum may reach: ten digits fit every invoice and stay far from overflow.
pub const MAX_AMOUNT: i64 = 9_999_999_999;

/// Minor units, 0 to [`MAX_AMOUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

impl Amount {
    /// Minor units.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Amount {
    type Error = String;
    fn try_from(minor: i64) -> Result<Self, String> {
        if (0..=MAX_AMOUNT).contains(&minor) {
            Ok(Self(minor))
        } else {
            Err(format!("must be between 0 and {MAX_AMOUNT} minor units"))
        }
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// Why two amounts do not make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumError {
    /// They are of different currencies.
    Mixed,
    /// Their sum is above [`MAX_AMOUNT`].
    TooLarge,
}

impl Money {
    /// `minor` units of the currency `code`.
    pub fn new(minor: i64, code: &str) -> Result<Self, String> {
        Ok(Self { amount: Amount::try_from(minor)?, currency: Currency::parse(code)? })
    }

    /// Nothing, of a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: Amount(0), currency }
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, SumError> {
        if self.currency != other.currency {
            return Err(SumError::Mixed);
        }
        self.with(self.amount.0.checked_add(other.amount.0))
    }

    /// The price of `quantity` of these.
    pub fn times(self, quantity: u32) -> Result<Self, SumError> {
        self.with(self.amount.0.checked_mul(i64::from(quantity)))
    }

    fn with(self, minor: Option<i64>) -> Result<Self, SumError> {
        let amount = minor.and_then(|minor| Amount::try_from(minor).ok()).ok_or(SumError::TooLarge)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    /// For people: `12.34 USD`, `1234 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minor, digits) = (self.amount.0, self.currency.digits());
        let unit = 10_i64.pow(digits);
        match digits {
            0 => write!(f, "{minor} {}", self.currency.code()),
            _ => {
                write!(f, "{}.{:0width$} {}", minor / unit, minor % unit, self.currency.code(), width = digits as usize)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    #[test]
    fn amounts_of_two_currencies_do_not_add_up() {
        assert_eq!(usd(1).plus(Money::new(1, "EUR").expect("valid")), Err(SumError::Mixed));
    }

    #[test]
    fn a_sum_or_product_above_the_limit_is_refused_and_not_wrapped() {
        assert_eq!(usd(MAX_AMOUNT).plus(usd(1)), Err(SumError::TooLarge));
        assert_eq!(usd(MAX_AMOUNT).times(u32::MAX), Err(SumError::TooLarge));
        assert_eq!(usd(1999).times(3), Ok(usd(5997)));
    }

    #[test]
    fn people_read_as_many_digits_as_the_currency_has() {
        assert_eq!(usd(5).to_string(), "0.05 USD");
        assert_eq!(Money::new(1234, "JPY").expect("valid").to_string(), "1234 JPY");
    }

    #[test]
    fn we_sell_in_currencies_that_the_gateway_counts_as_iso_does_and_in_no_other() {
        for sold in SOLD {
            let digits = if sold == Iso::JPY { 0 } else { 2 };
            assert_eq!(Currency::parse(sold.code()).map(Currency::digits), Ok(digits), "{}", sold.code());
        }
        for other in ["ISK", "UGX", "MGA", "KWD", "BHD", "HUF", "TWD", "XAU", "XXX", "usd", ""] {
            let refused = Currency::parse(other).expect_err(other);
            assert_eq!(refused, "is not the code of a currency that we sell in");
        }
    }

    #[test]
    fn negative_amounts_unknown_currencies_and_fractions_are_refused() {
        for bad in [
            r#"{"amount":-1,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"usd"}"#,
            r#"{"amount":1.5,"currency":"USD"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_is_written_as_it_is_read_and_its_schema_says_so() {
        let json = r#"{"amount":1999,"currency":"USD"}"#;
        let money: Money = serde_json::from_str(json).expect("reads");
        assert_eq!((money, serde_json::to_string(&money).expect("writes")), (usd(1999), json.to_owned()));
        let schema = serde_json::to_value(schemars::schema_for!(Money)).expect("a schema");
        assert_eq!(schema["properties"]["currency"]["$ref"], "#/$defs/Currency");
        assert_eq!(schema["$defs"]["Currency"]["pattern"], "^[A-Z]{3}$");
    }

    #[test]
    fn the_largest_amount_is_still_one() {
        assert_eq!(usd(MAX_AMOUNT - 1).plus(usd(1)), Ok(usd(MAX_AMOUNT)));
        assert_eq!(usd(MAX_AMOUNT).to_string(), "99999999.99 USD");
        assert!(Money::new(MAX_AMOUNT + 1, "USD").is_err());
    }
}
