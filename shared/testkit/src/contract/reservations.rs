//! Rules of [`StockStore`]: what becomes of a reservation. Every state hears every cue, as `domain::stock::next` says.

use super::stock::{level, levels, order, product, release, released};
use super::{Fixture, a_claim, an_event, fresh, later, why};
use crate::build::{self, OrderBuilder};
use domain::{
    DomainEvent, Event,
    event::{StockReservationExpired, StockShipped},
    id::{OrderId, ProductId},
    stock::{self, Input, RESERVATION_SECONDS, State, Transition},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{Claim, ExpiredReservation, StockStore};

/// One test a rule of reservations, each over the `Fixture<impl StockStore>` that the expression gives when it is awaited. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_reservations {
    ($under:expr) => {
        $crate::each_rule! { reservations, $under;
            every_state_follows_the_transition_table
            rejected_transition_does_not_consume_its_claim
            claim_applies_one_transition
            reserved_stock_is_allocated_without_changing_levels
            reservation_expires_after_its_deadline_and_not_before
            expired_reservations_are_listed_oldest_first
            allocated_stock_is_shipped_once
            concurrent_allocations_of_one_order_publish_once
            concurrent_expiry_and_payment_leave_the_order_allocated
            concurrent_release_and_payment_leave_nothing_reserved
            sweep_publishes_transitions_made_while_the_bus_was_down
        }
    };
}

/// Pieces of the product that each rule begins with.
const ALL: u32 = 10;
/// Pieces that the order wants.
const WANTED: u32 = 4;

/// A reservation that is driven through its states.
pub(super) struct Case<'a, S> {
    pub stock: &'a S,
    pub order: OrderBuilder,
    pub product: ProductId,
    /// Another order, which takes what is free.
    other: Option<OrderId>,
}

fn claim() -> Claim {
    a_claim(catalog::STOCK_ALLOCATE.name)
}

/// Whether the hold of an order is among those that lapsed before `now`.
async fn has_lapsed(stock: &impl StockStore, now: Timestamp, order: OrderId) -> bool {
    let found = stock.expired_reservations(now, 100_000, None).await.expect("the store answers");
    found.iter().any(|hold| hold.order_id == order)
}

fn lapsed(order_id: OrderId, at: Timestamp) -> Event {
    Event { time: at, ..an_event(StockReservationExpired { order_id, levels: vec![] }) }
}

fn committed(order_id: OrderId) -> Event {
    an_event(StockShipped { order_id, levels: vec![] })
}

/// An order for `lines`, as the inventory hears of it.
pub(super) async fn hold(
    stock: &impl StockStore,
    order: &OrderBuilder,
    expires_at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let hold = order.reservation();
    let (reserved, short) = (an_event(hold.reserved.clone()), an_event(hold.failed.clone()));
    stock.reserve(claim(), &hold, expires_at, &reserved, &short).await
}

async fn try_keep(stock: &impl StockStore, claim: Claim, order: &OrderBuilder) -> Result<Option<Event>, Failure> {
    let (kept, short) = (
        an_event(order.stock_allocated()),
        an_event(domain::event::StockAllocationFailed { lines: vec![], ..order.stock_allocation_failed() }),
    );
    stock.allocate(claim, &order.paid_order(), &kept, &short).await
}

pub(super) async fn keep(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    try_keep(stock, claim(), order).await.expect("the store answers")
}

/// Long after each hold of these rules has lapsed.
pub(super) async fn lapse(stock: &impl StockStore, order: OrderId) -> Option<Event> {
    stock.expire(order, &lapsed(order, later(2 * RESERVATION_SECONDS))).await.expect("the store answers")
}

pub(super) fn name(event: &Option<Event>) -> Option<&'static str> {
    event.as_ref().map(|event| event.event.row().name)
}

impl<'a, S: StockStore> Case<'a, S> {
    /// An order, of which the inventory has not heard.
    async fn new(stock: &'a S) -> Self {
        let product = product(stock, ALL).await;
        Self { stock, order: order(&[(product, WANTED)]), product, other: None }
    }

    /// An order that was brought to this state.
    pub async fn at(stock: &'a S, state: Option<State>) -> Self {
        let mut case = Self::new(stock).await;
        let path: &[Input] = match state {
            None => &[],
            Some(State::Reserved) => &[Input::Reserve],
            Some(State::Failed) => &[Input::ReserveOutOfStock],
            Some(State::Expired) => &[Input::Reserve, Input::Expire],
            Some(State::Backordered) => &[Input::Reserve, Input::Expire, Input::AllocateOutOfStock],
            Some(State::Allocated) => &[Input::Reserve, Input::Allocate],
            Some(State::Shipped) => &[Input::Reserve, Input::Allocate, Input::Ship],
            Some(State::Released) => &[Input::Reserve, Input::Release],
        };
        for cue in path {
            assert!(case.hear(*cue).await.is_ok_and(|event| event.is_some()), "{cue:?} on the way to {state:?}");
        }
        case
    }

    pub fn id(&self) -> OrderId {
        self.order.paid_order().order_id
    }

    /// The other order takes all that is free, or gives it back.
    pub async fn make_short(&mut self, is_short: bool) {
        let free = level(self.stock, self.product).await.0;
        match (is_short, self.other) {
            (true, None) if free > 0 => {
                let other = order(&[(self.product, free.try_into().expect("few"))]);
                assert!(hold(self.stock, &other, later(RESERVATION_SECONDS)).await.is_ok_and(|event| event.is_some()));
                self.other = Some(other.paid_order().order_id);
            }
            (false, Some(other)) => {
                assert!(release(self.stock, other).await.is_some());
                self.other = None;
            }
            _ => {}
        }
    }

    /// Lets the reservation hear this cue.
    pub async fn hear(&mut self, cue: Input) -> Result<Option<Event>, Failure> {
        self.make_short(matches!(cue, Input::ReserveOutOfStock | Input::AllocateOutOfStock)).await;
        let (stock, id) = (self.stock, self.id());
        match cue {
            Input::Reserve | Input::ReserveOutOfStock => hold(stock, &self.order, later(RESERVATION_SECONDS)).await,
            Input::Expire => stock.expire(id, &lapsed(id, later(2 * RESERVATION_SECONDS))).await,
            Input::Allocate | Input::AllocateOutOfStock => try_keep(stock, claim(), &self.order).await,
            Input::Ship => stock.ship(claim(), id, &committed(id)).await,
            Input::Release => stock.release(claim(), id, &released(id)).await,
        }
    }

    /// Where the reservation stands, as far as its answers tell. Nothing is as it was after this.
    pub async fn state(&mut self) -> Option<State> {
        let (stock, id) = (self.stock, self.id());
        if has_lapsed(stock, later(2 * RESERVATION_SECONDS), id).await {
            return Some(State::Reserved);
        }
        self.make_short(false).await;
        let waiting = stock.backorders_fillable(100_000, None).await.expect("the store answers");
        if waiting.iter().any(|paid| paid.order_id == id) {
            return Some(State::Backordered);
        }
        match self.hear(Input::Ship).await {
            Ok(Some(_)) => return Some(State::Allocated),
            Ok(None) => return Some(State::Shipped),
            Err(_) => {}
        }
        match self.hear(Input::Allocate).await {
            Ok(Some(_)) => return Some(State::Expired),
            Ok(None) => return Some(State::Released),
            Err(_) => {}
        }
        self.hear(Input::Reserve).await.expect("the store answers").is_none().then_some(State::Failed)
    }
}

/// The event that tells a step, if one does.
fn expected(from: Option<State>, to: State) -> Option<&'static str> {
    let row = match to {
        State::Reserved => catalog::STOCK_RESERVED,
        State::Failed => catalog::STOCK_RESERVATION_FAILED,
        State::Backordered => catalog::STOCK_ALLOCATION_FAILED,
        State::Expired => catalog::STOCK_RESERVATION_EXPIRED,
        State::Allocated => catalog::STOCK_ALLOCATED,
        State::Shipped => catalog::STOCK_SHIPPED,
        State::Released if from.is_some_and(State::holds_stock) => catalog::STOCK_RELEASED,
        State::Released => return None,
    };
    Some(row.name)
}

/// Free, reserved and the count of movements after a step.
fn moved(before: (i64, i64, i64), from: Option<State>, to: State) -> (i64, i64, i64) {
    let (free, reserved, version) = before;
    let wanted = i64::from(WANTED);
    match (from.is_some_and(State::holds_stock), to.holds_stock(), to) {
        (true, false, State::Shipped) => (free, reserved - wanted, version + 1),
        (true, false, _) => (free + wanted, reserved - wanted, version + 1),
        (false, true, _) => (free - wanted, reserved + wanted, version + 1),
        (true, true, _) | (false, false, _) => before,
    }
}

pub async fn every_state_follows_the_transition_table(under: &Fixture<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some));
    for (from, cue) in states.flat_map(|state| Input::ALL.map(|cue| (state, cue))) {
        let mut case = Case::at(under.port(), from).await;
        case.make_short(matches!(cue, Input::ReserveOutOfStock | Input::AllocateOutOfStock)).await;
        let before = level(case.stock, case.product).await;
        let outcome = case.hear(cue).await;
        let after = level(case.stock, case.product).await;
        let (to, levels_after) = match stock::next(from, cue) {
            Transition::To(to) => {
                let event = outcome.unwrap_or_else(|failure| panic!("{from:?} {cue:?}: {failure}"));
                assert_eq!(name(&event), expected(from, to), "{from:?} {cue:?}");
                let told = event.iter().flat_map(levels).map(|one| (one.available, one.reserved, one.version));
                let moves = moved(before, from, to);
                assert_eq!(
                    told.collect::<Vec<_>>(),
                    if moves == before { vec![] } else { vec![moves] },
                    "{from:?} {cue:?}"
                );
                (Some(to), moves)
            }
            Transition::Ignore => {
                assert_eq!(outcome, Ok(None), "{from:?} {cue:?}");
                (from, before)
            }
            Transition::Reject => {
                assert_eq!(why(outcome), (FailureKind::Conflict, "invalid-reservation-transition"), "{from:?} {cue:?}");
                (from, before)
            }
        };
        assert_eq!(after, levels_after, "{from:?} {cue:?}");
        assert_eq!(case.state().await, to, "{from:?} {cue:?}");
    }
}

pub async fn rejected_transition_does_not_consume_its_claim(under: &Fixture<impl StockStore>) {
    let mut case = Case::new(under.port()).await;
    let (commits, keeps, id) = (claim(), claim(), case.id());
    assert_eq!(why(case.stock.ship(commits, id, &committed(id)).await).0, FailureKind::Conflict);
    assert_eq!(why(try_keep(case.stock, keeps, &case.order).await).0, FailureKind::Conflict);
    case.hear(Input::Reserve).await.expect("held").expect("news");
    assert!(try_keep(case.stock, keeps, &case.order).await.expect("answers").is_some());
    assert!(case.stock.ship(commits, id, &committed(id)).await.expect("answers").is_some());
}

pub async fn claim_applies_one_transition(under: &Fixture<impl StockStore>) {
    let case = Case::at(under.port(), Some(State::Reserved)).await;
    let (one, id) = (claim(), case.id());
    assert_eq!(
        name(&try_keep(case.stock, one, &case.order).await.expect("answers")),
        Some(catalog::STOCK_ALLOCATED.name)
    );
    assert_eq!(try_keep(case.stock, one, &case.order).await, Ok(None));
    assert_eq!(case.stock.ship(one, id, &committed(id)).await, Ok(None), "whatever it was made for");
    assert_eq!(case.stock.release(one, id, &released(id)).await, Ok(None), "whatever it was made for");
    let (free, reserved, _) = level(case.stock, case.product).await;
    assert_eq!((free, reserved), (6, 4));
}

pub async fn reserved_stock_is_allocated_without_changing_levels(under: &Fixture<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Reserved)).await;
    let before = level(case.stock, case.product).await;
    let told = keep(case.stock, &case.order).await.expect("news");
    assert_eq!(told.event, DomainEvent::StockAllocated(case.order.stock_allocated()), "no level has changed");
    assert_eq!(level(case.stock, case.product).await, before);
    assert_eq!(lapse(case.stock, case.id()).await, None, "what is kept no longer lapses");
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn reservation_expires_after_its_deadline_and_not_before(under: &Fixture<impl StockStore>) {
    let case = Case::new(under.port()).await;
    let (id, until) = (case.id(), later(RESERVATION_SECONDS));
    let second = |seconds: i64| Timestamp::from_second(until.as_second() + seconds).expect("within the calendar");
    hold(case.stock, &case.order, until).await.expect("held").expect("news");
    assert!(!has_lapsed(case.stock, until, id).await);
    assert_eq!(case.stock.expire(id, &lapsed(id, until)).await, Ok(None));
    assert!(has_lapsed(case.stock, second(1), id).await);
    let event = lapsed(id, second(1));
    let told = case.stock.expire(id, &event).await.expect("answers").expect("news");
    assert_eq!((told.id, levels(&told).len()), (event.id, 1));
    assert_eq!(level(case.stock, case.product).await, (10, 0, 3));
    assert!(!has_lapsed(case.stock, second(1), id).await);
    assert_eq!(case.stock.expire(id, &event).await, Ok(None));
    assert_eq!(case.stock.expire(OrderId(fresh()), &event).await, Ok(None), "an order of which nothing is known");
    under.sweep().await;
    assert_eq!(under.publish_count(event.id), 1);
}

pub async fn expired_reservations_are_listed_oldest_first(under: &Fixture<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders: Vec<OrderBuilder> = (0..5).map(|_| order(&[(product, 1)])).collect();
    for (n, order) in (0..5_i32).zip(&orders).rev() {
        hold(under.port(), order, second(n.into())).await.expect("held").expect("news");
    }
    keep(under.port(), &orders[1]).await.expect("kept");
    release(under.port(), orders[2].paid_order().order_id).await.expect("released");
    let ids: Vec<OrderId> = orders.iter().map(|order| order.paid_order().order_id).collect();
    let found = under.port().expired_reservations(second(4), 100_000, None).await.expect("answers");
    let mine: Vec<ExpiredReservation> = found.iter().copied().filter(|hold| ids.contains(&hold.order_id)).collect();
    let expected = [(ids[0], second(0)), (ids[3], second(3))].map(|(order_id, at)| ExpiredReservation { order_id, at });
    assert_eq!(mine, expected);
    assert_eq!(under.port().expired_reservations(second(4), 1, None).await, Ok(found[..1].to_vec()));
    let behind = under.port().expired_reservations(second(4), 100_000, Some(mine[0])).await.expect("answers");
    assert!(behind.contains(&mine[1]) && !behind.contains(&mine[0]), "the next page begins behind the last one");
}

pub async fn allocated_stock_is_shipped_once(under: &Fixture<impl StockStore>) {
    let case = Case::at(under.port(), Some(State::Allocated)).await;
    let (one, id, event) = (claim(), case.id(), committed(case.id()));
    let told = case.stock.ship(one, id, &event).await.expect("answers").expect("news");
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    assert_eq!(levels(&told).iter().map(|level| (level.available, level.reserved)).collect::<Vec<_>>(), [(6, 0)]);
    assert_eq!(case.stock.ship(one, id, &event).await, Ok(None), "the same claim");
    assert_eq!(case.stock.ship(claim(), id, &committed(id)).await, Ok(None), "another claim for the same order");
    assert_eq!(why(case.stock.release(claim(), id, &released(id)).await).0, FailureKind::Conflict, "it is gone");
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    under.sweep().await;
    assert_eq!(under.publish_count(event.id), 1);
}

pub async fn concurrent_allocations_of_one_order_publish_once(under: &Fixture<impl StockStore>) {
    for state in [State::Reserved, State::Expired] {
        let case = Case::at(under.port(), Some(state)).await;
        let told = join_all(under.concurrent(8).map(|stock| keep(stock, &case.order))).await;
        assert_eq!(told.iter().flatten().count(), 1, "{state:?}: {told:?}");
        let (free, reserved, _) = level(case.stock, case.product).await;
        assert_eq!((free, reserved), (6, 4), "{state:?}");
    }
}

pub async fn concurrent_expiry_and_payment_leave_the_order_allocated(under: &Fixture<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        hold(under.port(), order, later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    }
    let (first, second) = (under.concurrent(orders.len()), under.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(lapse(one, order.paid_order().order_id), keep(other, order)).await
    });
    for (_, kept) in join_all(races).await {
        assert_eq!(name(&kept), Some(catalog::STOCK_ALLOCATED.name));
    }
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (88, 12));
}

pub async fn concurrent_release_and_payment_leave_nothing_reserved(under: &Fixture<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        hold(under.port(), order, later(RESERVATION_SECONDS)).await.expect("held").expect("news");
    }
    let (first, second) = (under.concurrent(orders.len()), under.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(release(one, order.paid_order().order_id), keep(other, order)).await
    });
    for (freed, _) in join_all(races).await {
        assert_eq!(name(&freed), Some(catalog::STOCK_RELEASED.name));
    }
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (100, 0));
}

pub async fn sweep_publishes_transitions_made_while_the_bus_was_down(under: &Fixture<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Reserved)).await;
    let id = case.id();
    let event = lapsed(id, later(2 * RESERVATION_SECONDS));
    under.assert_published_after_outage(event.id, case.stock.expire(id, &event)).await;
    case.make_short(true).await;
    let (kept, short) = (an_event(case.order.stock_allocated()), an_event(case.order.stock_allocation_failed()));
    let paid = case.order.paid_order();
    under.assert_published_after_outage(short.id, case.stock.allocate(claim(), &paid, &kept, &short)).await;
    case.make_short(false).await;
    let kept = build::event_with(fresh(), later(0), case.order.stock_allocated());
    under.assert_published_after_outage(kept.id, case.stock.allocate_backorder(id, &kept)).await;
    let gone = committed(id);
    under.assert_published_after_outage(gone.id, case.stock.ship(claim(), id, &gone)).await;
}
