//! Parameters, conditions, globals and outputs of the template.

use crate::codegen::{
    cfn::{attribute, only_when, reference, sub, when},
    environment::{SECRET_INPUTS, api_url},
    names::{UNDELIVERED, logical, physical_text},
};
use domain::order::ShortfallPolicy;
use serde_json::{Value, json};

pub(super) fn parameters() -> Vec<(&'static str, Value)> {
    let text =
        |default: &str, description: &str| json!({ "Type": "String", "Default": default, "Description": description });
    let list = |default: &str, description: &str| json!({ "Type": "CommaDelimitedList", "Default": default, "Description": description });
    let mut parameters = vec![
        ("Stage", text("local", "Name of the environment; every physical name begins with it.")),
        ("Architecture", text("x86_64", "Instruction set the functions were built for: x86_64 or arm64.")),
        ("LogLevel", text("info", "Least important log level that is written.")),
        ("ApiBaseUrl", text("", "Where an emulator serves HTTP APIs. Empty on AWS.")),
        ("CorsOrigins", list("*", "Origins of browsers that may call the API.")),
        ("SubnetIds", list("", "Private subnets for functions that reach database, cache or Kafka. Empty: none.")),
        ("SecurityGroupIds", list("", "Security groups of those functions.")),
        ("DatabaseHost", text("127.0.0.1", "Host of PostgreSQL or of its proxy.")),
        ("DatabasePort", text("5432", "Its port.")),
        ("DatabaseName", text("quayside", "The database.")),
        ("DatabaseResourceId", text("prx-none", "Resource id of the proxy (prx-...) for rds-db:connect.")),
        ("DatabasePassword", text("", "Password of the contexts' roles. Empty: tokens of RDS IAM authentication.")),
        ("DatabaseOwnerPassword", text("", "Password of the owner role, for migrations. Empty: as above.")),
        ("RedisUrl", text("redis://127.0.0.1:6379", "URL of the cache.")),
        ("KafkaBrokers", text("127.0.0.1:9092", "Bootstrap brokers, with commas between.")),
        ("KafkaClusterArn", text("", "ARN of the MSK cluster. Empty: no Kafka mappings, something else feeds them.")),
        ("GatewayUrl", text("https://api.stripe.com", "Base URL of the payment gateway.")),
        ("GatewaySecretKey", text("", "Secret key of the payment gateway.")),
        ("GatewayWebhookSecret", text("", "What the payment gateway signs its webhooks with.")),
        ("EmailFrom", text("orders@quayside.example", "Address that mail comes from.")),
        (
            "PushApplicationArn",
            text("", "ARN of the SNS platform application for devices. Empty: no notices on devices."),
        ),
        (
            "ShortfallPolicy",
            text(ShortfallPolicy::Refund.name(), "What becomes of an order that is paid and has no stock."),
        ),
    ];
    for (name, parameter) in &mut parameters {
        if SECRET_INPUTS.contains(name) {
            parameter["NoEcho"] = json!(true);
        }
        match *name {
            "Stage" => parameter["AllowedPattern"] = json!("^[a-z][a-z0-9]{0,11}$"),
            "Architecture" => parameter["AllowedValues"] = json!(["x86_64", "arm64"]),
            "ShortfallPolicy" => parameter["AllowedValues"] = json!(ShortfallPolicy::ALL.map(ShortfallPolicy::name)),
            _ => {}
        }
    }
    parameters
}

pub(super) fn conditions() -> Vec<(&'static str, Value)> {
    let empty = |value: Value| json!({ "Fn::Equals": [value, ""] });
    let not = |condition: Value| json!({ "Fn::Not": [condition] });
    vec![
        ("OnAws", empty(reference("ApiBaseUrl"))),
        ("IsProduction", json!({ "Fn::Equals": [reference("Stage"), "prod"] })),
        ("InNetwork", not(empty(json!({ "Fn::Join": ["", reference("SubnetIds")] })))),
        ("HasKafkaCluster", not(empty(reference("KafkaClusterArn")))),
        ("HasPushApplication", not(empty(reference("PushApplicationArn")))),
        ("HasGatewayKey", not(empty(reference("GatewaySecretKey")))),
        ("HasWebhookSecret", not(empty(reference("GatewayWebhookSecret")))),
    ]
}

pub(super) fn globals() -> Value {
    json!({
        "Function": {
            "Architectures": [reference("Architecture")],
            "Environment": {
                "Variables": {
                    "LOG_LEVEL": reference("LogLevel"),
                    "POWERTOOLS_METRICS_NAMESPACE": catalog::PREFIX,
                    "STAGE": reference("Stage"),
                },
            },
            "Handler": "bootstrap",
            "Runtime": "provided.al2023",
            "Tracing": "Active",
        },
    })
}

pub(super) fn outputs() -> Vec<(String, Value)> {
    let output = |name: &str, description: &str, value: Value| {
        (name.to_owned(), json!({ "Description": description, "Value": value }))
    };
    let mut outputs = vec![
        output("ApiUrl", "Base URL of the HTTP API.", api_url()),
        output("ApiId", "Id of the HTTP API.", reference("Api")),
        output("EventBusName", "The event bus.", reference("EventBus")),
        output("NamePrefix", "What the names of functions and queues begin with.", sub(&physical_text(""))),
        output(
            "UndeliveredQueueUrl",
            "Queue of the events that a rule or a subscription could not deliver.",
            reference(&logical(UNDELIVERED, "Queue")),
        ),
    ];
    for table in catalog::TABLES {
        outputs.push(output(&logical(table.name, "Table"), "A table.", reference(&logical(table.name, "Table"))));
    }
    for stream in catalog::STREAMS {
        outputs.push(output(&logical(stream.name, "Stream"), "A stream.", reference(&logical(stream.name, "Stream"))));
    }
    for bucket in catalog::BUCKETS {
        outputs.push(output(&logical(bucket.name, "Bucket"), "A bucket.", reference(&logical(bucket.name, "Bucket"))));
    }
    for secret in catalog::SECRETS {
        outputs.push(output(
            &logical(secret.name, "SecretArn"),
            "A secret.",
            attribute(&logical(secret.name, "Secret"), "Id"),
        ));
    }
    outputs
}

/// The part of a function that puts it into the VPC, where there is one.
pub(super) fn network() -> Value {
    only_when(
        "InNetwork",
        json!({ "SecurityGroupIds": reference("SecurityGroupIds"), "SubnetIds": reference("SubnetIds") }),
    )
}

/// Days that log groups keep what is written.
pub(super) const LOG_DAYS: u32 = 14;

/// A statement that refuses plain HTTP. An emulator speaks nothing else, so it has to stand under a condition.
pub(super) fn tls_only(actions: &str, resources: &Value) -> Value {
    json!({
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resources,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// ARN of a bucket and of all in it.
pub(super) fn bucket_and_objects(id: &str) -> Value {
    json!([attribute(id, "Arn"), sub(&format!("${{{id}.Arn}}/*"))])
}

/// `Fn::If` on production.
pub(super) fn in_production(then: Value, otherwise: Value) -> Value {
    when("IsProduction", then, otherwise)
}
