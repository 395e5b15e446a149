//! Money: integer minor units of an ISO 4217 currency, checked arithmetic, no floats.

use iso_currency::Currency as Iso;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, fmt, sync::LazyLock};

/// The supported currencies: those that the gateway charges to cards in the minor unit of ISO 4217.
///
/// Not supported are currencies with another minor unit at the gateway (ISK, UGX, MGA), three-decimal currencies, whose last digit
/// must be 0 there, and HUF and TWD, whose payouts use another minor unit than charges (<https://docs.stripe.com/currencies>).
const SUPPORTED: [Iso; 20] = [
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

/// A supported ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct Currency(Iso);

impl Currency {
    /// Parses an upper-case alphabetic code.
    pub fn parse(code: &str) -> Result<Self, String> {
        Iso::from_code(code)
            .filter(|currency| SUPPORTED.contains(currency))
            .map(Self)
            .ok_or_else(|| "is not the code of a supported currency".to_owned())
    }

    pub fn all() -> [Self; 20] {
        SUPPORTED.map(Self)
    }

    /// The alphabetic code, such as `USD`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Number of decimals of the minor unit (USD 2, JPY 0).
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

/// The codes of the supported currencies.
static CODES: LazyLock<[&str; 20]> = LazyLock::new(|| SUPPORTED.map(|currency| currency.code()));

impl<'de> Deserialize<'de> for Currency {
    /// Rejects a code as a variant that is not known, so that an event with a currency that was added later waits for the next deployment.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(|_| D::Error::unknown_variant(&code, &*CODES))
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

/// A non-negative amount of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Money {
    /// Minor units (cents), 0 to [`MAX_AMOUNT`].
    pub amount: Amount,
    pub currency: Currency,
}

/// Maximum amount in minor units: ten digits fit every invoice and are far from overflow.
pub const MAX_AMOUNT: i64 = 9_999_999_999;

/// Minor units, 0 to [`MAX_AMOUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

impl Amount {
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

impl Amount {
    /// Parses minor units, as in a query.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "cannot be parsed".to_owned()).and_then(|minor: i64| Self::try_from(minor))
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

words! {
    /// How a share that is not a whole number of minor units is rounded.
    pub enum Rounding {
        /// Half a minor unit becomes a whole one.
        HalfUp,
        /// Half a minor unit goes to the even neighbour.
        HalfEven,
    }
}

/// Why a sum or product is not a valid amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumError {
    /// The currencies differ.
    Mixed,
    /// The result exceeds [`MAX_AMOUNT`].
    TooLarge,
}

impl Money {
    /// `minor` units of the currency `code`.
    pub fn new(minor: i64, code: &str) -> Result<Self, String> {
        Ok(Self { amount: Amount::try_from(minor)?, currency: Currency::parse(code)? })
    }

    pub const fn zero(currency: Currency) -> Self {
        Self { amount: Amount(0), currency }
    }

    /// Adds an amount of the same currency.
    pub fn plus(self, other: Self) -> Result<Self, SumError> {
        if self.currency != other.currency {
            return Err(SumError::Mixed);
        }
        self.with(self.amount.0.checked_add(other.amount.0))
    }

    /// Multiplies by a quantity.
    pub fn times(self, quantity: u32) -> Result<Self, SumError> {
        self.with(self.amount.0.checked_mul(i64::from(quantity)))
    }

    /// The share `part` of `whole` in the amount, rounded to the minor unit. `whole` must not be 0.
    pub fn share(self, part: u64, whole: u64, rounding: Rounding) -> Result<Self, SumError> {
        let (product, whole) = (i128::from(self.amount.0) * i128::from(part), i128::from(whole));
        let (quotient, rest) = match (product.checked_div(whole), product.checked_rem(whole)) {
            (Some(quotient), Some(rest)) => (quotient, rest),
            _ => return Err(SumError::TooLarge),
        };
        let is_up = match rounding {
            Rounding::HalfUp => rest * 2 >= whole,
            Rounding::HalfEven => rest * 2 > whole || (rest * 2 == whole && quotient % 2 == 1),
        };
        self.with(i64::try_from(quotient + i128::from(is_up)).ok())
    }

    /// Subtracts an amount of the same currency; `TooLarge` if it is the larger one.
    pub fn minus(self, other: Self) -> Result<Self, SumError> {
        if self.currency != other.currency {
            return Err(SumError::Mixed);
        }
        self.with(self.amount.0.checked_sub(other.amount.0))
    }

    fn with(self, minor: Option<i64>) -> Result<Self, SumError> {
        let amount = minor.and_then(|minor| Amount::try_from(minor).ok()).ok_or(SumError::TooLarge)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    /// Formats with the currency's decimals: `12.34 USD`, `1234 JPY`.
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

/// Maximum length of a currency that is stored as the gateway states it.
const MAX_CURRENCY: usize = 8;

/// An amount as the gateway states it. Unlike [`Money`], it may be in any currency, negative or too large.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StatedAmount {
    /// Minor units.
    pub amount: i64,
    /// Code of the currency in upper case.
    pub currency: String,
}

impl StatedAmount {
    /// `minor` units of a currency that is written in any case.
    pub fn new(minor: i64, currency: &str) -> Self {
        let currency = currency.chars().take(MAX_CURRENCY).collect::<String>().to_ascii_uppercase();
        Self { amount: minor, currency }
    }

    /// The amount, if this platform supports it.
    pub fn to_money(&self) -> Option<Money> {
        Money::new(self.amount, &self.currency).ok()
    }
}

impl From<Money> for StatedAmount {
    fn from(money: Money) -> Self {
        Self::new(money.amount.get(), money.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    #[test]
    fn amounts_of_different_currencies_cannot_be_added() {
        assert_eq!(usd(1).plus(Money::new(1, "EUR").expect("valid")), Err(SumError::Mixed));
    }

    #[test]
    fn sum_or_product_above_the_maximum_is_an_error() {
        assert_eq!(usd(MAX_AMOUNT).plus(usd(1)), Err(SumError::TooLarge));
        assert_eq!(usd(MAX_AMOUNT).times(u32::MAX), Err(SumError::TooLarge));
        assert_eq!(usd(1999).times(3), Ok(usd(5997)));
    }

    #[test]
    fn display_uses_the_decimals_of_the_currency() {
        assert_eq!(usd(5).to_string(), "0.05 USD");
        assert_eq!(Money::new(1234, "JPY").expect("valid").to_string(), "1234 JPY");
    }

    #[test]
    fn only_currencies_with_the_same_minor_unit_at_the_gateway_are_supported() {
        for currency in SUPPORTED {
            let digits = if currency == Iso::JPY { 0 } else { 2 };
            assert_eq!(Currency::parse(currency.code()).map(Currency::digits), Ok(digits), "{}", currency.code());
        }
        for other in ["ISK", "UGX", "MGA", "KWD", "BHD", "HUF", "TWD", "XAU", "XXX", "usd", ""] {
            let refused = Currency::parse(other).expect_err(other);
            assert_eq!(refused, "is not the code of a supported currency");
        }
    }

    #[test]
    fn negative_amounts_unknown_currencies_and_fractions_are_rejected() {
        for bad in [
            r#"{"amount":-1,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"usd"}"#,
            r#"{"amount":1.5,"currency":"USD"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_round_trips_and_matches_its_schema() {
        let json = r#"{"amount":1999,"currency":"USD"}"#;
        let money: Money = serde_json::from_str(json).expect("reads");
        assert_eq!((money, serde_json::to_string(&money).expect("writes")), (usd(1999), json.to_owned()));
        let schema = serde_json::to_value(schemars::schema_for!(Money)).expect("a schema");
        assert_eq!(schema["properties"]["currency"]["$ref"], "#/$defs/Currency");
        assert_eq!(schema["$defs"]["Currency"]["pattern"], "^[A-Z]{3}$");
    }

    #[test]
    fn maximum_amount_is_valid() {
        assert_eq!(usd(MAX_AMOUNT - 1).plus(usd(1)), Ok(usd(MAX_AMOUNT)));
        assert_eq!(usd(MAX_AMOUNT).to_string(), "99999999.99 USD");
        assert!(Money::new(MAX_AMOUNT + 1, "USD").is_err());
    }
}
