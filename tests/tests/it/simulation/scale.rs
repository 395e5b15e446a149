//! Sweeps of hundreds of orders: more than a page of rows that cannot be changed, and others behind them.

use super::{
    backend::Memory,
    choices::{Choices, interleave},
    commands::Plan,
    defects::Defect,
    products,
    world::{Task, World},
};
use domain::{
    DomainEvent,
    id::OrderId,
    order::{PENDING_TIMEOUT_SECONDS, Status},
    stock::{RESERVATION_SECONDS, State},
};
use futures_util::FutureExt as _;
use kernel::Failure;
use ports::StockStore as _;
use std::{ops::RangeInclusive, time::Duration};
use testkit::{build, ids};

/// Orders whose rows cannot be changed: more than a page.
const REFUSED: RangeInclusive<u64> = 1..=120;
/// Orders behind them that are due as well.
const DUE: RangeInclusive<u64> = 121..=220;
/// Orders that are not due yet.
const NEWER: RangeInclusive<u64> = 221..=300;
/// How much later those were placed.
const LATER: Duration = Duration::from_secs(20 * 60);

const STOCK_SWEEP: usize = 0;
const ORDER_SWEEP: usize = 1;

/// What the database answers to a change of an order, or of its reservation, in a world with this defect.
pub fn check_row(defect: Defect, order: OrderId) -> Result<(), Failure> {
    let refuses = matches!(defect, Defect::RefusesFirstRows | Defect::SweepsFirstPageOnly);
    match refuses && REFUSED.map(ids::order).any(|one| one == order) {
        true => Err(Failure::internal("the row cannot be changed")),
        false => Ok(()),
    }
}

/// A world with 300 orders, each with a reservation.
fn crowded(defect: Defect) -> World<Memory> {
    let start = build::noon();
    let world = World::new(Memory::new(), start, 1, Plan::with(&[], true), Some(defect));
    let product = products::id(3);
    let stock = world.platform.stock();
    stock.put(product, 1_000);
    for number in 1..=*NEWER.end() {
        let at = start + if NEWER.contains(&number) { LATER } else { Duration::ZERO } + Duration::from_millis(number);
        let order = build::order().number(number).line_of(product, 1, build::usd(1999)).at(at);
        world.platform.orders().put(&order.placed());
        let (reservation, event) =
            (order.reservation(), |data: DomainEvent| build::event_with(ids::event(number), at, data));
        let expires_at = at + Duration::from_secs(RESERVATION_SECONDS.unsigned_abs());
        let claim = build::a_claim(catalog::STOCK_RESERVE.name, number);
        let (reserved, failed) = (event(reservation.reserved.clone().into()), event(reservation.failed.clone().into()));
        let work = stock.reserve(claim, &reservation, expires_at, &reserved, &failed);
        let outcome = interleave(vec![work.boxed_local()], &Choices::none()).pop().expect("one result");
        outcome.expect("a reservation").expect("stock");
    }
    world
}

/// Runs a scheduled function `seconds` after the first order.
fn sweep(world: &mut World<Memory>, what: usize, seconds: i64) {
    let at = build::noon() + Duration::from_secs(seconds.unsigned_abs() + 1);
    let ahead = at.duration_since(world.clock.now());
    world.clock.advance(ahead.try_into().expect("a time to come"));
    world.work(vec![Task::Maintenance(what)], &Choices::none());
}

/// The orders whose reservation has expired.
fn expired(world: &World<Memory>) -> Vec<u64> {
    let is_expired = |number: &u64| world.platform.stock().state(ids::order(*number)) == Some(State::Expired);
    (1..=*NEWER.end()).filter(is_expired).collect()
}

fn cancelled(world: &World<Memory>) -> Vec<u64> {
    let orders = world.platform.orders().all();
    let is_cancelled =
        |number: &u64| orders.iter().any(|order| order.id == ids::order(*number) && order.status == Status::Cancelled);
    (1..=*NEWER.end()).filter(is_cancelled).collect()
}

#[test]
fn sweeps_reach_what_lies_behind_more_than_a_page_that_fails() {
    let mut world = crowded(Defect::RefusesFirstRows);
    sweep(&mut world, STOCK_SWEEP, RESERVATION_SECONDS);
    assert_eq!(expired(&world), DUE.collect::<Vec<_>>());
    sweep(&mut world, ORDER_SWEEP, PENDING_TIMEOUT_SECONDS);
    assert_eq!(cancelled(&world), DUE.collect::<Vec<_>>());
    // Once the rows can be changed, the next runs end the rest.
    world.defect = None;
    sweep(&mut world, STOCK_SWEEP, PENDING_TIMEOUT_SECONDS + 2);
    assert_eq!(expired(&world), (1..=*NEWER.end()).collect::<Vec<_>>());
    sweep(&mut world, ORDER_SWEEP, PENDING_TIMEOUT_SECONDS + 4);
    assert_eq!(cancelled(&world), REFUSED.chain(DUE).collect::<Vec<_>>());
}

#[test]
fn sweep_that_ends_with_its_first_page_is_found() {
    let mut world = crowded(Defect::SweepsFirstPageOnly);
    sweep(&mut world, STOCK_SWEEP, RESERVATION_SECONDS);
    sweep(&mut world, ORDER_SWEEP, PENDING_TIMEOUT_SECONDS);
    assert_eq!((expired(&world), cancelled(&world)), (vec![], vec![]));
}
