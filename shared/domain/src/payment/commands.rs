//! Commands about payments, as requests carry them.

use super::StaffRefundReason;
use crate::{
    Money,
    id::{OrderId, PaymentId},
    text::PaymentMethod,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A request to pay an order again after a decline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessPayment {
    pub order_id: OrderId,
    pub payment_method: PaymentMethod,
}

/// A request to refund a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    pub payment_id: PaymentId,
    /// By default, all that neither is refunded nor waits for approval.
    #[serde(default)]
    pub amount: Option<Money>,
    pub reason: StaffRefundReason,
}
