//! The limit of payment attempts that fail, against testing stolen cards.

use super::{Input, Payment, PaymentTransition, Status, charges::fail, confirm_without_charge};
use kernel::{Failure, FailureKind, Timestamp};

/// Seconds for which an attempt counts, from its start.
pub const ATTEMPT_WINDOW_SECONDS: i64 = 3600;
/// Code of the failure for a customer with too many attempts.
pub const TOO_MANY_PAYMENT_ATTEMPTS: &str = "too-many-payment-attempts";
/// Decline code of an order whose first attempt was refused for that reason. The gateway was not called.
pub const TOO_MANY_ATTEMPTS: &str = "too_many_attempts";

/// How many attempts a customer may start in an hour without a success. An attempt counts from its start until it succeeds, so that
/// attempts in parallel count, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimit {
    pub failed: u32,
}

impl Default for AttemptLimit {
    fn default() -> Self {
        Self { failed: 10 }
    }
}

impl AttemptLimit {
    /// The failure of a request for an attempt above the limit; `oldest` is the start of the oldest attempt that counts.
    pub fn refuse(oldest: Timestamp, now: Timestamp) -> Failure {
        let wait = (oldest.as_second() + ATTEMPT_WINDOW_SECONDS - now.as_second()).clamp(1, ATTEMPT_WINDOW_SECONDS);
        let detail = "Too many of your payments have failed; try again later.";
        let retry_after_s = u32::try_from(wait).ok();
        Failure { retry_after_s, ..Failure::new(FailureKind::RateLimited, TOO_MANY_PAYMENT_ATTEMPTS, detail) }
    }
}

impl Payment {
    /// The name of the last attempt among those that count for the limit. Of the order, because a redelivery begins its payment with another id.
    pub fn attempt_name(&self) -> String {
        format!("{}/{}", self.order_id, self.attempts)
    }

    /// Whether the first attempt was not started, because too many attempts of the customer failed.
    pub fn is_refused(&self) -> bool {
        self.status == Status::Pending && self.attempts == 0 && !self.closed
    }
}

/// Ends an attempt for which the gateway is not called: one that was refused is declined, and an order that costs nothing is confirmed.
/// `None` for any other attempt, and if it has ended.
pub fn end_without_gateway_call(payment: &Payment, now: Timestamp) -> Option<PaymentTransition> {
    decline_refused(payment, now).or_else(|| confirm_without_charge(payment, now))
}

/// Declines the payment of an order whose first attempt was refused. `None` for any other payment. The customer may pay later.
pub fn decline_refused(payment: &Payment, now: Timestamp) -> Option<PaymentTransition> {
    if payment.is_refused() { fail(payment, Input::ChargeDeclined, TOO_MANY_ATTEMPTS, now) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_has_the_time_at_which_the_oldest_attempt_stops_counting() {
        let at = |second| Timestamp::from_second(second).expect("within the calendar");
        for (oldest, now, wait) in [(1_000, 1_000, 3_600), (1_000, 4_590, 10), (1_000, 4_600, 1), (1_000, 9_999, 1)] {
            let failure = AttemptLimit::refuse(at(oldest), at(now));
            assert_eq!((failure.kind, failure.retry_after_s), (FailureKind::RateLimited, Some(wait)), "{now}");
        }
    }
}
