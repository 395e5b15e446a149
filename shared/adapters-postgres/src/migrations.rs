//! The schema: roles, migrations and grants, in that order. Idempotent.
//!
//! Connects as the owner of the database, not through the proxy. Run by a deployment or an operator.

use super::{
    Database,
    errors::QueryError,
    params::params,
    rows::{get, only},
    users::taken,
};
use catalog::{Context, DatabaseRole};
use domain::canary;
use kernel::{Failure, Ids, Timestamp, Uuid};
use ports::{CanarySeed, Migrations, SeedAccount};
use refinery::{Migration, Runner};
use std::{
    collections::BTreeSet,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use tokio_postgres::error::SqlState;

macro_rules! migrations {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../migrations/", $name, ".sql")))),*]
    };
}

/// Every migration, oldest first. A released one is never edited: its checksum is recorded in the database.
const MIGRATIONS: &[(&str, &str)] = migrations! {
    "V001__schemas",
    "V002__backbone",
    "V003__identity",
    "V004__inventory",
    "V005__orders",
    "V006__payments",
    "V007__notifications",
    "V008__invoices",
    "V009__analytics",
    "V010__catalogue",
    "V011__operations",
    "V012__records",
};

const ROLES: &str = include_str!("../migrations/roles.sql");
/// The state machine of reservations, generated from the domain.
const RESERVATION_MACHINE: &str = include_str!("../migrations/reservation_machine.sql");
const GRANTS: &str = include_str!("../migrations/grants.sql");

const FOUND: &str = "
    WITH made AS (
        INSERT INTO identity.users (id, email, username, password_hash, role, version, created_at)
        SELECT id, email, username, hash, role, 1, $6
        FROM unnest($1, $2, $3, $4, $5) AS account (id, email, username, hash, role)
        ON CONFLICT DO NOTHING
        RETURNING id
    ) SELECT count(*) AS made FROM made";

const PUT_CANARY: &str = "
    INSERT INTO identity.users (id, email, username, password_hash, role, version, created_at)
    VALUES ($1, $2, $3, $4, 'customer', 1, $5)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, username = excluded.username,
        password_hash = excluded.password_hash, version = users.version + 1";

/// Attempts at a step that a concurrent migration makes fail: creating roles, which belong to the whole cluster, and replacing functions
/// and privileges.
const MAX_ATTEMPTS: u32 = 10;

/// Differs if [`Migrator::apply`] makes another schema.
pub fn schema_checksum() -> u64 {
    let mut hasher = DefaultHasher::new();
    (MIGRATIONS, ROLES, RESERVATION_MACHINE, GRANTS, retention_grants()).hash(&mut hasher);
    hasher.finish()
}

/// Migrates a database to the version of this code.
pub struct Migrator {
    owner: Arc<Database>,
    role_password: Option<String>,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Migrator {
    /// `owner` logs in as the owner of the database and may create roles. The roles of the contexts get `role_password`, or, without one,
    /// keep the password that they have.
    pub fn new(owner: Arc<Database>, role_password: Option<String>) -> Self {
        Self { owner, role_password }
    }

    async fn create_roles(&self) -> Result<(), Failure> {
        let roles: Vec<DatabaseRole> = catalog::database_roles().collect();
        retry_concurrent_ddl(async || self.try_create_roles(&roles).await).await
    }

    /// Replaces the state machine of reservations and the privileges in one transaction, so that no function has the new ones of only
    /// one. The inner error is that of the server.
    async fn try_finish(&self) -> Result<Result<(), QueryError>, Failure> {
        let finish = format!("BEGIN;\n{RESERVATION_MACHINE}\n{GRANTS}\n{}\nCOMMIT;", retention_grants());
        let session = self.owner.session().await?;
        if let Err(error) = session.command(&finish).await {
            return Ok(Err(error));
        }
        session.release();
        Ok(Ok(()))
    }

    /// The inner error is that of the server.
    async fn try_create_roles(&self, roles: &[DatabaseRole]) -> Result<Result<(), QueryError>, Failure> {
        // A reader finds its tables in the schema of its context, and not in one of its own name.
        let read = |role: &DatabaseRole| match role {
            DatabaseRole::Reader(context) => context.name(),
            DatabaseRole::Recorder => role.context().map_or("", Context::name),
            DatabaseRole::Writer(_) | DatabaseRole::Probe => "",
        };
        let params = params![
            roles.iter().map(|role| role.name()).collect::<Vec<&str>>(),
            self.role_password.as_deref(),
            roles.iter().map(read).collect::<Vec<&str>>(),
            roles.iter().map(|role| if role.is_read_only() { "on" } else { "" }).collect::<Vec<&str>>(),
        ];
        let missing = match self.owner.attempt(ROLES, &params).await? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let session = self.owner.session().await?;
        for row in &missing {
            if let Err(error) = session.command(get(row, "statement")?).await {
                return Ok(Err(error));
            }
        }
        session.release();
        Ok(Ok(()))
    }
}

/// Calls `attempt`, up to [`MAX_ATTEMPTS`] times while it conflicts with another connection.
async fn retry_concurrent_ddl(
    mut attempt: impl AsyncFnMut() -> Result<Result<(), QueryError>, Failure>,
) -> Result<(), Failure> {
    let mut attempts = 1;
    while let Err(error) = attempt().await? {
        if attempts == MAX_ATTEMPTS || !is_conflict(&error) {
            return Err(error.into());
        }
        attempts += 1;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Whether another connection changed the same role, function or privilege.
fn is_conflict(error: &QueryError) -> bool {
    // "tuple concurrently updated" has no SQLSTATE of its own.
    let conflicts = [
        SqlState::DUPLICATE_OBJECT,
        SqlState::UNIQUE_VIOLATION,
        SqlState::INTERNAL_ERROR,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.server_error().is_some_and(|error| conflicts.contains(error.code()))
}

impl Migrations for Migrator {
    async fn apply(&self) -> Result<Vec<String>, Failure> {
        self.create_roles().await?;
        let migrations: Vec<Migration> = MIGRATIONS
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql))
            .collect::<Result<_, _>>()
            .map_err(Failure::internal)?;
        let mut session = self.owner.session().await?;
        let report = Runner::new(&migrations).run_async(session.client()).await.map_err(Failure::internal)?;
        session.release();
        retry_concurrent_ddl(async || self.try_finish().await).await?;
        Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
    }

    async fn seed_accounts(&self, accounts: &[SeedAccount], now: Timestamp) -> Result<u32, Failure> {
        let ids = Ids::system();
        let column = |of: fn(&SeedAccount) -> &str| accounts.iter().map(of).collect::<Vec<&str>>();
        let params = params![
            accounts.iter().map(|_| ids.next()).collect::<Vec<Uuid>>(),
            column(|account| account.email.as_str()),
            column(|account| account.username.as_str()),
            column(|account| &account.password_hash),
            column(|account| account.role.name()),
            now,
        ];
        let rows = self.owner.query(FOUND, &params).await?;
        u32::try_from(get::<i64>(only(&rows)?, "made")?).map_err(Failure::internal)
    }

    async fn put_canary(&self, account: &CanarySeed, now: Timestamp) -> Result<(), Failure> {
        let params = params![
            canary::CUSTOMER.0,
            account.email.as_str(),
            account.username.as_str(),
            &account.password_hash,
            now,
        ];
        self.owner.attempt(PUT_CANARY, &params).await?.map(drop).map_err(taken)
    }
}

/// The contexts with an outbox: those that publish events.
pub(super) fn publishers() -> impl Iterator<Item = Context> {
    contexts_where(|function| !function.publishes.is_empty())
}

/// The sweep sees of rows that it deletes only where they are and the time that decides.
fn retention_grants() -> String {
    let grant = |catalog::SweptTable { table, since, .. }| {
        let schema = table.split('.').next().unwrap_or_default();
        format!(
            "GRANT USAGE ON SCHEMA {schema} TO operations;\nGRANT SELECT (ctid, {since}), DELETE ON {table} TO operations;"
        )
    };
    catalog::swept_tables().map(grant).collect::<Vec<_>>().join("\n")
}

fn contexts_where(wanted: fn(&catalog::Function) -> bool) -> impl Iterator<Item = Context> {
    let uses_postgres = |function: &catalog::Function| function.database_role().is_some();
    let contexts: BTreeSet<Context> = catalog::FUNCTIONS
        .iter()
        .filter(|function| uses_postgres(function) && wanted(function))
        .map(|function| function.context)
        .collect();
    contexts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Idempotency, Trigger};
    use std::fs;

    #[test]
    fn every_context_that_publishes_consumes_or_replays_has_its_table() {
        let is_idempotent = |function: &catalog::Function| {
            matches!(function.trigger, Trigger::Http { idempotency: Idempotency::Honoured | Idempotency::Required, .. })
        };
        let consumes = |function: &catalog::Function| function.has_queue();
        let publishes = |function: &catalog::Function| !function.publishes.is_empty();
        for (table, wanted) in [
            ("idempotency", is_idempotent as fn(&catalog::Function) -> bool),
            ("inbox", consumes),
            ("failed_attempts", consumes),
            ("outbox", publishes),
        ] {
            let tables = catalog::swept_tables().filter_map(|one| one.table.split_once('.'));
            let found: BTreeSet<&str> = tables.filter(|(_, name)| *name == table).map(|(schema, _)| schema).collect();
            assert_eq!(found, contexts_where(wanted).map(Context::name).collect(), "{table}");
        }
    }

    #[test]
    fn every_migration_of_the_directory_is_applied_in_order() {
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
        let names =
            files.filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".sql").map(str::to_owned));
        let mut versions: Vec<String> = names.filter(|name| name.starts_with('V')).collect();
        versions.sort();
        assert_eq!(MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), versions);
    }
}
