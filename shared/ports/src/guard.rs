//! How the gateway is asked: behind the breaker, whose opening is an event.

use crate::{Breaker, Opened, PaymentStore};
use domain::event::{self, GatewaySuspended};
use kernel::{Failure, Ids, Kind, Timestamp, Trace};

/// The gateway does not take the question now: our key is being replaced, the same question is under way, or it was asked too much.
pub const NOT_NOW: &str = "gateway-not-now";
/// The gateway has begun it and does not know yet how it ends.
pub const UNDECIDED: &str = "gateway-undecided";
/// The gateway holds a fault under the key of the question and tells it again, whatever became of the matter: asking is of no use
/// any more, looking is.
pub const KEPT_FAULT: &str = "gateway-kept-fault";

/// Whether the gateway did not answer at all, or with a fault that it has now.
pub fn is_silent(failure: &Failure) -> bool {
    failure.kind == Kind::Unavailable && ![NOT_NOW, UNDECIDED, KEPT_FAULT].contains(&failure.code)
}

/// What belongs to one question: when it is asked, and what its events belong to.
#[derive(Debug)]
pub struct Asking<'a> {
    /// When.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: &'a Ids,
    /// The trace.
    pub trace: &'a Trace,
}

/// Asks the gateway `question`, if the breaker lets it, and tells the breaker how it went. That the gateway does not answer counts
/// against it; that it refuses, or puts us off, does not. Where the circuit opens, `payments` keeps the event of it.
pub async fn guarded<T>(
    breaker: &impl Breaker,
    payments: &impl PaymentStore,
    asking: Asking<'_>,
    question: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    breaker.admit(asking.now).await?;
    let answer = question.await;
    let answered = !answer.as_ref().is_err_and(is_silent);
    if let Some(Opened { failures, until }) = breaker.report(answered, asking.now).await {
        let Asking { now, ids, trace } = asking;
        let suspended = GatewaySuspended { failures, until };
        payments.announce(&event::envelop(ids.next(), "gateway", 1, now, trace, suspended)).await?;
    }
    answer
}
