//! Defects of stock: read and written apart, given back twice, taken blindly.

use super::Defect;
use crate::simulation::{
    backend::{Backend, Stores},
    world::World,
};
use domain::{
    DomainEvent, Event,
    event::{ProductCreated, StockLevel, StockLine},
    id::{OrderId, ProductId},
    stock::{Reservation, State},
};
use edge::{Delivery, schedule::Tick};
use kernel::{Failure, Ids, Timestamp};
use ports::{Claim, ExpiredReservation, PaidOrder, StockStore};
use testkit::{Platform, Snapshot};

/// Stock, kept with a defect.
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

    /// Moves pieces from what is held to what is free, or anywhere, whatever there is.
    fn move_blindly(&self, order: OrderId, free: i64, held: i64) {
        for line in self.lines(order) {
            let levels = self.platform.stock().levels();
            let Some(level) = levels.into_iter().find(|level| level.product_id == line.product_id) else { continue };
            let pieces = i64::from(line.quantity);
            let (available, reserved) = (level.available + pieces * free, level.reserved + pieces * held);
            self.platform.stock().overwrite(&StockLevel { available, reserved, ..level });
        }
    }
}

impl<S: StockStore> StockStore for Stock<'_, S> {
    async fn open(&self, claim: Claim, product: &ProductCreated, event: &Event) -> Result<Option<Event>, Failure> {
        self.inner.open(claim, product, event).await
    }

    /// Writes down what it had read, before it takes from it.
    async fn reserve(
        &self,
        claim: Claim,
        hold: &Reservation,
        expires_at: Timestamp,
        reserved: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        let mut read = vec![];
        for line in &hold.lines {
            read.extend(self.inner.level(line.product_id).await?);
        }
        // Deciding takes as long as another operation.
        self.inner.level(hold.lines[0].product_id).await?;
        read.iter().for_each(|level| self.platform.stock().overwrite(level));
        self.inner.reserve(claim, hold, expires_at, reserved, short).await
    }

    /// A hold that lapsed is taken again as if there were always enough.
    async fn allocate(
        &self,
        claim: Claim,
        paid: &PaidOrder,
        kept: &Event,
        short: &Event,
    ) -> Result<Option<Event>, Failure> {
        if self.defect == Defect::SkipsInbox {
            let claim = Claim { event_id: self.ids.next(), ..claim };
            return self.inner.allocate(claim, paid, kept, short).await;
        }
        let (stock, lines) = (self.platform.stock(), self.lines(paid.order_id));
        let levels = stock.levels();
        let is_free = |line: &StockLine| {
            let level = levels.iter().find(|level| level.product_id == line.product_id);
            level.is_some_and(|level| level.available >= line.quantity.into())
        };
        if stock.state(paid.order_id) != Some(State::Expired) || lines.iter().all(is_free) {
            return self.inner.allocate(claim, paid, kept, short).await;
        }
        self.move_blindly(paid.order_id, 1, 0);
        let outcome = self.inner.allocate(claim, paid, kept, short).await;
        self.move_blindly(paid.order_id, -1, 0);
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
        self.inner.expired_reservations(now, limit, after).await
    }

    /// What another sweeper gave back meanwhile is given back all the same.
    async fn expire(&self, order: OrderId, lapsed: &Event) -> Result<Option<Event>, Failure> {
        let outcome = self.inner.expire(order, lapsed).await?;
        if outcome.is_none() && self.defect == Defect::ExpiresReservationTwice {
            self.move_blindly(order, 1, -1);
        }
        Ok(outcome)
    }

    async fn backorders_fillable(&self, limit: u32, after: Option<PaidOrder>) -> Result<Vec<PaidOrder>, Failure> {
        self.inner.backorders_fillable(limit, after).await
    }

    async fn allocate_backorder(&self, order: OrderId, kept: &Event) -> Result<Option<Event>, Failure> {
        self.inner.allocate_backorder(order, kept).await
    }

    async fn backorder_count(&self) -> Result<u64, Failure> {
        self.inner.backorder_count().await
    }

    async fn level(&self, product: ProductId) -> Result<Option<StockLevel>, Failure> {
        self.inner.level(product).await
    }
}

/// Sweeps holds, with the world's defect if that is in this.
pub async fn sweep<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    tick: Tick,
) -> Result<stock_sweep::Summary, Failure> {
    match world.defect {
        Some(defect @ Defect::ExpiresReservationTwice) => {
            let (platform, seen, ids) = (&world.platform, &world.seen, world.clock.ids());
            stock_sweep::handle(&Stock { inner: stores.stock(), platform, seen, ids, defect }, tick).await
        }
        _ => stock_sweep::handle(&stores.stock(), tick).await,
    }
}

/// Gives back what the order asked for, whether or not that was done before.
pub async fn release_blindly(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::OrderCancelled(cancelled) = &delivery.event.event else { return Ok(()) };
    let order = platform.orders().all().into_iter().find(|order| order.id == cancelled.order_id).expect("an order");
    let was_held = order.payment_id.is_some();
    let is_held = platform.stock().held(order.id).is_some();
    stock_release::handle(&platform.stock(), delivery).await?;
    for line in order.lines.iter().filter(|_| was_held && !is_held) {
        let level = platform.stock().level(line.product_id).await?.expect("a level");
        let pieces = i64::from(line.quantity.get());
        let (available, reserved) = (level.available + pieces, level.reserved - pieces);
        platform.stock().overwrite(&StockLevel { available, reserved, ..level });
    }
    Ok(())
}
