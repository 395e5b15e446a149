//! What a function uses besides its trigger.

use crate::{Action, Bucket, COUNTER_KEY, Function, KafkaTopic, ORIGIN_SECRET, Secret, Stream, Table};

/// A resource that a function uses besides its trigger. Determines its environment variables and permissions.
#[derive(Debug, Clone, Copy)]
pub enum Uses {
    /// The PostgreSQL schema of its context, with the context's role.
    Postgres,
    /// The PostgreSQL schema of its context, with the context's role that only reads.
    PostgresRead,
    /// PostgreSQL, with a role that logs in and can read nothing: whether it responds.
    PostgresProbe,
    /// The inbox, the event records and the actions of operations, with a role that adds entries and can read no table.
    PostgresHandledEvents,
    /// The database as its owner; for migrations only.
    PostgresOwner,
    /// The secrets with the passwords of the database roles, to rotate them.
    RoleSecrets(&'static [Action]),
    Redis,
    /// A DynamoDB table of its context.
    Table(&'static Table, &'static [Action]),
    /// A bucket of its context.
    Bucket(&'static Bucket, &'static [Action]),
    Secret(&'static Secret, &'static [Action]),
    /// A Kinesis stream of its context, to write to.
    Stream(&'static Stream, &'static [Action]),
    /// The queues of all consumers.
    Queues(&'static [Action]),
    /// The dead-letter queues of all consumers.
    DeadLetterQueues(&'static [Action]),
    /// The event source mappings of all consumers.
    EventSourceMappings(&'static [Action]),
    /// The event bus, to publish to.
    Bus,
    /// The event log on Kafka, to write to.
    Kafka,
    /// A Kafka topic, to write to.
    KafkaTopic(&'static KafkaTopic),
    /// Every Kafka topic, to append records to again.
    AllKafkaTopics,
    /// The Kafka cluster, to create topics.
    KafkaTopics,
    Gateway,
    /// SES, to send e-mail.
    Email,
    /// SNS, to send text messages.
    Sms,
    /// SNS, to send push notifications.
    Push,
    /// SNS, to register push endpoints.
    PushEndpoints(&'static [Action]),
    /// The environment's policy for paid orders that cannot be allocated.
    ShortfallPolicy,
    /// The environment's time zone and year of invoice series.
    InvoiceCalendar,
    /// The seller that invoices name.
    InvoiceSeller,
    /// The environment's limits of orders.
    OrderLimits,
    /// The environment's tax rates and shipping prices.
    OrderRates,
    /// The environment's limit of payment attempts that fail.
    AttemptLimit,
    /// Up to how much staff refunds without an approval in the environment.
    RefundLimit,
    /// The environment's limits of messages that cost money.
    MessageLimits,
    /// The roles that need a second factor in the environment.
    MfaPolicy,
    /// Sessions of browsers by cookie: the origins of their pages, and that of the API itself.
    BrowserSessions,
    /// Where webhooks may be sent, in this environment.
    WebhookTargets,
    /// The environment's limit of registrations.
    RegistrationLimit,
    /// The environment's limit of records that wait to be written.
    RecordBacklog,
    /// The platform's own HTTP API.
    Api,
}

/// What counts attempts, such as logins, by address: the key that names the counters, and the proof that an address is the client's.
const ATTEMPT_COUNTERS: &[Uses] =
    &[Uses::Secret(&COUNTER_KEY, &[Action::GetSecretValue]), Uses::Secret(&ORIGIN_SECRET, &[Action::GetSecretValue])];
/// What limits the requests of clients who do not log in: the proof of their address.
const VIEWER_LIMITS: &[Uses] = &[Uses::Secret(&ORIGIN_SECRET, &[Action::GetSecretValue])];

impl Function {
    /// The resources that it uses besides its trigger.
    pub fn resources(&self) -> impl Iterator<Item = &'static Uses> {
        let counters: &[_] = match self.counts_attempts {
            true => ATTEMPT_COUNTERS,
            false if self.limits_viewers() => VIEWER_LIMITS,
            false => &[],
        };
        self.declared.iter().chain(counters)
    }
}
