//! Domain events: the payloads that bounded contexts publish, and their envelope.
//!
//! A payload carries what its consumers need, so that no context reads another's tables. Consumers ignore unknown members, so that a
//! producer may add members within a version.

#![warn(missing_docs)]

mod analytics;
mod identity;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod redaction;
#[cfg(test)]
mod tests;

pub use crate::stock_level::{StockLevel, StockLine};
pub use analytics::{AnomalyDetected, CancelledOrders, CountAndAmount, Metric, RegionSales, UnitsSold, WindowClosed};
pub use identity::{
    ContactVerificationRequested, ContactVerified, PasswordResetRequested, SecondFactorRemoved, UserDeleted,
    UserErased, UserRegistered, UserUpdated,
};
pub use inventory::{
    PaymentRef, ProductCreated, ProductDeleted, ProductUpdated, StockAdjusted, StockAllocated, StockAllocationFailed,
    StockLow, StockOpened, StockReleased, StockReservationExpired, StockReservationFailed, StockReserved, StockShipped,
};
pub use notifications::{NotificationRequested, NotificationSent};
pub use orders::{
    CreditNoteIssued, InvoiceIssued, OrderCancelled, OrderConfirmed, OrderDelivered, OrderPlaced, OrderShipped,
    OrderWaiting,
};
pub use payments::{
    DisputeClosed, DisputeUpdated, GatewaySuspended, LedgerReconciled, PaymentActionRequired, PaymentDisputed,
    PaymentFailed, PaymentMismatched, PaymentRefunded, PaymentRequested, PaymentSucceeded, RefundApprovalDecided,
    RefundApprovalRefused, RefundApprovalRequested, RefundFailed, RefundRequested,
};
pub use redaction::{erases_subject, redact};

pub use kernel::SPEC_VERSION;
use serde::{Deserialize, Serialize};

/// The `sequence` of an event of a change whose version is known only when it is committed: the store replaces it with
/// that version.
pub const SEQUENCE_SET_BY_STORE: u64 = 0;

macro_rules! define {
    ($($constant:ident $type:ident $name:literal $context:ident $topic:ident [$($exported:literal),*];)*) => {
        /// A domain event, serialized as its `type` and `data`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "data")]
        pub enum DomainEvent {
            $(
                #[doc = concat!("`", $name, "`.")]
                #[serde(rename = $name)]
                $type($type),
            )*
        }

        impl DomainEvent {
            /// The catalog row of this event.
            pub const fn row(&self) -> &'static catalog::Event {
                match self { $(Self::$type(_) => catalog::$constant,)* }
            }
        }

        $(
            impl From<$type> for DomainEvent {
                fn from(event: $type) -> Self {
                    Self::$type(event)
                }
            }

            impl<'a> TryFrom<&'a DomainEvent> for &'a $type {
                type Error = kernel::Failure;

                fn try_from(event: &'a DomainEvent) -> Result<Self, Self::Error> {
                    match event {
                        DomainEvent::$type(payload) => Ok(payload),
                        other => Err(unexpected_event(other)),
                    }
                }
            }
        )*

        /// The JSON Schema of the `data` of each event, by event name. Members may be added to every object.
        pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
            let mut schemas = vec![$(($name, schemars::schema_for!($type)),)*];
            schemas.iter_mut().for_each(|(_, schema)| open(schema));
            schemas
        }

        /// The JSON Schemas of [`schemas`] as `generator` makes them, for one document with all of them.
        pub fn subschemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$type>()),)*]
        }
    };
}

catalog::for_each_event!(define);

/// A domain event in its envelope.
pub type Event = kernel::CloudEvent<DomainEvent>;

/// Lets a schema that requests share have members that it does not name, in all its objects.
pub fn open(schema: &mut schemars::Schema) {
    if schema.get("additionalProperties") == Some(&serde_json::Value::Bool(false)) {
        schema.remove("additionalProperties");
    }
    schemars::transform::transform_subschemas(&mut open, schema);
}

impl kernel::EventPayload for DomainEvent {
    fn source(&self) -> &'static str {
        self.row().context.source()
    }
}

impl DomainEvent {
    /// The payload of an event of the one type that a consumer expects; [`unexpected_event`] for another type.
    pub fn payload<'a, T>(&'a self) -> Result<&'a T, kernel::Failure>
    where
        &'a T: TryFrom<&'a Self, Error = kernel::Failure>,
    {
        self.try_into()
    }

    /// The stock levels that this event reports; [`unexpected_event`] if it is not about stock levels.
    pub fn stock_levels(&self) -> Result<&[StockLevel], kernel::Failure> {
        Ok(match self {
            Self::StockOpened(opened) => &opened.levels,
            Self::StockReserved(reserved) => &reserved.levels,
            Self::StockAllocated(allocated) => &allocated.levels,
            Self::StockReservationExpired(expired) => &expired.levels,
            Self::StockShipped(shipped) => &shipped.levels,
            Self::StockReleased(released) => &released.levels,
            Self::StockAdjusted(adjusted) => &adjusted.levels,
            other => return Err(unexpected_event(other)),
        })
    }

    /// As [`stock_levels`](Self::stock_levels), for the store that fills them in.
    pub fn stock_levels_mut(&mut self) -> Option<&mut Vec<StockLevel>> {
        Some(match self {
            Self::StockOpened(opened) => &mut opened.levels,
            Self::StockReserved(reserved) => &mut reserved.levels,
            Self::StockAllocated(allocated) => &mut allocated.levels,
            Self::StockReservationExpired(expired) => &mut expired.levels,
            Self::StockShipped(shipped) => &mut shipped.levels,
            Self::StockReleased(released) => &mut released.levels,
            Self::StockAdjusted(adjusted) => &mut adjusted.levels,
            _ => return None,
        })
    }
}

/// Whether `context` publishes this event: its type is one of the context's, and it names the context as its source.
pub fn is_published_by(event: &Event, context: catalog::Context) -> bool {
    event.event.row().context == context && event.source == context.source()
}

/// The failure of a consumer that received an event its catalog row does not list. Not retryable: the routing is wrong.
pub fn unexpected_event(event: &DomainEvent) -> kernel::Failure {
    let detail = format!("{} is not for this consumer", event.row().name);
    kernel::Failure::new(kernel::FailureKind::Invalid, "unexpected-event", detail)
}
