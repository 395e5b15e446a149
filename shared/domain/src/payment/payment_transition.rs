//! A changed payment, before it is committed.

use super::{Payment, Refund, RefundReason, RefundStatus, Status};
use crate::{
    DomainEvent, Money,
    event::RefundRequested,
    id::RefundId,
    ledger::{Purpose, Transfer},
};
use kernel::Timestamp;

/// A changed payment, with the transfers to post and the events to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentTransition {
    /// The payment after the change, with its next version.
    pub payment: Payment,
    pub transfers: Vec<Transfer>,
    /// In the order of publication.
    pub events: Vec<DomainEvent>,
}

impl PaymentTransition {
    /// Whether it records an answer of the gateway that does not match what was asked.
    pub fn is_mismatch(&self) -> bool {
        self.events.iter().any(|event| matches!(event, DomainEvent::PaymentMismatched(_)))
    }

    /// The attempt charges a method that is saved for this customer at the gateway.
    #[must_use]
    pub fn for_customer(mut self, customer: Option<String>) -> Self {
        self.payment.customer = customer;
        self
    }

    pub(super) fn of(payment: &Payment, status: Status, now: Timestamp) -> Self {
        let payment = Payment { status, version: payment.version + 1, updated_at: now, ..payment.clone() };
        Self { payment, transfers: vec![], events: vec![] }
    }

    pub(super) fn post(
        &mut self,
        purpose: Purpose,
        reference: &str,
        refund_id: Option<RefundId>,
        amount: Money,
        at: Timestamp,
    ) {
        let (payment_id, reference) = (Some(self.payment.id), reference.to_owned());
        self.transfers.push(Transfer { purpose, reference, payment_id, refund_id, amount, at });
    }

    pub(super) fn request_refund(&mut self, id: RefundId, amount: Money, reason: RefundReason, now: Timestamp) {
        let (status, transaction_id) = (RefundStatus::Pending, None);
        self.payment.refunds.push(Refund { id, amount, reason, status, transaction_id, requested_at: now });
        let (payment_id, order_id) = (self.payment.id, self.payment.order_id);
        self.events.push(RefundRequested { payment_id, order_id, refund_id: id, amount }.into());
    }

    pub(super) fn refund_the_rest(&mut self, refund: RefundId, now: Timestamp) {
        let left = self.payment.refundable();
        if left > 0 {
            self.request_refund(refund, money(left, &self.payment), RefundReason::OrderCancelled, now);
        }
    }
}

pub(super) fn money(minor: i64, payment: &Payment) -> Money {
    Money { amount: minor.try_into().unwrap_or(payment.amount.amount), ..payment.amount }
}
