//! Parameters, conditions and outputs of the parent. A nested template has those of the parameters and conditions that it refers to.

use crate::codegen::{
    cfn::{attribute, only_when, reference, sub, when},
    environment::{SECRET_INPUTS, api_url},
    names::{UNDELIVERED, logical, physical_text},
};
use domain::{login_throttle, message_limits, money::Rounding, order::ShortfallPolicy};
use serde_json::{Value, json};

/// Default and meaning of the seller.
const SELLER: (&str, &str) = (
    "Quayside Ltd|1 Harbour Way|Dublin D01 X2X2|Ireland|VAT IE1234567T",
    "Name, address and tax number of the seller on invoices: lines separated by |.",
);

pub(super) fn parameters() -> Vec<(&'static str, Value)> {
    let list = |default: &str, description: &str| parameter("CommaDelimitedList", default, description);
    let mut parameters = vec![
        ("Stage", text("local", "Name of the environment, a part of every physical name.")),
        ("Architecture", text("x86_64", "Instruction set of the functions: x86_64 or arm64.")),
        ("LogLevel", text("info", "Lowest log level that is written.")),
        ("TraceShare", text("1", "Share of the traces, from 0 to 1, whose spans are logged.")),
        ("ApiBaseUrl", text("", "Base URL of an emulator's HTTP APIs. Empty on AWS.")),
        ("CorsOrigins", list("", "Origins from which browsers may call the API, with cookies. Empty: none.")),
        (
            "SubnetIds",
            list("", "Private subnets of functions that use the database, the cache or Kafka. Empty: no VPC."),
        ),
        ("SecurityGroupIds", list("", "Security groups of those functions.")),
        ("DatabaseHost", text("127.0.0.1", "Host of PostgreSQL or RDS Proxy.")),
        ("DatabasePort", text("5432", "Port of PostgreSQL or RDS Proxy.")),
        ("DatabaseName", text("quayside", "Name of the database.")),
        ("DatabaseResourceId", text("prx-none", "Resource id of RDS Proxy (prx-...), for rds-db:connect.")),
        ("DatabasePassword", text("", "Password of the contexts' roles. Empty: RDS IAM authentication.")),
        (
            "DatabaseOwnerPassword",
            text("", "Password of the owner role, for migrations. Empty: RDS IAM authentication."),
        ),
        ("RedisUrl", text("redis://127.0.0.1:6379", "URL of the cache; rediss:// (TLS) on AWS.")),
        (
            "RateLimits",
            text(&catalog::default_rate_limits(), "Requests of a client in a minute and in a day, by class of route."),
        ),
        ("RedisIamCache", text("", "ElastiCache replication group that takes IAM tokens as passwords. Empty: none.")),
        ("KafkaBrokers", text("127.0.0.1:9092", "Bootstrap brokers, separated by commas.")),
        ("KafkaClusterArn", text("", "ARN of the MSK cluster. Empty: no Kafka event source mappings.")),
        ("KafkaAuth", text("iam", "How functions log in to Kafka: iam, or scram for SCRAM-SHA-512. Both over TLS.")),
        (
            "KafkaLoginSecretArn",
            text("", "ARN of the secret with username and password for scram (MSK: AmazonMSK_...). Empty for iam."),
        ),
        ("KafkaCa", text("", "Certificate of the authority of the brokers, DER in base64. Empty: public authorities.")),
        ("GatewayUrl", text("https://api.stripe.com", "Base URL of the payment gateway.")),
        ("GatewaySecretKey", text("", "Secret key of the payment gateway.")),
        ("GatewayWebhookSecret", text("", "Secret with which the payment gateway signs webhooks.")),
        ("EmailFrom", text("orders@quayside.example", "Sender address of e-mail.")),
        ("PushApplicationArn", text("", "ARN of the SNS platform application. Empty: no push notifications.")),
    ];
    parameters.extend(rules());
    for (name, parameter) in &mut parameters {
        constrain(name, parameter);
    }
    parameters
}

/// The rules and limits of the shop.
fn rules() -> Vec<(&'static str, Value)> {
    vec![
        ("ShortfallPolicy", text(ShortfallPolicy::Refund.name(), "What happens to a paid order without stock.")),
        ("MaxOrderLines", text("100", "Lines that an order may have, at most 100.")),
        ("MaxUnpaidOrders", text("20", "Open orders that a customer may have without paying.")),
        ("MaxUnpaidUnits", text("1000", "Units in the unpaid open orders of a customer.")),
        (
            "MaxDelayedOrders",
            text(
                "500",
                "Orders that wait for stock or payment for over five minutes, from which on no order is accepted.",
            ),
        ),
        ("TaxRates", text("", "Tax rates by area, such as DE:included:19,books:7;US-NY:added:8.875. Empty: no tax.")),
        ("TaxRounding", text(Rounding::HalfUp.name(), "How the tax of a line is rounded: half_up or half_even.")),
        (
            "ShippingMethods",
            text("standard:free", "Methods with prices in minor units, such as express:EUR:1290,USD:1500."),
        ),
        ("MfaRequiredRoles", text("", "Roles that need a second factor, separated by commas, such as staff,admin.")),
        ("MaxFailedAttempts", text("10", "Payment attempts of a customer in an hour that may fail.")),
        (
            "RefundLimit",
            text(
                "500",
                "Amount above which a refund of a payment by staff needs a second person, in units of its currency.",
            ),
        ),
        (
            "SmsCountries",
            text(message_limits::DEFAULT_COUNTRIES, "Calling codes that text messages go to; ! excepts a beginning."),
        ),
        ("MaxSmsPerCustomer", text("20", "Text messages that a customer gets in a day.")),
        ("MaxSmsPerAddress", text("20", "Text messages that a phone number gets in a day.")),
        ("MaxVerificationsPerCustomer", text("5", "Messages with a token that a customer causes in a day.")),
        ("MaxVerificationsPerAddress", text("5", "Messages with a token that an address gets in a day.")),
        ("WebhookPorts", text("", "Ports that webhooks are sent to besides 443, separated by commas.")),
        ("WebhookLocalOrigin", text("", "Origin that webhooks are sent to unchecked. For the local cloud alone.")),
        (
            "MaxRegistrationsPerSource",
            text(&login_throttle::REGISTRATIONS_PER_SOURCE.to_string(), "Registrations from one address in an hour."),
        ),
        ("RecordBacklog", text("200000", "Records that may wait to be written before no more are accepted.")),
        ("InvoiceSeller", text(SELLER.0, SELLER.1)),
        ("InvoiceTimeZone", text("UTC", "IANA time zone in which invoices are dated, such as Europe/Berlin.")),
        ("InvoiceYearBegins", text("01-01", "First day of a series of invoices, as MM-DD.")),
    ]
}

fn text(default: &str, description: &str) -> Value {
    parameter("String", default, description)
}

fn parameter(kind: &str, default: &str, description: &str) -> Value {
    json!({ "Type": kind, "Default": default, "Description": description })
}

/// What CloudFormation checks of a parameter before a deployment.
fn constrain(name: &str, parameter: &mut Value) {
    if SECRET_INPUTS.contains(&name) {
        parameter["NoEcho"] = json!(true);
    }
    match name {
        "Stage" => parameter["AllowedPattern"] = json!("^[a-z][a-z0-9]{0,11}$"),
        "Architecture" => parameter["AllowedValues"] = json!(["x86_64", "arm64"]),
        "CorsOrigins" => parameter["AllowedPattern"] = json!("^(https?://[^/,*]+)?$"),
        "KafkaAuth" => parameter["AllowedValues"] = json!(["iam", "scram"]),
        "ShortfallPolicy" => parameter["AllowedValues"] = json!(ShortfallPolicy::ALL.map(ShortfallPolicy::name)),
        "TaxRounding" => parameter["AllowedValues"] = json!(Rounding::ALL.map(Rounding::name)),
        "TaxRates" => parameter["MaxLength"] = json!(2_000),
        "RateLimits" => {
            parameter["AllowedPattern"] =
                json!("^[a-z_]+:[1-9][0-9]{0,6},[1-9][0-9]{0,6}(;[a-z_]+:[1-9][0-9]{0,6},[1-9][0-9]{0,6})*$");
        }
        "ShippingMethods" => parameter["MaxLength"] = json!(1_000),
        "MaxOrderLines" => parameter["AllowedPattern"] = json!("^([1-9][0-9]?|100)$"),
        "MaxUnpaidOrders" | "MaxUnpaidUnits" | "MaxDelayedOrders" | "MaxFailedAttempts" | "RefundLimit"
        | "RecordBacklog" => {
            parameter["AllowedPattern"] = json!("^[1-9][0-9]{0,8}$");
        }
        "SmsCountries" => parameter["AllowedPattern"] = json!("^!?[1-9][0-9]{0,6}(,!?[1-9][0-9]{0,6})*$"),
        "MaxSmsPerCustomer"
        | "MaxSmsPerAddress"
        | "MaxVerificationsPerCustomer"
        | "MaxVerificationsPerAddress"
        | "MaxRegistrationsPerSource" => {
            parameter["AllowedPattern"] = json!("^([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|3600)$");
        }
        "WebhookPorts" => parameter["AllowedPattern"] = json!("^([1-9][0-9]{0,4}(,[1-9][0-9]{0,4})*)?$"),
        "InvoiceYearBegins" => parameter["AllowedPattern"] = json!("^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        _ => {}
    }
}

pub(super) fn conditions() -> Vec<(&'static str, Value)> {
    let empty = |value: Value| json!({ "Fn::Equals": [value, ""] });
    let not = |condition: Value| json!({ "Fn::Not": [condition] });
    let joined = |list| json!({ "Fn::Join": ["", reference(list)] });
    vec![
        ("OnAws", empty(reference("ApiBaseUrl"))),
        ("IsProduction", json!({ "Fn::Equals": [reference("Stage"), "prod"] })),
        ("HasCorsOrigins", not(empty(joined("CorsOrigins")))),
        ("InNetwork", not(empty(joined("SubnetIds")))),
        ("HasRedisIam", not(empty(reference("RedisIamCache")))),
        ("HasKafkaCluster", not(empty(reference("KafkaClusterArn")))),
        ("HasKafkaLogin", not(empty(reference("KafkaLoginSecretArn")))),
        ("HasPushApplication", not(empty(reference("PushApplicationArn")))),
        ("HasGatewayKey", not(empty(reference("GatewaySecretKey")))),
        ("HasWebhookSecret", not(empty(reference("GatewayWebhookSecret")))),
    ]
}

pub(super) fn outputs() -> Vec<(String, Value)> {
    let output = |name: &str, description: &str, value: Value| {
        (name.to_owned(), json!({ "Description": description, "Value": value }))
    };
    let mut outputs = vec![
        output("ApiUrl", "Base URL of the HTTP API.", api_url()),
        output("ApiId", "Id of the HTTP API.", reference("Api")),
        output("EventBusName", "Name of the event bus.", reference("EventBus")),
        output("NamePrefix", "First part of the names of functions and queues.", sub(&physical_text(""))),
        output(
            "UndeliveredQueueUrl",
            "URL of the queue for events that a rule or a subscription could not deliver.",
            reference(&logical(UNDELIVERED, "Queue")),
        ),
    ];
    for table in catalog::TABLES {
        outputs.push(output(
            &logical(table.name, "Table"),
            "Name of a table.",
            reference(&logical(table.name, "Table")),
        ));
    }
    for stream in catalog::STREAMS {
        outputs.push(output(
            &logical(stream.name, "Stream"),
            "Name of a stream.",
            reference(&logical(stream.name, "Stream")),
        ));
    }
    for bucket in catalog::BUCKETS {
        outputs.push(output(
            &logical(bucket.name, "Bucket"),
            "Name of a bucket.",
            reference(&logical(bucket.name, "Bucket")),
        ));
    }
    for secret in catalog::SECRETS {
        outputs.push(output(
            &logical(secret.name, "SecretArn"),
            "ARN of a secret.",
            attribute(&logical(secret.name, "Secret"), "Id"),
        ));
    }
    outputs
}

/// The VPC configuration of a function, if subnets are given.
pub(super) fn network() -> Value {
    only_when(
        "InNetwork",
        json!({ "SecurityGroupIds": reference("SecurityGroupIds"), "SubnetIds": reference("SubnetIds") }),
    )
}

/// Retention of log groups in days.
pub(super) const LOG_DAYS: u32 = 14;

/// A statement that denies plain HTTP. Add it under a condition, because emulators have no TLS.
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

/// ARNs of a bucket and its objects.
pub(super) fn bucket_and_objects(id: &str) -> Value {
    json!([attribute(id, "Arn"), sub(&format!("${{{id}.Arn}}/*"))])
}

/// `Fn::If` on production.
pub(super) fn in_production(then: Value, otherwise: Value) -> Value {
    when("IsProduction", then, otherwise)
}
