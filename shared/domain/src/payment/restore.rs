//! What the gateway has and the ledger lacks after the database was set back to an earlier moment, and how it is posted.

use super::Payment;
use crate::{
    event::LedgerReconciled,
    id::PaymentId,
    ledger::{Discrepancy, DiscrepancyKind, GatewayTransaction, Purpose, Transfer},
};
use kernel::{Failure, Timestamp, seconds_after};
use serde::Serialize;

/// How much before the restored moment transactions are compared: by how much the gateway's clock and the stated moment may be off.
const MARGIN_S: i64 = 3600;

/// What is compared after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredPeriod {
    /// Start of the gateway's transactions.
    pub from: Timestamp,
    /// Their end.
    pub until: Timestamp,
}

impl RestoredPeriod {
    /// The period to compare at `now` after the database was set back to `moment`.
    pub fn since(moment: Timestamp, now: Timestamp) -> Result<Self, Failure> {
        Ok(Self { from: seconds_after(moment, -MARGIN_S)?, until: seconds_after(now, MARGIN_S)? })
    }
}

/// Why a transaction of the gateway is not in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnpostedReason {
    /// The payment has an attempt without a result, which the periodic reconciliation looks up.
    Unresolved,
    /// The payment has not recorded this refund, or its return.
    RefundUnrecorded,
    /// The payment exists, and this is not its charge: an attempt that was lost, or a duplicate. A person decides, since a repeated attempt
    /// gets this charge under the same idempotency key.
    OtherCharge,
    /// The payment was lost: nothing will be delivered for this money.
    PaymentLost,
    /// The gateway names no payment, or not this environment.
    Foreign,
}

impl UnpostedReason {
    /// The reason for a charge whose payment the database does not have, where `named` is the payment that the gateway names for this
    /// environment: others use the same account, and name payments of theirs.
    pub const fn of_lost_charge(named: Option<PaymentId>) -> Self {
        if named.is_some() { Self::PaymentLost } else { Self::Foreign }
    }
}

/// Why the ledger lacks a transaction of the gateway. `payment` is `None` if the database has no such payment.
pub fn unposted_reason(transaction: &GatewayTransaction, payment: Option<&Payment>) -> UnpostedReason {
    match payment {
        None if transaction.payment_id.is_some() => UnpostedReason::PaymentLost,
        None => UnpostedReason::Foreign,
        Some(payment) if payment.is_open() => UnpostedReason::Unresolved,
        Some(_) if transaction.purpose == Purpose::Charge => UnpostedReason::OtherCharge,
        Some(_) => UnpostedReason::RefundUnrecorded,
    }
}

/// The event that the ledger lacked these transfers, which are posted with it.
pub fn lost_transfers_posted(period: RestoredPeriod, compared: u32, transfers: &[Transfer]) -> LedgerReconciled {
    let missing = |transfer: &Transfer| Discrepancy {
        kind: DiscrepancyKind::MissingInLedger,
        purpose: transfer.purpose,
        reference: transfer.reference.clone(),
        ledger_amount: None,
        gateway_amount: Some(transfer.amount),
    };
    let discrepancies = transfers.iter().map(missing).collect();
    let RestoredPeriod { from, until: to } = period;
    let (page, is_last, fees, unreadable) = (0, false, 0, Vec::new());
    LedgerReconciled { from, to, page, is_last, compared, fees, discrepancies, unreadable }
}
