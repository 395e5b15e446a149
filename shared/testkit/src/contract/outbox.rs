//! Rules of [`Outbox`], with a store of orders to fill it.

use super::{Fixture, an_event, fresh, later};
use crate::{Dependency, build, build::a_reply};
use domain::{Event, id::OrderId};
use futures_util::future::join_all;
use kernel::{IdempotencyKey, Timestamp, Uuid};
use ports::{Cutoffs, OrderStore, Outbox, SweepReport};

/// An outbox, and a store that fills it.
#[derive(Debug)]
pub struct OrdersAndOutbox<S, O> {
    /// The store.
    pub orders: S,
    /// The outbox.
    pub outbox: O,
}

/// One test a rule of [`Outbox`], each over the `Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>` that the expression gives when it is
/// awaited. The outbox is empty at first, and nobody else uses it.
#[macro_export]
macro_rules! contract_outbox {
    ($under:expr) => {
        $crate::each_rule! { outbox, $under;
            empty_outbox_publishes_nothing
            event_published_after_its_commit_is_not_pending
            sweep_publishes_the_oldest_events_up_to_its_limit
            sweep_leaves_events_newer_than_its_cutoff
            events_wait_while_the_bus_is_down_and_are_published_once
            rejected_event_stays_pending_and_the_rest_is_published
            cursor_advances_past_rejected_events
            concurrent_sweeps_publish_each_event_once
            clean_up_deletes_old_published_events_and_no_pending_ones
        }
    };
}

/// Leaves an event that happened so many seconds ago in the outbox.
async fn leave(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>, seconds_ago: i64) -> Uuid {
    let order = build::order().id(OrderId(fresh())).at(later(-seconds_ago));
    let event = Event { time: later(-seconds_ago), ..an_event(order.order_placed()) };
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    under.platform.faults().take_down(Dependency::Bus);
    under.port().orders.place(&order.placed(), &key, &a_reply("{}"), &event).await.expect("placed");
    under.platform.faults().restore(Dependency::Bus);
    event.id
}

async fn sweep(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
    before: Timestamp,
    limit: u32,
) -> SweepReport {
    under.port().outbox.sweep(before, limit, None).await.expect("the sweep goes through")
}

fn told(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) -> Vec<Uuid> {
    under.platform.bus().published().iter().map(|event| event.id).collect()
}

pub async fn empty_outbox_publishes_nothing(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    assert_eq!(sweep(under, later(60), 10).await, SweepReport::default());
    assert!(told(under).is_empty());
}

pub async fn event_published_after_its_commit_is_not_pending(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let order = build::order().id(OrderId(fresh())).at(later(-60));
    let event = Event { time: later(-60), ..an_event(order.order_placed()) };
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    under.port().orders.place(&order.placed(), &key, &a_reply("{}"), &event).await.expect("placed");
    assert_eq!(told(under), [event.id]);
    assert_eq!(sweep(under, later(60), 10).await, SweepReport::default());
    assert_eq!(told(under), [event.id]);
}

pub async fn sweep_publishes_the_oldest_events_up_to_its_limit(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let (b, a, c) = (leave(under, 200).await, leave(under, 300).await, leave(under, 100).await);
    let swept = sweep(under, later(60), 2).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (2, 2, 1));
    assert_eq!(swept.oldest, Some(later(-100)), "the third waits");
    let mut first = told(under);
    first.sort_by_key(|id| (*id != a, *id != b));
    assert_eq!(first, [a, b]);
    let swept = sweep(under, later(60), 2).await;
    assert_eq!((swept.due, swept.sent, swept.waiting, swept.oldest), (1, 1, 0, None));
    assert_eq!(told(under).last(), Some(&c));
}

pub async fn sweep_leaves_events_newer_than_its_cutoff(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    let (old, young) = (leave(under, 300).await, leave(under, 100).await);
    let swept = sweep(under, later(-200), 10).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (1, 1, 1));
    assert_eq!(told(under), [old]);
    sweep(under, later(60), 10).await;
    assert_eq!(told(under), [old, young]);
}

pub async fn events_wait_while_the_bus_is_down_and_are_published_once(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let mut left = Vec::new();
    for n in 0..5 {
        left.push(leave(under, 300 - n).await);
    }
    under.platform.faults().take_down(Dependency::Bus);
    let swept = sweep(under, later(60), 10).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (5, 0, 5));
    under.platform.faults().restore(Dependency::Bus);
    let swept = sweep(under, later(60), 10).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (5, 5, 0));
    assert_eq!(sweep(under, later(60), 10).await, SweepReport::default());
    let mut told = told(under);
    told.sort_unstable();
    left.sort_unstable();
    assert_eq!(told, left);
}

pub async fn rejected_event_stays_pending_and_the_rest_is_published(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let (a, b, c) = (leave(under, 300).await, leave(under, 200).await, leave(under, 100).await);
    under.platform.faults().reject_events(move |event| event.id == b);
    let swept = sweep(under, later(60), 10).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (3, 2, 1));
    assert_eq!(told(under), [a, c]);
    under.platform.faults().restore_all();
    let swept = sweep(under, later(60), 10).await;
    assert_eq!((swept.due, swept.sent, swept.waiting), (1, 1, 0));
    assert_eq!(told(under), [a, c, b]);
}

pub async fn cursor_advances_past_rejected_events(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    // Two of one instant, so that the time alone does not tell where the first page ended.
    let (a, b) = (leave(under, 300).await, leave(under, 300).await);
    let c = leave(under, 100).await;
    under.platform.faults().reject_events(move |event| event.id == a || event.id == b);
    let outbox = &under.port().outbox;
    let (mut after, mut pages) = (None, Vec::new());
    for _ in 0..4 {
        let swept = outbox.sweep(later(60), 1, after).await.expect("the sweep goes through");
        pages.push((swept.due, swept.sent));
        after = swept.last;
    }
    assert_eq!(pages[..3], [(1, 0), (1, 0), (1, 1)]);
    assert_eq!(told(under), [c]);
}

pub async fn clean_up_deletes_old_published_events_and_no_pending_ones(
    under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    for _ in 0..3 {
        leave(under, 100).await;
    }
    sweep(under, later(60), 10).await;
    let waits = leave(under, 100).await;
    let tidy = async |end, limit| {
        let ends = Cutoffs { sent: end, claims: later(-3_600), replies: later(-3_600) };
        under.port().outbox.clean_up(&ends, limit).await.expect("tidied").sent
    };
    assert_eq!(tidy(later(-3_600), 10).await, 0, "it was sent since");
    assert_eq!((tidy(later(60), 2).await, tidy(later(60), 2).await, tidy(later(60), 2).await), (2, 1, 0));
    assert_eq!(sweep(under, later(60), 10).await.sent, 1);
    assert_eq!(told(under).last(), Some(&waits));
}

pub async fn concurrent_sweeps_publish_each_event_once(under: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    let mut left = Vec::new();
    for n in 0..20 {
        left.push(leave(under, 300 - n).await);
    }
    let swept = join_all(under.concurrent(8).map(|one| one.outbox.sweep(later(60), 5, None))).await;
    let mut sent: u32 = swept.into_iter().map(|swept| swept.expect("the sweep goes through").sent).sum();
    sent += sweep(under, later(60), 100).await.sent;
    let mut told = told(under);
    told.sort_unstable();
    left.sort_unstable();
    assert_eq!(told, left);
    assert_eq!(sent, 20);
}
