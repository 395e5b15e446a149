//! Limits of what a customer may do.

use super::{Config, ConfigError, Result, env};
use catalog::{ClientLimit, RouteClass};
use domain::message_limits::{Budget, CallingCodes, MessageBudgets, MessageLimits};
use domain::order::{MAX_LINES, OrderLimits};
use domain::payment::{AttemptLimit, RefundLimit};
use domain::second_factor::MfaPolicy;
use domain::webhook::WebhookTargets;
use kernel::rate_limit::Policy;

/// Highest quota of a client.
const MAX_QUOTA: u32 = 9_999_999;

impl Config {
    pub fn order_limits(&self) -> Result<OrderLimits> {
        let lines = self.number(env::MAX_ORDER_LINES, MAX_LINES as u64)?;
        Ok(OrderLimits {
            lines: usize::try_from(lines).unwrap_or(MAX_LINES),
            unpaid_orders: self.count(env::MAX_UNPAID_ORDERS)?,
            unpaid_units: self.count(env::MAX_UNPAID_UNITS)?,
            delayed_orders: self.count(env::MAX_DELAYED_ORDERS)?,
        })
    }

    pub fn attempt_limit(&self) -> Result<AttemptLimit> {
        Ok(AttemptLimit { failed: self.count(env::MAX_FAILED_ATTEMPTS)? })
    }

    pub fn refund_limit(&self) -> Result<RefundLimit> {
        Ok(RefundLimit { units: self.count(env::REFUND_LIMIT)? })
    }

    pub fn mfa_policy(&self) -> Result<MfaPolicy> {
        let roles = self.optional(env::MFA_REQUIRED_ROLES).unwrap_or_default();
        MfaPolicy::parse(&roles).ok_or_else(|| {
            ConfigError::invalid(env::MFA_REQUIRED_ROLES, "roles separated by commas, such as staff,admin")
        })
    }

    pub fn message_limits(&self) -> Result<MessageLimits> {
        let countries = CallingCodes::parse(&self.text(env::SMS_COUNTRIES)?).map_err(|_| {
            ConfigError::invalid(env::SMS_COUNTRIES, "calling codes separated by commas, such as 1,!1876,49")
        })?;
        let quota = |customer, address| Ok(MessageBudgets::daily(self.budget(customer)?, self.budget(address)?));
        Ok(MessageLimits {
            countries,
            sms: quota(env::MAX_SMS_PER_CUSTOMER, env::MAX_SMS_PER_ADDRESS)?,
            verifications: quota(env::MAX_VERIFICATIONS_PER_CUSTOMER, env::MAX_VERIFICATIONS_PER_ADDRESS)?,
        })
    }

    pub fn webhook_targets(&self) -> Result<WebhookTargets> {
        let ports = self.optional(env::WEBHOOK_PORTS).unwrap_or_default();
        let ports = ports.split(',').filter(|port| !port.is_empty()).map(|port| port.parse::<u16>());
        let ports = ports.collect::<std::result::Result<_, _>>();
        Ok(WebhookTargets {
            ports: ports.map_err(|_| ConfigError::invalid(env::WEBHOOK_PORTS, "ports separated by commas"))?,
            local_origin: self.optional(env::WEBHOOK_LOCAL_ORIGIN),
        })
    }

    /// The policies of a class of routes, which the variable must have.
    pub fn rate_limits(&self, class: RouteClass) -> Result<Vec<Policy>> {
        let text = self.text(env::RATE_LIMITS)?;
        let (name, limits) = (class.name(), class.client_limits());
        let of_class = text.split(';').find_map(|entry| entry.strip_prefix(name)?.strip_prefix(':'));
        let quotas: Option<Vec<u32>> =
            of_class.and_then(|own| own.split(',').map(|quota| quota.parse().ok()).collect());
        let are_valid = |quotas: &Vec<u32>| {
            quotas.len() == limits.len() && quotas.iter().all(|quota| (1..=MAX_QUOTA).contains(quota))
        };
        let quotas = quotas.filter(are_valid).ok_or_else(|| {
            let expected = format!("requests in a minute and in a day by class of route, such as {name}:600,100000");
            ConfigError::invalid(env::RATE_LIMITS, &expected)
        })?;
        let policy =
            |(limit, quota): (&ClientLimit, u32)| Policy { name: limit.policy, quota, window_s: limit.window_s };
        Ok(limits.iter().zip(quotas).map(policy).collect())
    }

    pub fn registration_limit(&self) -> Result<Budget> {
        self.budget(env::MAX_REGISTRATIONS_PER_SOURCE).map(Budget::hourly)
    }

    pub fn record_backlog(&self) -> Result<u64> {
        self.count(env::RECORD_BACKLOG).map(u64::from)
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
    fn mfa_is_required_of_the_named_roles_and_of_none_by_default() {
        let policy = |roles| Config::from_vars([("MFA_REQUIRED_ROLES", roles)]).mfa_policy();
        assert_eq!(policy("staff,admin"), Ok(MfaPolicy::parse("staff,admin").unwrap()));
        assert_eq!(Config::from_vars([]).mfa_policy(), Ok(MfaPolicy::default()));
        assert!(policy("staff,root").unwrap_err().to_string().contains("MFA_REQUIRED_ROLES"));
    }

    #[test]
    fn limits_of_orders_are_positive_and_within_those_of_the_domain() {
        let limits = |lines| {
            let variables = [
                ("MAX_ORDER_LINES", lines),
                ("MAX_UNPAID_ORDERS", "3"),
                ("MAX_UNPAID_UNITS", "40"),
                ("MAX_DELAYED_ORDERS", "9"),
            ];
            Config::from_vars(variables).order_limits()
        };
        assert_eq!(limits("7"), Ok(OrderLimits { lines: 7, unpaid_orders: 3, unpaid_units: 40, delayed_orders: 9 }));
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
    fn limits_of_clients_are_those_of_their_class() {
        let limits = |text: &str| Config::from_vars([("RATE_LIMITS", text)]).rate_limits(RouteClass::Write);
        let policy = |name, quota, window_s| Policy { name, quota, window_s };
        let expected = vec![policy("write-minute", 7, 60), policy("write-day", 900, 86_400)];
        assert_eq!(limits("read:1,2;write:7,900"), Ok(expected));
        assert!(limits(&catalog::default_rate_limits()).is_ok());
        for bad in
            ["", "read:1,2", "write", "write:", "write:1", "write:1,2,3", "write:0,2", "write:1,10000000", "write:-1,x"]
        {
            assert!(limits(bad).unwrap_err().to_string().contains("RATE_LIMITS"), "{bad}");
        }
    }

    #[test]
    fn limit_of_attempts_is_positive() {
        let limit = |failed| Config::from_vars([("MAX_FAILED_ATTEMPTS", failed)]).attempt_limit();
        assert_eq!(limit("4"), Ok(AttemptLimit { failed: 4 }));
        assert!(limit("0").unwrap_err().to_string().contains("MAX_FAILED_ATTEMPTS"));
    }

    #[test]
    fn limit_of_refunds_is_positive() {
        let limit = |units| Config::from_vars([("REFUND_LIMIT", units)]).refund_limit();
        assert_eq!(limit("250"), Ok(RefundLimit { units: 250 }));
        for bad in ["0", "250.00", "-1", ""] {
            assert!(limit(bad).unwrap_err().to_string().contains("REFUND_LIMIT"), "{bad}");
        }
    }

    #[test]
    fn backlog_of_records_is_positive() {
        let backlog = |records| Config::from_vars([("RECORD_BACKLOG", records)]).record_backlog();
        assert_eq!(backlog("200000"), Ok(200_000));
        assert!(backlog("0").unwrap_err().to_string().contains("RECORD_BACKLOG"));
    }

    #[test]
    fn limit_of_registrations_is_a_budget_of_an_hour() {
        let limit = |number| Config::from_vars([("MAX_REGISTRATIONS_PER_SOURCE", number)]).registration_limit();
        assert_eq!(limit("20"), Ok(Budget::hourly(20)));
        for wrong in ["0", "3601", "many"] {
            assert!(limit(wrong).unwrap_err().to_string().contains("MAX_REGISTRATIONS_PER_SOURCE"), "{wrong}");
        }
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
            sms: MessageBudgets::daily(9, 7),
            verifications: MessageBudgets::daily(3, 4),
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
