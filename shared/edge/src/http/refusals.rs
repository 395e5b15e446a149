//! The record of calls that the role of their caller does not permit.

use super::limit::{Distribution, Endpoint};
use super::request::RequestHead;
use super::route::Route;
use crate::Clock;
use kernel::rate_limit::Admission;
use kernel::{Failure, Principal, Timestamp, Uuid};
use std::collections::BTreeMap;

/// A call that the role of its caller does not permit. It has nothing of the query and of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// A new id, for the record.
    pub id: Uuid,
    /// When the request came in.
    pub at: Timestamp,
    /// The caller.
    pub caller: Principal,
    /// Name of the function that was called.
    pub function: &'static str,
    /// The parameters of the path, as the client wrote them.
    pub path_parameters: BTreeMap<String, String>,
}

impl RefusedCall {
    /// The call of a request, if the role of its caller does not permit it. One without a caller has nobody to record.
    pub(super) fn of(route: &Route, head: &RequestHead, clock: &Clock) -> Option<Self> {
        let caller = head.principal.as_ref()?;
        route.access.check(Some(caller)).is_err().then(|| Self {
            id: clock.ids().next(),
            at: clock.now(),
            caller: caller.clone(),
            function: route.function,
            path_parameters: head.path_parameters.clone(),
        })
    }
}

/// Records calls that the role of their caller does not permit.
pub trait RefusalLog {
    /// Records a call. The caller gets its 403 in any case.
    fn record(&self, refused: &RefusedCall) -> impl Future<Output = Result<(), Failure>>;
}

impl<L: RefusalLog> RefusalLog for &L {
    async fn record(&self, refused: &RefusedCall) -> Result<(), Failure> {
        L::record(self, refused).await
    }
}

/// A route that records the calls that it refuses because of the role of their caller. Those beyond the limit of the client are not recorded.
#[derive(Debug, Clone)]
pub struct Audited<E, L> {
    endpoint: E,
    log: L,
}

impl<E: Endpoint, L: RefusalLog> Audited<E, L> {
    /// Records the refused calls of `endpoint` in `log`.
    pub const fn new(endpoint: E, log: L) -> Self {
        Self { endpoint, log }
    }
}

impl<E: Endpoint, L> Distribution for Audited<E, L> {
    async fn sends(&self, secret: &str) -> Result<bool, Failure> {
        self.endpoint.sends(secret).await
    }
}

impl<E: Endpoint, L: RefusalLog> Endpoint for Audited<E, L> {
    fn route(&self) -> &Route {
        self.endpoint.route()
    }

    async fn admit(&self, client: &str, now: Timestamp) -> Option<Admission> {
        self.endpoint.admit(client, now).await
    }

    async fn refused(&self, call: &RefusedCall) -> Result<(), Failure> {
        self.log.record(call).await
    }
}
