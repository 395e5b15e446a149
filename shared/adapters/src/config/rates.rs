//! What is charged on top of the prices of products.

use super::{Config, ConfigError, Result, env};
use domain::{money::Rounding, order::Rates, shipping::ShippingRates, tax::TaxRates};

impl Config {
    pub fn order_rates(&self) -> Result<Rates> {
        let rounding = Rounding::parse(&self.text(env::TAX_ROUNDING)?)
            .ok_or_else(|| ConfigError::invalid(env::TAX_ROUNDING, "half_up or half_even"))?;
        let areas = self.optional(env::TAX_RATES).unwrap_or_default();
        let tax = TaxRates::parse(&areas, rounding)
            .map_err(|error| ConfigError::invalid(env::TAX_RATES, &format!("tax rates by area: {error}")))?;
        let shipping = ShippingRates::parse(&self.text(env::SHIPPING_METHODS)?)
            .map_err(|error| ConfigError::invalid(env::SHIPPING_METHODS, &format!("shipping methods: {error}")))?;
        Ok(Rates { tax, shipping })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(tax: &str, rounding: &str, shipping: &str) -> Result<Rates> {
        Config::from_vars([("TAX_RATES", tax), ("TAX_ROUNDING", rounding), ("SHIPPING_METHODS", shipping)])
            .order_rates()
    }

    #[test]
    fn order_without_configured_rates_has_no_tax_and_free_shipping() {
        assert_eq!(rates("", "half_up", "standard:free"), Ok(Rates::default()));
    }

    #[test]
    fn invalid_rates_name_their_variable_and_row() {
        for (tax, rounding, shipping, variable) in [
            ("DE:included:x", "half_up", "standard:free", "TAX_RATES"),
            ("", "down", "standard:free", "TAX_ROUNDING"),
            ("", "half_up", "standard", "SHIPPING_METHODS"),
            ("", "half_up", "", "SHIPPING_METHODS"),
        ] {
            assert!(rates(tax, rounding, shipping).unwrap_err().to_string().contains(variable), "{variable}");
        }
        assert!(rates("DE:included:x", "half_up", "standard:free").unwrap_err().to_string().contains("DE:included:x"));
    }
}
