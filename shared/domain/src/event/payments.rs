//! Events of the payments context.

use crate::{
    Money,
    id::{OrderId, PaymentId, RefundId},
    ledger::Discrepancy,
    order_status::Reason,
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A payment was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentSucceeded {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The charged amount.
    pub amount: Money,
    /// The gateway's id of the charge.
    pub transaction_id: String,
}

/// The gateway declined a charge. The customer may retry while the order is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentFailed {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The declined amount.
    pub amount: Money,
    /// Reason that the order reports to the customer.
    pub reason: Reason,
}

/// A charge is to be attempted: the customer retries a declined payment, or an attempt without a result is requested again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRequested {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// A refund was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundRequested {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount to refund.
    pub amount: Money,
}

/// A refund succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefunded {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount of this refund.
    pub amount: Money,
    /// Sum of all successful refunds of the payment.
    pub refunded_amount: Money,
}

/// A refund failed permanently; staff must act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundFailed {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount that was not refunded.
    pub amount: Money,
    /// The gateway's error code, or `refund_not_found` if the gateway has no such refund.
    pub code: String,
}

/// The circuit breaker of the payment gateway opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewaySuspended {
    /// Consecutive failures.
    pub failures: u32,
    /// When calls are allowed again.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub until: Timestamp,
}

/// The ledger was reconciled with the gateway's balance transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerReconciled {
    /// Start of the reconciled period, inclusive.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub from: Timestamp,
    /// End of the reconciled period, exclusive.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub to: Timestamp,
    /// Number of the gateway's transactions in the period.
    pub compared: u32,
    /// Number of fees posted to the ledger.
    pub fees: u32,
    /// Empty if the ledger and the statement of the gateway agree.
    pub discrepancies: Vec<Discrepancy>,
    /// The gateway's ids of transactions that could not be decoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}
