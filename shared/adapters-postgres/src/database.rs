//! One connection of this environment, made when it is needed and made again when it is broken.

use super::{
    failures::{PART, Trouble},
    params::Param,
    settings::{PasswordSource, Settings, Tls},
};
use futures_util::TryStreamExt;
use kernel::Failure;
use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{Client, NoTls, Row, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The database, over one connection.
///
/// A statement is never sent twice: when a connection breaks under it, nobody knows whether it was done, and the caller's
/// caller repeats the whole command, which is made for that.
pub struct Database {
    settings: Settings,
    secret: PasswordSource,
    /// The connection while nobody uses it; it is in no transaction then.
    resting: Mutex<Option<Client>>,
    round_trips: AtomicU64,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Database {
    /// A database. Nothing is connected yet.
    pub fn new(settings: Settings, secret: PasswordSource) -> Self {
        Self { settings, secret, resting: Mutex::new(None), round_trips: AtomicU64::new(0) }
    }

    /// How many round trips were made so far, those of connecting apart.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Runs one statement in a transaction of its own.
    pub(super) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        Ok(self.attempt(sql, params).await??)
    }

    /// Like [`Self::query`], for a caller who expects the server to say no: the inner error.
    pub(super) async fn attempt(&self, sql: &str, params: &[Param<'_>]) -> Result<Result<Vec<Row>, Trouble>, Failure> {
        let session = self.session().await?;
        let result = session.query(sql, params).await;
        if result.as_ref().err().is_none_or(Trouble::is_answer) {
            session.rest();
        }
        Ok(result)
    }

    /// The connection for a caller alone. What does not [`Session::rest`] is closed, and the server rolls back.
    pub(super) async fn session(&self) -> Result<Session<'_>, Failure> {
        let mut place = self.resting.lock().await;
        let client = match place.take() {
            Some(client) if is_alive(&client).await => client,
            _ => self.connect().await?,
        };
        Ok(Session { database: self, place, client })
    }

    /// Connects, and tries once more at once if that fails: a proxy that changes its target drops what it holds.
    async fn connect(&self) -> Result<Client, Failure> {
        match self.connect_once().await {
            Ok(client) => Ok(client),
            Err(first) => {
                tracing::debug!(error.message = %first, "connecting again");
                self.connect_once().await
            }
        }
    }

    async fn connect_once(&self) -> Result<Client, Failure> {
        let limit = self.settings.connect_timeout;
        match tokio::time::timeout(limit, self.log_in()).await {
            Ok(result) => result,
            Err(_) => Err(Failure::unavailable(PART, format!("no connection within {limit:?}"))),
        }
    }

    async fn log_in(&self) -> Result<Client, Failure> {
        let password = self.secret.password().await?;
        let config = self.settings.config(password.as_deref());
        let refused = |error| Failure::unavailable(PART, Trouble::Postgres(error));
        match self.settings.tls {
            Tls::Off => {
                let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
                drive(connection);
                Ok(client)
            }
            Tls::Require => {
                let trusted = MakeRustlsConnect::new(adapters::tls::client_config().map_err(Failure::internal)?);
                let (client, connection) = config.connect(trusted).await.map_err(refused)?;
                drive(connection);
                Ok(client)
            }
        }
    }
}

/// Moves bytes for a connection until it ends. Whoever waits for an answer then hears of the end by itself.
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error.message = %Trouble::Postgres(error), "a database connection ended");
        }
    });
}

/// Whether a connection that rested still is one. An environment is frozen between invocations, and the other side may close
/// meanwhile: the runtime gets a turn to read that, which costs no round trip and saves the first statement after it.
async fn is_alive(client: &Client) -> bool {
    tokio::task::yield_now().await;
    !client.is_closed()
}

/// The connection, in the hands of one caller.
pub(super) struct Session<'a> {
    database: &'a Database,
    place: MutexGuard<'a, Option<Client>>,
    client: Client,
}

impl Session<'_> {
    /// Runs one unnamed statement: parse, bind and execute go out together.
    pub(super) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Trouble> {
        let params = params.iter().map(|param| (&*param.value as &(dyn ToSql + Sync), param.of.clone()));
        self.within(async { self.client.query_typed_raw(sql, params).await?.try_collect().await }).await
    }

    /// Runs statements that take and give nothing, such as `BEGIN`.
    pub(super) async fn command(&self, sql: &str) -> Result<(), Trouble> {
        self.within(self.client.batch_execute(sql)).await
    }

    /// The connection itself, for what brings its own way of using it.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Lets the connection rest for the next caller. No transaction may be open.
    pub(super) fn rest(mut self) {
        *self.place = Some(self.client);
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Trouble> {
        self.database.round_trips.fetch_add(1, Ordering::Relaxed);
        let limit = self.database.settings.statement_timeout;
        match tokio::time::timeout(limit, answer).await {
            Ok(result) => result.map_err(Trouble::Postgres),
            Err(_) => Err(Trouble::Silence(limit)),
        }
    }
}
