//! order-advance where it is raced, and where its database is away.

use super::{clock, placed, sample, shop};
use domain::{
    DomainEvent, Event,
    id::{OrderId, UserId},
    order::{Order, Reason, ShortfallPolicy, Status},
};
use edge::{Consumer, Delivery};
use futures_util::future::join_all;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Claim, OrderStore, OutboxCursor, Page, TransitionOutcome};
use serde_json::Value;
use std::{cell::Cell, collections::BTreeMap};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

async fn deliver(orders: &impl OrderStore, platform: &Platform, case: &str) -> Value {
    let handler =
        async |delivery: Delivery<DomainEvent>| order_advance::handle(orders, ShortfallPolicy::Refund, delivery).await;
    let (consumer, event) = (Consumer::new(catalog::ORDER_ADVANCE.name), sample(catalog::ORDER_ADVANCE, case));
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch")
}

fn comes_again(answer: &Value) -> usize {
    answer["batchItemFailures"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn two_pieces_of_news_at_once_are_both_taken() {
    let platform = shop();
    platform.orders().put(&placed());
    platform.faults().interleave();
    let orders = platform.orders();
    let answers = join_all(["ok", "ok_allocated"].map(|case| deliver(&orders, &platform, case))).await;
    assert_eq!(answers.iter().map(comes_again).sum::<usize>(), 0);
    assert_eq!(orders.all()[0].status, Status::Processing);
}

#[tokio::test]
async fn a_database_that_is_away_is_asked_once_and_the_queue_brings_the_news_again() {
    let platform = shop();
    platform.orders().put(&placed());
    platform.faults().fail(Dependency::Database, Occurrence::First(1), FaultPoint::Before);
    assert_eq!(comes_again(&deliver(&platform.orders(), &platform, "ok").await), 1);
    assert_eq!(comes_again(&deliver(&platform.orders(), &platform, "ok").await), 0);
}

#[tokio::test]
async fn who_is_overtaken_reads_again_three_times_and_no_more() {
    let (platform, orders) = (shop(), Contested { order: placed(), reads: Cell::new(0) });
    assert_eq!(comes_again(&deliver(&orders, &platform, "ok").await), 1);
    assert_eq!(orders.reads.get(), 4);
}

/// A store in which somebody else is faster each time.
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
    ) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("order-advance places nothing")
    }

    async fn store_rejection(&self, _: &IdempotencyKey, _: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        unreachable!("order-advance refuses nothing")
    }

    async fn find_response(&self, _: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        unreachable!("order-advance answers nobody")
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

    async fn stuck(&self, _: Timestamp, _: u32, _: Option<OutboxCursor>) -> Result<Vec<Order>, Failure> {
        unreachable!("order-advance sweeps nothing")
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        unreachable!("order-advance counts nothing")
    }
}
