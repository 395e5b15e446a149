//! Calls of the payment gateway through the circuit breaker.

use domain::event::{self, GatewaySuspended};
use kernel::{Failure, Ids, Timestamp, TraceContext};
use ports::{CircuitBreaker, CircuitOpened, PaymentStore, is_unreachable};

/// Context of one call of the gateway.
#[derive(Debug)]
pub struct GatewayCall<'a> {
    pub now: Timestamp,
    pub ids: &'a Ids,
    pub trace: &'a TraceContext,
}

/// Sends `request` to the gateway if the circuit is closed, and records in the circuit breaker whether the gateway responded. A decline
/// and a request to retry later are responses. Commits a `GatewaySuspended` event if the circuit opens.
pub async fn call_gateway<T>(
    breaker: &impl CircuitBreaker,
    payments: &impl PaymentStore,
    call: GatewayCall<'_>,
    request: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    breaker.check(call.now).await?;
    let response = request.await;
    let responded = !response.as_ref().is_err_and(is_unreachable);
    if let Some(CircuitOpened { failures, until }) = breaker.record(responded, call.now).await {
        let suspended = GatewaySuspended { failures, until };
        let event = event::wrap(call.ids.next(), "gateway", 1, call.now, call.trace, suspended);
        payments.record_event(&event).await?;
    }
    response
}
