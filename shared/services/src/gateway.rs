//! Calls of the payment gateway through the circuit breaker.

use domain::event::GatewaySuspended;
use kernel::{EventContext, Failure};
use ports::{CircuitBreaker, CircuitOpened, PaymentStore, is_unreachable};

/// Sends `request` to the gateway if the circuit is closed, and records in the circuit breaker whether the gateway responded. A decline
/// and a request to retry later are responses. Commits a `GatewaySuspended` event if the circuit opens.
pub async fn call_gateway<T>(
    breaker: &impl CircuitBreaker,
    payments: &impl PaymentStore,
    context: EventContext<'_>,
    request: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    breaker.check(context.now).await?;
    let response = request.await;
    let responded = !response.as_ref().is_err_and(is_unreachable);
    if let Some(CircuitOpened { failures, until }) = breaker.record(responded, context.now).await {
        let suspended = GatewaySuspended { failures, until };
        payments.record_event(&context.event("gateway", 1, suspended)).await?;
    }
    response
}
