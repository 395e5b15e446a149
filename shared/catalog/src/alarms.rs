//! Alarms: the metric that shows a broken promise, its threshold, how urgent it is, and the runbook.
//!
//! A row stands for one alarm or, when its [`Signal`] selects several resources, for one alarm per resource. `cargo xtask codegen`
//! expands the rows into `terraform/catalog.json`, the dashboards and the rules of the local Prometheus.

use crate::{Context::*, Function, functions::*, *};
use Comparison::*;
use Severity::*;
use Signal::*;
use Statistic::*;

/// How urgent an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Money, orders or customers are affected now: someone is called at any hour.
    Page,
    /// Has to be resolved within days, in working hours.
    Ticket,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// The series that an alarm observes. AWS emits the metric, except of `Emitted…` and `Trail`.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// A metric that this function emits through `edge::telemetry::metrics`.
    Emitted(&'static Function),
    /// A metric that each function of this kind emits.
    EmittedByEach(FunctionKind),
    /// The sum of a metric that any function emits, because a shared crate does.
    EmittedByAny,
    /// Each function of this kind.
    Lambda(FunctionKind),
    /// The queue of each consumer in these contexts.
    Queues(&'static [Context]),
    /// The dead-letter queue of each consumer in these contexts.
    DeadLetterQueues(&'static [Context]),
    /// The queue of events that a rule or subscription could not deliver.
    Undelivered,
    /// Each DynamoDB table.
    Tables,
    /// Each Kinesis stream.
    Streams,
    /// Each SNS topic.
    Topics,
    /// The stage of the HTTP API.
    Api,
    Database,
    DatabaseProxy,
    KafkaCluster,
    /// The certificate of the API's domain; absent without a domain.
    Certificate,
    /// The e-mail service of the account.
    Email,
    /// Events in CloudTrail that match this filter pattern; Terraform creates the metric.
    Trail(&'static str),
}

/// The functions that get one alarm each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Every,
    /// Answers requests of the HTTP API.
    Http,
    /// Invoked by a schedule that is due every `.0` minutes or more often, but not every `.1` minutes or more often.
    Scheduled(u32, u32),
    /// Consumers of a Kinesis or DynamoDB stream.
    Stream,
    /// Consumers of Kafka topics.
    Kafka,
    /// Invoked for new objects of a bucket.
    Objects,
    Only(&'static str),
}

/// How the values of a period become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    Sum,
    Maximum,
    Minimum,
    P99,
}

impl Statistic {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::P99 => "p99",
        }
    }
}

/// The condition under which a period breaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    Above(f64),
    AtLeast(f64),
    Below(f64),
    /// Above this percentage of the function's timeout.
    AboveTimeoutPercent(u32),
    /// Below the expected band, which is this many standard deviations wide.
    BelowBand(u32),
}

/// An alarm, or one per selected resource.
#[derive(Debug, Clone, Copy)]
pub struct Alarm {
    pub name: &'static str,
    /// What is wrong when it fires, as a sentence.
    pub summary: &'static str,
    /// File under `docs/runbooks`, without `.md`.
    pub runbook: &'static str,
    pub severity: Severity,
    pub signal: Signal,
    pub metric: &'static str,
    pub statistic: Statistic,
    pub comparison: Comparison,
    pub period_s: u32,
    /// Breaching periods, and the periods that are considered.
    pub datapoints: (u32, u32),
    /// Whether a period without data breaches, because silence is the failure.
    pub missing_data_breaches: bool,
}

impl Alarm {
    const fn new(name: &'static str, runbook: &'static str, severity: Severity, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            runbook,
            severity,
            signal: EmittedByAny,
            metric: "",
            statistic: Sum,
            comparison: Above(0.0),
            period_s: MINUTE,
            datapoints: (1, 1),
            missing_data_breaches: false,
        }
    }

    const fn when(
        mut self,
        signal: Signal,
        metric: &'static str,
        statistic: Statistic,
        comparison: Comparison,
    ) -> Self {
        self.signal = signal;
        self.metric = metric;
        self.statistic = statistic;
        self.comparison = comparison;
        self
    }

    /// In `breaching` of `considered` periods.
    const fn for_periods(mut self, period_s: u32, breaching: u32, considered: u32) -> Self {
        self.period_s = period_s;
        self.datapoints = (breaching, considered);
        self
    }

    const fn or_missing_data(mut self) -> Self {
        self.missing_data_breaches = true;
        self
    }

    /// Whether code of this repository emits the metric.
    pub const fn is_emitted(&self) -> bool {
        matches!(self.signal, Emitted(_) | EmittedByEach(_) | EmittedByAny)
    }
}

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
const DAY: u32 = 86_400;
/// Contexts in which a message that is not processed leaves money or stock in the wrong state.
pub const MONEY: &[Context] = &[Inventory, Orders, Payments];
/// The other contexts with consumers.
pub const OTHERS: &[Context] = &[Identity, Catalogue, Notifications, Invoices, Analytics, Records, Operations];

#[rustfmt::skip]
pub const ALARMS: &[Alarm] = &[
    // Events: what is committed is published, and what is published is consumed.
    Alarm::new("outbox-lag", "outbox", Page, "The oldest committed event has waited over two minutes to be published.")
        .when(Emitted(OUTBOX_SWEEP), "OutboxLag", Maximum, Above(120_000.0)).for_periods(MINUTE, 3, 5).or_missing_data(),
    Alarm::new("outbox-waiting", "outbox", Ticket, "More than a thousand committed events wait to be published.")
        .when(Emitted(OUTBOX_SWEEP), "OutboxWaiting", Maximum, Above(1000.0)).for_periods(MINUTE, 10, 15),
    Alarm::new("product-sweep-errors", "outbox", Ticket, "A changed product cannot be read, so that its event cannot be published again.")
        .when(Emitted(PRODUCT_SWEEP), "ProductSweepErrors", Maximum, Above(0.0)).for_periods(HOUR, 2, 3),
    Alarm::new("retention-behind", "outbox", Ticket, "Rows past their retention are not deleted as fast as they expire.")
        .when(Emitted(OUTBOX_SWEEP), "RetentionTablesBehind", Maximum, Above(0.0)).for_periods(15 * MINUTE, 8, 8),
    Alarm::new("outbox-publish-deferred", "outbox", Ticket, "The bus accepts events late: they are left to the sweep.")
        .when(EmittedByAny, "OutboxPublishDeferred", Sum, Above(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("outbox-mark-failed", "outbox", Ticket, "Published events were not marked, and are published again.")
        .when(EmittedByAny, "OutboxMarkFailed", Sum, Above(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("events-undelivered", "outbox", Ticket, "Published events were not handled within an hour, and are published again.")
        .when(Emitted(OUTBOX_SWEEP), "EventsUndelivered", Sum, Above(0.0)).for_periods(HOUR, 2, 2),
    Alarm::new("outbox-rows-undecodable", "undecodable-rows", Page, "A committed event cannot be read, so it is never published.")
        .when(EmittedByAny, "OutboxRowsUndecodable", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("outbox-rows-refused", "undecodable-rows", Page, "An outbox has an event that its context does not publish. It is not sent.")
        .when(EmittedByAny, "OutboxRowsRefused", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("rows-undecodable", "undecodable-rows", Ticket, "A stored row cannot be read, and is skipped.")
        .when(EmittedByAny, "RowsUndecodable", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("characters-replaced", "invoice-characters", Ticket, "A hundred characters of a day's invoices were in no font.")
        .when(Emitted(INVOICE_ISSUE), "CharactersReplaced", Sum, Above(100.0)).for_periods(DAY, 1, 1),
    Alarm::new("edited-texts-unused", "message-templates", Ticket, "Messages have the built-in texts, because the edited ones cannot be read or rendered.")
        .when(EmittedByAny, "EditedTextsUnused", Sum, Above(0.0)).for_periods(HOUR, 1, 1),
    Alarm::new("dead-letters", "dead-letters", Page, "A message about orders, stock or payments was not processed.")
        .when(DeadLetterQueues(MONEY), "ApproximateNumberOfMessagesVisible", Maximum, Above(0.0)),
    Alarm::new("dead-letters", "dead-letters", Ticket, "A message was not processed.")
        .when(DeadLetterQueues(OTHERS), "ApproximateNumberOfMessagesVisible", Maximum, Above(0.0)),
    Alarm::new("undelivered", "undelivered", Page, "A rule or subscription could not put an event on a queue.")
        .when(Undelivered, "ApproximateNumberOfMessagesVisible", Maximum, Above(0.0)),
    Alarm::new("queue-age", "queue-age", Page, "A message about orders, stock or payments has waited over fifteen minutes.")
        .when(Queues(MONEY), "ApproximateAgeOfOldestMessage", Maximum, Above(900.0)).for_periods(MINUTE, 5, 5),
    Alarm::new("queue-age", "queue-age", Ticket, "A message has waited over an hour.")
        .when(Queues(OTHERS), "ApproximateAgeOfOldestMessage", Maximum, Above(3600.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("consumers-paused", "queue-age", Ticket, "A consumer has been paused for an hour.")
        .when(Emitted(OUTBOX_SWEEP), "ConsumersPaused", Minimum, Above(0.0)).for_periods(5 * MINUTE, 12, 12),
    Alarm::new("iterator-age", "stream-lag", Page, "A stream consumer is over five minutes behind.")
        .when(Lambda(FunctionKind::Stream), "IteratorAge", Maximum, Above(300_000.0)).for_periods(MINUTE, 5, 5),
    Alarm::new("consumer-lag", "stream-lag", Ticket, "A Kafka consumer is over ten thousand records behind.")
        .when(Lambda(FunctionKind::Kafka), "OffsetLag", Maximum, Above(10_000.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("uploads-delayed", "stream-lag", Ticket, "Uploaded images wait for over five minutes.")
        .when(Lambda(FunctionKind::Objects), "AsyncEventAge", Maximum, Above(300_000.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("destination-failures", "stream-lag", Page, "Records of a stream were given up and reached no dead-letter queue.")
        .when(Lambda(FunctionKind::Stream), "DestinationDeliveryFailures", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("notifications-failed", "undelivered", Ticket, "A topic could not deliver to a queue.")
        .when(Topics, "NumberOfNotificationsFailed", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),

    // Orders and stock.
    Alarm::new("orders-under-review", "waiting-orders", Ticket, "Paid orders without stock wait for a person's decision.")
        .when(Emitted(ORDER_SWEEP), "OrdersUnderReview", Maximum, Above(0.0)).for_periods(5 * MINUTE, 6, 6),
    Alarm::new("orders-backordered", "waiting-orders", Ticket, "Paid orders have waited for stock for a day.")
        .when(Emitted(ORDER_SWEEP), "OrdersBackordered", Minimum, Above(0.0)).for_periods(HOUR, 24, 24),
    Alarm::new("reservations-backordered", "waiting-orders", Ticket, "Reservations have waited for stock for a day.")
        .when(Emitted(STOCK_SWEEP), "ReservationsBackordered", Minimum, Above(0.0)).for_periods(HOUR, 24, 24),
    Alarm::new("orders-awaiting-stock", "stuck-orders", Ticket, "A hundred orders wait to be reserved.")
        .when(Emitted(ORDER_SWEEP), "OrdersAwaitingStock", Minimum, AtLeast(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("orders-awaiting-payment", "stuck-orders", Ticket, "A hundred orders wait to be charged.")
        .when(Emitted(ORDER_SWEEP), "OrdersAwaitingPayment", Minimum, AtLeast(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("stuck-orders-cancelled", "stuck-orders", Ticket, "Orders were cancelled because stock or payment never concluded.")
        .when(Emitted(ORDER_SWEEP), "StuckOrdersCancelled", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("stuck-orders-not-cancelled", "stuck-orders", Page, "The sweep could not cancel a stuck order.")
        .when(Emitted(ORDER_SWEEP), "StuckOrdersNotCancelled", Maximum, Above(0.0)).for_periods(5 * MINUTE, 2, 3),
    Alarm::new("reservation-sweep-errors", "stuck-orders", Ticket, "The sweep could not process a reservation.")
        .when(Emitted(STOCK_SWEEP), "ReservationSweepErrors", Maximum, Above(0.0)).for_periods(5 * MINUTE, 2, 3),
    Alarm::new("canary-orders-failed", "canary", Page, "The canary cannot order: customers probably cannot either.")
        .when(Emitted(CANARY_ORDER), "CanaryOrdersFailed", Sum, AtLeast(1.0)).for_periods(5 * MINUTE, 2, 3),
    Alarm::new("canary-not-set-up", "canary", Ticket, "The canary has had no account for a day: nobody tries the shop when no customer does.")
        .when(Emitted(CANARY_ORDER), "CanaryNotSetUp", Sum, AtLeast(1.0)).for_periods(HOUR, 24, 24),
    Alarm::new("sales-unusual", "sales-unusual", Ticket, "Orders or revenue of a window are far from those of the same time of the weeks before.")
        .when(Emitted(WINDOW_CLOSE), "AnomaliesDetected", Sum, AtLeast(1.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("orders-placed-anomaly", "orders-placed", Ticket, "Far fewer orders are placed than usual at this hour.")
        .when(Lambda(FunctionKind::Only(ORDER_PLACE.name)), "Invocations", Sum, BelowBand(3)).for_periods(15 * MINUTE, 3, 3).or_missing_data(),

    Alarm::new("price-copy-lag", "price-copy", Ticket, "Orders are placed at prices that changed more than five minutes ago.")
        .when(Emitted(PRODUCT_PRICE_TRACK), "PriceCopyLag", Maximum, Above(300_000.0)).for_periods(5 * MINUTE, 1, 1),

    // Payments and the ledger.
    Alarm::new("gateway-suspended", "gateway", Page, "The circuit breaker suspended the payment gateway: nothing is charged.")
        .when(EmittedByAny, "CircuitsOpened", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("circuit-breaker-conflicts", "gateway", Ticket, "Functions contend for the circuit breaker, which then blocks nothing.")
        .when(EmittedByAny, "CircuitBreakerConflicts", Sum, Above(50.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("charge-requests-rejected", "gateway", Page, "The gateway rejects our charge requests as invalid.")
        .when(EmittedByAny, "ChargeRequestsRejected", Sum, Above(5.0)).for_periods(HOUR, 1, 1),
    Alarm::new("gateway-events-unreadable", "gateway", Ticket, "An event of the gateway about our payments cannot be read. It is not sent again.")
        .when(Emitted(PAYMENT_WEBHOOK), "WebhooksUnreadable", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("duplicate-charge", "duplicate-charge", Page, "The gateway charged twice for one payment and refunded neither.")
        .when(Emitted(PAYMENT_WEBHOOK), "DuplicateCharge", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("refunds-failed", "refunds-failed", Ticket, "The gateway will not refund an amount: a customer waits for money.")
        .when(EmittedByAny, "RefundsFailed", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("refund-approvals-waiting", "refund-approvals", Ticket, "A refund has waited for over a day for a second person's approval.")
        .when(Emitted(PAYMENT_RECONCILE), "RefundApprovalAge", Maximum, Above(86_400_000.0)).for_periods(15 * MINUTE, 1, 1),
    Alarm::new("payment-mismatches", "payment-mismatches", Page, "The gateway moved another amount than was asked.")
        .when(EmittedByAny, "PaymentMismatches", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("disputes-opened", "disputes", Ticket, "A customer's bank disputes a charge: evidence has a deadline.")
        .when(EmittedByAny, "DisputesOpened", Sum, Above(0.0)).for_periods(HOUR, 1, 1),
    Alarm::new("ledger-discrepancies", "ledger", Ticket, "The ledger and the gateway's statement differ.")
        .when(Emitted(LEDGER_RECONCILE), "LedgerDiscrepancies", Maximum, Above(0.0)).for_periods(HOUR, 1, 1),
    Alarm::new("balance-transactions-undecodable", "ledger", Ticket, "A transaction of the gateway cannot be read.")
        .when(EmittedByAny, "BalanceTransactionsUndecodable", Sum, Above(0.0)).for_periods(HOUR, 1, 1),
    Alarm::new("payments-unresolved", "payments-unresolved", Ticket, "Payments wait for a result of the gateway.")
        .when(Emitted(PAYMENT_RECONCILE), "PaymentsUnresolved", Minimum, Above(0.0)).for_periods(5 * MINUTE, 6, 6),
    Alarm::new("payment-reconciliation-errors", "payments-unresolved", Ticket, "A payment cannot be reconciled.")
        .when(Emitted(PAYMENT_RECONCILE), "PaymentReconciliationErrors", Sum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),

    // Outbound webhooks.
    Alarm::new("webhook-lag", "webhooks", Ticket, "Webhooks are sent over fifteen minutes after they are due.")
        .when(Emitted(WEBHOOK_DELIVER), "WebhookLag", Maximum, Above(900_000.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("webhook-attempt-errors", "webhooks", Ticket, "Webhooks that are due cannot be attempted.")
        .when(Emitted(WEBHOOK_DELIVER), "WebhookAttemptErrors", Maximum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("webhook-endpoints-disabled", "webhooks", Ticket, "An endpoint of webhooks was disabled, because it failed for days or is gone.")
        .when(Emitted(WEBHOOK_DELIVER), "WebhookEndpointsDisabled", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),

    // Functions and the API.
    Alarm::new("function-errors", "function-errors", Ticket, "Invocations of a function fail.")
        .when(Lambda(FunctionKind::Every), "Errors", Sum, AtLeast(1.0)).for_periods(MINUTE, 3, 5),
    // A response is a successful invocation, whatever its status.
    Alarm::new("function-server-errors", "function-server-errors", Ticket, "A function answers requests with server errors.")
        .when(EmittedByEach(FunctionKind::Http), "ServerErrors", Sum, AtLeast(1.0)).for_periods(MINUTE, 3, 5),
    Alarm::new("function-throttles", "function-throttles", Ticket, "Invocations of a function are throttled.")
        .when(Lambda(FunctionKind::Every), "Throttles", Sum, AtLeast(1.0)).for_periods(MINUTE, 5, 5),
    Alarm::new("function-duration", "function-duration", Ticket, "A function comes close to its timeout.")
        .when(Lambda(FunctionKind::Every), "Duration", P99, AboveTimeoutPercent(80)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("schedule-silent", "schedule-silent", Page, "A function that runs every few minutes did not run.")
        .when(Lambda(FunctionKind::Scheduled(5, 0)), "Invocations", Sum, Below(1.0)).for_periods(5 * MINUTE, 3, 3).or_missing_data(),
    Alarm::new("schedule-silent", "schedule-silent", Ticket, "A function that runs every hour or day did not run for two days.")
        .when(Lambda(FunctionKind::Scheduled(1440, 5)), "Invocations", Sum, Below(1.0)).for_periods(DAY, 2, 2).or_missing_data(),
    Alarm::new("api-errors", "api-errors", Page, "The API returns server errors.")
        .when(Api, "5xx", Sum, AtLeast(10.0)).for_periods(5 * MINUTE, 2, 2),
    Alarm::new("api-latency", "slow-requests", Ticket, "One request in a hundred takes over two seconds.")
        .when(Api, "Latency", P99, Above(2000.0)).for_periods(5 * MINUTE, 3, 3),

    // Stores.
    Alarm::new("database-capacity", "database", Page, "The database is at the end of its capacity.")
        .when(Database, "ACUUtilization", Maximum, Above(90.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("database-connections-pinned", "database", Ticket, "The proxy pins sessions, so that connections are not shared.")
        .when(DatabaseProxy, "DatabaseConnectionsCurrentlySessionPinned", Maximum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("database-borrow-latency", "database", Ticket, "Functions wait for a database connection.")
        .when(DatabaseProxy, "DatabaseConnectionsBorrowLatency", Maximum, Above(500_000.0)).for_periods(MINUTE, 5, 5),
    Alarm::new("revocations-unavailable", "cache", Ticket, "The cache does not respond: access tokens of ended sessions are accepted.")
        .when(EmittedByAny, "RevocationsUnavailable", Sum, Above(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("rate-limits-unavailable", "cache", Ticket, "The cache does not respond: requests of clients are not limited.")
        .when(EmittedByAny, "RateLimitsUnavailable", Sum, Above(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("cache-errors", "cache", Ticket, "The cache does not respond: products are read from the table.")
        .when(EmittedByAny, "CacheErrors", Sum, Above(100.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("table-read-throttles", "table-throttles", Ticket, "Reads of a table are throttled.")
        .when(Tables, "ReadThrottleEvents", Sum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("table-write-throttles", "table-throttles", Ticket, "Writes to a table are throttled.")
        .when(Tables, "WriteThrottleEvents", Sum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("stream-write-throttles", "table-throttles", Ticket, "Writes to a stream are throttled.")
        .when(Streams, "WriteProvisionedThroughputExceeded", Sum, Above(0.0)).for_periods(5 * MINUTE, 3, 3),
    Alarm::new("kafka-partitions-offline", "kafka", Page, "Partitions of Kafka topics have no leader.")
        .when(KafkaCluster, "OfflinePartitionsCount", Maximum, Above(0.0)).for_periods(MINUTE, 5, 5),

    // What expires, and what somebody else may take away.
    Alarm::new("certificate-expiry", "certificate-and-secrets", Page, "The certificate of the API's domain expires within 30 days.")
        .when(Certificate, "DaysToExpiry", Minimum, Below(30.0)).for_periods(DAY, 1, 1),
    Alarm::new("secret-rotation-failed", "certificate-and-secrets", Page, "A secret could not be rotated.")
        .when(Trail("{ $.eventName = \"RotationFailed\" }"), "SecretRotationFailed", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("key-deletion-scheduled", "security-events", Page, "A key is disabled or about to be deleted: its data would be lost.")
        .when(Trail("{ ($.eventSource = \"kms.amazonaws.com\") && (($.eventName = \"DisableKey\") || ($.eventName = \"ScheduleKeyDeletion\")) }"),
            "KeyDeletionScheduled", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("root-used", "security-events", Page, "The root user of the account did something.")
        .when(Trail("{ ($.userIdentity.type = \"Root\") && ($.userIdentity.invokedBy NOT EXISTS) && ($.eventType != \"AwsServiceEvent\") }"),
            "RootUsed", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("trail-changed", "security-events", Page, "The audit trail was stopped, changed or deleted.")
        .when(Trail("{ ($.eventName = \"StopLogging\") || ($.eventName = \"DeleteTrail\") || ($.eventName = \"UpdateTrail\") }"),
            "TrailChanged", Sum, Above(0.0)).for_periods(5 * MINUTE, 1, 1),
    Alarm::new("email-bounces", "email-reputation", Ticket, "Five percent of e-mails bounce; at ten, sending is paused.")
        .when(Email, "Reputation.BounceRate", Maximum, Above(0.05)).for_periods(HOUR, 1, 1),
    Alarm::new("email-complaints", "email-reputation", Ticket, "One e-mail in a thousand is complained about; at five, sending is paused.")
        .when(Email, "Reputation.ComplaintRate", Maximum, Above(0.001)).for_periods(HOUR, 1, 1),
];
