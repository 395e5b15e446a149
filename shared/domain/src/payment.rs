//! Payments: one per order, with its charge attempts and refunds.

mod amount;
mod approvals;
mod attempts;
mod charges;
mod commands;
mod disputes;
mod limits;
mod payment_transition;
mod reconciliation;
mod refunds;
mod reported_refunds;
mod restore;
mod state_machine;
#[cfg(test)]
mod tests;

pub use crate::{
    money::StatedAmount,
    payment_status::{DisputeStatus, GatewayOperation, RefundReason, RefundStatus, StaffRefundReason, Status, Verdict},
};
pub use amount::{Accepted, Mismatch, ReportedTransaction, accept};
pub use approvals::{
    ApprovalDecision, DecideRefund, RefundApproval, RefundLimit, decide_refund, request_refund_by_staff,
};
pub use attempts::{
    ATTEMPT_WINDOW_SECONDS, AttemptLimit, TOO_MANY_ATTEMPTS, TOO_MANY_PAYMENT_ATTEMPTS, decline_refused,
    end_without_gateway_call,
};
pub use charges::{
    ChargeOutcome, DUPLICATE_CHARGE, abandon_charge, begin, begin_closed, close, confirm_without_charge,
    fail_charge_after_gateway_error, post_returned_duplicate, record_charge_outcome, retry_payment,
};
pub use commands::{ProcessPayment, RefundPayment};
pub use disputes::{Dispute, DisputeTransfer, ReportedDispute, record_dispute};
pub use limits::{MAX_CHARGE, check_total};
pub use payment_transition::PaymentTransition;
pub use reconciliation::{Resolution, republish_pending, resolve_charge, resolve_refund};
pub use refunds::{
    REFUND_EXCEEDS_CHARGE, RefundOutcome, abandon_refund, conclude_refund, fail_refund_after_gateway_error,
    record_refund_outcome, request_refund,
};
pub use reported_refunds::{ReportedRefund, record_excessive_refund, record_reported_refund};
pub use restore::{RestoredPeriod, UnpostedReason, lost_transfers_posted, unposted_reason};
pub use state_machine::{Input, State, Transition, next};

use crate::{
    Money,
    id::{OrderId, PaymentId, RefundId, UserId},
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp, seconds_after};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Seconds after its start for which a charge or refund may be requested. The gateway may remove an idempotency key after 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>) and would then execute the request again; one hour is a margin for clock skew
/// and queues.
pub const RETRY_WINDOW_SECONDS: i64 = 23 * 3600;
/// Maximum charge attempts per order, to limit card testing.
pub const MAX_ATTEMPTS: u32 = 5;
/// Seconds after which an attempt or refund without a result is reconciled: far longer than the timeout of the function that requests
/// it, so that the lookup sees its result.
pub const RECONCILE_AFTER_SECONDS: i64 = 600;
/// Seconds after a look for the result of an attempt or refund until it is due again, behind those that are due for longer: less than until
/// the retry of a run that failed, which would count no payment otherwise.
pub const RECONCILE_AGAIN_SECONDS: i64 = 30;
/// Seconds after which a charge or refund is given up if the gateway stores an error under its key and a lookup finds nothing. The key
/// only replays that error. Half an hour, since the gateway's search lags by a minute, and by more during an incident
/// (<https://docs.stripe.com/search#data-freshness>).
pub const GIVE_UP_SECONDS: i64 = 3 * RECONCILE_AFTER_SECONDS;
/// Decline code of an attempt that failed because of an error at the gateway.
pub const GATEWAY_ERROR: &str = "gateway_error";
/// In place of the gateway's id of the charge, in the event about an order that costs nothing.
pub const NO_PAYMENT_REQUIRED: &str = "no_payment_required";
/// Decline code of an attempt that the gateway does not know.
const CHARGE_NOT_FOUND: &str = "charge_not_found";
/// Error code of a refund that the gateway does not know.
pub const REFUND_NOT_FOUND: &str = "refund_not_found";
/// Code of an attempt or refund that ended without a result, because the gateway moved something other than what was asked.
pub const AMOUNT_MISMATCH: &str = "amount_mismatch";
/// Shown to customers instead of [`HIDDEN_DECLINE_CODES`].
const GENERIC_DECLINE: &str = "generic_decline";
/// Codes that must not be shown to customers, who may be using a stolen card: <https://docs.stripe.com/declines/codes>.
const HIDDEN_DECLINE_CODES: [&str; 5] = ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"];

/// A payment with its refunds: one aggregate with one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's idempotency keys of charges are derived from it.
    pub id: PaymentId,
    pub order_id: OrderId,
    pub user_id: UserId,
    pub amount: Money,
    /// Payment method of the last attempt; `None` if the order was cancelled before the first.
    pub method: Option<PaymentMethod>,
    /// The gateway's customer that the method of the last attempt is saved for. It is part of the attempt: a repeated request to the gateway
    /// has the same parameters.
    pub customer: Option<String>,
    pub status: Status,
    /// Number of charge attempts; 0 if the order was cancelled before the first, or if the first was refused ([`AttemptLimit`]).
    pub attempts: u32,
    /// Start of the last attempt.
    pub attempted_at: Timestamp,
    /// Whether the order is cancelled: nothing more is charged, and charges are refunded.
    pub closed: bool,
    /// What the customer has to do; only while the status is `RequiresAction`.
    pub action: Option<CustomerAction>,
    /// The gateway's id of the charge.
    pub transaction_id: Option<String>,
    /// The gateway's code of the last decline.
    pub decline_code: Option<String>,
    /// All refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Answers of the gateway that do not match what was asked, oldest first; for review by staff.
    pub mismatches: Vec<Mismatch>,
    /// Disputes of the charge, oldest first.
    pub disputes: Vec<Dispute>,
    /// Refunds for which staff needed an approval, oldest first.
    pub approvals: Vec<RefundApproval>,
    /// 1 when created, incremented by each transition.
    pub version: u64,
    pub created_at: Timestamp,
    /// Time of the last transition.
    pub updated_at: Timestamp,
}

/// What the client needs to let the customer consent to an attempt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerAction {
    /// For the gateway's library in the browser or the app.
    pub client_secret: String,
    /// Where to send a customer without that library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
}

impl fmt::Debug for CustomerAction {
    /// Shows nothing: whoever has the secret or the address can consent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerAction(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The gateway's idempotency key is derived from it.
    pub id: RefundId,
    pub amount: Money,
    pub reason: RefundReason,
    pub status: RefundStatus,
    /// The gateway's id of the refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    pub requested_at: Timestamp,
}

impl Refund {
    /// The idempotency key of this refund at the gateway.
    pub fn gateway_key(&self) -> String {
        format!("refund-{}", self.id)
    }
}

impl Payment {
    /// The idempotency key of the last attempt at the gateway. It is valid while [`is_due`] allows the request.
    pub fn gateway_key(&self) -> String {
        format!("charge-{}-{}", self.id, self.attempts)
    }

    /// Whether the last attempt has no result yet.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Pending | Status::RequiresAction)
    }

    /// Whether the order costs nothing.
    pub fn is_free(&self) -> bool {
        self.amount.amount.get() == 0
    }

    /// Minor units that were refunded.
    pub fn refunded(&self) -> i64 {
        self.refunded_as(&[RefundStatus::Succeeded])
    }

    /// Minor units that are neither refunded nor in a pending refund.
    pub fn refundable(&self) -> i64 {
        match self.transaction_id {
            // A refund that was made at the gateway may exceed what pending ones leave; the gateway rejects those then.
            Some(_) => {
                let claimed = self.refunded_as(&[RefundStatus::Succeeded, RefundStatus::Pending]);
                (self.amount.amount.get() - claimed).max(0)
            }
            None => 0,
        }
    }

    /// The code of the last decline as customers may see it.
    pub fn decline_code_for_customers(&self) -> Option<&str> {
        let code = self.decline_code.as_deref()?;
        Some(if HIDDEN_DECLINE_CODES.contains(&code) { GENERIC_DECLINE } else { code })
    }

    pub fn refunded_amount(&self) -> Money {
        Money { amount: self.refunded().try_into().unwrap_or(self.amount.amount), ..self.amount }
    }

    fn refunded_as(&self, statuses: &[RefundStatus]) -> i64 {
        let counted = self.refunds.iter().filter(|refund| statuses.contains(&refund.status));
        counted.map(|refund| refund.amount.amount.get()).sum()
    }

    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// Whether a charge is for review, because its amount is not what was asked. It is not in the ledger, nor is what follows from it.
    pub(crate) fn is_for_review(&self, charge: &str) -> bool {
        self.mismatches.iter().any(|one| one.movement == GatewayOperation::Charge && one.transaction_id == charge)
    }

    /// When the newest answer that does not match was seen; `None` without one.
    pub fn mismatched_at(&self) -> Option<Timestamp> {
        self.mismatches.last().map(|mismatch| mismatch.at)
    }

    /// Until when the gateway may receive a request to charge the last attempt: nothing requests it once the order is cancelled or the
    /// retry window is over. The margin is far longer than the timeout of the function that does.
    pub fn requested_until(&self) -> Result<Timestamp, Failure> {
        let window = seconds_after(self.attempted_at, RETRY_WINDOW_SECONDS)?;
        // Nothing changes a closed payment before its attempt has a result, except an answer that does not match.
        let last = if self.closed { window.min(self.updated_at) } else { window };
        seconds_after(last, RECONCILE_AFTER_SECONDS)
    }

    /// When an attempt or refund without a result is to be reconciled; `None` if none is pending.
    pub fn reconcile_after(&self) -> Option<Timestamp> {
        let attempt = self.is_open().then_some(self.attempted_at);
        let refunds = self.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
        let since = attempt.into_iter().chain(refunds.map(|refund| refund.requested_at)).min()?;
        Timestamp::from_second(since.as_second() + RECONCILE_AFTER_SECONDS).ok()
    }
}

/// Whether to request this attempt at the gateway: not if it has a result, is not the last one, or the order is cancelled.
///
/// A pending attempt older than [`RETRY_WINDOW_SECONDS`] is a `Conflict`: requesting it again might charge twice, so its result is
/// looked up instead.
pub fn is_due(payment: &Payment, attempt: u32, now: Timestamp) -> Result<bool, Failure> {
    if payment.status != Status::Pending || payment.attempts != attempt || payment.closed {
        return Ok(false);
    }
    check_retry_window(payment.attempted_at, now, "charge-too-old").map(|()| true)
}

/// Whether the last attempt may be withdrawn by using its idempotency key for another request, so that it can never be charged: the order
/// is cancelled, and the gateway still knows whether it has received the key.
pub fn may_withdraw(payment: &Payment, now: Timestamp) -> bool {
    payment.closed && payment.is_open() && seconds_since(payment.attempted_at, now) <= RETRY_WINDOW_SECONDS
}

/// Whether to request this refund at the gateway; see [`is_due`].
pub fn is_refund_due(refund: &Refund, now: Timestamp) -> Result<bool, Failure> {
    if refund.status != RefundStatus::Pending {
        return Ok(false);
    }
    check_retry_window(refund.requested_at, now, "refund-too-old").map(|()| true)
}

/// Whether the retry window is over for long enough that no request can still be in flight.
fn is_past_retry_window(start: Timestamp, now: Timestamp) -> bool {
    seconds_since(start, now) > RETRY_WINDOW_SECONDS + RECONCILE_AFTER_SECONDS
}

fn seconds_since(start: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - start.as_second()
}

fn check_retry_window(start: Timestamp, now: Timestamp, code: &'static str) -> Result<(), Failure> {
    if seconds_since(start, now) > RETRY_WINDOW_SECONDS {
        let detail = "It started too long ago to be requested again: the gateway may have removed its idempotency key.";
        return Err(Failure::new(FailureKind::Conflict, code, detail));
    }
    Ok(())
}
