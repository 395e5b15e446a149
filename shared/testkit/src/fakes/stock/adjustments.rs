//! Adjustments by staff, the movements of stock accounts, and alerts of low stock.

use super::{Dependency, Stock};
use domain::{
    Event,
    event::StockLevel,
    id::ProductId,
    stock::{self, AdjustStock, StockMovement},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::Page;

impl ports::StockAdjustments for Stock {
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        adjustment: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let commit = self.0.commit("stock.adjust", |state| {
            if let Some(outcome) = state.stock.keys.find(key)? {
                return Ok(Some(outcome));
            }
            let level = state.stock.levels.get_mut(&after.product_id);
            let Some(level) = level.filter(|level| level.version + 1 == after.version) else { return Ok(None) };
            level.clone_from(after);
            *state.stock.adjusted.entry(after.product_id).or_default() += adjustment.delta;
            state.stock.record(event);
            state.outbox.add(event);
            state.stock.keys.record(key, Some(reply));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("stock.store_response", |state| {
            if let Some(outcome) = state.stock.keys.find(key)? {
                return Ok(outcome);
            }
            state.stock.keys.record(key, Some(reply));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }
}

impl ports::StockMovements for Stock {
    async fn movements(
        &self,
        product: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<StockMovement>, Failure> {
        let before = cursor.map(stock::parse_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            let all = state.stock.movements.get(&product).map(Vec::as_slice).unwrap_or_default();
            let older = all.iter().rev().filter(|one| before.is_none_or(|before| one.level.version < before));
            let (older, limit) = (older.cloned().collect::<Vec<_>>(), usize::try_from(limit).unwrap_or(usize::MAX));
            let next =
                older.get(limit).and(older.get(limit.saturating_sub(1))).map(|one| one.level.version.to_string());
            Ok(Page { items: older.into_iter().take(limit).collect(), next })
        });
        query.await
    }
}

impl ports::LowStockAlerts for Stock {
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("stock.record_level", |state| {
            let newest = state.stock.low.get(&level.product_id);
            if newest.is_some_and(|(version, _)| *version >= level.version) {
                return Ok(false);
            }
            let is_new = is_low && newest.is_none_or(|(_, was_low)| !was_low);
            state.stock.low.insert(level.product_id, (level.version, is_low));
            if is_new {
                state.outbox.add(event);
            }
            Ok(is_new)
        });
        commit.await
    }
}
