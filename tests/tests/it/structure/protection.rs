//! Protection of data at rest and on the way in the templates: encryption, TLS, deletion, lifecycle, and who called.

use super::expect_none;
use serde_json::{Value, json};
use xtask::codegen::{
    cfn::{Resource, Template},
    template::{self, Stacks},
};

/// Resources of one type, with their stacks.
fn of_kind<'a>(stacks: &'a Stacks, kind: &'a str) -> impl Iterator<Item = (&'a Template, &'a Resource)> {
    let resources = stacks.children.iter().flat_map(|stack| stack.resources().iter().map(move |one| (stack, one)));
    resources.filter(move |(_, resource)| resource.kind() == kind)
}

/// Whether a policy on AWS denies every action without TLS.
fn denies_plain_http(policy: &Resource) -> bool {
    let unconditional = policy.condition().is_none_or(|condition| condition == "OnAws");
    let statements = policy.properties()["PolicyDocument"]["Statement"].as_array();
    unconditional
        && statements.into_iter().flatten().any(|statement| {
            // Within a policy that an emulator has, too, the statement exists on AWS only.
            let statement = match &statement["Fn::If"][0] {
                Value::String(condition) if condition == "OnAws" => &statement["Fn::If"][1],
                _ => statement,
            };
            let denied = (&statement["Effect"], &statement["Principal"]) == (&json!("Deny"), &json!("*"));
            denied && statement["Condition"] == json!({ "Bool": { "aws:SecureTransport": "false" } })
        })
}

#[test]
fn every_queue_topic_and_bucket_refuses_plain_http() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for (kind, policy_kind, members) in [
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
    ] {
        for (stack, resource) in of_kind(&stacks, kind) {
            let itself = json!({ "Ref": resource.id() });
            let covers = |policy: &Resource| match &policy.properties()[members] {
                Value::Array(listed) => listed.contains(&itself),
                one => *one == itself,
            };
            let mut policies = stack.resources().iter().filter(|one| one.kind() == policy_kind);
            if !policies.any(|policy| covers(policy) && denies_plain_http(policy)) {
                complaints.push(format!("{} in the stack {} accepts plain HTTP", resource.id(), stack.name));
            }
        }
    }
    expect_none(&complaints, "add tls_only to its policy in codegen/template");
}

#[test]
fn every_store_and_channel_is_encrypted() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for (kind, property) in [
        ("AWS::SQS::Queue", "/SqsManagedSseEnabled"),
        ("AWS::SNS::Topic", "/KmsMasterKeyId"),
        ("AWS::S3::Bucket", "/BucketEncryption/ServerSideEncryptionConfiguration"),
        ("AWS::DynamoDB::Table", "/SSESpecification/SSEEnabled"),
        ("AWS::Kinesis::Stream", "/StreamEncryption/KeyId"),
    ] {
        for (_, resource) in of_kind(&stacks, kind) {
            let value = resource.properties().pointer(property).unwrap_or(&Value::Null);
            if matches!(value, Value::Null | Value::Bool(false)) {
                complaints.push(format!("{} has no {property}", resource.id()));
            }
        }
    }
    expect_none(&complaints, "see codegen/template/{stores,messaging}.rs");
}

#[test]
fn the_key_of_topics_lets_the_bus_and_ses_publish() {
    let stacks = template::build();
    let (_, key) = of_kind(&stacks, "AWS::KMS::Key").next().expect("a key");
    let statements = key.properties()["KeyPolicy"]["Statement"].as_array().expect("statements");
    let services = json!(["events.amazonaws.com", "ses.amazonaws.com"]);
    let publishers = statements.iter().find(|statement| statement["Principal"]["Service"] == services);
    assert_eq!(publishers.expect("publishers")["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey*"]));
    assert_eq!(key.properties()["EnableKeyRotation"], json!(true));
}

#[test]
fn tables_cannot_be_deleted_in_production() {
    let stacks = template::build();
    let unprotected = of_kind(&stacks, "AWS::DynamoDB::Table").filter(|(_, table)| {
        table.properties()["DeletionProtectionEnabled"] != json!({ "Fn::If": ["IsProduction", true, false] })
    });
    let complaints: Vec<_> = unprotected.map(|(_, table)| table.id().to_owned()).collect();
    expect_none(&complaints, "see table_of in codegen/template/stores.rs");
}

#[test]
fn buckets_have_lifecycle_rules() {
    let stacks = template::build();
    let mut complaints = Vec::new();
    for row in catalog::BUCKETS {
        let id = xtask::codegen::names::logical(row.name, "Bucket");
        let (_, bucket) = of_kind(&stacks, "AWS::S3::Bucket").find(|(_, bucket)| bucket.id() == id).expect("bucket");
        let number = |pointer: &str| bucket.properties().pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let (tiers, leftovers) = match row.retained_days {
            // What is served until it is deleted has no tiers.
            0 => ("/LifecycleConfiguration/Rules/1", "/LifecycleConfiguration/Rules/0"),
            _ => ("/LifecycleConfiguration/Rules/0", "/LifecycleConfiguration/Rules/1"),
        };
        let expires = number(&format!("{tiers}/ExpirationInDays"));
        if expires != u64::from(row.retained_days) || expires < u64::from(row.locked_years) * 365 {
            complaints.push(format!("{id} expires objects after {expires} days"));
        }
        if expires > 0 && number(&format!("{tiers}/Transitions/1/TransitionInDays")) >= expires {
            complaints.push(format!("{id} pays for a transition of objects that expire before it"));
        }
        if number(&format!("{leftovers}/AbortIncompleteMultipartUpload/DaysAfterInitiation")) == 0 {
            complaints.push(format!("{id} keeps incomplete uploads"));
        }
    }
    expect_none(&complaints, "see lifecycle in codegen/template/stores.rs");
}

#[test]
fn access_log_says_who_called_and_from_where() {
    let stacks = template::build();
    let (_, stage) = of_kind(&stacks, "AWS::ApiGatewayV2::Stage").next().expect("a stage");
    let format = stage.properties()["AccessLogSettings"]["Format"].as_str().expect("a format");
    let line: Value = serde_json::from_str(format).expect("JSON");
    assert_eq!(line["source_ip"], "$context.identity.sourceIp");
    assert_eq!(line["principal"], "$context.authorizer.sub");
}
