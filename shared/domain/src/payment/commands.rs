//! Commands about payments, as requests carry them.

use super::RefundReason;
use crate::{
    Money,
    id::{OrderId, PaymentId},
    text::PaymentMethod,
};
use kernel::Failure;
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
    pub reason: RefundReason,
}

impl RefundPayment {
    /// Checks that the reason is one that a request may give. Fails with `Invalid`, naming the field.
    pub fn check(&self) -> Result<(), Failure> {
        match self.reason.is_of_staff() {
            true => Ok(()),
            false => Err(Failure::field("/reason", "must be requested_by_customer, duplicate or fraudulent")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    #[test]
    fn reasons_of_the_system_are_rejected() {
        let with = |reason| RefundPayment { payment_id: PaymentId(Uuid::nil()), amount: None, reason };
        for reason in [RefundReason::OrderCancelled, RefundReason::MadeAtGateway] {
            assert_eq!(with(reason).check().expect_err("rejected").fields[0].pointer, "/reason");
        }
        for reason in [RefundReason::RequestedByCustomer, RefundReason::Duplicate, RefundReason::Fraudulent] {
            assert_eq!(with(reason).check(), Ok(()));
        }
    }
}
