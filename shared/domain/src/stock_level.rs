//! Quantities of stock, and why they are adjusted.

use crate::id::ProductId;
use kernel::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A quantity of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLine {
    /// Id of the product.
    pub product_id: ProductId,
    /// Number of units.
    pub quantity: u32,
}

/// The stock of a product after a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockLevel {
    /// Id of the product.
    pub product_id: ProductId,
    /// Units available for sale.
    pub available: i64,
    /// Units reserved or allocated for orders.
    pub reserved: i64,
    /// Number of movements so far; consumers ignore a level with a lower version than the last.
    pub version: i64,
}

impl StockLevel {
    /// The version as the `sequence` of an event.
    pub fn sequence(&self) -> Result<u64, Failure> {
        u64::try_from(self.version).map_err(Failure::internal)
    }
}

words! {
    /// Why stock is adjusted manually.
    pub enum AdjustmentReason {
        /// A supplier delivered units.
        Received,
        /// A customer returned units.
        Returned,
        /// Units cannot be sold any more.
        Damaged,
        /// Units are missing.
        Lost,
        /// Missing units were found.
        Found,
        /// A physical count differs from the record.
        Recount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjustment_reasons_have_the_same_word_on_the_wire_and_in_the_database() {
        for reason in AdjustmentReason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("serializes"), reason.name());
            assert_eq!(AdjustmentReason::parse(reason.name()), Some(reason));
        }
        assert_eq!(AdjustmentReason::parse("Received"), None);
    }
}
