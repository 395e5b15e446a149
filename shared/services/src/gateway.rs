//! Calls of the payment gateway through the circuit breaker.

use domain::{
    event::GatewaySuspended,
    payment::{self, ChargeOutcome, Payment},
};
use kernel::{EventContext, Failure, FailureKind, Timestamp};
use ports::{
    CircuitBreaker, CircuitOpened, GATEWAY_LIST_TOO_LONG, GATEWAY_REPLAYED_ERROR, Gateway, PaymentStore, is_unreachable,
};

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

/// How certain it has to be that an attempt has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing follows if none is found.
    Hint,
    /// The attempt ends if none is found.
    Proof,
    /// As `Proof`, where the list of all charges was found to be too long.
    ProofWithoutList,
}

/// Looks up the result of the last attempt. For a proof that there is none, an attempt that must not be charged any more is withdrawn, and one
/// that the gateway has received is looked for among all charges.
pub async fn look_up_charge(
    gateway: &impl Gateway,
    payment: &Payment,
    certainty: Certainty,
    now: Timestamp,
) -> Result<Option<ChargeOutcome>, Failure> {
    let found = gateway.search_charge(payment).await?;
    if found.is_some() || certainty == Certainty::Hint {
        return Ok(found);
    }
    if payment::may_withdraw(payment, now) && gateway.withdraw_charge(payment).await? {
        return Ok(None);
    }
    match certainty {
        Certainty::ProofWithoutList => {
            let detail = "There are too many charges at the payment gateway to look for one among them.";
            Err(Failure::new(FailureKind::Unavailable, GATEWAY_LIST_TOO_LONG, detail))
        }
        _ => gateway.find_charge(payment).await,
    }
}
