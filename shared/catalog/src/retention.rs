//! How long every store keeps what it holds. A structural test compares it with [`STORES`](crate::STORES), and tests on PostgreSQL with the
//! tables.

use crate::StoreKind::{self, *};

/// Hours for which the response to a request is stored under its idempotency key, as a literal for `concat!`.
#[macro_export]
macro_rules! idempotency_hours {
    () => {
        24
    };
}

/// Hours for which the response to a request is stored under its idempotency key.
pub const IDEMPOTENCY_HOURS: i64 = idempotency_hours!();

/// Days for which operators see what happened to an order.
pub const EVENT_RECORD_DAYS: u32 = 180;

/// The retention of stores that are alike.
#[derive(Debug)]
pub struct RetentionRule {
    pub kind: StoreKind,
    /// As in [`STORES`](crate::STORES).
    pub names: &'static [&'static str],
    pub retention: Removal,
}

/// How expired data is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// `outbox-sweep` deletes a row `days` after the time in column `since`; with 0 days the column is the time of expiry.
    DeletedBySweep { since: &'static str, days: u32 },
    /// The store expires it; the text says when.
    ExpiresInStore(&'static str),
    /// It has no maximum age; the text says why and what bounds its size.
    Unlimited(&'static str),
}

use Removal::{DeletedBySweep, ExpiresInStore, Unlimited};

const fn rule(kind: StoreKind, names: &'static [&'static str], retention: Removal) -> RetentionRule {
    RetentionRule { kind, names, retention }
}

/// The retention of every store.
#[rustfmt::skip]
pub const RETENTION: &[RetentionRule] = &[
    // Long enough to look up after a weekend what was published, and when. What is not published has no such time, and stays.
    rule(PostgresTable, &[
        "identity.outbox", "catalogue.outbox", "inventory.outbox", "orders.outbox", "payments.outbox", "notifications.outbox", "invoices.outbox",
        "analytics.outbox",
    ], DeletedBySweep { since: "published_at", days: 7 }),
    // A message may be redriven from a dead-letter queue after up to 14 days, the longest retention of SQS, or an event replayed, and its
    // consumer must still recognize it.
    rule(PostgresTable, &[
        "identity.inbox", "catalogue.inbox", "inventory.inbox", "orders.inbox", "payments.inbox", "notifications.inbox", "invoices.inbox",
        "analytics.inbox", "operations.inbox",
    ], DeletedBySweep { since: "claimed_at", days: crate::DELIVERY_DAYS + 1 }),
    rule(PostgresTable, &[
        "identity.failed_attempts", "catalogue.failed_attempts", "inventory.failed_attempts", "orders.failed_attempts", "payments.failed_attempts",
        "notifications.failed_attempts", "invoices.failed_attempts", "analytics.failed_attempts", "operations.failed_attempts",
    ], DeletedBySweep { since: "failed_at", days: 15 }),
    // A day longer than an event may be old to be counted, so that a redelivered one is recognized.
    rule(PostgresTable, &["analytics.counted_events"], DeletedBySweep { since: "window_start", days: 32 }),
    rule(PostgresTable, &[
        "identity.idempotency", "inventory.idempotency", "orders.idempotency", "payments.idempotency", "notifications.idempotency",
        "records.idempotency", "operations.idempotency",
        "identity.ended_sessions", "identity.login_attempts", "identity.login_sources", "identity.message_budgets",
        "identity.password_resets", "identity.pending_logins", "identity.sessions", "identity.used_refresh_tokens", "identity.verifications",
        "notifications.message_budgets", "notifications.webhook_deliveries",
    ], DeletedBySweep { since: "expires_at", days: 0 }),
    // Two years and a month: a report compares a month with the same one of the year before.
    rule(PostgresTable, &[
        "analytics.windows", "analytics.window_products", "analytics.window_regions", "analytics.window_cancellations",
        "analytics.anomalies",
    ], DeletedBySweep { since: "window_start", days: 762 }),
    // A customer who comes back after that is a new one.
    rule(PostgresTable, &["analytics.customers"], DeletedBySweep { since: "last_at", days: 762 }),
    // The rate of orders is that of the last minutes; windows have what was before.
    rule(PostgresTable, &["analytics.minutes"], DeletedBySweep { since: "minute", days: 31 }),
    // As long as a customer may claim not to have been told.
    rule(PostgresTable, &["notifications.deliveries"], DeletedBySweep { since: "sent_at", days: 762 }),
    rule(PostgresTable, &["notifications.email_feedback"], DeletedBySweep { since: "received_at", days: 762 }),
    // As long as a customer or a bank may ask about an order; the archive has every event for years.
    rule(PostgresTable, &["operations.event_records"], DeletedBySweep { since: "recorded_at", days: EVENT_RECORD_DAYS }),
    // Longer than the yearly review of who did what.
    rule(PostgresTable, &["operations.operator_actions", "operations.operator_outcomes"], DeletedBySweep { since: "at", days: 762 }),
    // As long as its files.
    rule(PostgresTable, &["catalogue.jobs"], DeletedBySweep { since: "created_at", days: 30 }),
    // Until no comparison reads it any more.
    rule(PostgresTable, &["payments.statement_lines"], DeletedBySweep { since: "at", days: 8 }),
    // As long as windows, with which reports compare them.
    rule(PostgresTable, &["records.rollups"], DeletedBySweep { since: "hour", days: 762 }),

    rule(PostgresTable, &["catalogue.product_sweep", "payments.reconciliation"], Unlimited("one row")),
    rule(PostgresTable, &[
        "orders.orders", "orders.order_lines", "orders.order_notes", "payments.payments", "payments.transfers", "invoices.invoices",
        "invoices.credit_notes", "invoices.series", "invoices.refunds", "invoices.refund_failures",
    ], Unlimited("books, for the ten years of tax law, which no shop of this age has reached; a few rows an order")),
    rule(PostgresTable, &["inventory.reservations", "inventory.reservation_lines", "inventory.stock_movements"],
        Unlimited("the book of the stock, from which each level follows; a few rows an order line")),
    rule(PostgresTable, &["inventory.backorder_lines"], Unlimited("as long as the order waits for stock: a row a line")),
    rule(PostgresTable, &[
        "identity.users", "identity.totp", "identity.recovery_codes", "orders.customers", "orders.erasures", "payments.gateway_customers",
        "payments.saved_methods", "payments.customer_attempts", "notifications.contacts", "notifications.verified_addresses",
        "notifications.preferences", "notifications.devices",
    ], Unlimited("as long as the account: at most a few rows a user")),
    rule(PostgresTable, &["notifications.suppressions"],
        Unlimited("an address that bounced or complained is not written to again: at most a row an address")),
    rule(PostgresTable, &[
        "catalogue.products", "catalogue.product_prices", "orders.product_prices", "inventory.stock", "inventory.low_stock_alerts",
    ], Unlimited("as long as the product: a row each, and one for each change of its price")),
    rule(PostgresTable, &["records.records"],
        ExpiresInStore("with the partition of its day, which is archived after the retention of records")),
    rule(PostgresTable, &["records.sources", "records.source_schemas"],
        Unlimited("created by hand; records name the version of the schema that accepted them")),
    rule(PostgresTable, &["records.positions"], Unlimited("a row a partition of the topic")),
    rule(PostgresTable, &["records.partitions", "records.archived"],
        Unlimited("a row a day, and one for each file of the archive: they say where the records of a day are")),
    rule(PostgresTable, &["operations.delivery_checks"], Unlimited("a row an outbox")),
    rule(PostgresTable, &["identity.clients", "notifications.webhook_endpoints"],
        Unlimited("until staff delete it: there are as many as were created by hand")),
    rule(PostgresTable, &["notifications.message_templates"],
        Unlimited("every version can be returned to: there are as many as were edited by hand")),

    rule(DynamoKeys, &["products/PRODUCT#", "products/SKU#"], Unlimited("as long as the product: an item each")),
    rule(DynamoKeys, &["products/IDEM#"], ExpiresInStore("a day after the request, by the table's time to live")),
    rule(Bucket, &["invoices"], ExpiresInStore("after ten years, by a lifecycle rule")),
    rule(Bucket, &["event-archive", "record-archive"], ExpiresInStore("after seven years, by a lifecycle rule")),
    rule(Bucket, &["product-files"], ExpiresInStore("after 30 days, by a lifecycle rule")),
    rule(Bucket, &["product-images"], Unlimited("until staff delete the image or the product")),
    rule(KafkaTopic, &["order-events", "payment-events", "inventory-events", "user-events", "notification-events", "analytics-results"],
        ExpiresInStore("after the topic's retention, a week in prod; the archive has every record")),
    rule(KafkaTopic, &["records"], ExpiresInStore("after the topic's retention, a week in prod; the database has every record")),
    rule(Stream, &["analytics"], ExpiresInStore("after a day")),
    rule(Topic, &["order-updates", "email-feedback"], ExpiresInStore("once it is delivered to the queues")),
    rule(Queue, &["*"], ExpiresInStore("after four days, and after 14 days in a dead-letter queue")),
    rule(RedisKeys, &["breaker"], ExpiresInStore("an hour after the circuit was used")),
    rule(RedisKeys, &["product", "record", "lead"], ExpiresInStore("when its time to live is over")),
    rule(RedisKeys, &["rate"], ExpiresInStore("a day after the last request")),
    rule(RedisKeys, &["revoked"], ExpiresInStore("when the last access token of the session has expired")),
    rule(Secret, &["*"], Unlimited("replaced in place: one value each")),
    rule(Other, &["analytics-figures, the topic of the Flink job"], ExpiresInStore("after the retention of the cluster, a week in prod")),
    rule(Other, &["parquet/ in event-archive, the archive of the Flink job"],
        ExpiresInStore("after seven years, by the bucket's lifecycle rule; it has ids of customers")),
    rule(Other, &["logs of functions"], ExpiresInStore("after the retention of the log group")),
    rule(Other, &["access log of the API"], ExpiresInStore("after a year, with the archive of logs")),
    rule(Other, &["backups of the database"], ExpiresInStore("after 35 days at most")),
    rule(Other, &["e-mails and text messages that were sent"], ExpiresInStore("after the retention of the providers")),
    rule(Other, &["customers at the payment gateway"], Unlimited("as long as the account")),
    rule(Other, &["endpoints of devices at SNS"], Unlimited("SNS disables what cannot be reached: one for each device")),
    rule(Other, &["payment gateway"], Unlimited("the gateway's books, which are its own")),
];

/// A table of which `outbox-sweep` deletes the rows that are past their retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweptTable {
    /// `schema.table`.
    pub table: &'static str,
    /// The column whose age decides.
    pub since: &'static str,
    pub days: u32,
}

/// The tables of which `outbox-sweep` deletes rows.
pub fn swept_tables() -> impl Iterator<Item = SweptTable> {
    RETENTION.iter().flat_map(|rule| {
        rule.names.iter().filter_map(|table| match rule.retention {
            DeletedBySweep { since, days } => Some(SweptTable { table, since, days }),
            ExpiresInStore(_) | Unlimited(_) => None,
        })
    })
}
