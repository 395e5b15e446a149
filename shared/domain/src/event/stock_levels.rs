//! Stock levels, and the events that tell them.

use super::DomainEvent;
use crate::id::ProductId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product's stock after a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLevel {
    /// Of which product.
    pub product_id: ProductId,
    /// Free to be sold.
    pub available: i64,
    /// Held for orders.
    pub reserved: i64,
    /// Counts the movements: an older level never replaces a newer one.
    pub version: i64,
}

impl DomainEvent {
    /// The stock levels that it tells; `None` where it is not about levels.
    pub fn stock_levels(&self) -> Option<&[StockLevel]> {
        Some(match self {
            Self::StockOpened(opened) => &opened.levels,
            Self::StockReserved(reserved) => &reserved.levels,
            Self::StockAllocated(kept) => &kept.levels,
            Self::StockReservationExpired(lapsed) => &lapsed.levels,
            Self::StockShipped(committed) => &committed.levels,
            Self::StockReleased(released) => &released.levels,
            Self::StockAdjusted(adjusted) => &adjusted.levels,
            _ => return None,
        })
    }

    /// Where the levels stand that it tells.
    pub fn stock_levels_mut(&mut self) -> Option<&mut Vec<StockLevel>> {
        Some(match self {
            Self::StockOpened(opened) => &mut opened.levels,
            Self::StockReserved(reserved) => &mut reserved.levels,
            Self::StockAllocated(kept) => &mut kept.levels,
            Self::StockReservationExpired(lapsed) => &mut lapsed.levels,
            Self::StockShipped(committed) => &mut committed.levels,
            Self::StockReleased(released) => &mut released.levels,
            Self::StockAdjusted(adjusted) => &mut adjusted.levels,
            _ => return None,
        })
    }
}
