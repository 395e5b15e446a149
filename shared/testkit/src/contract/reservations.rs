//! Contract of [`StockStore`]: the state machine of reservations. Every state gets every input of
//! `domain::stock::next`.

use super::stock::{level, levels, order, product, release, released};
use super::{Fixture, a_claim, an_event, fresh, kind_and_code, later};
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

/// Generates one test per rule of reservations. The expression is a future of a `Fixture<impl StockStore>`. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_reservations {
    ($fixture:expr) => {
        $crate::each_rule! { reservations, $fixture;
            every_state_follows_the_transition_table
            event_sequence_is_the_version_of_the_reservation
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

/// Units in stock at the start of each rule.
const ALL: u32 = 10;
/// Units that the order reserves.
const WANTED: u32 = 4;

/// A reservation, with the operations that drive it through its states.
pub(super) struct Case<'a, S> {
    pub stock: &'a S,
    pub order: OrderBuilder,
    pub product: ProductId,
    /// Another order that reserves all free units.
    other: Option<OrderId>,
}

fn claim() -> Claim {
    a_claim(catalog::STOCK_ALLOCATE.name)
}

/// Whether an order is listed among the expired reservations at `now`.
async fn is_expired(stock: &impl StockStore, now: Timestamp, order: OrderId) -> bool {
    let found = stock.expired_reservations(now, 100_000, None).await.expect("the store responds");
    found.iter().any(|reservation| reservation.order_id == order)
}

fn expired_event(order_id: OrderId, at: Timestamp) -> Event {
    Event { time: at, ..an_event(StockReservationExpired { order_id, levels: vec![] }) }
}

fn shipped_event(order_id: OrderId) -> Event {
    an_event(StockShipped { order_id, levels: vec![] })
}

/// Reserves the stock of an order.
pub(super) async fn reserve(
    stock: &impl StockStore,
    order: &OrderBuilder,
    expires_at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let reservation = order.reservation();
    let (reserved, failed) = (an_event(reservation.reserved.clone()), an_event(reservation.failed.clone()));
    stock.reserve(claim(), &reservation, expires_at, &reserved, &failed).await
}

async fn try_allocate(stock: &impl StockStore, claim: Claim, order: &OrderBuilder) -> Result<Option<Event>, Failure> {
    let (allocated, failed) = (
        an_event(order.stock_allocated()),
        an_event(domain::event::StockAllocationFailed { lines: vec![], ..order.stock_allocation_failed() }),
    );
    stock.allocate(claim, &order.paid_order(), &allocated, &failed).await
}

pub(super) async fn allocate(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    try_allocate(stock, claim(), order).await.expect("the store responds")
}

/// Expires a reservation, at an instant after every deadline in these rules.
pub(super) async fn expire(stock: &impl StockStore, order: OrderId) -> Option<Event> {
    stock.expire(order, &expired_event(order, later(2 * RESERVATION_SECONDS))).await.expect("the store responds")
}

pub(super) fn name(event: &Option<Event>) -> Option<&'static str> {
    event.as_ref().map(|event| event.event.row().name)
}

impl<'a, S: StockStore> Case<'a, S> {
    /// An order without a reservation.
    async fn new(stock: &'a S) -> Self {
        let product = product(stock, ALL).await;
        Self { stock, order: order(&[(product, WANTED)]), product, other: None }
    }

    /// An order with a reservation in this state.
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
        for input in path {
            assert!(case.apply(*input).await.is_ok_and(|event| event.is_some()), "{input:?} before {state:?}");
        }
        case
    }

    pub fn id(&self) -> OrderId {
        self.order.paid_order().order_id
    }

    /// Lets the other order reserve all free units, or release them.
    pub async fn set_short(&mut self, is_short: bool) {
        let free = level(self.stock, self.product).await.0;
        match (is_short, self.other) {
            (true, None) if free > 0 => {
                let other = order(&[(self.product, free.try_into().expect("few"))]);
                assert!(
                    reserve(self.stock, &other, later(RESERVATION_SECONDS)).await.is_ok_and(|event| event.is_some())
                );
                self.other = Some(other.paid_order().order_id);
            }
            (false, Some(other)) => {
                assert!(release(self.stock, other).await.is_some());
                self.other = None;
            }
            _ => {}
        }
    }

    /// Applies an input to the reservation.
    pub async fn apply(&mut self, input: Input) -> Result<Option<Event>, Failure> {
        self.set_short(matches!(input, Input::ReserveOutOfStock | Input::AllocateOutOfStock)).await;
        let (stock, id) = (self.stock, self.id());
        match input {
            Input::Reserve | Input::ReserveOutOfStock => reserve(stock, &self.order, later(RESERVATION_SECONDS)).await,
            Input::Expire => stock.expire(id, &expired_event(id, later(2 * RESERVATION_SECONDS))).await,
            Input::Allocate | Input::AllocateOutOfStock => try_allocate(stock, claim(), &self.order).await,
            Input::Ship => stock.ship(claim(), id, &shipped_event(id)).await,
            Input::Release => stock.release(claim(), id, &released(id)).await,
        }
    }

    /// Determines the state from the results of further inputs. This changes the reservation.
    pub async fn state(&mut self) -> Option<State> {
        let (stock, id) = (self.stock, self.id());
        if is_expired(stock, later(2 * RESERVATION_SECONDS), id).await {
            return Some(State::Reserved);
        }
        self.set_short(false).await;
        let waiting = stock.fillable_backorders(100_000, None).await.expect("the store responds");
        if waiting.iter().any(|paid| paid.order_id == id) {
            return Some(State::Backordered);
        }
        match self.apply(Input::Ship).await {
            Ok(Some(_)) => return Some(State::Allocated),
            Ok(None) => return Some(State::Shipped),
            Err(_) => {}
        }
        match self.apply(Input::Allocate).await {
            Ok(Some(_)) => return Some(State::Expired),
            Ok(None) => return Some(State::Released),
            Err(_) => {}
        }
        self.apply(Input::Reserve).await.expect("the store responds").is_none().then_some(State::Failed)
    }
}

/// The event that a transition publishes, if any.
fn expected(from: Option<State>, to: State) -> Option<&'static str> {
    let row = match to {
        State::Reserved => catalog::STOCK_RESERVED,
        State::Failed => catalog::STOCK_RESERVATION_FAILED,
        State::Backordered => catalog::STOCK_ALLOCATION_FAILED,
        State::Expired => catalog::STOCK_RESERVATION_EXPIRED,
        State::Allocated => catalog::STOCK_ALLOCATED,
        State::Shipped => catalog::STOCK_SHIPPED,
        State::Released if from.is_some_and(State::counts_as_reserved) => catalog::STOCK_RELEASED,
        State::Released => return None,
    };
    Some(row.name)
}

/// Available and reserved units and the version after a transition.
fn level_after(before: (i64, i64, i64), from: Option<State>, to: State) -> (i64, i64, i64) {
    let (free, reserved, version) = before;
    let wanted = i64::from(WANTED);
    match (from.is_some_and(State::counts_as_reserved), to.counts_as_reserved(), to) {
        (true, false, State::Shipped) => (free, reserved - wanted, version + 1),
        (true, false, _) => (free + wanted, reserved - wanted, version + 1),
        (false, true, _) => (free - wanted, reserved + wanted, version + 1),
        (true, true, _) | (false, false, _) => before,
    }
}

pub async fn every_state_follows_the_transition_table(fixture: &Fixture<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some));
    for (from, input) in states.flat_map(|state| Input::ALL.map(|input| (state, input))) {
        let mut case = Case::at(fixture.port(), from).await;
        case.set_short(matches!(input, Input::ReserveOutOfStock | Input::AllocateOutOfStock)).await;
        let before = level(case.stock, case.product).await;
        let outcome = case.apply(input).await;
        let after = level(case.stock, case.product).await;
        let (to, levels_after) = match stock::next(from, input) {
            Transition::To(to) => {
                let event = outcome.unwrap_or_else(|failure| panic!("{from:?} {input:?}: {failure}"));
                assert_eq!(name(&event), expected(from, to), "{from:?} {input:?}");
                let published = event.iter().flat_map(levels).map(|one| (one.available, one.reserved, one.version));
                let level = level_after(before, from, to);
                assert_eq!(
                    published.collect::<Vec<_>>(),
                    if level == before { vec![] } else { vec![level] },
                    "{from:?} {input:?}"
                );
                (Some(to), level)
            }
            Transition::Ignore => {
                assert_eq!(outcome, Ok(None), "{from:?} {input:?}");
                (from, before)
            }
            Transition::Reject => {
                assert_eq!(
                    kind_and_code(outcome),
                    (FailureKind::Conflict, "invalid-reservation-transition"),
                    "{from:?} {input:?}"
                );
                (from, before)
            }
        };
        assert_eq!(after, levels_after, "{from:?} {input:?}");
        assert_eq!(case.state().await, to, "{from:?} {input:?}");
    }
}

pub async fn event_sequence_is_the_version_of_the_reservation(fixture: &Fixture<impl StockStore>) {
    for inputs in [
        &[Input::Reserve, Input::Expire, Input::AllocateOutOfStock, Input::Allocate, Input::Ship][..],
        &[Input::Reserve, Input::Allocate, Input::Release],
        &[Input::ReserveOutOfStock],
    ] {
        let mut case = Case::new(fixture.port()).await;
        for (version, input) in (1..).zip(inputs) {
            let event = case.apply(*input).await.expect("a response").expect("an event");
            assert_eq!(event.sequence, version, "{input:?} of {inputs:?}");
        }
    }
}

pub async fn rejected_transition_does_not_consume_its_claim(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::new(fixture.port()).await;
    let (ship_claim, allocate_claim, id) = (claim(), claim(), case.id());
    assert_eq!(kind_and_code(case.stock.ship(ship_claim, id, &shipped_event(id)).await).0, FailureKind::Conflict);
    assert_eq!(kind_and_code(try_allocate(case.stock, allocate_claim, &case.order).await).0, FailureKind::Conflict);
    case.apply(Input::Reserve).await.expect("reserved").expect("an event");
    assert!(try_allocate(case.stock, allocate_claim, &case.order).await.expect("a response").is_some());
    assert!(case.stock.ship(ship_claim, id, &shipped_event(id)).await.expect("a response").is_some());
}

pub async fn claim_applies_one_transition(fixture: &Fixture<impl StockStore>) {
    let case = Case::at(fixture.port(), Some(State::Reserved)).await;
    let (one, id) = (claim(), case.id());
    assert_eq!(
        name(&try_allocate(case.stock, one, &case.order).await.expect("a response")),
        Some(catalog::STOCK_ALLOCATED.name)
    );
    assert_eq!(try_allocate(case.stock, one, &case.order).await, Ok(None));
    assert_eq!(case.stock.ship(one, id, &shipped_event(id)).await, Ok(None), "whatever the input");
    assert_eq!(case.stock.release(one, id, &released(id)).await, Ok(None), "whatever the input");
    let (free, reserved, _) = level(case.stock, case.product).await;
    assert_eq!((free, reserved), (6, 4));
}

pub async fn reserved_stock_is_allocated_without_changing_levels(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::at(fixture.port(), Some(State::Reserved)).await;
    let before = level(case.stock, case.product).await;
    let published = allocate(case.stock, &case.order).await.expect("an event");
    assert_eq!(published.event, DomainEvent::StockAllocated(case.order.stock_allocated()), "no level has changed");
    assert_eq!(level(case.stock, case.product).await, before);
    assert_eq!(expire(case.stock, case.id()).await, None, "an allocated reservation does not expire");
    assert_eq!(case.state().await, Some(State::Allocated));
}

pub async fn reservation_expires_after_its_deadline_and_not_before(fixture: &Fixture<impl StockStore>) {
    let case = Case::new(fixture.port()).await;
    let (id, until) = (case.id(), later(RESERVATION_SECONDS));
    let second = |seconds: i64| Timestamp::from_second(until.as_second() + seconds).expect("within the calendar");
    reserve(case.stock, &case.order, until).await.expect("reserved").expect("an event");
    assert!(!is_expired(case.stock, until, id).await);
    assert_eq!(case.stock.expire(id, &expired_event(id, until)).await, Ok(None));
    assert!(is_expired(case.stock, second(1), id).await);
    let event = expired_event(id, second(1));
    let published = case.stock.expire(id, &event).await.expect("a response").expect("an event");
    assert_eq!((published.id, levels(&published).len()), (event.id, 1));
    assert_eq!(level(case.stock, case.product).await, (10, 0, 3));
    assert!(!is_expired(case.stock, second(1), id).await);
    assert_eq!(case.stock.expire(id, &event).await, Ok(None));
    assert_eq!(case.stock.expire(OrderId(fresh()), &event).await, Ok(None), "an unknown order");
    fixture.sweep().await;
    assert_eq!(fixture.publish_count(event.id), 1);
}

pub async fn expired_reservations_are_listed_oldest_first(fixture: &Fixture<impl StockStore>) {
    let product = product(fixture.port(), 100).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders: Vec<OrderBuilder> = (0..5).map(|_| order(&[(product, 1)])).collect();
    for (n, order) in (0..5_i32).zip(&orders).rev() {
        reserve(fixture.port(), order, second(n.into())).await.expect("reserved").expect("an event");
    }
    allocate(fixture.port(), &orders[1]).await.expect("allocated");
    release(fixture.port(), orders[2].paid_order().order_id).await.expect("released");
    let ids: Vec<OrderId> = orders.iter().map(|order| order.paid_order().order_id).collect();
    let found = fixture.port().expired_reservations(second(4), 100_000, None).await.expect("a response");
    let mine: Vec<ExpiredReservation> =
        found.iter().copied().filter(|reservation| ids.contains(&reservation.order_id)).collect();
    let expected = [(ids[0], second(0)), (ids[3], second(3))].map(|(order_id, at)| ExpiredReservation { order_id, at });
    assert_eq!(mine, expected);
    assert_eq!(fixture.port().expired_reservations(second(4), 1, None).await, Ok(found[..1].to_vec()));
    let next_page = fixture.port().expired_reservations(second(4), 100_000, Some(mine[0])).await.expect("a response");
    assert!(next_page.contains(&mine[1]) && !next_page.contains(&mine[0]), "the next page starts after the cursor");
}

pub async fn allocated_stock_is_shipped_once(fixture: &Fixture<impl StockStore>) {
    let case = Case::at(fixture.port(), Some(State::Allocated)).await;
    let (one, id, event) = (claim(), case.id(), shipped_event(case.id()));
    let published = case.stock.ship(one, id, &event).await.expect("a response").expect("an event");
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    assert_eq!(levels(&published).iter().map(|level| (level.available, level.reserved)).collect::<Vec<_>>(), [(6, 0)]);
    assert_eq!(case.stock.ship(one, id, &event).await, Ok(None), "the same claim");
    assert_eq!(case.stock.ship(claim(), id, &shipped_event(id)).await, Ok(None), "another claim for the same order");
    assert_eq!(
        kind_and_code(case.stock.release(claim(), id, &released(id)).await).0,
        FailureKind::Conflict,
        "it was shipped"
    );
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    fixture.sweep().await;
    assert_eq!(fixture.publish_count(event.id), 1);
}

pub async fn concurrent_allocations_of_one_order_publish_once(fixture: &Fixture<impl StockStore>) {
    for state in [State::Reserved, State::Expired] {
        let case = Case::at(fixture.port(), Some(state)).await;
        let published = join_all(fixture.concurrent(8).map(|stock| allocate(stock, &case.order))).await;
        assert_eq!(published.iter().flatten().count(), 1, "{state:?}: {published:?}");
        let (free, reserved, _) = level(case.stock, case.product).await;
        assert_eq!((free, reserved), (6, 4), "{state:?}");
    }
}

pub async fn concurrent_expiry_and_payment_leave_the_order_allocated(fixture: &Fixture<impl StockStore>) {
    let product = product(fixture.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        reserve(fixture.port(), order, later(RESERVATION_SECONDS)).await.expect("reserved").expect("an event");
    }
    let (first, second) = (fixture.concurrent(orders.len()), fixture.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(expire(one, order.paid_order().order_id), allocate(other, order)).await
    });
    for (_, allocated) in join_all(races).await {
        assert_eq!(name(&allocated), Some(catalog::STOCK_ALLOCATED.name));
    }
    let (free, reserved, _) = level(fixture.port(), product).await;
    assert_eq!((free, reserved), (88, 12));
}

pub async fn concurrent_release_and_payment_leave_nothing_reserved(fixture: &Fixture<impl StockStore>) {
    let product = product(fixture.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        reserve(fixture.port(), order, later(RESERVATION_SECONDS)).await.expect("reserved").expect("an event");
    }
    let (first, second) = (fixture.concurrent(orders.len()), fixture.concurrent(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(release(one, order.paid_order().order_id), allocate(other, order)).await
    });
    for (freed, _) in join_all(races).await {
        assert_eq!(name(&freed), Some(catalog::STOCK_RELEASED.name));
    }
    let (free, reserved, _) = level(fixture.port(), product).await;
    assert_eq!((free, reserved), (100, 0));
}

pub async fn sweep_publishes_transitions_made_while_the_bus_was_down(fixture: &Fixture<impl StockStore>) {
    let mut case = Case::at(fixture.port(), Some(State::Reserved)).await;
    let id = case.id();
    let event = expired_event(id, later(2 * RESERVATION_SECONDS));
    fixture.assert_published_after_outage(event.id, case.stock.expire(id, &event)).await;
    case.set_short(true).await;
    let (allocated, failed) = (an_event(case.order.stock_allocated()), an_event(case.order.stock_allocation_failed()));
    let paid = case.order.paid_order();
    fixture.assert_published_after_outage(failed.id, case.stock.allocate(claim(), &paid, &allocated, &failed)).await;
    case.set_short(false).await;
    let allocated = build::event_with(fresh(), later(0), case.order.stock_allocated());
    fixture.assert_published_after_outage(allocated.id, case.stock.allocate_backorder(id, &allocated)).await;
    let shipped = shipped_event(id);
    fixture.assert_published_after_outage(shipped.id, case.stock.ship(claim(), id, &shipped)).await;
}
