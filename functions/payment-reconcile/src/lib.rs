//! Looks after payments and refunds whose answer is missing: every five minutes, those that wait longest first.
//!
//! "The gateway charged, but our function died" ends here if not in the queue: the gateway is asked what became of the attempt or the
//! refund, which changes nothing there, and the answer is kept as if it had come at once. What it never heard of is asked for again
//! while that is safe, and given up when nobody asks for it any more.

use domain::{
    event,
    id::RefundId,
    payment::{self, Change, Payment, RefundAnswer, RefundStatus, Status},
};
use edge::{
    schedule::Tick,
    telemetry::metrics::{self, Unit},
};
use kernel::{Failure, Kind};
use ports::{Advanced, Gateway, PaymentStore};
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
    pub unanswered: u32,
    /// Charges and refunds of which the gateway knew what became.
    pub found: u32,
    /// Attempts and refunds that were given up, since the gateway never heard of them and nobody asks for them any more.
    pub given_up: u32,
    /// Payments whose charge or refunds were asked for again.
    pub reminded: u32,
    /// Payments of which the gateway does not know yet what becomes.
    pub undecided: u32,
    /// Payments that could not be looked after. Each is logged.
    pub failed: u32,
}

/// Looks after each. One that fails does not keep the others from it; where nobody answers, the run ends.
pub async fn handle(payments: &impl PaymentStore, gateway: &impl Gateway, tick: Tick) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let outcome = look_after_all(payments, gateway, &tick, &mut summary).await;
    metrics::value("PaymentsUnanswered", Unit::Count, summary.unanswered);
    metrics::count("ReconcileFailed", summary.failed.into());
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
        let page = payments.unanswered(tick.now, last.as_ref(), PAGE).await?;
        for payment in &page {
            summary.unanswered += 1;
            let Err(failure) = look_after(payments, gateway, payment, tick, summary).await else {
                silences = 0;
                continue;
            };
            if failure.code == ports::UNDECIDED {
                summary.undecided += 1;
                silences = 0;
                continue;
            }
            summary.failed += 1;
            tracing::error!(payment = %payment.id, error.message = %failure, "a payment could not be looked after");
            silences = if failure.kind == Kind::Unavailable { silences + 1 } else { 0 };
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
        if let Some(answer) = gateway.find(payment).await? {
            let refund = RefundId(tick.ids.next());
            let change = payment::conclude(payment, payment.attempts, &answer, refund, tick.now)?;
            return keep(payments, change, tick, &mut summary.found).await.map(drop);
        }
        if let Some(change) = payment::never_charged(payment, tick.now) {
            return keep(payments, Some(change), tick, &mut summary.given_up).await.map(drop);
        }
    }
    let Some(payment) = look_after_refunds(payments, gateway, payment, tick, summary).await? else { return Ok(()) };
    keep(payments, payment::remind(&payment, tick.now), tick, &mut summary.reminded).await.map(drop)
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
            Some(answer) => (answer, &mut summary.found),
            None => match payment::never_made(refund, tick.now) {
                Some(answer) => (answer, &mut summary.given_up),
                None => continue,
            },
        };
        if matches!(answer, RefundAnswer::Refused(_)) {
            metrics::count("RefundsFailed", 1);
        }
        let change = payment::conclude_refund(&current, refund.id, &answer, tick.now)?;
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
    let events = event::envelop_all(&tick.ids, id, version, tick.now, &tick.trace, &change.events);
    if payments.advance(None, &change, &events).await? != Advanced::Now {
        return Ok(None);
    }
    *counter += 1;
    Ok(Some(change.payment))
}
