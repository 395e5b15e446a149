//! In-memory stock accounts and reservations. Every transition comes from `domain::stock::next`.

mod adjustments;

use super::{Dependency, State, Stock, keys::IdempotencyKeys};
use domain::{
    DomainEvent, Event,
    event::{ProductCreated, StockLevel, StockLine},
    id::{OrderId, ProductId},
    stock::{self, Input, Reservation, StockMovement, StockMovementKind, Transition},
};
use kernel::{Failure, Timestamp};
use ports::{Claim, ExpiredReservation, PaidOrder};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct StockState {
    pub levels: HashMap<ProductId, StockLevel>,
    pub reservations: HashMap<OrderId, ReservationRecord>,
    pub shipped: HashMap<ProductId, i64>,
    adjusted: HashMap<ProductId, i64>,
    keys: IdempotencyKeys,
    movements: HashMap<ProductId, Vec<StockMovement>>,
    /// Version of the newest level seen of each product, and whether it was low.
    low: HashMap<ProductId, (i64, bool)>,
}

/// The reservation of an order. One that was released before it was reserved has no lines.
pub(super) struct ReservationRecord {
    pub state: stock::State,
    pub lines: Vec<StockLine>,
    /// Counts the transitions; the `sequence` of its events.
    version: u64,
    expires_at: Option<Timestamp>,
    paid: Option<PaidOrder>,
}

impl Stock {
    /// Every level, sorted by product.
    pub fn levels(&self) -> Vec<StockLevel> {
        let mut levels: Vec<StockLevel> = self.0.inspect(|state| state.stock.levels.values().cloned().collect());
        levels.sort_by_key(|level| level.product_id);
        levels
    }

    /// Units of a product that were shipped.
    pub fn shipped(&self, product: ProductId) -> i64 {
        self.0.inspect(|state| state.stock.shipped.get(&product).copied().unwrap_or_default())
    }

    /// Sum of all manual adjustments of a product.
    pub fn adjusted(&self, product: ProductId) -> i64 {
        self.0.inspect(|state| state.stock.adjusted.get(&product).copied().unwrap_or_default())
    }

    /// State of the reservation of an order.
    pub fn state(&self, order: OrderId) -> Option<stock::State> {
        self.0.inspect(|state| state.stock.state(order))
    }

    /// The lines that are reserved or allocated for an order.
    pub fn reserved_lines(&self, order: OrderId) -> Option<Vec<StockLine>> {
        self.0.inspect(|state| {
            let reservation = state.stock.reservations.get(&order).filter(|one| one.state.counts_as_reserved())?;
            Some(reservation.lines.clone())
        })
    }

    /// Overwrites a level without any check.
    pub fn overwrite(&self, level: &StockLevel) {
        self.0.arrange(|state| state.stock.levels.insert(level.product_id, level.clone()));
    }

    /// Removes the movement that led to a level.
    pub fn forget_movement(&self, level: &StockLevel) {
        self.0.arrange(|state| {
            let moved = state.stock.movements.entry(level.product_id).or_default();
            moved.retain(|movement| movement.level != *level);
        });
    }

    /// Opens an account with `available` units, without an event.
    pub fn put(&self, product_id: ProductId, available: u32) {
        let level = StockLevel { product_id, available: available.into(), reserved: 0, version: 1 };
        self.0.arrange(|state| state.stock.levels.insert(product_id, level));
    }
}

/// A transition that was made.
struct Step {
    from: Option<stock::State>,
    to: stock::State,
    /// Version of the reservation after it.
    version: u64,
    /// The new levels of the products whose stock it moved.
    levels: Vec<StockLevel>,
}

impl StockState {
    fn state(&self, order: OrderId) -> Option<stock::State> {
        self.reservations.get(&order).map(|reservation| reservation.state)
    }

    /// Applies an input to a reservation and updates the levels if the reservation begins or ceases to count as reserved. `None` if the input is
    /// ignored.
    fn step(&mut self, order: OrderId, input: Input) -> Result<Option<Step>, Failure> {
        let from = self.state(order);
        let to = match stock::next(from, input) {
            Transition::To(to) => to,
            Transition::Ignore => return Ok(None),
            Transition::Reject => return Err(stock::invalid_transition(from, input)),
        };
        let new = ReservationRecord { state: to, lines: vec![], version: 0, expires_at: None, paid: None };
        let reservation = self.reservations.entry(order).or_insert(new);
        reservation.state = to;
        reservation.version += 1;
        let (lines, version) = (reservation.lines.clone(), reservation.version);
        let levels = self.move_stock(&lines, from.is_some_and(stock::State::counts_as_reserved), to);
        Ok(Some(Step { from, to, version, levels }))
    }

    /// Moves lines between available and reserved, or out of stock; the new levels.
    fn move_stock(&mut self, lines: &[StockLine], was_reserved: bool, to: stock::State) -> Vec<StockLevel> {
        let mut levels = Vec::new();
        for line in lines.iter().filter(|_| was_reserved != to.counts_as_reserved()) {
            let Some(level) = self.levels.get_mut(&line.product_id) else { continue };
            let units = i64::from(line.quantity) * if was_reserved { -1 } else { 1 };
            level.reserved += units;
            match to {
                stock::State::Shipped => *self.shipped.entry(line.product_id).or_default() -= units,
                _ => level.available -= units,
            }
            level.version += 1;
            levels.push(level.clone());
        }
        levels
    }

    /// Whether all lines are available to an order that was paid as `paid`, or to an unpaid order: backorders that were paid earlier
    /// come first.
    fn are_available(&self, lines: &[StockLine], paid: Option<PaidOrder>) -> bool {
        let is_available = |line: &StockLine, level: &StockLevel| {
            level.available - self.backordered_units(line.product_id, paid) >= i64::from(line.quantity)
        };
        lines.iter().all(|line| self.levels.get(&line.product_id).is_some_and(|level| is_available(line, level)))
    }

    /// Units of a product that backorders wait for: all of them, or only those paid before `paid`.
    fn backordered_units(&self, product: ProductId, paid: Option<PaidOrder>) -> i64 {
        let is_before = |other: &PaidOrder| paid.is_none_or(|own| (other.at, other.order_id) < (own.at, own.order_id));
        let backorders = self.reservations.values().filter(|one| one.state == stock::State::Backordered);
        let before = backorders.filter(|one| one.paid.as_ref().is_some_and(is_before));
        let lines = before.flat_map(|one| &one.lines).filter(|line| line.product_id == product);
        lines.map(|line| i64::from(line.quantity)).sum()
    }

    /// The input for a paid order. Stock is examined only where the transition depends on it.
    fn allocation(&self, order: OrderId, paid: Option<PaidOrder>) -> Input {
        let reservation = self.reservations.get(&order);
        let state = reservation.map(|one| one.state);
        let depends_on_stock = stock::next(state, Input::Allocate) != stock::next(state, Input::AllocateOutOfStock);
        match reservation.filter(|_| depends_on_stock) {
            Some(one) if !self.are_available(&one.lines, one.paid.or(paid)) => Input::AllocateOutOfStock,
            _ => Input::Allocate,
        }
    }

    /// Records the levels of an event as movements.
    fn record(&mut self, event: &Event) {
        let (kind, order_id, reason) = match &event.event {
            DomainEvent::StockOpened(_) => (StockMovementKind::Opened, None, None),
            DomainEvent::StockReserved(event) => (StockMovementKind::Reserved, Some(event.order_id), None),
            DomainEvent::StockAllocated(event) => (StockMovementKind::Allocated, Some(event.order_id), None),
            DomainEvent::StockReservationExpired(event) => (StockMovementKind::Expired, Some(event.order_id), None),
            DomainEvent::StockReleased(event) => (StockMovementKind::Released, Some(event.order_id), None),
            DomainEvent::StockShipped(event) => (StockMovementKind::Shipped, Some(event.order_id), None),
            DomainEvent::StockAdjusted(event) => (StockMovementKind::Adjusted, None, Some(event.reason)),
            _ => return,
        };
        for level in event.event.stock_levels().unwrap_or_default() {
            let before = self.movements.entry(level.product_id).or_default();
            let (available, reserved) =
                before.last().map_or((0, 0), |last| (last.level.available, last.level.reserved));
            let quantity = match kind {
                StockMovementKind::Opened | StockMovementKind::Adjusted => level.available - available,
                _ => level.reserved - reserved,
            };
            before.push(StockMovement { kind, quantity, level: level.clone(), order_id, reason, at: event.time });
        }
    }

    /// The items that `select` returns, sorted by its keys and by order id.
    fn sorted<K: Ord, T>(&self, select: impl Fn(OrderId, &ReservationRecord) -> Option<(K, T)>) -> Vec<T> {
        let mut found: Vec<((K, OrderId), T)> = Vec::new();
        for (order, reservation) in &self.reservations {
            found.extend(select(*order, reservation).map(|(key, item)| ((key, *order), item)));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.into_iter().map(|(_, item)| item).collect()
    }
}

/// Adds an event to the outbox, with the levels after it.
fn publish(state: &mut State, event: &Event, levels: Vec<StockLevel>) -> Event {
    let mut event = event.clone();
    if let Some(old) = event.event.stock_levels_mut() {
        *old = levels;
    }
    state.stock.record(&event);
    state.outbox.add(&event);
    event
}

/// Adds the event of a transition to the outbox, with the version of the reservation as its sequence.
fn publish_step(state: &mut State, event: &Event, step: Step) -> Event {
    publish(state, &Event { sequence: step.version, ..event.clone() }, step.levels)
}

impl Stock {
    /// Makes a transition under a claim; `event` returns its event. A rejected input leaves no claim.
    async fn claimed(
        &self,
        name: &'static str,
        claim: Claim,
        step: impl FnOnce(&mut StockState) -> Result<Option<Step>, Failure>,
        event: impl FnOnce(&mut StockState, &Step) -> Option<Event>,
    ) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit(name, |state| {
            if state.claims.contains(&claim) {
                return Ok(None);
            }
            let step = step(&mut state.stock)?;
            state.claim(claim);
            let Some(step) = step else { return Ok(None) };
            let event = event(&mut state.stock, &step);
            Ok(event.map(|event| publish_step(state, &event, step)))
        });
        commit.await
    }
}

impl ports::StockStore for Stock {
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.open", |state| {
            if !state.claim(claim) || state.stock.levels.contains_key(&product.product_id) {
                return Ok(None);
            }
            let level = stock::initial_level(product);
            state.stock.levels.insert(product.product_id, level.clone());
            Ok(Some(publish(state, event, vec![level])))
        });
        commit.await
    }

    async fn reserve(
        &self,
        claim: Claim,
        reservation: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        let order = reservation.reserved.order_id;
        let step = |stock: &mut StockState| {
            let is_missing = |line: &&StockLine| !stock.levels.contains_key(&line.product_id);
            let missing = reservation.lines.iter().find(is_missing).filter(|_| stock.state(order).is_none());
            if let Some(line) = missing {
                return Err(Failure::unavailable("stock", format!("{} has no account yet", line.product_id)));
            }
            let is_available = stock.are_available(&reservation.lines, None);
            let input = if is_available { Input::Reserve } else { Input::ReserveOutOfStock };
            let Some(mut step) = stock.step(order, input)? else { return Ok(None) };
            if let Some(record) = stock.reservations.get_mut(&order) {
                record.lines.clone_from(&reservation.lines);
                record.expires_at = step.to.counts_as_reserved().then_some(expires_at);
            }
            step.levels = stock.move_stock(&reservation.lines, false, step.to);
            Ok(Some(step))
        };
        let event = |_: &mut StockState, step: &Step| {
            Some(if step.to.counts_as_reserved() { reserved } else { failed }.clone())
        };
        self.claimed("stock.reserve", claim, step, event).await
    }

    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        allocated: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        let order = paid.order_id;
        let event = |stock: &mut StockState, step: &Step| {
            let reservation = stock.reservations.get_mut(&order)?;
            reservation.paid = Some(*paid);
            if step.to.counts_as_reserved() {
                return Some(allocated.clone());
            }
            let mut failed = failed.clone();
            if let DomainEvent::StockAllocationFailed(failed) = &mut failed.event {
                failed.lines.clone_from(&reservation.lines);
            }
            Some(failed)
        };
        let step = |stock: &mut StockState| stock.step(order, stock.allocation(order, Some(*paid)));
        self.claimed("stock.allocate", claim, step, event).await
    }

    async fn ship(&self, claim: Claim, order: OrderId, shipped: &Event) -> Result<Option<Event>, Failure> {
        let event = |_: &mut StockState, _: &Step| Some(shipped.clone());
        self.claimed("stock.ship", claim, |stock| stock.step(order, Input::Ship), event).await
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        let event = |_: &mut StockState, step: &Step| {
            step.from.is_some_and(stock::State::counts_as_reserved).then(|| released.clone())
        };
        self.claimed("stock.release", claim, |stock| stock.step(order, Input::Release), event).await
    }

    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure> {
        let select = |order_id, one: &ReservationRecord| {
            let at = one.expired_before(now)?;
            let is_behind = after.is_none_or(|after| (at, order_id) > (after.at, after.order_id));
            is_behind.then_some((at, ExpiredReservation { order_id, at }))
        };
        self.0.query(Dependency::Database, |state| Ok(first(state.stock.sorted(select), limit))).await
    }

    async fn expire(&self, order: OrderId, expired: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.expire", |state| {
            let reservation = state.stock.reservations.get(&order);
            if reservation.and_then(|one| one.expired_before(expired.time)).is_none() {
                return Ok(None);
            }
            let step = state.stock.step(order, Input::Expire)?;
            Ok(step.map(|step| publish_step(state, expired, step)))
        });
        commit.await
    }

    async fn fillable_backorders(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        let is_behind =
            |paid: &PaidOrder| after.is_none_or(|after| (paid.at, paid.order_id) > (after.at, after.order_id));
        let query = self.0.query(Dependency::Database, |state| {
            let select = |_, one: &ReservationRecord| {
                let paid = one.paid.filter(|_| one.state == stock::State::Backordered).filter(is_behind)?;
                state.stock.are_available(&one.lines, Some(paid)).then_some((paid.at, paid))
            };
            Ok(first(state.stock.sorted(select), limit))
        });
        query.await
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let reservations = state.stock.reservations.values();
            Ok(reservations.filter(|one| one.state == stock::State::Backordered).map(|_| 1).sum())
        });
        query.await
    }

    async fn allocate_backorder(&self, order: OrderId, allocated: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.allocate_backorder", |state| {
            if state.stock.state(order) != Some(stock::State::Backordered) {
                return Ok(None);
            }
            let step = state.stock.step(order, state.stock.allocation(order, None))?;
            Ok(step.map(|step| publish_step(state, allocated, step)))
        });
        commit.await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.stock.levels.get(&product).cloned())).await
    }
}

impl ReservationRecord {
    /// When it expired, if it is still reserved and that was before `now`.
    fn expired_before(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_at.filter(|expires_at| self.state == stock::State::Reserved && *expires_at < now)
    }
}

fn first<T>(mut items: Vec<T>, limit: u32) -> Vec<T> {
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    items
}
