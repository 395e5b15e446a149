//! Tests of reservations and stock levels.

use super::*;
use crate::{
    Money,
    id::{OrderId, ProductId, UserId},
    order,
};
use kernel::Uuid;
use std::collections::HashSet;

/// Every state, and no reservation.
fn all_states() -> Vec<Option<State>> {
    std::iter::once(None).chain(State::ALL.into_iter().map(Some)).collect()
}

/// Asserts that `input` makes the transitions in `moves`, is ignored in the states in `ignored`, and is rejected in all others.
fn assert_transitions(input: Input, moves: &[(Option<State>, State)], ignored: &[Option<State>]) {
    for state in all_states() {
        let moved = moves.iter().find(|(from, _)| *from == state).map(|(_, to)| Transition::To(*to));
        let ignored = ignored.contains(&state).then_some(Transition::Ignore);
        assert_eq!(next(state, input), moved.or(ignored).unwrap_or(Transition::Reject), "{input:?} in {state:?}");
    }
}

#[test]
fn order_is_reserved_once_and_completely_or_not_at_all() {
    let known: Vec<_> = State::ALL.map(Some).to_vec();
    assert_transitions(Input::Reserve, &[(None, State::Reserved)], &known);
    assert_transitions(Input::ReserveOutOfStock, &[(None, State::Failed)], &known);
}

#[test]
fn only_an_unpaid_reservation_expires() {
    let others: Vec<_> = all_states().into_iter().filter(|state| *state != Some(State::Reserved)).collect();
    assert_transitions(Input::Expire, &[(Some(State::Reserved), State::Expired)], &others);
}

#[test]
fn paid_order_is_allocated_after_expiry_only_if_stock_allows() {
    let later = [State::Allocated, State::Shipped, State::Released].map(Some);
    let in_stock = [State::Reserved, State::Expired, State::Backordered].map(|from| (Some(from), State::Allocated));
    assert_transitions(Input::Allocate, &in_stock, &later);
    let out_of_stock = [(Some(State::Reserved), State::Allocated), (Some(State::Expired), State::Backordered)];
    let ignored = [&[Some(State::Backordered)][..], &later].concat();
    assert_transitions(Input::AllocateOutOfStock, &out_of_stock, &ignored);
}

#[test]
fn only_an_allocated_order_ships() {
    assert_transitions(Input::Ship, &[(Some(State::Allocated), State::Shipped)], &[Some(State::Shipped)]);
}

#[test]
fn cancelled_order_releases_its_stock_and_cannot_be_reserved_again() {
    let from = [State::Reserved, State::Failed, State::Expired, State::Backordered, State::Allocated];
    let mut moves = from.map(|state| (Some(state), State::Released)).to_vec();
    moves.push((None, State::Released));
    assert_transitions(Input::Release, &moves, &[Some(State::Released)]);
    assert_eq!(
        next(Some(State::Released), Input::Reserve),
        Transition::Ignore,
        "a release that arrived before its reservation"
    );
}

#[test]
fn only_reserved_and_allocated_states_hold_stock() {
    for state in State::ALL {
        assert_eq!(state.counts_as_reserved(), [State::Reserved, State::Allocated].contains(&state), "{state:?}");
    }
}

#[test]
fn no_sequence_of_inputs_allocates_or_ships_unpaid_stock() {
    let mut reached = HashSet::new();
    walk(None, false, 6, &mut reached);
    assert_eq!(reached.len(), State::ALL.len(), "every state is entered");
}

/// Applies every input and recurses from each state that is reached.
fn walk(from: Option<State>, is_paid: bool, depth: usize, reached: &mut HashSet<State>) {
    for input in Input::ALL {
        let Transition::To(to) = next(from, input) else { continue };
        let is_paid = is_paid || matches!(input, Input::Allocate | Input::AllocateOutOfStock);
        assert!(!matches!(from, Some(State::Shipped | State::Released)), "{input:?} leaves a final state");
        assert!(from != Some(to), "a transition changes the state");
        if matches!(to, State::Allocated | State::Backordered | State::Shipped) {
            assert!(is_paid, "{to:?} without payment");
        }
        if to == State::Shipped {
            assert!(from.is_some_and(State::counts_as_reserved), "shipped without allocated stock");
        }
        assert!(
            !to.counts_as_reserved() || matches!(input, Input::Reserve | Input::Allocate | Input::AllocateOutOfStock),
            "{input:?} takes stock"
        );
        reached.insert(to);
        if depth > 1 {
            walk(Some(to), is_paid, depth - 1, reached);
        }
    }
}

#[test]
fn rejected_input_names_the_input_and_the_state_and_is_not_retryable() {
    let failure = invalid_transition(Some(State::Failed), Input::Allocate);
    assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "invalid-reservation-transition"));
    assert_eq!(failure.detail, "The input allocate is not valid for a reservation in state failed.");
    assert_eq!(
        invalid_transition(None, Input::Ship).detail,
        "The input ship is not valid for a reservation in state none."
    );
    assert!(!failure.is_retryable());
}

#[test]
fn states_and_inputs_have_distinct_database_names() {
    let states = ["reserved", "failed", "expired", "backordered", "allocated", "shipped", "released"];
    assert_eq!(State::ALL.map(State::name), states);
    assert_eq!(HashSet::from(Input::ALL.map(Input::name)).len(), Input::ALL.len());
    for state in State::ALL {
        assert_eq!(State::parse(state.name()), Some(state));
    }
    assert_eq!(State::parse("Held"), None);
}

#[test]
fn reservation_expires_after_thirty_minutes() {
    let at = |second| Timestamp::from_second(second).expect("valid");
    assert_eq!(expires_at(at(0)), Ok(at(1_800)));
    assert_eq!(expires_at(at(1_763_700_000)), Ok(at(1_763_701_800)));
    assert!(expires_at(Timestamp::MAX).is_err());
}

/// An order of three of the second product and two of the first.
fn placed() -> OrderPlaced {
    let item = |n: u128, quantity: u32| serde_json::json!({"product_id": Uuid::from_u128(n), "quantity": quantity});
    let command = serde_json::from_value(serde_json::json!({
        "items": [item(2, 3), item(1, 2)],
        "shipping_address": {"line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"},
        "payment_method": "pm_card_visa"
    }));
    let snapshots = [1, 2].map(|n| order::ProductSnapshot {
        product_id: ProductId(Uuid::from_u128(n)),
        name: crate::text::ProductName::parse("Lamp").expect("valid"),
        category: crate::text::Category::parse("lighting").expect("valid"),
        price: Money::new(500, "USD").expect("valid"),
        active: true,
        version: 1,
    });
    let (id, user) = (OrderId(Uuid::from_u128(9)), UserId(Uuid::from_u128(8)));
    order::place(id, user, command.expect("parses"), &snapshots, &order::Rates::default(), Timestamp::UNIX_EPOCH)
        .expect("placed")
        .1
}

#[test]
fn lines_are_sorted_by_product_and_both_events_list_them() {
    let order = placed();
    let reservation = reserve(order.clone());
    let line = |n, quantity| StockLine { product_id: ProductId(Uuid::from_u128(n)), quantity };
    let lines = vec![line(1, 2), line(2, 3)];
    assert_eq!(reservation.lines, lines);
    let reserved = StockReserved {
        order_id: order.order_id,
        user_id: order.user_id,
        amount: Money::new(2_500, "USD").expect("valid"),
        payment_method: order.payment_method,
        lines: lines.clone(),
        levels: vec![],
    };
    assert_eq!(reservation.reserved, reserved);
    assert_eq!(reservation.failed, StockReservationFailed { order_id: order.order_id, lines });
}

#[test]
fn new_account_starts_with_all_units_available() {
    let product: ProductCreated = serde_json::from_value(serde_json::json!({
        "product_id": Uuid::from_u128(1), "sku": "LAMP-1", "name": "Lamp", "category": "light",
        "price": {"amount": 500, "currency": "USD"}, "stock_quantity": 7
    }))
    .expect("parses");
    let first = StockLevel { product_id: product.product_id, available: 7, reserved: 0, version: 1 };
    assert_eq!(initial_level(&product), first);
}

fn level(available: i64) -> StockLevel {
    StockLevel { product_id: ProductId(Uuid::from_u128(1)), available, reserved: 4, version: 9 }
}

#[test]
fn adjustment_changes_available_units_down_to_zero() {
    let adjusted = |delta| adjust(&level(3), AdjustStock { delta, reason: AdjustmentReason::Recount });
    for (delta, available) in [(2, 5), (-3, 0)] {
        let (after, event) = adjusted(delta).expect("allowed");
        assert_eq!(after, StockLevel { version: 10, ..level(available) });
        assert_eq!((event.product_id, event.delta, event.reason), (after.product_id, delta, AdjustmentReason::Recount));
        assert_eq!(event.levels, [after]);
    }
    let rejection = adjusted(-4).expect_err("reserved units cannot be removed");
    assert_eq!((rejection.kind, rejection.code), (FailureKind::Conflict, "insufficient-stock"));
    assert_eq!(rejection.detail, "Only 3 units can be removed; 4 more are reserved for orders.");
}

#[test]
fn adjustment_out_of_range_is_rejected_naming_the_field() {
    let check = |delta| AdjustStock { delta, reason: AdjustmentReason::Found }.check();
    for delta in [1, -1, MAX_ADJUSTMENT, -MAX_ADJUSTMENT] {
        assert_eq!(check(delta), Ok(()), "{delta}");
    }
    for delta in [0, MAX_ADJUSTMENT + 1, -MAX_ADJUSTMENT - 1, i64::MIN, i64::MAX] {
        assert_eq!(check(delta).expect_err("rejected").fields[0].pointer, "/delta", "{delta}");
    }
}

#[test]
fn product_runs_low_at_the_threshold() {
    assert!(is_low(&level(LOW_STOCK_THRESHOLD)) && is_low(&level(0)));
    assert!(!is_low(&level(LOW_STOCK_THRESHOLD + 1)));
}
