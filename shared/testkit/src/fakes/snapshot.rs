//! A snapshot of the stores for invariant checks, equal for in-memory and real stores.

use super::Platform;
use domain::{
    event::{StockLevel, StockLine},
    id::{OrderId, ProductId},
    invoice::Invoice,
    ledger::Transfer,
    order::{Order, ProductSnapshot},
    payment::Payment,
    stock,
};
use std::collections::BTreeMap;

/// The stored state that invariants refer to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// All orders, oldest first.
    pub orders: Vec<Order>,
    /// State and lines of each reservation.
    pub reservations: BTreeMap<OrderId, (stock::State, Vec<StockLine>)>,
    /// Shipped units of each product.
    pub shipped: BTreeMap<ProductId, i64>,
    /// Stock levels, sorted by product.
    pub levels: Vec<StockLevel>,
    pub payments: BTreeMap<OrderId, Payment>,
    /// Transfers in the order in which they were posted.
    pub transfers: Vec<Transfer>,
    /// Invoices, sorted by number.
    pub invoices: Vec<Invoice>,
    /// The copy of the catalogue's prices, sorted by product.
    pub prices: Vec<ProductSnapshot>,
    /// Stock figure and its version of each product that is listed.
    pub listed: BTreeMap<ProductId, (i64, i64)>,
    /// Number of orders and revenue in minor units, summed over all windows.
    pub windows: (i64, i64),
}

impl Platform {
    /// Updates `snapshot`. Unchanged values are compared and not copied, since this runs after every step.
    pub fn update_snapshot(&self, snapshot: &mut Snapshot) {
        self.inspect(|state| {
            update(&mut snapshot.orders, state.orders.orders.values(), |order| (order.created_at, order.id));
            update(&mut snapshot.prices, state.orders.prices.values(), |product| product.product_id);
            update(&mut snapshot.levels, state.stock.levels.values(), |level| level.product_id);
            update(&mut snapshot.invoices, state.invoices.by_order.values(), |invoice| invoice.number());
            snapshot.reservations.retain(|order, _| state.stock.reservations.contains_key(order));
            for (order, now) in &state.stock.reservations {
                match snapshot.reservations.get_mut(order) {
                    Some((was, lines)) if lines.len() == now.lines.len() => *was = now.state,
                    _ => drop(snapshot.reservations.insert(*order, (now.state, now.lines.clone()))),
                }
            }
            update_map(&mut snapshot.shipped, state.stock.shipped.iter().map(|(product, units)| (*product, units)));
            let payments = state.payments.payments.values();
            update_map(&mut snapshot.payments, payments.map(|payment| (payment.order_id, payment)));
            // The ledger is append-only.
            snapshot.transfers.truncate(state.payments.transfers.len());
            let new = state.payments.transfers.iter().skip(snapshot.transfers.len());
            snapshot.transfers.extend(new.cloned());
        });
        snapshot.listed = self.product_index().stock_figures();
        snapshot.windows = self.windows().totals();
    }
}

fn update<'a, T: Clone + PartialEq + 'a, K: Ord>(
    items: &mut Vec<T>,
    now: impl ExactSizeIterator<Item = &'a T>,
    key: impl Fn(&T) -> K,
) {
    let mut now: Vec<&T> = now.collect();
    if now.len() > 1 {
        now.sort_by_key(|one| key(one));
    }
    items.truncate(now.len());
    for (n, one) in now.into_iter().enumerate() {
        match items.get_mut(n) {
            Some(old) if old == one => {}
            Some(old) => old.clone_from(one),
            None => items.push(one.clone()),
        }
    }
}

fn update_map<'a, K: Ord + Copy, T: Clone + PartialEq + 'a>(
    items: &mut BTreeMap<K, T>,
    now: impl Iterator<Item = (K, &'a T)> + Clone,
) {
    items.retain(|key, _| now.clone().any(|(current, _)| current == *key));
    for (key, one) in now {
        match items.get_mut(&key) {
            Some(old) if old == one => {}
            Some(old) => old.clone_from(one),
            None => drop(items.insert(key, one.clone())),
        }
    }
}

impl Snapshot {
    /// The reserved lines of an order.
    pub fn reserved_lines(&self, order: OrderId) -> Option<&[StockLine]> {
        self.reservations.get(&order).filter(|(state, _)| state.counts_as_reserved()).map(|(_, lines)| &**lines)
    }
}
