//! What a route is, and lookup of routes by path.

use crate::{FUNCTIONS, Function, Trigger, Uses};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Roles of principals, as in access tokens.
pub mod role {
    /// Places orders and accesses its own data.
    pub const CUSTOMER: &str = "customer";
    /// Manages products and orders.
    pub const STAFF: &str = "staff";
    /// Operates the platform; has all permissions of staff.
    pub const ADMIN: &str = "admin";
    pub const SERVICE: &str = "service";
    /// A user who must enrol a second factor first. No account has this role, only an enrolment token, which is valid for ten minutes.
    pub const MFA_ENROLMENT: &str = "mfa_enrolment";
}

/// Who may call a route. Ownership of the resource is checked in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Public,
    /// Principals with one of these roles.
    Roles(&'static [&'static str]),
    /// Principals with one of these roles, and callers without a valid access token, whom the handler authenticates by another credential.
    Optional(&'static [&'static str]),
}

impl Auth {
    /// The roles of the principals that may call; empty for a public route.
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Public => &[],
            Self::Roles(roles) | Self::Optional(roles) => roles,
        }
    }

    /// Whether it admits requests without a valid access token.
    pub const fn admits_anonymous(self) -> bool {
        matches!(self, Self::Public | Self::Optional(_))
    }

    /// The callers as shown in documents.
    pub fn callers(self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::Roles(roles) => roles.join(", "),
            Self::Optional(roles) => format!("{} or another credential", roles.join(", ")),
        }
    }
}

/// How the `Idempotency-Key` of a request is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// The header is ignored.
    Ignored,
    /// A repeated request gets the first response; a key is not required.
    Honoured,
    /// A repeated request gets the first response; a request without a key is rejected.
    Required,
}

impl Idempotency {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Honoured => "honoured",
            Self::Required => "required",
        }
    }
}

/// Routes with the same limits. API Gateway throttles each route; the function limits the requests of a client to all routes of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteClass {
    /// Reads that need no login, limited by address.
    PublicRead,
    /// Changes that need no login, such as attempts to log in. They have the tightest limits, by address.
    PublicWrite,
    Read,
    Write,
    /// No client limit: webhooks are signed, come from few addresses, and are as frequent as payments.
    Webhook,
    /// No client limit and no counting: routes without I/O, and health checks.
    Unlimited,
}

impl RouteClass {
    /// The classes whose clients have limits.
    pub const LIMITED: [Self; 4] = [Self::PublicRead, Self::PublicWrite, Self::Read, Self::Write];

    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicRead => "public_read",
            Self::PublicWrite => "public_write",
            Self::Read => "read",
            Self::Write => "write",
            Self::Webhook => "webhook",
            Self::Unlimited => "unlimited",
        }
    }

    /// The limits of a client, with their quotas by default: many people may share the address of a network. Empty without limits.
    pub const fn client_limits(self) -> &'static [ClientLimit] {
        match self {
            Self::PublicRead => {
                const { &[per_minute("public-read-minute", 1_200), per_day("public-read-day", 200_000)] }
            }
            Self::PublicWrite => {
                const { &[per_minute("public-write-minute", 120), per_day("public-write-day", 10_000)] }
            }
            Self::Read => const { &[per_minute("read-minute", 1_200), per_day("read-day", 200_000)] },
            Self::Write => const { &[per_minute("write-minute", 600), per_day("write-day", 100_000)] },
            Self::Webhook | Self::Unlimited => &[],
        }
    }

    const fn of(method: Method, auth: Auth) -> Self {
        match (method, auth.admits_anonymous()) {
            (Method::Get, true) => Self::PublicRead,
            (Method::Get, false) => Self::Read,
            (_, true) => Self::PublicWrite,
            (_, false) => Self::Write,
        }
    }
}

/// A limit of the requests of one client to the routes of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimit {
    /// Name in responses.
    pub policy: &'static str,
    /// Requests in a window, unless the environment has others.
    pub quota: u32,
    /// Length of the window in seconds.
    pub window_s: u32,
}

const fn per_minute(policy: &'static str, quota: u32) -> ClientLimit {
    ClientLimit { policy, quota, window_s: 60 }
}

const fn per_day(policy: &'static str, quota: u32) -> ClientLimit {
    ClientLimit { policy, quota, window_s: 86_400 }
}

/// The default of the deployment input with the limits of clients, such as `read:1200,200000`: by class, in a minute and in a day.
pub fn default_rate_limits() -> String {
    let quotas = |class: RouteClass| {
        let quotas: Vec<_> = class.client_limits().iter().map(|limit| limit.quota.to_string()).collect();
        format!("{}:{}", class.name(), quotas.join(","))
    };
    RouteClass::LIMITED.map(quotas).join(";")
}

impl Function {
    /// The class of its route; `Unlimited` without one.
    pub const fn route_class(&self) -> RouteClass {
        match (self.class, self.trigger) {
            (Some(class), _) => class,
            (None, Trigger::Http { method, auth, .. }) => RouteClass::of(method, auth),
            (None, _) => RouteClass::Unlimited,
        }
    }

    /// Whether its route counts the requests of each client.
    pub const fn limits_clients(&self) -> bool {
        !self.route_class().client_limits().is_empty()
    }

    /// Whether its route counts requests by the address of a client who has not logged in.
    pub const fn limits_viewers(&self) -> bool {
        self.limits_clients() && matches!(self.trigger, Trigger::Http { auth, .. } if auth.admits_anonymous())
    }

    /// Whether it connects to Redis.
    pub fn connects_to_redis(&self) -> bool {
        self.limits_clients() || self.resources().any(|uses| matches!(uses, Uses::Redis))
    }
}

/// The methods of the routes that match `path`, separated by commas, as in `Allow`; empty if there is none.
pub fn methods_of(path: &str) -> String {
    let methods = FUNCTIONS.iter().filter_map(|function| match function.trigger {
        Trigger::Http { method, path: template, .. } if matches(template, path) => Some(method.name()),
        _ => None,
    });
    methods.collect::<Vec<_>>().join(", ")
}

/// Whether each segment of the path equals that of the template, or is not empty where the template has a parameter.
fn matches(template: &str, path: &str) -> bool {
    let (wanted, given) = (template.split('/'), path.split('/'));
    let equals = |(want, have): (&str, &str)| want == have || (want.starts_with('{') && !have.is_empty());
    wanted.clone().count() == given.clone().count() && wanted.zip(given).all(equals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_follows_from_method_and_callers_unless_the_row_names_it() {
        for (function, class) in [
            (crate::PRODUCT_GET, RouteClass::PublicRead),
            (crate::USER_LOGIN, RouteClass::PublicWrite),
            (crate::ORDER_GET, RouteClass::Read),
            (crate::ORDER_PLACE, RouteClass::Write),
            (crate::PAYMENT_WEBHOOK, RouteClass::Webhook),
            (crate::HEALTH_GET, RouteClass::Unlimited),
            (crate::ROUTE_DEFAULT, RouteClass::Unlimited),
            (crate::STOCK_RESERVE, RouteClass::Unlimited),
        ] {
            assert_eq!(function.route_class(), class, "{}", function.name);
        }
    }

    #[test]
    fn limits_of_clients_are_those_of_the_limited_classes() {
        let all = [RouteClass::LIMITED.as_slice(), &[RouteClass::Webhook, RouteClass::Unlimited]].concat();
        for class in all {
            assert_eq!(!class.client_limits().is_empty(), RouteClass::LIMITED.contains(&class), "{}", class.name());
        }
        for function in FUNCTIONS {
            assert_eq!(
                function.limits_clients(),
                !function.route_class().client_limits().is_empty(),
                "{}",
                function.name
            );
        }
        assert!(default_rate_limits().starts_with("public_read:1200,200000;public_write:120,10000;"));
    }

    #[test]
    fn path_has_the_methods_of_every_route_that_matches_it() {
        for (path, methods) in [
            ("/api/v1/orders", "GET, POST"),
            ("/api/v1/orders/7", "DELETE, GET"),
            ("/api/v1/orders/", ""),
            ("/api/v1/orders/7/", ""),
            ("/api/v1/orders/7/nothing", ""),
            ("", ""),
        ] {
            let mut found: Vec<_> = methods_of(path).split(", ").map(str::to_owned).collect();
            found.sort();
            assert_eq!(found.join(", "), methods, "{path}");
        }
    }
}
