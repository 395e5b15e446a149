//! Tables, streams, topics, buckets and secrets. Physical names are `quayside-<stage>-<name>`.

use crate::Context;

/// A DynamoDB table.
#[derive(Debug)]
pub struct Table {
    /// Logical name.
    pub name: &'static str,
    /// Its owner.
    pub context: Context,
    /// Partition key, a string.
    pub key: &'static str,
    /// Environment variable that tells functions its physical name.
    pub env: &'static str,
    /// Attribute that holds the epoch second after which an item may be dropped.
    pub ttl: &'static str,
}

/// Products, their SKU claims and the idempotency records of their creation, told apart by the prefix of the key.
pub const PRODUCTS: Table =
    Table { name: "products", context: Context::Catalogue, key: "pk", env: "PRODUCTS_TABLE", ttl: "expires_at" };

/// Every table.
pub const TABLES: &[&Table] = &[&PRODUCTS];

/// A Kinesis stream.
#[derive(Debug)]
pub struct Stream {
    /// Logical name.
    pub name: &'static str,
    /// Environment variable that tells functions its physical name.
    pub env: &'static str,
}

/// Order and payment facts for the windows of analytics.
pub const ANALYTICS: Stream = Stream { name: "analytics", env: "ANALYTICS_STREAM" };

/// Every stream.
pub const STREAMS: &[&Stream] = &[&ANALYTICS];

/// An SNS topic that fans out to queues.
#[derive(Debug)]
pub struct Topic {
    /// Logical name.
    pub name: &'static str,
    /// The context whose events it carries, or whose notices.
    pub context: Context,
    /// Who feeds it.
    pub source: TopicSource,
}

/// Who feeds a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicSource {
    /// The bus, with the events that its listeners ask for.
    Bus,
    /// Mail, with what became of letters.
    Email,
}

/// What happened to orders, for all who tell somebody of it.
pub const ORDER_UPDATES: Topic = Topic { name: "order-updates", context: Context::Orders, source: TopicSource::Bus };

/// Letters that came back or were complained about.
pub const EMAIL_FEEDBACK: Topic =
    Topic { name: "email-feedback", context: Context::Notifications, source: TopicSource::Email };

/// Every SNS topic.
pub const TOPICS: &[&Topic] = &[&ORDER_UPDATES, &EMAIL_FEEDBACK];

/// A Kafka topic.
#[derive(Debug, PartialEq, Eq)]
pub struct KafkaTopic {
    /// Its name on the cluster.
    pub name: &'static str,
    /// Number of partitions; the key of a record (the event's subject) chooses one.
    pub partitions: i32,
}

/// Orders and what follows from them.
pub const ORDER_EVENTS: KafkaTopic = KafkaTopic { name: "order-events", partitions: 4 };
/// Charges.
pub const PAYMENT_EVENTS: KafkaTopic = KafkaTopic { name: "payment-events", partitions: 4 };
/// Products and their stock.
pub const INVENTORY_EVENTS: KafkaTopic = KafkaTopic { name: "inventory-events", partitions: 4 };
/// People, without what is personal.
pub const USER_EVENTS: KafkaTopic = KafkaTopic { name: "user-events", partitions: 2 };
/// What was sent to whom.
pub const NOTIFICATION_EVENTS: KafkaTopic = KafkaTopic { name: "notification-events", partitions: 2 };

/// Every Kafka topic.
pub const KAFKA_TOPICS: &[&KafkaTopic] =
    &[&ORDER_EVENTS, &PAYMENT_EVENTS, &INVENTORY_EVENTS, &USER_EVENTS, &NOTIFICATION_EVENTS];

/// An S3 bucket. Private, encrypted, TLS only.
#[derive(Debug)]
pub struct Bucket {
    /// Logical name.
    pub name: &'static str,
    /// Its owner.
    pub context: Context,
    /// Environment variable that tells functions its physical name.
    pub env: &'static str,
}

/// Invoices, written once.
pub const INVOICES: Bucket = Bucket { name: "invoices", context: Context::Invoices, env: "INVOICES_BUCKET" };
/// Every event, under a date prefix.
pub const ARCHIVE: Bucket = Bucket { name: "event-archive", context: Context::Operations, env: "ARCHIVE_BUCKET" };

/// Every bucket.
pub const BUCKETS: &[&Bucket] = &[&INVOICES, &ARCHIVE];

/// A secret in Secrets Manager.
#[derive(Debug)]
pub struct Secret {
    /// Logical name.
    pub name: &'static str,
    /// Environment variable that tells functions its ARN.
    pub env: &'static str,
}

/// The keys that sign access tokens: the current one and its predecessor.
pub const SIGNING_KEYS: Secret = Secret { name: "signing-keys", env: "SIGNING_KEYS_SECRET" };

/// The payment gateway's secret key.
pub const GATEWAY_KEY: Secret = Secret { name: "gateway-key", env: "GATEWAY_KEY_SECRET" };

/// What the payment gateway signs its webhooks with.
pub const WEBHOOK_SECRET: Secret = Secret { name: "webhook-secret", env: "WEBHOOK_SECRET" };

/// Every secret.
pub const SECRETS: &[&Secret] = &[&SIGNING_KEYS, &GATEWAY_KEY, &WEBHOOK_SECRET];

/// Logical name of the event bus.
pub const BUS: &str = "events";
