//! Stock as a model computes it from the events in the order of their commits: levels, movements, alerts, and who is served first.

use super::{Violation, rule};
use crate::simulation::{
    backend::{Backend, FinalState},
    products::received_of,
    world::World,
};
use domain::{
    DomainEvent, Event,
    event::{StockLevel, StockLine},
    id::{OrderId, ProductId},
    stock::{self, RESERVATION_SECONDS, State, StockMovementKind},
};
use kernel::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The reservation of an order.
#[derive(Debug)]
struct Reserved {
    state: State,
    lines: Vec<StockLine>,
    since: Timestamp,
    /// When it was paid, if it waits for stock.
    paid_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Model {
    levels: BTreeMap<ProductId, StockLevel>,
    reservations: BTreeMap<OrderId, Reserved>,
    paid_at: BTreeMap<OrderId, Timestamp>,
    /// Orders that were cancelled: one that waits for stock does so no more, at a moment that no event tells.
    cancelled: BTreeSet<OrderId>,
    /// Seconds by which clocks may have differed.
    clocks_differ: i64,
    /// Every level of each product, by version.
    history: BTreeMap<ProductId, BTreeMap<i64, StockLevel>>,
}

/// Checks every event of stock against the model.
pub(super) fn stock_model<S: Backend>(
    world: &World<S>,
    state: &FinalState,
    committed: &[Rc<Event>],
) -> Result<(), Violation> {
    // On PostgreSQL the order of commits is not known.
    if !world.backend.commits_in_order() {
        return Ok(());
    }
    let mut model = Model { clocks_differ: world.clocks_differ(), ..Model::default() };
    if world.plan.is_seeded {
        for product in world.plan.products() {
            model.open(product.id);
        }
    }
    for event in committed {
        model.apply(event)?;
    }
    for level in &world.seen.levels {
        rule!(model.levels.get(&level.product_id) == Some(level), "{level:?} is {:?} by its events", model.levels);
    }
    model.movements(state, world.plan.is_seeded)?;
    // Runs without random choices deliver each event before the next one, unless it is lost.
    model.alerts(committed, world.faults_ended.is_none() && world.lost.is_none())
}

impl Model {
    fn open(&mut self, product_id: ProductId) {
        let level = StockLevel { product_id, available: received_of(product_id), reserved: 0, version: 1 };
        self.history.entry(product_id).or_default().insert(1, level.clone());
        self.levels.insert(product_id, level);
    }

    fn apply(&mut self, event: &Event) -> Result<(), Violation> {
        let said = event.event.stock_levels().unwrap_or_default();
        match &event.event {
            DomainEvent::PaymentSucceeded(paid) => drop(self.paid_at.insert(paid.order_id, event.time)),
            DomainEvent::OrderCancelled(order) => drop(self.cancelled.insert(order.order_id)),
            DomainEvent::StockOpened(opened) => {
                opened.levels.iter().for_each(|level| self.open(level.product_id));
                self.says(said, said.iter().map(|level| level.product_id).collect())?;
            }
            DomainEvent::StockReserved(one) => {
                rule!(self.fits(&one.lines, None, false), "reserved what was not available: {:?}", one.lines);
                self.put(one.order_id, State::Reserved, one.lines.clone(), event.time);
                self.take(one.order_id, said)?;
            }
            DomainEvent::StockReservationFailed(one) => {
                rule!(!self.fits(&one.lines, None, true), "refused what was available: {:?}", one.lines);
                self.put(one.order_id, State::Failed, one.lines.clone(), event.time);
            }
            DomainEvent::StockReservationExpired(one) => {
                let held = self.reservation(one.order_id)?;
                let seconds = event.time.as_second() - held.since.as_second();
                rule!(held.state == State::Reserved, "{:?} expired", held.state);
                rule!(seconds + self.clocks_differ >= RESERVATION_SECONDS, "a reservation expired after {seconds} s");
                self.give_back(one.order_id, State::Expired, said)?;
            }
            DomainEvent::StockReleased(one) => self.give_back(one.order_id, State::Released, said)?,
            DomainEvent::StockShipped(one) => self.ship(one.order_id, said)?,
            DomainEvent::StockAllocated(one) => self.allocate(one.order_id, said)?,
            DomainEvent::StockAllocationFailed(one) => {
                let paid_at = self.paid_at.get(&one.order_id).copied().ok_or("a backorder that is not paid")?;
                let paid = Some((paid_at, one.order_id));
                rule!(!self.fits(&one.lines, paid, true), "an order waits for what is available: {:?}", one.lines);
                let held = self.reservation(one.order_id)?;
                (held.state, held.paid_at) = (State::Backordered, Some(paid_at));
            }
            _ => {}
        }
        Ok(())
    }

    fn reservation(&mut self, order: OrderId) -> Result<&mut Reserved, Violation> {
        Ok(self.reservations.get_mut(&order).ok_or("stock of an order that never reserved any")?)
    }

    fn put(&mut self, order: OrderId, state: State, lines: Vec<StockLine>, since: Timestamp) {
        self.reservations.insert(order, Reserved { state, lines, since, paid_at: None });
    }

    /// Whether lines are available to an order that was paid then, or to one that is not paid: what waiting orders that were paid earlier
    /// want is not. An order that was cancelled while it waited counts as waiting only if `at_most`.
    fn fits(&self, lines: &[StockLine], paid: Option<(Timestamp, OrderId)>, at_most: bool) -> bool {
        let is_before = |order: &OrderId, one: &Reserved| {
            let waits = one.state == State::Backordered && (at_most || !self.cancelled.contains(order));
            waits && one.paid_at.is_some_and(|at| paid.is_none_or(|own| (at, *order) < own))
        };
        let wanted = |product: ProductId| -> i64 {
            let before = self.reservations.iter().filter(|(order, one)| is_before(order, one));
            let lines = before.flat_map(|(_, one)| &one.lines).filter(|line| line.product_id == product);
            lines.map(|line| i64::from(line.quantity)).sum()
        };
        lines.iter().all(|line| {
            let level = self.levels.get(&line.product_id);
            level.is_some_and(|level| level.available - wanted(line.product_id) >= i64::from(line.quantity))
        })
    }

    /// Moves the lines of an order by these factors for available and reserved units, and compares the levels with those of the event.
    fn shift(
        &mut self,
        order: OrderId,
        (available, reserved): (i64, i64),
        said: &[StockLevel],
    ) -> Result<(), Violation> {
        let lines = self.reservation(order)?.lines.clone();
        for line in &lines {
            let level = self.levels.get_mut(&line.product_id).ok_or("stock of no product")?;
            let units = i64::from(line.quantity);
            level.available += units * available;
            level.reserved += units * reserved;
            level.version += 1;
            self.history.entry(line.product_id).or_default().insert(level.version, level.clone());
        }
        self.says(said, lines.iter().map(|line| line.product_id).collect())
    }

    fn take(&mut self, order: OrderId, said: &[StockLevel]) -> Result<(), Violation> {
        self.shift(order, (-1, 1), said)
    }

    fn give_back(&mut self, order: OrderId, to: State, said: &[StockLevel]) -> Result<(), Violation> {
        let held = self.reservation(order)?;
        rule!(held.state.counts_as_reserved(), "stock is returned of {:?}", held.state);
        held.state = to;
        self.shift(order, (1, -1), said)
    }

    fn ship(&mut self, order: OrderId, said: &[StockLevel]) -> Result<(), Violation> {
        let held = self.reservation(order)?;
        rule!(held.state == State::Allocated, "{:?} is shipped", held.state);
        held.state = State::Shipped;
        self.shift(order, (0, -1), said)
    }

    fn allocate(&mut self, order: OrderId, said: &[StockLevel]) -> Result<(), Violation> {
        let paid = self.paid_at.get(&order).map(|at| (*at, order));
        rule!(paid.is_some(), "allocated and not paid");
        let held = self.reservation(order)?;
        let (was, lines) = (held.state, held.lines.clone());
        if was != State::Reserved {
            rule!(self.fits(&lines, paid, false), "allocated before an order that was paid earlier, or without stock");
        }
        let held = self.reservation(order)?;
        (held.state, held.paid_at) = (State::Allocated, None);
        if was == State::Reserved {
            rule!(said.is_empty(), "levels change when reserved stock is allocated: {said:?}");
            return Ok(());
        }
        self.take(order, said)
    }

    /// The event states the levels of these products as they are now.
    fn says(&self, said: &[StockLevel], products: BTreeSet<ProductId>) -> Result<(), Violation> {
        let mut expected: Vec<&StockLevel> = products.iter().filter_map(|id| self.levels.get(id)).collect();
        let mut said: Vec<&StockLevel> = said.iter().collect();
        expected.sort_by_key(|level| level.product_id);
        said.sort_by_key(|level| level.product_id);
        rule!(said == expected, "an event says {said:?}: stock is {expected:?}");
        Ok(())
    }

    /// The movements of a product are its levels one after another, and add up to the last one.
    fn movements(&self, state: &FinalState, is_seeded: bool) -> Result<(), Violation> {
        for (product, history) in &self.history {
            let moved = state.movements.get(product).map(Vec::as_slice).unwrap_or_default();
            // Products that exist from the start have no movement that opened them.
            let levels: Vec<&StockLevel> = history.values().skip(usize::from(is_seeded)).collect();
            rule!(moved.len() == levels.len(), "{} movements of {} levels", moved.len(), levels.len());
            let (mut received, mut reserved, mut shipped) = (if is_seeded { received_of(*product) } else { 0 }, 0, 0);
            for (movement, level) in moved.iter().zip(levels) {
                rule!(movement.level == *level, "a movement to {:?}: stock is {level:?}", movement.level);
                match movement.kind {
                    StockMovementKind::Opened | StockMovementKind::Adjusted => received += movement.quantity,
                    StockMovementKind::Shipped => {
                        (shipped, reserved) = (shipped - movement.quantity, reserved + movement.quantity)
                    }
                    _ => reserved += movement.quantity,
                }
                let adds_up = (level.available + level.reserved, level.reserved) == (received - shipped, reserved);
                rule!(
                    adds_up,
                    "movements add up to {received} received, {reserved} reserved, {shipped} shipped: {level:?}"
                );
            }
        }
        Ok(())
    }

    /// `StockLow` is told once for each time that a product is low, and of the level that it has then. Unless events come `in_order`, a level
    /// that was overtaken by a newer one is skipped: two times become one. The last level is never skipped.
    fn alerts(&self, committed: &[Rc<Event>], in_order: bool) -> Result<(), Violation> {
        for (product, history) in &self.history {
            let mut told = BTreeSet::new();
            for event in committed {
                let DomainEvent::StockLow(alert) = &event.event else { continue };
                if alert.product_id != *product {
                    continue;
                }
                let version = i64::try_from(event.sequence).unwrap_or_default();
                let level = history.get(&version).ok_or("an alert about no level")?;
                rule!(stock::is_low(level) && *alert == stock::low(level), "an alert {alert:?} about {level:?}");
                let started = history.range(..version).rev().take_while(|(_, level)| stock::is_low(level)).last();
                let start = started.map_or(version, |(version, _)| *version);
                rule!(told.insert(start), "StockLow was published twice since version {start}");
            }
            let last = history.values().next_back().filter(|last| stock::is_low(last));
            let was_told = |last: &StockLevel| {
                let low = history.range(..=last.version).rev().take_while(|(_, level)| stock::is_low(level)).last();
                low.is_some_and(|(start, _)| told.contains(start)) || !in_order && !told.is_empty()
            };
            // No StockLow is published for the level that a product has from the start.
            let is_due = last.filter(|last| last.version > 1 || history.len() > 1);
            rule!(is_due.is_none_or(was_told), "{last:?} is low, but StockLow was not published");
        }
        Ok(())
    }
}
