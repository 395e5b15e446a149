//! Looks after payments and refunds whose answer is missing: every five minutes, those that wait longest first.
//!
//! "The gateway charged, but our function died" ends here if not in the queue: the gateway is asked what became of the attempt or the
//! refund, which changes nothing there, and the answer is kept as if it had come at once. What it never heard of is asked for again
//! while that is safe, and given up when nobody asks for it any more.

use domain::{
    event,
    id::RefundId,
    payment::{self, Change, Payment, RefundOutcome, RefundStatus, Status},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, FailureKind};
use ports::{Gateway, PaymentStore, TransitionOutcome};
use serde::Serialize;

/// How many payments are read at once.
const PAGE: u32 = 200;
/// Most pages in one run; the others are the next run's.
const MOST_PAGES: u32 = 5;
/// After so many payments in a row of which a part did not answer, the others would get the same.
const MOST_SILENCES: u32 = 3;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Payments without an answer.
    pub unresolved: u32,
    /// Charges and refunds of which the gateway knew what became.
    pub resolved: u32,
    /// Attempts and refunds that were given up, since the gateway never heard of them and nobody asks for them any more.
    pub abandoned: u32,
    /// Payments whose charge or refunds were asked for again.
    pub retried: u32,
    /// Payments of which the gateway does not know yet what becomes.
    pub pending: u32,
    /// Payments that could not be looked after. Each is logged.
    pub failed: u32,
}

/// Looks after each. One that fails does not keep the others from it; where nobody answers, the run ends.
pub async fn handle(payments: &impl PaymentStore, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let outcome = look_after_all(payments, gateway, &tick, &mut summary).await;
    metrics::value("PaymentsUnresolved", Unit::Count, summary.unresolved);
    metrics::count("PaymentReconciliationErrors", summary.failed.into());
    outcome.map(|()| summary)
}

async fn look_after_all(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let (mut last, mut silences) = (None::<Payment>, 0);
    for _ in 0..MOST_PAGES {
        let page = payments.due_for_reconciliation(tick.now, last.as_ref(), PAGE).await?;
        for payment in &page {
            summary.unresolved += 1;
            let Err(failure) = look_after(payments, gateway, payment, tick, summary).await else {
                silences = 0;
                continue;
            };
            if failure.code == ports::GATEWAY_PENDING {
                summary.pending += 1;
                silences = 0;
                continue;
            }
            summary.failed += 1;
            tracing::error!(payment = %payment.id, error.message = %failure, "a payment could not be looked after");
            silences = if failure.kind == FailureKind::Unavailable { silences + 1 } else { 0 };
            if silences == MOST_SILENCES {
                return Err(failure);
            }
        }
        if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            break;
        }
        last = page.into_iter().next_back();
    }
    Ok(())
}

/// Takes the steps that mend one payment.
async fn look_after(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<(), Failure> {
    if payment.status == Status::Pending {
        if let Some(answer) = gateway.find_charge(payment).await? {
            let refund = RefundId(tick.ids.next());
            let change = payment::record_charge_outcome(payment, payment.attempts, &answer, refund, tick.now)?;
            return keep(payments, change, tick, &mut summary.resolved).await.map(drop);
        }
        if let Some(change) = payment::abandon_charge(payment, tick.now) {
            return keep(payments, Some(change), tick, &mut summary.abandoned).await.map(drop);
        }
    }
    let Some(payment) = look_after_refunds(payments, gateway, payment, tick, summary).await? else { return Ok(()) };
    keep(payments, payment::republish_pending(&payment, tick.now), tick, &mut summary.retried).await.map(drop)
}

/// The payment with what is known of its refunds; `None` when another step was faster, whose run is then the next one.
async fn look_after_refunds(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<Option<Payment>, Failure> {
    let mut current = payment.clone();
    for refund in payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending) {
        let (answer, counter) = match gateway.find_refund(payment, refund).await? {
            Some(answer) => (answer, &mut summary.resolved),
            None => match payment::abandon_refund(refund, tick.now) {
                Some(answer) => (answer, &mut summary.abandoned),
                None => continue,
            },
        };
        if matches!(answer, RefundOutcome::Failed(_)) {
            metrics::count("RefundsFailed", 1);
        }
        let change = payment::record_refund_outcome(&current, refund.id, &answer, tick.now)?;
        match keep(payments, change, tick, counter).await? {
            Some(after) => current = after,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

/// Keeps a step, and counts it; the payment after it. Who was faster has kept an answer: that is what we want.
async fn keep(
    payments: &impl PaymentStore,
    change: Option<Change>,
    tick: &Tick,
    counter: &mut u32,
) -> Result<Option<Payment>, Failure> {
    let Some(change) = change else { return Ok(None) };
    let (id, version) = (change.payment.id, change.payment.version);
    let events = event::wrap_all(&tick.ids, id, version, tick.now, &tick.trace, &change.events);
    if payments.advance(None, &change, &events).await? != TransitionOutcome::Applied {
        return Ok(None);
    }
    *counter += 1;
    Ok(Some(change.payment))
}
