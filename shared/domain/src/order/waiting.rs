//! What a stuck order waits for, and its next step.

use super::{Input, Order, PENDING_TIMEOUT_SECONDS, Reason, State, Transition, next};
use kernel::{Failure, Timestamp, seconds_after};

/// Default age in minutes of a stuck order. Without an outage an order waits for seconds.
pub const STUCK_AFTER_MINUTES: u32 = 5;

words! {
    /// The next step of an order that is not final.
    pub enum NextStep {
        /// The inventory reserves stock.
        ReserveStock,
        /// The gateway charges the payment, or the inventory allocates stock to it.
        ChargePayment,
        /// The customer consents to the charge.
        CustomerConsent,
        /// The customer pays again.
        CustomerPayment,
        /// The inventory allocates stock when there is some.
        Restock,
        /// Staff decide about an order under review.
        StaffDecision,
    }
}

impl NextStep {
    /// The functions of which one takes the step; empty if a person does, or if a delivery of goods is awaited.
    pub const fn functions(self) -> &'static [&'static catalog::Function] {
        match self {
            Self::ReserveStock => &[catalog::STOCK_RESERVE, catalog::ORDER_ADVANCE],
            Self::ChargePayment => &[catalog::PAYMENT_CHARGE, catalog::STOCK_ALLOCATE, catalog::ORDER_ADVANCE],
            Self::CustomerConsent | Self::CustomerPayment | Self::Restock | Self::StaffDecision => &[],
        }
    }
}

/// What a pending order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub step: NextStep,
    /// When `order-sweep` cancels it, and with which reason; `None` if it waits for as long as it takes.
    pub cancelled: Option<(Timestamp, Option<Reason>)>,
}

/// What the order waits for; `None` if it is not pending.
pub fn wait(order: &Order) -> Result<Option<Wait>, Failure> {
    let state = State::of(order.status, order.reason);
    let step = match state {
        State::AwaitingStock => NextStep::ReserveStock,
        State::AwaitingPayment => NextStep::ChargePayment,
        State::AwaitingCustomer => NextStep::CustomerConsent,
        State::Declined => NextStep::CustomerPayment,
        State::Backordered => NextStep::Restock,
        State::UnderReview => NextStep::StaffDecision,
        State::Processing | State::Shipped | State::Delivered | State::Cancelled => return Ok(None),
    };
    let cancelled = match next(state, Input::TimedOut) {
        Transition::To(_, reason) => Some((seconds_after(order.created_at, PENDING_TIMEOUT_SECONDS)?, reason)),
        Transition::Ignore | Transition::Reject => None,
    };
    Ok(Some(Wait { step, cancelled }))
}

/// The time before which an order was placed that has been pending for `minutes`.
pub fn placed_before(now: Timestamp, minutes: u32) -> Result<Timestamp, Failure> {
    seconds_after(now, -60 * i64::from(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Status;
    use crate::order::tests::placed;

    fn waiting(status: Status, reason: Option<Reason>) -> Option<Wait> {
        wait(&Order { status, reason, ..placed() }).unwrap()
    }

    #[test]
    fn every_pending_order_has_a_next_step_and_no_other_has() {
        for state in State::ALL {
            let reason = match state {
                State::AwaitingPayment => Some(Reason::AwaitingPayment),
                State::AwaitingCustomer => Some(Reason::AwaitingCustomer),
                State::Declined => Some(Reason::PaymentDeclined),
                State::Backordered => Some(Reason::Backordered),
                State::UnderReview => Some(Reason::UnderReview),
                _ => None,
            };
            assert_eq!(waiting(state.status(), reason).is_some(), state.status() == Status::Pending, "{state:?}");
        }
    }

    #[test]
    fn sweep_cancels_orders_not_known_to_be_paid_after_the_timeout() {
        let unpaid = waiting(Status::Pending, Some(Reason::AwaitingPayment)).unwrap();
        let due = seconds_after(placed().created_at, PENDING_TIMEOUT_SECONDS).unwrap();
        assert_eq!(unpaid.cancelled, Some((due, Some(Reason::PaymentUnreachable))));
        assert_eq!(unpaid.step, NextStep::ChargePayment);
        assert_eq!(waiting(Status::Pending, Some(Reason::Backordered)).unwrap().cancelled, None);
    }

    #[test]
    fn step_of_a_person_has_no_function() {
        for step in NextStep::ALL {
            let is_automatic = matches!(step, NextStep::ReserveStock | NextStep::ChargePayment);
            assert_eq!(!step.functions().is_empty(), is_automatic, "{step:?}");
        }
    }
}
