//! Events of the payments context.

use crate::{
    Money,
    id::{OrderId, PaymentId, RefundId, UserId},
    ledger::Discrepancy,
    money::StatedAmount,
    order_status::Reason,
    payment_status::{DisputeStatus, GatewayOperation, Verdict},
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A payment was charged, or its order costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentSucceeded {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer; absent in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The charged amount.
    pub amount: Money,
    /// The gateway's id of the charge; `no_payment_required` if the order costs nothing.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub transaction_id: String,
}

/// The gateway declined a charge. The customer may retry while the order is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentFailed {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer; absent in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The declined amount.
    pub amount: Money,
    /// Reason that the order reports to the customer.
    pub reason: Reason,
}

/// An attempt requires the customer's consent, such as 3-D Secure. What the client needs to continue is in the payment, which
/// only its owner reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentActionRequired {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Amount of the charge.
    pub amount: Money,
    /// Number of the attempt, from 1.
    pub attempt: u32,
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

/// Staff requested a refund that moves no money before another person has approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundApprovalRequested {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount to refund.
    pub amount: Money,
    /// Id of the staff user who requested the refund.
    pub requested_by: UserId,
}

/// An admin decided on a refund that waited for approval. `RefundRequested` follows an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundApprovalDecided {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount of the refund.
    pub amount: Money,
    /// Decision of the admin.
    pub verdict: Verdict,
    /// Id of the admin who decided.
    pub decided_by: UserId,
}

/// The person who requested a refund tried to decide on it. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundApprovalRefused {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// Amount of the refund.
    pub amount: Money,
    /// What would have been decided.
    pub verdict: Verdict,
    /// Id of the staff user who requested the refund and tried to decide.
    pub requested_by: UserId,
}

/// A refund succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefunded {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer; absent in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Id of the refund.
    pub refund_id: RefundId,
    /// The gateway's id of the refund; absent in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub transaction_id: Option<String>,
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
    /// The gateway's id of the refund; absent if the gateway did not make it, and in older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub transaction_id: Option<String>,
    /// Amount that was not refunded.
    pub amount: Money,
    /// The gateway's error code, or `refund_not_found` if the gateway has no such refund.
    pub code: String,
}

/// The gateway says that it moved another amount than was asked, or another currency. Nothing was confirmed; staff must review it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentMismatched {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// What the gateway was asked to move.
    pub movement: GatewayOperation,
    /// The gateway's id of the charge or refund.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub transaction_id: String,
    /// Id of the refund, if it is one that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// Amount that the platform requested from the gateway.
    pub asked: Money,
    /// What the gateway says it moved; null if it does not state it.
    pub answered: Option<StatedAmount>,
}

/// A cardholder's bank disputes a charge, or asks before it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentDisputed {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The gateway's id of the dispute.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub dispute_id: String,
    /// The disputed amount.
    pub amount: Money,
    /// The bank's reason, in the gateway's words.
    pub reason: String,
    /// Status of the dispute.
    pub status: DisputeStatus,
    /// Until when evidence is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub evidence_due_by: Option<Timestamp>,
}

/// A dispute changed: its status, its deadline, or what the gateway moved because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisputeUpdated {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The gateway's id of the dispute.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub dispute_id: String,
    /// Status of the dispute.
    pub status: DisputeStatus,
    /// Until when evidence is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub evidence_due_by: Option<Timestamp>,
}

/// A dispute ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisputeClosed {
    /// Id of the payment.
    pub payment_id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The gateway's id of the dispute.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_]+$"))]
    pub dispute_id: String,
    /// The disputed amount.
    pub amount: Money,
    /// Final status of the dispute.
    pub status: DisputeStatus,
    /// What the gateway returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Money>,
}

/// The circuit breaker of the payment gateway opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewaySuspended {
    /// Consecutive failures.
    pub failures: u32,
    /// When calls are allowed again.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub until: Timestamp,
}

/// The ledger was reconciled with the gateway's balance transactions: a page of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerReconciled {
    /// Start of the reconciled period, inclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub from: Timestamp,
    /// End of the reconciled period, exclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "kernel::time::deserialize")]
    pub to: Timestamp,
    /// Number of this page, from 1; 0 if it was found while the statement was read.
    #[serde(default)]
    pub page: u32,
    /// Whether the comparison of the period ends with this page.
    #[serde(default)]
    pub is_last: bool,
    /// Number of the gateway's transactions that were compared, up to this page.
    pub compared: u32,
    /// Number of fees posted to the ledger, up to this page.
    pub fees: u32,
    /// Discrepancies of this page; none on any page if the ledger and the statement of the gateway agree.
    pub discrepancies: Vec<Discrepancy>,
    /// The gateway's ids of transactions that could not be decoded; only on page 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}
