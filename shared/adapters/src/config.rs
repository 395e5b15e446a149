//! What a function is told by its environment. No other code of this crate reads environment variables.
//!
//! Each value is read when something asks for it, so that a function needs the variables of what it uses and no others. What is
//! missing or cannot be read is an error that names the variable and never its value.

use catalog::{Bucket, Secret, Stream, Table};
use domain::order::ShortfallPolicy;
use domain::text::Email;
use std::collections::BTreeMap;
use std::fmt;

/// Names of the variables that belong to no single resource of the catalog.
pub mod env {
    /// Where this runs: `local`, `dev`, `prod`.
    pub const STAGE: &str = "STAGE";
    /// The region; Lambda sets it.
    pub const REGION: &str = "AWS_REGION";
    /// An emulator of AWS; absent on AWS itself.
    pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
    /// Credentials; Lambda sets all three.
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    /// See [`ACCESS_KEY_ID`].
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    /// See [`ACCESS_KEY_ID`].
    pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
    /// Host of the database, or of the proxy in front of it.
    pub const DATABASE_HOST: &str = "DATABASE_HOST";
    /// Its port.
    pub const DATABASE_PORT: &str = "DATABASE_PORT";
    /// Name of the database.
    pub const DATABASE_NAME: &str = "DATABASE_NAME";
    /// The role of the function's context.
    pub const DATABASE_USER: &str = "DATABASE_USER";
    /// Its password; absent where IAM gives a token instead.
    pub const DATABASE_PASSWORD: &str = "DATABASE_PASSWORD";
    /// `require` or `off`; when absent, only a database on this machine is spoken to in clear.
    pub const DATABASE_TLS: &str = "DATABASE_TLS";
    /// The password that a migration gives to the roles of the contexts; absent where they log in by IAM.
    pub const DATABASE_ROLE_PASSWORD: &str = "DATABASE_ROLE_PASSWORD";
    /// The cache.
    pub const REDIS_URL: &str = "REDIS_URL";
    /// Name of the event bus.
    pub const EVENT_BUS: &str = "EVENT_BUS";
    /// Kafka brokers to begin with, `host:port`, comma between them.
    pub const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
    /// How to prove to Kafka who we are: `iam`, or absent for nothing.
    pub const KAFKA_AUTH: &str = "KAFKA_AUTH";
    /// The payment gateway.
    pub const GATEWAY_URL: &str = "GATEWAY_URL";
    /// Sender of mail.
    pub const EMAIL_FROM: &str = "EMAIL_FROM";
    /// Name of the set of rules that mail is sent under.
    pub const EMAIL_CONFIGURATION_SET: &str = "EMAIL_CONFIGURATION_SET";
    /// ARN of the platform application that devices are entered with; empty where there is none.
    pub const PUSH_APPLICATION_ARN: &str = "PUSH_APPLICATION_ARN";
    /// The platform's own HTTP API.
    pub const API_URL: &str = "API_URL";
    /// URL of the queue for records that no retry can help.
    pub const DEAD_LETTER_QUEUE_URL: &str = "DEAD_LETTER_QUEUE_URL";
    /// URL of the function's own queue.
    pub const QUEUE_URL: &str = "QUEUE_URL";
    /// What becomes of a paid order without stock: `refund`, `backorder` or `review`.
    pub const SHORTFALL_POLICY: &str = "SHORTFALL_POLICY";
}

/// The environment, or what stands in for it in a test.
#[derive(Debug, Clone, Default)]
pub struct Config {
    given: Option<BTreeMap<String, String>>,
}

/// Where the database is and who we are to it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub name: String,
    /// Role.
    pub user: String,
    /// Password; none where IAM gives a token instead.
    pub password: Option<String>,
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({}@{}:{}/{})", self.user, self.host, self.port, self.name)
    }
}

/// Credentials for AWS.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Public part.
    pub access_key_id: String,
    /// Secret part.
    pub secret_access_key: String,
    /// Token of the role's session.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A variable that is missing or cannot be read, or a use that the catalog does not know of.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    /// Says what is wrong.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    fn unreadable(name: &str, wanted: &str) -> Self {
        Self(format!("the environment variable {name} must be {wanted}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConfigError {
    /// `main` prints errors like this: the sentence is what helps there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

type Result<T> = std::result::Result<T, ConfigError>;

impl Config {
    /// The environment of this process.
    pub fn from_env() -> Self {
        Self { given: None }
    }

    /// These variables and no others.
    pub fn from_vars<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self { given: Some(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()) }
    }

    /// Where this runs.
    pub fn stage(&self) -> Result<String> {
        self.text(env::STAGE)
    }

    /// The region.
    pub fn region(&self) -> Result<String> {
        self.text(env::REGION)
    }

    /// The emulator that stands in for AWS, where there is one.
    pub fn endpoint_url(&self) -> Result<Option<String>> {
        self.optional(env::ENDPOINT_URL).map(|url| http_url(env::ENDPOINT_URL, url)).transpose()
    }

    /// Credentials for AWS.
    pub fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials {
            access_key_id: self.text(env::ACCESS_KEY_ID)?,
            secret_access_key: self.text(env::SECRET_ACCESS_KEY)?,
            session_token: self.optional(env::SESSION_TOKEN),
        })
    }

    /// The database.
    pub fn database(&self) -> Result<DatabaseConfig> {
        let port = self.text(env::DATABASE_PORT)?;
        Ok(DatabaseConfig {
            host: self.text(env::DATABASE_HOST)?,
            port: port.parse().map_err(|_| ConfigError::unreadable(env::DATABASE_PORT, "a port number"))?,
            name: self.text(env::DATABASE_NAME)?,
            user: self.text(env::DATABASE_USER)?,
            password: self.optional(env::DATABASE_PASSWORD),
        })
    }

    /// Whether to speak to the database over TLS, where that is said.
    pub fn database_tls(&self) -> Option<String> {
        self.optional(env::DATABASE_TLS)
    }

    /// The password that a migration gives to the roles of the contexts, where they have one.
    pub fn database_role_password(&self) -> Option<String> {
        self.optional(env::DATABASE_ROLE_PASSWORD)
    }

    /// The cache.
    pub fn redis_url(&self) -> Result<String> {
        let url = self.text(env::REDIS_URL)?;
        match url.starts_with("redis://") || url.starts_with("rediss://") {
            true => Ok(url),
            false => Err(ConfigError::unreadable(env::REDIS_URL, "a redis:// or rediss:// URL")),
        }
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

    /// Name of the event bus.
    pub fn event_bus(&self) -> Result<String> {
        self.text(env::EVENT_BUS)
    }

    /// Kafka brokers to begin with.
    pub fn kafka_brokers(&self) -> Result<Vec<String>> {
        let brokers: Vec<String> = self.text(env::KAFKA_BROKERS)?.split(',').map(|one| one.trim().to_owned()).collect();
        match brokers.iter().all(|broker| broker.contains(':')) {
            true => Ok(brokers),
            false => Err(ConfigError::unreadable(env::KAFKA_BROKERS, "host:port, comma between them")),
        }
    }

    /// Whether Kafka wants TLS and a token from IAM.
    pub fn kafka_uses_iam(&self) -> Result<bool> {
        match self.optional(env::KAFKA_AUTH).as_deref() {
            None => Ok(false),
            Some("iam") => Ok(true),
            Some(_) => Err(ConfigError::unreadable(env::KAFKA_AUTH, "iam, or absent")),
        }
    }

    /// The payment gateway, without a slash at its end.
    pub fn gateway_url(&self) -> Result<String> {
        http_url(env::GATEWAY_URL, self.text(env::GATEWAY_URL)?)
    }

    /// The platform's own HTTP API, without a slash at its end.
    pub fn api_url(&self) -> Result<String> {
        http_url(env::API_URL, self.text(env::API_URL)?)
    }

    /// Sender of mail.
    pub fn email_from(&self) -> Result<Email> {
        Email::parse(&self.text(env::EMAIL_FROM)?)
            .map_err(|_| ConfigError::unreadable(env::EMAIL_FROM, "an e-mail address"))
    }

    /// Name of the set of rules that mail is sent under.
    pub fn email_configuration_set(&self) -> Result<String> {
        self.text(env::EMAIL_CONFIGURATION_SET)
    }

    /// ARN of the platform application that devices are entered with.
    pub fn push_application(&self) -> Option<String> {
        self.optional(env::PUSH_APPLICATION_ARN)
    }

    /// URL of the queue for records that no retry can help.
    pub fn dead_letter_queue(&self) -> Result<String> {
        http_url(env::DEAD_LETTER_QUEUE_URL, self.text(env::DEAD_LETTER_QUEUE_URL)?)
    }

    /// URL of the function's own queue.
    pub fn queue_url(&self) -> Result<String> {
        http_url(env::QUEUE_URL, self.text(env::QUEUE_URL)?)
    }

    /// What becomes of a paid order without stock.
    pub fn shortfall_policy(&self) -> Result<ShortfallPolicy> {
        ShortfallPolicy::parse(&self.text(env::SHORTFALL_POLICY)?).ok_or_else(|| {
            let words = ShortfallPolicy::ALL.map(ShortfallPolicy::name).join(" or ");
            ConfigError::unreadable(env::SHORTFALL_POLICY, &words)
        })
    }

    fn text(&self, name: &'static str) -> Result<String> {
        self.optional(name).ok_or_else(|| ConfigError(format!("the environment variable {name} is not set")))
    }

    fn optional(&self, name: &str) -> Option<String> {
        let value = match &self.given {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }
}

fn http_url(name: &str, url: String) -> Result<String> {
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(url.trim_end_matches('/').to_owned()),
        false => Err(ConfigError::unreadable(name, "an http:// or https:// URL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_empty_is_named() {
        let config = Config::from_vars([("STAGE", "")]);
        assert!(config.stage().unwrap_err().to_string().contains("STAGE"));
        assert!(config.event_bus().unwrap_err().to_string().contains("EVENT_BUS"));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_its_value_is_not() {
        let config =
            Config::from_vars([("REDIS_URL", "secret-host"), ("KAFKA_BROKERS", "secret-host"), ("KAFKA_AUTH", "x")]);
        for error in
            [config.redis_url().unwrap_err(), config.kafka_brokers().unwrap_err(), config.kafka_uses_iam().unwrap_err()]
        {
            assert!(!error.to_string().contains("secret-host"), "{error}");
            assert!(error.to_string().contains("REDIS_URL") || error.to_string().contains("KAFKA"), "{error}");
        }
    }

    #[test]
    fn urls_lose_the_slash_at_their_end_and_brokers_their_spaces() {
        let config = Config::from_vars([("API_URL", "https://api.example.com/"), ("KAFKA_BROKERS", "a:1, b:2")]);
        assert_eq!(config.api_url().unwrap(), "https://api.example.com");
        assert_eq!(config.kafka_brokers().unwrap(), ["a:1", "b:2"]);
    }

    #[test]
    fn the_policy_is_one_of_the_domains_words() {
        for policy in ShortfallPolicy::ALL {
            assert_eq!(Config::from_vars([("SHORTFALL_POLICY", policy.name())]).shortfall_policy(), Ok(policy));
        }
        let error = Config::from_vars([("SHORTFALL_POLICY", "shrug")]).shortfall_policy().unwrap_err().to_string();
        assert_eq!(error, "the environment variable SHORTFALL_POLICY must be refund or backorder or review");
        assert!(
            Config::from_vars([]).shortfall_policy().unwrap_err().to_string().contains("SHORTFALL_POLICY is not set")
        );
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let config = Config::from_vars([
            ("DATABASE_HOST", "h"),
            ("DATABASE_PORT", "5432"),
            ("DATABASE_NAME", "n"),
            ("DATABASE_USER", "u"),
            ("DATABASE_PASSWORD", "hunter2"),
        ]);
        assert!(!format!("{:?}", config.database().unwrap()).contains("hunter2"));
    }
}
