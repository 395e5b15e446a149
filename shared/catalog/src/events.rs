//! Domain events: name and version, publishing context, Kafka topic, and which of their members are exported.

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
    /// The members of `data` that are exported to Kafka, S3 and webhooks, as paths such as `lines.product_id`; elements of arrays have no step of
    /// their own. No other member is exported, and none of these is text that somebody typed.
    pub exported: &'static [&'static str],
}

/// Calls `$callback!` with one row per event: constant, Rust type, name, context, topic, exported members.
///
/// `domain` generates its event enum from these rows.
#[macro_export]
macro_rules! for_each_event {
    ($callback:ident) => {
        $callback! {
            USER_REGISTERED UserRegistered "UserRegistered.v1" Identity USER_EVENTS
                ["user_id", "role"];
            USER_UPDATED UserUpdated "UserUpdated.v1" Identity USER_EVENTS ["user_id", "role", "status"];
            USER_DELETED UserDeleted "UserDeleted.v1" Identity USER_EVENTS ["user_id"];
            USER_ERASED UserErased "UserErased.v1" Identity USER_EVENTS ["user_id"];
            SECOND_FACTOR_REMOVED SecondFactorRemoved "SecondFactorRemoved.v1" Identity USER_EVENTS ["user_id", "removed_by"];
            PASSWORD_RESET_REQUESTED PasswordResetRequested "PasswordResetRequested.v1" Identity USER_EVENTS ["request_id"];
            CONTACT_VERIFICATION_REQUESTED ContactVerificationRequested "ContactVerificationRequested.v1" Identity
                USER_EVENTS ["user_id", "channel"];
            CONTACT_VERIFIED ContactVerified "ContactVerified.v1" Identity USER_EVENTS ["user_id", "channel"];
            PRODUCT_CREATED ProductCreated "ProductCreated.v1" Catalogue INVENTORY_EVENTS
                ["product_id", "price.amount", "price.currency", "stock_quantity"];
            PRODUCT_UPDATED ProductUpdated "ProductUpdated.v1" Catalogue INVENTORY_EVENTS
                ["product_id", "price.amount", "price.currency"];
            PRODUCT_DELETED ProductDeleted "ProductDeleted.v1" Catalogue INVENTORY_EVENTS
                ["product_id", "price.amount", "price.currency"];
            STOCK_OPENED StockOpened "StockOpened.v1" Inventory INVENTORY_EVENTS
                ["levels.product_id", "levels.available", "levels.reserved", "levels.version"];
            STOCK_RESERVED StockReserved "StockReserved.v1" Inventory INVENTORY_EVENTS
                ["order_id", "user_id", "amount.amount", "amount.currency", "lines.product_id", "lines.quantity",
                 "levels.product_id", "levels.available", "levels.reserved", "levels.version"];
            STOCK_RESERVATION_FAILED StockReservationFailed "StockReservationFailed.v1" Inventory INVENTORY_EVENTS
                ["order_id", "lines.product_id", "lines.quantity"];
            STOCK_ALLOCATION_FAILED StockAllocationFailed "StockAllocationFailed.v1" Inventory INVENTORY_EVENTS
                ["order_id", "lines.product_id", "lines.quantity", "payment.payment_id", "payment.version"];
            STOCK_ALLOCATED StockAllocated "StockAllocated.v1" Inventory INVENTORY_EVENTS
                ["order_id", "payment.payment_id", "payment.version", "levels.product_id", "levels.available",
                 "levels.reserved", "levels.version"];
            STOCK_RESERVATION_EXPIRED StockReservationExpired "StockReservationExpired.v1" Inventory INVENTORY_EVENTS
                ["order_id", "levels.product_id", "levels.available", "levels.reserved", "levels.version"];
            STOCK_SHIPPED StockShipped "StockShipped.v1" Inventory INVENTORY_EVENTS
                ["order_id", "levels.product_id", "levels.available", "levels.reserved", "levels.version"];
            STOCK_RELEASED StockReleased "StockReleased.v1" Inventory INVENTORY_EVENTS
                ["order_id", "levels.product_id", "levels.available", "levels.reserved", "levels.version"];
            STOCK_ADJUSTED StockAdjusted "StockAdjusted.v1" Inventory INVENTORY_EVENTS
                ["product_id", "delta", "reason", "levels.product_id", "levels.available", "levels.reserved",
                 "levels.version"];
            STOCK_LOW StockLow "StockLow.v1" Inventory INVENTORY_EVENTS
                ["product_id", "available", "threshold"];
            ORDER_PLACED OrderPlaced "OrderPlaced.v1" Orders ORDER_EVENTS
                ["order_id", "user_id", "lines.product_id", "lines.quantity", "lines.unit_price.amount",
                 "lines.unit_price.currency", "lines.line_total.amount", "lines.line_total.currency",
                 "total_amount.amount", "total_amount.currency"];
            ORDER_CONFIRMED OrderConfirmed "OrderConfirmed.v1" Orders ORDER_EVENTS
                ["order_id", "user_id", "lines.product_id", "lines.quantity", "lines.unit_price.amount",
                 "lines.unit_price.currency", "lines.line_total.amount", "lines.line_total.currency",
                 "total_amount.amount", "total_amount.currency", "area", "payment_id", "placed_at"];
            ORDER_CANCELLED OrderCancelled "OrderCancelled.v1" Orders ORDER_EVENTS
                ["order_id", "user_id", "total_amount.amount", "total_amount.currency", "reason", "payment_id"];
            ORDER_WAITING OrderWaiting "OrderWaiting.v1" Orders ORDER_EVENTS
                ["order_id", "user_id", "total_amount.amount", "total_amount.currency", "reason"];
            ORDER_SHIPPED OrderShipped "OrderShipped.v1" Orders ORDER_EVENTS
                ["order_id", "user_id", "lines.product_id", "lines.quantity", "lines.unit_price.amount",
                 "lines.unit_price.currency", "lines.line_total.amount", "lines.line_total.currency"];
            ORDER_DELIVERED OrderDelivered "OrderDelivered.v1" Orders ORDER_EVENTS
                ["order_id", "user_id"];
            PAYMENT_REQUESTED PaymentRequested "PaymentRequested.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "attempt"];
            PAYMENT_SUCCEEDED PaymentSucceeded "PaymentSucceeded.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "user_id", "amount.amount", "amount.currency", "transaction_id"];
            PAYMENT_FAILED PaymentFailed "PaymentFailed.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "user_id", "amount.amount", "amount.currency", "reason"];
            REFUND_REQUESTED RefundRequested "RefundRequested.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "refund_id", "amount.amount", "amount.currency"];
            REFUND_APPROVAL_REQUESTED RefundApprovalRequested "RefundApprovalRequested.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "refund_id", "amount.amount", "amount.currency", "requested_by"];
            REFUND_APPROVAL_DECIDED RefundApprovalDecided "RefundApprovalDecided.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "refund_id", "amount.amount", "amount.currency", "verdict", "decided_by"];
            REFUND_APPROVAL_REFUSED RefundApprovalRefused "RefundApprovalRefused.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "refund_id", "amount.amount", "amount.currency", "verdict", "requested_by"];
            PAYMENT_REFUNDED PaymentRefunded "PaymentRefunded.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "user_id", "refund_id", "transaction_id", "amount.amount", "amount.currency",
                 "refunded_amount.amount", "refunded_amount.currency"];
            REFUND_FAILED RefundFailed "RefundFailed.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "refund_id", "transaction_id", "amount.amount", "amount.currency"];
            PAYMENT_ACTION_REQUIRED PaymentActionRequired "PaymentActionRequired.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "amount.amount", "amount.currency", "attempt"];
            PAYMENT_MISMATCHED PaymentMismatched "PaymentMismatched.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "movement", "transaction_id", "refund_id", "asked.amount", "asked.currency",
                 "answered.amount"];
            PAYMENT_DISPUTED PaymentDisputed "PaymentDisputed.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "dispute_id", "amount.amount", "amount.currency", "status", "evidence_due_by"];
            DISPUTE_UPDATED DisputeUpdated "DisputeUpdated.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "dispute_id", "status", "evidence_due_by"];
            DISPUTE_CLOSED DisputeClosed "DisputeClosed.v1" Payments PAYMENT_EVENTS
                ["payment_id", "order_id", "dispute_id", "amount.amount", "amount.currency", "status", "returned.amount",
                 "returned.currency"];
            GATEWAY_SUSPENDED GatewaySuspended "GatewaySuspended.v1" Payments PAYMENT_EVENTS
                ["failures", "until"];
            LEDGER_RECONCILED LedgerReconciled "LedgerReconciled.v1" Payments PAYMENT_EVENTS
                ["from", "to", "page", "is_last", "compared", "fees", "discrepancies.kind", "discrepancies.purpose",
                 "discrepancies.ledger_amount.amount", "discrepancies.ledger_amount.currency",
                 "discrepancies.gateway_amount.amount", "discrepancies.gateway_amount.currency"];
            INVOICE_ISSUED InvoiceIssued "InvoiceIssued.v1" Invoices ORDER_EVENTS
                ["order_id"];
            CREDIT_NOTE_ISSUED CreditNoteIssued "CreditNoteIssued.v1" Invoices ORDER_EVENTS
                ["order_id", "refund_id"];
            WINDOW_CLOSED WindowClosed "WindowClosed.v1" Analytics ANALYTICS_RESULTS
                ["start", "end", "currency", "revision", "orders", "revenue", "average_order_value", "units", "first_orders",
                 "paid.count", "paid.amount", "declined.count", "declined.amount", "refunded.count", "refunded.amount",
                 "cancellations.reason", "cancellations.orders", "top_products.product_id", "top_products.units",
                 "regions.area", "regions.orders", "regions.revenue"];
            ANOMALY_DETECTED AnomalyDetected "AnomalyDetected.v1" Analytics ANALYTICS_RESULTS
                ["start", "end", "currency", "metric", "observed", "expected", "least", "most"];
            NOTIFICATION_REQUESTED NotificationRequested "NotificationRequested.v1" Notifications NOTIFICATION_EVENTS
                ["user_id", "order_id", "channel", "template"];
            NOTIFICATION_SENT NotificationSent "NotificationSent.v1" Notifications NOTIFICATION_EVENTS
                ["order_id", "user_id", "channel", "template"];
        }
    };
}

macro_rules! define_events {
    ($($constant:ident $type:ident $name:literal $context:ident $topic:ident [$($exported:literal),*];)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: &Event = &Event {
                name: $name,
                context: Context::$context,
                topic: &$topic,
                exported: &[$($exported),*],
            };
        )*

        /// Every event.
        pub const EVENTS: &[&Event] = &[$($constant),*];

        /// The type of every event with the source of the context that alone publishes it.
        pub const PRODUCERS: &[(&str, &str)] = &[$(($name, Context::$context.source())),*];
    };
}

for_each_event!(define_events);

/// The events that outbound webhooks are sent for: what happened to orders, payments, products, invoices and stock. Steps of the processing in
/// between, events of users and alerts for operators are excluded.
pub const WEBHOOK_EVENTS: &[&Event] = &[
    PRODUCT_CREATED,
    PRODUCT_UPDATED,
    PRODUCT_DELETED,
    STOCK_LOW,
    ORDER_PLACED,
    ORDER_CONFIRMED,
    ORDER_CANCELLED,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    PAYMENT_SUCCEEDED,
    PAYMENT_FAILED,
    PAYMENT_REFUNDED,
    PAYMENT_DISPUTED,
    DISPUTE_CLOSED,
    INVOICE_ISSUED,
    CREDIT_NOTE_ISSUED,
];

/// The events that change no version of their subject: their `sequence` is always 1, and readers do not compare it.
pub const UNVERSIONED: [&Event; 6] = [
    GATEWAY_SUSPENDED,
    LEDGER_RECONCILED,
    INVOICE_ISSUED,
    CREDIT_NOTE_ISSUED,
    NOTIFICATION_REQUESTED,
    NOTIFICATION_SENT,
];

/// The events that analytics uses.
pub const ANALYTICS_EVENTS: &[&Event] =
    &[ORDER_CONFIRMED, ORDER_CANCELLED, PAYMENT_SUCCEEDED, PAYMENT_FAILED, PAYMENT_REFUNDED, USER_ERASED];
