//! Contract of [`StockStore`]: paid orders whose reservation expired, and backorders.

use super::reservations::{Case, allocate, expire, name, reserve};
use super::stock::{level, levels, order, product, release};
use super::{Fixture, an_event, later};
use crate::build::OrderBuilder;
use domain::{
    DomainEvent, Event,
    event::StockLine,
    id::ProductId,
    stock::{Input, RESERVATION_SECONDS, State},
};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{PaidOrder, StockStore};

/// Generates one test per rule of backorders. The expression is a future of a `Fixture<impl StockStore>`. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_backorders {
    ($fixture:expr) => {
        $crate::each_rule! { backorders, $fixture;
            expired_reservation_is_allocated_when_stock_allows
            paid_order_without_stock_publishes_its_lines_and_is_backordered
            fillable_backorders_are_paged_oldest_payment_first
            unfillable_backorder_blocks_no_other_and_is_counted
            repeated_payment_does_not_change_the_place_of_a_backorder
            backordered_units_are_not_available_to_new_orders
            released_backorder_frees_its_units_for_other_orders
            expired_reservation_is_allocated_after_backorders_paid_earlier
            backorders_are_filled_in_order_of_payment
            backorder_is_allocated_completely_or_not_at_all
            only_backordered_orders_are_filled
            order_released_while_expired_or_backordered_is_never_allocated
            concurrent_allocations_of_the_last_unit_succeed_once
        }
    };
}

async fn fill(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    stock
        .allocate_backorder(order.paid_order().order_id, &an_event(order.stock_allocated()))
        .await
        .expect("the store responds")
}

pub async fn expired_reservation_is_allocated_when_stock_allows(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::at(fixture.port(), Some(State::Expired)).await;
    let published = allocate(case.stock, &case.order).await.expect("an event");
    let DomainEvent::StockAllocated(allocated) = &published.event else { panic!("{published:?}") };
    assert_eq!(allocated.payment, case.order.payment_ref());
    assert_eq!(level(case.stock, case.product).await, (6, 4, 4));
    assert_eq!(levels(&published).len(), 1);
    fixture.sweep().await;
    assert_eq!(
        fixture.platform.bus().published().last(),
        Some(&published),
        "the published event equals the returned one"
    );
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn paid_order_without_stock_publishes_its_lines_and_is_backordered(fixture: &Fixture<impl StockStore>) {
    let (rare, plenty) = (product(fixture.port(), 2).await, product(fixture.port(), 9).await);
    let wanted = order(&[(plenty, 3), (rare, 2)]);
    let id = wanted.paid_order().order_id;
    reserve(fixture.port(), &wanted, later(RESERVATION_SECONDS)).await.expect("reserved").expect("an event");
    expire(fixture.port(), id).await.expect("expired");
    reserve(fixture.port(), &order(&[(rare, 1)]), later(RESERVATION_SECONDS))
        .await
        .expect("reserved")
        .expect("an event");
    let before = (level(fixture.port(), rare).await, level(fixture.port(), plenty).await);
    let published = allocate(fixture.port(), &wanted).await.expect("an event");
    let DomainEvent::StockAllocationFailed(failed) = &published.event else { panic!("{published:?}") };
    let mut lines = vec![StockLine { product_id: plenty, quantity: 3 }, StockLine { product_id: rare, quantity: 2 }];
    lines.sort_by_key(|line| line.product_id);
    assert_eq!((failed.order_id, failed.payment, &failed.lines), (id, wanted.payment_ref(), &lines));
    assert_eq!((level(fixture.port(), rare).await, level(fixture.port(), plenty).await), before, "all lines or none");
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().last(), Some(&published));
}

/// An order for one unit of `product`, paid at `paid_at`, whose reservation expired.
async fn expired(stock: &impl StockStore, product: ProductId, paid_at: Timestamp) -> OrderBuilder {
    let order = order(&[(product, 1)]).at(paid_at);
    reserve(stock, &order, later(RESERVATION_SECONDS)).await.expect("reserved").expect("an event");
    expire(stock, order.paid_order().order_id).await.expect("expired");
    order
}

/// Backorders for one unit of `product` each, paid at these instants, with enough units free to fill them.
async fn waiting(stock: &impl StockStore, product: ProductId, paid_at: &[Timestamp]) -> Vec<OrderBuilder> {
    let mut orders = Vec::new();
    for paid_at in paid_at {
        orders.push(expired(stock, product, *paid_at).await);
    }
    let rest = level(stock, product).await.0;
    let other = self::order(&[(product, rest.try_into().expect("few"))]);
    reserve(stock, &other, later(RESERVATION_SECONDS)).await.expect("reserved").expect("an event");
    for order in &orders {
        assert_eq!(name(&allocate(stock, order).await), Some(catalog::STOCK_ALLOCATION_FAILED.name));
    }
    release(stock, other.paid_order().order_id).await.expect("released");
    orders
}

pub async fn backordered_units_are_not_available_to_new_orders(fixture: &Fixture<impl StockStore>) {
    let (stock, product) = (fixture.port(), product(fixture.port(), 2).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    let two = reserve(stock, &order(&[(product, 2)]), later(RESERVATION_SECONDS)).await.expect("a response");
    assert_eq!(name(&two), Some(catalog::STOCK_RESERVATION_FAILED.name));
    let one = reserve(stock, &order(&[(product, 1)]), later(RESERVATION_SECONDS)).await.expect("a response");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name), "the remaining unit is free");
    assert!(fill(stock, &waiting[0]).await.is_some());
}

pub async fn released_backorder_frees_its_units_for_other_orders(fixture: &Fixture<impl StockStore>) {
    let (stock, product) = (fixture.port(), product(fixture.port(), 1).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(release(stock, waiting[0].paid_order().order_id).await, None);
    let one = reserve(stock, &order(&[(product, 1)]), later(RESERVATION_SECONDS)).await.expect("a response");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name));
}

pub async fn expired_reservation_is_allocated_after_backorders_paid_earlier(fixture: &Fixture<impl StockStore>) {
    let (stock, product) = (fixture.port(), product(fixture.port(), 1).await);
    let (younger, older) = (expired(stock, product, later(60)).await, expired(stock, product, later(-60)).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(name(&allocate(stock, &younger).await), Some(catalog::STOCK_ALLOCATION_FAILED.name));
    assert_eq!(fill(stock, &younger).await, None, "an earlier payment comes first");
    assert_eq!(name(&allocate(stock, &older).await), Some(catalog::STOCK_ALLOCATED.name), "it was paid earlier");
    assert_eq!(fill(stock, &waiting[0]).await, None, "no unit is left");
}

pub async fn backorders_are_filled_in_order_of_payment(fixture: &Fixture<impl StockStore>) {
    let (stock, product) = (fixture.port(), product(fixture.port(), 1).await);
    let orders = waiting(stock, product, &[later(2), later(1)]).await;
    let found = stock.fillable_backorders(100_000, None).await.expect("the store responds");
    let ours = |paid: &PaidOrder| orders.iter().any(|order| order.paid_order().order_id == paid.order_id);
    assert_eq!(
        found.into_iter().filter(ours).collect::<Vec<_>>(),
        [orders[1].paid_order()],
        "one unit fills one order"
    );
    assert_eq!(fill(stock, &orders[0]).await, None);
    assert!(fill(stock, &orders[1]).await.is_some());
}

/// Lists the fillable backorders in pages of two and returns those in `wanted`.
async fn listed_in_pages(stock: &impl StockStore, wanted: &[PaidOrder]) -> Vec<PaidOrder> {
    let (mut found, mut last): (Vec<PaidOrder>, Option<PaidOrder>) = (vec![], None);
    loop {
        let page = stock.fillable_backorders(2, last).await.expect("the store responds");
        assert!(page.len() <= 2 && found.len() < 100_000);
        found.extend(&page);
        last = match page.last() {
            Some(last) => Some(*last),
            None => return found.into_iter().filter(|paid| wanted.contains(paid)).collect(),
        };
    }
}

pub async fn fillable_backorders_are_paged_oldest_payment_first(fixture: &Fixture<impl StockStore>) {
    let product = product(fixture.port(), 5).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders = waiting(fixture.port(), product, &[4, 1, 3, 1, 2].map(second)).await;
    let mut paid: Vec<PaidOrder> = orders.iter().map(OrderBuilder::paid_order).collect();
    paid.sort_by_key(|paid| (paid.at, paid.order_id));
    assert_eq!(listed_in_pages(fixture.port(), &paid).await, paid);
    let next_page = fixture.port().fillable_backorders(100_000, Some(paid[1])).await.expect("the store responds");
    assert_eq!(next_page.into_iter().filter(|one| paid.contains(one)).collect::<Vec<_>>(), paid[2..]);
}

pub async fn unfillable_backorder_blocks_no_other_and_is_counted(fixture: &Fixture<impl StockStore>) {
    let stock = fixture.port();
    let mut case = Case::at(stock, Some(State::Backordered)).await;
    let younger = product(stock, 1).await;
    let younger = waiting(stock, younger, &[later(60)]).await[0].paid_order();
    let found = async || {
        let waiting = stock.fillable_backorders(100_000, None).await.expect("the store responds");
        let ours =
            waiting.into_iter().map(|paid| paid.order_id).filter(|id| [case.id(), younger.order_id].contains(id));
        ours.collect::<Vec<_>>()
    };
    assert_eq!(found().await, [younger.order_id]);
    assert!(stock.backorder_count().await.expect("the store responds") >= 2, "both are backordered");
    let (id, older) = (case.id(), case.order.paid_order().at);
    case.set_short(false).await;
    let waiting = stock.fillable_backorders(100_000, None).await.expect("the store responds");
    assert!(waiting.iter().any(|paid| (paid.order_id, paid.at) == (id, older)), "stock is now sufficient");
}

pub async fn repeated_payment_does_not_change_the_place_of_a_backorder(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::at(fixture.port(), Some(State::Backordered)).await;
    let first = case.order.paid_order();
    case.order = case.order.at(later(3_600));
    assert_eq!(case.apply(Input::AllocateOutOfStock).await, Ok(None));
    case.set_short(false).await;
    let waiting = case.stock.fillable_backorders(100_000, None).await.expect("the store responds");
    assert_eq!(waiting.into_iter().find(|paid| paid.order_id == first.order_id), Some(first));
}

pub async fn backorder_is_allocated_completely_or_not_at_all(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::at(fixture.port(), Some(State::Backordered)).await;
    let before = level(case.stock, case.product).await;
    assert_eq!(fill(case.stock, &case.order).await, None);
    assert_eq!(level(case.stock, case.product).await, before);
    case.set_short(false).await;
    let (free, reserved, version) = level(case.stock, case.product).await;
    let published = fill(case.stock, &case.order).await.expect("an event");
    assert_eq!(name(&Some(published.clone())), Some(catalog::STOCK_ALLOCATED.name));
    assert_eq!(level(case.stock, case.product).await, (free - 4, reserved + 4, version + 1));
    assert_eq!(levels(&published).iter().map(|level| level.version).collect::<Vec<_>>(), [version + 1]);
    assert_eq!(fill(case.stock, &case.order).await, None, "it is not backordered any more");
    fixture.sweep().await;
    assert_eq!(fixture.publish_count(published.id), 1);
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn only_backordered_orders_are_filled(fixture: &Fixture<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some)).filter(|state| *state != Some(State::Backordered));
    for state in states {
        let mut case = Case::at(fixture.port(), state).await;
        case.set_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(fill(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        assert_eq!(case.state().await, state);
    }
}

pub async fn order_released_while_expired_or_backordered_is_never_allocated(fixture: &Fixture<impl StockStore>) {
    for state in [State::Expired, State::Backordered] {
        let mut case = Case::at(fixture.port(), Some(state)).await;
        case.set_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(release(case.stock, case.id()).await, None, "{state:?}: nothing is reserved");
        assert_eq!(allocate(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(fill(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        let waiting = case.stock.fillable_backorders(100_000, None).await.expect("the store responds");
        assert!(waiting.iter().all(|paid| paid.order_id != case.id()));
    }
}

pub async fn concurrent_allocations_of_the_last_unit_succeed_once(fixture: &Fixture<impl StockStore>) {
    let product = product(fixture.port(), 1).await;
    let orders = waiting(fixture.port(), product, &[0, 1, 2, 3, 4, 5].map(later)).await;
    let published =
        join_all(fixture.concurrent(orders.len()).zip(&orders).map(|(stock, order)| fill(stock, order))).await;
    assert_eq!(published.iter().flatten().count(), 1);
    let (free, reserved, _) = level(fixture.port(), product).await;
    assert_eq!((free, reserved), (0, 1));
}
