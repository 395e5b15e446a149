//! What a record of the stream adds to its window.

use super::{AnalyticsRecord, StreamRecord, start};
use crate::{
    Money,
    address::Area,
    id::{ProductId, UserId},
    order_status::Reason,
    text::ProductName,
};
use kernel::{Failure, Timestamp, Uuid};

/// What one event adds to its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowEntry {
    /// Id of the event; windows count each event once.
    pub event_id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Start of the window.
    pub window: Timestamp,
    pub counted: Counted,
}

/// What an event counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    Sale {
        revenue: Money,
        /// Country and region of the shipping address, such as `US-CA`.
        region: Area,
        /// Products with name and units.
        products: Vec<(ProductId, ProductName, u32)>,
        /// `None` if the record does not say: the order then counts as neither a first nor a repeat order of anybody.
        customer: Option<UserId>,
    },
    Cancellation {
        amount: Money,
        reason: Reason,
    },
    Paid(Money),
    Declined(Money),
    Refunded(Money),
}

impl WindowEntry {
    /// The amount that the event is about; its currency is that of the window.
    pub const fn amount(&self) -> Money {
        match self.counted {
            Counted::Sale { revenue: amount, .. }
            | Counted::Cancellation { amount, .. }
            | Counted::Paid(amount)
            | Counted::Declined(amount)
            | Counted::Refunded(amount) => amount,
        }
    }
}

/// What a record of the stream adds, in the window of the time at which it happened; `None` for an erasure, which adds nothing.
pub fn window_entry(record: &StreamRecord) -> Result<Option<WindowEntry>, Failure> {
    let counted = match &record.event {
        AnalyticsRecord::Sold(sale) => Counted::Sale {
            revenue: sale.revenue,
            region: sale.area.clone(),
            products: sale.lines.iter().map(|one| (one.product_id, one.product_name.clone(), one.quantity)).collect(),
            customer: sale.user_id,
        },
        AnalyticsRecord::Cancelled(order) => Counted::Cancellation { amount: order.amount, reason: order.reason },
        AnalyticsRecord::Paid(made) => Counted::Paid(made.amount),
        AnalyticsRecord::Declined(made) => Counted::Declined(made.amount),
        AnalyticsRecord::Refunded(made) => Counted::Refunded(made.amount),
        AnalyticsRecord::Erased(_) => return Ok(None),
    };
    Ok(Some(WindowEntry { event_id: record.id, at: record.time, window: start(record.time)?, counted }))
}

/// The customer that a record of the stream asks to forget.
pub const fn erased_customer(record: &StreamRecord) -> Option<UserId> {
    match &record.event {
        AnalyticsRecord::Erased(erasure) => Some(erasure.user_id),
        _ => None,
    }
}
