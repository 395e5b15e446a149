//! The requirements of a route, which are checked before its handler runs.

use kernel::{Failure, FailureKind, Principal};

/// Maximum body size in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// The requirements of a route. The function's name is also part of the scope of its idempotency keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Name of the function.
    pub function: &'static str,
    /// Who may call.
    pub access: Access,
    /// How an `Idempotency-Key` is treated.
    pub idempotency: KeyHandling,
}

impl Route {
    /// A route with `access` as its only requirement.
    pub const fn new(function: &'static str, access: Access) -> Self {
        Self { function, access, idempotency: KeyHandling::Ignored }
    }

    /// Requires `Idempotency-Key`.
    #[must_use]
    pub const fn idempotent(self) -> Self {
        Self { idempotency: KeyHandling::Required, ..self }
    }

    /// Honours an `Idempotency-Key` if there is one.
    #[must_use]
    pub const fn honours_key(self) -> Self {
        Self { idempotency: KeyHandling::Honoured, ..self }
    }
}

/// How the `Idempotency-Key` of a request is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHandling {
    /// The header is ignored.
    Ignored,
    /// A repeated request gets the first response; a request without a key is accepted.
    Honoured,
    /// Like `Honoured`, and a request without a key is rejected.
    Required,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, authenticated or not.
    Public,
    /// Principals with one of these roles.
    Roles(&'static [&'static str]),
    /// Principals with one of these roles, and callers without an access token, whom the handler identifies by another credential.
    Optional(&'static [&'static str]),
}

impl Access {
    /// Checks the role of `principal`. Ownership of a resource is checked by the handler's query.
    pub(crate) fn check(&self, principal: Option<&Principal>) -> Result<(), Failure> {
        let (roles, principal) = match (self, principal) {
            (Self::Public, _) | (Self::Optional(_), None) => return Ok(()),
            (Self::Roles(_), None) => return Err(unauthenticated()),
            (Self::Roles(roles) | Self::Optional(roles), Some(principal)) => (roles, principal),
        };
        match roles.contains(&principal.role.as_str()) {
            true => Ok(()),
            // The log line has the principal and the route; an audited route also records the refusal.
            false => Err(Failure::new(
                FailureKind::Forbidden,
                "forbidden",
                "The role of the caller does not permit this operation.",
            )
            .with_internal(format!("{} as {}", principal.id, principal.role))),
        }
    }
}

pub(crate) fn unauthenticated() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "unauthenticated", "A valid access token is required.")
}
