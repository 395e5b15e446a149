//! Payments: one per order and attempt, and what the gateway's answer makes of it.

use crate::{
    DomainEvent, Money,
    event::{PaymentFailed, PaymentSucceeded, StockReserved},
    id::{OrderId, PaymentId, UserId},
    order::Reason,
    text::PaymentMethod,
};
use kernel::Timestamp;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Begun; the gateway's answer is not known yet.
    Pending,
    /// Charged.
    Succeeded,
    /// Refused, finally.
    Failed,
}

impl Status {
    /// The word of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Id; also what the gateway's idempotency key is derived from.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// Where it stands.
    pub status: Status,
    /// Counts what became of it.
    pub version: u64,
    /// When it was begun.
    pub created_at: Timestamp,
}

impl Payment {
    /// The key under which the gateway does this charge at most once, however often it is asked.
    pub fn gateway_key(&self) -> String {
        format!("charge-{}", self.id)
    }
}

/// Begins the payment of an order whose stock is held.
pub fn begin(id: PaymentId, order: &StockReserved, now: Timestamp) -> Payment {
    Payment {
        id,
        order_id: order.order_id,
        user_id: order.user_id,
        amount: order.amount,
        method: order.payment_method.clone(),
        status: Status::Pending,
        version: 1,
        created_at: now,
    }
}

/// A final answer of the gateway. That it did not answer is no answer: the charge is tried again under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It charged; its name for the transaction.
    Charged(String),
    /// It refused; its code.
    Declined(String),
}

/// What an answer makes of a payment, and what the others are told.
pub fn conclude(payment: &Payment, answer: &Answer) -> (Status, DomainEvent) {
    let (payment_id, order_id, amount) = (payment.id, payment.order_id, payment.amount);
    match answer {
        Answer::Charged(transaction_id) => (
            Status::Succeeded,
            PaymentSucceeded { payment_id, order_id, amount, transaction_id: transaction_id.clone() }.into(),
        ),
        Answer::Declined(_) => {
            (Status::Failed, PaymentFailed { payment_id, order_id, amount, reason: Reason::PaymentDeclined }.into())
        }
    }
}
