//! The migrated database, connections to it, and an event bus in this process.

use crate::database::Database;
use adapters_postgres::{Login, Migrator, PasswordSource, Settings, Tls};
use catalog::{Context, DatabaseRole};
use domain::Event;
use kernel::Failure;
use ports::{Bus, Migrations as _};
use std::sync::Arc;
use tokio_postgres::{Client, NoTls};
use xtask::{Result, codegen::environment::OWNER_ROLE};

/// The database that every PostgreSQL server has.
const MAINTENANCE_DATABASE: &str = "postgres";

impl Database {
    pub async fn migrate(&self) -> Result<()> {
        let owner = PasswordSource::Password(self.owner_password.clone());
        let owner = Arc::new(adapters_postgres::Database::new(self.settings(self.port()?, OWNER_ROLE), owner));
        let applied = Migrator::new(owner, Some(self.role_password.clone())).apply().await;
        applied.map(drop).map_err(|failure| format!("migrations: {failure}"))
    }

    /// Returns a database handle for a store, with the role of `context`, through the local port `port`.
    pub fn for_store(&self, context: Context, port: u16) -> Arc<adapters_postgres::Database> {
        let password = PasswordSource::Password(self.role_password.clone());
        Arc::new(adapters_postgres::Database::new(self.settings(port, context.name()), password))
    }

    /// Returns a database handle for a store that reads, with the role of the reader of `context`.
    pub fn for_reader(&self, context: Context) -> Result<Arc<adapters_postgres::Database>> {
        let password = PasswordSource::Password(self.role_password.clone());
        let settings = self.settings(self.port()?, DatabaseRole::Reader(context).name());
        Ok(Arc::new(adapters_postgres::Database::new(settings, password)))
    }

    /// Connects with the role of `context`, through the local port `port`.
    pub async fn connect(&self, context: Context, port: u16) -> Result<Client> {
        self.client(&self.name, context.name(), &self.role_password, port).await
    }

    /// Connects to this database as its owner.
    pub async fn connect_as_owner(&self) -> Result<Client> {
        self.client(&self.name, OWNER_ROLE, &self.owner_password, self.port()?).await
    }

    /// Connects to the maintenance database of the server as the owner of this database.
    pub async fn connect_to_maintenance_database(&self) -> Result<Client> {
        self.client(MAINTENANCE_DATABASE, OWNER_ROLE, &self.owner_password, self.port()?).await
    }

    /// The port of the server itself, without a proxy.
    pub fn port(&self) -> Result<u16> {
        self.port.parse().map_err(|error| format!("{}: {error}", self.port))
    }

    fn settings(&self, port: u16, user: &str) -> Settings {
        Settings::new(Login { host: "127.0.0.1", port, database: &self.name, user }, Tls::Off)
    }

    async fn client(&self, name: &str, user: &str, password: &str, port: u16) -> Result<Client> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(port).dbname(name).user(user).password(password);
        let (client, connection) = config.connect(NoTls).await.map_err(message)?;
        // Requests on the client fail when the connection ends, so its own error adds nothing.
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        Ok(client)
    }
}

/// Returns the message of an error, for `map_err`.
pub fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An event bus in this process that responds at once.
#[derive(Clone)]
pub struct InProcessBus {
    accepts: bool,
    on_event: Arc<dyn Fn(&Event) + Send + Sync>,
}

impl InProcessBus {
    /// Accepts every event, so that the store marks it as published.
    pub fn accepting(on_event: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { accepts: true, on_event: Arc::new(on_event) }
    }

    /// Rejects every event, so that it stays in the outbox for the sweep.
    pub fn rejecting(on_event: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { accepts: false, on_event: Arc::new(on_event) }
    }
}

impl Bus for InProcessBus {
    async fn publish(&self, events: &[Event]) -> std::result::Result<Vec<bool>, Failure> {
        events.iter().for_each(|event| (self.on_event)(event));
        Ok(vec![self.accepts; events.len()])
    }
}
