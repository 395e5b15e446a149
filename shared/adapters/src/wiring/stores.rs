//! The stores on Postgres: of functions that publish what they commit, and of those that do not.

use super::{Result, Wiring};
use crate::config::{self, ConfigError};
use crate::eventbridge::EventBridge;
use crate::postgres::{
    Database, Migrator, PasswordSource, PgContacts, PgInvoices, PgLedger, PgOrders, PgOutbox, PgPayments, PgProbe,
    PgStock, PgUsers, PgWindows, Settings, Tls, UnreachableBus,
};
use aws_sdk_rds::auth_token::{self, AuthTokenGenerator};
use catalog::Uses;
use kernel::Failure;
use std::sync::Arc;
use std::time::Duration;

/// The longest that one statement of a migration may take. The function that migrates has five minutes.
const MIGRATION: Duration = Duration::from_secs(240);

/// Stores of a function that declares the bus: what it commits, it publishes.
impl Wiring {
    /// Orders.
    pub fn orders(&self) -> Result<PgOrders<EventBridge>> {
        Ok(PgOrders::new(self.database()?, self.bus()?))
    }

    /// Stock accounts.
    pub fn stock(&self) -> Result<PgStock<EventBridge>> {
        Ok(PgStock::new(self.database()?, self.bus()?))
    }

    /// Accounts.
    pub fn users(&self) -> Result<PgUsers<EventBridge>> {
        Ok(PgUsers::new(self.database()?, self.bus()?))
    }

    /// Payments.
    pub fn payments(&self) -> Result<PgPayments<EventBridge>> {
        Ok(PgPayments::new(self.database()?, self.bus()?))
    }

    /// The ledger.
    pub fn ledger(&self) -> Result<PgLedger<EventBridge>> {
        Ok(PgLedger::new(self.database()?, self.bus()?))
    }

    /// Contacts, and what was sent to them.
    pub fn contacts(&self) -> Result<PgContacts<EventBridge>> {
        Ok(PgContacts::new(self.database()?, self.bus()?))
    }

    /// Invoices.
    pub fn invoices(&self) -> Result<PgInvoices<EventBridge>> {
        Ok(PgInvoices::new(self.database()?, self.bus()?))
    }

    /// What is committed and not yet known to be on the bus.
    pub fn outbox(&self) -> Result<PgOutbox<EventBridge>> {
        Ok(PgOutbox::new(self.database()?, self.bus()?))
    }

    /// The stores of a function that publishes nothing: it links and builds no client for the bus.
    pub fn without_bus(&self) -> WithoutBus<'_> {
        WithoutBus(self)
    }
}

/// Stores that publish nothing. See [`Wiring::without_bus`].
#[derive(Debug, Clone, Copy)]
pub struct WithoutBus<'a>(&'a Wiring);

impl WithoutBus<'_> {
    /// Orders.
    pub fn orders(&self) -> Result<PgOrders<UnreachableBus>> {
        Ok(PgOrders::new(self.0.database()?, UnreachableBus))
    }

    /// Stock accounts.
    pub fn stock(&self) -> Result<PgStock<UnreachableBus>> {
        Ok(PgStock::new(self.0.database()?, UnreachableBus))
    }

    /// Accounts.
    pub fn users(&self) -> Result<PgUsers<UnreachableBus>> {
        Ok(PgUsers::new(self.0.database()?, UnreachableBus))
    }

    /// Payments.
    pub fn payments(&self) -> Result<PgPayments<UnreachableBus>> {
        Ok(PgPayments::new(self.0.database()?, UnreachableBus))
    }

    /// Contacts.
    pub fn contacts(&self) -> Result<PgContacts<UnreachableBus>> {
        Ok(PgContacts::new(self.0.database()?, UnreachableBus))
    }

    /// Invoices.
    pub fn invoices(&self) -> Result<PgInvoices<UnreachableBus>> {
        Ok(PgInvoices::new(self.0.database()?, UnreachableBus))
    }
}

/// Parts on Postgres that never publish.
impl Wiring {
    /// Windows of analytics.
    pub fn windows(&self) -> Result<PgWindows> {
        Ok(PgWindows::new(self.database()?))
    }

    /// The database's schema.
    pub fn migrations(&self) -> Result<Migrator> {
        self.needs("the database as its owner", |uses| matches!(uses, Uses::PostgresOwner))?;
        let (mut settings, secret) = self.settings()?;
        settings.statement_timeout = MIGRATION;
        Ok(Migrator::new(Arc::new(Database::new(settings, secret)), self.config.database_role_password()))
    }

    /// Whether the database answers.
    pub fn database_probe(&self) -> Result<PgProbe> {
        Ok(PgProbe::new(self.database()?))
    }

    /// The database as the role of the function's context, over one connection.
    fn database(&self) -> Result<Arc<Database>> {
        self.needs("Postgres", |uses| matches!(uses, Uses::Postgres))?;
        let (settings, secret) = self.settings()?;
        Ok(Arc::new(Database::new(settings, secret)))
    }

    pub(super) fn settings(&self) -> Result<(Settings, PasswordSource)> {
        let config::DatabaseConfig { host, port, name, user, password } = self.config.database()?;
        let tls = Tls::choose(self.config.database_tls().as_deref(), &host);
        let tls = tls.map_err(|_| ConfigError::new("DATABASE_TLS must be require or off"))?;
        let secret = match password {
            Some(password) => PasswordSource::Password(password),
            None => {
                let config = auth_token::Config::builder().hostname(&host).port(port.into()).username(&user).build();
                let config = config.map_err(|cause| ConfigError::new(format!("the database's address: {cause}")))?;
                let (generator, sdk) = (Arc::new(AuthTokenGenerator::new(config)), self.sdk()?.clone());
                PasswordSource::issued(move || {
                    let (generator, sdk) = (Arc::clone(&generator), sdk.clone());
                    async move {
                        let token = generator.auth_token(&sdk).await.map_err(Failure::internal)?;
                        Ok(token.as_str().to_owned())
                    }
                })
            }
        };
        Ok((Settings::new(&host, port, &name, &user, tls), secret))
    }
}
