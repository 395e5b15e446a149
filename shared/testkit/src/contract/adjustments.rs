//! Contract of [`StockAdjustments`], [`StockMovements`] and [`LowStockAlerts`].

use super::stock::{level, levels, order, product, release};
use super::{Fixture, a_claim, an_event, fresh, kind_and_code, later, reservations::reserve};
use domain::{
    Event,
    event::{StockLevel, StockLow},
    id::ProductId,
    stock::{self as rules, AdjustStock, AdjustmentReason, StockMovement, StockMovementKind},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::{LowStockAlerts, StockAdjustments, StockMovements, StockStore};

/// Generates one test per rule of adjustments. The expression is a future of a
/// `Fixture<impl StockStore + StockAdjustments + LowStockAlerts>`. Part of `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_adjustments {
    ($fixture:expr) => {
        $crate::each_rule! { adjustments, $fixture;
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

fn recount(delta: i64) -> AdjustStock {
    AdjustStock { delta, reason: AdjustmentReason::Recount }
}

async fn read(stock: &impl StockStore, product: ProductId) -> StockLevel {
    stock.level(product).await.expect("the store responds").expect("an account")
}

/// The level after an adjustment, with its event.
fn adjusted_level(from: &StockLevel, command: AdjustStock) -> (StockLevel, Event) {
    let (after, adjusted) = rules::adjust(from, command).expect("enough stock");
    (after, an_event(adjusted))
}

pub async fn movement_history_is_paged_newest_first(
    fixture: &Fixture<impl StockStore + StockAdjustments + StockMovements>,
) {
    let stock = fixture.port();
    let (id, other) = (product(stock, 7).await, product(stock, 9).await);
    let order = order(&[(id, 3)]);
    let (claim, reservation) = (a_claim(catalog::STOCK_RESERVE.name), order.reservation());
    let (reserved_event, failed_event) = (an_event(reservation.reserved.clone()), an_event(reservation.failed.clone()));
    stock
        .reserve(claim, &reservation, later(rules::RESERVATION_SECONDS), &reserved_event, &failed_event)
        .await
        .expect("the store responds");
    release(stock, order.placed().id).await;
    try_adjust(stock, &a_key(), &read(stock, id).await, -2).await.expect("the store responds");
    let seen = |one: &StockMovement| {
        (one.kind, one.quantity, one.level.available, one.level.reserved, one.level.version, one.order_id.is_some())
    };
    let first = stock.movements(id, 3, None).await.expect("a page");
    assert_eq!(
        first.items.iter().map(seen).collect::<Vec<_>>(),
        [
            (StockMovementKind::Adjusted, -2, 5, 0, 4, false),
            (StockMovementKind::Released, -3, 7, 0, 3, true),
            (StockMovementKind::Reserved, 3, 4, 3, 2, true),
        ]
    );
    assert_eq!((first.items[0].reason, first.items[1].reason), (Some(AdjustmentReason::Recount), None));
    assert_eq!(first.items[2].at, reserved_event.time);
    let rest = stock.movements(id, 3, first.next.as_deref()).await.expect("a page");
    assert_eq!(rest.items.iter().map(seen).collect::<Vec<_>>(), [(StockMovementKind::Opened, 7, 7, 0, 1, false)]);
    assert_eq!(rest.next, None);
    assert_eq!(stock.movements(other, 3, None).await.expect("a page").items.len(), 1);
    assert_eq!(stock.movements(ProductId(fresh()), 3, None).await.expect("a page").items, []);
    assert_eq!(kind_and_code(stock.movements(id, 3, Some("x")).await), (FailureKind::Invalid, "validation"));
}

async fn try_adjust(
    stock: &impl StockAdjustments,
    key: &IdempotencyKey,
    from: &StockLevel,
    delta: i64,
) -> Result<Option<IdempotencyOutcome>, Failure> {
    let (after, event) = adjusted_level(from, recount(delta));
    stock.adjust(key, &reply(), recount(delta), &after, &event).await
}

pub async fn adjustment_changes_the_level_and_publishes_an_event(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let id = product(fixture.port(), 7).await;
    let (after, event) = adjusted_level(&read(fixture.port(), id).await, recount(-3));
    let settled = fixture.port().adjust(&a_key(), &reply(), recount(-3), &after, &event).await;
    assert_eq!(settled, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(level(fixture.port(), id).await, (4, 0, 2));
    let published = fixture.platform.bus().published();
    let found = published.iter().find(|one| one.id == event.id).expect("it is published");
    assert_eq!(levels(found), [StockLevel { product_id: id, available: 4, reserved: 0, version: 2 }]);
}

pub async fn replayed_key_returns_the_first_response_and_adjusts_once(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(fixture.port(), 7).await, a_key());
    for settled in [IdempotencyOutcome::Committed, IdempotencyOutcome::Replayed(reply())] {
        let from = read(fixture.port(), id).await;
        assert_eq!(try_adjust(fixture.port(), &key, &from, 5).await, Ok(Some(settled)));
        fixture.wait_for_propagation().await;
    }
    assert_eq!(level(fixture.port(), id).await, (12, 0, 2));
}

pub async fn key_reused_with_another_body_is_rejected_and_adjusts_nothing(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(fixture.port(), 7).await, a_key());
    let from = read(fixture.port(), id).await;
    assert_eq!(try_adjust(fixture.port(), &key, &from, 5).await, Ok(Some(IdempotencyOutcome::Committed)));
    let (other, from) = (IdempotencyKey { fingerprint: "other".to_owned(), ..key }, read(fixture.port(), id).await);
    let rejected = try_adjust(fixture.port(), &other, &from, 6).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(level(fixture.port(), id).await, (12, 0, 2));
}

pub async fn stale_level_is_not_overwritten_and_does_not_consume_the_key(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(fixture.port(), 7).await, a_key());
    let old = read(fixture.port(), id).await;
    assert_eq!(try_adjust(fixture.port(), &a_key(), &old, 1).await, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(try_adjust(fixture.port(), &key, &old, 1).await, Ok(None));
    let new = read(fixture.port(), id).await;
    assert_eq!(try_adjust(fixture.port(), &key, &new, 1).await, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(level(fixture.port(), id).await, (9, 0, 3));
}

pub async fn stored_rejection_is_replayed_instead_of_an_adjustment(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let (id, key) = (product(fixture.port(), 7).await, a_key());
    let rejection = StoredReply { status: 409, headers: vec![], body: "insufficient stock".to_owned() };
    assert_eq!(fixture.port().store_response(&key, &rejection).await, Ok(IdempotencyOutcome::Committed));
    let from = read(fixture.port(), id).await;
    assert_eq!(try_adjust(fixture.port(), &key, &from, 5).await, Ok(Some(IdempotencyOutcome::Replayed(rejection))));
    assert_eq!(level(fixture.port(), id).await, (7, 0, 1));
}

pub async fn concurrent_adjustments_and_reservations_lose_no_update(
    fixture: &Fixture<impl StockStore + StockAdjustments>,
) {
    let id = product(fixture.port(), 20).await;
    let adjusting = fixture.concurrent(6).map(|stock| async move {
        let key = a_key();
        loop {
            let from = read(stock, id).await;
            match try_adjust(stock, &key, &from, 3).await.expect("the store responds") {
                Some(settled) => break settled,
                None => continue,
            }
        }
    });
    let ordering = fixture.concurrent(6).map(|stock| async move {
        let order = order(&[(id, 2)]);
        reserve(stock, &order, super::later(60)).await.expect("the store responds").is_some()
    });
    let (adjusted, reserved) = join(join_all(adjusting), join_all(ordering)).await;
    assert!(
        adjusted.iter().all(|settled| *settled == IdempotencyOutcome::Committed)
            && reserved.iter().all(|reserved| *reserved)
    );
    fixture.wait_for_propagation().await;
    assert_eq!(level(fixture.port(), id).await, (20 + 18 - 12, 12, 13));
}

fn low(level: &StockLevel) -> Event {
    an_event(StockLow { product_id: level.product_id, available: level.available, threshold: 5 })
}

/// Records levels, given as versions and available units, and returns which of them raised an alert.
async fn record_levels(
    watch: &impl LowStockAlerts,
    product_id: ProductId,
    levels_by_version: &[(i64, i64)],
) -> Vec<bool> {
    let mut alerts = vec![];
    for (version, available) in levels_by_version {
        let level = StockLevel { product_id, available: *available, reserved: 0, version: *version };
        let raised = watch.record_level(&level, *available <= 5, &low(&level)).await.expect("the store responds");
        alerts.push(raised);
    }
    alerts
}

pub async fn low_stock_is_reported_once_until_restocked(fixture: &Fixture<impl LowStockAlerts>) {
    let id = ProductId(fresh());
    let levels_by_version = [(1, 9), (2, 5), (3, 4), (4, 8), (5, 0)];
    assert_eq!(record_levels(fixture.port(), id, &levels_by_version).await, [false, true, false, false, true]);
    assert_eq!(
        record_levels(fixture.port(), ProductId(fresh()), &[(1, 0)]).await,
        [true],
        "low from the first version"
    );
}

pub async fn outdated_level_raises_no_alert(fixture: &Fixture<impl LowStockAlerts>) {
    let id = ProductId(fresh());
    assert_eq!(
        record_levels(fixture.port(), id, &[(4, 9), (3, 1), (4, 1), (5, 9), (6, 1)]).await,
        [false, false, false, false, true]
    );
}

pub async fn concurrent_records_of_one_level_raise_one_alert(fixture: &Fixture<impl LowStockAlerts>) {
    let level = StockLevel { product_id: ProductId(fresh()), available: 2, reserved: 0, version: 3 };
    let records = fixture.concurrent(8).map(|watch| {
        let level = level.clone();
        async move { watch.record_level(&level, true, &low(&level)).await.expect("the store responds") }
    });
    assert_eq!(join_all(records).await.into_iter().filter(|raised| *raised).count(), 1);
}

pub async fn sweep_publishes_adjustments_made_while_the_bus_was_down(
    fixture: &Fixture<impl StockStore + StockAdjustments + LowStockAlerts>,
) {
    let id = product(fixture.port(), 7).await;
    let (after, event) = adjusted_level(&read(fixture.port(), id).await, recount(-3));
    let (key, reply) = (a_key(), reply());
    let command = fixture.port().adjust(&key, &reply, recount(-3), &after, &event);
    fixture.assert_published_after_outage(event.id, command).await;
    let event = low(&after);
    fixture.assert_published_after_outage(event.id, fixture.port().record_level(&after, true, &event)).await;
}
