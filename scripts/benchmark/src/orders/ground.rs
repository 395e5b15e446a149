//! The migrated database, and how the measurements log in to it.

use crate::database::Database;
use adapters_postgres::{Migrator, PasswordSource, Settings, Tls};
use catalog::Context;
use domain::Event;
use kernel::Failure;
use ports::{Bus, Migrations as _};
use std::sync::Arc;
use tokio_postgres::{Client, NoTls};
use xtask::{Result, codegen::environment::OWNER_ROLE};

impl Database {
    /// Brings it to the version of this code.
    pub async fn migrate(&self) -> Result<()> {
        let owner = PasswordSource::Password(self.owner_password.clone());
        let owner = Arc::new(adapters_postgres::Database::new(self.settings(self.port()?, OWNER_ROLE), owner));
        let applied = Migrator::new(owner, Some(self.role_password.clone())).apply().await;
        applied.map(drop).map_err(|failure| format!("migrations: {failure}"))
    }

    /// A connection as a store has it, with the rights of a context's role, by way of `port`.
    pub fn of(&self, context: Context, port: u16) -> Arc<adapters_postgres::Database> {
        let secret = PasswordSource::Password(self.role_password.clone());
        Arc::new(adapters_postgres::Database::new(self.settings(port, context.name()), secret))
    }

    /// A plain connection with the same rights, by way of `port`.
    pub async fn plain(&self, context: Context, port: u16) -> Result<Client> {
        self.client(&self.name, context.name(), &self.role_password, port).await
    }

    /// A plain connection as the owner: to this database, or to the one that is always there.
    pub async fn owner(&self, is_here: bool) -> Result<Client> {
        let name = if is_here { &self.name } else { "postgres" };
        self.client(name, OWNER_ROLE, &self.owner_password, self.port()?).await
    }

    /// The server's own port.
    pub fn port(&self) -> Result<u16> {
        self.port.parse().map_err(|error| format!("{}: {error}", self.port))
    }

    fn settings(&self, port: u16, user: &str) -> Settings {
        Settings::new("127.0.0.1", port, &self.name, user, Tls::Off)
    }

    async fn client(&self, name: &str, user: &str, password: &str, port: u16) -> Result<Client> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(port).dbname(name).user(user).password(password);
        let (client, connection) = config.connect(NoTls).await.map_err(said)?;
        // Whoever waits for an answer hears of its end by itself.
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        Ok(client)
    }
}

/// What an error says.
pub fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A bus in this process that answers at once.
#[derive(Clone)]
pub struct NearBus {
    takes: bool,
    hears: Arc<dyn Fn(&Event) + Send + Sync>,
}

impl NearBus {
    /// Takes every event, so that the outbox is told.
    pub fn taking(hears: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { takes: true, hears: Arc::new(hears) }
    }

    /// Takes none, so that they are left to the sweep.
    pub fn refusing(hears: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { takes: false, hears: Arc::new(hears) }
    }
}

impl Bus for NearBus {
    async fn publish(&self, events: &[Event]) -> std::result::Result<Vec<bool>, Failure> {
        events.iter().for_each(|event| (self.hears)(event));
        Ok(vec![self.takes; events.len()])
    }
}
