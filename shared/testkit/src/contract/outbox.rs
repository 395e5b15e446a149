//! Contract of [`Outbox`], with an order store that fills it.

use super::{Fixture, an_event, fresh, later};
use crate::{Dependency, build, build::a_reply};
use domain::{Event, id::OrderId};
use futures_util::future::join_all;
use kernel::{IdempotencyKey, Timestamp, Uuid};
use ports::{Backlog, ExpiredRows, OrderStore, Outbox, PlacementConditions, Retention, SweepReport};

/// An outbox and an order store that fills it.
#[derive(Debug)]
pub struct OrdersAndOutbox<S, O> {
    pub orders: S,
    pub outbox: O,
}

/// Generates one test per rule of [`Outbox`]. The expression is a future of a
/// `Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox + Retention>>`. The outbox is empty and not shared.
#[macro_export]
macro_rules! contract_outbox {
    ($fixture:expr) => {
        $crate::each_rule! { outbox, $fixture;
            empty_outbox_publishes_nothing
            event_published_after_its_commit_is_not_pending
            sweep_publishes_the_oldest_events_up_to_its_limit
            sweep_leaves_events_newer_than_its_cutoff
            events_wait_while_the_bus_is_down_and_are_published_once
            rejected_event_stays_pending_and_the_rest_is_published
            event_of_another_context_is_refused_and_blocks_no_other
            cursor_advances_past_rejected_events
            concurrent_sweeps_publish_each_event_once
            retention_deletes_old_published_events_and_no_pending_ones
        }
    };
}

/// Adds a pending event with a time `seconds_ago`.
async fn add_pending(fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>, seconds_ago: i64) -> Uuid {
    add_pending_from(fixture, seconds_ago, catalog::Context::Orders.source()).await
}

/// Like [`add_pending`], with this source.
async fn add_pending_from(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
    seconds_ago: i64,
    source: &str,
) -> Uuid {
    let order = build::order().id(OrderId(fresh())).at(later(-seconds_ago));
    let event = Event { time: later(-seconds_ago), source: source.to_owned(), ..an_event(order.order_placed()) };
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    fixture.platform.faults().take_down(Dependency::Bus);
    fixture
        .port()
        .orders
        .place(&order.placed(), &key, &a_reply("{}"), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    fixture.platform.faults().restore(Dependency::Bus);
    event.id
}

async fn sweep(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
    before: Timestamp,
    limit: u32,
) -> SweepReport {
    fixture.port().outbox.sweep(before, limit, None).await.expect("the sweep succeeds")
}

async fn backlog(fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) -> Backlog {
    fixture.port().outbox.backlog().await.expect("the outbox responds")
}

fn published_ids(fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) -> Vec<Uuid> {
    fixture.platform.bus().published().iter().map(|event| event.id).collect()
}

pub async fn empty_outbox_publishes_nothing(fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    assert_eq!(sweep(fixture, later(60), 10).await, SweepReport::default());
    assert!(published_ids(fixture).is_empty());
}

pub async fn event_published_after_its_commit_is_not_pending(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let order = build::order().id(OrderId(fresh())).at(later(-60));
    let event = Event { time: later(-60), ..an_event(order.order_placed()) };
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    fixture
        .port()
        .orders
        .place(&order.placed(), &key, &a_reply("{}"), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    assert_eq!(published_ids(fixture), [event.id]);
    assert_eq!(sweep(fixture, later(60), 10).await, SweepReport::default());
    assert_eq!(published_ids(fixture), [event.id]);
}

pub async fn sweep_publishes_the_oldest_events_up_to_its_limit(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let (b, a) = (add_pending(fixture, 200).await, add_pending(fixture, 300).await);
    let before = later(-100);
    let c = add_pending(fixture, 100).await;
    let time_of_c = before..=later(-100);
    let report = sweep(fixture, later(60), 2).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await.waiting), (2, 2, 1));
    assert!(backlog(fixture).await.oldest.is_some_and(|oldest| time_of_c.contains(&oldest)), "the third is pending");
    let mut first = published_ids(fixture);
    first.sort_by_key(|id| (*id != a, *id != b));
    assert_eq!(first, [a, b]);
    let report = sweep(fixture, later(60), 2).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await), (1, 1, Backlog::default()));
    assert_eq!(published_ids(fixture).last(), Some(&c));
}

pub async fn sweep_leaves_events_newer_than_its_cutoff(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let (old, young) = (add_pending(fixture, 300).await, add_pending(fixture, 100).await);
    let report = sweep(fixture, later(-200), 10).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await.waiting), (1, 1, 1));
    assert_eq!(published_ids(fixture), [old]);
    sweep(fixture, later(60), 10).await;
    assert_eq!(published_ids(fixture), [old, young]);
}

pub async fn events_wait_while_the_bus_is_down_and_are_published_once(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let mut pending = Vec::new();
    for n in 0..5 {
        pending.push(add_pending(fixture, 300 - n).await);
    }
    fixture.platform.faults().take_down(Dependency::Bus);
    let report = sweep(fixture, later(60), 10).await;
    assert_eq!((report.due, report.offered, report.sent, backlog(fixture).await.waiting), (5, 5, 0, 5));
    fixture.platform.faults().restore(Dependency::Bus);
    let report = sweep(fixture, later(60), 10).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await.waiting), (5, 5, 0));
    assert_eq!(sweep(fixture, later(60), 10).await, SweepReport::default());
    let mut published = published_ids(fixture);
    published.sort_unstable();
    pending.sort_unstable();
    assert_eq!(published, pending);
}

pub async fn rejected_event_stays_pending_and_the_rest_is_published(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let (a, b, c) = (add_pending(fixture, 300).await, add_pending(fixture, 200).await, add_pending(fixture, 100).await);
    fixture.platform.faults().reject_events(move |event| event.id == b);
    let report = sweep(fixture, later(60), 10).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await.waiting), (3, 2, 1));
    assert_eq!(published_ids(fixture), [a, c]);
    fixture.platform.faults().restore_all();
    let report = sweep(fixture, later(60), 10).await;
    assert_eq!((report.due, report.sent, backlog(fixture).await.waiting), (1, 1, 0));
    assert_eq!(published_ids(fixture), [a, c, b]);
}

pub async fn event_of_another_context_is_refused_and_blocks_no_other(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    add_pending_from(fixture, 300, catalog::Context::Payments.source()).await;
    let own = add_pending(fixture, 200).await;
    let report = sweep(fixture, later(60), 10).await;
    assert_eq!((report.due, report.offered, report.sent, report.refused), (2, 1, 1, 1));
    assert_eq!(backlog(fixture).await, Backlog { waiting: 1, oldest: None }, "what never leaves does not lag");
    assert_eq!(published_ids(fixture), [own]);
    // The function that commits such an event does not publish it either.
    let order = build::order().id(OrderId(fresh())).at(later(-100));
    let source = catalog::Context::Payments.source().to_owned();
    let event = Event { time: later(-100), source, ..an_event(order.order_placed()) };
    let key = IdempotencyKey { scope: "test".to_owned(), key: fresh().to_string(), fingerprint: String::new() };
    fixture
        .port()
        .orders
        .place(&order.placed(), &key, &a_reply("{}"), &event, &PlacementConditions::default())
        .await
        .expect("placed");
    assert_eq!(published_ids(fixture), [own]);
}

pub async fn cursor_advances_past_rejected_events(fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>) {
    // Two events at one instant: the time alone does not identify the end of the first page.
    let (a, b) = (add_pending(fixture, 300).await, add_pending(fixture, 300).await);
    let c = add_pending(fixture, 100).await;
    fixture.platform.faults().reject_events(move |event| event.id == a || event.id == b);
    let outbox = &fixture.port().outbox;
    let (mut after, mut pages) = (None, Vec::new());
    for _ in 0..4 {
        let report = outbox.sweep(later(60), 1, after).await.expect("the sweep succeeds");
        pages.push((report.due, report.sent));
        after = report.last;
    }
    assert_eq!(pages[..3], [(1, 0), (1, 0), (1, 1)]);
    assert_eq!(published_ids(fixture), [c]);
}

pub async fn retention_deletes_old_published_events_and_no_pending_ones(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox + Retention>>,
) {
    for _ in 0..3 {
        add_pending(fixture, 100).await;
    }
    sweep(fixture, later(60), 10).await;
    let pending = add_pending(fixture, 100).await;
    let delete = async |before, limit| {
        let rows = ExpiredRows { table: "orders.outbox", since: "published_at", before };
        fixture.port().outbox.delete(&rows, limit).await.expect("deleted")
    };
    assert_eq!(delete(later(-3_600), 10).await, 0, "it was published later");
    assert_eq!((delete(later(60), 2).await, delete(later(60), 2).await, delete(later(60), 2).await), (2, 1, 0));
    assert_eq!(sweep(fixture, later(60), 10).await.sent, 1);
    assert_eq!(published_ids(fixture).last(), Some(&pending));
}

pub async fn concurrent_sweeps_publish_each_event_once(
    fixture: &Fixture<OrdersAndOutbox<impl OrderStore, impl Outbox>>,
) {
    let mut pending = Vec::new();
    for n in 0..20 {
        pending.push(add_pending(fixture, 300 - n).await);
    }
    let report = join_all(fixture.concurrent(8).map(|one| one.outbox.sweep(later(60), 5, None))).await;
    let mut sent: u32 = report.into_iter().map(|report| report.expect("the sweep succeeds").sent).sum();
    sent += sweep(fixture, later(60), 100).await.sent;
    let mut published = published_ids(fixture);
    published.sort_unstable();
    pending.sort_unstable();
    assert_eq!(published, pending);
    assert_eq!(sent, 20);
}
