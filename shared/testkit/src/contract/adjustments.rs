//! Rules of [`StockDesk`] and [`StockWatch`]: pieces that are booked in and out by hand, and products that run low.

use super::stock::{level, levels, order, product, release};
use super::{Under, a_claim, an_event, fresh, later, reservations::hold, why};
use domain::{
    Event,
    event::{StockAdjusted, StockLevel, StockLow},
    id::ProductId,
    stock::{self as rules, AdjustStock, AdjustmentReason, Movement, MovementKind},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, Idempotency, Kind, Settled, StoredReply};
use ports::{StockDesk, StockHistory, StockStore, StockWatch};

/// One test a rule of adjustments, each over the `Under<impl StockStore + StockDesk + StockWatch>` that the expression gives when it is awaited.
/// Part of `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_adjustments {
    ($under:expr) => {
        $crate::each_rule! { adjustments, $under;
            what_is_booked_moves_the_level_and_is_told
            a_key_is_answered_once_and_books_once
            a_key_with_another_body_is_refused_and_books_nothing
            a_level_that_moved_is_not_written_over_and_takes_no_key
            a_refusal_is_the_answer_that_stays
            adjustments_and_orders_at_once_lose_nothing
            a_product_that_runs_low_is_told_once_until_it_had_more
            an_older_level_is_no_news
            of_many_who_note_a_level_one_tells_it
            an_adjustment_is_sent_by_the_sweep_when_the_bus_was_down
            every_movement_is_in_the_history_newest_first_in_pages
        }
    };
}

fn a_key() -> Idempotency {
    Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
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

pub async fn every_movement_is_in_the_history_newest_first_in_pages(
    under: &Under<impl StockStore + StockDesk + StockHistory>,
) {
    let stock = under.port();
    let (id, other) = (product(stock, 7).await, product(stock, 9).await);
    let order = order(&[(id, 3)]);
    let (claim, hold) = (a_claim(catalog::STOCK_RESERVE.name), order.hold());
    let (held, short) = (an_event(hold.reserved.clone()), an_event(hold.short.clone()));
    stock.reserve(claim, &hold, later(rules::HOLD_SECONDS), &held, &short).await.expect("the store answers");
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
    assert_eq!(why(stock.movements(id, 3, Some("x")).await), (Kind::Invalid, "validation"));
}

async fn try_adjust(
    stock: &impl StockDesk,
    key: &Idempotency,
    from: &StockLevel,
    delta: i64,
) -> Result<Option<Settled>, Failure> {
    let (after, event) = decided(from, wish(delta));
    stock.adjust(key, &reply(), wish(delta), &after, &event).await
}

pub async fn what_is_booked_moves_the_level_and_is_told(under: &Under<impl StockStore + StockDesk>) {
    let id = product(under.port(), 7).await;
    let (after, event) = decided(&read(under.port(), id).await, wish(-3));
    let settled = under.port().adjust(&a_key(), &reply(), wish(-3), &after, &event).await;
    assert_eq!(settled, Ok(Some(Settled::Now)));
    assert_eq!(level(under.port(), id).await, (4, 0, 2));
    let published = under.platform.bus().published();
    let told = published.iter().find(|one| one.id == event.id).expect("it is told");
    assert_eq!(levels(told), [StockLevel { product_id: id, available: 4, reserved: 0, version: 2 }]);
}

pub async fn a_key_is_answered_once_and_books_once(under: &Under<impl StockStore + StockDesk>) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    for settled in [Settled::Now, Settled::Before(reply())] {
        let from = read(under.port(), id).await;
        assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(settled)));
        under.settle().await;
    }
    assert_eq!(level(under.port(), id).await, (12, 0, 2));
}

pub async fn a_key_with_another_body_is_refused_and_books_nothing(under: &Under<impl StockStore + StockDesk>) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let from = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(Settled::Now)));
    let (other, from) = (Idempotency { fingerprint: "other".to_owned(), ..key }, read(under.port(), id).await);
    let refused = try_adjust(under.port(), &other, &from, 6).await;
    assert_eq!(why(refused), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(level(under.port(), id).await, (12, 0, 2));
}

pub async fn a_level_that_moved_is_not_written_over_and_takes_no_key(under: &Under<impl StockStore + StockDesk>) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let old = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &a_key(), &old, 1).await, Ok(Some(Settled::Now)));
    assert_eq!(try_adjust(under.port(), &key, &old, 1).await, Ok(None));
    let new = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &new, 1).await, Ok(Some(Settled::Now)));
    assert_eq!(level(under.port(), id).await, (9, 0, 3));
}

pub async fn a_refusal_is_the_answer_that_stays(under: &Under<impl StockStore + StockDesk>) {
    let (id, key) = (product(under.port(), 7).await, a_key());
    let refusal = StoredReply { status: 409, headers: vec![], body: "too few".to_owned() };
    assert_eq!(under.port().refuse(&key, &refusal).await, Ok(Settled::Now));
    let from = read(under.port(), id).await;
    assert_eq!(try_adjust(under.port(), &key, &from, 5).await, Ok(Some(Settled::Before(refusal))));
    assert_eq!(level(under.port(), id).await, (7, 0, 1));
}

pub async fn adjustments_and_orders_at_once_lose_nothing(under: &Under<impl StockStore + StockDesk>) {
    let id = product(under.port(), 20).await;
    let adjusting = under.crowd(6).map(|stock| async move {
        let key = a_key();
        loop {
            let from = read(stock, id).await;
            match try_adjust(stock, &key, &from, 3).await.expect("the store answers") {
                Some(settled) => break settled,
                None => continue,
            }
        }
    });
    let ordering = under.crowd(6).map(|stock| async move {
        let order = order(&[(id, 2)]);
        hold(stock, &order, super::later(60)).await.expect("the store answers").is_some()
    });
    let (adjusted, held) = join(join_all(adjusting), join_all(ordering)).await;
    assert!(adjusted.iter().all(|settled| *settled == Settled::Now) && held.iter().all(|held| *held));
    under.settle().await;
    assert_eq!(level(under.port(), id).await, (20 + 18 - 12, 12, 13));
}

fn low(level: &StockLevel) -> Event {
    an_event(StockLow { product_id: level.product_id, available: level.available, threshold: 5 })
}

/// Notes levels with so many free pieces one after the other; which of them were news.
async fn noted(watch: &impl StockWatch, product_id: ProductId, moves: &[(i64, i64)]) -> Vec<bool> {
    let mut news = vec![];
    for (version, available) in moves {
        let level = StockLevel { product_id, available: *available, reserved: 0, version: *version };
        let is_news = watch.note(&level, *available <= 5, &low(&level)).await.expect("the store answers");
        news.push(is_news);
    }
    news
}

pub async fn a_product_that_runs_low_is_told_once_until_it_had_more(under: &Under<impl StockWatch>) {
    let id = ProductId(fresh());
    let moves = [(1, 9), (2, 5), (3, 4), (4, 8), (5, 0)];
    assert_eq!(noted(under.port(), id, &moves).await, [false, true, false, false, true]);
    assert_eq!(noted(under.port(), ProductId(fresh()), &[(1, 0)]).await, [true], "low from the beginning");
}

pub async fn an_older_level_is_no_news(under: &Under<impl StockWatch>) {
    let id = ProductId(fresh());
    assert_eq!(
        noted(under.port(), id, &[(4, 9), (3, 1), (4, 1), (5, 9), (6, 1)]).await,
        [false, false, false, false, true]
    );
}

pub async fn of_many_who_note_a_level_one_tells_it(under: &Under<impl StockWatch>) {
    let level = StockLevel { product_id: ProductId(fresh()), available: 2, reserved: 0, version: 3 };
    let noting = under.crowd(8).map(|watch| {
        let level = level.clone();
        async move { watch.note(&level, true, &low(&level)).await.expect("the store answers") }
    });
    assert_eq!(join_all(noting).await.into_iter().filter(|is_news| *is_news).count(), 1);
}

pub async fn an_adjustment_is_sent_by_the_sweep_when_the_bus_was_down(
    under: &Under<impl StockStore + StockDesk + StockWatch>,
) {
    let id = product(under.port(), 7).await;
    let (after, event) = decided(&read(under.port(), id).await, wish(-3));
    let (key, reply) = (a_key(), reply());
    let command = under.port().adjust(&key, &reply, wish(-3), &after, &event);
    under.goes_out_after_all(event.id, command).await;
    let event = low(&after);
    under.goes_out_after_all(event.id, under.port().note(&after, true, &event)).await;
}
