//! Backorders: the queues add up under concurrency, and a long one costs no more than a short one.

use crate::{
    fixtures::*,
    stock::{level, opened},
};
use adapters_postgres::PgStock;
use adapters_testkit::postgres::{RecordingBus, TestDatabase};
use domain::{
    Event,
    event::PaymentRef,
    id::{OrderId, PaymentId, ProductId},
    stock,
};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{PaidOrder, StockStore as _};
use std::time::Duration;

/// Products whose figure is not the sum of their queue, and lines that are in a queue and not those of a backorder, or the other way round.
const WRONG: &str = "SELECT (
    SELECT count(*) FROM inventory.stock AS s WHERE backordered <> (
        SELECT coalesce(sum(quantity), 0) FROM inventory.backorder_lines AS b WHERE b.product_id = s.product_id
    )
) + (
    SELECT count(*) FROM (
        SELECT product_id, order_id, paid_at, quantity FROM inventory.backorder_lines
    ) AS queued FULL JOIN (
        SELECT product_id, order_id, paid_at, quantity
        FROM inventory.reservation_lines JOIN inventory.reservations USING (order_id) WHERE state = 'backordered'
    ) AS wanted USING (product_id, order_id, paid_at, quantity) WHERE queued IS NULL OR wanted IS NULL
)";

fn later(seconds: u64) -> Timestamp {
    expires_at() + Duration::from_secs(seconds)
}

fn paid(order_id: OrderId, at: Timestamp) -> PaidOrder {
    PaidOrder { order_id, payment: PaymentRef { payment_id: PaymentId(id()), version: 2 }, at }
}

/// An order for these lines whose reservation has expired.
async fn expired(stock: &PgStock<RecordingBus>, lines: &[(ProductId, u32)]) -> OrderId {
    let (reservation, reserved, failed) = reservation_of(lines);
    let order = reservation.reserved.order_id;
    let outcome = stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await.expect("a response");
    assert_eq!(outcome.expect("an event").id, reserved.id, "it is reserved");
    stock.expire(order, &event_at(later(1), stock::expired(order))).await.expect("a response").expect("expired");
    order
}

async fn allocate(stock: &PgStock<RecordingBus>, paid: &PaidOrder) -> Option<Event> {
    let (order, payment) = (paid.order_id, paid.payment);
    let events = (
        event_at(paid.at, stock::allocated(order, payment)),
        event_at(paid.at, stock::allocation_failed(order, payment)),
    );
    stock.allocate(claim(), paid, &events.0, &events.1).await.expect("a response")
}

async fn fill(stock: &PgStock<RecordingBus>, paid: &PaidOrder) -> bool {
    let allocated = event_at(later(100), stock::allocated(paid.order_id, paid.payment));
    stock.allocate_backorder(paid.order_id, &allocated).await.expect("a response").is_some()
}

#[tokio::test]
async fn queues_add_up_while_orders_are_backordered_filled_and_released_at_once() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.stock()).collect();
    let (a, b) = (opened(&stores[0], 60).await, opened(&stores[0], 60).await);
    let mut orders = Vec::new();
    for n in 0..24 {
        let lines = if n % 2 == 0 { [(a, 1), (b, 2)] } else { [(b, 1), (a, 2)] };
        orders.push(paid(expired(&stores[0], &lines).await, later(n)));
    }
    // Eight units of each remain, too few for all.
    database.execute("UPDATE inventory.stock SET available = 8").await;
    let work = stores.iter().enumerate().map(async |(n, store)| {
        for order in orders.iter().skip(n % 4).step_by(4) {
            if n < 4 {
                allocate(store, order).await;
                fill(store, order).await;
            } else if n % 2 == 0 {
                store.release(claim(), order.order_id, &released(order.order_id)).await.expect("a response");
            }
        }
    });
    join_all(work).await;
    assert_eq!(database.number(WRONG).await, 0);
    database.execute("UPDATE inventory.stock SET available = available + 100").await;
    while let Some(next) = stores[0].fillable_backorders(1, None).await.expect("a response").first() {
        assert!(fill(&stores[0], next).await, "what is listed can be filled");
    }
    assert_eq!(database.number(WRONG).await, 0);
    assert_eq!(stores[0].backorder_count().await, Ok(0));
    assert_eq!(database.number("SELECT sum(backordered)::bigint FROM inventory.stock").await, 0);
}

#[tokio::test]
async fn page_of_backorders_that_cannot_be_decoded_does_not_hide_the_next() {
    let database = database().await;
    let (stock, mut orders) = (database.stock(), Vec::new());
    let product = opened(&stock, 3).await;
    for n in 0..3 {
        orders.push(paid(expired(&stock, &[(product, 1)]).await, later(n)));
    }
    database.execute("UPDATE inventory.stock SET available = 0").await;
    for order in &orders {
        allocate(&stock, order).await.expect("a backorder");
    }
    database.execute("UPDATE inventory.stock SET available = 3").await;
    assert_eq!(stock.fillable_backorders(1, None).await, Ok(orders[..1].to_vec()));
    let unreadable = format!("order_id <> '{}'", orders[2].order_id);
    database.execute(&format!("UPDATE inventory.reservations SET payment_version = -1 WHERE {unreadable}")).await;
    assert_eq!(stock.fillable_backorders(1, None).await, Ok(orders[2..].to_vec()));
}

/// Adds `count` backorders for two units of each product, paid one after the other from `later(1000)`.
async fn queue(database: &TestDatabase, products: &[ProductId], count: u32) {
    for (n, product) in products.iter().enumerate() {
        let product = product.0;
        let orders = if n > 0 {
            ""
        } else {
            "INSERT INTO inventory.reservations (order_id, state, payment_id, payment_version, paid_at, updated_at)
            SELECT id, 'backordered', id, 2, at, at FROM made;"
        };
        let made = if n > 0 {
            String::new()
        } else {
            format!(
                "CREATE TABLE made AS SELECT gen_random_uuid() AS id, '{}'::timestamptz + n * interval '1 second' AS at
                FROM generate_series(1, {count}) AS n;",
                later(1_000)
            )
        };
        let statements = format!(
            "{made} {orders}
            INSERT INTO inventory.reservation_lines (order_id, product_id, quantity) SELECT id, '{product}', 2 FROM made;
            INSERT INTO inventory.backorder_lines (product_id, paid_at, order_id, quantity)
            SELECT '{product}', at, id, 2 FROM made;
            UPDATE inventory.stock SET backordered = backordered + 2 * {count} WHERE product_id = '{product}';"
        );
        database.execute(&statements).await;
    }
    database
        .execute(
            "DROP TABLE made; ANALYZE inventory.reservations, inventory.reservation_lines, inventory.backorder_lines",
        )
        .await;
}

/// Rows that each operation reads while `waiting` orders wait for a product of which there is nothing and one of which there is half.
async fn costs(database: &TestDatabase, waiting: u32) -> Vec<(&'static str, i64)> {
    let (none, half) = (opened(&database.stock(), 100).await, opened(&database.stock(), 100).await);
    let stock = database.stock();
    let (new, sold_out) = (expired(&stock, &[(half, 1)]).await, expired(&stock, &[(none, 1)]).await);
    let cancelled = paid(expired(&stock, &[(none, 1), (half, 1)]).await, later(500));
    database.execute(&format!("UPDATE inventory.stock SET available = 0 WHERE product_id = '{}'", none.0)).await;
    allocate(&stock, &cancelled).await.expect("it is backordered");
    queue(database, &[none, half], waiting).await;
    database
        .execute(&format!("UPDATE inventory.stock SET available = {waiting} WHERE product_id = '{}'", half.0))
        .await;
    assert_eq!(database.number(WRONG).await, 0);
    drop(stock);
    let mut costs = Vec::new();
    for product in [none, half] {
        let reserve = async || {
            let (stock, (reservation, reserved, failed)) = (database.stock(), reservation_of(&[(product, 1)]));
            let outcome = stock.reserve(claim(), &reservation, expires_at(), &reserved, &failed).await;
            assert_eq!(outcome.expect("a response").expect("an event").id, failed.id, "others are first");
        };
        costs.push(("reserve", rows_read(database, "inventory", reserve).await.1));
    }
    for order in [new, sold_out] {
        let allocate = async || allocate(&database.stock(), &paid(order, later(900_000))).await.expect("an event");
        costs.push(("allocate an order that was just paid", rows_read(database, "inventory", allocate).await.1));
    }
    let release = async || {
        database.stock().release(claim(), cancelled.order_id, &released(cancelled.order_id)).await.expect("a response")
    };
    costs.push(("release a backorder", rows_read(database, "inventory", release).await.1));
    assert_eq!(database.number(WRONG).await, 0);
    assert_eq!(level(&database.stock(), none).await.0, 0);
    costs
}

#[tokio::test]
async fn cost_of_an_operation_does_not_grow_with_the_orders_that_wait() {
    let (few, many) = (costs(&database().await, 100).await, costs(&database().await, 100_000).await);
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        // The tables of a hundred orders are read as a whole where that costs less.
        assert!(*few > 0 && *many < 600, "{name}: {few} rows read with a hundred, {many} with a hundred thousand");
    }
}

#[tokio::test]
async fn both_ends_of_a_queue_give_the_sum_of_what_was_paid_earlier() {
    let database = database().await;
    let product = opened(&database.stock(), 1).await;
    queue(&database, &[product], 700).await;
    // All positions around the page sizes, with figures around what is really wanted before.
    let wrong = "WITH line AS (
            SELECT *, 2 * (row_number() OVER (ORDER BY paid_at, order_id) - 1) AS earlier, count(*) OVER () * 2 - 2 AS others
            FROM inventory.backorder_lines
        ), checked AS (
            SELECT earlier <= spare AS expected, inventory.leaves_enough(product_id, paid_at, order_id, spare, others) AS found
            FROM line, LATERAL unnest(ARRAY[-1, 0, 1, earlier - 1, earlier, earlier + 1, others - 1, others]) AS spare
        )
        SELECT count(*) FILTER (WHERE expected IS DISTINCT FROM found) + 1000000 * (count(*) - 5600) FROM checked";
    assert_eq!(database.number(wrong).await, 0);
}
