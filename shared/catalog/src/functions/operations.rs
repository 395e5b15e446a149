//! The functions of operations.

use super::*;

functions! {
    /// Forwards every event to Kafka.
    EVENT_FORWARD = Function::new("event-forward", Operations).triggered(AllEvents)
        .uses(&[Uses::Kafka, Uses::PostgresHandledEvents]).timeout(20)
        .batched(100, 20).memory(512).concurrency(20).by_version();
    /// Creates the topics of the event log that do not exist.
    TOPICS_CREATE = Function::new("topics-create", Operations).uses(&[Uses::KafkaTopics]).timeout(60);
    /// Archives the topics to S3, in windows of minutes: each batch makes an object for each partition.
    EVENT_ARCHIVE = Function::new("event-archive", Operations)
        .triggered(Kafka(KAFKA_TOPICS)).uses(&[Uses::Bucket(&ARCHIVE, &[PutObject])]).timeout(30)
        .batched(1000, 300).memory(512);
    /// Records every event, for the timeline of an order and for the audit of what staff changed.
    EVENT_RECORD = Function::new("event-record", Operations)
        .triggered(Kafka(KAFKA_TOPICS)).uses(&[Uses::PostgresHandledEvents]).timeout(30)
        .batched(1000, 10).memory(512);
    /// Lists the events about an order, with the consumers that have handled each.
    ORDER_TIMELINE_GET = Function::new("order-timeline-get", Operations)
        .http(Get, "/api/v1/ops/orders/{id}/timeline", ADMIN_ONLY).uses(&[Uses::PostgresRead]);
    /// Lists every consumer with its state and the numbers of its messages and of its dead letters.
    QUEUE_LIST = Function::new("queue-list", Operations).http(Get, "/api/v1/ops/queues", ADMIN_ONLY)
        .uses(&[
            Uses::Queues(&[GetQueueAttributes]),
            Uses::DeadLetterQueues(&[GetQueueAttributes]),
            Uses::EventSourceMappings(&[ListEventSourceMappings]),
        ]).timeout(20);
    /// Pauses or resumes a consumer.
    CONSUMER_STATE_UPDATE = Function::new("consumer-state-update", Operations)
        .http(Put, "/api/v1/ops/consumers/{name}/state", ADMIN_ONLY).honours_key()
        .uses(&[
            Uses::EventSourceMappings(&[ListEventSourceMappings, UpdateEventSourceMapping]),
            Uses::PostgresHandledEvents,
        ]).timeout(25);
    /// Lists dead letters of a consumer, with their reasons and with what it would do with them.
    DEAD_LETTER_LIST = Function::new("dead-letter-list", Operations).http(Get, "/api/v1/ops/dead-letters", ADMIN_ONLY)
        .uses(&[Uses::DeadLetterQueues(&[ChangeMessageVisibility, ReceiveMessage]), Uses::PostgresRead]).timeout(20);
    /// Moves dead letters of a consumer back to its queue, or to the topic that it reads, or discards them.
    QUEUE_REDRIVE = Function::new("queue-redrive", Operations).http(Post, "/api/v1/ops/queues/{name}/redrive", ADMIN_ONLY)
        .honours_key().uses(&[
            Uses::Queues(&[SendMessage]),
            Uses::DeadLetterQueues(&[ChangeMessageVisibility, DeleteMessage, ReceiveMessage]),
            Uses::AllKafkaTopics,
            Uses::PostgresHandledEvents,
        ]).timeout(25);
    /// Delivers published events again to one consumer.
    EVENT_REPLAY = Function::new("event-replay", Operations).http(Post, "/api/v1/ops/replay", ADMIN_ONLY)
        .honours_key().uses(&[Uses::Queues(&[SendMessage]), Uses::Postgres]).timeout(25);
    /// Lists what operators did.
    OPERATOR_ACTION_LIST = Function::new("operator-action-list", Operations).http(Get, "/api/v1/ops/audit", ADMIN_ONLY)
        .uses(&[Uses::PostgresRead]);
    /// Lists the policies, rates and limits of the environment.
    SETTING_LIST = Function::new("setting-list", Operations).http(Get, "/api/v1/ops/settings", ADMIN_ONLY)
        .uses(&[
            Uses::AttemptLimit, Uses::InvoiceCalendar, Uses::InvoiceSeller, Uses::MessageLimits, Uses::MfaPolicy, Uses::OrderLimits,
            Uses::OrderRates, Uses::RecordBacklog, Uses::RefundLimit, Uses::RegistrationLimit, Uses::ShortfallPolicy, Uses::WebhookTargets,
        ]);
    /// Publishes events that were committed and not published, and removes expired records.
    OUTBOX_SWEEP = Function::new("outbox-sweep", Operations).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::EventSourceMappings(&[ListEventSourceMappings])]).timeout(240).memory(512);
    /// Places a test order as a customer does, waits until it is confirmed, and cancels it.
    CANARY_ORDER = Function::new("canary-order", Operations).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Api, Uses::Secret(&CANARY_ACCOUNT, &[GetSecretValue])]).timeout(120);
    /// Migrates the database.
    DATABASE_MIGRATE = Function::new("database-migrate", Operations).uses(&[Uses::PostgresOwner])
        .memory(512).timeout(300);
    /// Answers requests that match no route: 404, or 405 with the methods of the path.
    ROUTE_DEFAULT = Function::new("route-default", Operations).triggered(DefaultRoute).concurrency(20);
    /// Rotates the password of a database role.
    DATABASE_SECRET_ROTATE = Function::new("database-secret-rotate", Operations)
        .uses(&[Uses::PostgresOwner, Uses::RoleSecrets(&[GetSecretValue, PutSecretValue, UpdateSecretVersionStage])])
        .timeout(30);
    /// Reports that the process is alive.
    HEALTH_GET = Function::new("health-get", Operations).http(Get, "/health", Public).unlimited();
    /// Reports whether the dependencies are available.
    READY_GET = Function::new("ready-get", Operations).http(Get, "/ready", Public).unlimited().uses(&[Uses::PostgresProbe, Uses::Redis]);
    /// Returns the OpenAPI document of the routes.
    OPENAPI_GET = Function::new("openapi-get", Operations).http(Get, "/openapi.json", Public).unlimited();
    /// Returns the AsyncAPI document of the events.
    ASYNCAPI_GET = Function::new("asyncapi-get", Operations).http(Get, "/asyncapi.json", Public).unlimited();
    /// Returns the page on which routes can be tried.
    DOCS_GET = Function::new("docs-get", Operations).http(Get, "/docs", Public).unlimited();
    /// Explains a problem type.
    PROBLEM_GET = Function::new("problem-get", Operations).http(Get, "/problems/{code}", Public).unlimited();
}
