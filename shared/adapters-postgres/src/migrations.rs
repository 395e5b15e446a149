//! The schema: roles, migrations and grants, in that order, as often as one likes.
//!
//! This connects as the owner, does not go through the proxy's rules, and is run by an operator or a deployment.

use super::{
    Database,
    failures::Trouble,
    params::params,
    rows::{get, only},
};
use catalog::{Context, Trigger, Uses};
use kernel::{Failure, Ids, Timestamp, Uuid};
use ports::{Migrations, SeedAccount};
use refinery::{Migration, Runner};
use std::{collections::BTreeSet, sync::Arc};
use tokio_postgres::error::SqlState;

macro_rules! migrations {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../migrations/", $name, ".sql")))),*]
    };
}

/// Every migration, oldest first. Those that were released are never edited: their checksums are kept.
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

/// Roles are of the whole cluster, and two who change one at once make one of them fail: so often it is tried.
const TRIES: u32 = 10;

/// Brings a database to the version of this code.
#[derive(Debug)]
pub struct Migrator {
    owner: Arc<Database>,
    role_password: Option<String>,
}

impl Migrator {
    /// Over `owner`, which logs in as the owner of the database and may create roles. With `role_password` the contexts' roles
    /// log in by that; without, by IAM where the server knows it.
    pub fn new(owner: Arc<Database>, role_password: Option<String>) -> Self {
        Self { owner, role_password }
    }

    async fn make_roles(&self) -> Result<(), Failure> {
        let roles: Vec<&str> = contexts().map(Context::name).collect();
        let mut tries = 1;
        while let Err(trouble) = self.try_roles(&roles).await? {
            if tries == TRIES || !is_race(&trouble) {
                return Err(trouble.into());
            }
            tries += 1;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The inner error is the server's.
    async fn try_roles(&self, roles: &[&str]) -> Result<Result<(), Trouble>, Failure> {
        let missing = match self.owner.attempt(ROLES, &params![roles.to_vec(), self.role_password.as_deref()]).await? {
            Ok(rows) => rows,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let session = self.owner.session().await?;
        for row in &missing {
            if let Err(trouble) = session.command(get(row, "statement")?).await {
                return Ok(Err(trouble));
            }
        }
        session.rest();
        Ok(Ok(()))
    }
}

/// Whether somebody else was making the same role.
fn is_race(trouble: &Trouble) -> bool {
    // "tuple concurrently updated" has no code of its own.
    let races = [SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION, SqlState::INTERNAL_ERROR];
    trouble.of_server().is_some_and(|error| races.contains(error.code()))
}

impl Migrations for Migrator {
    async fn apply(&self) -> Result<Vec<String>, Failure> {
        self.make_roles().await?;
        let migrations: Vec<Migration> = MIGRATIONS
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql))
            .collect::<Result<_, _>>()
            .map_err(Failure::internal)?;
        let mut session = self.owner.session().await?;
        let report = Runner::new(&migrations).run_async(session.client()).await.map_err(Failure::internal)?;
        session.command(RESERVATION_MACHINE).await?;
        session.command(GRANTS).await?;
        session.rest();
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
}

/// The contexts that keep something here, as the catalog has it.
fn contexts() -> impl Iterator<Item = Context> {
    contexts_where(|_| true)
}

/// The contexts that keep an outbox here.
pub(super) fn publishers() -> impl Iterator<Item = Context> {
    contexts_where(|function| !function.publishes.is_empty())
}

/// The contexts that keep an inbox here: those that take events off a queue.
pub(super) fn consumers() -> impl Iterator<Item = Context> {
    contexts_where(catalog::Function::has_queue)
}

/// The contexts that keep answers to requests here: those that have a route which takes a key.
pub(super) fn answerers() -> impl Iterator<Item = Context> {
    contexts_where(|function| matches!(function.trigger, Trigger::Http { idempotent: true, .. }))
}

fn contexts_where(wanted: fn(&catalog::Function) -> bool) -> impl Iterator<Item = Context> {
    let uses_postgres = |function: &catalog::Function| function.uses.iter().any(|uses| matches!(uses, Uses::Postgres));
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
    use std::fs;

    /// The contexts whose schema has a table of this name.
    fn that_have(table: &str) -> BTreeSet<String> {
        let sql = MIGRATIONS.iter().flat_map(|(_, sql)| sql.lines());
        let made = sql.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next()?.split_once('.'));
        made.filter(|(_, name)| *name == table).map(|(schema, _)| schema.to_owned()).collect()
    }

    #[test]
    fn every_context_that_keeps_answers_is_tidied_and_no_other() {
        let tidied: BTreeSet<String> = answerers().map(|context| context.name().to_owned()).collect();
        assert_eq!(tidied, that_have("idempotency"));
        assert!(tidied.contains("inventory"));
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
