//! How invoices are numbered and dated.

use super::{Config, ConfigError, Result, env};
use domain::invoice::{Calendar, Seller};

impl Config {
    pub fn invoice_seller(&self) -> Result<Seller> {
        let what = "1 to 8 lines of 1 to 60 characters, separated by |";
        Seller::parse(&self.text(env::INVOICE_SELLER)?).map_err(|_| ConfigError::invalid(env::INVOICE_SELLER, what))
    }

    pub fn invoice_calendar(&self) -> Result<Calendar> {
        let (zone, begins) = (self.text(env::INVOICE_TIME_ZONE)?, self.text(env::INVOICE_YEAR_BEGINS)?);
        let what = "an IANA time zone, with a day as MM-DD in INVOICE_YEAR_BEGINS";
        Calendar::parse(&zone, &begins).map_err(|_| ConfigError::invalid(env::INVOICE_TIME_ZONE, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_of_invoices_is_a_time_zone_and_a_day() {
        let calendar = |zone, begins| {
            Config::from_vars([("INVOICE_TIME_ZONE", zone), ("INVOICE_YEAR_BEGINS", begins)]).invoice_calendar()
        };
        assert_eq!(calendar("UTC", "01-01"), Ok(Calendar::utc()));
        assert!(calendar("Europe/Berlin", "04-06").is_ok());
        for (zone, begins) in [("Berlin", "01-01"), ("UTC", "1.1.")] {
            let error = calendar(zone, begins).unwrap_err().to_string();
            assert!(error.contains("INVOICE_TIME_ZONE") && error.contains("INVOICE_YEAR_BEGINS"), "{error}");
        }
    }
}
