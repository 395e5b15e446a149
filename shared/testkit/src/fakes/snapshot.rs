//! What a checker sees of the stores, as a value: the same from whichever stores it was read.

use super::Platform;
use domain::{
    event::{StockLevel, StockLine},
    id::{OrderId, ProductId},
    invoice::Invoice,
    ledger::Transfer,
    order::Order,
    payment::Payment,
    stock,
};
use std::collections::BTreeMap;

/// What is kept, as far as rules speak of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Orders, oldest first.
    pub orders: Vec<Order>,
    /// Where the reservation of each order stands that has one, and its lines.
    pub reservations: BTreeMap<OrderId, (stock::State, Vec<StockLine>)>,
    /// Pieces of each product that were shipped.
    pub shipped: BTreeMap<ProductId, i64>,
    /// Stock, by product.
    pub levels: Vec<StockLevel>,
    /// The payment of each order that has one.
    pub payments: BTreeMap<OrderId, Payment>,
    /// The ledger, as it was booked.
    pub transfers: Vec<Transfer>,
    /// Invoices, by number.
    pub invoices: Vec<Invoice>,
    /// Orders and minor units of revenue in all windows together.
    pub windows: (i64, i64),
}

impl Platform {
    /// Brings `seen` up to date. What is as it was is compared and not copied: a checker does this after every step.
    pub fn update_snapshot(&self, seen: &mut Snapshot) {
        self.see(|state| {
            update(&mut seen.orders, state.orders.orders.values(), |order| (order.created_at, order.id));
            update(&mut seen.levels, state.stock.levels.values(), |level| level.product_id);
            update(&mut seen.invoices, state.invoices.by_order.values(), |invoice| invoice.number());
            seen.reservations.retain(|order, _| state.stock.reservations.contains_key(order));
            for (order, now) in &state.stock.reservations {
                match seen.reservations.get_mut(order) {
                    Some((was, lines)) if lines.len() == now.lines.len() => *was = now.state,
                    _ => drop(seen.reservations.insert(*order, (now.state, now.lines.clone()))),
                }
            }
            update_map(&mut seen.shipped, state.stock.committed.iter().map(|(product, pieces)| (*product, pieces)));
            let payments = state.payments.payments.values();
            update_map(&mut seen.payments, payments.map(|payment| (payment.order_id, payment)));
            // Nothing of the ledger ever changes: it only grows.
            seen.transfers.truncate(state.payments.transfers.len());
            let new = state.payments.transfers.iter().skip(seen.transfers.len());
            seen.transfers.extend(new.cloned());
        });
        seen.windows = self.windows().totals();
    }
}

fn update<'a, T: Clone + PartialEq + 'a, K: Ord>(
    kept: &mut Vec<T>,
    now: impl ExactSizeIterator<Item = &'a T>,
    key: impl Fn(&T) -> K,
) {
    let mut now: Vec<&T> = now.collect();
    if now.len() > 1 {
        now.sort_by_key(|one| key(one));
    }
    kept.truncate(now.len());
    for (n, one) in now.into_iter().enumerate() {
        match kept.get_mut(n) {
            Some(held) if held == one => {}
            Some(held) => held.clone_from(one),
            None => kept.push(one.clone()),
        }
    }
}

fn update_map<'a, K: Ord + Copy, T: Clone + PartialEq + 'a>(
    kept: &mut BTreeMap<K, T>,
    now: impl Iterator<Item = (K, &'a T)> + Clone,
) {
    kept.retain(|key, _| now.clone().any(|(there, _)| there == *key));
    for (key, one) in now {
        match kept.get_mut(&key) {
            Some(held) if held == one => {}
            Some(held) => held.clone_from(one),
            None => drop(kept.insert(key, one.clone())),
        }
    }
}

impl Snapshot {
    /// The lines that are held for an order.
    pub fn reserved_lines(&self, order: OrderId) -> Option<&[StockLine]> {
        self.reservations.get(&order).filter(|(state, _)| state.holds_stock()).map(|(_, lines)| &**lines)
    }
}
