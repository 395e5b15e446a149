//! Rules of reservations.

use super::*;
use crate::{
    Money,
    id::{OrderId, ProductId, UserId},
    order,
};
use kernel::Uuid;
use std::collections::HashSet;

/// All that a reservation may be, and that there is none.
fn everywhere() -> Vec<Option<State>> {
    std::iter::once(None).chain(State::ALL.into_iter().map(Some)).collect()
}

/// Asserts what a cue does everywhere: it leads along `moves`, changes nothing in `stays`, and is refused in all other states.
fn assert_leads(cue: Input, moves: &[(Option<State>, State)], stays: &[Option<State>]) {
    for state in everywhere() {
        let led = moves.iter().find(|(from, _)| *from == state).map(|(_, to)| Transition::To(*to));
        let stays = stays.contains(&state).then_some(Transition::Ignore);
        assert_eq!(next(state, cue), led.or(stays).unwrap_or(Transition::Reject), "{cue:?} in {state:?}");
    }
}

#[test]
fn an_order_is_reserved_once_and_held_as_a_whole_or_not_at_all() {
    let known: Vec<_> = State::ALL.map(Some).to_vec();
    assert_leads(Input::Reserve, &[(None, State::Reserved)], &known);
    assert_leads(Input::ReserveOutOfStock, &[(None, State::Failed)], &known);
}

#[test]
fn only_a_hold_that_is_not_paid_lapses() {
    let others: Vec<_> = everywhere().into_iter().filter(|state| *state != Some(State::Reserved)).collect();
    assert_leads(Input::Expire, &[(Some(State::Reserved), State::Expired)], &others);
}

#[test]
fn what_is_paid_is_kept_and_a_lapsed_hold_is_taken_again_if_there_is_enough() {
    let settled = [State::Allocated, State::Shipped, State::Released].map(Some);
    let kept = [State::Reserved, State::Expired, State::Backordered].map(|from| (Some(from), State::Allocated));
    assert_leads(Input::Allocate, &kept, &settled);
    let short = [(Some(State::Reserved), State::Allocated), (Some(State::Expired), State::Backordered)];
    let stays = [&[Some(State::Backordered)][..], &settled].concat();
    assert_leads(Input::AllocateOutOfStock, &short, &stays);
}

#[test]
fn only_what_is_kept_leaves_the_house() {
    assert_leads(Input::Ship, &[(Some(State::Allocated), State::Shipped)], &[Some(State::Shipped)]);
}

#[test]
fn a_cancelled_order_frees_what_it_holds_and_nothing_is_held_for_it_later() {
    let from = [State::Reserved, State::Failed, State::Expired, State::Backordered, State::Allocated];
    let mut moves = from.map(|state| (Some(state), State::Released)).to_vec();
    moves.push((None, State::Released));
    assert_leads(Input::Release, &moves, &[Some(State::Released)]);
    assert_eq!(
        next(Some(State::Released), Input::Reserve),
        Transition::Ignore,
        "a release that overtook its reservation"
    );
}

#[test]
fn only_what_is_held_or_kept_counts_as_reserved() {
    for state in State::ALL {
        assert_eq!(state.holds_stock(), [State::Reserved, State::Allocated].contains(&state), "{state:?}");
    }
}

#[test]
fn whatever_comes_pieces_are_free_held_or_gone_and_gone_only_when_they_were_paid() {
    let mut reached = HashSet::new();
    walk(None, false, 6, &mut reached);
    assert_eq!(reached.len(), State::ALL.len(), "every state is entered");
}

/// Tries every cue and goes on from each step.
fn walk(from: Option<State>, is_paid: bool, depth: usize, reached: &mut HashSet<State>) {
    for cue in Input::ALL {
        let Transition::To(to) = next(from, cue) else { continue };
        let is_paid = is_paid || matches!(cue, Input::Allocate | Input::AllocateOutOfStock);
        assert!(!matches!(from, Some(State::Shipped | State::Released)), "{cue:?} moves what has ended");
        assert!(from != Some(to), "a step leads elsewhere");
        if matches!(to, State::Allocated | State::Backordered | State::Shipped) {
            assert!(is_paid, "{to:?} without payment");
        }
        if to == State::Shipped {
            assert!(from.is_some_and(State::holds_stock), "what was not held has left the house");
        }
        assert!(
            !to.holds_stock() || matches!(cue, Input::Reserve | Input::Allocate | Input::AllocateOutOfStock),
            "{cue:?} takes stock"
        );
        reached.insert(to);
        if depth > 1 {
            walk(Some(to), is_paid, depth - 1, reached);
        }
    }
}

#[test]
fn a_contradiction_names_the_cue_and_the_state_and_is_not_tried_again() {
    let failure = invalid_transition(Some(State::Failed), Input::Allocate);
    assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, "invalid-reservation-transition"));
    assert_eq!(failure.detail, "Allocate contradicts a reservation that is failed");
    assert_eq!(invalid_transition(None, Input::Ship).detail, "Ship contradicts a reservation that is unknown here");
    assert!(!failure.is_retryable());
}

#[test]
fn a_state_has_one_word_in_the_database() {
    let words = ["reserved", "failed", "expired", "backordered", "allocated", "shipped", "released"];
    assert_eq!(State::ALL.map(State::name), words);
    for state in State::ALL {
        assert_eq!(State::parse(state.name()), Some(state));
    }
    assert_eq!(State::parse("Held"), None);
}

#[test]
fn a_hold_lapses_after_half_an_hour() {
    let at = |second| Timestamp::from_second(second).expect("valid");
    assert_eq!(expires_at(at(0)), Ok(at(1_800)));
    assert_eq!(expires_at(at(1_763_700_000)), Ok(at(1_763_701_800)));
    assert!(expires_at(Timestamp::MAX).is_err());
}

/// An order of three of the second product and two of the first.
fn placed() -> OrderPlaced {
    let item = |n: u128, pieces: u32| serde_json::json!({"product_id": Uuid::from_u128(n), "quantity": pieces});
    let wish = serde_json::from_value(serde_json::json!({
        "items": [item(2, 3), item(1, 2)],
        "shipping_address": {"line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"},
        "payment_method": "pm_card_visa"
    }));
    let offers = [1, 2].map(|n| order::ProductSnapshot {
        product_id: ProductId(Uuid::from_u128(n)),
        name: crate::text::ProductName::parse("Lamp").expect("valid"),
        price: Money::new(500, "USD").expect("valid"),
    });
    let (id, user) = (OrderId(Uuid::from_u128(9)), UserId(Uuid::from_u128(8)));
    order::place(id, user, wish.expect("parses"), &offers, Timestamp::UNIX_EPOCH).expect("placed").1
}

#[test]
fn a_hold_locks_its_products_in_one_order_and_both_answers_name_its_lines() {
    let order = placed();
    let hold = reserve(order.clone());
    let line = |n, quantity| StockLine { product_id: ProductId(Uuid::from_u128(n)), quantity };
    let lines = vec![line(1, 2), line(2, 3)];
    assert_eq!(hold.lines, lines);
    let reserved = StockReserved {
        order_id: order.order_id,
        user_id: order.user_id,
        amount: Money::new(2_500, "USD").expect("valid"),
        payment_method: order.payment_method,
        lines: lines.clone(),
        levels: vec![],
    };
    assert_eq!(hold.reserved, reserved);
    assert_eq!(hold.failed, StockReservationFailed { order_id: order.order_id, lines });
}

#[test]
fn the_account_of_a_new_product_begins_with_what_is_there_all_of_it_free() {
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
fn pieces_are_booked_in_and_out_down_to_nothing_free() {
    let adjusted = |delta| adjust(&level(3), AdjustStock { delta, reason: AdjustmentReason::Recount });
    assert_eq!(adjusted(2), Ok(StockLevel { version: 10, ..level(5) }));
    assert_eq!(adjusted(-3), Ok(StockLevel { version: 10, ..level(0) }));
    let refusal = adjusted(-4).expect_err("what is held cannot go");
    assert_eq!((refusal.kind, refusal.code), (FailureKind::Conflict, "insufficient-stock"));
    assert_eq!(refusal.detail, "Only 3 can go; 4 more are held for orders.");
}

#[test]
fn a_number_that_cannot_be_meant_is_refused_with_its_field() {
    let check = |delta| AdjustStock { delta, reason: AdjustmentReason::Found }.check();
    for delta in [1, -1, MAX_ADJUSTMENT, -MAX_ADJUSTMENT] {
        assert_eq!(check(delta), Ok(()), "{delta}");
    }
    for delta in [0, MAX_ADJUSTMENT + 1, -MAX_ADJUSTMENT - 1, i64::MIN, i64::MAX] {
        assert_eq!(check(delta).expect_err("refused").fields[0].pointer, "/delta", "{delta}");
    }
}

#[test]
fn a_reason_has_one_word_on_the_wire_and_in_the_database() {
    use AdjustmentReason::{Damaged, Found, Lost, Received, Recount, Returned};
    for reason in [Received, Returned, Damaged, Lost, Found, Recount] {
        assert_eq!(serde_json::to_value(reason).expect("serializes"), reason.name());
    }
}

#[test]
fn a_product_runs_low_at_the_threshold() {
    assert!(is_low(&level(LOW_STOCK_THRESHOLD)) && is_low(&level(0)));
    assert!(!is_low(&level(LOW_STOCK_THRESHOLD + 1)));
}
