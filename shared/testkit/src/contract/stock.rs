//! Contract of [`StockStore`]: accounts, reservations and releases. The suite includes `reservations`, `backorders` and
//! `adjustments`.

use super::{Fixture, a_claim, an_event, fresh, kind_and_code, later};
use crate::build::{self, OrderBuilder, usd};
use domain::{
    DomainEvent, Event,
    event::{StockLevel, StockOpened, StockReleased},
    id::{OrderId, ProductId},
    stock::RESERVATION_SECONDS,
};
use futures_util::future::{join, join_all};
use kernel::{Failure, FailureKind};
use ports::{Claim, StockStore};

/// Generates one test per rule of [`StockStore`]. The expression is a future of a `Fixture<impl StockStore>`.
#[macro_export]
macro_rules! contract_stock {
    ($fixture:expr) => {
        $crate::each_rule! { stock, $fixture;
            account_opens_once_and_publishes_its_first_level
            product_without_an_account_has_no_level
            reservation_covers_all_lines_and_publishes_the_new_levels
            one_short_line_fails_the_whole_reservation
            order_is_reserved_once_whatever_its_claim
            reservation_without_a_stock_account_is_retried
            reserved_stock_is_released_once
            order_released_before_its_reservation_is_never_reserved
            releasing_a_failed_reservation_returns_no_stock
            concurrent_reservations_of_the_last_unit_succeed_once
            concurrent_reservations_neither_oversell_nor_deadlock
            concurrent_release_and_reservation_leave_nothing_reserved
            sweep_publishes_events_missed_by_the_bus_once
        }
        $crate::contract_reservations!($fixture);
        $crate::contract_backorders!($fixture);
        $crate::contract_adjustments!($fixture);
    };
}

const CONSUMER: &str = catalog::STOCK_RESERVE.name;

fn opened(product_id: ProductId) -> Event {
    let mut event = an_event(StockOpened { levels: vec![] });
    event.subject = product_id.to_string();
    event
}

pub(super) fn released(order_id: OrderId) -> Event {
    an_event(StockReleased { order_id, levels: vec![] })
}

/// A new product with `units` in stock.
pub(super) async fn product(stock: &impl StockStore, units: u32) -> ProductId {
    let id = ProductId(fresh());
    let product = build::product().id(id).stock(units).event();
    let event = stock.open(a_claim(catalog::STOCK_OPEN.name), &product, &opened(id)).await.expect("the store responds");
    assert!(event.is_some(), "a new account is opened");
    id
}

pub(super) fn order(lines: &[(ProductId, u32)]) -> OrderBuilder {
    let order = build::order().id(OrderId(fresh()));
    lines.iter().fold(order, |order, (product, units)| order.line_of(*product, *units, usd(100)))
}

async fn try_reserve(stock: &impl StockStore, claim: Claim, order: &OrderBuilder) -> Result<Option<Event>, Failure> {
    let reservation = order.reservation();
    let (reserved, failed) = (an_event(reservation.reserved.clone()), an_event(reservation.failed.clone()));
    stock.reserve(claim, &reservation, later(RESERVATION_SECONDS), &reserved, &failed).await
}

async fn reserve(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    try_reserve(stock, a_claim(CONSUMER), order).await.expect("the store responds")
}

pub(super) async fn release(stock: &impl StockStore, order: OrderId) -> Option<Event> {
    stock.release(a_claim(catalog::STOCK_RELEASE.name), order, &released(order)).await.expect("the store responds")
}

/// Available units, reserved units and version.
pub(super) async fn level(stock: &impl StockStore, product: ProductId) -> (i64, i64, i64) {
    let level = stock.level(product).await.expect("the store responds").expect("an account");
    assert_eq!(level.product_id, product);
    (level.available, level.reserved, level.version)
}

fn is_reserved(event: &Option<Event>) -> bool {
    matches!(event.as_ref().map(|event| &event.event), Some(DomainEvent::StockReserved(_)))
}

fn is_failed(event: &Option<Event>) -> bool {
    matches!(event.as_ref().map(|event| &event.event), Some(DomainEvent::StockReservationFailed(_)))
}

/// The levels in an event, sorted by product.
pub(super) fn levels(event: &Event) -> Vec<StockLevel> {
    let mut levels = event.event.stock_levels().unwrap_or_default().to_vec();
    levels.sort_by_key(|level| level.product_id);
    levels
}

pub async fn account_opens_once_and_publishes_its_first_level(fixture: &Fixture<impl StockStore>) {
    let (id, claim) = (ProductId(fresh()), a_claim(catalog::STOCK_OPEN.name));
    let product = build::product().id(id).stock(7).event();
    let event = opened(id);
    let published = fixture.port().open(claim, &product, &event).await.expect("a response").expect("opens");
    assert_eq!(published.id, event.id);
    let first = StockLevel { product_id: id, available: 7, reserved: 0, version: 1 };
    assert_eq!(levels(&published), [first]);
    assert_eq!(fixture.port().open(claim, &product, &opened(id)).await, Ok(None));
    let more = build::product().id(id).stock(70).event();
    assert_eq!(fixture.port().open(a_claim(catalog::STOCK_OPEN.name), &more, &opened(id)).await, Ok(None));
    assert_eq!(level(fixture.port(), id).await, (7, 0, 1));
    fixture.assert_only_published(&[event.id]).await;
    assert_eq!(fixture.platform.bus().published(), [published]);
}

pub async fn product_without_an_account_has_no_level(fixture: &Fixture<impl StockStore>) {
    assert_eq!(fixture.port().level(ProductId(fresh())).await, Ok(None));
}

pub async fn reservation_covers_all_lines_and_publishes_the_new_levels(fixture: &Fixture<impl StockStore>) {
    let (a, b) = (product(fixture.port(), 5).await, product(fixture.port(), 2).await);
    let published = reserve(fixture.port(), &order(&[(b, 2), (a, 3)])).await.expect("an event");
    let mut after = vec![
        StockLevel { product_id: a, available: 2, reserved: 3, version: 2 },
        StockLevel { product_id: b, available: 0, reserved: 2, version: 2 },
    ];
    after.sort_by_key(|level| level.product_id);
    assert!(matches!(published.event, DomainEvent::StockReserved(_)));
    assert_eq!(levels(&published), after);
    assert_eq!((level(fixture.port(), a).await, level(fixture.port(), b).await), ((2, 3, 2), (0, 2, 2)));
    fixture.sweep().await;
    assert_eq!(
        fixture.platform.bus().published().last(),
        Some(&published),
        "the published event equals the returned one"
    );
}

pub async fn one_short_line_fails_the_whole_reservation(fixture: &Fixture<impl StockStore>) {
    let (a, b) = (product(fixture.port(), 5).await, product(fixture.port(), 2).await);
    let published = reserve(fixture.port(), &order(&[(a, 5), (b, 3)])).await;
    assert!(is_failed(&published), "{published:?}");
    assert_eq!((level(fixture.port(), a).await, level(fixture.port(), b).await), ((5, 0, 1), (2, 0, 1)));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().last(), published.as_ref());
}

pub async fn order_is_reserved_once_whatever_its_claim(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 5).await;
    let (order, claim) = (order(&[(id, 2)]), a_claim(CONSUMER));
    let published = try_reserve(fixture.port(), claim, &order).await.expect("a response");
    assert!(is_reserved(&published));
    assert_eq!(try_reserve(fixture.port(), claim, &order).await, Ok(None), "the same claim");
    assert_eq!(reserve(fixture.port(), &order).await, None, "another claim for the same order");
    assert_eq!(level(fixture.port(), id).await, (3, 2, 2));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 2, "the account was opened and the order reserved");
}

pub async fn reservation_without_a_stock_account_is_retried(fixture: &Fixture<impl StockStore>) {
    let (known, late) = (product(fixture.port(), 5).await, ProductId(fresh()));
    let (order, claim) = (order(&[(known, 1), (late, 1)]), a_claim(CONSUMER));
    let result = try_reserve(fixture.port(), claim, &order).await;
    assert_eq!(kind_and_code(result).0, FailureKind::Unavailable);
    assert_eq!(level(fixture.port(), known).await, (5, 0, 1));
    let product = build::product().id(late).stock(1).event();
    fixture.port().open(a_claim(catalog::STOCK_OPEN.name), &product, &opened(late)).await.expect("opens");
    assert!(
        is_reserved(&try_reserve(fixture.port(), claim, &order).await.expect("a response")),
        "the claim was not consumed"
    );
}

pub async fn reserved_stock_is_released_once(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 5).await;
    let order = order(&[(id, 2)]);
    reserve(fixture.port(), &order).await.expect("reserved");
    let (order, claim) = (order.placed().id, a_claim(catalog::STOCK_RELEASE.name));
    let published =
        fixture.port().release(claim, order, &released(order)).await.expect("a response").expect("an event");
    assert_eq!(levels(&published), [StockLevel { product_id: id, available: 5, reserved: 0, version: 3 }]);
    assert_eq!(fixture.port().release(claim, order, &released(order)).await, Ok(None), "the same claim");
    assert_eq!(release(fixture.port(), order).await, None, "another claim for the same order");
    assert_eq!(level(fixture.port(), id).await, (5, 0, 3));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().last(), Some(&published));
}

pub async fn order_released_before_its_reservation_is_never_reserved(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 5).await;
    let order = order(&[(id, 2)]);
    assert_eq!(release(fixture.port(), order.placed().id).await, None, "nothing is reserved");
    assert_eq!(reserve(fixture.port(), &order).await, None, "and nothing will be reserved");
    assert_eq!(level(fixture.port(), id).await, (5, 0, 1));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 1, "only the account was opened");
}

pub async fn releasing_a_failed_reservation_returns_no_stock(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 1).await;
    let order = order(&[(id, 2)]);
    assert!(is_failed(&reserve(fixture.port(), &order).await));
    assert_eq!(release(fixture.port(), order.placed().id).await, None);
    assert_eq!(level(fixture.port(), id).await, (1, 0, 1));
}

pub async fn concurrent_reservations_of_the_last_unit_succeed_once(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 1).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(id, 1)])).collect();
    let published =
        join_all(fixture.concurrent(orders.len()).zip(&orders).map(|(stock, order)| reserve(stock, order))).await;
    assert_eq!(published.iter().filter(|event| is_reserved(event)).count(), 1);
    assert_eq!(published.iter().filter(|event| is_failed(event)).count(), orders.len() - 1);
    assert_eq!(level(fixture.port(), id).await, (0, 1, 2));
}

pub async fn concurrent_reservations_neither_oversell_nor_deadlock(fixture: &Fixture<impl StockStore>) {
    let (a, b) = (product(fixture.port(), 10).await, product(fixture.port(), 7).await);
    let lines = [[(a, 1), (b, 1)], [(b, 1), (a, 1)]];
    let orders: Vec<OrderBuilder> = lines.iter().cycle().take(24).map(|lines| order(lines)).collect();
    let published =
        join_all(fixture.concurrent(orders.len()).zip(&orders).map(|(stock, order)| reserve(stock, order))).await;
    assert_eq!(published.iter().filter(|event| is_reserved(event)).count(), 7);
    assert_eq!(published.iter().filter(|event| is_failed(event)).count(), 17);
    assert_eq!((level(fixture.port(), a).await, level(fixture.port(), b).await), ((3, 7, 8), (0, 7, 8)));
}

pub async fn concurrent_release_and_reservation_leave_nothing_reserved(fixture: &Fixture<impl StockStore>) {
    let id = product(fixture.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(id, 1)])).collect();
    let (first, second) = (fixture.concurrent(orders.len()), fixture.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| {
        let id = order.placed().id;
        async move { join(reserve(one, order), release(other, id)).await }
    });
    for (reserved, released_event) in join_all(races).await {
        assert_eq!(reserved.is_some(), released_event.is_some(), "the reserved units were released");
    }
    let (available, reserved, _) = level(fixture.port(), id).await;
    assert_eq!((available, reserved), (100, 0));
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl StockStore>) {
    let id = ProductId(fresh());
    let (product, event) = (build::product().id(id).stock(5).event(), opened(id));
    fixture
        .assert_published_after_outage(
            event.id,
            fixture.port().open(a_claim(catalog::STOCK_OPEN.name), &product, &event),
        )
        .await;
    let reservation = order(&[(id, 2)]).reservation();
    let (reserved, failed) = (an_event(reservation.reserved.clone()), an_event(reservation.failed.clone()));
    let command =
        fixture.port().reserve(a_claim(CONSUMER), &reservation, later(RESERVATION_SECONDS), &reserved, &failed);
    fixture.assert_published_after_outage(reserved.id, command).await;
    let (order, event) = (reservation.failed.order_id, released(reservation.failed.order_id));
    fixture
        .assert_published_after_outage(
            event.id,
            fixture.port().release(a_claim(catalog::STOCK_RELEASE.name), order, &event),
        )
        .await;
    assert_eq!(fixture.publish_count(failed.id), 0);
}
