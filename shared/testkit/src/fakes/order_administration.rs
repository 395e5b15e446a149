//! In-memory fake of the lists, changes of the address and notes of those who work with all orders.

use super::{Dependency, Orders, orders::read_cursor};
use domain::{
    id::OrderId,
    order::{Filter, Note, Order},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Uuid};
use ports::{Page, TransitionOutcome};
use std::cmp::Ordering;

impl ports::OrderSearch for Orders {
    async fn search(&self, filter: &Filter, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        let sort = filter.sort;
        let after = cursor.map(|cursor| parse_cursor(sort.name(), cursor)).transpose()?;
        let key = |order: &Order| (sort.key(order), order.id.0);
        let compare = |one: &(i64, Uuid), other: &(i64, Uuid)| match sort.is_descending() {
            true => other.cmp(one),
            false => one.cmp(other),
        };
        let query = self.0.query(Dependency::Database, |state| {
            let is_behind = |order: &&Order| after.is_none_or(|after| compare(&after, &key(order)) == Ordering::Less);
            let orders = state.orders.orders.values();
            let mut found: Vec<&Order> = orders.filter(|order| filter.matches(order)).filter(is_behind).collect();
            found.sort_unstable_by(|one, other| compare(&key(one), &key(other)));
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|last| format!("{}/{}/{}", sort.name(), key(last).0, last.id));
            Ok(Page { items: found.into_iter().cloned().collect(), next })
        });
        query.await
    }
}

fn parse_cursor(sort: &str, cursor: &str) -> Result<(i64, Uuid), Failure> {
    let parse = || {
        let (key, id) = cursor.strip_prefix(sort)?.strip_prefix('/')?.split_once('/')?;
        Some((key.parse().ok()?, id.parse().ok()?))
    };
    parse().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

impl ports::OrderAddresses for Orders {
    async fn change_address(&self, order: &Order, note: Option<&Note>) -> Result<TransitionOutcome, Failure> {
        let commit = self.0.commit("orders.change_address", |state| {
            let stored = state.orders.orders.get_mut(&order.id).filter(|stored| stored.version + 1 == order.version);
            let Some(stored) = stored else { return Ok(TransitionOutcome::VersionConflict) };
            stored.shipping_address = order.shipping_address.clone();
            stored.version = order.version;
            stored.updated_at = order.updated_at;
            state.orders.notes.extend(note.cloned());
            Ok(TransitionOutcome::Applied)
        });
        commit.await
    }
}

impl ports::OrderNotes for Orders {
    async fn add_note(
        &self,
        note: &Note,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let commit = self.0.commit("orders.add_note", |state| {
            if !state.orders.orders.contains_key(&note.order_id) {
                return Ok(None);
            }
            if let Some(settled) = key.map(|key| state.orders.keys.find(key)).transpose()?.flatten() {
                return Ok(Some(settled));
            }
            state.orders.notes.push(note.clone());
            key.into_iter().for_each(|key| state.orders.keys.record(key, Some(reply)));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn notes(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Option<Page<Note>>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let query = self.0.query(Dependency::Database, |state| {
            if !state.orders.orders.contains_key(&order) {
                return Ok(None);
            }
            let position = |note: &Note| (note.created_at, note.id.0);
            let mut notes: Vec<Note> =
                state.orders.notes.iter().filter(|note| note.order_id == order).cloned().collect();
            notes.retain(|note| after.is_none_or(|after| position(note) < after));
            notes.sort_by_key(|note| std::cmp::Reverse(position(note)));
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = notes.len() > limit;
            notes.truncate(limit);
            let next = notes.last().filter(|_| more).map(|last| format!("{}/{}", last.created_at, last.id));
            Ok(Some(Page { items: notes, next }))
        });
        query.await
    }
}
