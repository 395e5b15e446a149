//! Every store, and how it treats what it holds about a person. A structural test compares it with the migrations and with the catalog.

use crate::{Function, functions::*};

/// A store, or several that are alike.
#[derive(Debug)]
pub struct Store {
    pub kind: StoreKind,
    /// `schema.table` in PostgreSQL, a prefix of keys in DynamoDB and Redis, otherwise the name in the catalog. `*` stands for all of a kind.
    pub name: &'static str,
    pub personal: Personal,
}

/// What kind of store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    PostgresTable,
    DynamoKeys,
    Bucket,
    KafkaTopic,
    Stream,
    Topic,
    /// Of SQS, with its dead-letter queue.
    Queue,
    RedisKeys,
    Secret,
    /// Everything that is not in the catalog by name.
    Other,
}

/// All kinds with what they are called.
pub const STORE_KINDS: &[(StoreKind, &str)] = &[
    (StoreKind::PostgresTable, "PostgreSQL tables"),
    (StoreKind::DynamoKeys, "DynamoDB keys"),
    (StoreKind::Bucket, "S3 buckets"),
    (StoreKind::KafkaTopic, "Kafka topics"),
    (StoreKind::Stream, "Kinesis streams"),
    (StoreKind::Topic, "SNS topics"),
    (StoreKind::Queue, "SQS queues"),
    (StoreKind::RedisKeys, "Redis keys"),
    (StoreKind::Secret, "Secrets"),
    (StoreKind::Other, "Other"),
];

/// How the erasure of a person changes the personal data of a store. The id of the user alone counts as none: it names nobody once the account
/// is erased.
#[derive(Debug)]
pub enum Personal {
    Nothing,
    /// The function erases it; how.
    Erased(&'static Function, &'static str),
    /// It expires after this time; the second text says what it is.
    Expires(&'static str, &'static str),
    /// It is retained, for this reason.
    Retained(&'static str),
}

use Personal::{Erased, Expires, Nothing, Retained};
use StoreKind::*;

const fn store(kind: StoreKind, name: &'static str, personal: Personal) -> Store {
    Store { kind, name, personal }
}

/// The text of the law that forbids the erasure of invoices, and what the person is told.
const TAX_LAW: &str = "tax law demands invoices as they were issued, with the buyer, for ten years (GDPR, article 17 (3) (b)); nothing else reads the buyer";
const SENT: &str = "seven days after it was published";
const EVENTS: &str = "events, some with contact or shipping address";
const A_DAY: &str = concat!(crate::idempotency_hours!(), " hours after the request");
const RESPONSES: &str = "responses to repeat, some with an address";

pub const STORES: &[Store] = &[
    store(PostgresTable, "identity.users", Erased(USER_ERASE, "overwritten; id and role stay")),
    store(PostgresTable, "identity.verifications", Erased(USER_ERASE, "deleted")),
    store(PostgresTable, "identity.password_resets", Erased(USER_ERASE, "deleted")),
    store(PostgresTable, "identity.sessions", Erased(USER_ERASE, "deleted")),
    store(PostgresTable, "identity.ended_sessions", Nothing),
    store(PostgresTable, "identity.used_refresh_tokens", Erased(USER_ERASE, "deleted with their sessions")),
    store(
        PostgresTable,
        "identity.message_budgets",
        Expires("a day after the last message", "a counter of messages to an address"),
    ),
    store(
        PostgresTable,
        "identity.login_attempts",
        Expires("a day after the last attempt", "a keyed hash of name and client address"),
    ),
    store(
        PostgresTable,
        "identity.login_sources",
        Expires("a day after the last attempt", "a keyed hash of the client address"),
    ),
    store(PostgresTable, "identity.clients", Nothing),
    store(PostgresTable, "identity.totp", Erased(USER_ERASE, "deleted")),
    store(PostgresTable, "identity.recovery_codes", Erased(USER_ERASE, "deleted with the second factor")),
    store(PostgresTable, "identity.pending_logins", Erased(USER_ERASE, "deleted")),
    store(PostgresTable, "identity.outbox", Expires(SENT, EVENTS)),
    store(PostgresTable, "identity.inbox", Nothing),
    store(PostgresTable, "identity.failed_attempts", Nothing),
    store(PostgresTable, "identity.idempotency", Expires(A_DAY, RESPONSES)),
    store(PostgresTable, "catalogue.outbox", Nothing),
    store(PostgresTable, "catalogue.inbox", Nothing),
    store(PostgresTable, "catalogue.failed_attempts", Nothing),
    store(PostgresTable, "catalogue.products", Nothing),
    store(PostgresTable, "catalogue.product_prices", Nothing),
    store(PostgresTable, "catalogue.jobs", Nothing),
    store(PostgresTable, "catalogue.product_sweep", Nothing),
    store(PostgresTable, "inventory.stock", Nothing),
    store(PostgresTable, "inventory.reservations", Nothing),
    store(PostgresTable, "inventory.reservation_lines", Nothing),
    store(PostgresTable, "inventory.backorder_lines", Nothing),
    store(PostgresTable, "inventory.stock_movements", Nothing),
    store(PostgresTable, "inventory.low_stock_alerts", Nothing),
    store(PostgresTable, "inventory.outbox", Nothing),
    store(PostgresTable, "inventory.inbox", Nothing),
    store(PostgresTable, "inventory.failed_attempts", Nothing),
    store(PostgresTable, "inventory.idempotency", Nothing),
    store(
        PostgresTable,
        "orders.orders",
        Erased(
            ORDER_ERASE,
            "address, but for the country, and tracking; an order that is not final by `order-sweep` when it is",
        ),
    ),
    store(PostgresTable, "orders.order_notes", Erased(ORDER_ERASE, "deleted with the address of their order")),
    store(PostgresTable, "orders.order_lines", Nothing),
    store(PostgresTable, "orders.customers", Nothing),
    store(PostgresTable, "orders.product_prices", Nothing),
    store(PostgresTable, "orders.erasures", Nothing),
    store(PostgresTable, "orders.outbox", Expires(SENT, EVENTS)),
    store(PostgresTable, "orders.inbox", Nothing),
    store(PostgresTable, "orders.failed_attempts", Nothing),
    store(PostgresTable, "orders.idempotency", Expires(A_DAY, RESPONSES)),
    store(
        PostgresTable,
        "payments.gateway_customers",
        Erased(PAYMENT_METHOD_FORGET, "the customer at the gateway is deleted; the id of the user stays"),
    ),
    store(PostgresTable, "payments.saved_methods", Erased(PAYMENT_METHOD_FORGET, "deleted")),
    store(
        PostgresTable,
        "payments.payments",
        Erased(PAYMENT_METHOD_FORGET, "the reasons that admins typed for decisions about refunds; the rest is none"),
    ),
    store(PostgresTable, "payments.customer_attempts", Nothing),
    store(PostgresTable, "payments.transfers", Nothing),
    store(PostgresTable, "payments.statement_lines", Nothing),
    store(PostgresTable, "payments.reconciliation", Nothing),
    store(PostgresTable, "payments.outbox", Nothing),
    store(PostgresTable, "payments.inbox", Nothing),
    store(PostgresTable, "payments.failed_attempts", Nothing),
    store(
        PostgresTable,
        "payments.idempotency",
        Expires(A_DAY, "responses to repeat, some with a saved card or the reason of a decision"),
    ),
    store(
        PostgresTable,
        "notifications.contacts",
        Erased(CONTACT_TRACK, "overwritten; the id stays, so that an older event changes nothing"),
    ),
    store(PostgresTable, "notifications.verified_addresses", Erased(CONTACT_TRACK, "overwritten")),
    store(PostgresTable, "notifications.preferences", Erased(CONTACT_TRACK, "deleted")),
    store(PostgresTable, "notifications.devices", Erased(CONTACT_TRACK, "deleted")),
    store(
        PostgresTable,
        "notifications.suppressions",
        Erased(CONTACT_TRACK, "deleted, for the addresses of the contact"),
    ),
    store(PostgresTable, "notifications.deliveries", Nothing),
    store(PostgresTable, "notifications.email_feedback", Nothing),
    store(
        PostgresTable,
        "notifications.message_budgets",
        Expires("a day after the last message", "a counter of messages to an address"),
    ),
    store(PostgresTable, "notifications.message_templates", Nothing),
    store(PostgresTable, "notifications.webhook_endpoints", Nothing),
    store(PostgresTable, "notifications.webhook_deliveries", Nothing),
    store(PostgresTable, "notifications.outbox", Expires(SENT, "events, some with what staff wrote")),
    store(PostgresTable, "notifications.inbox", Nothing),
    store(PostgresTable, "notifications.failed_attempts", Nothing),
    store(PostgresTable, "notifications.idempotency", Expires(A_DAY, RESPONSES)),
    store(PostgresTable, "invoices.invoices", Retained(TAX_LAW)),
    store(PostgresTable, "invoices.credit_notes", Retained(TAX_LAW)),
    store(PostgresTable, "invoices.series", Nothing),
    store(PostgresTable, "invoices.refunds", Nothing),
    store(PostgresTable, "invoices.refund_failures", Nothing),
    store(PostgresTable, "invoices.outbox", Nothing),
    store(PostgresTable, "invoices.inbox", Nothing),
    store(PostgresTable, "invoices.failed_attempts", Nothing),
    store(PostgresTable, "analytics.outbox", Nothing),
    store(PostgresTable, "analytics.inbox", Nothing),
    store(PostgresTable, "analytics.failed_attempts", Nothing),
    store(
        PostgresTable,
        "analytics.customers",
        Erased(WINDOW_AGGREGATE, "deleted: times of orders under the id of the user"),
    ),
    store(PostgresTable, "analytics.counted_events", Nothing),
    store(PostgresTable, "analytics.windows", Nothing),
    store(PostgresTable, "analytics.window_products", Nothing),
    store(PostgresTable, "analytics.window_regions", Nothing),
    store(PostgresTable, "records.sources", Nothing),
    store(PostgresTable, "records.source_schemas", Nothing),
    store(PostgresTable, "records.records", Nothing),
    store(PostgresTable, "records.partitions", Nothing),
    store(PostgresTable, "records.archived", Nothing),
    store(PostgresTable, "records.rollups", Nothing),
    store(PostgresTable, "records.positions", Nothing),
    store(PostgresTable, "records.idempotency", Nothing),
    store(PostgresTable, "analytics.window_cancellations", Nothing),
    store(PostgresTable, "analytics.minutes", Nothing),
    store(PostgresTable, "analytics.anomalies", Nothing),
    store(PostgresTable, "operations.inbox", Nothing),
    store(PostgresTable, "operations.failed_attempts", Nothing),
    store(PostgresTable, "operations.delivery_checks", Nothing),
    store(PostgresTable, "operations.idempotency", Nothing),
    store(PostgresTable, "operations.event_records", Nothing),
    store(
        PostgresTable,
        "operations.operator_actions",
        Expires("two years after the action", "the reason that an operator typed"),
    ),
    store(PostgresTable, "operations.operator_outcomes", Nothing),
    store(DynamoKeys, "products/PRODUCT#", Nothing),
    store(DynamoKeys, "products/SKU#", Nothing),
    store(DynamoKeys, "products/IDEM#", Nothing),
    store(Bucket, "invoices", Retained(TAX_LAW)),
    store(Bucket, "event-archive", Nothing),
    store(Bucket, "record-archive", Nothing),
    store(Bucket, "product-images", Nothing),
    store(Bucket, "product-files", Nothing),
    store(KafkaTopic, "order-events", Nothing),
    store(KafkaTopic, "payment-events", Nothing),
    store(KafkaTopic, "inventory-events", Nothing),
    store(KafkaTopic, "user-events", Nothing),
    store(KafkaTopic, "notification-events", Nothing),
    store(KafkaTopic, "records", Nothing),
    store(KafkaTopic, "analytics-results", Nothing),
    store(Stream, "analytics", Nothing),
    store(Topic, "order-updates", Nothing),
    store(Topic, "email-feedback", Nothing),
    store(Queue, "*", Expires("when it is handled, or after four days, and 14 days in a dead-letter queue", EVENTS)),
    store(RedisKeys, "breaker", Nothing),
    store(RedisKeys, "lead", Nothing),
    store(RedisKeys, "product", Nothing),
    store(
        RedisKeys,
        "rate",
        Expires("a day after the last request", "the network address of a client that did not log in"),
    ),
    store(RedisKeys, "record", Nothing),
    store(RedisKeys, "revoked", Nothing),
    store(Secret, "*", Nothing),
    store(Other, "analytics-figures, the topic of the Flink job", Nothing),
    store(Other, "parquet/ in event-archive, the archive of the Flink job", Nothing),
    store(Other, "logs of functions", Nothing),
    store(
        Other,
        "customers at the payment gateway",
        Erased(PAYMENT_METHOD_FORGET, "deleted, with the payment methods that are attached to them"),
    ),
    store(
        Other,
        "access log of the API",
        Expires("a year after the request, with the archive of logs", "the source address and the id of the caller"),
    ),
    store(
        Other,
        "backups of the database",
        Expires(
            "the retention of backups, 35 days at most",
            "all tables; after a restore, those are to be erased again whom `UserErased` events of the archive name",
        ),
    ),
    store(
        Other,
        "e-mails and text messages that were sent",
        Expires("the retention of the providers", "what the person was told; they are in the hands of the person"),
    ),
    store(
        Other,
        "endpoints of devices at SNS",
        Retained("SNS disables an endpoint whose token has ended; it has the token and nothing else"),
    ),
    store(
        Other,
        "payment gateway",
        Retained(
            "charges and refunds with the ids of orders, as the law on payments demands; it gets no name and no address, \
             and its customer with the saved cards is deleted by `payment-method-forget`",
        ),
    ),
];
