//! Calls of the payment gateway through the circuit breaker.

use domain::{
    event::GatewaySuspended,
    payment::{ChargeOutcome, Payment},
};
use kernel::{EventContext, Failure};
use ports::{CircuitBreaker, CircuitOpened, GATEWAY_REPLAYED_ERROR, Gateway, PaymentStore, is_unreachable};

/// Sends `request` to the gateway if the circuit is closed, and records in the circuit breaker whether the gateway responded. A decline
/// and a request to retry later are responses. Commits a `GatewaySuspended` event if the circuit opens.
///
/// Where the gateway replays a server error that it stored for the request, sending it again would return the error forever:
/// the result is that of `look_up`, or the error if that has none.
pub async fn call_gateway<T>(
    breaker: &impl CircuitBreaker,
    payments: &impl PaymentStore,
    context: EventContext<'_>,
    request: impl Future<Output = Result<T, Failure>>,
    look_up: impl Future<Output = Result<Option<T>, Failure>>,
) -> Result<T, Failure> {
    breaker.check(context.now).await?;
    let response = request.await;
    let responded = !response.as_ref().is_err_and(is_unreachable);
    if let Some(CircuitOpened { failures, until }) = breaker.record(responded, context.now).await {
        let suspended = GatewaySuspended { failures, until };
        payments.record_event(&context.event("gateway", 1, suspended)).await?;
    }
    match response {
        Err(error) if error.code == GATEWAY_REPLAYED_ERROR => look_up.await?.ok_or(error),
        response => response,
    }
}

/// Looks up the result of the last attempt. With `gives_up`, `None` will end the attempt, so that it has to be certain.
pub async fn look_up_charge(
    gateway: &impl Gateway,
    payment: &Payment,
    gives_up: bool,
) -> Result<Option<ChargeOutcome>, Failure> {
    match gateway.search_charge(payment).await? {
        None if gives_up => gateway.find_charge(payment).await,
        found => Ok(found),
    }
}
