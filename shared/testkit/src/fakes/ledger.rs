//! In-memory fake of the ledger, over the state of the payment store.

use super::{Dependency, Ledger, payments::PaymentsState};
use domain::{
    Event,
    ledger::{Discrepancy, GatewayTransaction, LedgerAccount, PostedLine, Purpose, PurposeTotal, StatedLine, Transfer},
    reconciliation::{self, ComparisonProgress, LinePosition, Lines, ReconciliationProgress, Report, StepResult},
};
use kernel::{Failure, Timestamp};
use std::{collections::BTreeMap, ops::Range};

impl Ledger {
    /// All posted transfers, in order.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.0.inspect(|state| state.payments.transfers.clone())
    }

    /// Balance of each account and currency in minor units: debits are positive, credits negative.
    pub fn balances(&self) -> BTreeMap<(LedgerAccount, &'static str), i64> {
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
    async fn progress(&self) -> Result<ReconciliationProgress, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.payments.progress.clone())).await
    }

    async fn report(&self, period: &Range<Timestamp>, limit: u32) -> Result<Report, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let PaymentsState { transfers, statement, progress, .. } = &state.payments;
            let comparable = progress.read_until.map(reconciliation::comparable).transpose()?;
            let is_comparable = |at: &Timestamp| comparable.as_ref().is_some_and(|period| period.contains(at));
            let posted = |purpose, reference: &str| {
                transfers.iter().find(|one| one.purpose == purpose && one.reference == reference).map(|one| one.amount)
            };
            let is_stated = |transfer: &Transfer| {
                statement.iter().any(|one| one.purpose == transfer.purpose && one.reference == transfer.reference)
            };
            let stated = statement.iter().filter(|one| is_comparable(&one.at)).filter_map(|one| {
                Discrepancy::between(one.purpose, &one.reference, posted(one.purpose, &one.reference), Some(one.amount))
            });
            let unstated = transfers.iter().filter(|one| is_comparable(&one.at) && one.purpose.is_compared());
            let unstated = unstated
                .filter(|one| !is_stated(one))
                .filter_map(|one| Discrepancy::between(one.purpose, &one.reference, Some(one.amount), None));
            let mut discrepancies: Vec<Discrepancy> = stated.chain(unstated).collect();
            discrepancies.sort_by_key(|one| (one.reference.clone(), one.purpose.name()));
            discrepancies.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let totals = totals(transfers.iter().filter(|one| period.contains(&one.at)));
            Ok(Report { totals, progress: progress.clone(), discrepancies })
        });
        query.await
    }

    async fn stated(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<StatedLine>, Failure> {
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
            Ok(page(state.payments.statement.iter(), key, comparison, limit, line))
        });
        query.await
    }

    async fn posted(&self, comparison: &ComparisonProgress, limit: u32) -> Result<Lines<PostedLine>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let is_stated = |transfer: &Transfer| {
                let mut statement = state.payments.statement.iter();
                statement.any(|one| one.purpose == transfer.purpose && one.reference == transfer.reference)
            };
            let key = |one: &Transfer| (one.at, one.purpose.name(), one.reference.clone());
            let line = |one: &Transfer| PostedLine { transfer: one.clone(), is_stated: is_stated(one) };
            Ok(page(state.payments.transfers.iter(), key, comparison, limit, line))
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

    async fn advance(
        &self,
        before: &ReconciliationProgress,
        outcome: &StepResult,
        events: &[Event],
    ) -> Result<bool, Failure> {
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

fn totals<'a>(transfers: impl Iterator<Item = &'a Transfer>) -> Vec<PurposeTotal> {
    let mut totals = BTreeMap::new();
    for one in transfers {
        let (purpose, currency) = (one.purpose, one.amount.currency);
        let total = totals.entry((purpose.name(), currency.code()));
        let total = total.or_insert(PurposeTotal { purpose, currency, transfers: 0, amount: 0 });
        (total.transfers, total.amount) = (total.transfers + 1, total.amount + one.amount.amount.get());
    }
    totals.into_values().collect()
}

/// The lines of a page of a comparison, in order.
fn page<'a, T: 'a, L>(
    all: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> (Timestamp, &'static str, String),
    comparison: &ComparisonProgress,
    limit: u32,
    line: impl Fn(&T) -> L,
) -> Lines<L> {
    let after = comparison.after.as_ref().map(|after| (after.at, after.purpose.as_str(), after.reference.clone()));
    let within = all.filter(|one| (comparison.from..comparison.to).contains(&key(one).0));
    let mut lines: Vec<&T> = within.filter(|one| after.as_ref().is_none_or(|after| key(one) > *after)).collect();
    lines.sort_by_key(|one| key(one));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    lines.truncate(limit);
    let position = |one: &&T| {
        let (at, purpose, reference) = key(one);
        LinePosition { at, purpose: purpose.to_owned(), reference }
    };
    let next = lines.last().filter(|_| lines.len() == limit).map(position);
    Lines { lines: lines.into_iter().map(line).collect(), next }
}
