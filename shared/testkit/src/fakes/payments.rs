//! In-memory fakes of the payment store and the ledger.

use super::{
    Dependency, Ledger, Payments, State, keys::IdempotencyKeys, orders::read_cursor, saved_methods::SavedMethodsState,
};
use domain::{
    Event,
    id::{OrderId, PaymentId, UserId},
    ledger::{Account, GatewayTransaction, PostedLine, Purpose, StatedLine, Transfer},
    payment::{ATTEMPT_WINDOW_SECONDS, AttemptLimit, Change, Payment, Status},
    reconciliation::{Outcome, Pass, Progress},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Claim, Page, TransitionOutcome};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct PaymentsState {
    pub payments: HashMap<PaymentId, Payment>,
    of_orders: HashMap<OrderId, PaymentId>,
    pub(super) keys: IdempotencyKeys,
    pub(super) saved: SavedMethodsState,
    pub transfers: Vec<Transfer>,
    /// Of the gateway, as far as it was read.
    statement: Vec<GatewayTransaction>,
    progress: Progress,
    /// The attempts that count for the limit: their names, with their starts.
    attempts: HashMap<UserId, BTreeMap<String, Timestamp>>,
}

impl PaymentsState {
    fn of(&self, order: OrderId) -> Option<&Payment> {
        self.payments.get(self.of_orders.get(&order)?)
    }

    fn put(&mut self, payment: &Payment) {
        self.of_orders.insert(payment.order_id, payment.id);
        self.payments.insert(payment.id, payment.clone());
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

    /// Posts transfers and ignores duplicates.
    fn post(&mut self, transfers: &[Transfer]) {
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

/// Applies a transition with its transfers and events; `false` on a version conflict.
fn apply(state: &mut State, change: &Change, events: &[Event]) -> bool {
    let stored = state.payments.payments.get(&change.payment.id);
    if stored.is_none_or(|stored| stored.version + 1 != change.payment.version) {
        return false;
    }
    if change.payment.status == Status::Succeeded
        && let Some(attempts) = state.payments.attempts.get_mut(&change.payment.user_id)
    {
        attempts.remove(&change.payment.attempt_name());
    }
    state.payments.put(&change.payment);
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
        change: &Change,
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
        change: &Change,
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

    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("payments.store_rejection", |state| {
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
        after: Option<&Payment>,
        limit: u32,
    ) -> Result<Vec<Payment>, Failure> {
        let behind = after.map(|after| (after.reconcile_after(), after.id));
        let query = self.0.query(Dependency::Database, |state| {
            let payments = state.payments.payments.values();
            let due = payments.filter_map(|payment| Some((payment.reconcile_after()?, payment.id, payment)));
            let mut due: Vec<_> = due
                .filter(|(reconcile_after, id, _)| {
                    *reconcile_after < before && Some((Some(*reconcile_after), *id)) > behind
                })
                .collect();
            due.sort_by_key(|(reconcile_after, id, _)| (*reconcile_after, *id));
            due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(due.into_iter().map(|(.., payment)| payment.clone()).collect())
        });
        query.await
    }

    async fn mismatched(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let payments = state.payments.payments.values();
            let mut found: Vec<_> = payments.filter_map(|one| Some(((one.mismatched_at()?, one.id.0), one))).collect();
            found.retain(|(position, _)| after.is_none_or(|after| *position < after));
            found.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position));
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|((at, id), _)| format!("{at}/{id}"));
            Ok(Page { items: found.into_iter().map(|(_, payment)| payment.clone()).collect(), next })
        });
        query.await
    }
}

fn is_visible_to(payment: &Payment, owner: Option<UserId>) -> bool {
    owner.is_none_or(|owner| payment.user_id == owner)
}

impl Ledger {
    /// All posted transfers, in order.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.0.inspect(|state| state.payments.transfers.clone())
    }

    /// Balance of each account and currency in minor units: debits are positive, credits negative.
    pub fn balances(&self) -> BTreeMap<(Account, &'static str), i64> {
        let mut balances = BTreeMap::new();
        for transfer in self.transfers() {
            for (account, minor) in transfer.entries() {
                *balances.entry((account, transfer.amount.currency.code())).or_default() += minor;
            }
        }
        balances
    }
}

impl ports::Ledger for Ledger {
    async fn progress(&self) -> Result<Progress, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.payments.progress.clone())).await
    }

    async fn stated(&self, pass: &Pass, limit: u32) -> Result<Vec<StatedLine>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let transfers = &state.payments.transfers;
            let posted = |purpose, reference: &str| {
                transfers.iter().find(|one| one.purpose == purpose && one.reference == reference).map(|one| one.amount)
            };
            let line = |one: &GatewayTransaction| StatedLine {
                transaction: one.clone(),
                posted: posted(one.purpose, &one.reference),
                has_fee: posted(Purpose::Fee, &one.reference).is_some(),
            };
            let key = |one: &GatewayTransaction| (one.at, one.purpose.name(), one.reference.clone());
            Ok(page(state.payments.statement.iter(), key, pass, limit).into_iter().map(line).collect())
        });
        query.await
    }

    async fn posted(&self, pass: &Pass, limit: u32) -> Result<Vec<PostedLine>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let is_stated = |transfer: &Transfer| {
                let mut statement = state.payments.statement.iter();
                statement.any(|one| one.purpose == transfer.purpose && one.reference == transfer.reference)
            };
            let key = |one: &Transfer| (one.at, one.purpose.name(), one.reference.clone());
            let lines = page(state.payments.transfers.iter(), key, pass, limit);
            Ok(lines.into_iter().map(|one| PostedLine { transfer: one.clone(), is_stated: is_stated(one) }).collect())
        });
        query.await
    }

    async fn unposted(&self, transactions: Vec<GatewayTransaction>) -> Result<Vec<GatewayTransaction>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let is_posted = |one: &GatewayTransaction| {
                let mut transfers = state.payments.transfers.iter();
                transfers.any(|transfer| transfer.purpose == one.purpose && transfer.reference == one.reference)
            };
            Ok(transactions.iter().filter(|one| !is_posted(one)).cloned().collect())
        });
        query.await
    }

    async fn post(&self, transfers: &[Transfer], event: &Event) -> Result<(), Failure> {
        let commit = self.0.commit("ledger.post", |state| {
            state.payments.post(transfers);
            state.outbox.add(event);
            Ok(())
        });
        commit.await
    }

    async fn advance(&self, before: &Progress, outcome: &Outcome, events: &[Event]) -> Result<bool, Failure> {
        let commit = self.0.commit("ledger.advance", |state| {
            if state.payments.progress != *before {
                return Ok(false);
            }
            state.payments.progress = outcome.progress.clone();
            for new in &outcome.transactions {
                let is_same = |old: &GatewayTransaction| old.purpose == new.purpose && old.reference == new.reference;
                if !state.payments.statement.iter().any(is_same) {
                    state.payments.statement.push(new.clone());
                }
            }
            state.payments.post(&outcome.fees);
            events.iter().for_each(|event| state.outbox.add(event));
            Ok(true)
        });
        commit.await
    }
}

/// The lines of a page of a comparison, in order.
fn page<'a, T>(
    all: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> (Timestamp, &'static str, String),
    pass: &Pass,
    limit: u32,
) -> Vec<&'a T> {
    let after = pass.after.as_ref().map(|after| (after.at, after.purpose.name(), after.reference.clone()));
    let within = all.filter(|one| (pass.from..pass.to).contains(&key(one).0));
    let mut lines: Vec<&T> = within.filter(|one| after.as_ref().is_none_or(|after| key(one) > *after)).collect();
    lines.sort_by_key(|one| key(one));
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    lines
}
