//! Stock: what an order asks the inventory to hold.

use crate::{
    event::{OrderPlaced, ProductCreated, StockLevel, StockLine, StockReserved, StockShort},
    order::OrderLine,
};

/// What both answers to a placed order would say; the store commits the one that turns out true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What to hold, in the order of product ids: every hold locks in the same order, so none waits for another in a ring.
    pub lines: Vec<StockLine>,
    /// If all of it is there.
    pub reserved: StockReserved,
    /// If not.
    pub short: StockShort,
}

/// Decides what to hold for an order.
pub fn hold(order: OrderPlaced) -> Hold {
    let mut lines: Vec<StockLine> = order.lines.iter().map(OrderLine::stock_line).collect();
    lines.sort_unstable_by_key(|line| line.product_id);
    Hold {
        reserved: StockReserved {
            order_id: order.order_id,
            user_id: order.user_id,
            amount: order.total_amount,
            payment_method: order.payment_method,
            lines: lines.clone(),
            levels: vec![],
        },
        short: StockShort { order_id: order.order_id, lines: lines.clone() },
        lines,
    }
}

/// The level that the account of a new product begins with.
pub fn first_level(product: &ProductCreated) -> StockLevel {
    let available = i64::from(product.stock_quantity);
    StockLevel { product_id: product.product_id, available, reserved: 0, version: 1 }
}
