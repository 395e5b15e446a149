//! Rules of [`StockStore`]: accounts, and orders that are held or not. What becomes of a hold is in
//! `reservations` and `backorders`, what is booked by hand in `adjustments`.

use super::{Fixture, a_claim, an_event, fresh, later, why};
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

/// One test a rule of [`StockStore`], each over the `Fixture<impl StockStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_stock {
    ($under:expr) => {
        $crate::each_rule! { stock, $under;
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
        $crate::contract_reservations!($under);
        $crate::contract_backorders!($under);
        $crate::contract_adjustments!($under);
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

/// A new product with so many pieces.
pub(super) async fn product(stock: &impl StockStore, pieces: u32) -> ProductId {
    let id = ProductId(fresh());
    let product = build::product().id(id).stock(pieces).event();
    let event = stock.open(a_claim(catalog::STOCK_OPEN.name), &product, &opened(id)).await.expect("the store answers");
    assert!(event.is_some(), "a new account opens");
    id
}

pub(super) fn order(lines: &[(ProductId, u32)]) -> OrderBuilder {
    let order = build::order().id(OrderId(fresh()));
    lines.iter().fold(order, |order, (product, pieces)| order.line_of(*product, *pieces, usd(100)))
}

async fn try_reserve(stock: &impl StockStore, claim: Claim, order: &OrderBuilder) -> Result<Option<Event>, Failure> {
    let hold = order.reservation();
    let (reserved, short) = (an_event(hold.reserved.clone()), an_event(hold.failed.clone()));
    stock.reserve(claim, &hold, later(RESERVATION_SECONDS), &reserved, &short).await
}

async fn reserve(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    try_reserve(stock, a_claim(CONSUMER), order).await.expect("the store answers")
}

pub(super) async fn release(stock: &impl StockStore, order: OrderId) -> Option<Event> {
    stock.release(a_claim(catalog::STOCK_RELEASE.name), order, &released(order)).await.expect("the store answers")
}

/// Free, held, and the count of movements.
pub(super) async fn level(stock: &impl StockStore, product: ProductId) -> (i64, i64, i64) {
    let level = stock.level(product).await.expect("the store answers").expect("an account");
    assert_eq!(level.product_id, product);
    (level.available, level.reserved, level.version)
}

fn is_reserved(event: &Option<Event>) -> bool {
    matches!(event.as_ref().map(|event| &event.event), Some(DomainEvent::StockReserved(_)))
}

fn is_short(event: &Option<Event>) -> bool {
    matches!(event.as_ref().map(|event| &event.event), Some(DomainEvent::StockReservationFailed(_)))
}

/// The levels that an event tells, by product.
pub(super) fn levels(event: &Event) -> Vec<StockLevel> {
    let mut levels = event.event.stock_levels().unwrap_or_default().to_vec();
    levels.sort_by_key(|level| level.product_id);
    levels
}

pub async fn account_opens_once_and_publishes_its_first_level(under: &Fixture<impl StockStore>) {
    let (id, claim) = (ProductId(fresh()), a_claim(catalog::STOCK_OPEN.name));
    let product = build::product().id(id).stock(7).event();
    let event = opened(id);
    let told = under.port().open(claim, &product, &event).await.expect("answers").expect("opens");
    assert_eq!(told.id, event.id);
    let first = StockLevel { product_id: id, available: 7, reserved: 0, version: 1 };
    assert_eq!(levels(&told), [first]);
    assert_eq!(under.port().open(claim, &product, &opened(id)).await, Ok(None));
    let more = build::product().id(id).stock(70).event();
    assert_eq!(under.port().open(a_claim(catalog::STOCK_OPEN.name), &more, &opened(id)).await, Ok(None));
    assert_eq!(level(under.port(), id).await, (7, 0, 1));
    under.assert_only_published(&[event.id]).await;
    assert_eq!(under.platform.bus().published(), [told]);
}

pub async fn product_without_an_account_has_no_level(under: &Fixture<impl StockStore>) {
    assert_eq!(under.port().level(ProductId(fresh())).await, Ok(None));
}

pub async fn reservation_covers_all_lines_and_publishes_the_new_levels(under: &Fixture<impl StockStore>) {
    let (a, b) = (product(under.port(), 5).await, product(under.port(), 2).await);
    let told = reserve(under.port(), &order(&[(b, 2), (a, 3)])).await.expect("news");
    let mut after = vec![
        StockLevel { product_id: a, available: 2, reserved: 3, version: 2 },
        StockLevel { product_id: b, available: 0, reserved: 2, version: 2 },
    ];
    after.sort_by_key(|level| level.product_id);
    assert!(matches!(told.event, DomainEvent::StockReserved(_)));
    assert_eq!(levels(&told), after);
    assert_eq!((level(under.port(), a).await, level(under.port(), b).await), ((2, 3, 2), (0, 2, 2)));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told), "the bus hears what the caller hears");
}

pub async fn one_short_line_fails_the_whole_reservation(under: &Fixture<impl StockStore>) {
    let (a, b) = (product(under.port(), 5).await, product(under.port(), 2).await);
    let told = reserve(under.port(), &order(&[(a, 5), (b, 3)])).await;
    assert!(is_short(&told), "{told:?}");
    assert_eq!((level(under.port(), a).await, level(under.port(), b).await), ((5, 0, 1), (2, 0, 1)));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), told.as_ref());
}

pub async fn order_is_reserved_once_whatever_its_claim(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 5).await;
    let (order, claim) = (order(&[(id, 2)]), a_claim(CONSUMER));
    let told = try_reserve(under.port(), claim, &order).await.expect("answers");
    assert!(is_reserved(&told));
    assert_eq!(try_reserve(under.port(), claim, &order).await, Ok(None), "the same claim");
    assert_eq!(reserve(under.port(), &order).await, None, "another claim for the same order");
    assert_eq!(level(under.port(), id).await, (3, 2, 2));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().len(), 2, "the account was opened, and the order was held");
}

pub async fn reservation_without_a_stock_account_is_retried(under: &Fixture<impl StockStore>) {
    let (known, late) = (product(under.port(), 5).await, ProductId(fresh()));
    let (order, claim) = (order(&[(known, 1), (late, 1)]), a_claim(CONSUMER));
    let waits = try_reserve(under.port(), claim, &order).await;
    assert_eq!(why(waits).0, FailureKind::Unavailable);
    assert_eq!(level(under.port(), known).await, (5, 0, 1));
    let product = build::product().id(late).stock(1).event();
    under.port().open(a_claim(catalog::STOCK_OPEN.name), &product, &opened(late)).await.expect("opens");
    assert!(
        is_reserved(&try_reserve(under.port(), claim, &order).await.expect("answers")),
        "the claim was not used up"
    );
}

pub async fn reserved_stock_is_released_once(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 5).await;
    let order = order(&[(id, 2)]);
    reserve(under.port(), &order).await.expect("held");
    let (order, claim) = (order.placed().id, a_claim(catalog::STOCK_RELEASE.name));
    let told = under.port().release(claim, order, &released(order)).await.expect("answers").expect("news");
    assert_eq!(levels(&told), [StockLevel { product_id: id, available: 5, reserved: 0, version: 3 }]);
    assert_eq!(under.port().release(claim, order, &released(order)).await, Ok(None), "the same claim");
    assert_eq!(release(under.port(), order).await, None, "another claim for the same order");
    assert_eq!(level(under.port(), id).await, (5, 0, 3));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told));
}

pub async fn order_released_before_its_reservation_is_never_reserved(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 5).await;
    let order = order(&[(id, 2)]);
    assert_eq!(release(under.port(), order.placed().id).await, None, "nothing is held");
    assert_eq!(reserve(under.port(), &order).await, None, "and nothing will be");
    assert_eq!(level(under.port(), id).await, (5, 0, 1));
    under.sweep().await;
    assert_eq!(under.platform.bus().published().len(), 1, "the account was opened, and no more");
}

pub async fn releasing_a_failed_reservation_returns_no_stock(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 1).await;
    let order = order(&[(id, 2)]);
    assert!(is_short(&reserve(under.port(), &order).await));
    assert_eq!(release(under.port(), order.placed().id).await, None);
    assert_eq!(level(under.port(), id).await, (1, 0, 1));
}

pub async fn concurrent_reservations_of_the_last_unit_succeed_once(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 1).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(id, 1)])).collect();
    let told = join_all(under.concurrent(orders.len()).zip(&orders).map(|(stock, order)| reserve(stock, order))).await;
    assert_eq!(told.iter().filter(|event| is_reserved(event)).count(), 1);
    assert_eq!(told.iter().filter(|event| is_short(event)).count(), orders.len() - 1);
    assert_eq!(level(under.port(), id).await, (0, 1, 2));
}

pub async fn concurrent_reservations_neither_oversell_nor_deadlock(under: &Fixture<impl StockStore>) {
    let (a, b) = (product(under.port(), 10).await, product(under.port(), 7).await);
    let lines = [[(a, 1), (b, 1)], [(b, 1), (a, 1)]];
    let orders: Vec<OrderBuilder> = lines.iter().cycle().take(24).map(|lines| order(lines)).collect();
    let told = join_all(under.concurrent(orders.len()).zip(&orders).map(|(stock, order)| reserve(stock, order))).await;
    assert_eq!(told.iter().filter(|event| is_reserved(event)).count(), 7);
    assert_eq!(told.iter().filter(|event| is_short(event)).count(), 17);
    assert_eq!((level(under.port(), a).await, level(under.port(), b).await), ((3, 7, 8), (0, 7, 8)));
}

pub async fn concurrent_release_and_reservation_leave_nothing_reserved(under: &Fixture<impl StockStore>) {
    let id = product(under.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(id, 1)])).collect();
    let (first, second) = (under.concurrent(orders.len()), under.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| {
        let id = order.placed().id;
        async move { join(reserve(one, order), release(other, id)).await }
    });
    for (held, freed) in join_all(races).await {
        assert_eq!(held.is_some(), freed.is_some(), "what was held was given back");
    }
    let (available, reserved, _) = level(under.port(), id).await;
    assert_eq!((available, reserved), (100, 0));
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(under: &Fixture<impl StockStore>) {
    let id = ProductId(fresh());
    let (product, event) = (build::product().id(id).stock(5).event(), opened(id));
    under
        .assert_published_after_outage(event.id, under.port().open(a_claim(catalog::STOCK_OPEN.name), &product, &event))
        .await;
    let hold = order(&[(id, 2)]).reservation();
    let (reserved, short) = (an_event(hold.reserved.clone()), an_event(hold.failed.clone()));
    let held = under.port().reserve(a_claim(CONSUMER), &hold, later(RESERVATION_SECONDS), &reserved, &short);
    under.assert_published_after_outage(reserved.id, held).await;
    let (order, event) = (hold.failed.order_id, released(hold.failed.order_id));
    under
        .assert_published_after_outage(
            event.id,
            under.port().release(a_claim(catalog::STOCK_RELEASE.name), order, &event),
        )
        .await;
    assert_eq!(under.publish_count(short.id), 0);
}
