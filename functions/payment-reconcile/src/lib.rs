//! Looks after payments and refunds whose answer is missing: every five minutes, those that wait longest first.
//!
//! "The gateway charged, but our function died" ends here if not in the queue: the gateway is asked what became of the attempt, which
//! changes nothing there, and the answer is kept as if it had come at once. What it never heard of is asked for again, or given up
//! if the order is cancelled.

use domain::{
    event,
    id::RefundId,
    payment::{self, Change, Payment, Status},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::Failure;
use ports::{Advanced, Gateway, PaymentStore};
use serde::Serialize;

/// Most payments in one run; the others are the next run's.
const MOST: u32 = 200;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Payments without an answer.
    pub unanswered: u32,
    /// Payments of which the gateway knew what became.
    pub found: u32,
    /// Attempts that were given up, since their order is cancelled.
    pub given_up: u32,
    /// Charges and refunds that were asked for again.
    pub reminded: u32,
}

/// Looks after each. The first failure of the gateway ends the run: the others would get the same.
pub async fn handle(payments: &impl PaymentStore, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let unanswered = payments.unanswered(tick.now, MOST).await?;
    metrics::value("PaymentsUnanswered", Unit::Count, u64::try_from(unanswered.len()).unwrap_or_default());
    for payment in &unanswered {
        summary.unanswered += 1;
        let Some((change, counter)) = look_after(gateway, payment, &tick, &mut summary).await? else { continue };
        let version = change.payment.version;
        let events = event::envelop_all(&tick.ids, payment.id, version, tick.now, &tick.trace, &change.events);
        // Who was faster has kept an answer: that is what we want.
        if payments.advance(None, &change, &events).await? == Advanced::Now {
            *counter += 1;
        }
    }
    Ok(summary)
}

/// The step that mends it, and what it counts as.
async fn look_after<'a>(
    gateway: &impl Gateway,
    payment: &Payment,
    tick: &Tick,
    summary: &'a mut Summary,
) -> Result<Option<(Change, &'a mut u32)>, Failure> {
    if payment.status == Status::Pending {
        let refund = RefundId(tick.ids.next());
        if let Some(answer) = gateway.find(payment).await? {
            let change = payment::conclude(payment, payment.attempts, &answer, refund, tick.now)?;
            return Ok(change.map(|change| (change, &mut summary.found)));
        }
        if let Some(change) = payment::never_charged(payment, tick.now) {
            return Ok(Some((change, &mut summary.given_up)));
        }
    }
    Ok(payment::remind(payment, tick.now).map(|change| (change, &mut summary.reminded)))
}
