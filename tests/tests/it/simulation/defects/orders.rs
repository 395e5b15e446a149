//! Defects of orders: keys that are not kept with the order, steps that look at nothing.

use super::Defect;
use crate::simulation::{asks::PLACE, site::Site, world::World};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{Order, Reason, Status},
};
use kernel::{Failure, Idempotency, Ids, Settled, StoredReply, Timestamp};
use ports::{Advanced, Claim, OrderStore, Page, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use testkit::Platform;

/// Orders, kept with a defect.
pub struct Orders<'a, O> {
    pub inner: O,
    pub platform: &'a Platform,
    pub ids: Ids,
    pub defect: Defect,
}

impl<O: OrderStore> OrderStore for Orders<'_, O> {
    async fn place(
        &self,
        order: &Order,
        key: &Idempotency,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<Settled, Failure> {
        if let Some(first) = self.platform.orders().answered(key).await? {
            return Ok(first);
        }
        if self.defect == Defect::ChecksThenInsertsKey {
            self.platform.orders().place_over(order, key, reply, event).await?;
            return Ok(Settled::Now);
        }
        let nobodys = Idempotency { key: self.ids.next().to_string(), ..key.clone() };
        self.inner.place(order, &nobodys, reply, event).await?;
        self.inner.refuse(key, reply).await
    }

    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure> {
        self.inner.refuse(key, reply).await
    }

    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure> {
        let order = self.inner.get(id, owner).await?;
        Ok(order.map(|order| match self.defect {
            Defect::BelievesOldNews => Order { payment_seen: 0, ..order },
            Defect::RevivesCancelled if order.status == Status::Cancelled => {
                Order { status: Status::Pending, reason: Some(Reason::AwaitingPayment), ..order }
            }
            _ => order,
        }))
    }

    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        self.inner.list(owner, limit, cursor).await
    }

    async fn advance(&self, claim: Option<Claim>, order: &Order, event: Option<&Event>) -> Result<Advanced, Failure> {
        let claim = claim.filter(|_| self.defect != Defect::SkipsInbox);
        let advanced = self.inner.advance(claim, order, event).await?;
        if advanced != Advanced::Overtaken || self.defect != Defect::AdvancesUnguarded {
            return Ok(advanced);
        }
        self.platform.orders().put(order);
        event.iter().for_each(|event| self.platform.outbox().leave(event));
        Ok(Advanced::Now)
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<Place>) -> Result<Vec<Order>, Failure> {
        self.inner.stuck(before, limit, after).await
    }

    async fn recall(&self, key: &Idempotency) -> Result<Option<Settled>, Failure> {
        self.inner.recall(key).await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        self.inner.pending().await
    }
}

/// Places an order with the world's defect, if that is in this.
pub async fn place<S: Site>(world: &World<S>, request: &Value) -> Option<Value> {
    let (platform, defect) = (&world.platform, world.defect?);
    if !matches!(defect, Defect::KeepsKeyApart | Defect::ChecksThenInsertsKey) {
        return None;
    }
    let orders = Orders { inner: platform.orders(), platform, ids: world.clock.ids(), defect };
    let offers = platform.offers();
    let handler = async |call| order_place::handle(&orders, &offers, call).await;
    Some(edge::http::answer(&PLACE, request.clone(), &world.clock, &handler).await)
}
