//! Rules of [`StockStore`]: paid orders whose hold lapsed, and those that wait for stock.

use super::reservations::{Case, hold, keep, lapse, name};
use super::stock::{level, levels, order, product, release};
use super::{Under, an_event, later};
use crate::build::OrderBuilder;
use domain::{
    DomainEvent, Event,
    event::StockLine,
    id::ProductId,
    stock::{Cue, HOLD_SECONDS, State},
};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{Paid, StockStore};

/// One test a rule of orders that wait, each over the `Under<impl StockStore>` that the expression gives when it is awaited. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_back_orders {
    ($under:expr) => {
        $crate::each_rule! { back_orders, $under;
            a_paid_order_whose_hold_lapsed_takes_its_stock_again_if_it_is_there
            a_paid_order_whose_stock_is_gone_says_what_it_wants_and_waits
            paid_orders_that_wait_are_found_longest_waiting_first_in_pages
            an_order_for_which_there_is_not_enough_takes_nobodys_place_and_is_counted
            an_order_that_waits_keeps_its_place_when_it_hears_again_that_it_is_paid
            what_somebody_waits_for_is_no_new_orders
            who_stops_waiting_leaves_the_stock_to_others
            a_hold_that_lapsed_is_not_taken_again_before_those_who_waited_longer
            who_has_waited_longest_is_filled_first
            who_waits_gets_all_its_lines_or_none
            an_order_that_does_not_wait_is_not_filled
            an_order_that_was_released_while_it_waited_or_lapsed_is_never_kept
            of_many_who_wait_for_the_last_piece_one_gets_it
        }
    };
}

async fn retry(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    stock.retry(order.to_keep().order_id, &an_event(order.stock_kept())).await.expect("the store answers")
}

pub async fn a_paid_order_whose_hold_lapsed_takes_its_stock_again_if_it_is_there(under: &Under<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Lapsed)).await;
    let told = keep(case.stock, &case.order).await.expect("news");
    let DomainEvent::StockKept(kept) = &told.event else { panic!("{told:?}") };
    assert_eq!(kept.payment, case.order.paid_with());
    assert_eq!(level(case.stock, case.product).await, (6, 4, 4));
    assert_eq!(levels(&told).len(), 1);
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told), "the bus hears what the caller hears");
    assert_eq!(case.state().await, Some(State::Kept));
}

pub async fn a_paid_order_whose_stock_is_gone_says_what_it_wants_and_waits(under: &Under<impl StockStore>) {
    let (rare, plenty) = (product(under.port(), 2).await, product(under.port(), 9).await);
    let wanted = order(&[(plenty, 3), (rare, 2)]);
    let id = wanted.to_keep().order_id;
    hold(under.port(), &wanted, later(HOLD_SECONDS)).await.expect("held").expect("news");
    lapse(under.port(), id).await.expect("lapsed");
    hold(under.port(), &order(&[(rare, 1)]), later(HOLD_SECONDS)).await.expect("held").expect("news");
    let before = (level(under.port(), rare).await, level(under.port(), plenty).await);
    let told = keep(under.port(), &wanted).await.expect("news");
    let DomainEvent::StockShort(short) = &told.event else { panic!("{told:?}") };
    let mut lines = vec![StockLine { product_id: plenty, quantity: 3 }, StockLine { product_id: rare, quantity: 2 }];
    lines.sort_by_key(|line| line.product_id);
    assert_eq!((short.order_id, short.payment, &short.lines), (id, Some(wanted.paid_with()), &lines));
    assert_eq!((level(under.port(), rare).await, level(under.port(), plenty).await), before, "all lines or none");
    under.sweep().await;
    assert_eq!(under.platform.bus().published().last(), Some(&told));
}

/// An order for one piece of `product`, paid at this second, whose hold lapsed.
async fn lapsed(stock: &impl StockStore, product: ProductId, paid_at: Timestamp) -> OrderBuilder {
    let order = order(&[(product, 1)]).at(paid_at);
    hold(stock, &order, later(HOLD_SECONDS)).await.expect("held").expect("news");
    lapse(stock, order.to_keep().order_id).await.expect("lapsed");
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
    hold(stock, &other, later(HOLD_SECONDS)).await.expect("held").expect("news");
    for order in &orders {
        assert_eq!(name(&keep(stock, order).await), Some(catalog::STOCK_SHORT.name));
    }
    release(stock, other.to_keep().order_id).await.expect("free again");
    orders
}

pub async fn what_somebody_waits_for_is_no_new_orders(under: &Under<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 2).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    let two = hold(stock, &order(&[(product, 2)]), later(HOLD_SECONDS)).await.expect("an answer");
    assert_eq!(name(&two), Some(catalog::STOCK_SHORT.name));
    let one = hold(stock, &order(&[(product, 1)]), later(HOLD_SECONDS)).await.expect("an answer");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name), "what is left of it is free");
    assert!(retry(stock, &waiting[0]).await.is_some());
}

pub async fn who_stops_waiting_leaves_the_stock_to_others(under: &Under<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(release(stock, waiting[0].to_keep().order_id).await, None);
    let one = hold(stock, &order(&[(product, 1)]), later(HOLD_SECONDS)).await.expect("an answer");
    assert_eq!(name(&one), Some(catalog::STOCK_RESERVED.name));
}

pub async fn a_hold_that_lapsed_is_not_taken_again_before_those_who_waited_longer(under: &Under<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let (younger, older) = (lapsed(stock, product, later(60)).await, lapsed(stock, product, later(-60)).await);
    let waiting = waiting(stock, product, &[later(1)]).await;
    assert_eq!(name(&keep(stock, &younger).await), Some(catalog::STOCK_SHORT.name));
    assert_eq!(retry(stock, &younger).await, None, "its turn has not come");
    assert_eq!(name(&keep(stock, &older).await), Some(catalog::STOCK_KEPT.name), "it was paid before");
    assert_eq!(retry(stock, &waiting[0]).await, None, "now there is none");
}

pub async fn who_has_waited_longest_is_filled_first(under: &Under<impl StockStore>) {
    let (stock, product) = (under.port(), product(under.port(), 1).await);
    let orders = waiting(stock, product, &[later(2), later(1)]).await;
    let found = stock.waiting(100_000, None).await.expect("the store answers");
    let ours = |paid: &Paid| orders.iter().any(|order| order.to_keep().order_id == paid.order_id);
    assert_eq!(found.into_iter().filter(ours).collect::<Vec<_>>(), [orders[1].to_keep()], "there is one for one");
    assert_eq!(retry(stock, &orders[0]).await, None);
    assert!(retry(stock, &orders[1]).await.is_some());
}

/// Those of `wanted` among all that wait, in pages of two.
async fn in_pages(stock: &impl StockStore, wanted: &[Paid]) -> Vec<Paid> {
    let (mut found, mut last): (Vec<Paid>, Option<Paid>) = (vec![], None);
    loop {
        let page = stock.waiting(2, last).await.expect("the store answers");
        assert!(page.len() <= 2 && found.len() < 100_000);
        found.extend(&page);
        last = match page.last() {
            Some(last) => Some(*last),
            None => return found.into_iter().filter(|paid| wanted.contains(paid)).collect(),
        };
    }
}

pub async fn paid_orders_that_wait_are_found_longest_waiting_first_in_pages(under: &Under<impl StockStore>) {
    let product = product(under.port(), 5).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders = waiting(under.port(), product, &[4, 1, 3, 1, 2].map(second)).await;
    let mut paid: Vec<Paid> = orders.iter().map(OrderBuilder::to_keep).collect();
    paid.sort_by_key(|paid| (paid.at, paid.order_id));
    assert_eq!(in_pages(under.port(), &paid).await, paid);
    let behind = under.port().waiting(100_000, Some(paid[1])).await.expect("the store answers");
    assert_eq!(behind.into_iter().filter(|one| paid.contains(one)).collect::<Vec<_>>(), paid[2..]);
}

pub async fn an_order_for_which_there_is_not_enough_takes_nobodys_place_and_is_counted(under: &Under<impl StockStore>) {
    let stock = under.port();
    let mut case = Case::at(stock, Some(State::Waiting)).await;
    let younger = product(stock, 1).await;
    let younger = waiting(stock, younger, &[later(60)]).await[0].to_keep();
    let found = async || {
        let waiting = stock.waiting(100_000, None).await.expect("the store answers");
        let ours =
            waiting.into_iter().map(|paid| paid.order_id).filter(|id| [case.id(), younger.order_id].contains(id));
        ours.collect::<Vec<_>>()
    };
    assert_eq!(found().await, [younger.order_id]);
    assert!(stock.wait().await.expect("the store answers") >= 2, "both wait");
    let (id, older) = (case.id(), case.order.to_keep().at);
    case.make_short(false).await;
    let waiting = stock.waiting(100_000, None).await.expect("the store answers");
    assert!(waiting.iter().any(|paid| (paid.order_id, paid.at) == (id, older)), "now there is enough");
}

pub async fn an_order_that_waits_keeps_its_place_when_it_hears_again_that_it_is_paid(under: &Under<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Waiting)).await;
    let first = case.order.to_keep();
    case.order = case.order.at(later(3_600));
    assert_eq!(case.hear(Cue::KeepShort).await, Ok(None));
    case.make_short(false).await;
    let waiting = case.stock.waiting(100_000, None).await.expect("the store answers");
    assert_eq!(waiting.into_iter().find(|paid| paid.order_id == first.order_id), Some(first));
}

pub async fn who_waits_gets_all_its_lines_or_none(under: &Under<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Waiting)).await;
    let before = level(case.stock, case.product).await;
    assert_eq!(retry(case.stock, &case.order).await, None);
    assert_eq!(level(case.stock, case.product).await, before);
    case.make_short(false).await;
    let (free, reserved, version) = level(case.stock, case.product).await;
    let told = retry(case.stock, &case.order).await.expect("news");
    assert_eq!(name(&Some(told.clone())), Some(catalog::STOCK_KEPT.name));
    assert_eq!(level(case.stock, case.product).await, (free - 4, reserved + 4, version + 1));
    assert_eq!(levels(&told).iter().map(|level| level.version).collect::<Vec<_>>(), [version + 1]);
    assert_eq!(retry(case.stock, &case.order).await, None, "it does not wait any more");
    under.sweep().await;
    assert_eq!(under.times_told(told.id), 1);
    assert_eq!(case.state().await, Some(State::Kept));
}

pub async fn an_order_that_does_not_wait_is_not_filled(under: &Under<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some)).filter(|state| *state != Some(State::Waiting));
    for state in states {
        let mut case = Case::at(under.port(), state).await;
        case.make_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(retry(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        assert_eq!(case.state().await, state);
    }
}

pub async fn an_order_that_was_released_while_it_waited_or_lapsed_is_never_kept(under: &Under<impl StockStore>) {
    for state in [State::Lapsed, State::Waiting] {
        let mut case = Case::at(under.port(), Some(state)).await;
        case.make_short(false).await;
        let before = level(case.stock, case.product).await;
        assert_eq!(release(case.stock, case.id()).await, None, "{state:?}: nothing is held");
        assert_eq!(keep(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(retry(case.stock, &case.order).await, None, "{state:?}");
        assert_eq!(level(case.stock, case.product).await, before, "{state:?}");
        let waiting = case.stock.waiting(100_000, None).await.expect("the store answers");
        assert!(waiting.iter().all(|paid| paid.order_id != case.id()));
    }
}

pub async fn of_many_who_wait_for_the_last_piece_one_gets_it(under: &Under<impl StockStore>) {
    let product = product(under.port(), 1).await;
    let orders = waiting(under.port(), product, &[0, 1, 2, 3, 4, 5].map(later)).await;
    let told = join_all(under.crowd(orders.len()).zip(&orders).map(|(stock, order)| retry(stock, order))).await;
    assert_eq!(told.iter().flatten().count(), 1);
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (0, 1));
}
