//! How invoices are numbered and dated.

use super::{Config, ConfigError, Result, env};
use domain::invoice::Calendar;

impl Config {
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
