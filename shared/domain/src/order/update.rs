//! Updates: the inputs of the state machine that come with a payment, and what the events of stock and payment mean for an order.

use super::{Input, ShortfallPolicy};
use crate::{
    DomainEvent, Event, Money,
    event::{self, PaymentRef},
    id::{OrderId, PaymentId},
};
use kernel::Failure;

/// A payment at one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentVersion {
    pub id: PaymentId,
    pub version: u64,
}

impl From<PaymentRef> for PaymentVersion {
    fn from(PaymentRef { payment_id: id, version }: PaymentRef) -> Self {
        Self { id, version }
    }
}

/// An input, with the payment that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    pub input: Input,
    /// The payment, if the input is about one.
    pub payment: Option<PaymentVersion>,
    /// What was refunded of the payment so far, if the input is a refund. Less than the order's total changes nothing.
    pub refunded: Option<Money>,
}

impl From<Input> for Update {
    fn from(input: Input) -> Self {
        Self { input, payment: None, refunded: None }
    }
}

impl Update {
    /// An input about a version of the payment.
    pub fn about(input: Input, payment: impl Into<PaymentVersion>) -> Self {
        Self { payment: Some(payment.into()), ..Self::from(input) }
    }

    /// The order that an event of stock or payment is about, and what the event is to its state machine. `policy` decides what becomes
    /// of a paid order without stock.
    pub fn from_event(event: &Event, policy: ShortfallPolicy) -> Result<(OrderId, Self), Failure> {
        let payment = |id| PaymentVersion { id, version: event.sequence };
        Ok(match &event.event {
            DomainEvent::StockReserved(stock) => (stock.order_id, Input::StockReserved.into()),
            DomainEvent::StockReservationFailed(stock) => (stock.order_id, Input::StockReservationFailed.into()),
            DomainEvent::StockAllocationFailed(stock) => {
                (stock.order_id, Self::about(Input::StockAllocationFailed(policy), stock.payment))
            }
            DomainEvent::StockAllocated(stock) => (stock.order_id, Self::about(Input::StockAllocated, stock.payment)),
            DomainEvent::PaymentRequested(request) => {
                (request.order_id, Self::about(Input::PaymentRequested, payment(request.payment_id)))
            }
            DomainEvent::PaymentActionRequired(required) => {
                (required.order_id, Self::about(Input::PaymentActionRequired, payment(required.payment_id)))
            }
            DomainEvent::PaymentFailed(failed) => {
                (failed.order_id, Self::about(Input::PaymentFailed, payment(failed.payment_id)))
            }
            DomainEvent::PaymentRefunded(refund) => {
                let update = Self::about(Input::Refunded, payment(refund.payment_id));
                (refund.order_id, Self { refunded: Some(refund.refunded_amount), ..update })
            }
            other => return Err(event::unexpected_event(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{
            OrderDelivered, PaymentFailed, PaymentRefunded, PaymentRequested, StockAllocated, StockAllocationFailed,
            StockReservationFailed,
        },
        id::{RefundId, UserId},
        order::Reason,
    };
    use kernel::{FailureKind, Timestamp, TraceContext, Uuid};

    const ORDER: OrderId = OrderId(Uuid::from_u128(1));
    const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(2));

    fn update(payload: impl Into<DomainEvent>, policy: ShortfallPolicy) -> Result<(OrderId, Update), Failure> {
        let trace = TraceContext::new(Uuid::nil());
        let event = Event::new(Uuid::nil(), ORDER, 7, Timestamp::UNIX_EPOCH, &trace, payload);
        Update::from_event(&event, policy)
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    #[test]
    fn payment_event_updates_the_order_with_its_own_version() {
        let (payment_id, order_id, amount) = (PAYMENT, ORDER, usd(500));
        let requested = PaymentRequested { payment_id, order_id, attempt: 2 };
        let failed = PaymentFailed { payment_id, order_id, user_id: None, amount, reason: Reason::PaymentDeclined };
        for (event, input) in
            [(DomainEvent::from(requested), Input::PaymentRequested), (DomainEvent::from(failed), Input::PaymentFailed)]
        {
            let expected = Update::about(input, PaymentVersion { id: PAYMENT, version: 7 });
            assert_eq!(update(event, ShortfallPolicy::Refund), Ok((ORDER, expected)));
        }
    }

    #[test]
    fn stock_event_updates_the_order_with_the_payment_that_it_names() {
        let (order_id, payment) = (ORDER, PaymentRef { payment_id: PAYMENT, version: 3 });
        let allocated = update(StockAllocated { order_id, payment, levels: vec![] }, ShortfallPolicy::Refund);
        assert_eq!(allocated, Ok((ORDER, Update::about(Input::StockAllocated, payment))));
        let failed = update(StockReservationFailed { order_id, lines: vec![] }, ShortfallPolicy::Refund);
        assert_eq!(failed, Ok((ORDER, Input::StockReservationFailed.into())));
    }

    #[test]
    fn policy_is_part_of_the_input_that_no_stock_could_be_allocated() {
        let (order_id, payment) = (ORDER, PaymentRef { payment_id: PAYMENT, version: 3 });
        for policy in ShortfallPolicy::ALL {
            let (_, update) =
                update(StockAllocationFailed { order_id, payment, lines: vec![] }, policy).expect("an input");
            assert_eq!(update, Update::about(Input::StockAllocationFailed(policy), payment));
        }
    }

    #[test]
    fn refund_carries_the_sum_of_all_refunds() {
        let refund = PaymentRefunded {
            payment_id: PAYMENT,
            order_id: ORDER,
            user_id: None,
            refund_id: RefundId(Uuid::nil()),
            transaction_id: None,
            amount: usd(100),
            refunded_amount: usd(300),
        };
        let (_, update) = update(refund, ShortfallPolicy::Refund).expect("an input");
        assert_eq!((update.input, update.refunded), (Input::Refunded, Some(usd(300))));
    }

    #[test]
    fn event_that_is_no_input_is_rejected() {
        let delivered = OrderDelivered { order_id: ORDER, user_id: UserId(Uuid::nil()) };
        let failure = update(delivered, ShortfallPolicy::Refund).expect_err("no input");
        assert_eq!((failure.kind, failure.code), (FailureKind::Invalid, "unexpected-event"));
    }
}
