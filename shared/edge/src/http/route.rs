//! What a route asks of a request before its handler sees it.

use kernel::{Failure, FailureKind, Uuid};

/// The largest body that a route takes unless it says otherwise: 256 KiB.
const MAX_BODY: usize = 256 * 1024;

/// One route's requirements. The function's name is also part of the scope of its idempotency keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Name of the function.
    pub function: &'static str,
    /// Who may call.
    pub access: Access,
    /// Whether `Idempotency-Key` is required.
    pub idempotent: bool,
    /// Whether `If-Match` is required.
    pub precondition: bool,
    /// Bytes of body that are read at most.
    pub max_body: usize,
}

impl Route {
    /// A route that asks for nothing but `access`.
    pub const fn new(function: &'static str, access: Access) -> Self {
        Self { function, access, idempotent: false, precondition: false, max_body: MAX_BODY }
    }

    /// The same route, which requires `Idempotency-Key`.
    #[must_use]
    pub const fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }

    /// The same route, which requires `If-Match`.
    #[must_use]
    pub const fn precondition(self) -> Self {
        Self { precondition: true, ..self }
    }

    /// The same route, with another limit on the body, in bytes.
    #[must_use]
    pub const fn max_body(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone. A principal is known where the caller proved to be one.
    Public,
    /// Principals with one of these roles.
    Roles(&'static [&'static str]),
}

impl Access {
    /// Whether `principal` may call; who may see which resource is for the handler's query to decide.
    pub(crate) fn admit(&self, principal: Option<&Principal>) -> Result<(), Failure> {
        let Self::Roles(roles) = self else { return Ok(()) };
        let principal = principal.ok_or_else(unauthenticated)?;
        match roles.contains(&principal.role.as_str()) {
            true => Ok(()),
            false => Err(Failure::new(FailureKind::Forbidden, "forbidden", "Your role does not allow this.")),
        }
    }
}

/// Who calls, as the authorizer found it proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The subject of the token.
    pub id: Uuid,
    /// One role, by name.
    pub role: String,
}

pub(crate) fn unauthenticated() -> Failure {
    Failure::new(FailureKind::Unauthenticated, "unauthenticated", "This needs a valid access token.")
}
