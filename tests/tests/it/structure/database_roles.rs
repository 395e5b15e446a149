//! Every function logs in at the database with the role that its row decides, and reading functions with one that only reads.

use super::expect_none;
use catalog::{DatabaseRole, FUNCTIONS, Function, Method, Trigger, Uses};
use std::collections::BTreeSet;
use xtask::codegen::{
    environment::{self, OWNER_ROLE, Setting},
    grants::{self, Target},
};

/// The role in the function's environment and those in its grants.
fn generated(row: &Function) -> (Option<&'static str>, Vec<&'static str>) {
    let user = environment::of(row).get("DATABASE_USER").map(|setting| match setting {
        Setting::Text(name) => *name,
        other => panic!("{}: DATABASE_USER is {other:?}", row.name),
    });
    let granted = grants::of(row).into_iter().filter_map(|grant| match grant.target {
        Target::DatabaseUser(name) => Some(name),
        _ => None,
    });
    (user, granted.collect())
}

#[test]
fn environment_and_grants_of_a_function_name_the_role_of_its_row() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let is_owner = row.resources().any(|uses| matches!(uses, Uses::PostgresOwner));
        let wanted = row.database_role().map(DatabaseRole::name).or(is_owner.then_some(OWNER_ROLE));
        let (user, granted) = generated(row);
        if user != wanted || granted != wanted.into_iter().collect::<Vec<_>>() {
            complaints
                .push(format!("{}: {wanted:?} in the row, {user:?} in the environment, {granted:?} in IAM", row.name));
        }
    }
    expect_none(&complaints, "derive both from `Function::database_role`");
}

#[test]
fn function_has_one_kind_of_access_to_the_database() {
    let is_database = |uses: &&Uses| {
        matches!(
            uses,
            Uses::Postgres
                | Uses::PostgresRead
                | Uses::PostgresProbe
                | Uses::PostgresHandledEvents
                | Uses::PostgresOwner
        )
    };
    let twice = FUNCTIONS.iter().filter(|row| row.resources().filter(is_database).count() > 1);
    let complaints: Vec<_> = twice.map(|row| format!("{} declares several roles", row.name)).collect();
    expect_none(&complaints, "declare the strongest that it needs");
}

#[test]
fn route_that_only_reads_has_a_role_that_only_reads() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let Some(role) = row.database_role() else { continue };
        let reads = matches!(row.trigger, Trigger::Http { method: Method::Get, .. });
        // The probe may do nothing at all: `adapters-postgres` tests its privileges.
        if reads && !role.is_read_only() && role != DatabaseRole::Probe {
            complaints.push(format!("{} answers GET as {}", row.name, role.name()));
        }
        if role.is_read_only() && (!reads || !row.publishes.is_empty()) {
            complaints.push(format!("{} cannot do its work as {}", row.name, role.name()));
        }
    }
    expect_none(&complaints, "GET routes use `Uses::PostgresRead`, everything that writes `Uses::Postgres`");
}

#[test]
fn only_the_readiness_check_probes_and_only_the_sweep_works_as_operations() {
    let of = |wanted: DatabaseRole| -> BTreeSet<_> {
        FUNCTIONS.iter().filter(|row| row.database_role() == Some(wanted)).map(|row| row.name).collect()
    };
    assert_eq!(of(DatabaseRole::Probe), BTreeSet::from([catalog::READY_GET.name]));
    let recording =
        [catalog::CONSUMER_STATE_UPDATE, catalog::EVENT_FORWARD, catalog::EVENT_RECORD, catalog::QUEUE_REDRIVE];
    let recording = recording.map(|row| row.name);
    assert_eq!(of(DatabaseRole::Recorder), BTreeSet::from(recording));
    let operations = DatabaseRole::Writer(catalog::Context::Operations);
    // Both read the events of every outbox.
    assert_eq!(of(operations), BTreeSet::from([catalog::EVENT_REPLAY.name, catalog::OUTBOX_SWEEP.name]));
}
