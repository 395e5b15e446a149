//! Reconciles payments and refunds without a result: every five minutes, those that wait longest first.
//!
//! A charge whose function died before it recorded the outcome ends here, if not by a redelivery. The gateway's result is looked up, which
//! changes nothing there, and recorded as if it had come at once. What the gateway never received is requested again while that is
//! safe, and abandoned once nothing requests it any more.

use domain::{
    id::RefundId,
    payment::{self, Change, Payment, RefundStatus},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::Failure;
use ports::{GATEWAY_PENDING, Gateway, PaymentStore, TransitionOutcome};
use serde::Serialize;
use services::{Sweep, SweepSummary, staff_metrics};

/// Payments per page.
const PAGE: u32 = 200;

const SWEEP: Sweep<Payment> = Sweep {
    max_pages: 5,
    max_unavailable: 3,
    log: |payment, failure| tracing::error!(payment = %payment.id, error.message = %failure, "payment not reconciled"),
};

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Payments without a result.
    pub unresolved: u32,
    /// Charges and refunds whose result the gateway had.
    pub resolved: u32,
    /// Answers of the gateway that do not match what was asked, seen for the first time.
    pub mismatched: u32,
    /// Attempts and refunds that the gateway never received and nothing requests any more.
    pub abandoned: u32,
    /// Payments whose charge or refunds were requested again.
    pub retried: u32,
    /// Payments for which the gateway has no result yet.
    pub pending: u32,
    /// Payments that could not be reconciled; each is logged.
    pub failed: u32,
}

/// Reconciles each payment that is due. A failure of one does not block the others, unless a dependency is unavailable.
pub async fn handle(payments: &impl PaymentStore, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let page = async |last: Option<&Payment>| payments.due_for_reconciliation(tick.now, last, PAGE).await;
    let process = async |payment: &Payment| match reconcile(payments, gateway, payment, &tick, &mut summary).await {
        Err(failure) if failure.code == GATEWAY_PENDING => {
            summary.pending += 1;
            Ok(false)
        }
        result => result.map(|()| true),
    };
    let SweepSummary { items, failed, result, .. } = SWEEP.run(page, process).await;
    metrics::value("PaymentsUnresolved", Unit::Count, items);
    metrics::count("PaymentReconciliationErrors", failed.into());
    result.map(|()| Summary { unresolved: items, failed, ..summary })
}

/// Commits the transitions that resolve one payment.
async fn reconcile(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<(), Failure> {
    if payment.is_open() {
        if let Some(outcome) = gateway.find_charge(payment).await? {
            let refund = RefundId(tick.ids.next());
            let change = payment::record_charge_outcome(payment, payment.attempts, &outcome, refund, tick.now)?;
            if let Some(change) = change {
                let counter = if change.is_mismatch() { &mut summary.mismatched } else { &mut summary.resolved };
                return commit(payments, Some(change), tick, counter).await.map(drop);
            }
        }
        // Not found, or found with another amount, which is recorded.
        if let Some(change) = payment::abandon_charge(payment, tick.now) {
            return commit(payments, Some(change), tick, &mut summary.abandoned).await.map(drop);
        }
    }
    let Some(payment) = reconcile_refunds(payments, gateway, payment, tick, summary).await? else { return Ok(()) };
    commit(payments, payment::republish_pending(&payment, tick.now), tick, &mut summary.retried).await.map(drop)
}

/// Records the known results of pending refunds. Returns the payment after that; `None` after a version conflict, which leaves the rest
/// to the next run.
async fn reconcile_refunds(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<Option<Payment>, Failure> {
    let mut current = payment.clone();
    for refund in payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending) {
        let decide = |outcome| payment::record_refund_outcome(&current, refund.id, &outcome, tick.now);
        let found = match gateway.find_refund(payment, refund).await? {
            Some(outcome) => decide(outcome)?,
            None => None,
        };
        let (change, counter) = match found {
            Some(change) if change.is_mismatch() => (change, &mut summary.mismatched),
            Some(change) => (change, &mut summary.resolved),
            // Not found, or found with another amount, which is recorded.
            None => match payment::abandon_refund(&current, refund, tick.now).map(decide).transpose()?.flatten() {
                Some(change) => (change, &mut summary.abandoned),
                None => continue,
            },
        };
        match commit(payments, Some(change), tick, counter).await? {
            Some(payment) => current = payment,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

/// Commits a transition and counts it. Returns the payment after it; `None` if there is none, or after a version conflict: the
/// concurrent transition has recorded a result, which is all that this run wants.
async fn commit(
    payments: &impl PaymentStore,
    change: Option<Change>,
    tick: &Tick,
    counter: &mut u32,
) -> Result<Option<Payment>, Failure> {
    let Some(change) = change else { return Ok(None) };
    let events = tick.events(change.payment.id, change.payment.version, &change.events);
    if payments.advance(None, &change, &events).await? != TransitionOutcome::Applied {
        return Ok(None);
    }
    *counter += 1;
    staff_metrics(&change).for_each(|name| metrics::count(name, 1));
    Ok(Some(change.payment))
}
