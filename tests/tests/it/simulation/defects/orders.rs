//! Defects of orders: idempotency keys stored apart from the order, transitions without checks.

use super::Defect;
use crate::simulation::{
    backend::{Backend, Stores},
    requests::{CANCEL, PLACE, RATES},
    scale,
    world::World,
};
use domain::{
    DomainEvent, Event,
    id::{OrderId, PaymentId, ProductId, UserId},
    order::{Order, OrderLimits, ProductSnapshot, Reason, Status},
};
use edge::schedule::Tick;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Ids, StoredReply, Timestamp};
use ports::{
    Claim, OrderStore, Page, PlacementConditions, PriceCopy, PriceSource, Quote, TimeCursor, TransitionOutcome,
};
use serde_json::Value;
use std::collections::BTreeMap;
use testkit::Platform;

/// An order store with a defect.
pub struct Orders<'a, O> {
    pub inner: O,
    pub platform: &'a Platform,
    pub ids: Ids,
    pub defect: Defect,
}

impl<O> Orders<'_, O> {
    /// An event as a producer with the defect writes it.
    fn written(&self, event: &Event) -> Event {
        let mut event = event.clone();
        match (self.defect, &mut event.event) {
            (Defect::NumbersEventTooLow, _) => event.sequence -= 1,
            (Defect::ConfirmsWithAnotherPayment, DomainEvent::OrderConfirmed(order)) => {
                order.payment_id = PaymentId(order.order_id.0);
            }
            _ => {}
        }
        event
    }
}

impl<O: OrderStore> OrderStore for Orders<'_, O> {
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
        conditions: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure> {
        if let Some(first) = self.platform.orders().find_key(key).await? {
            return Ok(first);
        }
        if self.defect == Defect::ChecksThenInsertsKey {
            self.platform.orders().place_unchecked(order, key, reply, event, conditions.fetched).await?;
            return Ok(IdempotencyOutcome::Committed);
        }
        let unrelated = IdempotencyKey { key: self.ids.next().to_string(), ..key.clone() };
        self.inner.place(order, &unrelated, reply, event, conditions).await?;
        self.inner.store_response(key, reply).await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        self.inner.store_response(key, reply).await
    }

    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure> {
        let order = self.inner.get(id, owner.filter(|_| self.defect != Defect::IgnoresOwner)).await?;
        Ok(order.map(|order| match self.defect {
            Defect::AppliesStaleEvents => Order { payment_version: 0, ..order },
            Defect::ConfirmsCancelledOrder if order.status == Status::Cancelled => {
                Order { status: Status::Pending, reason: Some(Reason::AwaitingPayment), ..order }
            }
            _ => order,
        }))
    }

    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        self.inner.list(owner, limit, cursor).await
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure> {
        scale::check_row(self.defect, order.id)?;
        let claim = claim.filter(|_| self.defect != Defect::SkipsInbox);
        let event = event.map(|event| self.written(event));
        let event = event.as_ref();
        let advanced = self.inner.advance(claim, order, event).await?;
        if advanced != TransitionOutcome::VersionConflict || self.defect != Defect::IgnoresOrderVersion {
            return Ok(advanced);
        }
        self.platform.orders().put(order);
        event.iter().for_each(|event| self.platform.outbox().insert(event));
        Ok(TransitionOutcome::Applied)
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<Vec<Order>, Failure> {
        if self.defect == Defect::SweepsFirstPageOnly && after.is_some() {
            return Ok(vec![]);
        }
        self.inner.stuck(before, limit, after).await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        self.inner.pending().await
    }
}

impl<O: PriceCopy> PriceCopy for Orders<'_, O> {
    async fn track(&self, claim: Claim, product: &ProductSnapshot) -> Result<bool, Failure> {
        self.inner.track(claim, product).await
    }

    /// Without the response of the key, which the defects look up by themselves.
    async fn quote(&self, key: &IdempotencyKey, products: &[ProductId], enough: PriceSource) -> Result<Quote, Failure> {
        Ok(Quote { first: None, ..self.inner.quote(key, products, enough).await? })
    }
}

/// Runs order-sweep, with the world's defect if it concerns the sweep.
pub async fn sweep_orders<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    tick: Tick,
) -> Result<order_sweep::Summary, Failure> {
    let (orders, erasure) = (stores.orders(), stores.orders());
    match world.defect {
        Some(defect @ (Defect::RefusesFirstRows | Defect::SweepsFirstPageOnly)) => {
            let orders = Orders { inner: orders, platform: &world.platform, ids: world.clock.ids(), defect };
            order_sweep::handle(&orders, &erasure, tick).await
        }
        _ => order_sweep::handle(&orders, &erasure, tick).await,
    }
}

/// Places an order with the world's defect, if it concerns orders.
pub async fn place<S: Backend>(world: &World<S>, request: &Value) -> Option<Value> {
    let (platform, defect) = (&world.platform, world.defect?);
    if !matches!(defect, Defect::StoresKeySeparately | Defect::ChecksThenInsertsKey) {
        return None;
    }
    let orders = Orders { inner: platform.orders(), platform, ids: world.clock.ids(), defect };
    let offers = platform.product_snapshots();
    let handler = async |call| order_place::handle(&orders, &offers, (OrderLimits::default(), &RATES), call).await;
    Some(edge::http::respond(&PLACE, request.clone(), &world.clock, &handler).await)
}

/// Cancels an order with the world's defect, if it concerns that.
pub async fn cancel<S: Backend>(world: &World<S>, stores: &impl Stores, request: &Value) -> Option<Value> {
    let (platform, defect) = (&world.platform, world.defect?);
    if defect != Defect::IgnoresOwner {
        return None;
    }
    let orders = Orders { inner: stores.orders(), platform, ids: world.clock.ids(), defect };
    let handler = async |call| order_cancel::handle(&orders, call).await;
    Some(edge::http::respond(&CANCEL, request.clone(), &world.clock, &handler).await)
}
