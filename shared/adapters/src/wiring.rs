//! From a function's row in the catalog to the parts that its handler needs.

mod stores;
#[cfg(test)]
mod tests;

use crate::aws;
use crate::config::{Config, ConfigError};
use crate::dynamodb::DynamoProducts;
use crate::eventbridge::EventBridge;
use crate::gateway::{StripeGateway, StripeWebhooks};
use crate::invoice_pdf::PdfInvoiceRenderer;
use crate::kafka::{self, KafkaLog};
use crate::kinesis::KinesisAnalyticsStream;
use crate::message_templates::JinjaMessageTemplates;
use crate::passwords::Argon2Passwords;
use crate::product_snapshots::HttpProductSnapshots;
use crate::redis_cache::{RedisCache, RedisProbe};
use crate::redis_circuit_breaker::RedisCircuitBreaker;
use crate::s3::{S3Archive, S3Documents};
use crate::secret::SecretValue;
use crate::ses::SesEmailSender;
use crate::sns::{SnsPushSender, SnsSmsSender};
use crate::sqs::SqsDeadLetters;
use crate::tokens::JwtTokens;
use aws_types::SdkConfig;
use catalog::{Auth, Bucket, Function, Secret, Stream, Table, Trigger, Uses};
use domain::order::ShortfallPolicy;
use edge::Consumer;
use edge::http::{Access, Route};
use std::cell::OnceCell;

/// Result of wiring: what is wrong is said before the first invocation.
pub type Result<T> = std::result::Result<T, ConfigError>;

/// The parts of one function. Each of its methods makes one part, and refuses where the function's row does not declare the use:
/// what the row does not declare, the function's role does not allow.
#[derive(Debug)]
pub struct Wiring {
    function: &'static Function,
    config: Config,
    sdk: OnceCell<SdkConfig>,
}

impl Wiring {
    /// Starts the telemetry of `function`, which the environment of this process configures. No I/O.
    pub fn start(function: &'static Function) -> Result<Self> {
        edge::telemetry::init(function.name);
        Ok(Self::new(function, Config::from_env()))
    }

    /// The parts of `function` under another configuration than that of the process.
    pub fn new(function: &'static Function, config: Config) -> Self {
        Self { function, config, sdk: OnceCell::new() }
    }

    /// The row.
    pub fn function(&self) -> &'static Function {
        self.function
    }

    /// The configuration, for what a handler takes as plain value.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the row says of its route, for the HTTP runner.
    pub fn route(&self) -> Result<Route> {
        let Trigger::Http { auth, idempotent, .. } = self.function.trigger else { return Err(self.misused("a route")) };
        let access = match auth {
            Auth::Public => Access::Public,
            Auth::Roles(roles) => Access::Roles(roles),
        };
        let route = Route::new(self.function.name, access);
        Ok(if idempotent { route.idempotent() } else { route })
    }

    /// What the row says of its queue or stream, for its runner.
    pub fn consumer(&self) -> Result<Consumer> {
        match self.function.has_dead_letter_queue() {
            true => Ok(Consumer::new(self.function.name).max_receive_count(catalog::MAX_RECEIVES)),
            false => Err(self.misused("a queue or a stream")),
        }
    }

    /// The queue for records that no retry can help.
    pub fn dead_letters(&self) -> Result<SqsDeadLetters> {
        match self.function.has_dead_letter_queue() {
            true => {
                let queue = self.function.has_queue().then(|| self.config.queue_url()).transpose()?;
                Ok(SqsDeadLetters::new(aws_sdk_sqs::Client::new(self.sdk()?), self.config.dead_letter_queue()?, queue))
            }
            false => Err(self.misused("dead letters")),
        }
    }

    /// The event bus.
    pub fn bus(&self) -> Result<EventBridge> {
        self.needs("the bus", |uses| matches!(uses, Uses::Bus))?;
        Ok(EventBridge::new(aws_sdk_eventbridge::Client::new(self.sdk()?), self.config.event_bus()?))
    }

    /// Products.
    pub fn products(&self) -> Result<DynamoProducts> {
        let table = self.table(&catalog::PRODUCTS)?;
        Ok(DynamoProducts::new(aws_sdk_dynamodb::Client::new(self.sdk()?), table))
    }

    /// The shared cache.
    pub fn cache(&self) -> Result<RedisCache> {
        RedisCache::new(&self.redis()?).map_err(|_| unreadable_redis_url())
    }

    /// Whether the cache answers.
    pub fn cache_probe(&self) -> Result<RedisProbe> {
        RedisProbe::new(&self.redis()?).map_err(|_| unreadable_redis_url())
    }

    /// Invoices as documents.
    pub fn documents(&self) -> Result<S3Documents> {
        let bucket = self.bucket(&catalog::INVOICES)?;
        Ok(S3Documents::new(aws::s3(&self.config, self.sdk()?)?, bucket))
    }

    /// The archive of events.
    pub fn archive(&self) -> Result<S3Archive> {
        let bucket = self.bucket(&catalog::ARCHIVE)?;
        Ok(S3Archive::new(aws::s3(&self.config, self.sdk()?)?, bucket))
    }

    /// The stream of facts for analytics.
    pub fn analytics_stream(&self) -> Result<KinesisAnalyticsStream> {
        let stream = self.stream(&catalog::ANALYTICS)?;
        Ok(KinesisAnalyticsStream::new(aws_sdk_kinesis::Client::new(self.sdk()?), stream))
    }

    /// The log of events.
    pub fn event_log(&self) -> Result<KafkaLog> {
        self.needs("Kafka", |uses| matches!(uses, Uses::Kafka))?;
        kafka::log(&self.config)
    }

    /// Mail.
    pub fn email_sender(&self) -> Result<SesEmailSender> {
        self.needs("mail", |uses| matches!(uses, Uses::Email))?;
        let (from, rules) = (self.config.email_from()?, self.config.email_configuration_set()?);
        Ok(SesEmailSender::new(aws_sdk_sesv2::Client::new(self.sdk()?), from, rules))
    }

    /// Text messages.
    pub fn sms_sender(&self) -> Result<SnsSmsSender> {
        self.needs("text messages", |uses| matches!(uses, Uses::Sms))?;
        Ok(SnsSmsSender::new(aws_sdk_sns::Client::new(self.sdk()?)))
    }

    /// Notices on devices, to send.
    pub fn push_sender(&self) -> Result<SnsPushSender> {
        self.needs("notices", |uses| matches!(uses, Uses::Push))?;
        Ok(SnsPushSender::new(aws_sdk_sns::Client::new(self.sdk()?), None))
    }

    /// The push service's list of devices.
    pub fn push_endpoints(&self) -> Result<SnsPushSender> {
        self.needs("devices", |uses| matches!(uses, Uses::PushEndpoints))?;
        Ok(SnsPushSender::new(aws_sdk_sns::Client::new(self.sdk()?), self.config.push_application()))
    }

    /// The payment gateway.
    pub fn gateway(&self) -> Result<StripeGateway> {
        self.needs("the gateway", |uses| matches!(uses, Uses::Gateway))?;
        StripeGateway::new(&self.config.gateway_url()?, self.secret(&catalog::GATEWAY_KEY)?)
    }

    /// What the gateway tells by itself.
    pub fn webhook_verifier(&self) -> Result<StripeWebhooks> {
        Ok(StripeWebhooks::new(self.secret(&catalog::WEBHOOK_SECRET)?))
    }

    /// The circuit breaker before the gateway.
    pub fn circuit_breaker(&self) -> Result<RedisCircuitBreaker> {
        RedisCircuitBreaker::new(&self.redis()?, "gateway").map_err(|_| unreadable_redis_url())
    }

    /// What becomes of a paid order without stock.
    pub fn shortfall_policy(&self) -> Result<ShortfallPolicy> {
        self.needs("the policy about shortfalls", |uses| matches!(uses, Uses::ShortfallPolicy))?;
        self.config.shortfall_policy()
    }

    /// What the catalogue offers.
    pub fn product_snapshots(&self) -> Result<HttpProductSnapshots> {
        self.needs("the platform's API", |uses| matches!(uses, Uses::Api))?;
        HttpProductSnapshots::new(&self.config.api_url()?)
    }

    /// Signed access tokens.
    pub fn tokens(&self) -> Result<JwtTokens> {
        // The stage is in it, so that no stage takes the tokens of another, whatever becomes of the keys.
        let issuer = format!("{}-{}", catalog::PREFIX, self.config.stage()?);
        Ok(JwtTokens::new(self.secret(&catalog::SIGNING_KEYS)?, issuer))
    }

    /// Password hashing. It touches nothing, so no row declares it.
    pub fn passwords(&self) -> Result<Argon2Passwords> {
        Ok(Argon2Passwords)
    }

    /// Letters from templates. They touch nothing, so no row declares them.
    pub fn message_templates(&self) -> Result<JinjaMessageTemplates> {
        JinjaMessageTemplates::new().map_err(|cause| ConfigError::new(format!("a template cannot be read: {cause}")))
    }

    /// Invoices as PDF. Drawing touches nothing, so no row declares it.
    pub fn invoice_renderer(&self) -> Result<PdfInvoiceRenderer> {
        Ok(PdfInvoiceRenderer)
    }

    fn redis(&self) -> Result<String> {
        self.needs("Redis", |uses| matches!(uses, Uses::Redis))?;
        self.config.redis_url()
    }

    fn secret(&self, secret: &'static Secret) -> Result<SecretValue> {
        self.needs(secret.name, |uses| matches!(uses, Uses::Secret(declared, _) if declared.name == secret.name))?;
        Ok(SecretValue::new(aws_sdk_secretsmanager::Client::new(self.sdk()?), self.config.secret(secret)?))
    }

    fn sdk(&self) -> Result<&SdkConfig> {
        if let Some(sdk) = self.sdk.get() {
            return Ok(sdk);
        }
        let sdk = aws::sdk(&self.config)?;
        Ok(self.sdk.get_or_init(|| sdk))
    }

    fn table(&self, table: &'static Table) -> Result<String> {
        self.needs(table.name, |uses| matches!(uses, Uses::Table(declared, _) if declared.name == table.name))?;
        self.config.table(table)
    }

    fn bucket(&self, bucket: &'static Bucket) -> Result<String> {
        self.needs(bucket.name, |uses| matches!(uses, Uses::Bucket(declared, _) if declared.name == bucket.name))?;
        self.config.bucket(bucket)
    }

    fn stream(&self, stream: &'static Stream) -> Result<String> {
        self.needs(stream.name, |uses| matches!(uses, Uses::Stream(declared) if declared.name == stream.name))?;
        self.config.stream(stream)
    }

    fn needs(&self, what: &str, is_it: impl Fn(&Uses) -> bool) -> Result<()> {
        match self.function.uses.iter().any(is_it) {
            true => Ok(()),
            false => Err(self.misused(what)),
        }
    }

    fn misused(&self, what: &str) -> ConfigError {
        ConfigError::new(format!("the catalog's row of {} does not declare that it uses {what}", self.function.name))
    }
}

fn unreadable_redis_url() -> ConfigError {
    ConfigError::new("the environment variable REDIS_URL cannot be read")
}
