//! Postal addresses.

use crate::text::{AddressLine, Country, PlaceName, PostalCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a person lives or an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number.
    pub line1: AddressLine,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<AddressLine>,
    /// City.
    pub city: PlaceName,
    /// Region or state.
    pub region: PlaceName,
    /// Postal code.
    pub postal_code: PostalCode,
    /// Country.
    pub country: Country,
}
