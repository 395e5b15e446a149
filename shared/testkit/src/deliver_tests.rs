//! Tests of the dispatcher, with consumers that are closures over the ports.

use super::*;
use crate::{Dependency, FaultPoint, build, ids};
use domain::{
    DomainEvent,
    event::StockOpened,
    order::{self, ShortfallPolicy, Status, Update},
    payment, stock,
};
use ports::{
    Bus as _, Claim, EventLog as _, Gateway as _, OrderStore as _, Outbox as _, PaymentStore as _, PlacementConditions,
    ProductStore as _, StockStore as _,
};
use std::cell::Cell;

/// An event caused by `event`, with a deterministic id of its own.
fn caused_event(event: &Event, consumer: u64, data: impl Into<DomainEvent>) -> Event {
    let number = u64::try_from(event.id.as_u128() & 0xFFFF_FFFF).expect("small");
    build::event(number * 10 + consumer, data)
}

fn claim(function: &Function, event: &Event) -> Claim {
    Claim { consumer: function.name, event_id: event.id }
}

/// A platform with ten units of product 1 in stock, its consumers, and a placed order.
async fn with_an_order(method: &str, copies: usize) -> (Platform, DeliveryReport) {
    with_an_order_on(Platform::new(), method, copies).await
}

async fn with_an_order_on(platform: Platform, method: &str, copies: usize) -> (Platform, DeliveryReport) {
    platform.stock().put(ids::product(1), 10);
    let mut dispatcher = Dispatcher::new(&platform)
        .copies(copies)
        .subscribe(catalog::STOCK_RESERVE, async |event| {
            let DomainEvent::OrderPlaced(placed) = &event.event else { panic!("unexpected event") };
            let reservation = stock::reserve(placed.clone());
            let (reserved, failed) = (
                caused_event(&event, 1, reservation.reserved.clone()),
                caused_event(&event, 1, reservation.failed.clone()),
            );
            let (claim, expires_at) = (claim(catalog::STOCK_RESERVE, &event), stock::expires_at(event.time)?);
            platform.stock().reserve(claim, &reservation, expires_at, &reserved, &failed).await.map(drop)
        })
        .subscribe(catalog::PAYMENT_CHARGE, async |event| {
            let DomainEvent::StockReserved(reserved) = &event.event else { panic!("unexpected event") };
            let started = payment::begin(ids::payment(1), reserved, event.time);
            let payment = platform.payments().begin(&started, None).await?;
            let response = platform.gateway().charge(&payment).await?;
            let Some(change) = payment::record_charge_outcome(&payment, 1, &response, ids::refund(1), event.time)?
            else {
                return Ok(());
            };
            let update_event =
                Event { sequence: change.payment.version, ..caused_event(&event, 2, change.events[0].clone()) };
            let claim = Some(claim(catalog::PAYMENT_CHARGE, &event));
            platform.payments().advance(claim, &change, &[update_event]).await.map(drop)
        })
        .subscribe(catalog::STOCK_ALLOCATE, async |event| {
            let DomainEvent::PaymentSucceeded(_) = &event.event else { panic!("unexpected event") };
            let order = build::order();
            let (allocated, failed) = (
                caused_event(&event, 5, order.stock_allocated()),
                caused_event(&event, 5, order.stock_allocation_failed()),
            );
            let claim = claim(catalog::STOCK_ALLOCATE, &event);
            platform.stock().allocate(claim, &order.paid_order(), &allocated, &failed).await.map(drop)
        })
        .subscribe(catalog::ORDER_ADVANCE, async |event| {
            let (_, update) = Update::from_event(&event, ShortfallPolicy::Refund)?;
            let order = platform.orders().get(ids::order(1), None).await?.expect("the order");
            let Some((advanced, update_event)) = order::advance(&order, update, event.time)? else {
                return Ok(());
            };
            let update_event = update_event.map(|update_event| caused_event(&event, 3, update_event));
            let claim = Some(claim(catalog::ORDER_ADVANCE, &event));
            platform.orders().advance(claim, &advanced, update_event.as_ref()).await.map(drop)
        });
    let order = build::order().line(1, 2).method(method);
    let (key, reply, event) = (build::a_key("k", "b"), build::a_reply("{}"), build::event(1, order.order_placed()));
    platform
        .orders()
        .place(&order.placed(), &key, &reply, &event, &PlacementConditions::default())
        .await
        .expect("placed");
    let mut report = dispatcher.run_until_idle().await;
    while !platform.outbox().pending().is_empty() {
        platform.outbox().sweep(build::at(60), 10, None).await.expect("the sweep succeeds");
        let more = dispatcher.run_until_idle().await;
        report.delivered.extend(more.delivered);
        report.retries += more.retries;
        report.failed.extend(more.failed);
    }
    drop(dispatcher);
    (platform, report)
}

#[tokio::test]
async fn placed_order_is_reserved_charged_and_confirmed() {
    let (platform, report) = with_an_order("pm_card_visa", 1).await;
    assert_eq!(platform.orders().all()[0].status, Status::Processing);
    assert_eq!(platform.gateway().charges().len(), 1);
    assert_eq!(
        report.delivered,
        [
            ("stock-reserve", "OrderPlaced.v1"),
            ("payment-charge", "StockReserved.v1"),
            ("order-advance", "StockReserved.v1"),
            ("stock-allocate", "PaymentSucceeded.v1"),
            ("order-advance", "StockAllocated.v1"),
        ]
    );
    assert_eq!((report.retries, report.failed), (0, vec![]));
}

#[tokio::test]
async fn declined_card_leaves_the_order_pending_and_its_stock_reserved() {
    let (platform, report) = with_an_order("pm_card_visa_chargeDeclined", 1).await;
    let order = platform.orders().all().remove(0);
    assert_eq!((order.status, order.reason), (Status::Pending, Some(order::Reason::PaymentDeclined)));
    assert_eq!((platform.stock().levels()[0].available, platform.gateway().charges().len()), (8, 0));
    assert_eq!(report.delivered.last(), Some(&("order-advance", "PaymentFailed.v1")));
}

#[tokio::test]
async fn cancelled_order_releases_its_stock() {
    let (platform, _) = with_an_order("pm_card_visa_chargeDeclined", 1).await;
    let mut dispatcher = Dispatcher::new(&platform).subscribe(catalog::STOCK_RELEASE, async |event| {
        let released =
            caused_event(&event, 4, domain::event::StockReleased { order_id: ids::order(1), levels: vec![] });
        platform.stock().release(claim(catalog::STOCK_RELEASE, &event), ids::order(1), &released).await.map(drop)
    });
    let (cancelled, update_event) =
        build::order().line(1, 2).method("pm_card_visa_chargeDeclined").cancelled(order::Reason::PaymentDeclined);
    platform.orders().advance(None, &cancelled, Some(&build::event(99, update_event))).await.expect("a transition");
    assert_eq!(dispatcher.run_until_idle().await.delivered, [("stock-release", "OrderCancelled.v1")]);
    assert_eq!(platform.stock().levels()[0].available, 10);
}

#[tokio::test]
async fn events_delivered_three_times_have_one_effect() {
    let (platform, report) = with_an_order("pm_card_visa", 3).await;
    let once = with_an_order("pm_card_visa", 1).await.0;
    assert_eq!(platform.orders().all(), once.orders().all());
    assert_eq!(platform.stock().levels(), once.stock().levels());
    assert_eq!(platform.gateway().charges(), once.gateway().charges());
    assert_eq!(platform.bus().published(), once.bus().published());
    assert_eq!(report.delivered.len(), 15);
}

#[tokio::test]
async fn event_of_a_crashed_consumer_is_redelivered() {
    let (whole, _) = with_an_order("pm_card_visa", 1).await;
    // The first three operations place the order; no consumer performs them.
    for number in 4..=whole.operations().len() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let platform = Platform::new();
            platform.faults().crash(number, point);
            let (platform, report) = with_an_order_on(platform, "pm_card_visa", 1).await;
            assert_eq!((report.retries, &report.failed[..]), (1, &[][..]), "{number} {point:?}");
            // The payment may overtake the reservation: then the order has one transition less.
            assert_eq!(platform.orders().all()[0].status, Status::Processing);
            assert_eq!(platform.stock().levels(), whole.stock().levels());
            assert_eq!(platform.gateway().charges(), whole.gateway().charges());
        }
    }
}

#[tokio::test]
async fn only_retryable_failures_are_retried() {
    let platform = Platform::new();
    let attempts = Cell::new(0);
    let mut dispatcher = Dispatcher::new(&platform)
        .subscribe(catalog::STOCK_RESERVE, async |_| {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 3 { Err(Dependency::Database.down()) } else { Ok(()) }
        })
        .subscribe(catalog::EVENT_FORWARD, async |_| Err(Failure::not_found("topic")));
    platform.bus().publish(&[build::event(1, build::order().order_placed())]).await.expect("published");
    let report = dispatcher.run_until_idle().await;
    assert_eq!((report.delivered.len(), report.retries), (1, 2));
    assert_eq!(report.failed, [("event-forward", Failure::not_found("topic"))]);
    assert_eq!(dispatcher.run_until_idle().await, DeliveryReport::default());
}

#[tokio::test]
async fn changes_stream_and_log_records_reach_their_consumers() {
    let platform = Platform::new();
    let mut dispatcher = Dispatcher::new(&platform)
        .subscribe_to_changes(catalog::PRODUCT_RELAY, async |product| {
            let event = build::event(1, product.created());
            platform.bus().publish(&[event]).await.map(drop)
        })
        .subscribe(catalog::STOCK_OPEN, async |event| {
            let DomainEvent::ProductCreated(product) = &event.event else { panic!("unexpected event") };
            let opened = caused_event(&event, 1, StockOpened { levels: vec![] });
            platform.stock().open(claim(catalog::STOCK_OPEN, &event), product, &opened).await.map(drop)
        })
        .subscribe(catalog::EVENT_FORWARD, async |event| {
            let topic = event.event.row().topic.name;
            let record =
                EventLogRecord { topic, key: event.subject.clone(), value: Some(String::new()), time: event.time };
            platform.event_log().append(&record).await
        })
        .subscribe_to_log(catalog::EVENT_ARCHIVE, async |_| Ok(()));
    let (key, reply) = (build::a_key("k", "b"), build::a_reply("{}"));
    platform.products().create(&build::product().created(), &key, &reply).await.expect("created");
    let report = dispatcher.run_until_idle().await;
    assert_eq!(platform.stock().levels()[0].available, 10);
    assert_eq!(report.delivered.iter().filter(|(consumer, _)| *consumer == "event-archive").count(), 2);
}
