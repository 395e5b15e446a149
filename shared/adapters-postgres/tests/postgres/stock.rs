//! Stock without concurrency.

use crate::fixtures::*;
use adapters_postgres::PgStock;
use adapters_testkit::postgres::TestDatabase;
use catalog::Context;
use domain::{
    DomainEvent,
    event::{StockLevel, StockOpened},
    id::ProductId,
};
use kernel::FailureKind;
use ports::{Bus, StockStore};

/// A product with `units` in its stock account.
pub async fn opened<B: Bus>(stock: &PgStock<B>, units: u32) -> ProductId {
    let product = product(units);
    let event = event(StockOpened { levels: vec![] });
    assert!(stock.open(claim(), &product, &event).await.expect("opened").is_some());
    product.product_id
}

/// Available and reserved.
pub async fn level<B: Bus>(stock: &PgStock<B>, product: ProductId) -> (i64, i64) {
    let level = stock.level(product).await.expect("a response").expect("an account");
    (level.available, level.reserved)
}

async fn row_counts(database: &TestDatabase) -> (i64, i64, i64) {
    (
        database.number("SELECT count(*) FROM inventory.inbox").await,
        database.number("SELECT count(*) FROM inventory.reservations").await,
        database.number("SELECT count(*) FROM inventory.reservation_lines").await,
    )
}

#[tokio::test]
async fn account_opens_once_and_its_event_carries_the_level() {
    let database = database().await;
    let (stock, product) = (database.stock(), product(7));
    let opening = event(StockOpened { levels: vec![] });
    let outcome = stock.open(claim(), &product, &opening).await.unwrap().expect("opened");
    let expected = StockLevel { product_id: product.product_id, available: 7, reserved: 0, version: 1 };
    assert_eq!(outcome.event, DomainEvent::StockOpened(StockOpened { levels: vec![expected.clone()] }));
    assert_eq!(database.bus().published(), [outcome]);
    assert_eq!(stock.level(product.product_id).await.unwrap(), Some(expected));
    assert_eq!(stock.open(claim(), &product, &event(StockOpened { levels: vec![] })).await.unwrap(), None);
    assert_eq!(stock.level(ProductId(id())).await.unwrap(), None);
}

#[tokio::test]
async fn reservation_takes_all_lines_and_its_event_carries_the_levels() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 9).await);
    let (reservation, reserved, failed) = reservation_of(&[(a, 2), (b, 9)]);
    let outcome =
        stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap().expect("an event");
    let DomainEvent::StockReserved(data) = &outcome.event else { panic!("{outcome:?}") };
    let levels: Vec<_> = data.levels.iter().map(|l| (l.product_id, l.available, l.reserved, l.version)).collect();
    assert_eq!(levels, [(a, 3, 2, 2), (b, 0, 9, 2)]);
    assert_eq!((outcome.id, data.order_id), (reserved.id, reservation.reserved.order_id));
    assert_eq!(database.bus().published().last(), Some(&outcome));
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((3, 2), (0, 9)));
}

#[tokio::test]
async fn reservation_with_one_short_line_reserves_nothing() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 1).await);
    let (reservation, reserved, failed) = reservation_of(&[(a, 5), (b, 2)]);
    assert_eq!(stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap(), Some(failed));
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((5, 0), (1, 0)));
}

#[tokio::test]
async fn redelivered_event_reserves_once() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let ((reservation, reserved, failed), claim) = (reservation_of(&[(a, 2)]), claim());
    assert!(stock.reserve(claim, &reservation, expires_at(), &reserved, &failed).await.unwrap().is_some());
    assert_eq!(stock.reserve(claim, &reservation, expires_at(), &reserved, &failed).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (3, 2));
}

#[tokio::test]
async fn product_without_a_stock_account_is_unavailable_and_writes_nothing() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let before = row_counts(&database).await;
    let (reservation, reserved, failed) = reservation_of(&[(a, 1), (ProductId(id()), 1)]);
    let failure =
        stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.expect_err("unavailable");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(row_counts(&database).await, before);
    assert_eq!(level(&stock, a).await, (5, 0));
}

#[tokio::test]
async fn release_returns_reserved_stock_once() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 5).await);
    let (reservation, reserved, failed) = reservation_of(&[(a, 2), (b, 3)]);
    let order = reservation.reserved.order_id;
    stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap().expect("reserved");
    let outcome = stock.release(claim(), order, &released(order)).await.unwrap().expect("released");
    let DomainEvent::StockReleased(data) = &outcome.event else { panic!("{outcome:?}") };
    assert_eq!(data.levels.iter().map(|l| (l.available, l.reserved, l.version)).collect::<Vec<_>>(), [(5, 0, 3); 2]);
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((5, 0), (5, 0)));
    let history =
        "SELECT string_agg(kind || quantity, ' ' ORDER BY version) FROM inventory.stock_movements GROUP BY product_id";
    let histories: Vec<String> = database.rows(history).await.iter().map(|row| row.get(0)).collect();
    assert!(histories.contains(&"opened5 reserved2 released-2".to_owned()), "{histories:?}");
}

#[tokio::test]
async fn release_before_the_reservation_cancels_it() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let (reservation, reserved, failed) = reservation_of(&[(a, 2)]);
    let order = reservation.reserved.order_id;
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!(stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (5, 0));
}

#[tokio::test]
async fn releasing_a_failed_reservation_changes_no_stock() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 1).await;
    let (reservation, reserved, failed) = reservation_of(&[(a, 2)]);
    let order = reservation.reserved.order_id;
    stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap().expect("failed");
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (1, 0));
}

#[tokio::test]
async fn reserve_and_release_cost_one_round_trip_plus_one_to_mark_the_event() {
    let database = database().await;
    let connection = database.as_context(Context::Inventory);
    let stock = PgStock::new(connection.clone(), database.bus());
    let a = opened(&stock, 9).await;
    let (reservation, reserved, failed) = reservation_of(&[(a, 2)]);
    let order = reservation.reserved.order_id;
    let before = connection.round_trips();
    stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.unwrap();
    assert_eq!(connection.round_trips() - before, 2);
    database.bus().set_behavior(adapters_testkit::postgres::BusBehavior::Fail);
    stock.release(claim(), order, &released(order)).await.unwrap();
    assert_eq!(connection.round_trips() - before, 3);
}
