//! order-advance under concurrency and during a database outage.

use super::{clock, placed, sample, seeded_platform};
use domain::{
    DomainEvent, Event,
    id::{OrderId, UserId},
    order::{Order, Reason, ShortfallPolicy, Status},
};
use edge::{Consumer, Delivery};
use futures_util::future::join_all;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Claim, OrderStore, Page, PlacementConditions, TimeCursor, TransitionOutcome};
use serde_json::Value;
use std::{cell::Cell, collections::BTreeMap};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

async fn deliver(orders: &impl OrderStore, platform: &Platform, case: &str) -> Value {
    let handler =
        async |delivery: Delivery<DomainEvent>| order_advance::handle(orders, ShortfallPolicy::Refund, delivery).await;
    let (consumer, event) =
        (Consumer::new(catalog::ORDER_ADVANCE.name, catalog::MAX_RECEIVES), sample(catalog::ORDER_ADVANCE, case));
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch")
}

fn redelivered(response: &Value) -> usize {
    response["batchItemFailures"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn two_concurrent_events_are_both_applied() {
    let platform = seeded_platform();
    platform.orders().put(&placed());
    platform.faults().interleave();
    let orders = platform.orders();
    let responses = join_all(["ok", "ok_allocated"].map(|case| deliver(&orders, &platform, case))).await;
    assert_eq!(responses.iter().map(redelivered).sum::<usize>(), 0);
    assert_eq!(orders.all()[0].status, Status::Processing);
}

#[tokio::test]
async fn database_outage_is_left_to_queue_redelivery() {
    let platform = seeded_platform();
    platform.orders().put(&placed());
    platform.faults().fail(Dependency::Database, Occurrence::First(1), FaultPoint::Before);
    assert_eq!(redelivered(&deliver(&platform.orders(), &platform, "ok").await), 1);
    assert_eq!(redelivered(&deliver(&platform.orders(), &platform, "ok").await), 0);
}

#[tokio::test]
async fn version_conflict_is_retried_at_most_three_times() {
    let (platform, orders) = (seeded_platform(), Contested { order: placed(), reads: Cell::new(0) });
    assert_eq!(redelivered(&deliver(&orders, &platform, "ok").await), 1);
    assert_eq!(orders.reads.get(), 4);
}

/// A store in which every transition conflicts with another one.
struct Contested {
    order: Order,
    reads: Cell<u32>,
}

impl OrderStore for Contested {
    async fn place(
        &self,
        _: &Order,
        _: &IdempotencyKey,
        _: &StoredReply,
        _: &Event,
        _: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("order-advance places nothing")
    }

    async fn store_response(&self, _: &IdempotencyKey, _: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("order-advance stores no rejection")
    }

    async fn get(&self, _: OrderId, _: Option<UserId>) -> Result<Option<Order>, Failure> {
        self.reads.set(self.reads.get() + 1);
        Ok(Some(self.order.clone()))
    }

    async fn list(&self, _: UserId, _: u32, _: Option<&str>) -> Result<Page<Order>, Failure> {
        unreachable!("order-advance lists nothing")
    }

    async fn advance(&self, _: Option<Claim>, _: &Order, _: Option<&Event>) -> Result<TransitionOutcome, Failure> {
        Ok(TransitionOutcome::VersionConflict)
    }

    async fn stuck(&self, _: Timestamp, _: u32, _: Option<TimeCursor>) -> Result<Vec<Order>, Failure> {
        unreachable!("order-advance sweeps nothing")
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        unreachable!("order-advance counts nothing")
    }
}
