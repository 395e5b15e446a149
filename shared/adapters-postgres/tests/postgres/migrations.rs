//! The schema, and the rights of its roles.

use crate::fixtures::*;
use adapters_postgres::{Database, Migrator, PasswordSource, PgRolePasswords};
use adapters_testkit::postgres::{database_url, empty_database};
use catalog::{Context, Uses};
use domain::{
    text::{Email, Username},
    user::Role,
};
use futures_util::future::join_all;
use kernel::FailureKind;
use ports::{Migrations, RoleLogin, RolePasswords, SeedAccount, StockStore};
use std::sync::Arc;

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let database = database().await;
    let migrator = Migrator::new(database.as_owner(), None);
    assert_eq!(migrator.apply().await, Ok(vec![]));
}

#[tokio::test]
async fn concurrent_migrations_of_one_database_all_succeed() {
    let database = database().await;
    let migrators: Vec<_> = (0..8).map(|_| Migrator::new(database.as_owner(), None)).collect();
    for _ in 0..5 {
        let applied = join_all(migrators.iter().map(Migrations::apply)).await;
        assert_eq!(applied, vec![Ok(vec![]); 8]);
    }
}

#[tokio::test]
async fn databases_of_one_server_can_be_migrated_concurrently() {
    let databases = join_all((0..4).map(|_| database())).await;
    assert_eq!(databases.len(), 4);
}

#[tokio::test]
async fn owner_without_superuser_can_migrate() {
    let database = empty_database(&database_url()).await;
    let (mut settings, _) = database.login();
    let user = format!("q_owner_{}", id().simple());
    database.execute(&format!("CREATE ROLE {user} LOGIN CREATEROLE PASSWORD 'x'")).await;
    database.execute(&format!("ALTER DATABASE {} OWNER TO {user}", settings.database)).await;
    settings.user.clone_from(&user);
    let owner = Arc::new(Database::new(settings, PasswordSource::Password("x".to_owned())));
    let applied = Migrator::new(owner, None).apply().await;
    drop(database);
    empty_database(&database_url()).await.execute(&format!("DROP ROLE {user}")).await;
    assert_eq!(applied.expect("applied").len(), 12);
}

#[tokio::test]
async fn every_publishing_context_has_an_outbox_that_the_sweep_may_clean_up() {
    let database = database().await;
    let sweeper = "SELECT count(*) FROM pg_tables WHERE tablename = 'outbox'
        AND has_table_privilege('operations', format('%I.outbox', schemaname), 'SELECT')
        AND has_column_privilege('operations', format('%I.outbox', schemaname), 'published_at', 'UPDATE')
        AND has_table_privilege('operations', format('%I.outbox', schemaname), 'DELETE')
        AND NOT has_column_privilege('operations', format('%I.outbox', schemaname), 'event', 'UPDATE')";
    let mut publishers: Vec<Context> = catalog::FUNCTIONS
        .iter()
        .filter(|f| !f.publishes.is_empty() && f.resources().any(|uses| matches!(uses, Uses::Postgres)))
        .map(|function| function.context)
        .collect();
    publishers.sort_unstable();
    publishers.dedup();
    assert_eq!(database.number(sweeper).await, i64::try_from(publishers.len()).unwrap());
    let marked = "SELECT count(*) FROM pg_tables WHERE tablename = 'outbox'
        AND has_function_privilege(schemaname, to_regprocedure(format('%I.mark_published(uuid[])', schemaname)), 'EXECUTE')";
    assert_eq!(database.number(marked).await, i64::try_from(publishers.len()).unwrap());
    let reads_answers =
        "SELECT has_column_privilege('operations', 'orders.idempotency', 'body', 'SELECT')::int::bigint";
    assert_eq!(database.number(reads_answers).await, 0);
}

/// Asserts that the role of a context adds rows to a table and neither changes nor deletes them.
async fn assert_append_only(role: &str, table: &str, column: &str) {
    let database = database().await;
    for statement in [format!("UPDATE {table} SET {column} = {column}"), format!("DELETE FROM {table}")] {
        let refused = format!(
            "SET ROLE {role}; DO $$ BEGIN {statement}; RAISE EXCEPTION 'it was allowed';
            EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        );
        database.execute(&refused).await;
    }
    let may = format!("SELECT has_table_privilege('{role}', '{table}', 'INSERT')::int::bigint");
    assert_eq!(database.number(&may).await, 1);
}

#[tokio::test]
async fn ledger_role_can_neither_update_nor_delete_entries() {
    assert_append_only("payments", "payments.transfers", "amount").await;
}

#[tokio::test]
async fn role_of_notifications_can_neither_update_nor_delete_edits_of_templates() {
    assert_append_only("notifications", "notifications.message_templates", "reason").await;
}

#[tokio::test]
async fn role_cannot_access_another_context() {
    let database = database().await;
    // The sweep deletes from these, without reading more than the time that decides.
    let swept: Vec<String> = catalog::swept_tables().map(|one| format!("'{}'", one.table)).collect();
    let foreign = format!(
        "SELECT count(*) FROM pg_tables AS t, pg_roles AS r
        WHERE t.schemaname IN (SELECT rolname FROM pg_roles) AND (r.rolname = 'probe' OR replace(r.rolname, '_reader', '') IN (SELECT schemaname FROM pg_tables))
        AND t.schemaname NOT IN (r.rolname, replace(r.rolname, '_reader', ''))
        AND NOT (r.rolname = 'operations' AND format('%s.%s', t.schemaname, t.tablename) IN ({})) AND NOT r.rolsuper
        AND has_table_privilege(r.rolname, format('%I.%I', t.schemaname, t.tablename), 'SELECT, INSERT, UPDATE, DELETE')",
        swept.join(", ")
    );
    assert_eq!(database.number(&foreign).await, 0);
    let written = format!(
        "SELECT count(*) FROM unnest(ARRAY[{}]) AS name WHERE name NOT LIKE 'operations.%'
        AND has_table_privilege('operations', name, 'INSERT, UPDATE')",
        swept.join(", ")
    );
    assert_eq!(database.number(&written).await, 0);
    // A store with the wrong role fails with an error that shows no SQL.
    let stock = adapters_postgres::PgStock::new(database.as_context(Context::Orders), database.bus());
    let failure = stock.level(domain::id::ProductId(id())).await.expect_err("no such table");
    assert_eq!(failure.kind, FailureKind::Internal);
    assert!(!failure.detail.contains("stock"));
}

#[tokio::test]
async fn roles_can_log_in_and_have_limits() {
    let database = database().await;
    let bounded = "SELECT count(*) FROM pg_roles WHERE rolname IN ('identity', 'inventory', 'orders', 'payments',
        'notifications', 'invoices', 'analytics', 'records', 'operations') AND rolcanlogin AND NOT rolsuper AND NOT rolcreaterole
        AND rolconfig @> '{statement_timeout=5s,idle_in_transaction_session_timeout=30s}'";
    assert_eq!(database.number(bounded).await, 9);
}

#[tokio::test]
async fn password_of_a_role_is_sent_as_its_verifier() {
    let database = empty_database(&database_url()).await;
    let role = format!("q_role_{}", id().simple());
    database.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    let passwords = PgRolePasswords::new(database.as_owner());
    let set = passwords.set_password(&RoleLogin { role: role.clone(), password: "it's a secret".to_owned() }).await;
    let stored =
        format!("SELECT count(*) FROM pg_authid WHERE rolname = '{role}' AND rolpassword LIKE 'SCRAM-SHA-256$%'");
    let stored = database.number(&stored).await;
    database.execute(&format!("DROP ROLE {role}")).await;
    assert_eq!((set, stored), (Ok(()), 1));
    let missing = passwords.set_password(&RoleLogin { role, password: "x".to_owned() }).await.expect_err("no role");
    assert_eq!(missing.kind, FailureKind::NotFound);
}

#[tokio::test]
async fn seed_accounts_are_created_once_and_can_log_in() {
    let database = database().await;
    let migrator = Migrator::new(database.as_owner(), None);
    let account = |name: &str, role| SeedAccount {
        email: Email::parse(&format!("{name}@example.com")).expect("an address"),
        username: Username::parse(name).expect("a name"),
        password_hash: format!("hash of {name}"),
        role,
    };
    let staff = account("staff", Role::Staff);
    assert_eq!(migrator.seed_accounts(std::slice::from_ref(&staff), now()).await, Ok(1));
    let changed = SeedAccount { password_hash: "another".into(), ..staff };
    assert_eq!(migrator.seed_accounts(&[changed, account("admin", Role::Admin)], now()).await, Ok(1));
    let seeded = "SELECT count(*) FROM identity.users WHERE role = 'staff' AND password_hash = 'hash of staff'";
    assert_eq!(database.number(seeded).await, 1);
}
