//! Typed ids: the id of an order cannot be passed as the id of a product.

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
            /// Text that is not a UUID is `NotFound`: no resource has such an id.
            fn from_str(text: &str) -> Result<Self, Failure> {
                text.parse().map(Self).map_err(|_| Failure::not_found($what))
            }
        }
    )*};
}

ids! {
    /// Id of an image of a product.
    ImageId "image";
    /// Id of a user.
    UserId "user";
    /// Id of a product.
    ProductId "product";
    /// Id of an import of products.
    ImportId "import";
    /// Id of an export of products.
    ExportId "export";
    /// Id of an order.
    OrderId "order";
    /// Id of a note about an order.
    NoteId "note";
    /// Id of a payment.
    PaymentId "payment";
    /// Id of a saved payment method.
    PaymentMethodId "payment-method";
    /// Id of a refund.
    RefundId "refund";
    /// Id of a session.
    SessionId "session";
    /// Id of an endpoint of webhooks.
    EndpointId "webhook endpoint";
    /// Id of a delivery to an endpoint, and of the event that it delivers.
    DeliveryId "webhook delivery";
    /// Id of a service client.
    ClientId "client";
    /// Id of a device registered for push notifications.
    DeviceId "device";
}
