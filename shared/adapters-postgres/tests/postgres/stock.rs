//! Stock, one step at a time.

use crate::given::*;
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

/// A product with so many pieces in its account.
pub async fn opened<B: Bus>(stock: &PgStock<B>, pieces: u32) -> ProductId {
    let product = product(pieces);
    let event = event(StockOpened { levels: vec![] });
    assert!(stock.open(claim(), &product, &event).await.expect("opens").is_some());
    product.product_id
}

/// Available and reserved.
pub async fn level<B: Bus>(stock: &PgStock<B>, product: ProductId) -> (i64, i64) {
    let level = stock.level(product).await.expect("answers").expect("an account");
    (level.available, level.reserved)
}

async fn traces(database: &TestDatabase) -> (i64, i64, i64) {
    (
        database.number("SELECT count(*) FROM inventory.inbox").await,
        database.number("SELECT count(*) FROM inventory.reservations").await,
        database.number("SELECT count(*) FROM inventory.reservation_lines").await,
    )
}

#[tokio::test]
async fn an_account_opens_once_and_its_event_says_the_level() {
    let database = database().await;
    let (stock, product) = (database.stock(), product(7));
    let opening = event(StockOpened { levels: vec![] });
    let said = stock.open(claim(), &product, &opening).await.unwrap().expect("opened");
    let expected = StockLevel { product_id: product.product_id, available: 7, reserved: 0, version: 1 };
    assert_eq!(said.event, DomainEvent::StockOpened(StockOpened { levels: vec![expected.clone()] }));
    assert_eq!(database.bus().published(), [said]);
    assert_eq!(stock.level(product.product_id).await.unwrap(), Some(expected));
    assert_eq!(stock.open(claim(), &product, &event(StockOpened { levels: vec![] })).await.unwrap(), None);
    assert_eq!(stock.level(ProductId(id())).await.unwrap(), None);
}

#[tokio::test]
async fn a_hold_takes_all_lines_and_its_event_says_the_levels_after_it() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 9).await);
    let (hold, reserved, short) = hold(&[(a, 2), (b, 9)]);
    let said = stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap().expect("an event");
    let DomainEvent::StockReserved(data) = &said.event else { panic!("{said:?}") };
    let levels: Vec<_> = data.levels.iter().map(|l| (l.product_id, l.available, l.reserved, l.version)).collect();
    assert_eq!(levels, [(a, 3, 2, 2), (b, 0, 9, 2)]);
    assert_eq!((said.id, data.order_id), (reserved.id, hold.reserved.order_id));
    assert_eq!(database.bus().published().last(), Some(&said));
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((3, 2), (0, 9)));
}

#[tokio::test]
async fn a_hold_that_one_line_is_too_short_for_takes_nothing_and_says_so() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 1).await);
    let (hold, reserved, short) = hold(&[(a, 5), (b, 2)]);
    assert_eq!(stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap(), Some(short));
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((5, 0), (1, 0)));
}

#[tokio::test]
async fn the_same_delivery_twice_holds_once() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let ((hold, reserved, short), claim) = (hold(&[(a, 2)]), claim());
    assert!(stock.reserve(claim, &hold, expires_at(), &reserved, &short).await.unwrap().is_some());
    assert_eq!(stock.reserve(claim, &hold, expires_at(), &reserved, &short).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (3, 2));
}

#[tokio::test]
async fn a_product_whose_account_is_on_its_way_is_unavailable_and_leaves_no_trace() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let before = traces(&database).await;
    let (hold, reserved, short) = hold(&[(a, 1), (ProductId(id()), 1)]);
    let failure = stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.expect_err("unavailable");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(traces(&database).await, before);
    assert_eq!(level(&stock, a).await, (5, 0));
}

#[tokio::test]
async fn a_release_gives_back_what_was_held_and_only_once() {
    let database = database().await;
    let stock = database.stock();
    let (a, b) = (opened(&stock, 5).await, opened(&stock, 5).await);
    let (hold, reserved, short) = hold(&[(a, 2), (b, 3)]);
    let order = hold.reserved.order_id;
    stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap().expect("held");
    let said = stock.release(claim(), order, &released(order)).await.unwrap().expect("freed");
    let DomainEvent::StockReleased(data) = &said.event else { panic!("{said:?}") };
    assert_eq!(data.levels.iter().map(|l| (l.available, l.reserved, l.version)).collect::<Vec<_>>(), [(5, 0, 3); 2]);
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!((level(&stock, a).await, level(&stock, b).await), ((5, 0), (5, 0)));
    let history =
        "SELECT string_agg(kind || quantity, ' ' ORDER BY version) FROM inventory.stock_movements GROUP BY product_id";
    let histories: Vec<String> = database.rows(history).await.iter().map(|row| row.get(0)).collect();
    assert!(histories.contains(&"opened5 reserved2 released-2".to_owned()), "{histories:?}");
}

#[tokio::test]
async fn a_release_that_comes_first_is_remembered_and_the_hold_does_nothing() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 5).await;
    let (hold, reserved, short) = hold(&[(a, 2)]);
    let order = hold.reserved.order_id;
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!(stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (5, 0));
}

#[tokio::test]
async fn releasing_what_was_short_frees_nothing() {
    let database = database().await;
    let stock = database.stock();
    let a = opened(&stock, 1).await;
    let (hold, reserved, short) = hold(&[(a, 2)]);
    let order = hold.reserved.order_id;
    stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap().expect("short");
    assert_eq!(stock.release(claim(), order, &released(order)).await.unwrap(), None);
    assert_eq!(level(&stock, a).await, (1, 0));
}

#[tokio::test]
async fn a_hold_or_a_release_is_one_round_trip_and_marking_its_event_as_sent_another() {
    let database = database().await;
    let connection = database.as_context(Context::Inventory);
    let stock = PgStock::new(connection.clone(), database.bus());
    let a = opened(&stock, 9).await;
    let (hold, reserved, short) = hold(&[(a, 2)]);
    let order = hold.reserved.order_id;
    let before = connection.round_trips();
    stock.reserve(claim(), &hold, expires_at(), &reserved, &short).await.unwrap();
    assert_eq!(connection.round_trips() - before, 2);
    database.bus().set_behavior(adapters_testkit::postgres::BusBehavior::Fail);
    stock.release(claim(), order, &released(order)).await.unwrap();
    assert_eq!(connection.round_trips() - before, 3);
}
