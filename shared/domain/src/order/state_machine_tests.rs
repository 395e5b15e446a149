//! Tests of the state machine through [`advance`], [`apply_command`] and [`time_out`].

use super::super::*;
use super::placed;
use crate::{DomainEvent, event::OrderConfirmed};
use kernel::{FailureKind, Uuid};
use std::collections::HashSet;

const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(4));

/// States before an order is paid.
const UNPAID: [State; 4] = [State::AwaitingStock, State::AwaitingPayment, State::AwaitingCustomer, State::Declined];
/// States of a paid order without stock.
const OUT_OF_STOCK: [State; 2] = [State::Backordered, State::UnderReview];
/// States of a confirmed order.
const CONFIRMED: [State; 3] = [State::Processing, State::Shipped, State::Delivered];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn paid(input: Input, version: u64) -> Update {
    Update::about(input, PaymentVersion { id: PAYMENT, version })
}

/// An order in a state, reached with the fewest inputs.
fn order_in(state: State) -> Order {
    let inputs: &[Input] = match state {
        State::AwaitingStock => &[],
        State::AwaitingPayment => &[Input::StockReserved],
        State::AwaitingCustomer => &[Input::StockReserved, Input::PaymentActionRequired],
        State::Declined => &[Input::StockReserved, Input::PaymentFailed],
        State::Backordered => &[Input::StockReserved, Input::StockAllocationFailed(ShortfallPolicy::Backorder)],
        State::UnderReview => &[Input::StockReserved, Input::StockAllocationFailed(ShortfallPolicy::Review)],
        State::Processing => &[Input::StockReserved, Input::StockAllocated],
        State::Shipped => &[Input::StockReserved, Input::StockAllocated, Input::Ship],
        State::Delivered => &[Input::StockReserved, Input::StockAllocated, Input::Ship, Input::Deliver],
        State::Cancelled => &[Input::CancelByCustomer],
    };
    inputs.iter().fold(placed(), |order, input| step(&order, *input).0)
}

/// Applies an input that must cause a transition. Inputs about the payment come with its next version.
fn step(order: &Order, input: Input) -> (Order, Option<DomainEvent>) {
    advance(order, newer(order, input), at(60)).expect("valid").expect("a transition")
}

fn newer(order: &Order, input: Input) -> Update {
    match input {
        Input::PaymentRequested
        | Input::PaymentActionRequired
        | Input::PaymentFailed
        | Input::StockAllocated
        | Input::StockAllocationFailed(_)
        | Input::Refunded => paid(input, order.payment_version + 1),
        _ => input.into(),
    }
}

/// Asserts the transition of an input in every state: from `from` it leads to `to`, in `ignored` it changes nothing, and everywhere
/// else it is rejected.
fn assert_transitions(input: Input, from: &[State], to: (Status, Option<Reason>), ignored: &[State]) {
    for state in State::ALL {
        let order = order_in(state);
        let result = advance(&order, newer(&order, input), at(60));
        if from.contains(&state) {
            let (moved, _) = result.expect("valid").expect("a transition");
            assert_eq!((moved.status, moved.reason), to, "{input:?} in {state:?}");
        } else if ignored.contains(&state) {
            assert_eq!(result, Ok(None), "{input:?} in {state:?}");
        } else {
            let rejected = result.expect_err("rejected");
            assert_eq!(
                (rejected.kind, rejected.code),
                (FailureKind::Conflict, "invalid-order-transition"),
                "{input:?} in {state:?}"
            );
            assert!(!rejected.is_retryable(), "a retry cannot succeed");
        }
    }
}

#[test]
fn stock_reserved_starts_payment_and_is_outdated_in_later_states() {
    let to = (Status::Pending, Some(Reason::AwaitingPayment));
    assert_transitions(Input::StockReserved, &[State::AwaitingStock], to, &State::ALL[1..]);
    assert_eq!(step(&placed(), Input::StockReserved).1, None);
}

#[test]
fn failed_reservation_cancels_an_order_that_awaits_stock() {
    let to = (Status::Cancelled, Some(Reason::InsufficientStock));
    assert_transitions(Input::StockReservationFailed, &[State::AwaitingStock], to, &[State::Cancelled]);
}

#[test]
fn declined_order_stays_pending_and_payment_can_be_retried() {
    let to = (Status::Pending, Some(Reason::PaymentDeclined));
    assert_transitions(Input::PaymentFailed, &UNPAID, to, &[State::Cancelled]);
    let to = (Status::Pending, Some(Reason::AwaitingPayment));
    assert_transitions(Input::PaymentRequested, &UNPAID, to, &[State::Cancelled]);
    let to = (Status::Pending, Some(Reason::AwaitingCustomer));
    let others = [State::AwaitingStock, State::AwaitingPayment, State::Declined];
    assert_transitions(Input::PaymentActionRequired, &others, to, &[State::AwaitingCustomer, State::Cancelled]);
}

#[test]
fn allocation_confirms_every_pending_order() {
    let from = [&UNPAID[..], &OUT_OF_STOCK].concat();
    let ignored = [&CONFIRMED[..], &[State::Cancelled]].concat();
    assert_transitions(Input::StockAllocated, &from, (Status::Processing, None), &ignored);
}

#[test]
fn failed_allocation_follows_the_shortfall_policy() {
    for (policy, to) in [
        (ShortfallPolicy::Refund, (Status::Cancelled, Some(Reason::InsufficientStock))),
        (ShortfallPolicy::Backorder, (Status::Pending, Some(Reason::Backordered))),
        (ShortfallPolicy::Review, (Status::Pending, Some(Reason::UnderReview))),
    ] {
        for state in UNPAID {
            let (moved, _) = step(&order_in(state), Input::StockAllocationFailed(policy));
            assert_eq!((moved.status, moved.reason), to, "{policy:?} in {state:?}");
        }
        for state in [State::Backordered, State::UnderReview, State::Cancelled] {
            let order = order_in(state);
            assert_eq!(
                advance(&order, newer(&order, Input::StockAllocationFailed(policy)), at(60)),
                Ok(None),
                "{state:?}"
            );
        }
    }
}

#[test]
fn customers_and_staff_can_cancel_until_the_order_is_shipped() {
    let from = [&UNPAID[..], &OUT_OF_STOCK, &[State::Processing]].concat();
    for (input, reason) in
        [(Input::CancelByCustomer, Reason::CustomerRequest), (Input::CancelByStaff, Reason::StaffRequest)]
    {
        assert_transitions(input, &from, (Status::Cancelled, Some(reason)), &[State::Cancelled]);
    }
}

#[test]
fn full_refund_cancels_an_order_unless_it_is_shipped() {
    let from = [&UNPAID[..], &OUT_OF_STOCK, &[State::Processing]].concat();
    let ignored = [State::Shipped, State::Delivered, State::Cancelled];
    assert_transitions(Input::Refunded, &from, (Status::Cancelled, Some(Reason::Refunded)), &ignored);
}

#[test]
fn order_is_fully_refunded_when_refunds_reach_its_total() {
    let order = placed();
    let total = order.total.amount.get();
    let back = |amount: i64| Money { amount: amount.try_into().expect("an amount"), ..order.total };
    for (amount, all) in [(0, false), (1, false), (total - 1, false), (total, true)] {
        assert_eq!(order.is_fully_refunded(back(amount)), all, "{amount}");
    }
}

#[test]
fn timeout_cancels_an_unpaid_order_with_the_reason_it_waited_for() {
    for (state, reason) in UNPAID.into_iter().zip([
        Reason::TimedOut,
        Reason::PaymentUnreachable,
        Reason::TimedOut,
        Reason::PaymentDeclined,
    ]) {
        let (moved, _) = step(&order_in(state), Input::TimedOut);
        assert_eq!((moved.status, moved.reason), (Status::Cancelled, Some(reason)), "{state:?}");
    }
    for state in State::ALL.into_iter().filter(|state| !UNPAID.contains(state)) {
        assert_eq!(advance(&order_in(state), Input::TimedOut.into(), at(60)), Ok(None), "{state:?}");
    }
}

#[test]
fn only_processing_orders_are_shipped_and_only_shipped_orders_delivered() {
    assert_transitions(Input::Ship, &[State::Processing], (Status::Shipped, None), &[]);
    assert_transitions(Input::Deliver, &[State::Shipped], (Status::Delivered, None), &[]);
}

#[test]
fn cancelled_order_ignores_stock_and_payment_events() {
    let cancelled = order_in(State::Cancelled);
    for input in Input::ALL.into_iter().filter(|input| !matches!(input, Input::Ship | Input::Deliver)) {
        for version in [1, 9] {
            assert_eq!(advance(&cancelled, paid(input, version), at(60)), Ok(None), "{input:?}");
        }
    }
}

#[test]
fn newer_charge_request_or_decline_of_a_paid_order_is_rejected() {
    for state in [&OUT_OF_STOCK[..], &CONFIRMED].concat() {
        for input in [Input::PaymentRequested, Input::PaymentFailed] {
            let order = order_in(state);
            assert!(advance(&order, paid(input, order.payment_version + 1), at(60)).is_err(), "{input:?} in {state:?}");
            assert_eq!(advance(&order, paid(input, order.payment_version), at(60)), Ok(None), "{input:?} in {state:?}");
        }
    }
}

#[test]
fn payment_events_that_are_not_newer_are_ignored() {
    let (declined, _) =
        advance(&placed(), paid(Input::PaymentFailed, 5), at(60)).expect("valid").expect("a transition");
    assert_eq!(advance(&declined, paid(Input::PaymentRequested, 4), at(61)), Ok(None));
    assert_eq!(advance(&declined, paid(Input::PaymentRequested, 5), at(61)), Ok(None));
    let (again, _) =
        advance(&declined, paid(Input::PaymentRequested, 6), at(61)).expect("valid").expect("a transition");
    assert_eq!((again.payment_id, again.payment_version), (Some(PAYMENT), 6));
}

#[test]
fn reminder_of_a_charge_changes_no_order_that_waits_for_it() {
    let waits = order_in(State::AwaitingPayment);
    let (requested, _) = advance(&waits, paid(Input::PaymentRequested, 1), at(60)).expect("valid").expect("its id");
    assert_eq!(advance(&requested, paid(Input::PaymentRequested, 2), at(61)), Ok(None));
    let (declined, _) =
        advance(&requested, paid(Input::PaymentFailed, 3), at(62)).expect("valid").expect("a transition");
    let again = advance(&declined, paid(Input::PaymentFailed, 4), at(63)).expect("valid").expect("another decline");
    assert!(matches!(again.1, Some(DomainEvent::OrderWaiting(_))), "the customer is told");
}

#[test]
fn allocation_results_count_even_with_an_outdated_payment_version() {
    let (declined, _) =
        advance(&placed(), paid(Input::PaymentFailed, 5), at(60)).expect("valid").expect("a transition");
    let (confirmed, event) =
        advance(&declined, paid(Input::StockAllocated, 4), at(61)).expect("valid").expect("a transition");
    assert_eq!((confirmed.status, confirmed.payment_version), (Status::Processing, 5));
    assert!(matches!(event, Some(DomainEvent::OrderConfirmed(_))));
    let failed = paid(Input::StockAllocationFailed(ShortfallPolicy::Review), 5);
    let (waiting, _) = advance(&declined, failed, at(61)).expect("valid").expect("a transition");
    assert_eq!((waiting.reason, waiting.payment_version), (Some(Reason::UnderReview), 5));
}

#[test]
fn confirmation_contains_what_shipping_and_invoicing_need() {
    let order = order_in(State::AwaitingPayment);
    let (_, event) = step(&order, Input::StockAllocated);
    let confirmed = OrderConfirmed {
        order_id: order.id,
        user_id: order.user_id,
        lines: order.lines,
        totals: Some(order.totals),
        total_amount: order.total,
        area: Some(order.shipping_address.area()),
        shipping_address: order.shipping_address,
        payment_id: PAYMENT,
        placed_at: order.created_at,
    };
    assert_eq!(event, Some(confirmed.into()));
}

#[test]
fn cancellation_names_the_known_payment() {
    for (state, payment_id) in [(State::AwaitingPayment, None), (State::Processing, Some(PAYMENT))] {
        let order = order_in(state);
        let (_, event) = step(&order, Input::CancelByStaff);
        let Some(DomainEvent::OrderCancelled(cancelled)) = event else { panic!("{state:?} published {event:?}") };
        assert_eq!(
            (cancelled.payment_id, cancelled.reason, cancelled.total_amount),
            (payment_id, Reason::StaffRequest, order.total)
        );
    }
}

#[test]
fn invalid_command_is_a_conflict_with_the_status_of_the_order() {
    for (state, input, code) in [
        (State::Shipped, Input::CancelByCustomer, "order-not-cancellable"),
        (State::Delivered, Input::CancelByStaff, "order-not-cancellable"),
        (State::Cancelled, Input::Ship, "transition-forbidden"),
        (State::Processing, Input::Deliver, "transition-forbidden"),
    ] {
        let order = order_in(state);
        let rejected = apply_command(&order, input, at(60)).expect_err("rejected");
        assert_eq!((rejected.kind, rejected.code), (FailureKind::Conflict, code), "{input:?} in {state:?}");
        assert!(rejected.detail.contains(order.status.name()), "{}", rejected.detail);
    }
}

#[test]
fn repeated_command_changes_nothing() {
    let (cancelled, _) =
        apply_command(&placed(), Input::CancelByCustomer, at(60)).expect("valid").expect("a transition");
    assert_eq!((cancelled.status, cancelled.updated_at), (Status::Cancelled, at(60)));
    assert_eq!(apply_command(&cancelled, Input::CancelByCustomer, at(61)), Ok(None));
}

#[test]
fn partial_refund_does_not_change_the_order() {
    let (order, _) = step(&placed(), Input::StockAllocated);
    for (minor, is_cancelled) in [(1, false), (3_997, false), (3_998, true)] {
        let refunded = Some(Money::new(minor, "USD").expect("valid"));
        let update = Update { refunded, ..paid(Input::Refunded, order.payment_version + 1) };
        let changed = advance(&order, update, at(60)).expect("valid");
        assert_eq!(changed.is_some_and(|(order, _)| order.status == Status::Cancelled), is_cancelled, "{minor}");
    }
}

fn times_out(order: &Order, second: i64) -> bool {
    let cancelled = time_out(order, at(second)).expect("valid");
    assert!(cancelled.as_ref().is_none_or(|(order, _)| order.status == Status::Cancelled));
    cancelled.is_some()
}

#[test]
fn unpaid_order_times_out_two_hours_after_placement() {
    for state in State::ALL {
        let order = Order { created_at: at(1_000), ..order_in(state) };
        assert!(!times_out(&order, 8_199), "{state:?}");
        assert_eq!(times_out(&order, 8_200), UNPAID.contains(&state), "{state:?}");
        assert_eq!(times_out(&order, 8_201), UNPAID.contains(&state), "{state:?}");
    }
}

#[test]
fn transition_does_not_extend_the_timeout() {
    let (later, _) =
        advance(&placed(), paid(Input::PaymentFailed, 1), at(7_199)).expect("valid").expect("a transition");
    assert!(times_out(&later, 7_200));
}

#[test]
fn state_is_derived_from_status_and_reason() {
    for state in State::ALL {
        let order = order_in(state);
        assert_eq!((State::of(order.status, order.reason), state.status()), (state, order.status));
    }
    assert_eq!(State::of(Status::Pending, None), State::AwaitingStock);
}

#[test]
fn shortfall_policies_have_one_word_each() {
    assert_eq!(ShortfallPolicy::ALL.map(ShortfallPolicy::name), ["refund", "backorder", "review"]);
    for policy in ShortfallPolicy::ALL {
        assert_eq!(ShortfallPolicy::parse(policy.name()), Some(policy));
    }
    assert_eq!(ShortfallPolicy::parse("back_order"), None);
}

/// Maximum length of the input sequences that are applied in each state.
const MAX_DEPTH: usize = 4;

#[test]
fn history_and_version_are_consistent_after_any_sequence_of_inputs() {
    let mut reached = HashSet::new();
    for state in State::ALL {
        walk(&order_in(state), MAX_DEPTH, &mut reached);
    }
    assert_eq!(reached.len(), State::ALL.len() - 1, "every state but the first is reached");
}

/// Applies every input with older, equal and newer versions of the payment, and continues from each transition. An ignored input needs
/// no continuation: its successors are those of the order before it.
fn walk(order: &Order, depth: usize, reached: &mut HashSet<State>) {
    let known = order.payment_version;
    let versions = [None, Some(known.saturating_sub(1)), Some(known), Some(known + 1), Some(known + 2)];
    for input in Input::ALL {
        for version in versions {
            let update = version.map_or(input.into(), |version| paid(input, version));
            if let Ok(Some((moved, event))) = advance(order, update, at(order.updated_at.as_second() + 1)) {
                assert_invariants(order, update, &moved, event.as_ref());
                reached.insert(State::of(moved.status, moved.reason));
                if depth > 1 {
                    walk(&moved, depth - 1, reached);
                }
            }
        }
    }
}

/// Asserts the invariants of every transition.
fn assert_invariants(order: &Order, update: Update, moved: &Order, event: Option<&DomainEvent>) {
    let (from, to) = (State::of(order.status, order.reason), State::of(moved.status, moved.reason));
    let what = format!("{update:?} from {from:?} to {to:?}");
    let allowed: &[Status] = match order.status {
        Status::Pending => &[Status::Pending, Status::Processing, Status::Cancelled],
        Status::Processing => &[Status::Shipped, Status::Cancelled],
        Status::Shipped => &[Status::Delivered],
        Status::Delivered | Status::Cancelled => &[],
    };
    assert!(allowed.contains(&moved.status), "{what}");

    assert_eq!(moved.version, order.version + 1, "{what}");
    assert_eq!(moved.updated_at, at(order.updated_at.as_second() + 1), "{what}");
    let entry = HistoryEntry { status: moved.status, at: moved.updated_at, reason: moved.reason };
    assert_eq!(moved.history, [&order.history[..], &[entry]].concat(), "{what}");
    assert_eq!(moved.history.len() as u64, moved.version, "{what}");

    if let Some(PaymentVersion { id, version }) = update.payment {
        let counts_when_outdated = matches!(update.input, Input::StockAllocated | Input::StockAllocationFailed(_));
        assert!(version > order.payment_version || counts_when_outdated, "{what}");
        assert_eq!((moved.payment_id, moved.payment_version), (Some(id), order.payment_version.max(version)), "{what}");
    } else {
        assert_eq!((moved.payment_id, moved.payment_version), (order.payment_id, order.payment_version), "{what}");
    }

    let unchanged = Order {
        status: order.status,
        reason: order.reason,
        payment_id: order.payment_id,
        payment_version: order.payment_version,
        version: order.version,
        updated_at: order.updated_at,
        history: order.history.clone(),
        ..moved.clone()
    };
    assert_eq!(&unchanged, order, "nothing else changes: {what}");
    assert_event(moved, to, event, &what);
}

/// Asserts that every transition that consumers act on publishes its event.
fn assert_event(moved: &Order, to: State, event: Option<&DomainEvent>, what: &str) {
    let assert_ids = |order_id, user_id| assert_eq!((order_id, user_id), (moved.id, moved.user_id), "{what}");
    match (to, event) {
        // The payment tells the client what to do.
        (State::AwaitingPayment | State::AwaitingCustomer, None) => {}
        (State::Declined | State::Backordered | State::UnderReview, Some(DomainEvent::OrderWaiting(event))) => {
            assert_ids(event.order_id, event.user_id);
            assert_eq!((Some(event.reason), event.total_amount), (moved.reason, moved.total), "{what}");
        }
        (State::Processing, Some(DomainEvent::OrderConfirmed(event))) => assert_ids(event.order_id, event.user_id),
        (State::Processing, None) => assert_eq!(moved.payment_id, None, "{what}"),
        (State::Cancelled, Some(DomainEvent::OrderCancelled(event))) => {
            assert_ids(event.order_id, event.user_id);
            assert_eq!((Some(event.reason), event.payment_id), (moved.reason, moved.payment_id), "{what}");
        }
        (State::Shipped, Some(DomainEvent::OrderShipped(event))) => {
            assert_ids(event.order_id, event.user_id);
            assert_eq!((&event.lines, &event.shipping_address), (&moved.lines, &moved.shipping_address), "{what}");
        }
        (State::Delivered, Some(DomainEvent::OrderDelivered(event))) => assert_ids(event.order_id, event.user_id),
        _ => panic!("{what} publishes {event:?}"),
    }
}
