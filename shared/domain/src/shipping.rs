//! Shipping methods and their prices, from configuration.

use crate::{Money, money::Currency, text::ShippingMethod};

/// The available shipping methods. The first is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingRates(Vec<Rate>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rate {
    method: ShippingMethod,
    /// `None` if the method is free, in every currency.
    prices: Option<Vec<Money>>,
}

/// A method at its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipping {
    pub method: ShippingMethod,
    pub price: Money,
}

impl ShippingRates {
    /// Parses methods such as `standard:free;express:EUR:1290,USD:1500`: prices in minor units by currency. A method is not offered in a
    /// currency that it has no price in.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rates: Vec<Rate> = Vec::new();
        for row in text.split(';').filter(|row| !row.is_empty()) {
            let rate = rate(row).map_err(|error| format!("{row:?}: {error}"))?;
            if rates.iter().any(|known| known.method == rate.method) {
                return Err(format!("{row:?}: the method is listed twice"));
            }
            rates.push(rate);
        }
        if rates.is_empty() { Err("must have at least one method".to_owned()) } else { Ok(Self(rates)) }
    }

    /// The chosen method, or the first one, at its price in a currency; the error is a phrase that lists what is offered in it.
    pub fn choose(&self, chosen: Option<&ShippingMethod>, currency: Currency) -> Result<Shipping, String> {
        let offers: Vec<Shipping> = self.0.iter().filter_map(|rate| rate.in_currency(currency)).collect();
        let wanted = chosen.or(self.0.first().map(|rate| &rate.method));
        let offer = offers.iter().find(|offer| Some(&offer.method) == wanted);
        offer.cloned().ok_or_else(|| match offers.iter().map(|offer| offer.method.as_str()).collect::<Vec<_>>() {
            offered if offered.is_empty() => format!("has no method for orders in {}", currency.code()),
            offered => format!("must be one of those for orders in {}: {}", currency.code(), offered.join(", ")),
        })
    }
}

impl Default for ShippingRates {
    /// One method, `standard`, which is free.
    fn default() -> Self {
        Self(vec![Rate { method: ShippingMethod::standard(), prices: None }])
    }
}

impl Rate {
    fn in_currency(&self, currency: Currency) -> Option<Shipping> {
        let price = match &self.prices {
            None => Some(Money::zero(currency)),
            Some(prices) => prices.iter().find(|price| price.currency == currency).copied(),
        };
        Some(Shipping { method: self.method.clone(), price: price? })
    }
}

fn rate(row: &str) -> Result<Rate, String> {
    let (method, prices) = row.split_once(':').ok_or("must be NAME:free or NAME:CURRENCY:AMOUNT,…")?;
    let price = |text: &str| {
        let (code, minor) = text.split_once(':').ok_or("a price has the form CURRENCY:AMOUNT")?;
        Money::new(minor.parse().map_err(|_| "the amount must be a whole number of minor units")?, code)
    };
    let prices = match prices {
        "free" => None,
        prices => Some(prices.split(',').map(price).collect::<Result<_, _>>()?),
    };
    Ok(Rate { method: ShippingMethod::parse(method)?, prices })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(chosen: Option<&str>, code: &str) -> Result<(String, i64), String> {
        let rates = ShippingRates::parse("standard:free;express:EUR:1290,USD:1500").expect("valid");
        let chosen = chosen.map(|name| ShippingMethod::parse(name).expect("valid"));
        let shipping = rates.choose(chosen.as_ref(), Currency::parse(code).expect("valid"))?;
        Ok((shipping.method.as_str().to_owned(), shipping.price.amount.get()))
    }

    #[test]
    fn price_of_a_method_is_that_in_the_currency_of_the_order() {
        assert_eq!(choose(Some("express"), "EUR"), Ok(("express".to_owned(), 1_290)));
        assert_eq!(choose(Some("express"), "USD"), Ok(("express".to_owned(), 1_500)));
        assert_eq!(choose(Some("standard"), "JPY"), Ok(("standard".to_owned(), 0)));
    }

    #[test]
    fn order_that_names_no_method_gets_the_first_one() {
        assert_eq!(choose(None, "USD"), Ok(("standard".to_owned(), 0)));
        let paid = ShippingRates::parse("parcel:USD:500").expect("valid");
        let in_euro = paid.choose(None, Currency::parse("EUR").expect("valid"));
        assert_eq!(in_euro, Err("has no method for orders in EUR".to_owned()));
    }

    #[test]
    fn method_that_is_not_offered_is_answered_with_those_that_are() {
        let offered = Err("must be one of those for orders in JPY: standard".to_owned());
        assert_eq!((choose(Some("express"), "JPY"), choose(Some("drone"), "JPY")), (offered.clone(), offered));
    }

    #[test]
    fn configuration_that_is_not_valid_is_refused() {
        for bad in
            ["", "standard", "standard:", "Standard:free", "a:USD", "a:USD:-1", "a:USD:1.5", "a:XXX:1", "a:free;a:free"]
        {
            assert!(ShippingRates::parse(bad).is_err(), "{bad}");
        }
    }
}
