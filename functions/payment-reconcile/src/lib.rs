//! Reconciles payments and refunds without a result: every five minutes, those that wait longest first.
//!
//! A charge whose function died before it recorded the outcome ends here, if not by a redelivery. The gateway's result is looked up, which
//! changes nothing there, and recorded as if it had come at once. What the gateway never received is requested again while that is
//! safe, and abandoned once nothing requests it any more.

use domain::{
    id::RefundId,
    payment::{self, Change, Payment, RefundStatus, Resolution},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::Failure;
use ports::{GATEWAY_PENDING, Gateway, PaymentStore, TransitionOutcome};
use serde::Serialize;
use services::{Sweep, SweepSummary, commit_payment, look_up_charge, staff_metrics};

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

impl Summary {
    fn of(&mut self, resolution: Resolution) -> &mut u32 {
        match resolution {
            Resolution::Found => &mut self.resolved,
            Resolution::Mismatched => &mut self.mismatched,
            Resolution::Abandoned => &mut self.abandoned,
        }
    }
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
        result => result.map(|_| true),
    };
    let SweepSummary { items, failed, result, .. } = SWEEP.run(page, process).await;
    metrics::value("PaymentsUnresolved", Unit::Count, items);
    metrics::count("PaymentReconciliationErrors", failed.into());
    result.map(|()| Summary { unresolved: items, failed, ..summary })
}

/// Commits the transitions that resolve one payment. Stops after the result of a charge and after a version conflict: the next run
/// continues. Returns the payment after the last transition.
async fn reconcile(
    payments: &impl PaymentStore,
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &mut Summary,
) -> Result<Option<Payment>, Failure> {
    let mut current = payment.clone();
    if payment.is_open() {
        let gives_up = payment::abandon_charge(payment, tick.now).is_some();
        let found = look_up_charge(gateway, payment, gives_up).await?;
        let refund = RefundId(tick.ids.next());
        if let Some((change, why)) = payment::resolve_charge(payment, found.as_ref(), refund, tick.now)? {
            return commit(payments, change, tick, summary.of(why)).await;
        }
    }
    for refund in payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending) {
        let found = gateway.find_refund(payment, refund).await?;
        let resolved = payment::resolve_refund(&current, refund, found.as_ref(), tick.now)?;
        let Some((change, why)) = resolved else { continue };
        let Some(after) = commit(payments, change, tick, summary.of(why)).await? else { return Ok(None) };
        current = after;
    }
    let Some(change) = payment::republish_pending(&current, tick.now) else { return Ok(Some(current)) };
    commit(payments, change, tick, &mut summary.retried).await
}

/// Commits a transition and counts it. Returns the payment after it; `None` after a version conflict: the concurrent transition has
/// recorded a result, which is all that this run wants.
async fn commit(
    payments: &impl PaymentStore,
    change: Change,
    tick: &Tick,
    counter: &mut u32,
) -> Result<Option<Payment>, Failure> {
    if commit_payment(payments, None, &change, tick.context()).await? != TransitionOutcome::Applied {
        return Ok(None);
    }
    *counter += 1;
    staff_metrics(&change).for_each(|name| metrics::count(name, 1));
    Ok(Some(change.payment))
}
