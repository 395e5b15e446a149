//! Reconciles payments and refunds without a result: every five minutes, those that wait longest first.
//!
//! A charge whose function died before it recorded the outcome ends here, if not by a redelivery. The gateway's result is looked up, which
//! changes nothing there, and recorded as if it had come at once. What the gateway never received is requested again while that is
//! safe, and abandoned once nothing requests it any more.
//!
//! Each look moves the payment behind those that are due for longer, so that payments without a result do not keep others from a look.
//!
//! Then it counts the refunds that wait for approval: only a person decides on them.

use domain::payment::{PaymentTransition, RECONCILE_AGAIN_SECONDS, Resolution};
use edge::{
    schedule::Tick,
    telemetry::{self, metrics},
};
use kernel::{Failure, Timestamp, seconds_after};
use ports::{DuePayment, GATEWAY_LIST_TOO_LONG, GATEWAY_PENDING, Gateway, PaymentStore, WaitingApprovals};
use serde::Serialize;
use services::{Certainty, Sweep, SweepSummary, reconcile_payment, staff_metrics};
use std::time::Duration;

/// Stop this long before the deadline: a look at a payment takes some requests to the gateway, of eight seconds at most each.
const TIME_RESERVE: Duration = Duration::from_secs(80);
/// Time in which all charges of some hours can be read, up to the longest list. The first payment that needs the list and has less keeps its place,
/// and is the first of the next run.
const FOR_LIST: Duration = Duration::from_secs(160);

/// Payments per page.
const PAGE: u32 = 200;

const SWEEP: Sweep<DuePayment> = Sweep {
    max_pages: 5,
    max_unavailable: 3,
    log: |due, failure| telemetry::log_item_failure("reconciliation of a payment", due.payment.id, failure),
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
    /// Refunds that wait for approval.
    pub awaiting_approval: u64,
    /// How long the oldest of them has waited, in milliseconds.
    pub approval_age_ms: i64,
}

impl Summary {
    fn count(&mut self, resolution: Option<Resolution>) {
        let counter = match resolution {
            Some(Resolution::Found) => &mut self.resolved,
            Some(Resolution::Mismatched) => &mut self.mismatched,
            Some(Resolution::Abandoned) => &mut self.abandoned,
            None => &mut self.retried,
        };
        *counter += 1;
    }
}

/// Reconciles each payment that is due. A failure of one does not block the others, unless a dependency is unavailable. If there are too many
/// charges to look for one among them, it is tried for no other payment in this run. What does not fit into the time of a run is left to the next.
pub async fn handle(payments: &impl PaymentStore, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let again = seconds_after(tick.now, RECONCILE_AGAIN_SECONDS)?;
    let page = async |last: Option<&DuePayment>| payments.due_for_reconciliation(tick.now, last, PAGE).await;
    let (mut proof, mut is_next_chosen) = (Certainty::Proof, false);
    let process = async |DuePayment { payment, since }: &DuePayment| {
        // First, so that a payment that ends the run is not the first of the next.
        payments.postpone_reconciliation(payment, again).await?;
        let certainty = if tick.has_less_than(FOR_LIST) { Certainty::ProofWithoutList } else { proof };
        let applied = |change: &PaymentTransition, resolution| {
            summary.count(resolution);
            metrics::count_each(staff_metrics(change));
        };
        match reconcile_payment(payments, gateway, payment, certainty, tick.context(), applied).await {
            Err(failure) if [GATEWAY_PENDING, GATEWAY_LIST_TOO_LONG].contains(&failure.code) => {
                if failure.code == GATEWAY_LIST_TOO_LONG && certainty == proof {
                    // Reading the list takes minutes, and the lists of payments of the same hours are as long.
                    proof = Certainty::ProofWithoutList;
                } else if failure.code == GATEWAY_LIST_TOO_LONG && !is_next_chosen {
                    is_next_chosen = true;
                    payments.postpone_reconciliation(payment, *since).await?;
                }
                summary.pending += 1;
                Ok(false)
            }
            result => result.map(|()| true),
        }
    };
    let SweepSummary { items, failed, result, .. } =
        SWEEP.run(|| tick.has_less_than(TIME_RESERVE), page, process).await;
    metrics::value("PaymentsUnresolved", metrics::Unit::Count, items);
    metrics::count("PaymentReconciliationErrors", failed.into());
    // Also while the gateway is unreachable.
    let counted = count_approvals(payments, tick.now).await;
    result?;
    let (awaiting_approval, approval_age_ms) = counted?;
    Ok(Summary { unresolved: items, failed, awaiting_approval, approval_age_ms, ..summary })
}

/// The number of refunds that wait for approval, and the age of the oldest in milliseconds.
async fn count_approvals(payments: &impl PaymentStore, now: Timestamp) -> Result<(u64, i64), Failure> {
    let WaitingApprovals { refunds, oldest } = payments.waiting_approvals().await?;
    let age = oldest.map_or(0, |oldest| now.as_millisecond().saturating_sub(oldest.as_millisecond())).max(0);
    metrics::value("RefundsAwaitingApproval", metrics::Unit::Count, refunds);
    metrics::value("RefundApprovalAge", metrics::Unit::Milliseconds, age);
    Ok((refunds, age))
}
