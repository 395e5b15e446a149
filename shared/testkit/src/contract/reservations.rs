//! Rules of [`StockStore`]: what becomes of a reservation. Every state hears every cue, as `domain::stock::next` says.

use super::stock::{level, levels, order, product, release, released};
use super::{Under, a_claim, an_event, fresh, later, why};
use crate::build::{self, OrderBuilder};
use domain::{
    DomainEvent, Event,
    event::{StockCommitted, StockLapsed},
    id::{OrderId, ProductId},
    stock::{self, Cue, HOLD_SECONDS, Move, State},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, Kind, Timestamp};
use ports::{Claim, LapsedHold, StockStore};

/// One test a rule of reservations, each over the `Under<impl StockStore>` that the expression gives when it is awaited. Part of
/// `contract_stock!`.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_reservations {
    ($under:expr) => {
        $crate::each_rule! { reservations, $under;
            every_state_hears_every_cue_as_the_table_says
            what_is_refused_uses_up_no_claim
            a_claim_is_made_once_for_each_step
            what_is_held_is_kept_without_moving_stock
            a_hold_lapses_when_its_time_is_over_and_not_before
            holds_that_lapsed_are_found_oldest_first_and_no_others
            what_is_committed_has_left_the_house_once
            of_two_who_keep_at_once_one_tells_it
            a_lapse_and_a_payment_at_once_leave_the_order_kept
            a_release_and_a_payment_at_once_leave_nothing_held
            what_a_sweep_tells_is_sent_once_although_the_bus_was_down
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
    a_claim(catalog::STOCK_KEEP.name)
}

/// Whether the hold of an order is among those that lapsed before `now`.
async fn has_lapsed(stock: &impl StockStore, now: Timestamp, order: OrderId) -> bool {
    let found = stock.lapsed(now, 100_000, None).await.expect("the store answers");
    found.iter().any(|hold| hold.order_id == order)
}

fn lapsed(order_id: OrderId, at: Timestamp) -> Event {
    Event { time: at, ..an_event(StockLapsed { order_id, levels: vec![] }) }
}

fn committed(order_id: OrderId) -> Event {
    an_event(StockCommitted { order_id, levels: vec![] })
}

/// An order for `lines`, as the inventory hears of it.
pub(super) async fn hold(
    stock: &impl StockStore,
    order: &OrderBuilder,
    lapses_at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let hold = order.hold();
    let (reserved, short) = (an_event(hold.reserved.clone()), an_event(hold.short.clone()));
    stock.reserve(claim(), &hold, lapses_at, &reserved, &short).await
}

async fn try_keep(stock: &impl StockStore, claim: Claim, order: &OrderBuilder) -> Result<Option<Event>, Failure> {
    let (kept, short) =
        (an_event(order.stock_kept()), an_event(domain::event::StockShort { lines: vec![], ..order.stock_gone() }));
    stock.keep(claim, &order.to_keep(), &kept, &short).await
}

pub(super) async fn keep(stock: &impl StockStore, order: &OrderBuilder) -> Option<Event> {
    try_keep(stock, claim(), order).await.expect("the store answers")
}

/// Long after each hold of these rules has lapsed.
pub(super) async fn lapse(stock: &impl StockStore, order: OrderId) -> Option<Event> {
    stock.lapse(order, &lapsed(order, later(2 * HOLD_SECONDS))).await.expect("the store answers")
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
        let path: &[Cue] = match state {
            None => &[],
            Some(State::Held) => &[Cue::Reserve],
            Some(State::Short) => &[Cue::ReserveShort],
            Some(State::Lapsed) => &[Cue::Reserve, Cue::Lapse],
            Some(State::Waiting) => &[Cue::Reserve, Cue::Lapse, Cue::KeepShort],
            Some(State::Kept) => &[Cue::Reserve, Cue::Keep],
            Some(State::Committed) => &[Cue::Reserve, Cue::Keep, Cue::Commit],
            Some(State::Released) => &[Cue::Reserve, Cue::Release],
        };
        for cue in path {
            assert!(case.hear(*cue).await.is_ok_and(|event| event.is_some()), "{cue:?} on the way to {state:?}");
        }
        case
    }

    pub fn id(&self) -> OrderId {
        self.order.to_keep().order_id
    }

    /// The other order takes all that is free, or gives it back.
    pub async fn make_short(&mut self, is_short: bool) {
        let free = level(self.stock, self.product).await.0;
        match (is_short, self.other) {
            (true, None) if free > 0 => {
                let other = order(&[(self.product, free.try_into().expect("few"))]);
                assert!(hold(self.stock, &other, later(HOLD_SECONDS)).await.is_ok_and(|event| event.is_some()));
                self.other = Some(other.to_keep().order_id);
            }
            (false, Some(other)) => {
                assert!(release(self.stock, other).await.is_some());
                self.other = None;
            }
            _ => {}
        }
    }

    /// Lets the reservation hear this cue.
    pub async fn hear(&mut self, cue: Cue) -> Result<Option<Event>, Failure> {
        self.make_short(matches!(cue, Cue::ReserveShort | Cue::KeepShort)).await;
        let (stock, id) = (self.stock, self.id());
        match cue {
            Cue::Reserve | Cue::ReserveShort => hold(stock, &self.order, later(HOLD_SECONDS)).await,
            Cue::Lapse => stock.lapse(id, &lapsed(id, later(2 * HOLD_SECONDS))).await,
            Cue::Keep | Cue::KeepShort => try_keep(stock, claim(), &self.order).await,
            Cue::Commit => stock.commit(claim(), id, &committed(id)).await,
            Cue::Release => stock.release(claim(), id, &released(id)).await,
        }
    }

    /// Where the reservation stands, as far as its answers tell. Nothing is as it was after this.
    pub async fn state(&mut self) -> Option<State> {
        let (stock, id) = (self.stock, self.id());
        if has_lapsed(stock, later(2 * HOLD_SECONDS), id).await {
            return Some(State::Held);
        }
        self.make_short(false).await;
        let waiting = stock.waiting(100_000, None).await.expect("the store answers");
        if waiting.iter().any(|paid| paid.order_id == id) {
            return Some(State::Waiting);
        }
        match self.hear(Cue::Commit).await {
            Ok(Some(_)) => return Some(State::Kept),
            Ok(None) => return Some(State::Committed),
            Err(_) => {}
        }
        match self.hear(Cue::Keep).await {
            Ok(Some(_)) => return Some(State::Lapsed),
            Ok(None) => return Some(State::Released),
            Err(_) => {}
        }
        self.hear(Cue::Reserve).await.expect("the store answers").is_none().then_some(State::Short)
    }
}

/// The event that tells a step, if one does.
fn expected(from: Option<State>, to: State) -> Option<&'static str> {
    let row = match to {
        State::Held => catalog::STOCK_RESERVED,
        State::Short | State::Waiting => catalog::STOCK_SHORT,
        State::Lapsed => catalog::STOCK_LAPSED,
        State::Kept => catalog::STOCK_KEPT,
        State::Committed => catalog::STOCK_COMMITTED,
        State::Released if from.is_some_and(State::holds) => catalog::STOCK_RELEASED,
        State::Released => return None,
    };
    Some(row.name)
}

/// Free, reserved and the count of movements after a step.
fn moved(before: (i64, i64, i64), from: Option<State>, to: State) -> (i64, i64, i64) {
    let (free, reserved, version) = before;
    let wanted = i64::from(WANTED);
    match (from.is_some_and(State::holds), to.holds(), to) {
        (true, false, State::Committed) => (free, reserved - wanted, version + 1),
        (true, false, _) => (free + wanted, reserved - wanted, version + 1),
        (false, true, _) => (free - wanted, reserved + wanted, version + 1),
        (true, true, _) | (false, false, _) => before,
    }
}

pub async fn every_state_hears_every_cue_as_the_table_says(under: &Under<impl StockStore>) {
    let states = std::iter::once(None).chain(State::ALL.map(Some));
    for (from, cue) in states.flat_map(|state| Cue::ALL.map(|cue| (state, cue))) {
        let mut case = Case::at(under.port(), from).await;
        case.make_short(matches!(cue, Cue::ReserveShort | Cue::KeepShort)).await;
        let before = level(case.stock, case.product).await;
        let outcome = case.hear(cue).await;
        let after = level(case.stock, case.product).await;
        let (to, levels_after) = match stock::next(from, cue) {
            Move::To(to) => {
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
            Move::Stay => {
                assert_eq!(outcome, Ok(None), "{from:?} {cue:?}");
                (from, before)
            }
            Move::Refuse => {
                assert_eq!(why(outcome), (Kind::Conflict, "reservation-contradiction"), "{from:?} {cue:?}");
                (from, before)
            }
        };
        assert_eq!(after, levels_after, "{from:?} {cue:?}");
        assert_eq!(case.state().await, to, "{from:?} {cue:?}");
    }
}

pub async fn what_is_refused_uses_up_no_claim(under: &Under<impl StockStore>) {
    let mut case = Case::new(under.port()).await;
    let (commits, keeps, id) = (claim(), claim(), case.id());
    assert_eq!(why(case.stock.commit(commits, id, &committed(id)).await).0, Kind::Conflict);
    assert_eq!(why(try_keep(case.stock, keeps, &case.order).await).0, Kind::Conflict);
    case.hear(Cue::Reserve).await.expect("held").expect("news");
    assert!(try_keep(case.stock, keeps, &case.order).await.expect("answers").is_some());
    assert!(case.stock.commit(commits, id, &committed(id)).await.expect("answers").is_some());
}

pub async fn a_claim_is_made_once_for_each_step(under: &Under<impl StockStore>) {
    let case = Case::at(under.port(), Some(State::Held)).await;
    let (one, id) = (claim(), case.id());
    assert_eq!(name(&try_keep(case.stock, one, &case.order).await.expect("answers")), Some(catalog::STOCK_KEPT.name));
    assert_eq!(try_keep(case.stock, one, &case.order).await, Ok(None));
    assert_eq!(case.stock.commit(one, id, &committed(id)).await, Ok(None), "whatever it was made for");
    assert_eq!(case.stock.release(one, id, &released(id)).await, Ok(None), "whatever it was made for");
    let (free, reserved, _) = level(case.stock, case.product).await;
    assert_eq!((free, reserved), (6, 4));
}

pub async fn what_is_held_is_kept_without_moving_stock(under: &Under<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Held)).await;
    let before = level(case.stock, case.product).await;
    let told = keep(case.stock, &case.order).await.expect("news");
    assert_eq!(told.event, DomainEvent::StockKept(case.order.stock_kept()), "no level has changed");
    assert_eq!(level(case.stock, case.product).await, before);
    assert_eq!(lapse(case.stock, case.id()).await, None, "what is kept no longer lapses");
    assert_eq!(case.state().await, Some(State::Kept));
}

pub async fn a_hold_lapses_when_its_time_is_over_and_not_before(under: &Under<impl StockStore>) {
    let case = Case::new(under.port()).await;
    let (id, until) = (case.id(), later(HOLD_SECONDS));
    let second = |seconds: i64| Timestamp::from_second(until.as_second() + seconds).expect("within the calendar");
    hold(case.stock, &case.order, until).await.expect("held").expect("news");
    assert!(!has_lapsed(case.stock, until, id).await);
    assert_eq!(case.stock.lapse(id, &lapsed(id, until)).await, Ok(None));
    assert!(has_lapsed(case.stock, second(1), id).await);
    let event = lapsed(id, second(1));
    let told = case.stock.lapse(id, &event).await.expect("answers").expect("news");
    assert_eq!((told.id, levels(&told).len()), (event.id, 1));
    assert_eq!(level(case.stock, case.product).await, (10, 0, 3));
    assert!(!has_lapsed(case.stock, second(1), id).await);
    assert_eq!(case.stock.lapse(id, &event).await, Ok(None));
    assert_eq!(case.stock.lapse(OrderId(fresh()), &event).await, Ok(None), "an order of which nothing is known");
    under.sweep().await;
    assert_eq!(under.times_told(event.id), 1);
}

pub async fn holds_that_lapsed_are_found_oldest_first_and_no_others(under: &Under<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let start = later(-10_000);
    let second = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).expect("within the calendar");
    let orders: Vec<OrderBuilder> = (0..5).map(|_| order(&[(product, 1)])).collect();
    for (n, order) in (0..5_i32).zip(&orders).rev() {
        hold(under.port(), order, second(n.into())).await.expect("held").expect("news");
    }
    keep(under.port(), &orders[1]).await.expect("kept");
    release(under.port(), orders[2].to_keep().order_id).await.expect("released");
    let ids: Vec<OrderId> = orders.iter().map(|order| order.to_keep().order_id).collect();
    let found = under.port().lapsed(second(4), 100_000, None).await.expect("answers");
    let mine: Vec<LapsedHold> = found.iter().copied().filter(|hold| ids.contains(&hold.order_id)).collect();
    let expected = [(ids[0], second(0)), (ids[3], second(3))].map(|(order_id, at)| LapsedHold { order_id, at });
    assert_eq!(mine, expected);
    assert_eq!(under.port().lapsed(second(4), 1, None).await, Ok(found[..1].to_vec()));
    let behind = under.port().lapsed(second(4), 100_000, Some(mine[0])).await.expect("answers");
    assert!(behind.contains(&mine[1]) && !behind.contains(&mine[0]), "the next page begins behind the last one");
}

pub async fn what_is_committed_has_left_the_house_once(under: &Under<impl StockStore>) {
    let case = Case::at(under.port(), Some(State::Kept)).await;
    let (one, id, event) = (claim(), case.id(), committed(case.id()));
    let told = case.stock.commit(one, id, &event).await.expect("answers").expect("news");
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    assert_eq!(levels(&told).iter().map(|level| (level.available, level.reserved)).collect::<Vec<_>>(), [(6, 0)]);
    assert_eq!(case.stock.commit(one, id, &event).await, Ok(None), "the same claim");
    assert_eq!(case.stock.commit(claim(), id, &committed(id)).await, Ok(None), "another claim for the same order");
    assert_eq!(why(case.stock.release(claim(), id, &released(id)).await).0, Kind::Conflict, "it is gone");
    assert_eq!(level(case.stock, case.product).await, (6, 0, 3));
    under.sweep().await;
    assert_eq!(under.times_told(event.id), 1);
}

pub async fn of_two_who_keep_at_once_one_tells_it(under: &Under<impl StockStore>) {
    for state in [State::Held, State::Lapsed] {
        let case = Case::at(under.port(), Some(state)).await;
        let told = join_all(under.crowd(8).map(|stock| keep(stock, &case.order))).await;
        assert_eq!(told.iter().flatten().count(), 1, "{state:?}: {told:?}");
        let (free, reserved, _) = level(case.stock, case.product).await;
        assert_eq!((free, reserved), (6, 4), "{state:?}");
    }
}

pub async fn a_lapse_and_a_payment_at_once_leave_the_order_kept(under: &Under<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        hold(under.port(), order, later(HOLD_SECONDS)).await.expect("held").expect("news");
    }
    let (first, second) = (under.crowd(orders.len()), under.crowd(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(lapse(one, order.to_keep().order_id), keep(other, order)).await
    });
    for (_, kept) in join_all(races).await {
        assert_eq!(name(&kept), Some(catalog::STOCK_KEPT.name));
    }
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (88, 12));
}

pub async fn a_release_and_a_payment_at_once_leave_nothing_held(under: &Under<impl StockStore>) {
    let product = product(under.port(), 100).await;
    let orders: Vec<OrderBuilder> = (0..12).map(|_| order(&[(product, 1)])).collect();
    for order in &orders {
        hold(under.port(), order, later(HOLD_SECONDS)).await.expect("held").expect("news");
    }
    let (first, second) = (under.crowd(orders.len()), under.crowd(orders.len() + 1).skip(1));
    let races = orders.iter().zip(first.zip(second)).map(|(order, (one, other))| async move {
        join(release(one, order.to_keep().order_id), keep(other, order)).await
    });
    for (freed, _) in join_all(races).await {
        assert_eq!(name(&freed), Some(catalog::STOCK_RELEASED.name));
    }
    let (free, reserved, _) = level(under.port(), product).await;
    assert_eq!((free, reserved), (100, 0));
}

pub async fn what_a_sweep_tells_is_sent_once_although_the_bus_was_down(under: &Under<impl StockStore>) {
    let mut case = Case::at(under.port(), Some(State::Held)).await;
    let id = case.id();
    let event = lapsed(id, later(2 * HOLD_SECONDS));
    under.goes_out_after_all(event.id, case.stock.lapse(id, &event)).await;
    case.make_short(true).await;
    let (kept, short) = (an_event(case.order.stock_kept()), an_event(case.order.stock_gone()));
    let paid = case.order.to_keep();
    under.goes_out_after_all(short.id, case.stock.keep(claim(), &paid, &kept, &short)).await;
    case.make_short(false).await;
    let kept = build::event_with(fresh(), later(0), case.order.stock_kept());
    under.goes_out_after_all(kept.id, case.stock.retry(id, &kept)).await;
    let gone = committed(id);
    under.goes_out_after_all(gone.id, case.stock.commit(claim(), id, &gone)).await;
}
