//! Builds payments in every state, as domain transitions with their transfers and events.

use super::{OrderBuilder, order};
use crate::ids;
use domain::{
    DomainEvent, Money,
    id::RefundId,
    ledger::{Purpose, Transfer},
    order::Reason,
    payment::{
        self, ChargeOutcome, CustomerAction, DecideRefund, DisputeStatus, DisputeTransfer, Payment, PaymentTransition,
        RefundLimit, RefundOutcome, RefundPayment, RefundReason, ReportedDispute, ReportedTransaction,
        StaffRefundReason, Verdict,
    },
    text::{ActionReason, PaymentMethod},
};
use kernel::Timestamp;

impl OrderBuilder {
    /// Its payment in the first state.
    pub fn payment(&self) -> Payment {
        payment::begin(self.payment, &self.stock_reserved(), self.at)
    }

    /// The closed placeholder payment of an order that is cancelled before its payment starts.
    pub fn closed_before_first_attempt(&self) -> Payment {
        match self.cancelled(Reason::CustomerRequest).1 {
            DomainEvent::OrderCancelled(cancelled) => payment::begin_closed(self.payment, &cancelled, self.at),
            other => panic!("{} is not OrderCancelled", other.row().name),
        }
    }

    /// The gateway's id of the charge.
    pub fn charge_id(&self) -> String {
        format!("pi_{}", self.payment.0.simple())
    }

    pub fn paid(&self) -> PaymentTransition {
        concluded(&self.payment(), &charged(&self.payment(), &self.charge_id()))
    }

    /// Its payment, for which the gateway says that it charged one yen.
    pub fn mismatched(&self) -> PaymentTransition {
        let yen = Money::new(1, "JPY").expect("valid");
        concluded(&self.payment(), &ChargeOutcome::Charged(ReportedTransaction::new(self.charge_id(), yen)))
    }

    /// Its payment, whose charge requires the customer's consent.
    pub fn requires_action(&self) -> PaymentTransition {
        let (client_secret, redirect_url) = ("secret".to_owned(), Some("https://example.com/3ds".to_owned()));
        let answer = ReportedTransaction::new(self.charge_id(), self.payment().amount);
        concluded(
            &self.payment(),
            &ChargeOutcome::ActionRequired(answer, CustomerAction { client_secret, redirect_url }),
        )
    }

    pub fn payment_declined(&self) -> PaymentTransition {
        concluded(&self.payment(), &ChargeOutcome::Declined("card_declined".to_owned()))
    }

    /// Its payment, declined and retried with another card.
    pub fn payment_retried(&self) -> PaymentTransition {
        let card = PaymentMethod::parse("pm_card_mastercard").expect("a token");
        payment::retry_payment(&self.payment_declined().payment, card, self.at).expect("a transition")
    }

    /// Its payment, charged and then closed by a cancellation, with a full refund `id` requested.
    pub fn closed(&self, id: RefundId) -> PaymentTransition {
        payment::close(&self.paid().payment, id, self.at).expect("a transition")
    }

    /// Its payment, charged, with the refund `id` of `amount` requested. `None` refunds the whole amount.
    pub fn refund_requested(&self, id: RefundId, amount: Option<Money>) -> PaymentTransition {
        refund_requested(&self.paid().payment, id, amount, self.at)
    }
}

/// The gateway's response that it charged what was asked, with its id of the charge.
pub fn charged(payment: &Payment, transaction_id: &str) -> ChargeOutcome {
    ChargeOutcome::Charged(ReportedTransaction::new(transaction_id, payment.amount))
}

/// The gateway's response that it refunded `amount`, with its id of the refund.
pub fn refunded(transaction_id: &str, amount: Money) -> RefundOutcome {
    RefundOutcome::Refunded(ReportedTransaction::new(transaction_id, amount))
}

/// Applies the gateway's response to the last attempt of a payment, at the time of that attempt.
pub fn concluded(payment: &Payment, outcome: &ChargeOutcome) -> PaymentTransition {
    let refund = RefundId(payment.id.0);
    let change = payment::record_charge_outcome(payment, payment.attempts, outcome, refund, payment.attempted_at);
    change.expect("an allowed transition").expect("a transition")
}

/// Requests the refund `id` of `amount` from a charged payment. `None` refunds the remaining amount.
pub fn refund_requested(payment: &Payment, id: RefundId, amount: Option<Money>, at: Timestamp) -> PaymentTransition {
    payment::request_refund(payment, id, amount, RefundReason::RequestedByCustomer, at).expect("a transition")
}

/// Requests a refund of two units or more, above a limit of one: the refund `id` of `amount` waits for approval.
pub fn approval_requested(payment: &Payment, id: RefundId, amount: Money, at: Timestamp) -> PaymentTransition {
    let wanted = RefundPayment { payment_id: payment.id, amount: Some(amount), reason: StaffRefundReason::Duplicate };
    let (by, limit) = (ids::user(8), RefundLimit { units: 1 });
    payment::request_refund_by_staff(payment, id, wanted, (by, limit), at).expect("a transition")
}

/// Approves or rejects the refund `id` of a payment.
pub fn refund_decided(payment: &Payment, id: RefundId, verdict: Verdict, at: Timestamp) -> PaymentTransition {
    let reason = ActionReason::parse("the parcel came back").ok();
    let decision = DecideRefund { verdict, reason };
    payment::decide_refund(payment, id, &decision, ids::user(9), at).expect("an allowed transition").0
}

/// Applies the gateway's response to the refund `id`, at the time of its request.
pub fn refund_concluded(payment: &Payment, id: RefundId, outcome: &RefundOutcome) -> PaymentTransition {
    let at = payment.refund(id).expect("a refund").requested_at;
    payment::record_refund_outcome(payment, id, outcome, at).expect("an allowed transition").expect("a transition")
}

/// A dispute of the whole charge, which the gateway withdrew.
pub fn disputed(payment: &Payment, at: Timestamp) -> PaymentTransition {
    let reported = ReportedDispute {
        charge: payment.transaction_id.clone().expect("a charged payment"),
        dispute_id: format!("dp_{}", payment.id.0.simple()),
        amount: payment.amount.into(),
        reason: "fraudulent".to_owned(),
        status: DisputeStatus::NeedsResponse,
        evidence_due_by: Some(at),
        withdrawal: Some(DisputeTransfer { amount: payment.amount.into(), fee: payment.amount.into() }),
        reversal: None,
    };
    payment::record_dispute(payment, &reported, at).expect("an allowed transition").expect("a transition")
}

/// A transfer of 39.98 USD at `at`, for the charge with the gateway id `reference`.
pub fn transfer(reference: &str, at: Timestamp) -> Transfer {
    let (reference, payment_id) = (reference.to_owned(), Some(ids::payment(1)));
    let amount = order().placed().total;
    Transfer { purpose: Purpose::Charge, reference, payment_id, refund_id: None, amount, at }
}
