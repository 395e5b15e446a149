//! Payments: one per order and attempt, and what the gateway's answer makes of it.

use crate::{
    DomainEvent, Money,
    event::{PaymentFailed, PaymentSucceeded, StockReserved},
    id::{OrderId, PaymentId, UserId},
    order::Reason,
    text::PaymentMethod,
};
use kernel::{Failure, Kind, Timestamp};

/// The largest amount of minor units that can be charged at once, in every currency that we sell in: the gateway takes eight
/// digits (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const MOST_CHARGED: i64 = 99_999_999;
/// The smallest: half a dollar, half a euro, fifty yen (same source). Of some currencies the gateway wants more; that it then
/// refuses is a decline.
pub const LEAST_CHARGED: i64 = 50;
/// Seconds after its beginning for which a payment may be charged. The gateway may forget an idempotency key that is 24 hours old
/// (<https://docs.stripe.com/api/idempotent_requests>) and would charge again; an hour is left for clocks and queues.
pub const CHARGE_SECONDS: i64 = 23 * 3600;

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
    /// The key under which the gateway does this charge at most once, however often it is asked while [`is_due`] allows it.
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

/// Whether a total is one that the gateway charges; if not, why not, to follow the name of what adds up to it.
pub fn check_total(total: Money) -> Result<(), String> {
    let limit = |minor| Money::new(minor, total.currency.code());
    match total.amount.get() {
        ..LEAST_CHARGED => {
            Err(format!("cost {total} together; the least that can be paid is {}", limit(LEAST_CHARGED)?))
        }
        LEAST_CHARGED..=MOST_CHARGED => Ok(()),
        _ => Err(format!("cost {total} together; the most that can be paid is {}", limit(MOST_CHARGED)?)),
    }
}

/// Whether the gateway is to be asked for this payment: not when it has its answer.
///
/// A payment that waits for more than [`CHARGE_SECONDS`] is a `Conflict`: whether it was charged is for a person to find out,
/// since asking again might charge twice.
pub fn is_due(payment: &Payment, now: Timestamp) -> Result<bool, Failure> {
    if payment.status != Status::Pending {
        return Ok(false);
    }
    if now.as_second() - payment.created_at.as_second() > CHARGE_SECONDS {
        let detail = format!("The payment {} was begun too long ago to be charged safely.", payment.id);
        return Err(Failure::new(Kind::Conflict, "charge-too-old", detail));
    }
    Ok(true)
}

/// A final answer of the gateway. That it did not answer is no answer: it is asked again under the same key while [`is_due`]
/// allows it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::PaymentMethod;
    use kernel::Uuid;

    fn begun_at(second: i64) -> Payment {
        Payment {
            id: PaymentId(Uuid::from_u128(1)),
            order_id: OrderId(Uuid::from_u128(2)),
            user_id: UserId(Uuid::from_u128(3)),
            amount: Money::new(1999, "USD").expect("valid"),
            method: PaymentMethod::parse("pm_card_visa").expect("valid"),
            status: Status::Pending,
            version: 1,
            created_at: at(second),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn a_payment_is_charged_for_23_hours_and_then_a_person_has_to_look() {
        let payment = begun_at(1_000);
        for now in [1_000, 1_000 + CHARGE_SECONDS] {
            assert_eq!(is_due(&payment, at(now)), Ok(true));
        }
        let failure = is_due(&payment, at(1_001 + CHARGE_SECONDS)).expect_err("too old");
        assert_eq!((failure.kind, failure.code, failure.is_retryable()), (Kind::Conflict, "charge-too-old", false));
    }

    #[test]
    fn a_payment_that_has_its_answer_is_not_charged_again_however_old_it_is() {
        for status in [Status::Succeeded, Status::Failed] {
            let payment = Payment { status, ..begun_at(0) };
            assert_eq!(is_due(&payment, at(10 * CHARGE_SECONDS)), Ok(false));
        }
    }
}
