//! DynamoDB tables, Kinesis streams, topics, buckets and secrets. Physical names are `quayside-<stage>-<name>`.

use crate::Context;

#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub context: Context,
    /// Name of the partition key, a string.
    pub key: &'static str,
    /// Environment variable that contains its physical name.
    pub env: &'static str,
    /// TTL attribute: epoch seconds after which an item expires.
    pub ttl: &'static str,
    /// The index of the items by the hour of their last change, for the sweep of what the table's stream lost.
    pub index: Index,
}

/// A global secondary index of a table. It has the keys of the items that have its attribute, and nothing else of them.
#[derive(Debug)]
pub struct Index {
    pub name: &'static str,
    /// Name of its partition key, a string.
    pub key: &'static str,
}

/// Products, reservations of SKUs and idempotency records, distinguished by the prefix of the key.
pub const PRODUCTS: Table = Table {
    name: "products",
    context: Context::Catalogue,
    key: "pk",
    env: "PRODUCTS_TABLE",
    ttl: "expires_at",
    index: Index { name: "by-change", key: "changed_in" },
};

pub const TABLES: &[&Table] = &[&PRODUCTS];

#[derive(Debug)]
pub struct Stream {
    pub name: &'static str,
    /// Environment variable that contains its physical name.
    pub env: &'static str,
}

/// What analytics uses of orders, payments and erasures, for its windows.
pub const ANALYTICS: Stream = Stream { name: "analytics", env: "ANALYTICS_STREAM" };

pub const STREAMS: &[&Stream] = &[&ANALYTICS];

/// An SNS topic that fans out to queues.
#[derive(Debug)]
pub struct Topic {
    pub name: &'static str,
    /// The context that publishes to the topic or owns it.
    pub context: Context,
    pub source: TopicSource,
}

/// The publisher of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicSource {
    /// The event bus, with the events that the topic's subscribers consume.
    Bus,
    /// SES, with bounces and complaints.
    Email,
}

/// Order updates, for notifications and invoices.
pub const ORDER_UPDATES: Topic = Topic { name: "order-updates", context: Context::Orders, source: TopicSource::Bus };

/// Bounces and complaints reported by SES.
pub const EMAIL_FEEDBACK: Topic =
    Topic { name: "email-feedback", context: Context::Notifications, source: TopicSource::Email };

pub const TOPICS: &[&Topic] = &[&ORDER_UPDATES, &EMAIL_FEEDBACK];

#[derive(Debug, PartialEq, Eq)]
pub struct KafkaTopic {
    /// Name on the cluster.
    pub name: &'static str,
    /// Number of partitions. Records are partitioned by the event's subject.
    pub partitions: i32,
    pub cleanup: Cleanup,
}

/// What a topic does with old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// It deletes them after its retention.
    Delete,
    /// Also before that, all but the last of each key; a tombstone deletes its key.
    CompactAndDelete,
}

impl Cleanup {
    /// The settings of the topic. Consumers may be three days behind without missing a record that is compacted; what is erased is gone after four,
    /// with the segments that are cleaned then.
    pub const fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Delete => &[("cleanup.policy", "delete")],
            Self::CompactAndDelete => &[
                ("cleanup.policy", "compact,delete"),
                ("min.compaction.lag.ms", "259200000"),
                ("max.compaction.lag.ms", "345600000"),
            ],
        }
    }
}

/// Orders and invoices.
pub const ORDER_EVENTS: KafkaTopic = KafkaTopic { name: "order-events", partitions: 4, cleanup: Cleanup::Delete };
/// Payments, refunds and the ledger.
pub const PAYMENT_EVENTS: KafkaTopic = KafkaTopic { name: "payment-events", partitions: 4, cleanup: Cleanup::Delete };
/// Products and stock.
pub const INVENTORY_EVENTS: KafkaTopic =
    KafkaTopic { name: "inventory-events", partitions: 4, cleanup: Cleanup::Delete };
/// Users, without personal data. Compacted, so that the tombstone of an erased person deletes what is about them.
pub const USER_EVENTS: KafkaTopic =
    KafkaTopic { name: "user-events", partitions: 2, cleanup: Cleanup::CompactAndDelete };
/// Notifications.
pub const NOTIFICATION_EVENTS: KafkaTopic =
    KafkaTopic { name: "notification-events", partitions: 2, cleanup: Cleanup::Delete };

/// Windows of analytics as they are closed and corrected, and anomalies; by window.
pub const ANALYTICS_RESULTS: KafkaTopic =
    KafkaTopic { name: "analytics-results", partitions: 2, cleanup: Cleanup::Delete };

/// The topics of the event log.
pub const KAFKA_TOPICS: &[&KafkaTopic] =
    &[&ORDER_EVENTS, &PAYMENT_EVENTS, &INVENTORY_EVENTS, &USER_EVENTS, &NOTIFICATION_EVENTS, &ANALYTICS_RESULTS];

/// Records that were accepted and are not written yet, partitioned by their ids. No events: their order means nothing, and the event log
/// does not have them.
pub const RECORD_TOPIC: KafkaTopic = KafkaTopic { name: "records", partitions: 8, cleanup: Cleanup::Delete };

/// Every topic, those of the event log first.
pub const ALL_KAFKA_TOPICS: &[&KafkaTopic] = &[
    &ORDER_EVENTS,
    &PAYMENT_EVENTS,
    &INVENTORY_EVENTS,
    &USER_EVENTS,
    &NOTIFICATION_EVENTS,
    &ANALYTICS_RESULTS,
    &RECORD_TOPIC,
];

/// An S3 bucket. Private, encrypted, TLS only.
#[derive(Debug)]
pub struct Bucket {
    pub name: &'static str,
    pub context: Context,
    /// Environment variable that contains its physical name.
    pub env: &'static str,
    /// Years for which nobody can delete an object in production; 0: no lock.
    pub locked_years: u32,
    /// Days after which objects are deleted; not before the end of the lock. 0: when somebody deletes them.
    pub retained_days: u32,
}

/// Invoice documents, written once. Kept for the ten years that tax law demands, and locked for as long.
pub const INVOICES: Bucket = Bucket {
    name: "invoices",
    context: Context::Invoices,
    env: "INVOICES_BUCKET",
    locked_years: 10,
    retained_days: 10 * 366,
};
/// All events, partitioned by date.
pub const ARCHIVE: Bucket = Bucket {
    name: "event-archive",
    context: Context::Operations,
    env: "ARCHIVE_BUCKET",
    locked_years: 0,
    retained_days: 7 * 366,
};

/// Uploads, variants and quarantined files of product images, distinguished by the prefix of the key. Kept until staff delete them.
pub const PRODUCT_IMAGES: Bucket = Bucket {
    name: "product-images",
    context: Context::Catalogue,
    env: "IMAGES_BUCKET",
    locked_years: 0,
    retained_days: 0,
};

/// Files of imports and exports of products. Kept as long as the jobs that they belong to.
pub const PRODUCT_FILES: Bucket = Bucket {
    name: "product-files",
    context: Context::Catalogue,
    env: "FILES_BUCKET",
    locked_years: 0,
    retained_days: 30,
};

/// Records that are older than the database keeps them, as Parquet files by day.
pub const RECORD_ARCHIVE: Bucket = Bucket {
    name: "record-archive",
    context: Context::Records,
    env: "RECORD_ARCHIVE_BUCKET",
    locked_years: 0,
    retained_days: 7 * 366,
};

pub const BUCKETS: &[&Bucket] = &[&INVOICES, &ARCHIVE, &PRODUCT_IMAGES, &PRODUCT_FILES, &RECORD_ARCHIVE];

/// A secret in Secrets Manager.
#[derive(Debug)]
pub struct Secret {
    pub name: &'static str,
    /// Environment variable that contains its ARN.
    pub env: &'static str,
    /// The function that replaces the value when a schedule invokes it with `{}`. `None`: a third party issues the value, and an operator
    /// puts it in, or it goes with another secret that is replaced.
    pub rotated_by: Option<&'static str>,
}

/// The private signing keys of access tokens: the current and the previous one. Only functions that sign, or make keys, may read them.
pub const SIGNING_KEYS: Secret =
    Secret { name: "signing-keys", env: "SIGNING_KEYS_SECRET", rotated_by: Some("key-rotate") };

/// The public halves of the signing keys, as a JSON Web Key Set. `key-rotate` writes them with the private ones. They are no secret; they are
/// kept as one because whoever can replace them can forge tokens, and because verifiers read a secret like the signers do.
pub const VERIFICATION_KEYS: Secret =
    Secret { name: "verification-keys", env: "VERIFICATION_KEYS_SECRET", rotated_by: None };

/// The keys that seal small secrets before a database stores them. `key-rotate` adds one with each signing key; none is removed, since
/// what it sealed stays.
pub const SEALING_KEYS: Secret = Secret { name: "sealing-keys", env: "SEALING_KEYS_SECRET", rotated_by: None };
/// The key of the hashes that name counters of logins and registrations. `key-rotate` makes it once; another one resets the counters.
pub const COUNTER_KEY: Secret = Secret { name: "counter-key", env: "COUNTER_KEY_SECRET", rotated_by: None };

/// What the CloudFront distribution sends with each request, as proof that the address that it passes on is the client's. The previous value
/// may be on a second line.
pub const ORIGIN_SECRET: Secret = Secret { name: "origin-secret", env: "ORIGIN_SECRET", rotated_by: None };

/// The secret API key of the payment gateway.
pub const GATEWAY_KEY: Secret = Secret { name: "gateway-key", env: "GATEWAY_KEY_SECRET", rotated_by: None };

/// The signing secret of the payment gateway's webhooks.
pub const WEBHOOK_SECRET: Secret = Secret { name: "webhook-secret", env: "WEBHOOK_SECRET", rotated_by: None };

/// The account of the synthetic canary and what it orders. `scripts/canary` puts it in, with a new password each time.
pub const CANARY_ACCOUNT: Secret = Secret { name: "canary-account", env: "CANARY_ACCOUNT_SECRET", rotated_by: None };

pub const SECRETS: &[&Secret] = &[
    &SIGNING_KEYS,
    &VERIFICATION_KEYS,
    &SEALING_KEYS,
    &COUNTER_KEY,
    &ORIGIN_SECRET,
    &GATEWAY_KEY,
    &WEBHOOK_SECRET,
    &CANARY_ACCOUNT,
];

/// Path of the secrets with the passwords of database roles, below product and stage; the name of the role follows.
pub const ROLE_SECRETS: &str = "database";

/// Logical name of the event bus.
pub const BUS: &str = "events";
