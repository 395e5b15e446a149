//! The connection of an execution environment, opened when it is needed and reopened after an error.
//!
//! What talks to the server returns boxed futures: the code of an `async fn` is generated where it is polled, and the client of PostgreSQL would be
//! compiled again in the crate of each function.

use super::{
    errors::{DEPENDENCY, QueryError},
    params::Param,
    settings::{PasswordSource, Settings, Tls},
};
use futures_util::{TryStreamExt, future::BoxFuture};
use kernel::Failure;
use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{
    Client, NoTls, Row,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Time between two logins, if the first was rejected.
const BETWEEN_LOGINS: Duration = Duration::from_millis(50);

/// The database, over one connection.
///
/// A statement is never sent twice: if the connection breaks, its outcome is unknown, and the whole command, which is idempotent, is
/// retried by the queue or the client.
pub struct Database {
    settings: Settings,
    secret: PasswordSource,
    /// The idle connection, outside of any transaction.
    idle: Mutex<Option<Client>>,
    round_trips: AtomicU64,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Database {
    /// Connects at the first statement.
    pub fn new(settings: Settings, secret: PasswordSource) -> Self {
        Self { settings, secret, idle: Mutex::new(None), round_trips: AtomicU64::new(0) }
    }

    /// The number of round trips so far, without those of connecting.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Runs one statement in its own transaction.
    pub(super) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        Ok(self.attempt(sql, params).await??)
    }

    /// Like [`Self::query`], for a caller that handles errors of the server: the inner error.
    pub(super) fn attempt<'a>(
        &'a self,
        sql: &'a str,
        params: &'a [Param<'a>],
    ) -> BoxFuture<'a, Result<Result<Vec<Row>, QueryError>, Failure>> {
        Box::pin(async move {
            let session = self.session().await?;
            let result = session.query(sql, params).await;
            if result.as_ref().err().is_none_or(QueryError::is_recoverable) {
                session.release();
            }
            Ok(result)
        })
    }

    /// The connection for exclusive use. Dropping it without [`Connection::release`] closes it, and the server rolls back.
    pub(super) fn session(&self) -> BoxFuture<'_, Result<Connection<'_>, Failure>> {
        Box::pin(async move {
            let mut idle = self.idle.lock().await;
            let client = match idle.take() {
                Some(client) if is_alive(&client).await => client,
                _ => self.connect().await?,
            };
            Ok(Connection { database: self, idle, client })
        })
    }

    /// Connects, with one immediate retry: a proxy drops its connections when its target changes. A login that is rejected is repeated for
    /// a while, each time with the password of the moment: while a password is rotated, role and secret differ for a short time.
    async fn connect(&self) -> Result<Client, Failure> {
        let (until, mut is_repeated) = (Instant::now() + self.settings.connect_timeout, false);
        loop {
            let refusal = match self.connect_once().await {
                Ok(client) => return Ok(client),
                Err(refusal) => refusal,
            };
            if refusal.is_of_login && self.secret.may_change() && Instant::now() < until {
                tokio::time::sleep(BETWEEN_LOGINS).await;
            } else if is_repeated || refusal.is_of_login {
                return Err(refusal.failure);
            } else {
                is_repeated = true;
            }
            let failure = refusal.failure;
            tracing::debug!(failure.code, failure.detail, failure.internal, "connection failed, retrying");
        }
    }

    async fn connect_once(&self) -> Result<Client, Refusal> {
        let limit = self.settings.connect_timeout;
        match tokio::time::timeout(limit, self.log_in()).await {
            Ok(result) => result,
            Err(_) => Err(Failure::unavailable(DEPENDENCY, format!("no connection within {limit:?}")).into()),
        }
    }

    async fn log_in(&self) -> Result<Client, Refusal> {
        let password = self.secret.password().await?;
        let config = self.settings.config(password.as_deref());
        let failed = |error| Refusal::of(QueryError::Postgres(error));
        match self.settings.tls {
            Tls::Off => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
            Tls::Require => {
                let trusted = MakeRustlsConnect::new(adapters::tls::client_config().map_err(Failure::internal)?);
                let (client, connection) = config.connect(trusted).await.map_err(failed)?;
                drive(connection);
                Ok(client)
            }
        }
    }
}

/// Why there is no connection.
struct Refusal {
    failure: Failure,
    /// Whether the server rejected the role or its password.
    is_of_login: bool,
}

impl Refusal {
    fn of(error: QueryError) -> Self {
        Self { is_of_login: error.is_rejected_login(), failure: Failure::unavailable(DEPENDENCY, error) }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, is_of_login: false }
    }
}

/// Drives a connection until it ends. A pending query then fails by itself.
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(failure.internal = %QueryError::Postgres(error), "a database connection ended");
        }
    });
}

/// Whether an idle connection is still open. The other side may have closed it while the environment was frozen between invocations: yielding
/// once to the runtime detects that without a round trip, before the next statement fails.
async fn is_alive(client: &Client) -> bool {
    tokio::task::yield_now().await;
    !client.is_closed()
}

/// The connection in exclusive use.
pub(super) struct Connection<'a> {
    database: &'a Database,
    idle: MutexGuard<'a, Option<Client>>,
    client: Client,
}

impl Connection<'_> {
    /// Runs one unnamed statement: parse, bind and execute are sent together.
    pub(super) fn query<'a>(
        &'a self,
        sql: &'a str,
        params: &'a [Param<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>, QueryError>> {
        let params = params.iter().map(|param| (&*param.value as &(dyn ToSql + Sync), param.kind.clone()));
        Box::pin(self.with_timeout(async move { self.client.query_typed_raw(sql, params).await?.try_collect().await }))
    }

    /// Runs statements without parameters and results, such as `BEGIN`.
    pub(super) fn command<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<(), QueryError>> {
        Box::pin(self.with_timeout(self.client.batch_execute(sql)))
    }

    /// Sends rows with a `COPY … FROM STDIN (FORMAT binary)`.
    pub(super) async fn copy<'r, const N: usize>(
        &self,
        sql: &str,
        types: &[Type; N],
        rows: impl Iterator<Item = [&'r (dyn ToSql + Sync); N]>,
    ) -> Result<u64, QueryError> {
        let copy = async {
            let mut writer = pin!(BinaryCopyInWriter::new(self.client.copy_in(sql).await?, types));
            for row in rows {
                writer.as_mut().write(&row).await?;
            }
            writer.finish().await
        };
        self.with_timeout(copy).await
    }

    /// The client, for a library that runs its own statements.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Makes the connection available to the next caller. No transaction may be open.
    pub(super) fn release(mut self) {
        *self.idle = Some(self.client);
    }

    async fn with_timeout<T>(
        &self,
        response: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, QueryError> {
        self.database.round_trips.fetch_add(1, Ordering::Relaxed);
        let limit = self.database.settings.statement_timeout;
        match tokio::time::timeout(limit, response).await {
            Ok(result) => result.map_err(QueryError::Postgres),
            Err(_) => Err(QueryError::TimedOut(limit)),
        }
    }
}
