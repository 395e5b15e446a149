//! Tax: rates by area and category, and the tax of an amount.
//!
//! Rates come from configuration. The tax of each line and of the shipping is rounded by itself ([`Rounding`]), and the tax of an order
//! is the sum of these: nothing else rounds, and nothing computes tax again after placement.

use crate::{
    Money,
    address::Address,
    money::{Rounding, SumError},
    text::Category,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Thousandths of a percent in 100 %.
const WHOLE: u32 = 100_000;

/// The category of the configuration that stands for shipping.
const SHIPPING: &str = "shipping";

/// A rate of 0 to 100 %, with up to three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaxRate(u32);

impl TaxRate {
    /// Parses a percentage such as `19` or `8.875`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
            let are_digits =
                |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
            if !are_digits(whole) || !are_digits(decimals) {
                return None;
            }
            let thousandths: u32 = format!("{decimals:0<3}").parse().ok()?;
            Some(whole.parse::<u32>().ok()? * 1_000 + thousandths).filter(|rate| *rate <= WHOLE)
        };
        parse().map(Self).ok_or_else(|| "must be a percentage from 0 to 100 with at most three decimals".to_owned())
    }

    /// Thousandths of a percent.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TaxRate {
    /// Formats the percentage without trailing zeros: `19`, `8.875`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1_000 {
            0 => write!(f, "{}", self.0 / 1_000),
            rest => write!(f, "{}.{}", self.0 / 1_000, format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

impl TryFrom<String> for TaxRate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<TaxRate> for String {
    fn from(rate: TaxRate) -> Self {
        rate.to_string()
    }
}

impl JsonSchema for TaxRate {
    fn schema_name() -> Cow<'static, str> {
        "TaxRate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^[0-9]{1,3}([.][0-9]{1,3})?$", "description": "A percentage, such as 19 or 8.875"
        })
    }
}

/// The tax of a line or of the shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tax {
    /// Rate in percent.
    pub rate: TaxRate,
    /// Amount, rounded to the minor unit.
    pub amount: Money,
}

/// The rates of a country, or of a region of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaRates {
    /// Whether prices of orders to this area include the tax; otherwise it is added to them.
    pub is_included: bool,
    standard: TaxRate,
    categories: BTreeMap<Category, TaxRate>,
    shipping: TaxRate,
}

impl AreaRates {
    /// The rate of products of a category.
    pub fn of(&self, category: &Category) -> TaxRate {
        self.categories.get(category).copied().unwrap_or(self.standard)
    }

    /// The rate of shipping.
    pub fn of_shipping(&self) -> TaxRate {
        self.shipping
    }

    /// The tax that `price` includes, or that is added to it.
    pub fn tax(&self, price: Money, rate: TaxRate, rounding: Rounding) -> Result<Tax, SumError> {
        let whole = if self.is_included { WHOLE + rate.0 } else { WHOLE };
        Ok(Tax { rate, amount: price.share(u64::from(rate.0), u64::from(whole), rounding)? })
    }
}

/// Tax rates by area, and how tax is rounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRates {
    areas: BTreeMap<String, AreaRates>,
    pub rounding: Rounding,
}

impl Default for TaxRates {
    fn default() -> Self {
        Self { areas: BTreeMap::new(), rounding: Rounding::HalfUp }
    }
}

impl TaxRates {
    /// Parses areas such as `DE:included:19,books:7;US-NY:added:8.875,clothing:0`: a country or a region of one (ISO 3166-2), whether
    /// prices include the tax or it is added, the standard rate, and those of categories that differ. The category `shipping` is the
    /// rate of shipping, which otherwise is the standard rate.
    pub fn parse(text: &str, rounding: Rounding) -> Result<Self, String> {
        let mut areas = BTreeMap::new();
        for row in text.split(';').filter(|row| !row.is_empty()) {
            let (area, rates) = parse_area(row).map_err(|error| format!("{row:?}: {error}"))?;
            if areas.insert(area, rates).is_some() {
                return Err(format!("{row:?}: the area is listed twice"));
            }
        }
        Ok(Self { areas, rounding })
    }

    /// The rates for orders to an address: those of its region, or else of its country; `None` if neither has any. Where some region of
    /// the country has rates, the region of the address must be a code, so that none is missed: the error is a phrase about it.
    pub fn at(&self, address: &Address) -> Result<Option<&AreaRates>, String> {
        let (country, area) = (address.country.as_str(), address.area());
        let has_regions = self.areas.keys().any(|key| key.split_once('-').is_some_and(|(of, _)| of == country));
        if has_regions && area.as_str() == country {
            return Err("must be the code of a region (ISO 3166-2), because taxes depend on it".to_owned());
        }
        Ok(self.areas.get(area.as_str()).or_else(|| self.areas.get(country)))
    }
}

fn parse_area(row: &str) -> Result<(String, AreaRates), String> {
    let [area, kind, rates] = row.splitn(3, ':').collect::<Vec<_>>()[..] else {
        return Err("must be AREA:included:RATE or AREA:added:RATE".to_owned());
    };
    let (country, region) = area.split_once('-').unwrap_or((area, ""));
    crate::text::Country::parse(country)?;
    if area.contains('-') && !crate::address::is_subdivision(region) {
        return Err("the region must be the second part of a code of ISO 3166-2".to_owned());
    }
    let is_included = match kind {
        "included" => true,
        "added" => false,
        _ => return Err("prices have the tax included or added".to_owned()),
    };
    let mut rates = rates.split(',');
    let standard = TaxRate::parse(rates.next().unwrap_or_default())?;
    let mut categories = BTreeMap::new();
    for rate in rates {
        let (category, rate) = rate.split_once(':').ok_or("a category has the form NAME:RATE")?;
        categories.insert(Category::parse(category)?, TaxRate::parse(rate)?);
    }
    let shipping = Category::parse(SHIPPING).ok().and_then(|name| categories.remove(&name)).unwrap_or(standard);
    Ok((area.to_owned(), AreaRates { is_included, standard, categories, shipping }))
}

#[cfg(test)]
#[path = "tax_tests.rs"]
mod tests;
