//! Reconciles with the gateway after the database was set back to an earlier moment: charges whose payments were lost
//! are refunded and posted, and refunds that payments lack are recorded.
//!
//! Without `apply` it only reports. A second run changes nothing. What a person has to decide is reported each time.

use domain::{
    Money,
    id::PaymentId,
    ledger::{GatewayTransaction, Purpose},
    payment::{self, PaymentTransition, RestoredPeriod, UnpostedReason},
    restore::Restored,
};
use edge::{direct::Invocation, telemetry::metrics};
use kernel::{EventContext, Failure, Timestamp};
use ports::{Gateway, Ledger, PaymentStore};
use serde::Serialize;
use services::{UnrecordedCharge, record_all_refunds, return_charge, staff_metrics};

/// Lost charges that one run refunds, so that it ends in time: each takes two or three requests to the gateway.
const MAX_REFUNDED: u32 = 100;

/// A transaction of the gateway that is not in the ledger.
#[derive(Debug, Serialize)]
pub struct Difference {
    pub standing: UnpostedReason,
    pub purpose: Purpose,
    /// The gateway's id.
    pub reference: String,
    pub payment_id: Option<PaymentId>,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Transactions of the gateway that were compared.
    pub compared: u32,
    /// What the ledger lacked when the run began.
    pub differences: Vec<Difference>,
    /// Lost charges that are refunded in full and posted now.
    pub returned: u32,
    /// Refunds, and returns of refunds, that payments have recorded now.
    pub recorded: u32,
    /// Lost charges that the gateway does not refund, by its id.
    pub not_returned: Vec<String>,
    /// Lost charges left for the next run.
    pub remaining: u32,
    /// The gateway's ids of transactions that could not be decoded.
    pub unreadable: Vec<String>,
}

/// Compares the gateway's transactions since an hour before the moment with the ledger.
pub async fn handle(
    payments: &impl PaymentStore,
    ledger: &impl Ledger,
    gateway: &impl Gateway,
    call: Invocation<Restored>,
) -> Result<Report, Failure> {
    let period = RestoredPeriod::since(call.input.from, call.now)?;
    let context = EventContext { now: call.now, ids: &call.ids, trace: &call.trace, actor: None };
    let (mut report, mut after) = (Report::default(), None);
    loop {
        let page = gateway.balance_transactions(period.from, period.until, after.as_deref()).await?;
        report.compared += u32::try_from(page.transactions.len()).unwrap_or(u32::MAX);
        report.unreadable.extend(page.unreadable);
        for transaction in ledger.unposted(page.transactions).await? {
            let payment = match transaction.payment_id {
                Some(id) => payments.get(id, None).await?,
                None => None,
            };
            let reason = match payment::unposted_reason(&transaction, payment.as_ref()) {
                UnpostedReason::PaymentLost if transaction.purpose == Purpose::Charge => {
                    UnpostedReason::of_lost_charge(gateway.payment_of(&transaction.reference).await?)
                }
                reason => reason,
            };
            report.differences.push(difference(&transaction, reason));
            if !call.input.apply {
                continue;
            }
            match (reason, payment.and_then(|payment| Some((payment.transaction_id.clone()?, payment)))) {
                (UnpostedReason::RefundUnrecorded, Some((charge, payment))) => {
                    let mut applied = |change: &PaymentTransition| {
                        report.recorded += 1;
                        metrics::count_each(staff_metrics(change));
                    };
                    record_all_refunds(payments, gateway, payment, &charge, context, &mut applied).await?;
                }
                (UnpostedReason::PaymentLost, _) if transaction.purpose == Purpose::Charge => {
                    refund_lost((ledger, gateway), &transaction, period, context, &mut report).await?;
                }
                _ => {}
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(report),
        }
    }
}

/// Refunds the charge of a lost payment and posts both, unless this run has refunded enough.
async fn refund_lost(
    (ledger, gateway): (&impl Ledger, &impl Gateway),
    charge: &GatewayTransaction,
    period: RestoredPeriod,
    context: EventContext<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    if report.returned == MAX_REFUNDED {
        report.remaining += 1;
    } else if let Some(transfers) = return_charge(gateway, unrecorded(charge), context.now).await? {
        let event = payment::lost_transfers_posted(period, report.compared, &transfers);
        ledger.post(&transfers, &context.event("ledger", 1, event)).await?;
        report.returned += 1;
    } else {
        report.not_returned.push(charge.reference.clone());
    }
    Ok(())
}

fn unrecorded(charge: &GatewayTransaction) -> UnrecordedCharge<'_> {
    UnrecordedCharge { reference: &charge.reference, payment_id: charge.payment_id, amount: charge.amount }
}

fn difference(transaction: &GatewayTransaction, reason: UnpostedReason) -> Difference {
    let GatewayTransaction { purpose, reference, payment_id, amount, at, .. } = transaction.clone();
    Difference { standing: reason, purpose, reference, payment_id, amount, at }
}
