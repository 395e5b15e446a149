//! Configuration from environment variables. No other code of the adapters reads the environment.
//!
//! Each variable is read when it is needed, so that a function needs only the variables of what it uses. An error names the variable
//! that is missing or invalid, never its value.

mod browsers;
mod invoices;
mod kafka;
mod limits;
mod rates;
#[cfg(test)]
mod tests;

pub use kafka::KafkaAuth;

use catalog::{Bucket, Secret, Stream, Table};
use domain::order::ShortfallPolicy;
use domain::text::Email;
use std::collections::BTreeMap;
use std::fmt;

/// Names of the variables, except those that the catalog gives a table, bucket, stream or secret.
pub mod env {
    /// `local`, `dev` or `prod`.
    pub const STAGE: &str = "STAGE";
    /// The region.
    pub const REGION: &str = "AWS_REGION";
    /// URL of an AWS emulator; absent on AWS.
    pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
    /// Credentials of the function's role: the id of its key.
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    /// Credentials of the function's role: its key.
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    /// Credentials of the function's role: the token of its session.
    pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
    /// Host of the database, or of the proxy in front of it.
    pub const DATABASE_HOST: &str = "DATABASE_HOST";
    /// Port of the database, or of the proxy in front of it.
    pub const DATABASE_PORT: &str = "DATABASE_PORT";
    /// Name of the database.
    pub const DATABASE_NAME: &str = "DATABASE_NAME";
    /// The role of the function's context.
    pub const DATABASE_USER: &str = "DATABASE_USER";
    /// Password of the role; absent where it logs in with an IAM token.
    pub const DATABASE_PASSWORD: &str = "DATABASE_PASSWORD";
    /// `require` or `off`. If absent, TLS is off for a database on this host and required for any other.
    pub const DATABASE_TLS: &str = "DATABASE_TLS";
    /// The password that migrations set for the roles of the contexts; absent where these log in with IAM tokens.
    pub const DATABASE_ROLE_PASSWORD: &str = "DATABASE_ROLE_PASSWORD";
    /// `rediss://`, over TLS; `redis://` only where [`REDIS_TLS`] is `off`.
    pub const REDIS_URL: &str = "REDIS_URL";
    /// `require`, the default, or `off`, which only the local cloud sets.
    pub const REDIS_TLS: &str = "REDIS_TLS";
    /// ElastiCache's replication group, whose IAM tokens are the password; absent for a Redis without them.
    pub const REDIS_IAM_CACHE: &str = "REDIS_IAM_CACHE";
    /// Requests of a client in a minute and in a day, by class of route, such as `read:1200,200000;write:600,100000`.
    pub const RATE_LIMITS: &str = "RATE_LIMITS";
    /// Name of the event bus.
    pub const EVENT_BUS: &str = "EVENT_BUS";
    /// Kafka's bootstrap servers, `host:port`, separated by commas.
    pub const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
    /// How to log in to Kafka: `iam` or `scram`. There is no connection without a login.
    pub const KAFKA_AUTH: &str = "KAFKA_AUTH";
    /// ARN of the secret with `username` and `password`, for `scram`.
    pub const KAFKA_LOGIN_SECRET: &str = "KAFKA_LOGIN_SECRET";
    /// Certificate of the authority that issued those of the brokers, DER in base64. Absent: the public authorities.
    pub const KAFKA_CA: &str = "KAFKA_CA";
    /// Base URL of the payment gateway.
    pub const GATEWAY_URL: &str = "GATEWAY_URL";
    /// Sender address of e-mail.
    pub const EMAIL_FROM: &str = "EMAIL_FROM";
    /// Name of the SES configuration set.
    pub const EMAIL_CONFIGURATION_SET: &str = "EMAIL_CONFIGURATION_SET";
    /// ARN of the SNS platform application that devices are registered with; empty if there is none.
    pub const PUSH_APPLICATION_ARN: &str = "PUSH_APPLICATION_ARN";
    /// Base URL of the platform's own HTTP API.
    pub const API_URL: &str = "API_URL";
    /// Origins whose pages may call the API, separated by commas; empty for none but its own.
    pub const CORS_ORIGINS: &str = "CORS_ORIGINS";
    /// URL of the function's dead-letter queue.
    pub const DEAD_LETTER_QUEUE_URL: &str = "DEAD_LETTER_QUEUE_URL";
    /// URL of the function's own queue.
    pub const QUEUE_URL: &str = "QUEUE_URL";
    /// What the URL of every queue begins with; the name of the function follows.
    pub const QUEUES_URL: &str = "QUEUES_URL";
    /// What the ARN of every function begins with; its name follows.
    pub const FUNCTIONS_ARN: &str = "FUNCTIONS_ARN";
    /// What happens to a paid order without stock: `refund`, `backorder` or `review`.
    pub const SHORTFALL_POLICY: &str = "SHORTFALL_POLICY";
    /// Lines that an order may have.
    pub const MAX_ORDER_LINES: &str = "MAX_ORDER_LINES";
    /// Open orders that a customer may have without paying.
    pub const MAX_UNPAID_ORDERS: &str = "MAX_UNPAID_ORDERS";
    /// Units in those orders.
    pub const MAX_UNPAID_UNITS: &str = "MAX_UNPAID_UNITS";
    /// Orders that wait for stock or payment for more than five minutes, from which on no order is accepted.
    pub const MAX_DELAYED_ORDERS: &str = "MAX_DELAYED_ORDERS";
    /// Tax rates by area, such as `DE:included:19,books:7;US-NY:added:8.875`; empty for none.
    pub const TAX_RATES: &str = "TAX_RATES";
    /// How the tax of a line is rounded: `half_up` or `half_even`.
    pub const TAX_ROUNDING: &str = "TAX_ROUNDING";
    /// Shipping methods with prices in minor units, such as `standard:free;express:EUR:1290,USD:1500`.
    pub const SHIPPING_METHODS: &str = "SHIPPING_METHODS";
    /// Payment attempts of a customer in an hour that may fail.
    pub const MAX_FAILED_ATTEMPTS: &str = "MAX_FAILED_ATTEMPTS";
    /// Amount above which a refund of a payment by staff needs a second person, in units of its currency.
    pub const REFUND_LIMIT: &str = "REFUND_LIMIT";
    /// Roles that need a second factor, separated by commas, such as `staff,admin`; empty for none.
    pub const MFA_REQUIRED_ROLES: &str = "MFA_REQUIRED_ROLES";
    /// Calling codes of the countries that text messages go to, separated by commas; `!` excepts numbers that begin so.
    pub const SMS_COUNTRIES: &str = "SMS_COUNTRIES";
    /// Text messages about orders and by staff that a customer gets in a day.
    pub const MAX_SMS_PER_CUSTOMER: &str = "MAX_SMS_PER_CUSTOMER";
    /// Text messages about orders and by staff that a phone number gets in a day.
    pub const MAX_SMS_PER_ADDRESS: &str = "MAX_SMS_PER_ADDRESS";
    /// Messages with a token that a customer causes in a day, the one at registration included.
    pub const MAX_VERIFICATIONS_PER_CUSTOMER: &str = "MAX_VERIFICATIONS_PER_CUSTOMER";
    /// Messages with a token that an address gets in a day, whoever asks.
    pub const MAX_VERIFICATIONS_PER_ADDRESS: &str = "MAX_VERIFICATIONS_PER_ADDRESS";
    /// Ports that webhooks are sent to besides 443, separated by commas; empty for none.
    pub const WEBHOOK_PORTS: &str = "WEBHOOK_PORTS";
    /// Origin that webhooks are sent to without a check of the address, which only the local cloud sets; empty for none.
    pub const WEBHOOK_LOCAL_ORIGIN: &str = "WEBHOOK_LOCAL_ORIGIN";
    /// Registrations from one IPv4 address or IPv6 network (/64) in an hour.
    pub const MAX_REGISTRATIONS_PER_SOURCE: &str = "MAX_REGISTRATIONS_PER_SOURCE";
    /// Records that may wait to be written before no more are accepted.
    pub const RECORD_BACKLOG: &str = "RECORD_BACKLOG";
    /// Name, address and tax number of the seller on invoices: lines separated by `|`.
    pub const INVOICE_SELLER: &str = "INVOICE_SELLER";
    /// IANA time zone in which invoices are dated.
    pub const INVOICE_TIME_ZONE: &str = "INVOICE_TIME_ZONE";
    /// First day of a series of invoices, as `MM-DD`.
    pub const INVOICE_YEAR_BEGINS: &str = "INVOICE_YEAR_BEGINS";
}

/// The variables with the policies, rates and limits of the environment, which its admins may see.
pub const SETTINGS: [&str; 24] = [
    env::INVOICE_SELLER,
    env::INVOICE_TIME_ZONE,
    env::INVOICE_YEAR_BEGINS,
    env::MAX_DELAYED_ORDERS,
    env::MAX_FAILED_ATTEMPTS,
    env::MAX_ORDER_LINES,
    env::MAX_REGISTRATIONS_PER_SOURCE,
    env::MAX_SMS_PER_ADDRESS,
    env::MAX_SMS_PER_CUSTOMER,
    env::MAX_UNPAID_ORDERS,
    env::MAX_UNPAID_UNITS,
    env::MAX_VERIFICATIONS_PER_ADDRESS,
    env::MAX_VERIFICATIONS_PER_CUSTOMER,
    env::MFA_REQUIRED_ROLES,
    env::RATE_LIMITS,
    env::RECORD_BACKLOG,
    env::REFUND_LIMIT,
    env::SHIPPING_METHODS,
    env::SHORTFALL_POLICY,
    env::SMS_COUNTRIES,
    env::TAX_RATES,
    env::TAX_ROUNDING,
    env::WEBHOOK_LOCAL_ORIGIN,
    env::WEBHOOK_PORTS,
];

/// The environment of the process, or a fixed set of variables for tests.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Instead of the environment.
    fixed: Option<BTreeMap<String, String>>,
}

/// The address of the database and the login.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    /// `None` if the role logs in with an IAM token.
    pub password: Option<String>,
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseConfig({}@{}:{}/{})", self.user, self.host, self.port, self.database)
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A variable that is missing or invalid, or a use that the function's row of the catalog does not declare.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn invalid(name: &str, expected: &str) -> Self {
        Self(format!("the environment variable {name} must be {expected}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConfigError {
    /// The same as `Display`, since the runtime prints the error of `main` with `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

type Result<T> = std::result::Result<T, ConfigError>;

impl Config {
    /// The environment of this process.
    pub fn from_env() -> Self {
        Self { fixed: None }
    }

    /// Only these variables, without the environment of the process.
    pub fn from_vars<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self { fixed: Some(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()) }
    }

    /// The values of [`SETTINGS`]; empty if absent.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        SETTINGS.map(|name| (name, self.optional(name).unwrap_or_default())).to_vec()
    }

    pub fn stage(&self) -> Result<String> {
        self.text(env::STAGE)
    }

    pub fn region(&self) -> Result<String> {
        self.text(env::REGION)
    }

    /// The URL of an AWS emulator, if one is used.
    pub fn endpoint_url(&self) -> Result<Option<String>> {
        self.optional(env::ENDPOINT_URL).map(|url| http_url(env::ENDPOINT_URL, url)).transpose()
    }

    pub fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials {
            access_key_id: self.text(env::ACCESS_KEY_ID)?,
            secret_access_key: self.text(env::SECRET_ACCESS_KEY)?,
            session_token: self.optional(env::SESSION_TOKEN),
        })
    }

    pub fn database(&self) -> Result<DatabaseConfig> {
        let port = self.text(env::DATABASE_PORT)?;
        Ok(DatabaseConfig {
            host: self.text(env::DATABASE_HOST)?,
            port: port.parse().map_err(|_| ConfigError::invalid(env::DATABASE_PORT, "a port number"))?,
            database: self.text(env::DATABASE_NAME)?,
            user: self.text(env::DATABASE_USER)?,
            password: self.optional(env::DATABASE_PASSWORD),
        })
    }

    pub fn database_tls(&self) -> Option<String> {
        self.optional(env::DATABASE_TLS)
    }

    pub fn database_role_password(&self) -> Option<String> {
        self.optional(env::DATABASE_ROLE_PASSWORD)
    }

    pub fn redis_url(&self) -> Result<String> {
        let url = self.text(env::REDIS_URL)?;
        let may_be_plain = match self.optional(env::REDIS_TLS).as_deref() {
            None | Some("require") => false,
            Some("off") => true,
            Some(_) => return Err(ConfigError::invalid(env::REDIS_TLS, "require or off")),
        };
        match url.starts_with("rediss://") || (may_be_plain && url.starts_with("redis://")) {
            true => Ok(url),
            false if may_be_plain => Err(ConfigError::invalid(env::REDIS_URL, "a redis:// or rediss:// URL")),
            false => Err(ConfigError::invalid(env::REDIS_URL, "a rediss:// URL: without TLS only if REDIS_TLS is off")),
        }
    }

    /// The replication group of ElastiCache whose IAM tokens are the password, if the cache takes them.
    pub fn redis_iam_cache(&self) -> Option<String> {
        self.optional(env::REDIS_IAM_CACHE)
    }

    /// Physical name of a table.
    pub fn table(&self, table: &Table) -> Result<String> {
        self.text(table.env)
    }

    /// Physical name of a bucket.
    pub fn bucket(&self, bucket: &Bucket) -> Result<String> {
        self.text(bucket.env)
    }

    /// ARN of a secret.
    pub fn secret(&self, secret: &Secret) -> Result<String> {
        self.text(secret.env)
    }

    /// Physical name of a stream.
    pub fn stream(&self, stream: &Stream) -> Result<String> {
        self.text(stream.env)
    }

    pub fn event_bus(&self) -> Result<String> {
        self.text(env::EVENT_BUS)
    }

    /// Without a trailing slash.
    pub fn gateway_url(&self) -> Result<String> {
        http_url(env::GATEWAY_URL, self.text(env::GATEWAY_URL)?)
    }

    /// Without a trailing slash.
    pub fn api_url(&self) -> Result<String> {
        http_url(env::API_URL, self.text(env::API_URL)?)
    }

    pub fn email_from(&self) -> Result<Email> {
        Email::parse(&self.text(env::EMAIL_FROM)?)
            .map_err(|_| ConfigError::invalid(env::EMAIL_FROM, "an e-mail address"))
    }

    pub fn email_configuration_set(&self) -> Result<String> {
        self.text(env::EMAIL_CONFIGURATION_SET)
    }

    pub fn push_application(&self) -> Option<String> {
        self.optional(env::PUSH_APPLICATION_ARN)
    }

    pub fn dead_letter_queue(&self) -> Result<String> {
        http_url(env::DEAD_LETTER_QUEUE_URL, self.text(env::DEAD_LETTER_QUEUE_URL)?)
    }

    pub fn queue_url(&self) -> Result<String> {
        http_url(env::QUEUE_URL, self.text(env::QUEUE_URL)?)
    }

    pub fn queues_url(&self) -> Result<String> {
        http_url(env::QUEUES_URL, self.text(env::QUEUES_URL)?)
    }

    pub fn functions_arn(&self) -> Result<String> {
        self.text(env::FUNCTIONS_ARN)
    }

    pub fn shortfall_policy(&self) -> Result<ShortfallPolicy> {
        ShortfallPolicy::parse(&self.text(env::SHORTFALL_POLICY)?).ok_or_else(|| {
            let words = ShortfallPolicy::ALL.map(ShortfallPolicy::name).join(" or ");
            ConfigError::invalid(env::SHORTFALL_POLICY, &words)
        })
    }

    fn text(&self, name: &'static str) -> Result<String> {
        self.optional(name).ok_or_else(|| ConfigError(format!("the environment variable {name} is not set")))
    }

    fn optional(&self, name: &str) -> Option<String> {
        let value = match &self.fixed {
            Some(fixed) => fixed.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }
}

fn http_url(name: &str, url: String) -> Result<String> {
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(url.trim_end_matches('/').to_owned()),
        false => Err(ConfigError::invalid(name, "an http:// or https:// URL")),
    }
}
