//! Rules of [`StockStore`]: paid orders whose hold lapsed, and those that wait for stock.

use super::reservations::{Case, hold, keep, lapse, name};
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

/// One test a rule of orders that wait, each over the `Fixture<impl StockStore>` that the expression gives when it is awaited. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_backorders {
    ($under:expr) => {
        $crate::each_rule! { backorders, $under;
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

async fn retry(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    stock
        .allocate_backorder(order.paid_order().order_id, &an_event(order.stock_allocated()))
        .await
        .expect("the store answers")
}

pub async fn expired_reservation_is_allocated_when_stock_allows(under: &Fixture<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Expired)).await;
    let told = keep(case.stock, &case.order).await.expect("news");
    let DomainEvent::StockAllocated(kept) = &told.event else { panic!("{told:?}") };
    assert_eq!(kept.payment, case.order.payment_ref());
    assert_eq!(level(case.stock, case.product).await, (6, 4, 4));
    assert_eq!(levels(&told).len(), 1);
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told), "the bus hears what the caller hears");
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn paid_order_without_stock_publishes_its_lines_and_is_backordered(under: &Fixture<impl StockStore>) {
    let (rare, plenty) = (product(under.port(), 2).await, product(under.port(), 9).await);
    let wanted = order(&[(plenty, 3), (rare, 2)]);
    let id = wanted.paid_order().order_id;
    hold(under.port(), &wanted, later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    lapse(under.port(), id).await.expect("lapsed");
    hold(under.port(), &order(&[(rare, 1)]), later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    let before = (level(under.port(), rare).await, level(under.port(), plenty).await);
    let told = keep(under.port(), &wanted).await.expect("news");
    let DomainEvent::StockAllocationFailed(short) = &told.event else { panic!("{told:?}") };
    let mut lines = vec![StockLine { product_id: plenty, quantity: 3 }, StockLine { product_id: rare, quantity: 2 }];
    lines.sort_by_key(|line| line.product_id);
    assert_eq!((short.order_id, short.payment, &short.lines), (id, wanted.payment_ref(), &lines));
    assert_eq!((level(under.port(), rare).await, level(under.port(), plenty).await), before, "all lines or none");
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told));
}

/// An order for one piece of `product`, paid at this second, whose hold lapsed.
async fn lapsed(stock: &impl StockStore, product: ProductId, paid_at: Timestamp) -> OrderBuilder {
    let order = order(&[(product, 1)]).at(paid_at);
    hold(stock, &order, later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    lapse(stock, order.paid_order().order_id).await.expect("lapsed");
    order
}

/// Orders for one piece of `product` each, paid at these seconds, which wait although it is there.
async fn waiting(stock: &impl StockStore, product: ProductId, paid_at: &[Timestamp]) -> Vec<OrderBuilder> {
    let mut orders = Vec::new();
    for paid_at in paid_at {
        orders.push(lapsed(stock, product, *paid_at).await);
    }
    let rest = level(stock, product).await.0;
    let other = self::order(&[(product, rest.try_into().expect("few"))]);
    hold(stock, &other, later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    for order in &orders {
        assert_eq!(name(&keep(stock, order).await), Some(catalog::STOCK_ALLOCATION_FAILED.name));
    }
    release(stock, other.paid_order().order_id).await.expect("free again");
    orders
}

pub async fn backordered_units_are_not_available_to_new_orders(under: &Fixture<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 2).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    let two = hold(stock, &order(&[(product, 2)]), later(RESERVATION_SECONDS)).await.expect("an answer");
    assert_eq!(name(&two), Some(catalog::STOCK_RESERVATION_FAILED.name));
    let one = hold(stock, &order(&[(product, 1)]), later(RESERVATION_SECONDS)).await.expect("an answer");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name), "what is left of it is free");
    assert!(retry(stock, &waiting[0]).await.is_some());
}

pub async fn released_backorder_frees_its_units_for_other_orders(under: &Fixture<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(release(stock, waiting[0].paid_order().order_id).await, None);
    let one = hold(stock, &order(&[(product, 1)]), later(RESERVATION_SECONDS)).await.expect("an answer");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name));
}

pub async fn expired_reservation_is_allocated_after_backorders_paid_earlier(under: &Fixture<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let (younger, older) = (lapsed(stock, product, later(60)).await, lapsed(stock, product, later(-60)).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(name(&keep(stock, &younger).await), Some(catalog::STOCK_ALLOCATION_FAILED.name));
    assert_eq!(retry(stock, &younger).await, None, "its turn has not come");
    assert_eq!(name(&keep(stock, &older).await), Some(catalog::STOCK_ALLOCATED.name), "it was paid before");
    assert_eq!(retry(stock, &waiting[0]).await, None, "now there is none");
}

pub async fn backorders_are_filled_in_order_of_payment(under: &Fixture<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let orders = waiting(stock, product, &[later(2), later(1)]).await;
    let found = stock.backorders_fillable(100_000, None).await.expect("the store answers");
    let ours = |paid: &PaidOrder| orders.iter().any(|order| order.paid_order().order_id == paid.order_id);
    assert_eq!(found.into_iter().filter(ours).collect::<Vec<_>>(), [orders[1].paid_order()], "there is one for one");
    assert_eq!(retry(stock, &orders[0]).await, None);
    assert!(retry(stock, &orders[1]).await.is_some());
}

/// Those of `wanted` among all that wait, in pages of two.
async fn in_pages(stock: &impl StockStore, wanted: &[PaidOrder]) -> Vec<PaidOrder> {
    let (mut found, mut last): (Vec<PaidOrder>, Option<PaidOrder>) = (vec![], None);
    loop {
        let page = stock.backorders_fillable(2, last).await.expect("the store answers");
        assert!(page.len() <= 2 && found.len() < 100_000);
        found.extend(&page);
        last = match page.last() {
            Some(last) => Some(*last),
            None => return found.into_iter().filter(|paid| wanted.contains(paid)).collect(),
        };
    }
}

pub async fn fillable_backorders_are_paged_oldest_payment_first(under: &Fixture<impl StockStore>) {
    let product = product(under.port(), 5).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders = waiting(under.port(), product, &[4, 1, 3, 1, 2].map(second)).await;
    let mut paid: Vec<PaidOrder> = orders.iter().map(OrderBuilder::paid_order).collect();
    paid.sort_by_key(|paid| (paid.at, paid.order_id));
    assert_eq!(in_pages(under.port(), &paid).await, paid);
    let behind = under.port().backorders_fillable(100_000, Some(paid[1])).await.expect("the store answers");
    assert_eq!(behind.into_iter().filter(|one| paid.contains(one)).collect::<Vec<_>>(), paid[2..]);
}

pub async fn unfillable_backorder_blocks_no_other_and_is_counted(under: &Fixture<impl StockStore>) {
    let stock = under.port();
    let mut case = Case::at(stock, Some(State::Backordered)).await;
    let younger = product(stock, 1).await;
    let younger = waiting(stock, younger, &[later(60)]).await[0].paid_order();
    let found = async || {
        let waiting = stock.backorders_fillable(100_000, None).await.expect("the store answers");
        let ours =
            waiting.into_iter().map(|paid| paid.order_id).filter(|id| [case.id(), younger.order_id].contains(id));
        ours.collect::<Vec<_>>()
    };
    assert_eq!(found().await, [younger.order_id]);
    assert!(stock.backorder_count().await.expect("the store answers") >= 2, "both wait");
    let (id, older) = (case.id(), case.order.paid_order().at);
    case.make_short(false).await;
    let waiting = stock.backorders_fillable(100_000, None).await.expect("the store answers");
    assert!(waiting.iter().any(|paid| (paid.order_id, paid.at) == (id, older)), "now there is enough");
}

pub async fn repeated_payment_does_not_change_the_place_of_a_backorder(under: &Fixture<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Backordered)).await;
    let first = case.order.paid_order();
    case.order = case.order.at(later(3_600));
    assert_eq!(case.hear(Input::AllocateOutOfStock).await, Ok(None));
    case.make_short(false).await;
    let waiting = case.stock.backorders_fillable(100_000, None).await.expect("the store answers");
    assert_eq!(waiting.into_iter().find(|paid| paid.order_id == first.order_id), Some(first));
}

pub async fn backorder_is_allocated_completely_or_not_at_all(under: &Fixture<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Backordered)).await;
    let before = level(case.stock, case.product).await;
    assert_eq!(retry(case.stock, &case.order).await, None);
    assert_eq!(level(case.stock, case.product).await, before);
    case.make_short(false).await;
    let (free, reserved, version) = level(case.stock, case.product).await;
    let told = retry(case.stock, &case.order).await.expect("news");
    assert_eq!(name(&Some(told.clone())), Some(catalog::STOCK_ALLOCATED.name));
    assert_eq!(level(case.stock, case.product).await, (free - 4, reserved + 4, version + 1));
    assert_eq!(levels(&told).iter().map(|level| level.version).collect::<Vec<_>>(), [version + 1]);
    assert_eq!(retry(case.stock, &case.order).await, None, "it does not wait any more");
    under.sweep().await;
    assert_eq!(under.publish_count(told.id), 1);
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn only_backordered_orders_are_filled(under: &Fixture<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some)).filter(|state| *state != Some(State::Backordered));
    for state in states {
        let mut case = Case::at(under.port(), state).await;
        case.make_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(retry(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        assert_eq!(case.state().await, state);
    }
}

pub async fn order_released_while_expired_or_backordered_is_never_allocated(under: &Fixture<impl StockStore>) {
    for state in [State::Expired, State::Backordered] {
        let mut case = Case::at(under.port(), Some(state)).await;
        case.make_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(release(case.stock, case.id()).await, None, "{state:?}: nothing is held");
        assert_eq!(keep(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(retry(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        let waiting = case.stock.backorders_fillable(100_000, None).await.expect("the store answers");
        assert!(waiting.iter().all(|paid| paid.order_id != case.id()));
    }
}

pub async fn concurrent_allocations_of_the_last_unit_succeed_once(under: &Fixture<impl StockStore>) {
    let product = product(under.port(), 1).await;
    let orders = waiting(under.port(), product, &[0, 1, 2, 3, 4, 5].map(later)).await;
    let told = join_all(under.concurrent(orders.len()).zip(&orders).map(|(stock, order)| retry(stock, order))).await;
    assert_eq!(told.iter().flatten().count(), 1);
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (0, 1));
}
