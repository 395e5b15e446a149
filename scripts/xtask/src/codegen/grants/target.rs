//! The resources that permissions refer to, in the template and in Terraform.

use super::kafka;
use crate::codegen::{
    cfn::{arn, attribute, reference, sub, when},
    names::{bucket_text, consumer_group, dead_letter_queue, logical, physical_text},
};
use serde_json::{Value, json};

/// The resources of a grant.
#[derive(Debug, Clone)]
pub enum Target {
    /// The function's log group.
    Logs(&'static str),
    Table(&'static str),
    /// The index of a table.
    Index(&'static str, &'static str),
    /// The DynamoDB stream of a table.
    TableChanges(&'static str),
    Bucket(&'static str),
    /// The objects of a bucket.
    Objects(&'static str),
    Secret(&'static str),
    /// The secrets of the database roles.
    RoleSecrets,
    Stream(&'static str),
    Bus,
    Queue(&'static str),
    /// A function's dead-letter queue.
    DeadLetterQueue(&'static str),
    /// The queues of functions.
    Queues(Vec<&'static str>),
    /// The dead-letter queues of functions.
    DeadLetterQueues(Vec<&'static str>),
    /// Every event source mapping.
    Mappings,
    /// The list of event source mappings.
    MappingList,
    DatabaseUser(&'static str),
    /// The cache, as the user of the functions.
    Cache,
    KafkaCluster,
    /// The secret with the login of the Kafka cluster.
    KafkaLogin,
    /// Topics of the Kafka cluster.
    KafkaTopics(Vec<&'static str>),
    /// The consumer groups of a function, one per topic.
    KafkaGroups(&'static str, Vec<&'static str>),
    /// Sending e-mail from the platform's address.
    Email,
    /// Sending text messages to phone numbers.
    PhoneNumbers,
    /// Publishing to push endpoints.
    PushEndpoints,
    /// Creating push endpoints of the platform application.
    PushApplication,
    /// Network interfaces in the VPC.
    Network,
    Traces,
}

/// Everything in SNS that has an ARN. A phone number has none.
pub(super) const NAMED_TOPICS: &str = "arn:*:sns:*:*:*";

impl Target {
    /// Why the resource is `*`, or `None` if it is not.
    #[must_use]
    pub const fn wildcard_reason(&self) -> Option<&'static str> {
        match self {
            Self::Email => Some("the identity is the sender address or its domain; ses:FromAddress restricts it"),
            Self::PhoneNumbers => Some("a phone number has no ARN; NotResource excludes everything that has one"),
            Self::Network => Some("Lambda checks these on * before the interfaces exist"),
            Self::MappingList => Some("Lambda has no resource-level permissions for lists"),
            Self::Traces => Some("X-Ray has no resource-level permissions"),
            _ => None,
        }
    }

    /// The template condition of the statement.
    pub(super) const fn condition(&self) -> Option<&'static str> {
        match self {
            Self::Cache => Some("HasRedisIam"),
            Self::KafkaCluster | Self::KafkaTopics(_) | Self::KafkaGroups(..) => Some("HasKafkaCluster"),
            Self::KafkaLogin => Some("HasKafkaLogin"),
            Self::Network => Some("InNetwork"),
            Self::PushEndpoints | Self::PushApplication => Some("HasPushApplication"),
            _ => None,
        }
    }
}

impl Target {
    /// `Resource` of the statement in the template.
    pub(super) fn resources(&self) -> Value {
        match self {
            Self::Logs(function) => attribute(&logical(function, "LogGroup"), "Arn"),
            Self::Table(name) => arn("dynamodb", &format!("table/{}", physical_text(name))),
            Self::Index(table, index) => arn("dynamodb", &format!("table/{}/index/{index}", physical_text(table))),
            Self::TableChanges(name) => arn("dynamodb", &format!("table/{}/stream/*", physical_text(name))),
            Self::Bucket(name) => sub(&format!("arn:${{AWS::Partition}}:s3:::{}", bucket_text(name))),
            Self::Objects(name) => sub(&format!("arn:${{AWS::Partition}}:s3:::{}/*", bucket_text(name))),
            Self::Secret(name) => attribute(&logical(name, "Secret"), "Id"),
            Self::RoleSecrets => {
                let path = format!("secret:{}/${{Stage}}/{}/*", catalog::PREFIX, catalog::ROLE_SECRETS);
                arn("secretsmanager", &path)
            }
            Self::Stream(name) => arn("kinesis", &format!("stream/{}", physical_text(name))),
            Self::Bus => arn("events", &format!("event-bus/{}", physical_text(catalog::BUS))),
            Self::Queue(function) => arn("sqs", &physical_text(function)),
            Self::DeadLetterQueue(function) => arn("sqs", &physical_text(&dead_letter_queue(function))),
            Self::Queues(functions) => functions.iter().map(|function| arn("sqs", &physical_text(function))).collect(),
            Self::DeadLetterQueues(functions) => {
                functions.iter().map(|function| arn("sqs", &physical_text(&dead_letter_queue(function)))).collect()
            }
            Self::Mappings => arn("lambda", "event-source-mapping:*"),
            Self::DatabaseUser(user) => arn("rds-db", &format!("dbuser:${{DatabaseResourceId}}/{user}")),
            Self::Cache => json!([
                arn("elasticache", "replicationgroup:${RedisIamCache}"),
                arn("elasticache", &format!("user:{}", physical_text("functions"))),
            ]),
            Self::KafkaCluster => reference("KafkaClusterArn"),
            Self::KafkaLogin => reference("KafkaLoginSecretArn"),
            Self::KafkaTopics(names) => names.iter().map(|name| kafka::arn("topic", name)).collect(),
            Self::KafkaGroups(function, topics) => topics
                .iter()
                .map(|topic| kafka::arn("group", &physical_text(&consumer_group(function, topic))))
                .collect(),
            Self::PushEndpoints => when("OnAws", endpoint_arns("endpoint"), endpoint_arns("app")),
            Self::PushApplication => {
                when("OnAws", json!([reference("PushApplicationArn"), endpoint_arns("endpoint")]), json!("*"))
            }
            Self::Email | Self::PhoneNumbers | Self::MappingList | Self::Network | Self::Traces => json!("*"),
        }
    }

    /// Kind and names for Terraform.
    pub(super) fn described(&self) -> (&'static str, Vec<String>) {
        let one = |name: &str| vec![name.to_owned()];
        match self {
            Self::Logs(name) => ("logs", one(name)),
            Self::Table(name) => ("table", one(name)),
            Self::Index(table, _) => ("index", one(table)),
            Self::TableChanges(name) => ("table_changes", one(name)),
            Self::Bucket(name) => ("bucket", one(name)),
            Self::Objects(name) => ("objects", one(name)),
            Self::Secret(name) => ("secret", one(name)),
            Self::RoleSecrets => ("role_secrets", Vec::new()),
            Self::Stream(name) => ("stream", one(name)),
            Self::Bus => ("bus", one(catalog::BUS)),
            Self::Queue(name) => ("queue", one(name)),
            Self::DeadLetterQueue(name) => ("dead_letter_queue", one(name)),
            Self::Queues(names) => ("queue", names.iter().map(ToString::to_string).collect()),
            Self::DeadLetterQueues(names) => ("dead_letter_queue", names.iter().map(ToString::to_string).collect()),
            Self::Mappings => ("mappings", Vec::new()),
            Self::MappingList => ("mapping_list", Vec::new()),
            Self::DatabaseUser(name) => ("database_user", one(name)),
            Self::Cache => ("cache", Vec::new()),
            Self::KafkaCluster => ("kafka_cluster", Vec::new()),
            Self::KafkaLogin => ("kafka_login", Vec::new()),
            Self::KafkaTopics(names) => ("kafka_topics", names.iter().map(ToString::to_string).collect()),
            Self::KafkaGroups(function, topics) => {
                ("kafka_groups", topics.iter().map(|topic| consumer_group(function, topic)).collect())
            }
            Self::Email => ("email", Vec::new()),
            Self::PhoneNumbers => ("phone_numbers", Vec::new()),
            Self::PushEndpoints => ("push_endpoints", Vec::new()),
            Self::PushApplication => ("push_application", Vec::new()),
            Self::Network => ("network", Vec::new()),
            Self::Traces => ("traces", Vec::new()),
        }
    }
}

/// ARNs of the platform application's endpoints: the application's ARN with another kind and one more part. The emulator keeps the
/// kind `app`, and checks calls that create endpoints on `*`.
fn endpoint_arns(kind: &str) -> Value {
    let split = json!({ "Fn::Split": [":app/", reference("PushApplicationArn")] });
    let part = |index: u8| json!({ "Fn::Select": [index, split] });
    json!({ "Fn::Join": ["", [part(0), format!(":{kind}/"), part(1), "/*"]] })
}
