//! Postal addresses.

use crate::text::{AddressLine, Country, PlaceName, PostalCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A postal address of a user or an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number.
    pub line1: AddressLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<AddressLine>,
    pub city: PlaceName,
    /// Region, state or province.
    pub region: PlaceName,
    pub postal_code: PostalCode,
    pub country: Country,
}
