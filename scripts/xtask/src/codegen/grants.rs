//! Permissions of functions: the least privilege that trigger and uses require, for both the template and Terraform.

mod kafka;

use super::{
    cfn::{arn, arn_text, attribute, only_when, reference, sub, when},
    names::{consumer_group, dead_letter_queue, logical, physical_text},
};
use catalog::{Access, Function, Trigger, Uses};
use serde_json::{Value, json};

/// An IAM statement: actions on one kind of resource.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Statement id, which says what the permission is for.
    pub sid: &'static str,
    /// IAM actions, without wildcards.
    pub actions: Vec<&'static str>,
    /// The resources.
    pub target: Target,
}

/// The resources of a grant.
#[derive(Debug, Clone)]
pub enum Target {
    /// The function's log group.
    Logs(&'static str),
    /// A table.
    Table(&'static str),
    /// The DynamoDB stream of a table.
    TableChanges(&'static str),
    /// A bucket.
    Bucket(&'static str),
    /// The objects of a bucket.
    Objects(&'static str),
    /// A secret.
    Secret(&'static str),
    /// The secrets of the database roles.
    RoleSecrets,
    /// A Kinesis stream.
    Stream(&'static str),
    /// The event bus.
    Bus,
    /// A function's queue.
    Queue(&'static str),
    /// A function's dead-letter queue.
    DeadLetterQueue(&'static str),
    /// A database role.
    DatabaseUser(&'static str),
    /// The cache, as the user of the functions.
    Cache,
    /// The Kafka cluster.
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
    /// Trace segments.
    Traces,
}

/// Everything in SNS that has an ARN. A phone number has none.
const NAMED_TOPICS: &str = "arn:*:sns:*:*:*";

impl Target {
    /// Why the resource is `*`, or `None` if it is not.
    #[must_use]
    pub const fn wildcard_reason(&self) -> Option<&'static str> {
        match self {
            Self::Email => Some("the identity is the sender address or its domain; ses:FromAddress restricts it"),
            Self::PhoneNumbers => Some("a phone number has no ARN; NotResource excludes everything that has one"),
            Self::Network => Some("Lambda checks these on * before the interfaces exist"),
            Self::Traces => Some("X-Ray has no resource-level permissions"),
            _ => None,
        }
    }

    /// The template condition of the statement.
    const fn condition(&self) -> Option<&'static str> {
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

/// Whether a function uses something in the VPC.
#[must_use]
pub fn needs_network(function: &Function) -> bool {
    function.database_role().is_some()
        || function
            .uses
            .iter()
            .any(|uses| matches!(uses, Uses::PostgresOwner | Uses::Redis | Uses::Kafka | Uses::KafkaTopics))
}

/// The grants of a function, in a fixed order.
#[must_use]
pub fn of(function: &Function) -> Vec<Grant> {
    let mut grants = vec![
        grant("Logs", &["logs:CreateLogStream", "logs:PutLogEvents"], Target::Logs(function.name)),
        grant("Traces", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Target::Traces),
    ];
    if needs_network(function) || matches!(function.trigger, Trigger::Kafka(_)) {
        grants.push(grant("Network", network_actions(function), Target::Network));
    }
    grants.extend(trigger(function));
    for uses in function.uses {
        grants.extend(used(function, uses));
    }
    grants
}

const fn network_actions(function: &Function) -> &'static [&'static str] {
    match function.trigger {
        // A Kafka event source mapping reads the cluster's network before it creates its interfaces.
        Trigger::Kafka(_) => &[
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        _ => &[
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
    }
}

fn trigger(function: &Function) -> Vec<Grant> {
    let mut grants = Vec::new();
    if function.has_queue() {
        let actions =
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        grants.push(grant("OwnQueue", &actions, Target::Queue(function.name)));
    }
    if function.has_dead_letter_queue() {
        grants.push(grant("OwnDeadLetters", &["sqs:SendMessage"], Target::DeadLetterQueue(function.name)));
    }
    match function.trigger {
        Trigger::Stream(stream, _) => {
            let actions = [
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ];
            grants.push(grant("StreamIn", &actions, Target::Stream(stream.name)));
        }
        Trigger::TableChanges(table) => {
            let actions =
                ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];
            grants.push(grant("TableChanges", &actions, Target::TableChanges(table.name)));
        }
        Trigger::Kafka(topics) => grants.extend(kafka::consume(function, topics)),
        _ => {}
    }
    grants
}

fn used(function: &Function, uses: &Uses) -> Vec<Grant> {
    match uses {
        Uses::Postgres | Uses::PostgresRead | Uses::PostgresProbe => {
            let role = function.database_role();
            role.iter().map(|role| grant("Database", &["rds-db:connect"], Target::DatabaseUser(role.name()))).collect()
        }
        Uses::PostgresOwner => {
            vec![grant("Database", &["rds-db:connect"], Target::DatabaseUser(super::environment::OWNER_ROLE))]
        }
        Uses::RoleSecrets => {
            let rotate = [
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ];
            vec![grant("RoleSecrets", &rotate, Target::RoleSecrets)]
        }
        Uses::Table(table, access) => {
            let read = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"];
            // A transaction needs the actions of its parts. There is no separate action.
            let write =
                ["dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
            vec![grant("Table", &either(*access, &read, &write), Target::Table(table.name))]
        }
        Uses::Bucket(bucket, access) => {
            let objects = either(*access, &["s3:GetObject"], &["s3:PutObject"]);
            let mut grants = vec![grant("Objects", &objects, Target::Objects(bucket.name))];
            if *access != Access::Write {
                // Without `ListBucket`, S3 responds with 403 instead of 404 for a missing key.
                grants.push(grant("Listing", &["s3:ListBucket"], Target::Bucket(bucket.name)));
            }
            grants
        }
        Uses::Secret(secret, access) => {
            let write = ["secretsmanager:PutSecretValue"];
            let actions = either(*access, &["secretsmanager:GetSecretValue"], &write);
            vec![grant("Secret", &actions, Target::Secret(secret.name))]
        }
        Uses::Stream(stream) => {
            vec![grant("StreamOut", &["kinesis:PutRecord", "kinesis:PutRecords"], Target::Stream(stream.name))]
        }
        Uses::Bus => vec![grant("Publish", &["events:PutEvents"], Target::Bus)],
        Uses::Kafka => kafka::produce(),
        Uses::KafkaTopics => kafka::create_topics(),
        Uses::Email => vec![grant("Email", &["ses:SendEmail"], Target::Email)],
        Uses::Sms => vec![grant("Sms", &["sns:Publish"], Target::PhoneNumbers)],
        Uses::Push => vec![grant("Push", &["sns:Publish"], Target::PushEndpoints)],
        Uses::PushEndpoints => {
            let actions = ["sns:CreatePlatformEndpoint", "sns:SetEndpointAttributes"];
            vec![grant("PushApplication", &actions, Target::PushApplication)]
        }
        // Reached over the network with other credentials, or plain configuration.
        Uses::Redis => vec![grant("Cache", &["elasticache:Connect"], Target::Cache)],
        Uses::Gateway | Uses::Api | Uses::ShortfallPolicy | Uses::InvoiceCalendar => Vec::new(),
    }
}

fn grant(sid: &'static str, actions: &[&'static str], target: Target) -> Grant {
    Grant { sid, actions: actions.to_vec(), target }
}

fn either(access: Access, read: &[&'static str], write: &[&'static str]) -> Vec<&'static str> {
    match access {
        Access::Read => read.to_vec(),
        Access::Write => write.to_vec(),
        Access::ReadWrite => [read, write].concat(),
    }
}

impl Grant {
    /// The statement in the template. `number` makes statement ids unique within a policy.
    #[must_use]
    pub fn in_template(&self, number: usize) -> Value {
        let mut statement = json!({
            "Sid": format!("{}{number}", self.sid),
            "Effect": "Allow",
            "Action": self.actions,
        });
        match self.target {
            Target::PhoneNumbers => statement["NotResource"] = json!(NAMED_TOPICS),
            _ => statement["Resource"] = self.target.resources(),
        }
        if matches!(self.target, Target::Email) {
            // IfExists does not weaken the condition: every `ses:SendEmail` call has a sender.
            statement["Condition"] = json!({ "StringEqualsIfExists": { "ses:FromAddress": reference("EmailFrom") } });
        }
        match self.target.condition() {
            Some(condition) => only_when(condition, statement),
            None => statement,
        }
    }

    /// The statement in `terraform/catalog.json`.
    #[must_use]
    pub fn in_terraform(&self) -> Value {
        let (kind, names) = self.target.described();
        json!({
            "sid": self.sid,
            "actions": self.actions,
            "on": { "kind": kind, "names": names },
            "condition": match self.target {
                Target::Email => json!({ "test": "StringEqualsIfExists", "variable": "ses:FromAddress", "input": "EmailFrom" }),
                _ => Value::Null,
            },
            "not_resource": match self.target {
                Target::PhoneNumbers => json!(NAMED_TOPICS),
                _ => Value::Null,
            },
            "requires": match self.target {
                Target::PushEndpoints | Target::PushApplication => json!("PushApplicationArn"),
                Target::KafkaLogin => json!("KafkaLoginSecretArn"),
                _ => Value::Null,
            },
            "wildcard_reason": self.target.wildcard_reason(),
        })
    }
}

impl Target {
    fn resources(&self) -> Value {
        match self {
            Self::Logs(function) => attribute(&logical(function, "LogGroup"), "Arn"),
            Self::Table(name) => arn("dynamodb", &format!("table/{}", physical_text(name))),
            Self::TableChanges(name) => arn("dynamodb", &format!("table/{}/stream/*", physical_text(name))),
            Self::Bucket(name) => sub(&format!("${{{}.Arn}}", logical(name, "Bucket"))),
            Self::Objects(name) => sub(&format!("${{{}.Arn}}/*", logical(name, "Bucket"))),
            Self::Secret(name) => attribute(&logical(name, "Secret"), "Id"),
            Self::RoleSecrets => {
                let path = format!("secret:{}/${{Stage}}/{}/*", catalog::PREFIX, catalog::ROLE_SECRETS);
                arn("secretsmanager", &path)
            }
            Self::Stream(name) => arn("kinesis", &format!("stream/{}", physical_text(name))),
            Self::Bus => arn("events", &format!("event-bus/{}", physical_text(catalog::BUS))),
            Self::Queue(function) => arn("sqs", &physical_text(function)),
            Self::DeadLetterQueue(function) => arn("sqs", &physical_text(&dead_letter_queue(function))),
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
            Self::Email | Self::PhoneNumbers | Self::Network | Self::Traces => json!("*"),
        }
    }

    fn described(&self) -> (&'static str, Vec<String>) {
        let one = |name: &str| vec![name.to_owned()];
        match self {
            Self::Logs(name) => ("logs", one(name)),
            Self::Table(name) => ("table", one(name)),
            Self::TableChanges(name) => ("table_changes", one(name)),
            Self::Bucket(name) => ("bucket", one(name)),
            Self::Objects(name) => ("objects", one(name)),
            Self::Secret(name) => ("secret", one(name)),
            Self::RoleSecrets => ("role_secrets", Vec::new()),
            Self::Stream(name) => ("stream", one(name)),
            Self::Bus => ("bus", one(catalog::BUS)),
            Self::Queue(name) => ("queue", one(name)),
            Self::DeadLetterQueue(name) => ("dead_letter_queue", one(name)),
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

/// The text of a function's ARN, for a longer `Fn::Sub`.
#[must_use]
pub fn function_arn_text(function: &str) -> String {
    arn_text("lambda", &format!("function:{}", physical_text(function)))
}
