//! Ports of payments and of the ledger.

use crate::{Claim, Page, TransitionOutcome};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    ledger::{GatewayTransaction, PostedLine, StatedLine, Transfer},
    payment::{AttemptLimit, Payment, PaymentTransition},
    reconciliation::{ComparisonProgress, Lines, ReconciliationProgress, Report, StepResult},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use std::ops::Range;

/// Stores payments with their refunds. A transition is committed only if the payment still has the version that the domain decided on.
pub trait PaymentStore {
    /// Creates the payment of an order, or returns the existing one: an order has one payment. With a limit, a new payment's attempt is
    /// counted; above the limit the payment is stored without an attempt ([`Payment::is_refused`]). Concurrent attempts never exceed it.
    async fn begin(&self, payment: &Payment, limit: Option<AttemptLimit>) -> Result<Payment, Failure>;

    /// One payment; with `owner`, only if it is theirs.
    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// The payment of an order; with `owner`, only if it is theirs.
    async fn find_by_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure>;

    /// The payment with this charge, by the gateway's id.
    async fn find_by_transaction(&self, transaction_id: &str) -> Result<Option<Payment>, Failure>;

    /// Commits the transition from version `change.payment.version - 1`, with its transfers, its events and the claim, if any.
    async fn advance(
        &self,
        claim: Option<Claim>,
        change: &PaymentTransition,
        events: &[Event],
    ) -> Result<TransitionOutcome, Failure>;

    /// Like `advance`, with the response to the request that caused the transition. Failures of the key are those of
    /// [`OrderStore::place`](crate::OrderStore::place). `None` after a version conflict. With a limit, the transition starts an attempt,
    /// which is counted; above the limit nothing is stored, and the failure is that of [`AttemptLimit::refuse`].
    async fn advance_with_reply(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        change: &PaymentTransition,
        events: &[Event],
        limit: Option<AttemptLimit>,
    ) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Stores the response to a request that changed nothing, such as a rejection; it is replayed from then on.
    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// Commits an event without a transition.
    async fn record_event(&self, event: &Event) -> Result<(), Failure>;

    /// Up to `limit` payments that were due for reconciliation before `before`, those due longest first; with `after`, those that
    /// follow it in this order. A payment is due at [`Payment::reconcile_after`], or later if it was postponed.
    async fn due_for_reconciliation(
        &self,
        before: Timestamp,
        after: Option<&DuePayment>,
        limit: u32,
    ) -> Result<Vec<DuePayment>, Failure>;

    /// Makes a payment due for reconciliation at `until`, if it still has this version. The version stays. A transition keeps the later
    /// time as long as the payment has an attempt or refund without a result.
    async fn postpone_reconciliation(&self, payment: &Payment, until: Timestamp) -> Result<(), Failure>;

    /// Payments with an answer of the gateway that does not match what was asked, those with the newest one first.
    async fn mismatched(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure>;

    /// Payments with a refund that waits for approval, those that wait longest first.
    async fn awaiting_approval(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure>;

    /// The refunds of all payments that wait for approval. The cost depends on their number only.
    async fn waiting_approvals(&self) -> Result<WaitingApprovals, Failure>;
}

/// A payment whose reconciliation is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePayment {
    pub payment: Payment,
    /// Since when it is due.
    pub since: Timestamp,
}

/// Refunds that wait for approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingApprovals {
    pub refunds: u64,
    /// When the oldest was requested.
    pub oldest: Option<Timestamp>,
}

/// The double-entry ledger: transfers are posted once and never changed. Beside it is the statement of the gateway, as far as it was read.
pub trait Ledger {
    /// How far the statement was read and compared.
    async fn progress(&self) -> Result<ReconciliationProgress, Failure>;

    /// The transfers of a period by purpose and currency, with up to `limit` discrepancies of the comparable period.
    async fn report(&self, period: &Range<Timestamp>, limit: u32) -> Result<Report, Failure>;

    /// Up to `limit` transactions of the statement in the period of a comparison, after its position, in order, with what the ledger has of
    /// them. A full page may be followed by another. One that cannot be decoded is logged and counted, and does not block the others.
    async fn stated(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<StatedLine>, Failure>;

    /// As [`Ledger::stated`], transfers that were posted in the period, and whether the statement has them.
    async fn posted(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<PostedLine>, Failure>;

    /// Those of the transactions that are not posted, in the same order.
    async fn unposted(&self, transactions: Vec<GatewayTransaction>) -> Result<Vec<GatewayTransaction>, Failure>;

    /// Posts the transfers that are not there yet, and commits the event.
    async fn post(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure>;

    /// Commits the outcome of a step with its events: stores transactions and posts fees that are not there yet. `false`, and nothing
    /// committed, if the progress is not `before` any more, because another run has taken the step.
    async fn advance(
        &self,
        before: &ReconciliationProgress,
        outcome: &StepResult,
        events: &[Event],
    ) -> Result<bool, Failure>;
}
