//! The stores of a function, from its row of the catalog.
//!
//! Stores that publish take the bus that committed events go to: `adapters_eventbridge::bus`, or [`NoEvents`] in a function
//! that publishes nothing, which then neither links nor configures a client for the bus.

use crate::{
    Database, Login, Migrator, PasswordSource, PgContacts, PgEventHistory, PgEventRecords, PgEvents, PgHandledEvents,
    PgInvoices, PgJobs, PgLedger, PgOperatorActions, PgOrders, PgOutbox, PgPayments, PgProbe, PgProductIndex,
    PgRecords, PgRolePasswords, PgSources, PgStock, PgUsers, PgWebhooks, PgWindowClosing, PgWindows, Settings, Tls,
    token::TokenSigner,
};
use adapters::config::{ConfigError, DatabaseConfig};
use adapters::wiring::{Result, Wiring};
use catalog::Uses;
use ports::Bus;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

/// Limit on one statement of a migration. The function that migrates has five minutes.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(240);

pub fn orders<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgOrders<B>> {
    Ok(PgOrders::new(database(wiring)?, bus))
}

pub fn stock<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgStock<B>> {
    Ok(PgStock::new(database(wiring)?, bus))
}

pub fn users<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgUsers<B>> {
    Ok(PgUsers::new(database(wiring)?, bus))
}

pub fn payments<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgPayments<B>> {
    Ok(PgPayments::new(database(wiring)?, bus))
}

pub fn ledger<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgLedger<B>> {
    Ok(PgLedger::new(database(wiring)?, bus))
}

/// Contacts, and the log of what was sent to them.
pub fn contacts<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgContacts<B>> {
    Ok(PgContacts::new(database(wiring)?, bus))
}

/// Endpoints of webhooks, and deliveries to them.
pub fn webhooks<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgWebhooks<B>> {
    Ok(PgWebhooks::new(database(wiring)?, bus))
}

pub fn invoices<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgInvoices<B>> {
    Ok(PgInvoices::new(database(wiring)?, bus))
}

/// The outboxes of all contexts.
pub fn outbox<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgOutbox<B>> {
    Ok(PgOutbox::new(database(wiring)?, bus))
}

pub fn windows(wiring: &Wiring) -> Result<PgWindows> {
    Ok(PgWindows::new(database(wiring)?))
}

/// Windows of analytics, to close them.
pub fn window_closing<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgWindowClosing<B>> {
    Ok(PgWindowClosing::new(database(wiring)?, bus))
}

/// The inbox of the function's context.
pub fn handled_events(wiring: &Wiring) -> Result<PgHandledEvents> {
    Ok(PgHandledEvents::new(database(wiring)?))
}

/// The outbox of the function's context.
pub fn events<B: Bus>(wiring: &Wiring, bus: B) -> Result<PgEvents<B>> {
    Ok(PgEvents::new(wiring.function().context, database(wiring)?, bus))
}

/// What operators see of every event.
pub fn event_records(wiring: &Wiring) -> Result<PgEventRecords> {
    Ok(PgEventRecords::new(database(wiring)?))
}

/// The published events of all outboxes.
pub fn event_history(wiring: &Wiring) -> Result<PgEventHistory> {
    Ok(PgEventHistory::new(database(wiring)?))
}

pub fn operator_actions(wiring: &Wiring) -> Result<PgOperatorActions> {
    Ok(PgOperatorActions::new(database(wiring)?))
}

/// The products as they are listed.
pub fn product_index(wiring: &Wiring) -> Result<PgProductIndex> {
    Ok(PgProductIndex::new(database(wiring)?))
}

/// Imports and exports of products.
pub fn jobs(wiring: &Wiring) -> Result<PgJobs> {
    Ok(PgJobs::new(database(wiring)?))
}

/// Sources of records, and what accepts records.
pub fn sources(wiring: &Wiring) -> Result<PgSources> {
    Ok(PgSources::new(database(wiring)?))
}

/// Records, to write or to read them.
pub fn records(wiring: &Wiring) -> Result<PgRecords> {
    Ok(PgRecords::new(database(wiring)?))
}

/// The schema, as the owner of the database.
pub fn migrations(wiring: &Wiring) -> Result<Migrator> {
    let (mut settings, password) = owner(wiring)?;
    settings.statement_timeout = MIGRATION_TIMEOUT;
    Ok(Migrator::new(Arc::new(Database::new(settings, password)), wiring.config().database_role_password()))
}

/// The passwords of the database roles, as the owner of the database.
pub fn role_passwords(wiring: &Wiring) -> Result<PgRolePasswords> {
    let (settings, password) = owner(wiring)?;
    Ok(PgRolePasswords::new(Arc::new(Database::new(settings, password))))
}

fn owner(wiring: &Wiring) -> Result<(Settings, PasswordSource)> {
    wiring.require("the database as its owner", |uses| matches!(uses, Uses::PostgresOwner))?;
    login(wiring)
}

/// The readiness check of the database, as a role that can read nothing.
pub fn database_probe(wiring: &Wiring) -> Result<PgProbe> {
    wiring.require("a probe of PostgreSQL", |uses| matches!(uses, Uses::PostgresProbe))?;
    Ok(PgProbe::new(connect(wiring)?))
}

/// The database as a role of the function's context, over one connection.
fn database(wiring: &Wiring) -> Result<Arc<Database>> {
    wiring.require("PostgreSQL", |uses| {
        matches!(uses, Uses::Postgres | Uses::PostgresRead | Uses::PostgresHandledEvents)
    })?;
    connect(wiring)
}

/// The database as the role that the function's row decides.
fn connect(wiring: &Wiring) -> Result<Arc<Database>> {
    let (settings, password) = login(wiring)?;
    Ok(Arc::new(Database::new(settings, password)))
}

fn login(wiring: &Wiring) -> Result<(Settings, PasswordSource)> {
    let DatabaseConfig { host, port, database, user, password } = wiring.config().database()?;
    let tls = Tls::from_setting(wiring.config().database_tls().as_deref(), &host);
    let tls = tls.map_err(|_| ConfigError::new("DATABASE_TLS must be require or off"))?;
    let password = match password {
        Some(password) => PasswordSource::Password(password),
        None => {
            let (credentials, region) = (wiring.config().credentials()?, wiring.config().region()?);
            let signer = TokenSigner::new(credentials, region, &host, port, &user);
            PasswordSource::issued(move || ready(signer.token()))
        }
    };
    let login = Login { host: &host, port, database: &database, user: &user };
    Ok((Settings::new(login, tls), password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters::config::Config;

    #[tokio::test]
    async fn without_a_password_the_role_logs_in_with_a_signed_iam_token() {
        let config = Config::from_vars([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session/+token"),
            ("DATABASE_HOST", "proxy.example.com"),
            ("DATABASE_PORT", "5432"),
            ("DATABASE_NAME", "quayside"),
            ("DATABASE_USER", "orders"),
        ]);
        let (_, password) = login(&Wiring::new(catalog::ORDER_GET, config)).unwrap();
        let token = password.password().await.unwrap().unwrap();
        assert!(token.starts_with("proxy.example.com:5432/?Action=connect&DBUser=orders&"), "{token}");
        assert!(token.contains("X-Amz-Expires=900") && token.contains("X-Amz-Signature="), "{token}");
        assert!(token.contains("X-Amz-Security-Token=session%2F%2Btoken"), "{token}");
        assert!(token.contains("%2Frds-db%2Faws4_request"), "{token}");
    }
}
