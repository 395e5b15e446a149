//! Environment variables of functions, derived from the catalog for both the template and Terraform.

use super::{
    cfn::{attribute, reference, sub, when},
    grants::function_arn_text,
    names::{EMAIL_CONFIGURATION_SET, bucket_text, dead_letter_queue_id, logical, physical_text},
};
use catalog::{Function, Uses};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The source of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// A deployment input: a template parameter of this name.
    Input(&'static str),
    /// A constant of the catalog.
    Text(&'static str),
    /// Physical name of a table.
    Table(&'static str),
    /// Physical name of a stream.
    Stream(&'static str),
    /// Physical name of a bucket.
    Bucket(&'static str),
    /// ARN of a secret.
    Secret(&'static str),
    /// Physical name of the event bus.
    Bus,
    /// URL of a function's queue.
    Queue(&'static str),
    /// URL of a function's dead-letter queue.
    DeadLetterQueue(&'static str),
    /// What the URL of every queue begins with.
    QueuesUrl,
    /// What the ARN of every function begins with.
    FunctionsArn,
    /// Whether the connection to Redis must be encrypted: `require` on AWS, `off` on an emulator.
    RedisTls,
    /// Base URL of the HTTP API.
    ApiUrl,
    /// Name of the SES configuration set.
    EmailConfigurationSet,
}

/// Inputs that are secret: their template parameters have `NoEcho`.
pub const SECRET_INPUTS: &[&str] =
    &["DatabasePassword", "DatabaseOwnerPassword", "GatewaySecretKey", "GatewayWebhookSecret", "RedisUrl"];

/// Inputs that are lists, which a variable has with commas.
const LIST_INPUTS: &[&str] = &["CorsOrigins"];

/// The Postgres role that migrations run as.
pub const OWNER_ROLE: &str = "quayside_owner";

const REDIS: [(&str, Setting); 3] = [
    ("REDIS_URL", Setting::Input("RedisUrl")),
    ("REDIS_TLS", Setting::RedisTls),
    ("REDIS_IAM_CACHE", Setting::Input("RedisIamCache")),
];
const KAFKA: [(&str, Setting); 4] = [
    ("KAFKA_BROKERS", Setting::Input("KafkaBrokers")),
    ("KAFKA_AUTH", Setting::Input("KafkaAuth")),
    ("KAFKA_LOGIN_SECRET", Setting::Input("KafkaLoginSecretArn")),
    ("KAFKA_CA", Setting::Input("KafkaCa")),
];
const EMAIL: [(&str, Setting); 2] =
    [("EMAIL_FROM", Setting::Input("EmailFrom")), ("EMAIL_CONFIGURATION_SET", Setting::EmailConfigurationSet)];
const ORDER_LIMITS: [(&str, Setting); 4] = [
    ("MAX_ORDER_LINES", Setting::Input("MaxOrderLines")),
    ("MAX_UNPAID_ORDERS", Setting::Input("MaxUnpaidOrders")),
    ("MAX_UNPAID_UNITS", Setting::Input("MaxUnpaidUnits")),
    ("MAX_DELAYED_ORDERS", Setting::Input("MaxDelayedOrders")),
];
const ORDER_RATES: [(&str, Setting); 3] = [
    ("TAX_RATES", Setting::Input("TaxRates")),
    ("TAX_ROUNDING", Setting::Input("TaxRounding")),
    ("SHIPPING_METHODS", Setting::Input("ShippingMethods")),
];
const MESSAGE_LIMITS: [(&str, Setting); 5] = [
    ("SMS_COUNTRIES", Setting::Input("SmsCountries")),
    ("MAX_SMS_PER_CUSTOMER", Setting::Input("MaxSmsPerCustomer")),
    ("MAX_SMS_PER_ADDRESS", Setting::Input("MaxSmsPerAddress")),
    ("MAX_VERIFICATIONS_PER_CUSTOMER", Setting::Input("MaxVerificationsPerCustomer")),
    ("MAX_VERIFICATIONS_PER_ADDRESS", Setting::Input("MaxVerificationsPerAddress")),
];
const REGISTRATION_LIMIT: [(&str, Setting); 1] =
    [("MAX_REGISTRATIONS_PER_SOURCE", Setting::Input("MaxRegistrationsPerSource"))];
const INVOICE_CALENDAR: [(&str, Setting); 2] = [
    ("INVOICE_TIME_ZONE", Setting::Input("InvoiceTimeZone")),
    ("INVOICE_YEAR_BEGINS", Setting::Input("InvoiceYearBegins")),
];
const BROWSER_SESSIONS: [(&str, Setting); 2] =
    [("API_URL", Setting::ApiUrl), ("CORS_ORIGINS", Setting::Input("CorsOrigins"))];
const WEBHOOK_TARGETS: [(&str, Setting); 2] =
    [("WEBHOOK_PORTS", Setting::Input("WebhookPorts")), ("WEBHOOK_LOCAL_ORIGIN", Setting::Input("WebhookLocalOrigin"))];

/// The variables of a function, except those that all functions share.
#[must_use]
pub fn of(function: &Function) -> BTreeMap<&'static str, Setting> {
    let mut variables = BTreeMap::new();
    for uses in function.resources() {
        match uses {
            Uses::Postgres | Uses::PostgresRead | Uses::PostgresProbe | Uses::PostgresHandledEvents => {
                if let Some(role) = function.database_role() {
                    database(&mut variables, role.name(), "DatabasePassword");
                }
            }
            Uses::PostgresOwner => {
                database(&mut variables, OWNER_ROLE, "DatabaseOwnerPassword");
                variables.insert("DATABASE_ROLE_PASSWORD", Setting::Input("DatabasePassword")); // Empty with IAM.
            }
            // The event names the secret. Redis comes with the limits of clients, below.
            Uses::RoleSecrets(_) | Uses::Redis => {}
            Uses::Table(table, _) => drop(variables.insert(table.env, Setting::Table(table.name))),
            Uses::Bucket(bucket, _) => drop(variables.insert(bucket.env, Setting::Bucket(bucket.name))),
            Uses::Secret(secret, _) => drop(variables.insert(secret.env, Setting::Secret(secret.name))),
            Uses::Stream(stream, _) => drop(variables.insert(stream.env, Setting::Stream(stream.name))),
            Uses::Queues(_) | Uses::DeadLetterQueues(_) => drop(variables.insert("QUEUES_URL", Setting::QueuesUrl)),
            Uses::EventSourceMappings(_) => drop(variables.insert("FUNCTIONS_ARN", Setting::FunctionsArn)),
            Uses::Bus => drop(variables.insert("EVENT_BUS", Setting::Bus)),
            Uses::Kafka | Uses::KafkaTopic(_) | Uses::AllKafkaTopics | Uses::KafkaTopics => variables.extend(KAFKA),
            Uses::Gateway => drop(variables.insert("GATEWAY_URL", Setting::Input("GatewayUrl"))),
            Uses::Email => variables.extend(EMAIL),
            Uses::PushEndpoints(_) => {
                variables.insert("PUSH_APPLICATION_ARN", Setting::Input("PushApplicationArn"));
            }
            // Phone numbers and push endpoints come with each message.
            Uses::Sms | Uses::Push => {}
            Uses::ShortfallPolicy => drop(variables.insert("SHORTFALL_POLICY", Setting::Input("ShortfallPolicy"))),
            Uses::InvoiceCalendar => variables.extend(INVOICE_CALENDAR),
            Uses::InvoiceSeller => drop(variables.insert("INVOICE_SELLER", Setting::Input("InvoiceSeller"))),
            Uses::OrderLimits => variables.extend(ORDER_LIMITS),
            Uses::OrderRates => variables.extend(ORDER_RATES),
            Uses::MfaPolicy => drop(variables.insert("MFA_REQUIRED_ROLES", Setting::Input("MfaRequiredRoles"))),
            Uses::AttemptLimit => drop(variables.insert("MAX_FAILED_ATTEMPTS", Setting::Input("MaxFailedAttempts"))),
            Uses::RefundLimit => drop(variables.insert("REFUND_LIMIT", Setting::Input("RefundLimit"))),
            Uses::MessageLimits => variables.extend(MESSAGE_LIMITS),
            Uses::BrowserSessions => variables.extend(BROWSER_SESSIONS),
            Uses::WebhookTargets => variables.extend(WEBHOOK_TARGETS),
            Uses::RegistrationLimit => variables.extend(REGISTRATION_LIMIT),
            Uses::RecordBacklog => drop(variables.insert("RECORD_BACKLOG", Setting::Input("RecordBacklog"))),
            Uses::Api => drop(variables.insert("API_URL", Setting::ApiUrl)),
        }
    }
    if function.connects_to_redis() {
        variables.extend(REDIS);
    }
    if function.limits_clients() {
        variables.insert("RATE_LIMITS", Setting::Input("RateLimits"));
    }
    if function.has_queue() {
        variables.insert("QUEUE_URL", Setting::Queue(function.name));
    }
    if function.has_dead_letter_queue() {
        variables.insert("DEAD_LETTER_QUEUE_URL", Setting::DeadLetterQueue(function.name));
    }
    variables
}

fn database(variables: &mut BTreeMap<&'static str, Setting>, user: &'static str, password: &'static str) {
    variables.extend([
        ("DATABASE_HOST", Setting::Input("DatabaseHost")),
        ("DATABASE_PORT", Setting::Input("DatabasePort")),
        ("DATABASE_NAME", Setting::Input("DatabaseName")),
        ("DATABASE_USER", Setting::Text(user)),
        ("DATABASE_PASSWORD", Setting::Input(password)),
    ]);
}

impl Setting {
    /// The value in the template.
    #[must_use]
    pub fn in_template(self) -> Value {
        match self {
            Self::Input(list) if LIST_INPUTS.contains(&list) => json!({ "Fn::Join": [",", reference(list)] }),
            Self::Input(parameter) => reference(parameter),
            Self::Text(text) => json!(text),
            Self::Table(name) => reference(&logical(name, "Table")),
            Self::Stream(name) => reference(&logical(name, "Stream")),
            Self::Bucket(name) => sub(&bucket_text(name)),
            Self::Secret(name) => attribute(&logical(name, "Secret"), "Id"),
            Self::Bus => reference("EventBus"),
            Self::Queue(function) => reference(&logical(function, "Queue")),
            Self::DeadLetterQueue(function) => reference(&dead_letter_queue_id(function)),
            Self::QueuesUrl => sub(&format!(
                "https://sqs.${{AWS::Region}}.${{AWS::URLSuffix}}/${{AWS::AccountId}}/{}",
                physical_text("")
            )),
            Self::FunctionsArn => sub(&function_arn_text("")),
            Self::RedisTls => when("OnAws", json!("require"), json!("off")),
            Self::ApiUrl => api_url(),
            Self::EmailConfigurationSet => reference(EMAIL_CONFIGURATION_SET),
        }
    }

    /// The value in `terraform/catalog.json`: a kind and a name.
    #[must_use]
    pub fn in_terraform(self) -> Value {
        let (kind, name) = match self {
            Self::Input(name) => ("input", name),
            Self::Text(text) => ("text", text),
            Self::Table(name) => ("table", name),
            Self::Stream(name) => ("stream", name),
            Self::Bucket(name) => ("bucket", name),
            Self::Secret(name) => ("secret", name),
            Self::Bus => ("bus", catalog::BUS),
            Self::Queue(function) => ("queue", function),
            Self::DeadLetterQueue(function) => ("dead_letter_queue", function),
            Self::QueuesUrl => ("queues_url", ""),
            Self::FunctionsArn => ("functions_arn", ""),
            Self::RedisTls => ("text", "require"),
            Self::ApiUrl => ("api_url", ""),
            Self::EmailConfigurationSet => ("email_configuration_set", ""),
        };
        json!({ "kind": kind, "name": name })
    }
}

/// Base URL of the HTTP API: its endpoint on AWS, a path below `ApiBaseUrl` on an emulator.
#[must_use]
pub fn api_url() -> Value {
    when("OnAws", attribute("Api", "ApiEndpoint"), sub("${ApiBaseUrl}/_aws/execute-api/${Api}"))
}
