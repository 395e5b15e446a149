//! Invariants: those that hold after each step, and those that hold once the world is idle.

mod events;
mod final_state;
mod idle;
mod liveness;
mod payloads;
mod stock_model;

pub use idle::{expected_emails, notification_emails, observed, when_idle};

use super::{
    backend::Backend,
    commands::{self, OrderSpec},
    products::received_of,
    requests::REFUND_LIMIT,
    world::World,
};
use domain::{
    address::Address,
    id::ProductId,
    ledger::Transfer,
    order::{Input, Order, State, Status, Transition, next},
    payment,
    personal_data::ERASED,
    stock,
};
use std::{collections::BTreeMap, fmt};
use testkit::{Charge, GatewayRefund, Snapshot};

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    /// The values that violate it.
    pub details: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details)
    }
}

impl From<&'static str> for Violation {
    fn from(rule: &'static str) -> Self {
        Self { rule, details: rule.to_owned() }
    }
}

macro_rules! rule {
    ($holds:expr, $($args:tt)+) => {
        if !$holds {
            return Err($crate::simulation::rules::Violation { rule: stringify!($holds), details: format!($($args)+) });
        }
    };
}
pub(super) use rule;

/// Checks what holds at all times. Nothing is checked again before something changed.
pub fn always<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let given_up = world.given_up.borrow();
    rule!(given_up.is_empty(), "given up: {given_up:?}");
    if !world.needs_check.get() {
        return Ok(());
    }
    let (platform, seen) = (&world.platform, &world.seen);
    platform.gateway().with_records(|charges, refunds| {
        for order in &seen.orders {
            charged(world, order, charges)?;
            legal(world, order)?;
        }
        gateway(seen, charges, refunds)
    })?;
    stock(seen)?;
    for payment in seen.payments.values() {
        // A refund that was made at the gateway may leave less than pending ones reserve; the gateway rejects those.
        let counts = |refund: &&payment::Refund| match refund.status {
            payment::RefundStatus::Succeeded => true,
            payment::RefundStatus::Pending => !world.plan.has_refunds_at_gateway(),
            payment::RefundStatus::Failed => false,
        };
        let back: i64 = payment.refunds.iter().filter(counts).map(|refund| refund.amount.amount.get()).sum();
        rule!(back <= payment.amount.amount.get(), "{back} are refunded of {}", payment.amount);
        rule!(back == 0 || payment.transaction_id.is_some(), "{back} are refunded without a charge");
        approved(payment)?;
    }
    let sum: i64 = seen.transfers.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum();
    rule!(sum == 0, "the accounts of the ledger add up to {sum}");
    let dead_letters = platform.dead_letters().messages();
    rule!(dead_letters.is_empty(), "dead letters: {dead_letters:?}");
    world.needs_check.set(false);
    Ok(())
}

/// A refund above the limit was approved by another person than the one who requested it.
fn approved(payment: &payment::Payment) -> Result<(), Violation> {
    for approval in &payment.approvals {
        let by_another = approval.decision.as_ref().is_some_and(|decision| {
            decision.verdict == payment::Verdict::Approved && decision.by != approval.requested_by
        });
        let is_refunded = payment.refund(approval.id).is_some();
        rule!(is_refunded == by_another, "a refund was requested or not, with the approval {approval:?}");
    }
    let is_approved = |id| payment.approvals.iter().any(|approval| approval.id == id);
    let alone = payment.refunds.iter().filter(|refund| {
        refund.reason == payment::RefundReason::RequestedByCustomer
            && refund.status != payment::RefundStatus::Failed
            && !is_approved(refund.id)
    });
    let alone: i64 = alone.map(|refund| refund.amount.amount.get()).sum();
    let limit = i64::from(REFUND_LIMIT.units) * 10_i64.pow(payment.amount.currency.digits());
    rule!(alone <= limit, "one person refunded {alone} without an approval, above {limit}");
    Ok(())
}

/// Checks the charges of an order against its status.
fn charged<S: Backend>(world: &World<S>, order: &Order, charges: &[Charge]) -> Result<(), Violation> {
    let (n, wanted) = wanted(order);
    let mut charged = charges.iter().filter(|charge| charge.order_id == order.id);
    let (first, others) = (charged.next(), charged.count());
    rule!(others == 0, "{} is charged {} times", wanted.method, others + 1);
    rule!(first.is_none_or(|charge| charge.amount == order.total), "charged another amount than {}", order.total);
    rule!(first.is_none() || !wanted.exceeds_stock() && world.plan.is_paid(n), "{} is charged", wanted.method);
    let reservation = world.seen.reservations.get(&order.id).map(|(state, _)| *state);
    let was_reserved = reservation.is_some_and(|state| state != stock::State::Failed);
    rule!(first.is_none() || was_reserved, "{} is charged and never reserved stock: {reservation:?}", wanted.method);
    let fits = match order.status {
        Status::Pending | Status::Cancelled => true,
        Status::Processing => reservation == Some(stock::State::Allocated),
        // Stock follows the order's status with a delay.
        Status::Shipped | Status::Delivered => {
            matches!(reservation, Some(stock::State::Allocated | stock::State::Shipped))
        }
    };
    rule!(fits, "an order is {:?} and its stock {reservation:?}", order.status);
    let is_confirmed = matches!(order.status, Status::Processing | Status::Shipped | Status::Delivered);
    rule!(!is_confirmed || first.is_some(), "an order is confirmed and not charged");
    Ok(())
}

/// The gateway charged existing orders only, and refunded no more than the charge.
fn gateway(seen: &Snapshot, charges: &[Charge], refunds: &[GatewayRefund]) -> Result<(), Violation> {
    for charge in charges {
        rule!(seen.orders.iter().any(|order| order.id == charge.order_id), "a charge for no order");
        let of_it = refunds.iter().filter(|one| one.charge == charge.transaction_id && one.failure.is_none());
        let back: i64 = of_it.map(|refund| refund.amount.amount.get()).sum();
        rule!(back <= charge.amount.amount.get(), "the gateway refunded {back} of {}", charge.amount);
    }
    let of_a_charge = |refund: &GatewayRefund| charges.iter().any(|charge| charge.transaction_id == refund.charge);
    rule!(refunds.iter().all(of_a_charge), "the gateway refunded what it never charged");
    Ok(())
}

/// Available, reserved and shipped units add up to what was received; reserved units belong to orders.
fn stock(seen: &Snapshot) -> Result<(), Violation> {
    let (mut reserved, mut committed): (BTreeMap<_, i64>, BTreeMap<_, i64>) = Default::default();
    for (order, (state, lines)) in &seen.reservations {
        rule!(seen.orders.iter().any(|one| one.id == *order), "a reservation for no order");
        let sums = match state {
            state if state.counts_as_reserved() => &mut reserved,
            stock::State::Shipped => &mut committed,
            _ => continue,
        };
        for line in lines {
            *sums.entry(line.product_id).or_default() += i64::from(line.quantity);
        }
    }
    for level in &seen.levels {
        let product = level.product_id;
        let of = |sums: &BTreeMap<ProductId, i64>| sums.get(&product).copied().unwrap_or_default();
        let (reserved, due, shipped) = (of(&reserved), of(&committed), of(&seen.shipped));
        rule!(level.available >= 0 && level.reserved >= 0, "stock below zero: {level:?}");
        let received = received_of(product);
        rule!(level.available + level.reserved + shipped == received, "{received} were received: {level:?}");
        rule!(level.reserved == reserved, "{reserved} are reserved for orders: {level:?}");
        rule!(shipped == due, "{shipped} are recorded as shipped, {due} were shipped");
    }
    Ok(())
}

/// Every step of the history is in the transition table. A history is checked once.
fn legal<S: Backend>(world: &World<S>, order: &Order) -> Result<(), Violation> {
    let steps = &order.history;
    if world.legal.borrow().get(&order.id) != Some(steps) {
        for pair in steps.windows(2) {
            let [before, after] = pair else { continue };
            let (from, to) = (State::of(before.status, before.reason), Transition::To(after.status, after.reason));
            rule!(
                Input::ALL.into_iter().any(|input| next(from, input) == to),
                "a transition from {from:?} to {:?}",
                after.status
            );
        }
        world.legal.borrow_mut().insert(order.id, steps.clone());
    }
    // The erasure of what an order says about its customer is a version without a step.
    let versions = steps.len() as u64 + u64::from(is_erased(order));
    rule!(versions == order.version, "history {steps:?} at version {}", order.version);
    let last = steps.last().map(|last| (last.status, last.reason));
    rule!(last == Some((order.status, order.reason)), "history {steps:?} of an order that is {:?}", order.status);
    Ok(())
}

/// Whether the order does not have its address any more.
fn is_erased(order: &Order) -> bool {
    order.shipping_address.line1.as_str() == ERASED
}

/// Whether this is the address that an order has, or had before it was erased.
fn is_address_of(order: &Order, address: &Address) -> bool {
    order.shipping_address == *address || order.shipping_address == address.erased()
}

/// The index and specification of an order.
fn wanted(order: &Order) -> (usize, &'static OrderSpec) {
    let method = order.payment_method.as_str();
    let n = commands::index_of(method).expect("an order of the plan");
    (n, commands::spec(n))
}
