//! What a route is, and lookup of routes by path.

use crate::{FUNCTIONS, Trigger};

/// An HTTP method.
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
    /// A machine client.
    pub const SERVICE: &str = "service";
}

/// Who may call a route. Ownership of the resource is checked in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Public,
    /// Principals with one of these roles.
    Roles(&'static [&'static str]),
}

/// What becomes of the `Idempotency-Key` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// It has no effect.
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
