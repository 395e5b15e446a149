//! Payments: one an order, with its attempts to charge and the refunds of what was charged.

mod state_machine;
#[cfg(test)]
mod tests;

pub use state_machine::{
    Change, ChargeOutcome, Input, RefundOutcome, State, Transition, abandon_charge, abandon_refund, begin,
    begin_closed, close, fail_charge_after_gateway_error, fail_refund_after_gateway_error, next, record_charge_outcome,
    record_refund_outcome, republish_pending, request_refund, retry_payment,
};

use crate::{
    Money,
    id::{OrderId, PaymentId, RefundId, UserId},
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest amount of minor units that can be charged at once, in every currency that we sell in: the gateway takes eight
/// digits (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const MAX_CHARGE: i64 = 99_999_999;
/// The smallest: half a dollar, half a euro, fifty yen (same source). Of some currencies the gateway wants more; that it then
/// refuses is a decline.
pub const MIN_CHARGE: i64 = 50;
/// Seconds after its beginning for which a charge or a refund may be asked for. The gateway may forget an idempotency key that is 24
/// hours old (<https://docs.stripe.com/api/idempotent_requests>) and would do it again; an hour is left for clocks and queues.
pub const RETRY_WINDOW_SECONDS: i64 = 23 * 3600;
/// Most attempts to charge for one order: who tries cards has to place as many orders.
pub const MAX_ATTEMPTS: u32 = 5;
/// Seconds after which an attempt or a refund without an answer is looked after: far longer than the function that asks may run,
/// so that whoever looks then sees what became of it.
pub const RECONCILE_AFTER_SECONDS: i64 = 600;
/// Seconds after which a charge or a refund is given up whose key holds a fault at the gateway, and of which a look-up finds nothing.
/// Such a key only tells of its fault again, so nothing is lost by giving up; half an hour, since the gateway's search lags by a
/// minute, and by more while they have the trouble that the fault came from
/// (<https://docs.stripe.com/search#data-freshness>).
pub const GIVE_UP_SECONDS: i64 = 3 * RECONCILE_AFTER_SECONDS;
/// Why an attempt failed that the gateway did not do because of a fault of its own.
pub const GATEWAY_ERROR: &str = "gateway_error";
/// Why a refund failed that the gateway never made.
pub const REFUND_NOT_FOUND: &str = "refund_not_found";
/// What customers are told instead of a code that is not for them.
const GENERIC_DECLINE: &str = "generic_decline";
/// Codes that the customer is not told, who may be the thief: <https://docs.stripe.com/declines/codes>.
const NOT_FOR_CUSTOMERS: [&str; 5] = ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"];

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An attempt is begun; the gateway's answer is not known yet.
    Pending,
    /// Charged.
    Succeeded,
    /// Refused. While the order is pending the customer may try again.
    Failed,
    /// All of it went back.
    Refunded,
    /// A part of it went back.
    PartiallyRefunded,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Succeeded, Self::Failed, Self::Refunded, Self::PartiallyRefunded];

    /// The word of the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A payment. With its refunds it is one thing with one version: whoever changes it has seen all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Id; also what the gateway's idempotency keys are derived from.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// How much.
    pub amount: Money,
    /// How the last attempt pays; none where the order was cancelled before the first.
    pub method: Option<PaymentMethod>,
    /// Where it stands.
    pub status: Status,
    /// Attempts to charge; 0 where the order was cancelled before the first.
    pub attempts: u32,
    /// When the last attempt began.
    pub attempted_at: Timestamp,
    /// Whether the order is cancelled: nothing more is charged, and what was charged goes back.
    pub closed: bool,
    /// The gateway's name for the charge.
    pub transaction_id: Option<String>,
    /// The gateway's code for the last refusal.
    pub decline_code: Option<String>,
    /// What goes or went back, oldest first.
    pub refunds: Vec<Refund>,
    /// Counts what became of it; 1 when it was begun.
    pub version: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When something last became of it.
    pub updated_at: Timestamp,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Id; also what the gateway's idempotency key is derived from.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: RefundReason,
    /// Where it stands.
    pub status: RefundStatus,
    /// The gateway's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The customer wants it.
    RequestedByCustomer,
    /// It was charged twice.
    Duplicate,
    /// It was not the owner of the card who paid.
    Fraudulent,
    /// The order is cancelled. Nobody asks for this one: it follows.
    OrderCancelled,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Asked for.
    Pending,
    /// Done.
    Succeeded,
    /// Refused by the gateway, finally.
    Failed,
}

impl Refund {
    /// The key under which the gateway does this refund at most once.
    pub fn gateway_key(&self) -> String {
        format!("refund-{}", self.id)
    }
}

impl Payment {
    /// The key under which the gateway does this attempt at most once, however often it is asked while [`is_due`] allows it.
    pub fn gateway_key(&self) -> String {
        format!("charge-{}-{}", self.id, self.attempts)
    }

    /// Minor units that went back.
    pub fn refunded(&self) -> i64 {
        self.refunded_as(&[RefundStatus::Succeeded])
    }

    /// Minor units that neither went back nor are on their way.
    pub fn refundable(&self) -> i64 {
        match self.transaction_id {
            Some(_) => self.amount.amount.get() - self.refunded_as(&[RefundStatus::Succeeded, RefundStatus::Pending]),
            None => 0,
        }
    }

    /// The code of the last refusal, as customers may see it.
    pub fn decline_code_for_customers(&self) -> Option<&str> {
        let code = self.decline_code.as_deref()?;
        Some(if NOT_FOR_CUSTOMERS.contains(&code) { GENERIC_DECLINE } else { code })
    }

    /// What went back, as money.
    pub fn refunded_amount(&self) -> Money {
        Money { amount: self.refunded().try_into().unwrap_or(self.amount.amount), ..self.amount }
    }

    fn refunded_as(&self, statuses: &[RefundStatus]) -> i64 {
        let counted = self.refunds.iter().filter(|refund| statuses.contains(&refund.status));
        counted.map(|refund| refund.amount.amount.get()).sum()
    }

    /// One of its refunds.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// When it is to be looked after, because an answer of the gateway is missing; never, when none is.
    pub fn reconcile_after(&self) -> Option<Timestamp> {
        let attempt = (self.status == Status::Pending).then_some(self.attempted_at);
        let refunds = self.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
        let since = attempt.into_iter().chain(refunds.map(|refund| refund.requested_at)).min()?;
        Timestamp::from_second(since.as_second() + RECONCILE_AFTER_SECONDS).ok()
    }
}

/// Whether a total is one that the gateway charges; if not, why not, to follow the name of what adds up to it.
pub fn check_total(total: Money) -> Result<(), String> {
    let limit = |minor| Money::new(minor, total.currency.code());
    match total.amount.get() {
        ..MIN_CHARGE => Err(format!("cost {total} together; the least that can be paid is {}", limit(MIN_CHARGE)?)),
        MIN_CHARGE..=MAX_CHARGE => Ok(()),
        _ => Err(format!("cost {total} together; the most that can be paid is {}", limit(MAX_CHARGE)?)),
    }
}

/// Whether the gateway is to be asked to charge for this attempt: not when it has its answer, is not the last one any more, or the
/// order is cancelled.
///
/// An attempt that waits for more than [`RETRY_WINDOW_SECONDS`] is a `Conflict`: whether it was charged is looked up at the gateway, since
/// asking again might charge twice.
pub fn is_due(payment: &Payment, attempt: u32, now: Timestamp) -> Result<bool, Failure> {
    if payment.status != Status::Pending || payment.attempts != attempt || payment.closed {
        return Ok(false);
    }
    still_safe(payment.attempted_at, now, "charge-too-old")
}

/// Whether the gateway is to be asked for this refund; as [`is_due`].
pub fn is_refund_due(refund: &Refund, now: Timestamp) -> Result<bool, Failure> {
    if refund.status != RefundStatus::Pending {
        return Ok(false);
    }
    still_safe(refund.requested_at, now, "refund-too-old")
}

/// Seconds from one to the other.
fn age(since: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - since.as_second()
}

fn still_safe(since: Timestamp, now: Timestamp, code: &'static str) -> Result<bool, Failure> {
    if age(since, now) > RETRY_WINDOW_SECONDS {
        let detail = "It was begun too long ago to be asked for safely: the gateway may have forgotten it.";
        return Err(Failure::new(FailureKind::Conflict, code, detail));
    }
    Ok(true)
}
