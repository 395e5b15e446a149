//! The state machine of a payment: the transition of every input in every state.

use super::Status;

/// The state of a payment is its status.
pub type State = Status;

/// A gateway result or command that a payment processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    ChargeSucceeded,
    /// The charge requires the customer's consent.
    ActionRequired,
    /// The order costs nothing.
    NothingToCharge,
    ChargeDeclined,
    /// The gateway does not know the attempt, and it will not be requested again.
    ChargeAbandoned,
    /// The customer retries a declined payment.
    RetryPayment,
    RequestRefund,
    /// A refund succeeded and a part of the amount remains.
    RefundedInPart,
    /// A refund succeeded and nothing remains.
    RefundedInFull,
    RefundFailed,
    /// A refund that had succeeded failed, and others remain.
    RefundReturned,
    /// A refund that had succeeded failed, and no other remains.
    AllRefundsReturned,
    /// The order was cancelled.
    Close,
}

impl Input {
    pub const ALL: [Self; 13] = [
        Self::ChargeSucceeded,
        Self::ActionRequired,
        Self::NothingToCharge,
        Self::ChargeDeclined,
        Self::ChargeAbandoned,
        Self::RetryPayment,
        Self::RequestRefund,
        Self::RefundedInPart,
        Self::RefundedInFull,
        Self::RefundFailed,
        Self::RefundReturned,
        Self::AllRefundsReturned,
        Self::Close,
    ];
}

/// What an input does to a payment in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The payment changes and has this state, which may be the same as before.
    To(State),
    /// Nothing changes: the input is outdated.
    Ignore,
    /// The input is invalid in this state.
    Reject,
}

/// The transition table.
pub const fn next(state: State, input: Input) -> Transition {
    use Status::{Failed, NoPaymentRequired, PartiallyRefunded, Pending, Refunded, RequiresAction, Succeeded};
    use Transition::{Ignore, Reject, To};
    match (state, input) {
        (Pending | RequiresAction, Input::ChargeSucceeded) => To(Succeeded),
        (Pending, Input::ActionRequired) => To(RequiresAction),
        (Pending, Input::NothingToCharge) => To(NoPaymentRequired),
        (Pending | RequiresAction, Input::ChargeDeclined | Input::ChargeAbandoned) => To(Failed),
        // The attempt was presumed failed, but the gateway charged: the gateway's record counts.
        (Failed, Input::ChargeSucceeded) => To(Succeeded),
        (Failed, Input::RetryPayment) => To(Pending),
        (Succeeded | PartiallyRefunded, Input::RequestRefund | Input::RefundFailed) => To(state),
        (Succeeded | PartiallyRefunded, Input::RefundedInPart) => To(PartiallyRefunded),
        (Succeeded | PartiallyRefunded, Input::RefundedInFull) => To(Refunded),
        (PartiallyRefunded | Refunded, Input::RefundReturned) => To(PartiallyRefunded),
        (PartiallyRefunded | Refunded, Input::AllRefundsReturned) => To(Succeeded),
        (_, Input::Close) => To(state),

        (RequiresAction, Input::ActionRequired | Input::NothingToCharge) => Ignore,
        (Failed, Input::ActionRequired | Input::NothingToCharge | Input::ChargeDeclined | Input::ChargeAbandoned) => {
            Ignore
        }
        (
            Succeeded | PartiallyRefunded | Refunded | NoPaymentRequired,
            Input::ChargeSucceeded
            | Input::ActionRequired
            | Input::NothingToCharge
            | Input::ChargeDeclined
            | Input::ChargeAbandoned,
        ) => Ignore,

        (
            Pending | RequiresAction | Succeeded | PartiallyRefunded | Refunded | NoPaymentRequired,
            Input::RetryPayment,
        ) => Reject,
        (Pending | RequiresAction | Failed | Refunded | NoPaymentRequired, Input::RequestRefund) => Reject,
        (
            Pending | RequiresAction | Failed | Refunded | NoPaymentRequired,
            Input::RefundedInPart | Input::RefundedInFull,
        ) => Reject,
        // The refund that made it refunded was made at the gateway, and this one failed for lack of money to refund.
        (Refunded, Input::RefundFailed) => To(Refunded),
        (Pending | RequiresAction | Failed | NoPaymentRequired, Input::RefundFailed) => Reject,
        (
            Pending | RequiresAction | Failed | Succeeded | NoPaymentRequired,
            Input::RefundReturned | Input::AllRefundsReturned,
        ) => Reject,
    }
}
