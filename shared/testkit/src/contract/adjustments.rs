//! Rules of [`StockAdjustments`] and [`LowStockAlerts`]: pieces that are booked in and out by hand, and products that run low.

use super::stock::{level, levels, order, product, release};
use super::{Fixture, a_claim, an_event, fresh, later, reservations::hold, why};
use domain::{
    Event,
    event::{StockAdjusted, StockLevel, StockLow},
    id::ProductId,
    stock::{self as rules, AdjustStock, AdjustmentReason, Movement, MovementKind},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::{LowStockAlerts, StockAdjustments, StockMovements, StockStore};

/// One test a rule of adjustments, each over the `Fixture<impl StockStore + StockAdjustments + LowStockAlerts>` that the expression gives when it is awaited.
/// Part of `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_adjustments {
    ($under:expr) => {
        $crate::each_rule! { adjustments, $under;
            adjustment_changes_the_level_and_publishes_an_event
            replayed_key_returns_the_first_response_and_adjusts_once
            key_reused_with_another_body_is_rejected_and_adjusts_nothing
            stale_level_is_not_overwritten_and_does_not_consume_the_key
            stored_rejection_is_replayed_instead_of_an_adjustment
            concurrent_adjustments_and_reservations_lose_no_update
            low_stock_is_reported_once_until_restocked
            outdated_level_raises_no_alert
            concurrent_records_of_one_level_raise_one_alert
            sweep_publishes_adjustments_made_while_the_bus_was_down
            movement_history_is_paged_newest_first
        }
    };
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

fn reply() -> StoredReply {
    StoredReply { status: 200, headers: vec![], body: "the level".to_owned() }
}

fn wish(delta: i64) -> AdjustStock {
    AdjustStock { delta, reason: AdjustmentReason::Recount }
}

async fn read(stock: &impl StockStore, product: ProductId) -> StockLevel {
    stock.level(product).await.expect("the store answers").expect("an account")
}

/// What would be told of an adjustment, and the level after it.
fn decided(from: &StockLevel, wish: AdjustStock) -> (StockLevel, Event) {
    let after = rules::adjust(from, wish).expect("there is enough");
    let AdjustStock { delta, reason } = wish;
    let told = StockAdjusted { product_id: from.product_id, delta, reason, levels: vec![after.clone()] };
    (after, an_event(told))
}

pub async fn movement_history_is_paged_newest_first(
    under: &Fixture<impl StockStore + StockAdjustments + StockMovements>,
) {
    let stock = under.port();
    let (id, other) = (product(stock, 7).await, product(stock, 9).await);
    let order = order(&[(id, 3)]);
    let (claim, hold) = (a_claim(catalog::STOCK_RESERVE.name), order.reservation());
    let (held, short) = (an_event(hold.reserved.clone()), an_event(hold.failed.clone()));
    stock.reserve(claim, &hold, later(rules::RESERVATION_SECONDS), &held, &short).await.expect("the store answers");
    release(stock, order.placed().id).await;
    try_adjust(stock, &a_key(), &read(stock, id).await, -2).await.expect("the store answers");
    let seen = |one: &Movement| {
        (one.kind, one.quantity, one.level.available, one.level.reserved, one.level.version, one.order_id.is_some())
    };
    let first = stock.movements(id, 3, None).await.expect("a page");
    assert_eq!(
        first.items.iter().map(seen).collect::<Vec<_>>(),
        [
            (MovementKind::Adjusted, -2, 5, 0, 4, false),
            (MovementKind::Released, -3, 7, 0, 3, true),
            (MovementKind::Reserved, 3, 4, 3, 2, true),
        ]
    );
    assert_eq!((first.items[0].reason, first.items[1].reason), (Some(AdjustmentReason::Recount), None));
    assert_eq!(first.items[2].at, held.time);
    let rest = stock.movements(id, 3, first.next.as_deref()).await.expect("a page");
    assert_eq!(rest.items.iter().map(seen).collect::<Vec<_>>(), [(MovementKind::Opened, 7, 7, 0, 1, false)]);
    assert_eq!(rest.next, None);
    assert_eq!(stock.movements(other, 3, None).await.expect("a page").items.len(), 1);
    assert_eq!(stock.movements(ProductId(fresh()), 3, None).await.expect("a page").items, []);
    assert_eq!(why(stock.movements(id, 3, Some("x")).await), (FailureKind::Invalid, "validation"));
}

async fn try_adjust(
    stock: &impl StockAdjustments,
    key: &IdempotencyKey,
    from: &StockLevel,
    delta: i64,
) -> Result<Option<IdempotencyOutcome>, Failure> {
    let (after, event) = decided(from, wish(delta));
    stock.adjust(key, &reply(), wish(delta), &after, &event).await
}

pub async fn adjustment_changes_the_level_and_publishes_an_event(under: &Fixture<impl StockStore + StockAdjustments>) {
    let id = product(under.port(), 7).await;
    let (after, event) = decided(&read(under.port(), id).await, wish(-3));
    let settled = under.port().adjust(&a_key(), &reply(), wish(-3), &after, &event).await;
    assert_eq!(settled, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(level(under.port(), id).await, (4, 0, 2));
    let published = under.platform.bus().published();
    let told = published.iter().find(|one| one.id == event.id).expect("it is told");
    assert_eq!(levels(told), [StockLevel { product_id: id, available: 4, reserved: 0, version: 2 }]);
}

pub async fn replayed_key_returns_the_first_response_and_adjusts_once(
    under: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    for settled in [IdempotencyOutcome::Committed, IdempotencyOutcome::Replayed(reply())] {
        let from = read(under.port(), id).await;
        assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(settled)));
        under.settle().await;
    }
    assert_eq!(level(under.port(), id).await, (12, 0, 2));
}

pub async fn key_reused_with_another_body_is_rejected_and_adjusts_nothing(
    under: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let from = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(IdempotencyOutcome::Committed)));
    let (other, from) = (IdempotencyKey { fingerprint: "other".to_owned(), ..key }, read(under.port(), id).await);
    let refused = try_adjust(under.port(), &other, &from, 6).await;
    assert_eq!(why(refused), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(level(under.port(), id).await, (12, 0, 2));
}

pub async fn stale_level_is_not_overwritten_and_does_not_consume_the_key(
    under: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let old = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &a_key(), &old, 1).await, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(try_adjust(under.port(), &key, &old, 1).await, Ok(None));
    let new = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &new, 1).await, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(level(under.port(), id).await, (9, 0, 3));
}

pub async fn stored_rejection_is_replayed_instead_of_an_adjustment(
    under: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let refusal = StoredReply { status: 409, headers: vec![], body: "too few".to_owned() };
    assert_eq!(under.port().store_rejection(&key, &refusal).await, Ok(IdempotencyOutcome::Committed));
    let from = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(IdempotencyOutcome::Replayed(refusal))));
    assert_eq!(level(under.port(), id).await, (7, 0, 1));
}

pub async fn concurrent_adjustments_and_reservations_lose_no_update(
    under: &Fixture<impl StockStore + StockAdjustments>,
) {
    let id = product(under.port(), 20).await;
    let adjusting = under.concurrent(6).map(|stock| async move {
        let key = a_key();
        loop {
            let from = read(stock, id).await;
            match try_adjust(stock, &key, &from, 3).await.expect("the store answers") {
                Some(settled) => break settled,
                None => continue,
            }
        }
    });
    let ordering = under.concurrent(6).map(|stock| async move {
        let order = order(&[(id, 2)]);
        hold(stock, &order, super::later(60)).await.expect("the store answers").is_some()
    });
    let (adjusted, held) = join(join_all(adjusting), join_all(ordering)).await;
    assert!(adjusted.iter().all(|settled| *settled == IdempotencyOutcome::Committed) && held.iter().all(|held| *held));
    under.settle().await;
    assert_eq!(level(under.port(), id).await, (20 + 18 - 12, 12, 13));
}

fn low(level: &StockLevel) -> Event {
    an_event(StockLow { product_id: level.product_id, available: level.available, threshold: 5 })
}

/// Notes levels with so many free pieces one after the other; which of them were news.
async fn noted(watch: &impl LowStockAlerts, product_id: ProductId, moves: &[(i64, i64)]) -> Vec<bool> {
    let mut news = vec![];
    for (version, available) in moves {
        let level = StockLevel { product_id, available: *available, reserved: 0, version: *version };
        let is_news = watch.record_level(&level, *available <= 5, &low(&level)).await.expect("the store answers");
        news.push(is_news);
    }
    news
}

pub async fn low_stock_is_reported_once_until_restocked(under: &Fixture<impl LowStockAlerts>) {
    let id = ProductId(fresh());
    let moves = [(1, 9), (2, 5), (3, 4), (4, 8), (5, 0)];
    assert_eq!(noted(under.port(), id, &moves).await, [false, true, false, false, true]);
    assert_eq!(noted(under.port(), ProductId(fresh()), &[(1, 0)]).await, [true], "low from the beginning");
}

pub async fn outdated_level_raises_no_alert(under: &Fixture<impl LowStockAlerts>) {
    let id = ProductId(fresh());
    assert_eq!(
        noted(under.port(), id, &[(4, 9), (3, 1), (4, 1), (5, 9), (6, 1)]).await,
        [false, false, false, false, true]
    );
}

pub async fn concurrent_records_of_one_level_raise_one_alert(under: &Fixture<impl LowStockAlerts>) {
    let level = StockLevel { product_id: ProductId(fresh()), available: 2, reserved: 0, version: 3 };
    let noting = under.concurrent(8).map(|watch| {
        let level = level.clone();
        async move { watch.record_level(&level, true, &low(&level)).await.expect("the store answers") }
    });
    assert_eq!(join_all(noting).await.into_iter().filter(|is_news| *is_news).count(), 1);
}

pub async fn sweep_publishes_adjustments_made_while_the_bus_was_down(
    under: &Fixture<impl StockStore + StockAdjustments + LowStockAlerts>,
) {
    let id = product(under.port(), 7).await;
    let (after, event) = decided(&read(under.port(), id).await, wish(-3));
    let (key, reply) = (a_key(), reply());
    let command = under.port().adjust(&key, &reply, wish(-3), &after, &event);
    under.assert_published_after_outage(event.id, command).await;
    let event = low(&after);
    under.assert_published_after_outage(event.id, under.port().record_level(&after, true, &event)).await;
}
