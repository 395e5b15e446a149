//! Stock accounts in memory.

use super::{Part, State, Stock};
use domain::{
    DomainEvent, Event,
    event::{ProductCreated, StockLevel, StockLine},
    id::{OrderId, ProductId},
    stock::Hold,
};
use kernel::Failure;
use ports::Claim;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct StockState {
    pub levels: HashMap<ProductId, StockLevel>,
    pub holds: HashMap<OrderId, Holding>,
}

/// What became of an order's wish for stock.
pub(super) enum Holding {
    Held(Vec<StockLine>),
    Short,
    /// Freed, or released before it was reserved: it will never be held.
    Freed,
}

impl Stock {
    /// Every level, by product.
    pub fn levels(&self) -> Vec<StockLevel> {
        let mut levels: Vec<StockLevel> = self.0.see(|state| state.stock.levels.values().cloned().collect());
        levels.sort_by_key(|level| level.product_id);
        levels
    }

    /// What is held for an order.
    pub fn held(&self, order: OrderId) -> Option<Vec<StockLine>> {
        self.0.see(|state| match state.stock.holds.get(&order) {
            Some(Holding::Held(lines)) => Some(lines.clone()),
            _ => None,
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

impl StockState {
    /// Moves `quantity` of each line from free to held (or back, with `sign` −1); the levels after it.
    fn shift(&mut self, lines: &[StockLine], sign: i64) -> Vec<StockLevel> {
        let mut levels = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some(level) = self.levels.get_mut(&line.product_id) {
                level.available -= sign * i64::from(line.quantity);
                level.reserved += sign * i64::from(line.quantity);
                level.version += 1;
                levels.push(level.clone());
            }
        }
        levels
    }

    fn has(&self, line: &StockLine) -> bool {
        self.levels.get(&line.product_id).is_some_and(|level| level.available >= i64::from(line.quantity))
    }
}

/// Commits the event with the levels after what it tells.
fn tell(state: &mut State, event: &Event, after: Vec<StockLevel>) -> Event {
    let mut event = event.clone();
    match &mut event.event {
        DomainEvent::StockOpened(opened) => opened.levels = after,
        DomainEvent::StockReserved(reserved) => reserved.levels = after,
        DomainEvent::StockReleased(released) => released.levels = after,
        _ => {}
    }
    state.outbox.add(&event);
    event
}

impl ports::StockStore for Stock {
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.open", |state| {
            if !state.claim(claim) || state.stock.levels.contains_key(&product.product_id) {
                return Ok(None);
            }
            let level = domain::stock::first_level(product);
            state.stock.levels.insert(product.product_id, level.clone());
            Ok(Some(tell(state, event, vec![level])))
        });
        commit.await
    }

    async fn reserve(
        &self,
        claim: Claim,
        hold: &Hold,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let order = hold.reserved.order_id;
        let commit = self.0.commit("stock.reserve", |state| {
            if state.claims.contains(&claim) {
                return Ok(None);
            }
            if state.stock.holds.contains_key(&order) {
                state.claim(claim);
                return Ok(None);
            }
            if let Some(line) = hold.lines.iter().find(|line| !state.stock.levels.contains_key(&line.product_id)) {
                return Err(Failure::unavailable("stock", format!("{} has no account yet", line.product_id)));
            }
            state.claim(claim);
            if !hold.lines.iter().all(|line| state.stock.has(line)) {
                state.stock.holds.insert(order, Holding::Short);
                return Ok(Some(tell(state, short, vec![])));
            }
            let levels = state.stock.shift(&hold.lines, 1);
            state.stock.holds.insert(order, Holding::Held(hold.lines.clone()));
            Ok(Some(tell(state, reserved, levels)))
        });
        commit.await
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        let commit = self.0.commit("stock.release", |state| {
            if !state.claim(claim) {
                return Ok(None);
            }
            match state.stock.holds.insert(order, Holding::Freed) {
                Some(Holding::Held(lines)) => {
                    let levels = state.stock.shift(&lines, -1);
                    Ok(Some(tell(state, released, levels)))
                }
                _ => Ok(None),
            }
        });
        commit.await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        self.0.look(Part::Database, |state| Ok(state.stock.levels.get(&product).cloned())).await
    }
}
