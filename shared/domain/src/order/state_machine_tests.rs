//! Rules of how orders move, stated through [`advance`], [`command`] and [`is_stuck`].

use super::super::*;
use super::placed;
use crate::{DomainEvent, event::OrderConfirmed};
use kernel::{FailureKind, Uuid};
use std::collections::HashSet;

const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(4));

/// States before an order is paid.
const UNPAID: [State; 3] = [State::AwaitingStock, State::AwaitingPayment, State::Declined];
/// States of an order that is paid and has no stock.
const SHORT: [State; 2] = [State::Backordered, State::UnderReview];
/// States of an order that was confirmed.
const CONFIRMED: [State; 3] = [State::Processing, State::Shipped, State::Delivered];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn paid(input: Input, version: u64) -> Update {
    Update { input, payment: Some((PAYMENT, version)) }
}

/// An order that came to a state by the shortest way.
fn order_in(state: State) -> Order {
    let way: &[Input] = match state {
        State::AwaitingStock => &[],
        State::AwaitingPayment => &[Input::StockReserved],
        State::Declined => &[Input::StockReserved, Input::PaymentFailed],
        State::Backordered => &[Input::StockReserved, Input::StockAllocationFailed(ShortfallPolicy::Backorder)],
        State::UnderReview => &[Input::StockReserved, Input::StockAllocationFailed(ShortfallPolicy::Review)],
        State::Processing => &[Input::StockReserved, Input::StockAllocated],
        State::Shipped => &[Input::StockReserved, Input::StockAllocated, Input::Ship],
        State::Delivered => &[Input::StockReserved, Input::StockAllocated, Input::Ship, Input::Deliver],
        State::Cancelled => &[Input::CancelByCustomer],
    };
    way.iter().fold(placed(), |order, cue| step(&order, *cue).0)
}

/// What a cue does that must be a step. Stock and payment cues come with newer news of the payment.
fn step(order: &Order, cue: Input) -> (Order, Option<DomainEvent>) {
    advance(order, newer(order, cue), at(60)).expect("legal").expect("a step")
}

fn newer(order: &Order, cue: Input) -> Update {
    match cue {
        Input::PaymentRequested
        | Input::PaymentFailed
        | Input::StockAllocated
        | Input::StockAllocationFailed(_)
        | Input::Refunded => paid(cue, order.payment_version + 1),
        _ => cue.into(),
    }
}

/// Asserts what a cue does in every state: from `from` it leads `to`, in `stays` it changes nothing, everywhere else it is refused.
fn assert_leads(cue: Input, from: &[State], to: (Status, Option<Reason>), stays: &[State]) {
    for state in State::ALL {
        let order = order_in(state);
        let came = advance(&order, newer(&order, cue), at(60));
        if from.contains(&state) {
            let (moved, _) = came.expect("legal").expect("a step");
            assert_eq!((moved.status, moved.reason), to, "{cue:?} in {state:?}");
        } else if stays.contains(&state) {
            assert_eq!(came, Ok(None), "{cue:?} in {state:?}");
        } else {
            let refused = came.expect_err("refused");
            assert_eq!(
                (refused.kind, refused.code),
                (FailureKind::Conflict, "invalid-order-transition"),
                "{cue:?} in {state:?}"
            );
            assert!(!refused.is_retryable(), "nobody mends a contradiction by trying again");
        }
    }
}

#[test]
fn stock_that_is_held_lets_the_charge_begin_and_comes_late_everywhere_else() {
    let to = (Status::Pending, Some(Reason::AwaitingPayment));
    assert_leads(Input::StockReserved, &[State::AwaitingStock], to, &State::ALL[1..]);
    assert_eq!(step(&placed(), Input::StockReserved).1, None);
}

#[test]
fn an_order_without_stock_is_cancelled_before_anybody_pays_and_only_then() {
    let to = (Status::Cancelled, Some(Reason::InsufficientStock));
    assert_leads(Input::StockReservationFailed, &[State::AwaitingStock], to, &[State::Cancelled]);
}

#[test]
fn a_declined_card_keeps_the_order_pending_so_that_the_customer_may_pay_again() {
    let to = (Status::Pending, Some(Reason::PaymentDeclined));
    assert_leads(Input::PaymentFailed, &UNPAID, to, &[State::Cancelled]);
    let to = (Status::Pending, Some(Reason::AwaitingPayment));
    assert_leads(Input::PaymentRequested, &UNPAID, to, &[State::Cancelled]);
}

#[test]
fn a_paid_order_whose_stock_is_kept_is_confirmed_whatever_it_waited_for() {
    let from = [&UNPAID[..], &SHORT].concat();
    let stays = [&CONFIRMED[..], &[State::Cancelled]].concat();
    assert_leads(Input::StockAllocated, &from, (Status::Processing, None), &stays);
}

#[test]
fn the_policy_says_what_becomes_of_a_paid_order_without_stock() {
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
fn whoever_may_cancel_can_do_so_until_the_order_is_shipped() {
    let from = [&UNPAID[..], &SHORT, &[State::Processing]].concat();
    for (cue, reason) in
        [(Input::CancelByCustomer, Reason::CustomerRequest), (Input::CancelByStaff, Reason::StaffRequest)]
    {
        assert_leads(cue, &from, (Status::Cancelled, Some(reason)), &[State::Cancelled]);
    }
}

#[test]
fn an_order_whose_money_went_back_is_cancelled_unless_it_is_on_its_way() {
    let from = [&UNPAID[..], &SHORT, &[State::Processing]].concat();
    let stays = [State::Shipped, State::Delivered, State::Cancelled];
    assert_leads(Input::Refunded, &from, (Status::Cancelled, Some(Reason::Refunded)), &stays);
}

#[test]
fn an_order_is_paid_back_once_all_of_its_total_went_back_and_not_a_cent_before() {
    let order = placed();
    let total = order.total.amount.get();
    let back = |amount: i64| Money { amount: amount.try_into().expect("an amount"), ..order.total };
    for (amount, all) in [(0, false), (1, false), (total - 1, false), (total, true)] {
        assert_eq!(order.is_fully_refunded(back(amount)), all, "{amount}");
    }
}

#[test]
fn an_order_that_stands_still_is_cancelled_with_the_reason_for_which_it_stood() {
    for (state, reason) in
        UNPAID.into_iter().zip([Reason::TimedOut, Reason::PaymentUnreachable, Reason::PaymentDeclined])
    {
        let (moved, _) = step(&order_in(state), Input::TimedOut);
        assert_eq!((moved.status, moved.reason), (Status::Cancelled, Some(reason)), "{state:?}");
    }
    for state in State::ALL.into_iter().filter(|state| !UNPAID.contains(state)) {
        assert_eq!(advance(&order_in(state), Input::TimedOut.into(), at(60)), Ok(None), "{state:?}");
    }
}

#[test]
fn only_what_is_packed_is_shipped_and_only_what_is_shipped_arrives() {
    assert_leads(Input::Ship, &[State::Processing], (Status::Shipped, None), &[]);
    assert_leads(Input::Deliver, &[State::Shipped], (Status::Delivered, None), &[]);
}

#[test]
fn a_cancelled_order_stays_cancelled_whatever_comes_of_stock_and_payment() {
    let cancelled = order_in(State::Cancelled);
    for cue in Input::ALL.into_iter().filter(|cue| !matches!(cue, Input::Ship | Input::Deliver)) {
        for version in [1, 9] {
            assert_eq!(advance(&cancelled, paid(cue, version), at(60)), Ok(None), "{cue:?}");
        }
    }
}

#[test]
fn news_of_a_failed_or_begun_charge_contradicts_an_order_that_is_paid() {
    for state in [&SHORT[..], &CONFIRMED].concat() {
        for cue in [Input::PaymentRequested, Input::PaymentFailed] {
            let order = order_in(state);
            assert!(advance(&order, paid(cue, order.payment_version + 1), at(60)).is_err(), "{cue:?} in {state:?}");
            assert_eq!(advance(&order, paid(cue, order.payment_version), at(60)), Ok(None), "{cue:?} in {state:?}");
        }
    }
}

#[test]
fn payment_news_that_is_not_newer_than_what_was_heard_changes_nothing() {
    let (declined, _) = advance(&placed(), paid(Input::PaymentFailed, 5), at(60)).expect("legal").expect("a step");
    assert_eq!(advance(&declined, paid(Input::PaymentRequested, 4), at(61)), Ok(None));
    assert_eq!(advance(&declined, paid(Input::PaymentRequested, 5), at(61)), Ok(None));
    let (again, _) = advance(&declined, paid(Input::PaymentRequested, 6), at(61)).expect("legal").expect("a step");
    assert_eq!((again.payment_id, again.payment_version), (Some(PAYMENT), 6));
}

#[test]
fn that_a_paid_order_has_stock_or_has_none_counts_however_old_the_news_is() {
    let (declined, _) = advance(&placed(), paid(Input::PaymentFailed, 5), at(60)).expect("legal").expect("a step");
    let (kept, event) = advance(&declined, paid(Input::StockAllocated, 4), at(61)).expect("legal").expect("a step");
    assert_eq!((kept.status, kept.payment_version), (Status::Processing, 5));
    assert!(matches!(event, Some(DomainEvent::OrderConfirmed(_))));
    let short = paid(Input::StockAllocationFailed(ShortfallPolicy::Review), 5);
    let (short, _) = advance(&declined, short, at(61)).expect("legal").expect("a step");
    assert_eq!((short.reason, short.payment_version), (Some(Reason::UnderReview), 5));
}

#[test]
fn a_confirmation_carries_all_that_packing_and_invoicing_need() {
    let order = order_in(State::AwaitingPayment);
    let (_, event) = step(&order, Input::StockAllocated);
    let confirmed = OrderConfirmed {
        order_id: order.id,
        user_id: order.user_id,
        lines: order.lines,
        total_amount: order.total,
        shipping_address: order.shipping_address,
        payment_id: PAYMENT,
        placed_at: order.created_at,
    };
    assert_eq!(event, Some(confirmed.into()));
}

#[test]
fn a_cancellation_names_the_payment_of_which_the_order_has_heard() {
    for (state, payment_id) in [(State::AwaitingPayment, None), (State::Processing, Some(PAYMENT))] {
        let order = order_in(state);
        let (_, event) = step(&order, Input::CancelByStaff);
        let Some(DomainEvent::OrderCancelled(told)) = event else { panic!("{state:?} told {event:?}") };
        assert_eq!((told.payment_id, told.reason, told.total_amount), (payment_id, Reason::StaffRequest, order.total));
    }
}

#[test]
fn what_cannot_be_asked_of_an_order_any_more_is_a_conflict_for_who_asks() {
    for (state, cue, code) in [
        (State::Shipped, Input::CancelByCustomer, "order-not-cancellable"),
        (State::Delivered, Input::CancelByStaff, "order-not-cancellable"),
        (State::Cancelled, Input::Ship, "transition-forbidden"),
        (State::Processing, Input::Deliver, "transition-forbidden"),
    ] {
        let order = order_in(state);
        let refused = apply_command(&order, cue, at(60)).expect_err("refused");
        assert_eq!((refused.kind, refused.code), (FailureKind::Conflict, code), "{cue:?} in {state:?}");
        assert!(refused.detail.contains(order.status.name()), "{}", refused.detail);
    }
}

#[test]
fn a_command_is_a_step_or_what_is_so_already() {
    let (cancelled, _) = apply_command(&placed(), Input::CancelByCustomer, at(60)).expect("legal").expect("a step");
    assert_eq!((cancelled.status, cancelled.updated_at), (Status::Cancelled, at(60)));
    assert_eq!(apply_command(&cancelled, Input::CancelByCustomer, at(61)), Ok(None));
}

#[test]
fn an_unpaid_order_is_stuck_two_hours_after_it_was_placed_and_not_a_second_before() {
    for state in State::ALL {
        let order = Order { created_at: at(1_000), ..order_in(state) };
        assert!(!is_stuck(&order, at(8_199)), "{state:?}");
        assert_eq!(is_stuck(&order, at(8_200)), UNPAID.contains(&state), "{state:?}");
        assert_eq!(is_stuck(&order, at(8_201)), UNPAID.contains(&state), "{state:?}");
    }
}

#[test]
fn a_step_does_not_give_an_order_more_time() {
    let (later, _) = advance(&placed(), paid(Input::PaymentFailed, 1), at(7_199)).expect("legal").expect("a step");
    assert!(is_stuck(&later, at(7_200)));
}

#[test]
fn state_status_and_reason_agree() {
    for state in State::ALL {
        let order = order_in(state);
        assert_eq!((State::of(order.status, order.reason), state.status()), (state, order.status));
    }
    assert_eq!(State::of(Status::Pending, None), State::AwaitingStock);
}

#[test]
fn a_policy_has_one_word() {
    assert_eq!(ShortfallPolicy::ALL.map(ShortfallPolicy::name), ["refund", "backorder", "review"]);
    for policy in ShortfallPolicy::ALL {
        assert_eq!(ShortfallPolicy::parse(policy.name()), Some(policy));
    }
    assert_eq!(ShortfallPolicy::parse("back_order"), None);
}

/// The longest sequence of cues that is tried from each state.
const LONGEST: usize = 4;

#[test]
fn whatever_comes_in_whatever_order_history_and_version_tell_the_same_story() {
    let mut reached = HashSet::new();
    for state in State::ALL {
        walk(&order_in(state), LONGEST, &mut reached);
    }
    assert_eq!(reached.len(), State::ALL.len() - 1, "every state but the first is entered");
}

/// Tries every cue, with every age of its payment news, and goes on from each step. What changes nothing needs no further look: what
/// could follow it was tried from where it began.
fn walk(order: &Order, depth: usize, reached: &mut HashSet<State>) {
    let seen = order.payment_version;
    let ages = [None, Some(seen.saturating_sub(1)), Some(seen), Some(seen + 1), Some(seen + 2)];
    for input in Input::ALL {
        for version in ages {
            let news = Update { input, payment: version.map(|version| (PAYMENT, version)) };
            if let Ok(Some((moved, event))) = advance(order, news, at(order.updated_at.as_second() + 1)) {
                assert_kept(order, news, &moved, event.as_ref());
                reached.insert(State::of(moved.status, moved.reason));
                if depth > 1 {
                    walk(&moved, depth - 1, reached);
                }
            }
        }
    }
}

/// What every step keeps.
fn assert_kept(order: &Order, news: Update, moved: &Order, event: Option<&DomainEvent>) {
    let (from, to) = (State::of(order.status, order.reason), State::of(moved.status, moved.reason));
    let what = format!("{news:?} from {from:?} to {to:?}");
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

    if let Some((payment, version)) = news.payment {
        let counts_however_old = matches!(news.input, Input::StockAllocated | Input::StockAllocationFailed(_));
        assert!(version > order.payment_version || counts_however_old, "{what}");
        assert_eq!(
            (moved.payment_id, moved.payment_version),
            (Some(payment), order.payment_version.max(version)),
            "{what}"
        );
    } else {
        assert_eq!((moved.payment_id, moved.payment_version), (order.payment_id, order.payment_version), "{what}");
    }

    let rest = Order {
        status: order.status,
        reason: order.reason,
        payment_id: order.payment_id,
        payment_version: order.payment_version,
        version: order.version,
        updated_at: order.updated_at,
        history: order.history.clone(),
        ..moved.clone()
    };
    assert_eq!(&rest, order, "nothing else changes: {what}");
    assert_told(moved, to, event, &what);
}

/// What the others hear of a step: of each one that they could act on.
fn assert_told(moved: &Order, to: State, event: Option<&DomainEvent>, what: &str) {
    let ours = |order_id, user_id| assert_eq!((order_id, user_id), (moved.id, moved.user_id), "{what}");
    match (to, event) {
        (State::AwaitingPayment, None) => {}
        (State::Declined | State::Backordered | State::UnderReview, Some(DomainEvent::OrderWaiting(told))) => {
            ours(told.order_id, told.user_id);
            assert_eq!((Some(told.reason), told.total_amount), (moved.reason, moved.total), "{what}");
        }
        (State::Processing, Some(DomainEvent::OrderConfirmed(told))) => ours(told.order_id, told.user_id),
        (State::Processing, None) => assert_eq!(moved.payment_id, None, "{what}"),
        (State::Cancelled, Some(DomainEvent::OrderCancelled(told))) => {
            ours(told.order_id, told.user_id);
            assert_eq!((Some(told.reason), told.payment_id), (moved.reason, moved.payment_id), "{what}");
        }
        (State::Shipped, Some(DomainEvent::OrderShipped(told))) => {
            ours(told.order_id, told.user_id);
            assert_eq!((&told.lines, &told.shipping_address), (&moved.lines, &moved.shipping_address), "{what}");
        }
        (State::Delivered, Some(DomainEvent::OrderDelivered(told))) => ours(told.order_id, told.user_id),
        _ => panic!("{what} tells {event:?}"),
    }
}
