//! Limits of what a customer may do.

use super::{Config, ConfigError, Result, env};
use domain::message_limits::{Budget, CallingCodes, MessageLimits, Quota};
use domain::order::{MAX_LINES, OrderLimits};
use domain::payment::AttemptLimit;
use domain::webhook::WebhookTargets;

impl Config {
    pub fn order_limits(&self) -> Result<OrderLimits> {
        let lines = self.number(env::MAX_ORDER_LINES, MAX_LINES as u64)?;
        Ok(OrderLimits {
            lines: usize::try_from(lines).unwrap_or(MAX_LINES),
            unpaid_orders: self.count(env::MAX_UNPAID_ORDERS)?,
            unpaid_units: self.count(env::MAX_UNPAID_UNITS)?,
        })
    }

    pub fn attempt_limit(&self) -> Result<AttemptLimit> {
        Ok(AttemptLimit { failed: self.count(env::MAX_FAILED_ATTEMPTS)? })
    }

    pub fn message_limits(&self) -> Result<MessageLimits> {
        let countries = CallingCodes::parse(&self.text(env::SMS_COUNTRIES)?).map_err(|_| {
            ConfigError::invalid(env::SMS_COUNTRIES, "calling codes separated by commas, such as 1,!1876,49")
        })?;
        let quota = |customer, address| Ok(Quota::daily(self.budget(customer)?, self.budget(address)?));
        Ok(MessageLimits {
            countries,
            sms: quota(env::MAX_SMS_PER_CUSTOMER, env::MAX_SMS_PER_ADDRESS)?,
            verifications: quota(env::MAX_VERIFICATIONS_PER_CUSTOMER, env::MAX_VERIFICATIONS_PER_ADDRESS)?,
        })
    }

    pub fn webhook_targets(&self) -> Result<WebhookTargets> {
        let ports = self.text(env::WEBHOOK_PORTS)?;
        let ports = ports.split(',').filter(|port| !port.is_empty()).map(|port| port.parse::<u16>());
        let ports = ports.collect::<std::result::Result<_, _>>();
        Ok(WebhookTargets {
            ports: ports.map_err(|_| ConfigError::invalid(env::WEBHOOK_PORTS, "ports separated by commas"))?,
            local_origin: Some(self.text(env::WEBHOOK_LOCAL_ORIGIN)?).filter(|origin| !origin.is_empty()),
        })
    }

    fn budget(&self, name: &'static str) -> Result<u32> {
        self.number(name, u64::from(Budget::MAX)).map(|number| u32::try_from(number).unwrap_or(Budget::MAX))
    }

    /// A whole number from 1 to `max`.
    fn number(&self, name: &'static str, max: u64) -> Result<u64> {
        let number = self.text(name)?.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| ConfigError::invalid(name, &format!("a whole number from 1 to {max}")))
    }

    /// A positive whole number.
    fn count(&self, name: &'static str) -> Result<u32> {
        self.number(name, u64::from(u32::MAX)).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_orders_are_positive_and_within_those_of_the_domain() {
        let limits = |lines| {
            let variables = [("MAX_ORDER_LINES", lines), ("MAX_UNPAID_ORDERS", "3"), ("MAX_UNPAID_UNITS", "40")];
            Config::from_vars(variables).order_limits()
        };
        assert_eq!(limits("7"), Ok(OrderLimits { lines: 7, unpaid_orders: 3, unpaid_units: 40 }));
        for bad in ["0", "101", "-1", "1.5", "many", ""] {
            assert!(limits(bad).unwrap_err().to_string().contains("MAX_ORDER_LINES"), "{bad}");
        }
    }

    #[test]
    fn targets_of_webhooks_are_ports_and_an_origin() {
        let targets = |ports, origin| {
            Config::from_vars([("WEBHOOK_PORTS", ports), ("WEBHOOK_LOCAL_ORIGIN", origin)]).webhook_targets()
        };
        assert_eq!(targets("", ""), Ok(WebhookTargets::default()));
        let local_origin = Some("http://127.0.0.1:1".to_owned());
        let expected = WebhookTargets { ports: vec![8443, 9443], local_origin };
        assert_eq!(targets("8443,9443", "http://127.0.0.1:1"), Ok(expected));
        for bad in ["https", "8443;9443", "70000", "-1"] {
            assert!(targets(bad, "").unwrap_err().to_string().contains("WEBHOOK_PORTS"), "{bad}");
        }
    }

    #[test]
    fn limit_of_attempts_is_positive() {
        let limit = |failed| Config::from_vars([("MAX_FAILED_ATTEMPTS", failed)]).attempt_limit();
        assert_eq!(limit("4"), Ok(AttemptLimit { failed: 4 }));
        assert!(limit("0").unwrap_err().to_string().contains("MAX_FAILED_ATTEMPTS"));
    }

    #[test]
    fn limits_of_messages_are_a_list_of_countries_and_four_budgets() {
        let limits = |countries, sms| {
            let budgets = [("MAX_SMS_PER_ADDRESS", "7"), ("MAX_VERIFICATIONS_PER_CUSTOMER", "3")];
            let [address, customer] = budgets;
            Config::from_vars([
                ("SMS_COUNTRIES", countries),
                ("MAX_SMS_PER_CUSTOMER", sms),
                address,
                customer,
                ("MAX_VERIFICATIONS_PER_ADDRESS", "4"),
            ])
            .message_limits()
        };
        let expected = MessageLimits {
            countries: CallingCodes::parse("1,!1876,49").unwrap(),
            sms: Quota::daily(9, 7),
            verifications: Quota::daily(3, 4),
        };
        assert_eq!(limits("1,!1876,49", "9"), Ok(expected));
        for (countries, sms, named) in [
            ("", "9", "SMS_COUNTRIES"),
            ("DE", "9", "SMS_COUNTRIES"),
            ("49", "0", "MAX_SMS_PER_CUSTOMER"),
            ("49", "3601", "MAX_SMS_PER_CUSTOMER"),
        ] {
            assert!(limits(countries, sms).unwrap_err().to_string().contains(named), "{countries} {sms}");
        }
    }
}
