//! What a checker sees of the stores, as a value: the same from whichever stores it was read.

use super::{Platform, stock::Holding};
use domain::{
    event::{StockLevel, StockLine},
    id::OrderId,
    invoice::Invoice,
    order::Order,
    payment,
};
use std::collections::BTreeMap;

/// What is kept, as far as rules speak of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Orders, oldest first.
    pub orders: Vec<Order>,
    /// What is held for each order that something is held for.
    pub held: BTreeMap<OrderId, Vec<StockLine>>,
    /// Stock, by product.
    pub levels: Vec<StockLevel>,
    /// Where the payment of each order stands that has one.
    pub payments: BTreeMap<OrderId, payment::Status>,
    /// Invoices, by number.
    pub invoices: Vec<Invoice>,
    /// Orders and minor units of revenue in all windows together.
    pub windows: (i64, i64),
}

impl Platform {
    /// Brings `seen` up to date. What is as it was is compared and not copied: a checker does this after every step.
    pub fn see_again(&self, seen: &mut Seen) {
        self.see(|state| {
            update(&mut seen.orders, state.orders.orders.values(), |order| (order.created_at, order.id));
            update(&mut seen.levels, state.stock.levels.values(), |level| level.product_id);
            update(&mut seen.invoices, state.invoices.by_order.values(), |invoice| invoice.number());
            let held = state.stock.holds.iter().filter_map(|(order, holding)| match holding {
                Holding::Held(lines) => Some((*order, lines)),
                _ => None,
            });
            update_map(&mut seen.held, held);
            update_map(
                &mut seen.payments,
                state.payments.by_order.iter().map(|(order, payment)| (*order, &payment.status)),
            );
        });
        seen.windows = self.windows().counted();
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
