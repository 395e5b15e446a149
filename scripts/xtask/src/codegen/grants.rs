//! Permissions of functions: the least privilege that trigger and uses require, for both the template and Terraform.

mod kafka;
mod target;

use super::{
    cfn::{arn_text, only_when, reference, sub},
    names::physical_text,
};
use catalog::{Action, Function, Trigger, Uses};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use target::NAMED_TOPICS;

pub use target::Target;

/// An IAM statement: actions on one kind of resource.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Statement id, which says what the permission is for.
    pub sid: &'static str,
    /// IAM actions, without wildcards.
    pub actions: Vec<&'static str>,
    pub target: Target,
    /// What a request must also meet, all of them.
    pub conditions: Vec<Condition>,
}

/// A condition of a statement.
#[derive(Debug, Clone)]
pub struct Condition {
    pub test: &'static str,
    pub key: &'static str,
    /// The values, of which one must match.
    pub values: Values,
}

/// The values of a condition.
#[derive(Debug, Clone)]
pub enum Values {
    /// The value of a template parameter.
    Input(&'static str),
    /// The ARNs of all functions of the deployment, with and without a version or an alias.
    Functions,
    Texts(Vec<&'static str>),
}

/// Whether a function uses something in the VPC.
#[must_use]
pub fn needs_network(function: &Function) -> bool {
    function.database_role().is_some()
        || function.connects_to_redis()
        || function.resources().any(|uses| {
            let is_kafka = matches!(uses, Uses::Kafka | Uses::KafkaTopic(_) | Uses::AllKafkaTopics | Uses::KafkaTopics);
            is_kafka || matches!(uses, Uses::PostgresOwner)
        })
}

/// The grants of a function, in a fixed order.
#[must_use]
pub fn of(function: &Function) -> Vec<Grant> {
    let mut grants = vec![
        grant("Logs", &["logs:CreateLogStream", "logs:PutLogEvents"], Target::Logs(function.name)),
        grant("Traces", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Target::Traces),
    ];
    if needs_network(function) || matches!(function.trigger, Trigger::Kafka(_)) {
        grants.push(grant("Network", &network_actions(function), Target::Network));
    }
    grants.extend(trigger(function));
    for uses in function.resources() {
        grants.extend(used(function, uses));
    }
    if function.connects_to_redis() {
        grants.push(grant("Cache", &["elasticache:Connect"], Target::Cache));
    }
    grants
}

fn network_actions(function: &Function) -> Vec<&'static str> {
    let mut actions = vec![
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
    ];
    if needs_network(function) {
        actions.extend(["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]);
    }
    // A Kafka event source mapping reads the cluster's network before it creates its interfaces.
    if matches!(function.trigger, Trigger::Kafka(_)) {
        actions.extend(["ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"]);
    }
    actions.sort_unstable();
    actions
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
    let database = |user| vec![grant("Database", &["rds-db:connect"], Target::DatabaseUser(user))];
    match uses {
        Uses::Postgres | Uses::PostgresRead | Uses::PostgresProbe | Uses::PostgresHandledEvents => {
            function.database_role().map(|role| database(role.name())).unwrap_or_default()
        }
        Uses::PostgresOwner => database(super::environment::OWNER_ROLE),
        Uses::RoleSecrets(actions) => granted("RoleSecrets", actions, &Target::RoleSecrets),
        Uses::Table(table, actions) => {
            let (queries, items) = actions.iter().partition::<Vec<Action>, _>(|action| **action == Action::Query);
            let items = granted("Table", &items, &Target::Table(table.name));
            items.into_iter().chain(granted("Index", &queries, &Target::Index(table.name, table.index.name))).collect()
        }
        Uses::Bucket(bucket, actions) => {
            let (listing, objects) =
                actions.iter().partition::<Vec<Action>, _>(|action| **action == Action::ListBucket);
            let objects = granted("Objects", &objects, &Target::Objects(bucket.name));
            [objects, granted("Listing", &listing, &Target::Bucket(bucket.name))].concat()
        }
        Uses::Secret(secret, actions) => granted("Secret", actions, &Target::Secret(secret.name)),
        Uses::Stream(stream, actions) => granted("StreamOut", actions, &Target::Stream(stream.name)),
        Uses::Queues(actions) => granted("Queues", actions, &Target::Queues(consumers(Function::has_queue))),
        Uses::DeadLetterQueues(actions) => {
            granted("DeadLetters", actions, &Target::DeadLetterQueues(consumers(Function::has_dead_letter_queue)))
        }
        Uses::EventSourceMappings(actions) => mappings(actions),
        Uses::Bus => publish(function),
        Uses::Kafka => kafka::produce(catalog::KAFKA_TOPICS),
        Uses::KafkaTopic(topic) => kafka::produce(&[topic]),
        Uses::AllKafkaTopics => kafka::produce(catalog::ALL_KAFKA_TOPICS),
        Uses::KafkaTopics => kafka::create_topics(),
        Uses::Email => {
            // IfExists does not weaken the condition: every `ses:SendEmail` call has a sender.
            let sender =
                Condition { test: "StringEqualsIfExists", key: "ses:FromAddress", values: Values::Input("EmailFrom") };
            vec![Grant { conditions: vec![sender], ..grant("Email", &["ses:SendEmail"], Target::Email) }]
        }
        Uses::Sms => vec![grant("Sms", &["sns:Publish"], Target::PhoneNumbers)],
        Uses::Push => vec![grant("Push", &["sns:Publish"], Target::PushEndpoints)],
        Uses::PushEndpoints(actions) => granted("PushApplication", actions, &Target::PushApplication),
        // Redis has its grant with the limits of clients. The others are reached with other credentials.
        Uses::Redis | Uses::Gateway | Uses::Api => Vec::new(),
        // Settings of the environment.
        Uses::ShortfallPolicy
        | Uses::InvoiceCalendar
        | Uses::InvoiceSeller
        | Uses::OrderLimits
        | Uses::RecordBacklog
        | Uses::OrderRates
        | Uses::AttemptLimit
        | Uses::RefundLimit
        | Uses::MfaPolicy
        | Uses::MessageLimits
        | Uses::BrowserSessions
        | Uses::WebhookTargets
        | Uses::RegistrationLimit => Vec::new(),
    }
}

/// IAM restricts a change to the mappings of the deployment's functions, which are those of all consumers, and a list by nothing.
fn mappings(actions: &[Action]) -> Vec<Grant> {
    let (lists, changes) =
        actions.iter().partition::<Vec<Action>, _>(|action| **action == Action::ListEventSourceMappings);
    let own = Condition { test: "ArnLike", key: "lambda:FunctionArn", values: Values::Functions };
    let changes = granted("Mappings", &changes, &Target::Mappings);
    let changes = changes.into_iter().map(|grant| Grant { conditions: vec![own.clone()], ..grant });
    granted("MappingList", &lists, &Target::MappingList).into_iter().chain(changes).collect()
}

/// The names of the functions for which the condition holds.
fn consumers(condition: fn(&Function) -> bool) -> Vec<&'static str> {
    catalog::FUNCTIONS.iter().filter(|function| condition(function)).map(|function| function.name).collect()
}

/// One statement for each source, with its own types: the bus authorizes each entry of a request by its source and its type.
fn publish(function: &Function) -> Vec<Grant> {
    let mut types = BTreeMap::<_, BTreeSet<_>>::new();
    for event in function.puts_on_bus() {
        types.entry(event.context.source()).or_default().insert(event.name);
    }
    let equals = |key, texts| Condition { test: "StringEquals", key, values: Values::Texts(texts) };
    let statement = |(source, types): (&'static str, BTreeSet<&'static str>)| Grant {
        conditions: vec![
            equals("events:detail-type", types.into_iter().collect()),
            equals("events:source", vec![source]),
        ],
        ..grant("Publish", &["events:PutEvents"], Target::Bus)
    };
    types.into_iter().map(statement).collect()
}

/// The statements for the actions of a row: one for all without a condition, and one for each with a condition.
fn granted(sid: &'static str, actions: &[Action], target: &Target) -> Vec<Grant> {
    let (limited, plain) = actions.iter().partition::<Vec<Action>, _>(|action| matches!(action, Action::UpdateItem(_)));
    let mut grants = Vec::new();
    if !plain.is_empty() {
        // Terraform and the template have lists in the same order.
        let names: BTreeSet<_> = plain.iter().map(|action| action.iam()).collect();
        grants.push(grant(sid, &names.into_iter().collect::<Vec<_>>(), target.clone()));
    }
    for action in limited {
        grants.push(Grant { conditions: attributes(action, target), ..grant(sid, &[action.iam()], target.clone()) });
    }
    grants
}

/// An update may name these attributes and the key, and return none of the others.
fn attributes(action: Action, target: &Target) -> Vec<Condition> {
    let (Action::UpdateItem(names), Target::Table(table)) = (action, target) else { return Vec::new() };
    let key = catalog::TABLES.iter().filter(|row| row.name == *table).map(|row| row.key);
    let names = Values::Texts(key.chain(names.iter().copied()).collect());
    vec![Condition { test: "ForAllValues:StringEquals", key: "dynamodb:Attributes", values: names }]
}

fn grant(sid: &'static str, actions: &[&'static str], target: Target) -> Grant {
    Grant { sid, actions: actions.to_vec(), target, conditions: Vec::new() }
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
        for condition in &self.conditions {
            statement["Condition"][condition.test][condition.key] = match &condition.values {
                Values::Input(parameter) => reference(parameter),
                Values::Functions => sub(&format!("{}*", function_arn_text(""))),
                Values::Texts(texts) => json!(texts),
            };
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
            "conditions": self.conditions.iter().map(Condition::in_terraform).collect::<Vec<_>>(),
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

impl Condition {
    fn in_terraform(&self) -> Value {
        let (input, texts) = match &self.values {
            Values::Input(parameter) => (json!(parameter), Value::Null),
            Values::Functions => (json!("FunctionArns"), Value::Null),
            Values::Texts(texts) => (Value::Null, json!(texts)),
        };
        json!({ "test": self.test, "variable": self.key, "input": input, "values": texts })
    }
}

/// The text of a function's ARN, for a longer `Fn::Sub`.
#[must_use]
pub fn function_arn_text(function: &str) -> String {
    arn_text("lambda", &format!("function:{}", physical_text(function)))
}
