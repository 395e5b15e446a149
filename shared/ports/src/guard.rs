//! How the gateway is asked: behind the breaker, whose opening is an event.

use crate::{CircuitBreaker, CircuitOpened, PaymentStore};
use domain::event::{self, GatewaySuspended};
use kernel::{Failure, FailureKind, Ids, Timestamp, TraceContext};

/// The gateway does not take the question now: our key is being replaced, the same question is under way, or it was asked too much.
pub const GATEWAY_RETRY_LATER: &str = "gateway-retry-later";
/// The gateway has begun it and does not know yet how it ends.
pub const GATEWAY_PENDING: &str = "gateway-pending";
/// The gateway holds a fault under the key of the question and tells it again, whatever became of the matter: asking is of no use
/// any more, looking is.
pub const GATEWAY_REPLAYED_ERROR: &str = "gateway-replayed-error";

/// Whether the gateway did not answer at all, or with a fault that it has now.
pub fn is_unreachable(failure: &Failure) -> bool {
    failure.kind == FailureKind::Unavailable
        && ![GATEWAY_RETRY_LATER, GATEWAY_PENDING, GATEWAY_REPLAYED_ERROR].contains(&failure.code)
}

/// What belongs to one question: when it is asked, and what its events belong to.
#[derive(Debug)]
pub struct GatewayCall<'a> {
    /// When.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: &'a Ids,
    /// The trace.
    pub trace: &'a TraceContext,
}

/// Asks the gateway `question`, if the breaker lets it, and tells the breaker how it went. That the gateway does not answer counts
/// against it; that it refuses, or puts us off, does not. Where the circuit opens, `payments` keeps the event of it.
pub async fn call_gateway<T>(
    breaker: &impl CircuitBreaker,
    payments: &impl PaymentStore,
    asking: GatewayCall<'_>,
    question: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    breaker.check(asking.now).await?;
    let answer = question.await;
    let answered = !answer.as_ref().is_err_and(is_unreachable);
    if let Some(CircuitOpened { failures, until }) = breaker.record(answered, asking.now).await {
        let GatewayCall { now, ids, trace } = asking;
        let suspended = GatewaySuspended { failures, until };
        payments.record_event(&event::wrap(ids.next(), "gateway", 1, now, trace, suspended)).await?;
    }
    answer
}
