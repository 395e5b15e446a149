//! In-memory fake of the order store.

use super::{Dependency, Orders, keys::IdempotencyKeys};
use domain::{
    Event,
    id::{OrderId, ProductId, UserId},
    order::{self, Note, Order, ProductSnapshot, Reason, Status},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Claim, Page, PlacementConditions, PriceSource, Quote, TimeCursor, TransitionOutcome};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Default)]
pub(super) struct OrdersState {
    pub orders: HashMap<OrderId, Order>,
    pub(super) keys: IdempotencyKeys,
    /// The copy of the catalogue's prices.
    pub prices: HashMap<ProductId, ProductSnapshot>,
    /// Oldest first.
    pub(super) notes: Vec<Note>,
    /// Customers who were erased, and when.
    pub(super) erasures: BTreeMap<UserId, Timestamp>,
    /// Orders that were erased.
    pub(super) erased: HashSet<OrderId>,
    /// The prices that processes saw last.
    price_cache: HashMap<ProductId, ProductSnapshot>,
}

impl OrdersState {
    /// Stores a snapshot unless the copy has the same or a newer version.
    fn store_price(&mut self, product: &ProductSnapshot) -> bool {
        let is_new = self.prices.get(&product.product_id).is_none_or(|known| known.version < product.version);
        if is_new {
            self.prices.insert(product.product_id, product.clone());
        }
        is_new
    }

    /// Whether the conditions of an order are met, once what was fetched is in the copy.
    fn check(&self, conditions: &PlacementConditions<'_>) -> Result<(), Failure> {
        let newest = |product: &ProductSnapshot| {
            let fetched = conditions.fetched.iter().filter(|one| one.product_id == product.product_id);
            fetched.chain(self.prices.get(&product.product_id)).max_by_key(|one| one.version)
        };
        let is_current = |used: &ProductSnapshot| {
            newest(used).is_some_and(|now| {
                now.active && (&now.name, &now.category, now.price) == (&used.name, &used.category, used.price)
            })
        };
        if conditions.prices.iter().all(is_current) { Ok(()) } else { Err(PlacementConditions::outdated()) }
    }
}

impl Orders {
    /// All orders, oldest first.
    pub fn all(&self) -> Vec<Order> {
        let mut all: Vec<Order> = self.0.inspect(|state| state.orders.orders.values().cloned().collect());
        all.sort_by_key(|order| (order.created_at, order.id));
        all
    }

    /// The copy of the catalogue's prices.
    pub fn prices(&self) -> Vec<ProductSnapshot> {
        self.0.inspect(|state| state.orders.prices.values().cloned().collect())
    }

    /// Stores a price in the copy, as an event of the catalogue does.
    pub fn put_price(&self, product: &ProductSnapshot) {
        self.0.arrange(|state| state.orders.store_price(product));
    }

    /// Remembers prices as a process does. The memory of all processes is one, and of no consequence: it is compared with the copy.
    fn cache_prices(&self, products: &[ProductSnapshot]) {
        self.0.arrange_memory(|state| {
            let seen = products.iter().map(|product| (product.product_id, product.clone()));
            state.orders.price_cache.extend(seen);
        });
    }

    /// Stores an order without an idempotency key and without an event.
    pub fn put(&self, order: &Order) {
        self.0.arrange(|state| state.orders.orders.insert(order.id, order.clone()));
    }

    /// Looks up an idempotency key in a step of its own.
    pub async fn find_key(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.0.query(Dependency::Database, |state| state.orders.keys.find(key)).await
    }

    /// Places an order without checking its key, and overwrites an existing order.
    pub async fn place_unchecked(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
        fetched: &[ProductSnapshot],
    ) -> Result<(), Failure> {
        let commit = self.0.commit("orders.place_unchecked", |state| {
            for product in fetched {
                state.orders.store_price(product);
            }
            state.orders.orders.insert(order.id, order.clone());
            state.orders.keys.record(key, Some(reply));
            state.outbox.add(event);
            Ok(())
        });
        commit.await
    }

    /// Marks the request with this key as in flight.
    pub fn mark_key_in_flight(&self, key: &IdempotencyKey) {
        self.0.arrange(|state| state.orders.keys.record(key, None));
    }
}

impl ports::PriceCopy for Orders {
    async fn track(&self, claim: Claim, product: &ProductSnapshot) -> Result<bool, Failure> {
        let commit = self.0.commit("orders.track", |state| Ok(state.claim(claim) && state.orders.store_price(product)));
        commit.await
    }

    async fn quote(&self, key: &IdempotencyKey, products: &[ProductId], enough: PriceSource) -> Result<Quote, Failure> {
        if enough == PriceSource::Cached {
            let cached = |product: &ProductId| self.0.inspect(|state| state.orders.price_cache.get(product).cloned());
            if let Some(products) = products.iter().map(cached).collect() {
                return Ok(Quote { first: None, products, source: PriceSource::Cached });
            }
        }
        let query = self.0.query(Dependency::Database, |state| {
            let products = products.iter().filter_map(|product| state.orders.prices.get(product)).cloned().collect();
            let first = match state.orders.keys.find(key)? {
                Some(IdempotencyOutcome::Replayed(first)) => Some(first),
                _ => None,
            };
            Ok(Quote { first, products, source: PriceSource::Current })
        });
        let quote = query.await?;
        self.cache_prices(&quote.products);
        Ok(quote)
    }
}

impl ports::OrderStore for Orders {
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
        conditions: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("orders.place", |state| {
            if let Some(settled) = state.orders.keys.find(key)? {
                return Ok(settled);
            }
            state.orders.check(conditions)?;
            if let Some(limits) = conditions.limits {
                let delayed = state.orders.orders.values().filter(|other| order::is_delayed(other, order.created_at));
                if delayed.count() >= limits.delayed_orders as usize {
                    return Err(order::orders_delayed());
                }
                let theirs = state.orders.orders.values().filter(|other| other.user_id == order.user_id);
                limits.check(theirs, order)?;
            }
            if state.orders.orders.contains_key(&order.id) {
                return Err(Failure::internal(format!("the order {} exists already", order.id)));
            }
            for product in conditions.fetched {
                state.orders.store_price(product);
            }
            state.orders.orders.insert(order.id, order.clone());
            state.orders.keys.record(key, Some(reply));
            state.outbox.add(event);
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("orders.store_response", |state| {
            if let Some(settled) = state.orders.keys.find(key)? {
                return Ok(settled);
            }
            state.orders.keys.record(key, Some(reply));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure> {
        let is_visible = |order: &&Order| owner.is_none_or(|owner| order.user_id == owner);
        self.0.query(Dependency::Database, |state| Ok(state.orders.orders.get(&id).filter(is_visible).cloned())).await
    }

    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let position = |order: &Order| (order.created_at, order.id.0);
            let mut orders: Vec<&Order> = state.orders.orders.values().filter(|order| order.user_id == owner).collect();
            orders.retain(|order| after.is_none_or(|after| position(order) < after));
            orders.sort_unstable_by_key(|order| std::cmp::Reverse(position(order)));
            let more = orders.len() > limit;
            orders.truncate(limit);
            let next = orders.last().filter(|_| more).map(|last| format!("{}/{}", last.created_at, last.id));
            Ok(Page { items: orders.into_iter().cloned().collect(), next })
        });
        query.await
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure> {
        let commit = self.0.commit("orders.advance", |state| {
            if claim.is_some_and(|claim| state.claims.contains(&claim)) {
                return Ok(TransitionOutcome::AlreadyApplied);
            }
            let stored = state.orders.orders.get_mut(&order.id).filter(|stored| stored.version + 1 == order.version);
            let Some(stored) = stored else { return Ok(TransitionOutcome::VersionConflict) };
            *stored = order.clone();
            state.claims.extend(claim);
            if let Some(event) = event {
                state.outbox.add(event);
            }
            Ok(TransitionOutcome::Applied)
        });
        commit.await
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<Vec<Order>, Failure> {
        let is_behind = |order: &Order| after.is_none_or(|after| (order.created_at, order.id.0) > (after.at, after.id));
        let is_stuck = |order: &Order| {
            let state = order::State::of(order.status, order.reason);
            matches!(order::next(state, order::Input::TimedOut), order::Transition::To(..))
        };
        let query = self.0.query(Dependency::Database, |state| {
            let orders = state.orders.orders.values();
            let mut stuck: Vec<&Order> = orders.filter(|order| order.created_at < before && is_stuck(order)).collect();
            stuck.retain(|order| is_behind(order));
            stuck.sort_unstable_by_key(|order| (order.created_at, order.id));
            stuck.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(stuck.into_iter().cloned().collect())
        });
        query.await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let mut pending = BTreeMap::new();
            let orders = state.orders.orders.values().filter(|order| order.status == Status::Pending);
            for reason in orders.filter_map(|order| order.reason) {
                *pending.entry(reason).or_default() += 1;
            }
            Ok(pending)
        });
        query.await
    }
}

pub(super) fn read_cursor(cursor: &str) -> Result<(Timestamp, Uuid), Failure> {
    let (at, id) = cursor.split_once('/').unwrap_or_default();
    match (at.parse(), id.parse()) {
        (Ok(at), Ok(id)) => Ok((at, id)),
        _ => Err(Failure::field("?cursor", "is not a cursor of this list")),
    }
}
