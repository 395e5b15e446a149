//! Domain events: name and version, publishing context, Kafka topic, and personal data.

use crate::{Context, KafkaTopic, resources::*};

/// A domain event. Its JSON Schema is `events/schemas/<name>.json`, generated from the Rust type.
#[derive(Debug)]
pub struct Event {
    /// Name and version, such as `OrderPlaced.v1`.
    pub name: &'static str,
    /// The context that publishes it.
    pub context: Context,
    /// The Kafka topic that the event is forwarded to.
    pub topic: &'static KafkaTopic,
    /// JSON pointers to the personal data in `data`, which is removed before the event is stored permanently.
    pub personal: &'static [&'static str],
}

/// Calls `$callback!` with one row per event: constant, Rust type, name, context, topic, pointers to personal data.
///
/// `domain` generates its event enum from these rows.
#[macro_export]
macro_rules! for_each_event {
    ($callback:ident) => {
        $callback! {
            USER_REGISTERED UserRegistered "UserRegistered.v1" Identity USER_EVENTS
                ["/email", "/username", "/full_name", "/phone"];
            PRODUCT_CREATED ProductCreated "ProductCreated.v1" Catalogue INVENTORY_EVENTS [];
            STOCK_OPENED StockOpened "StockOpened.v1" Inventory INVENTORY_EVENTS [];
            STOCK_RESERVED StockReserved "StockReserved.v1" Inventory INVENTORY_EVENTS [];
            STOCK_RESERVATION_FAILED StockReservationFailed "StockReservationFailed.v1" Inventory INVENTORY_EVENTS [];
            STOCK_ALLOCATION_FAILED StockAllocationFailed "StockAllocationFailed.v1" Inventory INVENTORY_EVENTS [];
            STOCK_ALLOCATED StockAllocated "StockAllocated.v1" Inventory INVENTORY_EVENTS [];
            STOCK_RESERVATION_EXPIRED StockReservationExpired "StockReservationExpired.v1" Inventory INVENTORY_EVENTS [];
            STOCK_SHIPPED StockShipped "StockShipped.v1" Inventory INVENTORY_EVENTS [];
            STOCK_RELEASED StockReleased "StockReleased.v1" Inventory INVENTORY_EVENTS [];
            STOCK_ADJUSTED StockAdjusted "StockAdjusted.v1" Inventory INVENTORY_EVENTS [];
            STOCK_LOW StockLow "StockLow.v1" Inventory INVENTORY_EVENTS [];
            ORDER_PLACED OrderPlaced "OrderPlaced.v1" Orders ORDER_EVENTS ["/shipping_address"];
            ORDER_CONFIRMED OrderConfirmed "OrderConfirmed.v1" Orders ORDER_EVENTS ["/shipping_address"];
            ORDER_CANCELLED OrderCancelled "OrderCancelled.v1" Orders ORDER_EVENTS [];
            ORDER_WAITING OrderWaiting "OrderWaiting.v1" Orders ORDER_EVENTS [];
            ORDER_SHIPPED OrderShipped "OrderShipped.v1" Orders ORDER_EVENTS ["/shipping_address"];
            ORDER_DELIVERED OrderDelivered "OrderDelivered.v1" Orders ORDER_EVENTS [];
            PAYMENT_REQUESTED PaymentRequested "PaymentRequested.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_SUCCEEDED PaymentSucceeded "PaymentSucceeded.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_FAILED PaymentFailed "PaymentFailed.v1" Payments PAYMENT_EVENTS [];
            REFUND_REQUESTED RefundRequested "RefundRequested.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_REFUNDED PaymentRefunded "PaymentRefunded.v1" Payments PAYMENT_EVENTS [];
            REFUND_FAILED RefundFailed "RefundFailed.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_ACTION_REQUIRED PaymentActionRequired "PaymentActionRequired.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_MISMATCHED PaymentMismatched "PaymentMismatched.v1" Payments PAYMENT_EVENTS [];
            PAYMENT_DISPUTED PaymentDisputed "PaymentDisputed.v1" Payments PAYMENT_EVENTS [];
            DISPUTE_UPDATED DisputeUpdated "DisputeUpdated.v1" Payments PAYMENT_EVENTS [];
            DISPUTE_CLOSED DisputeClosed "DisputeClosed.v1" Payments PAYMENT_EVENTS [];
            GATEWAY_SUSPENDED GatewaySuspended "GatewaySuspended.v1" Payments PAYMENT_EVENTS [];
            LEDGER_RECONCILED LedgerReconciled "LedgerReconciled.v1" Payments PAYMENT_EVENTS [];
            INVOICE_ISSUED InvoiceIssued "InvoiceIssued.v1" Invoices ORDER_EVENTS [];
            NOTIFICATION_REQUESTED NotificationRequested "NotificationRequested.v1" Notifications NOTIFICATION_EVENTS
                ["/subject", "/text"];
            NOTIFICATION_SENT NotificationSent "NotificationSent.v1" Notifications NOTIFICATION_EVENTS [];
        }
    };
}

macro_rules! define_events {
    ($($constant:ident $type:ident $name:literal $context:ident $topic:ident [$($personal:literal),*];)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: &Event = &Event {
                name: $name,
                context: Context::$context,
                topic: &$topic,
                personal: &[$($personal),*],
            };
        )*

        /// Every event.
        pub const EVENTS: &[&Event] = &[$($constant),*];
    };
}

for_each_event!(define_events);
