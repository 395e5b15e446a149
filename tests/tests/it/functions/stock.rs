//! Stock of paid, shipped and expired orders, adjustments and alerts.

use super::{
    ORDER, PRODUCT, assert_all_samples_run, clock,
    consumers::{USUAL, deliver},
    http::assert_responses,
    sample, sample_time, seeded_platform,
};
use adapters::{Wiring, config::Config};
use domain::{
    DomainEvent,
    event::StockLow,
    id::{OrderId, ProductId},
    stock::{LOW_STOCK_THRESHOLD, RESERVATION_SECONDS, State},
};
use edge::{Clock, Consumer};
use kernel::Uuid;
use std::time::Duration;
use testkit::{Access, Dependency, FaultPoint, InjectedFault, Occurrence, Platform, build};

/// A platform where the order of the samples has its stock reserved.
async fn with_reservation() -> Platform {
    let platform = seeded_platform();
    let handler = async |delivery| stock_reserve::handle(&platform.stock(), delivery).await;
    let event = sample(catalog::STOCK_RESERVE, "ok");
    let consumer = Consumer::new(catalog::STOCK_RESERVE.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(platform.stock().state(ORDER), Some(State::Reserved));
    platform
}

async fn allocate(platform: &Platform) {
    let handler = async |delivery| stock_allocate::handle(&platform.stock(), delivery).await;
    let event = sample(catalog::STOCK_ALLOCATE, "ok");
    let consumer = Consumer::new(catalog::STOCK_ALLOCATE.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
}

async fn sweep(platform: &Platform, seconds: i64, case: &str) -> serde_json::Value {
    let clock = Clock::at(sample_time() + Duration::from_secs(seconds.unsigned_abs()), 7);
    let handler = async |tick| stock_sweep::handle(&platform.stock(), tick).await;
    let event = sample(catalog::STOCK_SWEEP, case);
    edge::schedule::tick(catalog::STOCK_SWEEP.name, event, &clock, &handler).await.expect("a summary")
}

fn level(platform: &Platform) -> (i64, i64) {
    let level = &platform.stock().levels()[0];
    (level.available, level.reserved)
}

#[tokio::test]
async fn stock_allocate_allocates_reservations_and_dead_letters_unknown_orders() {
    let platform = with_reservation().await;
    deliver(catalog::STOCK_ALLOCATE, &USUAL, &platform, async |delivery| {
        stock_allocate::handle(&platform.stock(), delivery).await
    })
    .await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Allocated), (3, 2)));
    assert_eq!(sweep(&platform, 10 * RESERVATION_SECONDS, "ok").await["expired"], 0, "allocated stock does not expire");
    let empty = seeded_platform();
    allocate(&empty).await;
    let reasons: Vec<String> = empty.dead_letters().messages().into_iter().map(|message| message.reason).collect();
    assert_eq!(reasons, ["invalid-reservation-transition"]);
}

#[tokio::test]
async fn expired_reservation_is_allocated_by_a_late_payment_if_stock_allows() {
    assert_all_samples_run(catalog::STOCK_SWEEP, &["ok", "bad_not_a_schedule"]);
    let platform = with_reservation().await;
    assert_eq!(sweep(&platform, RESERVATION_SECONDS, "ok").await["expired"], 0);
    assert_eq!(sweep(&platform, RESERVATION_SECONDS + 1, "bad_not_a_schedule").await["expired"], 1);
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Expired), (5, 0)));
    allocate(&platform).await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Allocated), (3, 2)));
}

#[tokio::test]
async fn paid_order_without_stock_is_backordered_and_filled_later() {
    let platform = with_reservation().await;
    sweep(&platform, RESERVATION_SECONDS + 1, "ok").await;
    platform.stock().put(PRODUCT, 1);
    allocate(&platform).await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Backordered), (1, 0)));
    assert_eq!(sweep(&platform, RESERVATION_SECONDS + 2, "ok").await["backordered"], 1);
    platform.stock().put(PRODUCT, 2);
    assert_eq!(sweep(&platform, RESERVATION_SECONDS + 3, "ok").await["allocated"], 1);
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Allocated), (0, 2)));
}

#[tokio::test]
async fn backorders_are_filled_even_if_expiring_reservations_fails() {
    let platform = with_reservation().await;
    sweep(&platform, RESERVATION_SECONDS + 1, "ok").await;
    platform.stock().put(PRODUCT, 1);
    allocate(&platform).await;
    platform.stock().put(PRODUCT, 2);
    platform.faults().fail(Dependency::Database, Occurrence::First(1), FaultPoint::Before);
    let clock = Clock::at(sample_time() + Duration::from_secs(RESERVATION_SECONDS.unsigned_abs() + 2), 7);
    let handler = async |tick| stock_sweep::handle(&platform.stock(), tick).await;
    let response =
        edge::schedule::tick(catalog::STOCK_SWEEP.name, sample(catalog::STOCK_SWEEP, "ok"), &clock, &handler);
    assert!(response.await.is_err(), "the failure is still reported");
    assert_eq!(platform.stock().state(ORDER), Some(State::Allocated));
}

/// The reservations of `count` orders of one unit each, and an order that was paid without stock, for which stock has come.
async fn with_reservations_and_a_backorder(count: u128) -> (Platform, Vec<OrderId>) {
    let platform = with_reservation().await;
    sweep(&platform, RESERVATION_SECONDS + 1, "ok").await;
    platform.stock().put(PRODUCT, 1);
    allocate(&platform).await;
    let other = ProductId(Uuid::from_u128(2));
    platform.stock().put(other, 100);
    let orders: Vec<OrderId> = (1..=count).map(|n| OrderId(Uuid::from_u128(n))).collect();
    for id in &orders {
        let order = build::order().id(*id).line_of(other, 1, build::usd(100)).at(sample_time());
        let event = build::event_with(id.0, sample_time(), order.order_placed());
        let handler = async |delivery| stock_reserve::handle(&platform.stock(), delivery).await;
        let consumer = Consumer::new(catalog::STOCK_RESERVE.name, catalog::MAX_RECEIVES);
        let batch = edge::testing::sqs_event(&[&event]);
        edge::queue::batch(&consumer, batch, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
        assert_eq!(platform.stock().state(*id), Some(State::Reserved));
    }
    platform.stock().put(PRODUCT, 2);
    (platform, orders)
}

fn count_in(platform: &Platform, orders: &[OrderId], state: State) -> usize {
    orders.iter().filter(|order| platform.stock().state(**order) == Some(state)).count()
}

#[tokio::test]
async fn reservation_that_always_fails_does_not_keep_others_from_expiring() {
    let (platform, orders) = with_reservations_and_a_backorder(5).await;
    for run in 1..=2 {
        // The first operation of a run reads the reservations, the second expires the first of them.
        platform.faults().fail(Dependency::Database, Occurrence::Nth(2), FaultPoint::Before);
        let summary = sweep(&platform, RESERVATION_SECONDS + 60 * run, "ok").await;
        assert_eq!(summary["failed"], 1, "{summary}");
        platform.faults().restore_all();
        assert_eq!(platform.stock().state(orders[0]), Some(State::Reserved));
    }
    assert_eq!(count_in(&platform, &orders, State::Expired), 4);
    assert_eq!(platform.stock().state(ORDER), Some(State::Allocated));
}

#[tokio::test]
async fn backorders_are_filled_while_more_reservations_expire_than_fit_in_a_run() {
    let (platform, orders) = with_reservations_and_a_backorder(40).await;
    let start = sample_time() + Duration::from_secs(RESERVATION_SECONDS.unsigned_abs() + 60);
    let clock = Clock::at(start, 7).until(start + Duration::from_secs(50));
    let passing = clock.clone();
    platform.faults().intercept(move |_, access| {
        passing.advance(Duration::from_secs(if access == Access::Write { 2 } else { 0 }));
        InjectedFault::default()
    });
    let handler = async |tick| stock_sweep::handle(&platform.stock(), tick).await;
    let event = sample(catalog::STOCK_SWEEP, "ok");
    edge::schedule::tick(catalog::STOCK_SWEEP.name, event, &clock, &handler).await.expect("a summary");
    assert!(clock.remaining() > Some(Duration::ZERO), "it would have been stopped");
    assert_eq!(platform.stock().state(ORDER), Some(State::Allocated));
    let expired = count_in(&platform, &orders, State::Expired);
    assert!((1..40).contains(&expired), "{expired}");
}

#[tokio::test]
async fn stock_adjust_succeeds_under_the_same_key_once_the_account_is_open() {
    let platform = Platform::new();
    let route = Wiring::new(catalog::STOCK_ADJUST, Config::from_vars([])).route().expect("a route");
    let request = async || {
        let handler = async |call| stock_adjust::handle(&platform.stock(), call).await;
        edge::http::respond(&route, sample(catalog::STOCK_ADJUST, "ok_increase"), &clock(), &handler).await
    };
    assert_eq!(request().await["statusCode"], 404);
    platform.stock().put(PRODUCT, 5);
    assert_eq!(request().await["statusCode"], 200);
}

#[tokio::test]
async fn stock_ship_removes_shipped_stock_once() {
    let platform = with_reservation().await;
    allocate(&platform).await;
    deliver(catalog::STOCK_SHIP, &USUAL, &platform, async |delivery| {
        stock_ship::handle(&platform.stock(), delivery).await
    })
    .await;
    assert_eq!((platform.stock().state(ORDER), level(&platform)), (Some(State::Shipped), (3, 0)));
    assert_eq!(platform.stock().shipped(PRODUCT), 2);
}

#[tokio::test]
async fn stock_adjust_applies_once_per_key_and_never_takes_reserved_stock() {
    let expected = [
        ("bad_exceeds_stock", 409, "insufficient-stock", ""),
        ("set /body/delta = 0", 422, "validation", "/delta"),
        ("set /body/delta = 1000001", 422, "validation", "/delta"),
        (r#"set /body/reason = "because""#, 422, "validation", "/reason"),
        (r#"set /body/note = "x""#, 422, "validation", "/note"),
        ("bad_unknown_product", 404, "not-found", ""),
        ("remove /headers/idempotency-key", 400, "idempotency-key-missing", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("ok", 200, "", ""),
        ("ok_increase", 200, "", ""),
    ];
    let platform = with_reservation().await;
    for _ in 0..2 {
        assert_responses(catalog::STOCK_ADJUST, &expected, async |_, call| {
            stock_adjust::handle(&platform.stock(), call).await
        })
        .await;
    }
    assert_eq!(level(&platform), (20, 2), "each once per key");
    assert_eq!(platform.stock().adjusted(PRODUCT), 17);
}

#[tokio::test]
async fn stock_alert_reports_low_stock_once() {
    let platform = with_reservation().await;
    let before = platform.bus().published().len();
    deliver(catalog::STOCK_ALERT, &USUAL, &platform, async |delivery| {
        stock_alert::handle(&platform.stock(), delivery).await
    })
    .await;
    let published = platform.bus().published().split_off(before);
    let low = StockLow { product_id: PRODUCT, available: 3, threshold: LOW_STOCK_THRESHOLD };
    assert_eq!(published.into_iter().map(|event| event.event).collect::<Vec<_>>(), [DomainEvent::StockLow(low)]);
}

#[tokio::test]
async fn stock_movement_list_shows_staff_the_movements() {
    let platform = Platform::new();
    let stock = platform.stock();
    for (row, case) in [(catalog::STOCK_OPEN, "ok"), (catalog::STOCK_RESERVE, "ok")] {
        let (consumer, event) = (Consumer::new(row.name, catalog::MAX_RECEIVES), sample(row, case));
        let handler = async |delivery| match row.name {
            name if name == catalog::STOCK_OPEN.name => stock_open::handle(&stock, delivery).await,
            _ => stock_reserve::handle(&stock, delivery).await,
        };
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    let expected = [
        ("ok", 200, "", ""),
        ("ok_second_page", 200, "", ""),
        ("bad_cursor", 422, "validation", "?cursor"),
        ("bad_no_such_product", 404, "not-found", ""),
        ("bad_customer", 403, "forbidden", ""),
    ];
    assert_responses(catalog::STOCK_MOVEMENT_LIST, &expected, async |case, call| {
        let reply = stock_movement_list::handle(&stock, call).await?;
        let kinds = match case {
            "ok" => vec![r#""kind":"opened""#, r#""kind":"reserved","quantity":2"#, "order_id"],
            _ => vec![r#""version":1,"kind":"opened""#, r#""next_cursor":null"#],
        };
        let text = reply.to_stored()?.body;
        assert!(kinds.iter().all(|kind| text.contains(kind)), "{case}: {text}");
        Ok(reply)
    })
    .await;
}
