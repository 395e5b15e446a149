//! In-memory fake of the payment store.

use super::{
    Dependency, Payments, State, keys::IdempotencyKeys, orders::read_cursor, saved_methods::SavedMethodsState,
};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    ledger::{GatewayTransaction, Transfer},
    payment::{ATTEMPT_WINDOW_SECONDS, AttemptLimit, Payment, PaymentTransition, Status},
    reconciliation::ReconciliationProgress,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Claim, DuePayment, Page, TransitionOutcome, WaitingApprovals};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

#[derive(Default)]
pub(super) struct PaymentsState {
    pub payments: HashMap<PaymentId, Payment>,
    of_orders: HashMap<OrderId, PaymentId>,
    /// When payments that were postponed are due for reconciliation.
    postponed: HashMap<PaymentId, Timestamp>,
    pub(super) keys: IdempotencyKeys,
    pub(super) saved: SavedMethodsState,
    pub transfers: Vec<Transfer>,
    /// Of the gateway, as far as it was read.
    pub(super) statement: Vec<GatewayTransaction>,
    pub(super) progress: ReconciliationProgress,
    /// The attempts that count for the limit: their names, with their starts.
    attempts: HashMap<UserId, BTreeMap<String, Timestamp>>,
}

impl PaymentsState {
    fn of(&self, order: OrderId) -> Option<&Payment> {
        self.payments.get(self.of_orders.get(&order)?)
    }

    fn put(&mut self, payment: &Payment) {
        self.of_orders.insert(payment.order_id, payment.id);
        if payment.reconcile_after().is_none() {
            self.postponed.remove(&payment.id);
        }
        self.payments.insert(payment.id, payment.clone());
    }

    /// When a payment is due for reconciliation.
    fn due_at(&self, payment: &Payment) -> Option<Timestamp> {
        let due = payment.reconcile_after()?;
        Some(self.postponed.get(&payment.id).map_or(due, |until| due.max(*until)))
    }

    /// Counts the last attempt of a payment; the start of the oldest one that counts if there are too many.
    fn attempt(&mut self, payment: &Payment, limit: AttemptLimit) -> Result<(), Timestamp> {
        let attempts = self.attempts.entry(payment.user_id).or_default();
        let since = payment.attempted_at.as_second() - ATTEMPT_WINDOW_SECONDS;
        attempts.retain(|_, start| start.as_second() > since);
        let (name, full) =
            (payment.attempt_name(), attempts.len() >= usize::try_from(limit.failed).unwrap_or(usize::MAX));
        match attempts.values().min() {
            Some(oldest) if full && !attempts.contains_key(&name) => Err(*oldest),
            _ => {
                attempts.insert(name, payment.attempted_at);
                Ok(())
            }
        }
    }

    /// Removes the reasons of decisions about refunds of a user, as a new version of each payment that has one or awaits a decision.
    pub(super) fn forget_reasons(&mut self, user: UserId) {
        for payment in self.payments.values_mut().filter(|payment| payment.user_id == user) {
            if take_reasons(payment) || payment.awaits_approval_since().is_some() {
                payment.version += 1;
            }
        }
    }

    /// Posts transfers and ignores duplicates.
    pub(super) fn post(&mut self, transfers: &[Transfer]) {
        for new in transfers {
            let differs = |old: &Transfer| (old.purpose, &old.reference) != (new.purpose, &new.reference);
            if self.transfers.iter().all(differs) {
                self.transfers.push(new.clone());
            }
        }
    }
}

impl Payments {
    pub fn for_order(&self, order: OrderId) -> Option<Payment> {
        self.0.inspect(|state| state.payments.of(order).cloned())
    }

    /// All payments, oldest first.
    pub fn all(&self) -> Vec<Payment> {
        let mut all: Vec<Payment> = self.0.inspect(|state| state.payments.payments.values().cloned().collect());
        all.sort_by_key(|payment| (payment.created_at, payment.id));
        all
    }

    /// Stores a payment without transfers and without events.
    pub fn put(&self, payment: &Payment) {
        self.0.arrange(|state| state.payments.put(payment));
    }

    /// Whether a claim is recorded.
    pub async fn has_claim(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.claims.contains(&claim))).await
    }

    /// Records a claim in a step of its own.
    pub async fn insert_claim(&self, claim: Claim) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "payments.insert_claim", |state| {
            state.claim(claim);
            Ok(())
        });
        step.await
    }

    /// Marks the request with this key as in flight.
    pub fn mark_key_in_flight(&self, key: &IdempotencyKey) {
        self.0.arrange(|state| state.payments.keys.record(key, None));
    }
}

/// Removes the reasons of decisions about the refunds of a payment. Returns whether there were any.
fn take_reasons(payment: &mut Payment) -> bool {
    let decisions = payment.approvals.iter_mut().filter_map(|approval| approval.decision.as_mut());
    decisions.filter_map(|decision| decision.reason.take()).count() > 0
}

/// Applies a transition with its transfers and events; `false` on a version conflict. The payment of a deleted user keeps no reason of a decision.
fn apply(state: &mut State, change: &PaymentTransition, events: &[Event]) -> bool {
    let stored = state.payments.payments.get(&change.payment.id);
    if stored.is_none_or(|stored| stored.version + 1 != change.payment.version) {
        return false;
    }
    if change.payment.status == Status::Succeeded
        && let Some(attempts) = state.payments.attempts.get_mut(&change.payment.user_id)
    {
        attempts.remove(&change.payment.attempt_name());
    }
    let mut payment = change.payment.clone();
    if state.payments.saved.is_deleted(payment.user_id) {
        take_reasons(&mut payment);
    }
    state.payments.put(&payment);
    state.payments.post(&change.transfers);
    for event in events {
        state.outbox.add(event);
    }
    true
}

impl ports::PaymentStore for Payments {
    async fn begin(&self, payment: &Payment, limit: Option<AttemptLimit>) -> Result<Payment, Failure> {
        let commit = self.0.commit("payments.begin", |state| {
            if let Some(found) = state.payments.of(payment.order_id) {
                return Ok(found.clone());
            }
            let is_refused = limit.is_some_and(|limit| state.payments.attempt(payment, limit).is_err());
            let of_user = |method| state.payments.saved.customer_of(payment.user_id, method);
            let customer = payment.method.as_ref().and_then(of_user);
            let attempts = if is_refused { 0 } else { payment.attempts };
            let payment = Payment { attempts, customer, ..payment.clone() };
            state.payments.put(&payment);
            Ok(payment)
        });
        commit.await
    }

    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        let query = self.0.query(Dependency::Database, |state| Ok(state.payments.payments.get(&id).cloned()));
        query.await.map(|found| found.filter(|payment| is_visible_to(payment, owner)))
    }

    async fn find_by_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        let query = self.0.query(Dependency::Database, |state| Ok(state.payments.of(order).cloned()));
        query.await.map(|found| found.filter(|payment| is_visible_to(payment, owner)))
    }

    async fn find_by_transaction(&self, transaction_id: &str) -> Result<Option<Payment>, Failure> {
        let is_it = |payment: &&Payment| payment.transaction_id.as_deref() == Some(transaction_id);
        self.0.query(Dependency::Database, |state| Ok(state.payments.payments.values().find(is_it).cloned())).await
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        change: &PaymentTransition,
        events: &[Event],
    ) -> Result<TransitionOutcome, Failure> {
        let commit = self.0.commit("payments.advance", |state| {
            if claim.is_some_and(|claim| state.claims.contains(&claim)) {
                return Ok(TransitionOutcome::AlreadyApplied);
            }
            if !apply(state, change, events) {
                return Ok(TransitionOutcome::VersionConflict);
            }
            state.claims.extend(claim);
            Ok(TransitionOutcome::Applied)
        });
        commit.await
    }

    async fn advance_with_reply(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        change: &PaymentTransition,
        events: &[Event],
        limit: Option<AttemptLimit>,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let commit = self.0.commit("payments.advance_with_reply", |state| {
            if let Some(settled) = state.payments.keys.find(key)? {
                return Ok(Some(settled));
            }
            let stored = state.payments.payments.get(&change.payment.id);
            if stored.is_none_or(|stored| stored.version + 1 != change.payment.version) {
                return Ok(None);
            }
            if let Some(limit) = limit {
                let counted = state.payments.attempt(&change.payment, limit);
                counted.map_err(|oldest| AttemptLimit::refuse(oldest, change.payment.attempted_at))?;
            }
            if !apply(state, change, events) {
                return Ok(None);
            }
            state.payments.keys.record(key, Some(reply));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("payments.store_response", |state| {
            if let Some(settled) = state.payments.keys.find(key)? {
                return Ok(settled);
            }
            state.payments.keys.record(key, Some(reply));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn record_event(&self, event: &Event) -> Result<(), Failure> {
        let commit = self.0.commit("payments.record_event", |state| {
            state.outbox.add(event);
            Ok(())
        });
        commit.await
    }

    async fn due_for_reconciliation(
        &self,
        before: Timestamp,
        after: Option<&DuePayment>,
        limit: u32,
    ) -> Result<Vec<DuePayment>, Failure> {
        let behind = after.map(|after| (after.since, after.payment.id));
        let query = self.0.query(Dependency::Database, |state| {
            let payments = state.payments.payments.values();
            let due = payments.filter_map(|payment| Some((state.payments.due_at(payment)?, payment.id, payment)));
            let mut due: Vec<_> =
                due.filter(|(since, id, _)| *since < before && Some((*since, *id)) > behind).collect();
            due.sort_by_key(|(since, id, _)| (*since, *id));
            due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(due.into_iter().map(|(since, _, payment)| DuePayment { payment: payment.clone(), since }).collect())
        });
        query.await
    }

    async fn postpone_reconciliation(&self, payment: &Payment, until: Timestamp) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "payments.postpone_reconciliation", |state| {
            let payments = &mut state.payments;
            if payments.payments.get(&payment.id).is_some_and(|stored| stored.version == payment.version) {
                payments.postponed.insert(payment.id, until);
            }
            Ok(())
        });
        step.await
    }

    async fn mismatched(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let payments = state.payments.payments.values();
            let mut found: Vec<_> = payments.filter_map(|one| Some(((one.mismatched_at()?, one.id.0), one))).collect();
            found.retain(|(position, _)| after.is_none_or(|after| *position < after));
            found.sort_unstable_by_key(|(position, _)| Reverse(*position));
            Ok(page_of(found, limit))
        });
        query.await
    }

    async fn awaiting_approval(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let payments = state.payments.payments.values();
            let mut found: Vec<_> =
                payments.filter_map(|one| Some(((one.awaits_approval_since()?, one.id.0), one))).collect();
            found.retain(|(position, _)| after.is_none_or(|after| *position > after));
            found.sort_unstable_by_key(|(position, _)| *position);
            Ok(page_of(found, limit))
        });
        query.await
    }

    async fn waiting_approvals(&self) -> Result<WaitingApprovals, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let waiting = state.payments.payments.values().flat_map(Payment::waiting_approvals);
            let requested: Vec<Timestamp> = waiting.map(|approval| approval.requested_at).collect();
            let refunds = u64::try_from(requested.len()).unwrap_or(u64::MAX);
            Ok(WaitingApprovals { refunds, oldest: requested.into_iter().min() })
        });
        query.await
    }
}

/// The first payments of a list, each with its position.
fn page_of(mut found: Vec<((Timestamp, Uuid), &Payment)>, limit: u32) -> Page<Payment> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|((at, id), _)| format!("{at}/{id}"));
    Page { items: found.into_iter().map(|(_, payment)| payment.clone()).collect(), next }
}

fn is_visible_to(payment: &Payment, owner: Option<UserId>) -> bool {
    owner.is_none_or(|owner| payment.user_id == owner)
}
