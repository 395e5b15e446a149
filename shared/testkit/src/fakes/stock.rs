//! Stock accounts in memory. What becomes of a reservation is read from `domain::stock::next` and from nowhere else.

use super::{Dependency, State, Stock, keys::IdempotencyKeys};
use domain::{
    DomainEvent, Event,
    event::{ProductCreated, StockLevel, StockLine},
    id::{OrderId, ProductId},
    stock::{self, AdjustStock, Input, Movement, MovementKind, Reservation, Transition},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Claim, ExpiredReservation, Page, PaidOrder};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct StockState {
    pub levels: HashMap<ProductId, StockLevel>,
    pub reservations: HashMap<OrderId, ReservationRecord>,
    pub committed: HashMap<ProductId, i64>,
    adjusted: HashMap<ProductId, i64>,
    keys: IdempotencyKeys,
    movements: HashMap<ProductId, Vec<Movement>>,
    /// The newest level noted of a product: its version, and whether it was low.
    low: HashMap<ProductId, (i64, bool)>,
}

/// What became of an order's wish for stock. An order that was released before it was reserved has no lines.
pub(super) struct ReservationRecord {
    pub state: stock::State,
    pub lines: Vec<StockLine>,
    expires_at: Option<Timestamp>,
    paid: Option<PaidOrder>,
}

impl Stock {
    /// Every level, by product.
    pub fn levels(&self) -> Vec<StockLevel> {
        let mut levels: Vec<StockLevel> = self.0.see(|state| state.stock.levels.values().cloned().collect());
        levels.sort_by_key(|level| level.product_id);
        levels
    }

    /// Pieces of a product that have left the house. With what is free and what is reserved they are all that ever came in.
    pub fn committed(&self, product: ProductId) -> i64 {
        self.0.see(|state| state.stock.committed.get(&product).copied().unwrap_or_default())
    }

    /// Pieces of a product that were booked in by hand, less those that were booked out.
    pub fn adjusted(&self, product: ProductId) -> i64 {
        self.0.see(|state| state.stock.adjusted.get(&product).copied().unwrap_or_default())
    }

    /// Where the reservation of an order stands.
    pub fn state(&self, order: OrderId) -> Option<stock::State> {
        self.0.see(|state| state.stock.state(order))
    }

    /// What is held for an order.
    pub fn held(&self, order: OrderId) -> Option<Vec<StockLine>> {
        self.0.see(|state| {
            let holding = state.stock.reservations.get(&order).filter(|reservation| reservation.state.holds_stock());
            holding.map(|reservation| reservation.lines.clone())
        })
    }

    /// Replaces a level by another, as a statement would that looks at nothing.
    pub fn overwrite(&self, level: &StockLevel) {
        self.0.arrange(|state| state.stock.levels.insert(level.product_id, level.clone()));
    }

    /// Gives a product an account with `available` pieces, without an event.
    pub fn put(&self, product_id: ProductId, available: u32) {
        let level = StockLevel { product_id, available: available.into(), reserved: 0, version: 1 };
        self.0.arrange(|state| state.stock.levels.insert(product_id, level));
    }
}

/// A step of a reservation, done.
struct Step {
    from: Option<stock::State>,
    to: stock::State,
    /// The levels of what moved by it.
    levels: Vec<StockLevel>,
}

impl StockState {
    fn state(&self, order: OrderId) -> Option<stock::State> {
        self.reservations.get(&order).map(|reservation| reservation.state)
    }

    /// Moves a reservation as the table says, and its lines where it begins or ends to hold. `None` for old news.
    fn step(&mut self, order: OrderId, cue: Input) -> Result<Option<Step>, Failure> {
        let from = self.state(order);
        let to = match stock::next(from, cue) {
            Transition::To(to) => to,
            Transition::Ignore => return Ok(None),
            Transition::Reject => return Err(stock::invalid_transition(from, cue)),
        };
        let new = ReservationRecord { state: to, lines: vec![], expires_at: None, paid: None };
        let reservation = self.reservations.entry(order).or_insert(new);
        reservation.state = to;
        let lines = reservation.lines.clone();
        Ok(Some(Step { from, to, levels: self.shift(&lines, from.is_some_and(stock::State::holds_stock), to) }))
    }

    /// Moves lines between free and reserved, or from reserved out of the house; the levels after it.
    fn shift(&mut self, lines: &[StockLine], held: bool, to: stock::State) -> Vec<StockLevel> {
        let mut levels = Vec::new();
        for line in lines.iter().filter(|_| held != to.holds_stock()) {
            let Some(level) = self.levels.get_mut(&line.product_id) else { continue };
            let pieces = i64::from(line.quantity) * if held { -1 } else { 1 };
            level.reserved += pieces;
            match to {
                stock::State::Shipped => *self.committed.entry(line.product_id).or_default() -= pieces,
                _ => level.available -= pieces,
            }
            level.version += 1;
            levels.push(level.clone());
        }
        levels
    }

    /// Whether all lines are free for who was paid at this place in the row, or for who is not paid: those who wait come first.
    fn are_free(&self, lines: &[StockLine], place: Option<PaidOrder>) -> bool {
        let is_free = |line: &StockLine, level: &StockLevel| {
            level.available - self.awaited(line.product_id, place) >= i64::from(line.quantity)
        };
        lines.iter().all(|line| self.levels.get(&line.product_id).is_some_and(|level| is_free(line, level)))
    }

    /// Pieces of a product that orders wait for: all of them, or those before this place.
    fn awaited(&self, product: ProductId, place: Option<PaidOrder>) -> i64 {
        let is_before = |paid: &PaidOrder| place.is_none_or(|own| (paid.at, paid.order_id) < (own.at, own.order_id));
        let waiting = self.reservations.values().filter(|one| one.state == stock::State::Backordered);
        let before = waiting.filter(|one| one.paid.as_ref().is_some_and(is_before));
        let lines = before.flat_map(|one| &one.lines).filter(|line| line.product_id == product);
        lines.map(|line| i64::from(line.quantity)).sum()
    }

    /// What a paid order hears: whether what it does not hold is there.
    fn keeping(&self, order: OrderId, paid: Option<PaidOrder>) -> Input {
        let reservation = self.reservations.get(&order);
        match reservation.is_none_or(|one| one.state.holds_stock() || self.are_free(&one.lines, one.paid.or(paid))) {
            true => Input::Allocate,
            false => Input::AllocateOutOfStock,
        }
    }

    /// Notes what an event says of levels among the movements.
    fn record(&mut self, event: &Event) {
        let (kind, order_id, reason) = match &event.event {
            DomainEvent::StockOpened(_) => (MovementKind::Opened, None, None),
            DomainEvent::StockReserved(told) => (MovementKind::Reserved, Some(told.order_id), None),
            DomainEvent::StockAllocated(told) => (MovementKind::Allocated, Some(told.order_id), None),
            DomainEvent::StockReservationExpired(told) => (MovementKind::Expired, Some(told.order_id), None),
            DomainEvent::StockReleased(told) => (MovementKind::Released, Some(told.order_id), None),
            DomainEvent::StockShipped(told) => (MovementKind::Shipped, Some(told.order_id), None),
            DomainEvent::StockAdjusted(told) => (MovementKind::Adjusted, None, Some(told.reason)),
            _ => return,
        };
        for level in event.event.stock_levels().unwrap_or_default() {
            let before = self.movements.entry(level.product_id).or_default();
            let (available, reserved) =
                before.last().map_or((0, 0), |last| (last.level.available, last.level.reserved));
            let quantity = match kind {
                MovementKind::Opened | MovementKind::Adjusted => level.available - available,
                _ => level.reserved - reserved,
            };
            before.push(Movement { kind, quantity, level: level.clone(), order_id, reason, at: event.time });
        }
    }

    /// Those that `place` puts somewhere, in that order.
    fn sorted<P: Ord, T>(&self, place: impl Fn(OrderId, &ReservationRecord) -> Option<(P, T)>) -> Vec<T> {
        let mut found: Vec<((P, OrderId), T)> = Vec::new();
        for (order, reservation) in &self.reservations {
            found.extend(place(*order, reservation).map(|(place, item)| ((place, *order), item)));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.into_iter().map(|(_, item)| item).collect()
    }
}

/// Commits the event with the levels after what it tells.
fn tell(state: &mut State, event: &Event, after: Vec<StockLevel>) -> Event {
    let mut event = event.clone();
    if let Some(levels) = event.event.stock_levels_mut() {
        *levels = after;
    }
    state.stock.record(&event);
    state.outbox.add(&event);
    event
}

impl Stock {
    /// A step that a claim is made for; `telling` says what it tells. What the table refuses leaves no claim.
    async fn claimed(
        &self,
        name: &'static str,
        claim: Claim,
        step: impl FnOnce(&mut StockState) -> Result<Option<Step>, Failure>,
        telling: impl FnOnce(&mut StockState, &Step) -> Option<Event>,
    ) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit(name, |state| {
            if state.claims.contains(&claim) {
                return Ok(None);
            }
            let step = step(&mut state.stock)?;
            state.claim(claim);
            let Some(step) = step else { return Ok(None) };
            let event = telling(&mut state.stock, &step);
            Ok(event.map(|event| tell(state, &event, step.levels)))
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
            Ok(Some(tell(state, event, vec![level])))
        });
        commit.await
    }

    async fn reserve(
        &self,
        claim: Claim,
        hold: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let order = hold.reserved.order_id;
        let step = |stock: &mut StockState| {
            let is_missing = |line: &&StockLine| !stock.levels.contains_key(&line.product_id);
            let missing = hold.lines.iter().find(is_missing).filter(|_| stock.state(order).is_none());
            if let Some(line) = missing {
                return Err(Failure::unavailable("stock", format!("{} has no account yet", line.product_id)));
            }
            let cue = if stock.are_free(&hold.lines, None) { Input::Reserve } else { Input::ReserveOutOfStock };
            let Some(mut step) = stock.step(order, cue)? else { return Ok(None) };
            if let Some(reservation) = stock.reservations.get_mut(&order) {
                reservation.lines.clone_from(&hold.lines);
                reservation.expires_at = step.to.holds_stock().then_some(expires_at);
            }
            step.levels = stock.shift(&hold.lines, false, step.to);
            Ok(Some(step))
        };
        let told = |_: &mut StockState, step: &Step| Some(if step.to.holds_stock() { reserved } else { short }.clone());
        self.claimed("stock.reserve", claim, step, told).await
    }

    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        kept: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let order = paid.order_id;
        let told = |stock: &mut StockState, step: &Step| {
            let reservation = stock.reservations.get_mut(&order)?;
            reservation.paid = Some(*paid);
            if step.to.holds_stock() {
                return Some(kept.clone());
            }
            let mut short = short.clone();
            if let DomainEvent::StockAllocationFailed(short) = &mut short.event {
                short.lines.clone_from(&reservation.lines);
            }
            Some(short)
        };
        self.claimed("stock.allocate", claim, |stock| stock.step(order, stock.keeping(order, Some(*paid))), told).await
    }

    async fn ship(&self, claim: Claim, order: OrderId, committed: &Event) -> Result<Option<Event>, Failure> {
        let told = |_: &mut StockState, _: &Step| Some(committed.clone());
        self.claimed("stock.ship", claim, |stock| stock.step(order, Input::Ship), told).await
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        let told = |_: &mut StockState, step: &Step| {
            step.from.is_some_and(stock::State::holds_stock).then(|| released.clone())
        };
        self.claimed("stock.release", claim, |stock| stock.step(order, Input::Release), told).await
    }

    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure> {
        let place = |order_id, one: &ReservationRecord| {
            let at = one.lapsed_before(now)?;
            let is_behind = after.is_none_or(|after| (at, order_id) > (after.at, after.order_id));
            is_behind.then_some((at, ExpiredReservation { order_id, at }))
        };
        self.0.look(Dependency::Database, |state| Ok(first(state.stock.sorted(place), limit))).await
    }

    async fn expire(&self, order: OrderId, lapsed: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.expire", |state| {
            let reservation = state.stock.reservations.get(&order);
            if reservation.and_then(|one| one.lapsed_before(lapsed.time)).is_none() {
                return Ok(None);
            }
            let step = state.stock.step(order, Input::Expire)?;
            Ok(step.map(|step| tell(state, lapsed, step.levels)))
        });
        commit.await
    }

    async fn backorders_fillable(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        let is_behind =
            |paid: &PaidOrder| after.is_none_or(|after| (paid.at, paid.order_id) > (after.at, after.order_id));
        let look = self.0.look(Dependency::Database, |state| {
            let place = |_, one: &ReservationRecord| {
                let paid = one.paid.filter(|_| one.state == stock::State::Backordered).filter(is_behind)?;
                state.stock.are_free(&one.lines, Some(paid)).then_some((paid.at, paid))
            };
            Ok(first(state.stock.sorted(place), limit))
        });
        look.await
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        let look = self.0.look(Dependency::Database, |state| {
            let reservations = state.stock.reservations.values();
            Ok(reservations.filter(|one| one.state == stock::State::Backordered).map(|_| 1).sum())
        });
        look.await
    }

    async fn allocate_backorder(&self, order: OrderId, kept: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.allocate_backorder", |state| {
            if state.stock.state(order) != Some(stock::State::Backordered) {
                return Ok(None);
            }
            let step = state.stock.step(order, state.stock.keeping(order, None))?;
            Ok(step.map(|step| tell(state, kept, step.levels)))
        });
        commit.await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        self.0.look(Dependency::Database, |state| Ok(state.stock.levels.get(&product).cloned())).await
    }
}

impl ports::StockAdjustments for Stock {
    async fn adjust(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        wish: AdjustStock,
        after: &StockLevel,
        event: &Event,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let commit = self.0.commit("stock.adjust", |state| {
            if let Some(settled) = state.stock.keys.find(key)? {
                return Ok(Some(settled));
            }
            let held = state.stock.levels.get_mut(&after.product_id);
            let Some(held) = held.filter(|held| held.version + 1 == after.version) else { return Ok(None) };
            held.clone_from(after);
            *state.stock.adjusted.entry(after.product_id).or_default() += wish.delta;
            state.stock.record(event);
            state.outbox.add(event);
            state.stock.keys.record(key, Some(reply));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn store_rejection(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("stock.store_rejection", |state| {
            if let Some(settled) = state.stock.keys.find(key)? {
                return Ok(settled);
            }
            state.stock.keys.record(key, Some(reply));
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }
}

impl ports::StockMovements for Stock {
    async fn movements(&self, product: ProductId, limit: u32, cursor: Option<&str>) -> Result<Page<Movement>, Failure> {
        let before = cursor.map(stock::parse_cursor).transpose()?;
        let look = self.0.look(Dependency::Database, |state| {
            let all = state.stock.movements.get(&product).map(Vec::as_slice).unwrap_or_default();
            let older = all.iter().rev().filter(|one| before.is_none_or(|before| one.level.version < before));
            let (older, limit) = (older.cloned().collect::<Vec<_>>(), usize::try_from(limit).unwrap_or(usize::MAX));
            let next =
                older.get(limit).and(older.get(limit.saturating_sub(1))).map(|one| one.level.version.to_string());
            Ok(Page { items: older.into_iter().take(limit).collect(), next })
        });
        look.await
    }
}

impl ports::LowStockAlerts for Stock {
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("stock.record_level", |state| {
            let noted = state.stock.low.get(&level.product_id);
            if noted.is_some_and(|(version, _)| *version >= level.version) {
                return Ok(false);
            }
            let is_news = is_low && noted.is_none_or(|(_, was_low)| !was_low);
            state.stock.low.insert(level.product_id, (level.version, is_low));
            if is_news {
                state.outbox.add(event);
            }
            Ok(is_news)
        });
        commit.await
    }
}

impl ReservationRecord {
    /// When it lapsed, if it still holds and that was before `now`.
    fn lapsed_before(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_at.filter(|expires_at| self.state == stock::State::Reserved && *expires_at < now)
    }
}

fn first<T>(mut items: Vec<T>, limit: u32) -> Vec<T> {
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    items
}
