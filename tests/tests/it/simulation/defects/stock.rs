//! Defects of stock: unguarded writes, repeated releases, unchecked allocations.

use super::Defect;
use crate::simulation::{
    backend::{Backend, Stores},
    scale,
    world::World,
};
use domain::{
    DomainEvent, Event,
    event::{ProductCreated, StockLevel, StockLine},
    id::{OrderId, ProductId},
    product::Product,
    stock::{self, Reservation, State},
};
use edge::{Delivery, schedule::Tick};
use kernel::{Failure, Ids, Timestamp};
use ports::{Claim, ExpiredReservation, LowStockAlerts, PaidOrder, StockStore};
use std::time::Duration;
use testkit::{Platform, Snapshot};

/// A stock store with a defect.
pub struct Stock<'a, S> {
    pub inner: S,
    pub platform: &'a Platform,
    pub seen: &'a Snapshot,
    pub ids: Ids,
    pub defect: Defect,
}

impl<S> Stock<'_, S> {
    fn lines(&self, order: OrderId) -> &[StockLine] {
        self.seen.reservations.get(&order).map(|(_, lines)| lines.as_slice()).unwrap_or_default()
    }

    /// Moves units between available and reserved without any check.
    fn move_units(&self, order: OrderId, available_factor: i64, reserved_factor: i64) {
        for line in self.lines(order) {
            let levels = self.platform.stock().levels();
            let Some(level) = levels.into_iter().find(|level| level.product_id == line.product_id) else { continue };
            let units = i64::from(line.quantity);
            let (available, reserved) =
                (level.available + units * available_factor, level.reserved + units * reserved_factor);
            self.platform.stock().overwrite(&StockLevel { available, reserved, ..level });
        }
    }
}

impl<S: StockStore> StockStore for Stock<'_, S> {
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure> {
        self.inner.open(claim, product, event).await
    }

    /// Overwrites the levels with what it read before it reserves, refuses what is left, or reserves for too short a time.
    async fn reserve(
        &self,
        claim: Claim,
        reservation: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        if self.defect == Defect::ExpiresTooEarly {
            let expires_at = expires_at - Duration::from_secs(600);
            return self.inner.reserve(claim, reservation, expires_at, reserved, failed).await;
        }
        let mut read = vec![];
        for line in &reservation.lines {
            read.extend(self.inner.level(line.product_id).await?);
        }
        if self.defect == Defect::RefusesLastUnit {
            let mut more = reservation.clone();
            for line in &mut more.lines {
                let is_last = |level: &StockLevel| level.available == i64::from(line.quantity);
                if read.iter().any(|level| level.product_id == line.product_id && is_last(level)) {
                    line.quantity += 1;
                }
            }
            return self.inner.reserve(claim, &more, expires_at, reserved, failed).await;
        }
        // Another operation, during which other processes can run.
        self.inner.level(reservation.lines[0].product_id).await?;
        read.iter().for_each(|level| self.platform.stock().overwrite(level));
        self.inner.reserve(claim, reservation, expires_at, reserved, failed).await
    }

    /// Allocates an expired reservation without checking what is available.
    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        allocated: &Event,
        failed: &Event,
    ) -> Result<Option<Event>, Failure> {
        if self.defect == Defect::SkipsInbox {
            let claim = Claim { event_id: self.ids.next(), ..claim };
            return self.inner.allocate(claim, paid, allocated, failed).await;
        }
        if self.defect == Defect::AllocatesLatestFirst {
            let at = Timestamp::UNIX_EPOCH + LATER.duration_since(paid.at).unsigned_abs();
            return self.inner.allocate(claim, &PaidOrder { at, ..*paid }, allocated, failed).await;
        }
        let (stock, lines) = (self.platform.stock(), self.lines(paid.order_id));
        let levels = stock.levels();
        let is_free = |line: &StockLine| {
            let level = levels.iter().find(|level| level.product_id == line.product_id);
            level.is_some_and(|level| level.available >= line.quantity.into())
        };
        if stock.state(paid.order_id) != Some(State::Expired) || lines.iter().all(is_free) {
            return self.inner.allocate(claim, paid, allocated, failed).await;
        }
        self.move_units(paid.order_id, 1, 0);
        let outcome = self.inner.allocate(claim, paid, allocated, failed).await;
        self.move_units(paid.order_id, -1, 0);
        outcome
    }

    async fn ship(&self, claim: Claim, order: OrderId, committed: &Event) -> Result<Option<Event>, Failure> {
        self.inner.ship(claim, order, committed).await
    }

    async fn release(&self, claim: Claim, order: OrderId, released: &Event) -> Result<Option<Event>, Failure> {
        self.inner.release(claim, order, released).await
    }

    async fn expired_reservations(
        &self,
        now: Timestamp,
        limit: u32,
        after: Option<ExpiredReservation>,
    ) -> Result<Vec<ExpiredReservation>, Failure> {
        if self.defect == Defect::SweepsFirstPageOnly && after.is_some() {
            return Ok(vec![]);
        }
        self.inner.expired_reservations(now, limit, after).await
    }

    /// Returns the units again if another sweep has already expired the reservation.
    async fn expire(&self, order: OrderId, expired: &Event) -> Result<Option<Event>, Failure> {
        scale::check_row(self.defect, order)?;
        let outcome = self.inner.expire(order, expired).await?;
        if let Some(event) = &outcome
            && self.defect == Defect::ForgetsMovement
        {
            for level in event.event.stock_levels()? {
                self.platform.stock().forget_movement(level);
            }
        }
        if outcome.is_none() && self.defect == Defect::ExpiresReservationTwice {
            self.move_units(order, 1, -1);
        }
        Ok(outcome)
    }

    async fn fillable_backorders(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        self.inner.fillable_backorders(limit, after).await
    }

    async fn allocate_backorder(&self, order: OrderId, allocated: &Event) -> Result<Option<Event>, Failure> {
        self.inner.allocate_backorder(order, allocated).await
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        self.inner.backorder_count().await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        self.inner.level(product).await
    }
}

/// Alerts that compare levels wrongly, or that forget what they told.
pub struct Alerts<'a, L> {
    pub inner: L,
    pub platform: &'a Platform,
    pub defect: Defect,
}

impl<L: LowStockAlerts> LowStockAlerts for Alerts<'_, L> {
    async fn record_level(&self, level: &StockLevel, is_low: bool, event: &Event) -> Result<bool, Failure> {
        if self.defect == Defect::AlertsBelowThreshold {
            return self.inner.record_level(level, level.available < stock::LOW_STOCK_THRESHOLD, event).await;
        }
        let is_new = self.inner.record_level(level, is_low, event).await?;
        if is_low && !is_new {
            self.platform.outbox().insert(event);
        }
        Ok(is_new)
    }
}

/// Shows each level that comes, also one that is older than what is shown.
pub async fn show_any(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    for level in delivery.event.event.stock_levels()? {
        let shown = platform.products().all().into_iter().find(|product| product.id == level.product_id);
        let Some(product) = shown else { return Err(Failure::unavailable("product", "not stored yet")) };
        platform.products().put(&Product { stock_quantity: level.available, stock_version: level.version, ..product });
    }
    Ok(())
}

/// A time after every schedule.
const LATER: Timestamp = Timestamp::MAX;

/// Runs stock-sweep with the world's defect, if it concerns the sweep.
pub async fn sweep<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    tick: Tick,
) -> Result<stock_sweep::Summary, Failure> {
    match world.defect {
        Some(
            defect @ (Defect::ExpiresReservationTwice
            | Defect::ForgetsMovement
            | Defect::RefusesFirstRows
            | Defect::SweepsFirstPageOnly),
        ) => {
            let (platform, seen, ids) = (&world.platform, &world.seen, world.clock.ids());
            stock_sweep::handle(&Stock { inner: stores.stock(), platform, seen, ids, defect }, tick).await
        }
        _ => stock_sweep::handle(&stores.stock(), tick).await,
    }
}

/// Releases the lines of an order even if they were released before.
pub async fn release_twice(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::OrderCancelled(cancelled) = &delivery.event.event else { return Ok(()) };
    let order = platform.orders().all().into_iter().find(|order| order.id == cancelled.order_id).expect("an order");
    let was_reserved = order.payment_id.is_some();
    let is_reserved = platform.stock().reserved_lines(order.id).is_some();
    stock_release::handle(&platform.stock(), delivery).await?;
    for line in order.lines.iter().filter(|_| was_reserved && !is_reserved) {
        let level = platform.stock().level(line.product_id).await?.expect("a level");
        let units = i64::from(line.quantity.get());
        let (available, reserved) = (level.available + units, level.reserved - units);
        platform.stock().overwrite(&StockLevel { available, reserved, ..level });
    }
    Ok(())
}
