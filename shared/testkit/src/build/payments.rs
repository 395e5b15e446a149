//! Payments for tests, in each state that they pass through: steps of the domain, with what they book and tell.

use super::{OrderBuilder, order};
use crate::ids;
use domain::{
    DomainEvent, Money,
    id::RefundId,
    ledger::{Purpose, Transfer},
    order::Reason,
    payment::{self, Change, ChargeOutcome, Payment, RefundOutcome, RefundReason},
    text::PaymentMethod,
};
use kernel::Timestamp;

impl OrderBuilder {
    /// Its payment, just begun.
    pub fn payment(&self) -> Payment {
        payment::begin(self.payment, &self.stock_reserved(), self.at)
    }

    /// The mark in place of a payment, where it is cancelled before one is begun.
    pub fn unbegun(&self) -> Payment {
        match self.cancelled(Reason::CustomerRequest).1 {
            DomainEvent::OrderCancelled(cancelled) => payment::begin_closed(self.payment, &cancelled, self.at),
            other => panic!("{} is no cancellation", other.row().name),
        }
    }

    /// The gateway's name for the charge.
    pub fn charge_id(&self) -> String {
        format!("pi_{}", self.payment.0.simple())
    }

    /// Its payment, charged.
    pub fn paid(&self) -> Change {
        concluded(&self.payment(), &ChargeOutcome::Charged(self.charge_id()))
    }

    /// Its payment, declined.
    pub fn payment_declined(&self) -> Change {
        concluded(&self.payment(), &ChargeOutcome::Declined("card_declined".to_owned()))
    }

    /// Its payment, declined and begun again with another card.
    pub fn payment_retried(&self) -> Change {
        let card = PaymentMethod::parse("pm_card_mastercard").expect("a token");
        payment::retry_payment(&self.payment_declined().payment, card, self.at).expect("a step")
    }

    /// Its payment, charged and then closed, since the order was cancelled: all of it is to go back, as the refund `id`.
    pub fn closed(&self, id: RefundId) -> Change {
        payment::close(&self.paid().payment, id, self.at).expect("a step")
    }

    /// Its payment, charged, and `amount` (all of it, when not said) asked back as the refund `id`.
    pub fn refund_requested(&self, id: RefundId, amount: Option<Money>) -> Change {
        refund_requested(&self.paid().payment, id, amount, self.at)
    }
}

/// What the gateway's answer to its last attempt makes of a payment, at the instant of that attempt.
pub fn concluded(payment: &Payment, answer: &ChargeOutcome) -> Change {
    let refund = RefundId(payment.id.0);
    let change = payment::record_charge_outcome(payment, payment.attempts, answer, refund, payment.attempted_at);
    change.expect("a legal step").expect("a step")
}

/// What it makes of a charged payment that `amount` (all that is left, when not said) is asked back as the refund `id`.
pub fn refund_requested(payment: &Payment, id: RefundId, amount: Option<Money>, at: Timestamp) -> Change {
    payment::request_refund(payment, id, amount, RefundReason::RequestedByCustomer, at).expect("a step")
}

/// What the gateway's answer makes of a payment whose refund `id` was asked for, at the instant of that.
pub fn refund_concluded(payment: &Payment, id: RefundId, answer: &RefundOutcome) -> Change {
    let at = payment.refund(id).expect("a refund").requested_at;
    payment::record_refund_outcome(payment, id, answer, at).expect("a legal step").expect("a step")
}

/// A transfer that is booked at `at`: a charge of 39.98 USD that the gateway calls `reference`.
pub fn transfer(reference: &str, at: Timestamp) -> Transfer {
    let (reference, payment_id) = (reference.to_owned(), Some(ids::payment(1)));
    let amount = order().placed().total;
    Transfer { purpose: Purpose::Charge, reference, payment_id, refund_id: None, amount, at }
}
