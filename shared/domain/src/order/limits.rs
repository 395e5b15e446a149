//! Limits of orders, configured per environment.

use super::{MAX_LINES, Order, State};
use kernel::{Failure, FailureKind, Timestamp};
use std::time::Duration;

/// Code of the failure for a customer with too many unpaid orders.
pub const TOO_MANY_UNPAID_ORDERS: &str = "too-many-unpaid-orders";
/// Code of the failure for a customer whose unpaid orders would hold too many units.
pub const TOO_MANY_UNPAID_UNITS: &str = "too-many-unpaid-units";

/// Code of the failure while too many orders wait for stock or payment.
pub const ORDERS_DELAYED: &str = "orders-delayed";
/// How long an order may wait for the inventory or the gateway without being delayed. A reservation expires after half an hour.
pub const DELAY: Duration = Duration::from_secs(300);
/// When a customer should try again: a backlog takes minutes.
const RETRY_AFTER_S: u32 = 60;

/// What a customer may order, so that nobody takes the stock off the market without paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLimits {
    /// Maximum number of lines in one order, at most [`MAX_LINES`].
    pub lines: usize,
    /// Maximum number of open orders of one customer that are not paid.
    pub unpaid_orders: u32,
    /// Maximum number of units in those orders.
    pub unpaid_units: u32,
    /// Number of delayed orders of all customers from which on no order is accepted.
    pub delayed_orders: u32,
}

impl Default for OrderLimits {
    fn default() -> Self {
        Self { lines: MAX_LINES, unpaid_orders: 20, unpaid_units: 1_000, delayed_orders: 500 }
    }
}

impl OrderLimits {
    /// Whether a customer with these open orders may place `new`.
    pub fn check<'a>(self, open: impl IntoIterator<Item = &'a Order>, new: &Order) -> Result<(), Failure> {
        let is_unpaid = |order: &&Order| State::of(order.status, order.reason).is_unpaid();
        let (mut orders, mut held) = (0, units(new));
        for order in open.into_iter().filter(is_unpaid) {
            orders += 1;
            held += units(order);
        }
        if orders >= self.unpaid_orders {
            return Err(too_many_unpaid_orders());
        }
        if held > u64::from(self.unpaid_units) { Err(too_many_unpaid_units()) } else { Ok(()) }
    }
}

/// Whether an order waits for the inventory or the gateway and has made no progress for [`DELAY`].
pub fn is_delayed(order: &Order, now: Timestamp) -> bool {
    let waits = matches!(State::of(order.status, order.reason), State::AwaitingStock | State::AwaitingPayment);
    waits && order.updated_at + DELAY <= now
}

fn units(order: &Order) -> u64 {
    order.lines.iter().map(|line| u64::from(line.quantity.get())).sum()
}

/// The customer has as many unpaid orders as the limit allows.
pub fn too_many_unpaid_orders() -> Failure {
    let detail = "You have too many unpaid orders: pay or cancel one of them first.";
    Failure::new(FailureKind::Conflict, TOO_MANY_UNPAID_ORDERS, detail)
}

/// The order would reserve more units, together with the customer's other unpaid orders, than the limit allows.
pub fn too_many_unpaid_units() -> Failure {
    let detail =
        "Your unpaid orders would reserve too many units: pay or cancel one of them first, or order fewer units.";
    Failure::new(FailureKind::Conflict, TOO_MANY_UNPAID_UNITS, detail)
}

/// Too many orders wait: another one would wait longer, until reservations expire.
pub fn orders_delayed() -> Failure {
    let detail = "Orders are processed with a delay at the moment: please try again in a minute.";
    Failure { retry_after_s: Some(RETRY_AFTER_S), ..Failure::new(FailureKind::Unavailable, ORDERS_DELAYED, detail) }
}
