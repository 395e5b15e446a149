//! What a function may use: its row of the catalog, and the configuration that goes with it.

#[cfg(test)]
mod tests;

use crate::aws;
use crate::config::{Config, ConfigError};
use aws_types::SdkConfig;
use catalog::{Auth, Bucket, Function, Idempotency, Secret, Stream, Table, Trigger, Uses};
use domain::invoice::{Calendar, Seller};
use domain::message_limits::{Budget, MessageLimits};
use domain::order::{OrderLimits, Rates, ShortfallPolicy};
use domain::payment::{AttemptLimit, RefundLimit};
use domain::second_factor::MfaPolicy;
use domain::webhook::WebhookTargets;
use edge::Consumer;
use edge::http::{Access, CredentialCookie, Route};
use kernel::rate_limit::Policy;
use std::any::Any;
use std::cell::{OnceCell, RefCell};

/// The result of wiring. An error ends the process before the first invocation.
pub type Result<T, E = ConfigError> = std::result::Result<T, E>;

/// The row and the configuration of one function.
///
/// The crates `adapters-*` make their adapters from it, and reject what the row does not declare, since the function's role does not
/// allow it either.
#[derive(Debug)]
pub struct Wiring {
    function: &'static Function,
    config: Config,
    sdk: OnceCell<SdkConfig>,
    /// What several adapters share; see [`Wiring::shared`].
    shared: RefCell<Vec<Box<dyn Any>>>,
}

impl Wiring {
    /// Starts the telemetry of `function` and reads its configuration from the environment. No I/O.
    pub fn start(function: &'static Function) -> Result<Self> {
        edge::telemetry::init(function.name);
        Ok(Self::new(function, Config::from_env()))
    }

    /// The wiring of `function` under `config` instead of the environment of this process.
    pub fn new(function: &'static Function, config: Config) -> Self {
        Self { function, config, sdk: OnceCell::new(), shared: RefCell::default() }
    }

    pub fn function(&self) -> &'static Function {
        self.function
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The route of an HTTP function.
    pub fn route(&self) -> Result<Route> {
        let (auth, idempotency) = match self.function.trigger {
            Trigger::Http { auth, idempotency, .. } => (auth, idempotency),
            Trigger::DefaultRoute => (Auth::Public, Idempotency::Ignored),
            _ => return Err(self.undeclared("a route")),
        };
        let access = match auth {
            Auth::Public => Access::Public,
            Auth::Roles(roles) => Access::Roles(roles),
            Auth::Optional(roles) => Access::Optional(roles),
        };
        let route = Route::new(self.function.name, access);
        Ok(match idempotency {
            Idempotency::Ignored => route,
            Idempotency::Honoured => route.honours_key(),
            Idempotency::Required => route.idempotent(),
        })
    }

    /// The consumer of a queue or stream.
    pub fn consumer(&self) -> Result<Consumer> {
        match self.function.has_dead_letter_queue() {
            true => Ok(Consumer::new(self.function.name, catalog::MAX_RECEIVES)
                .producers(catalog::PRODUCERS)
                .concurrency(catalog::CONCURRENT_MESSAGES)),
            false => Err(self.undeclared("a queue or a stream")),
        }
    }

    /// What happens to a paid order without stock.
    pub fn shortfall_policy(&self) -> Result<ShortfallPolicy> {
        self.require("the policy about shortfalls", |uses| matches!(uses, Uses::ShortfallPolicy))?;
        self.config.shortfall_policy()
    }

    /// What a customer may order.
    pub fn order_limits(&self) -> Result<OrderLimits> {
        self.require("the limits of orders", |uses| matches!(uses, Uses::OrderLimits))?;
        self.config.order_limits()
    }

    /// What is charged on top of the prices of products.
    pub fn order_rates(&self) -> Result<Rates> {
        self.require("the rates of orders", |uses| matches!(uses, Uses::OrderRates))?;
        self.config.order_rates()
    }

    /// How many payment attempts of a customer may fail.
    pub fn attempt_limit(&self) -> Result<AttemptLimit> {
        self.require("the limit of payment attempts", |uses| matches!(uses, Uses::AttemptLimit))?;
        self.config.attempt_limit()
    }

    /// Up to how much staff refunds without an approval.
    pub fn refund_limit(&self) -> Result<RefundLimit> {
        self.require("the limit of refunds", |uses| matches!(uses, Uses::RefundLimit))?;
        self.config.refund_limit()
    }

    /// Who needs a second factor.
    pub fn mfa_policy(&self) -> Result<MfaPolicy> {
        self.require("the policy about second factors", |uses| matches!(uses, Uses::MfaPolicy))?;
        self.config.mfa_policy()
    }

    /// The cookie of refresh tokens.
    pub fn refresh_cookie(&self) -> Result<CredentialCookie> {
        self.require("the sessions of browsers", |uses| matches!(uses, Uses::BrowserSessions))?;
        self.config.refresh_cookie()
    }

    /// What messages may cost.
    pub fn message_limits(&self) -> Result<MessageLimits> {
        self.require("the limits of messages", |uses| matches!(uses, Uses::MessageLimits))?;
        self.config.message_limits()
    }

    /// Where webhooks may be sent.
    pub fn webhook_targets(&self) -> Result<WebhookTargets> {
        self.require("the targets of webhooks", |uses| matches!(uses, Uses::WebhookTargets))?;
        self.config.webhook_targets()
    }

    /// How many registrations come from one source.
    pub fn registration_limit(&self) -> Result<Budget> {
        self.require("the limit of registrations", |uses| matches!(uses, Uses::RegistrationLimit))?;
        self.config.registration_limit()
    }

    /// How many records may wait to be written.
    pub fn record_backlog(&self) -> Result<u64> {
        self.require("the backlog of records", |uses| matches!(uses, Uses::RecordBacklog))?;
        self.config.record_backlog()
    }

    /// The time zone and year of invoice series.
    pub fn invoice_calendar(&self) -> Result<Calendar> {
        self.require("the calendar of invoices", |uses| matches!(uses, Uses::InvoiceCalendar))?;
        self.config.invoice_calendar()
    }

    /// The seller that invoices name.
    pub fn invoice_seller(&self) -> Result<Seller> {
        self.require("the seller of invoices", |uses| matches!(uses, Uses::InvoiceSeller))?;
        self.config.invoice_seller()
    }

    /// The configuration of every AWS client, made at the first call.
    pub fn sdk(&self) -> Result<&SdkConfig> {
        if let Some(sdk) = self.sdk.get() {
            return Ok(sdk);
        }
        let sdk = aws::sdk_config(&self.config)?;
        Ok(self.sdk.get_or_init(|| sdk))
    }

    /// The value of this type that several adapters share, such as a connection; `make` makes it at the first call.
    pub fn shared<T: Clone + 'static>(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(made) = self.shared.borrow().iter().find_map(|one| one.downcast_ref::<T>()) {
            return Ok(made.clone());
        }
        let made = make()?;
        self.shared.borrow_mut().push(Box::new(made.clone()));
        Ok(made)
    }

    pub fn table_name(&self, table: &'static Table) -> Result<String> {
        self.require(table.name, |uses| matches!(uses, Uses::Table(declared, _) if declared.name == table.name))?;
        self.config.table(table)
    }

    pub fn bucket_name(&self, bucket: &'static Bucket) -> Result<String> {
        self.require(bucket.name, |uses| matches!(uses, Uses::Bucket(declared, _) if declared.name == bucket.name))?;
        self.config.bucket(bucket)
    }

    pub fn stream_name(&self, stream: &'static Stream) -> Result<String> {
        self.require(stream.name, |uses| matches!(uses, Uses::Stream(declared, _) if declared.name == stream.name))?;
        self.config.stream(stream)
    }

    /// The ARN of a secret.
    pub fn secret_id(&self, secret: &'static Secret) -> Result<String> {
        self.require(secret.name, |uses| matches!(uses, Uses::Secret(declared, _) if declared.name == secret.name))?;
        self.config.secret(secret)
    }

    pub fn redis_url(&self) -> Result<String> {
        match self.function.connects_to_redis() {
            true => self.config.redis_url(),
            false => Err(self.undeclared("Redis")),
        }
    }

    /// The limits of the route's clients.
    pub fn rate_limits(&self) -> Result<Vec<Policy>> {
        match self.function.limits_clients() {
            true => self.config.rate_limits(self.function.route_class()),
            false => Err(self.undeclared("limits of clients")),
        }
    }

    /// Returns an error for `what` unless one of the uses that the row declares satisfies `is_declared`.
    pub fn require(&self, what: &str, is_declared: impl Fn(&Uses) -> bool) -> Result<()> {
        match self.function.resources().any(is_declared) {
            true => Ok(()),
            false => Err(self.undeclared(what)),
        }
    }

    /// The error of wiring `what`, which the row does not declare.
    pub fn undeclared(&self, what: &str) -> ConfigError {
        ConfigError::new(format!("the catalog's row of {} does not declare that it uses {what}", self.function.name))
    }
}
