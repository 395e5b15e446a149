//! Typed ids: an order's id cannot be passed where a product's is meant.

use kernel::{Failure, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Failure;
            /// What is no UUID names nothing: `NotFound`.
            fn from_str(text: &str) -> Result<Self, Failure> {
                text.parse().map(Self).map_err(|_| Failure::not_found($what))
            }
        }
    )*};
}

ids! {
    /// A person with an account.
    UserId "user";
    /// Something for sale.
    ProductId "product";
    /// An order.
    OrderId "order";
    /// A payment for an order.
    PaymentId "payment";
    /// Money that goes back.
    RefundId "refund";
    /// A device that shows notices of the app.
    DeviceId "device";
}
