//! The stores on PostgreSQL, each test with a database of its own.

use super::{PROCESSES, var};
use adapters_postgres::{
    Database, Migrator, PgContacts, PgEventHistory, PgEventRecords, PgEvents, PgHandledEvents, PgInvoices, PgJobs,
    PgLedger, PgOperatorActions, PgOrders, PgOutbox, PgPayments, PgProductIndex, PgRecords, PgSources, PgStock,
    PgUsers, PgWebhooks, PgWindowClosing, PgWindows,
};
use adapters_testkit::postgres::{TestDatabase, fresh_database};
use catalog::{Context, DatabaseRole};
use domain::{id::ClientId, record::SourceName};
use kernel::Uuid;
use std::sync::Arc;
use testkit::Platform;
use testkit::contract::{
    Fixture,
    event_records::RecordsAndInbox,
    ledger::PaymentsAndLedger,
    migrations::MigrationsAndUsers,
    operator_actions::ActionsAndLog,
    outbox::OrdersAndOutbox,
    personal_data::UsersAndExport,
    records::{Sources, WriterAndReader},
    verifications::UsersAndTokens,
    window_closing::WindowsAndClosing,
};

/// Several processes over a fresh database, each with a connection of its own.
async fn fixture<P>(process: impl Fn(&TestDatabase, testkit::Bus) -> P) -> Fixture<P> {
    let (database, platform) = (fresh_database(&var("DATABASE_URL")).await, Platform::new());
    let processes: Vec<P> = (0..PROCESSES).map(|_| process(&database, platform.bus())).collect();
    let outbox = PgOutbox::new(database.as_context(Context::Operations), platform.bus());
    Fixture::new(processes, &platform).with_outbox(outbox).holding(database)
}

/// Several processes that use the store of one context.
async fn store<P>(context: Context, store: impl Fn(Arc<Database>, testkit::Bus) -> P) -> Fixture<P> {
    fixture(|database, bus| store(database.as_context(context), bus)).await
}

mod accounts {
    use super::*;
    testkit::contract_accounts!(store(Context::Identity, PgUsers::new));
}

mod admins {
    use super::*;
    testkit::contract_admins!(store(Context::Identity, PgUsers::new));
}

mod attempts {
    use super::*;
    testkit::contract_attempts!(store(Context::Payments, PgPayments::new));
}

mod contacts {
    use super::*;
    testkit::contract_contacts!(store(Context::Notifications, PgContacts::new));
}

mod credit_notes {
    use super::*;
    testkit::contract_credit_notes!(store(Context::Invoices, PgInvoices::new));
}

mod event_records {
    use super::*;
    testkit::contract_event_records!(fixture(|database, _| RecordsAndInbox {
        records: PgEventRecords::new(database.as_role(DatabaseRole::Recorder)),
        timeline: PgEventRecords::new(database.as_role(DatabaseRole::Reader(Context::Operations))),
        inbox: PgHandledEvents::new(database.as_context(Context::Orders)),
    }));
}

/// Adds sources with the rights of the owner.
struct SourceRows(tokio_postgres::Client);

impl Sources for SourceRows {
    async fn register(&self, source: &SourceName, writers: &[ClientId]) {
        let writers: Vec<Uuid> = writers.iter().map(|client| client.0).collect();
        let sql = "INSERT INTO records.sources (name, status, writers, schema_version, created_at)
            VALUES ($1, 'open', $2, 1, now())";
        self.0.execute(sql, &[&source.as_str(), &writers]).await.expect("inserted");
    }
}

mod records {
    use super::*;
    testkit::contract_records!(records());
}

async fn records() -> Fixture<WriterAndReader<PgRecords, PgRecords, SourceRows>> {
    let database = fresh_database(&var("DATABASE_URL")).await;
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(WriterAndReader {
            writer: PgRecords::new(database.as_context(Context::Records)),
            reader: PgRecords::new(database.as_context(Context::Records)),
            sources: SourceRows(database.connect().await),
        });
    }
    Fixture::new(processes, &Platform::new()).holding(database)
}

mod sources {
    use super::*;
    testkit::contract_sources!(async {
        let database = fresh_database(&var("DATABASE_URL")).await;
        let stores = (0..PROCESSES).map(|_| PgSources::new(database.as_context(Context::Records)));
        Fixture::new(stores.collect::<Vec<_>>(), &Platform::new()).holding(database)
    });
}

mod message_budgets {
    use super::*;
    testkit::contract_message_budgets!(store(Context::Notifications, PgContacts::new));
}

mod invoices {
    use super::*;
    testkit::contract_invoices!(store(Context::Invoices, PgInvoices::new));
}

mod ledger {
    use super::*;
    testkit::contract_ledger!(fixture(|database, bus| PaymentsAndLedger {
        payments: PgPayments::new(database.as_context(Context::Payments), bus.clone()),
        ledger: PgLedger::new(database.as_context(Context::Payments), bus),
    }));
}

mod migrations {
    use super::*;
    testkit::contract_migrations!(fixture(|database, bus| MigrationsAndUsers {
        migrations: Migrator::new(database.as_owner(), None),
        users: PgUsers::new(database.as_context(Context::Identity), bus),
    }));
}

mod operator_actions {
    use super::*;
    testkit::contract_operator_actions!(fixture(|database, _| ActionsAndLog {
        actions: PgOperatorActions::new(database.as_role(DatabaseRole::Recorder)),
        log: PgOperatorActions::new(database.as_role(DatabaseRole::Reader(Context::Operations))),
        records: PgEventRecords::new(database.as_role(DatabaseRole::Recorder)),
    }));
}

mod order_erasure {
    use super::*;
    testkit::contract_order_erasure!(store(Context::Orders, PgOrders::new));
}

mod order_limits {
    use super::*;
    testkit::contract_order_limits!(store(Context::Orders, PgOrders::new));
}

mod order_administration {
    use super::*;
    testkit::contract_order_administration!(store(Context::Orders, PgOrders::new));
}

mod orders {
    use super::*;
    testkit::contract_orders!(store(Context::Orders, PgOrders::new));
}

mod outbox {
    use super::*;
    testkit::contract_outbox!(fixture(|database, bus| OrdersAndOutbox {
        orders: PgOrders::new(database.as_context(Context::Orders), bus.clone()),
        outbox: PgOutbox::new(database.as_context(Context::Operations), bus),
    }));
}

mod event_history {
    use super::*;
    use testkit::contract::event_history::OrdersAndHistory;
    testkit::contract_event_history!(fixture(|database, bus| OrdersAndHistory {
        orders: PgOrders::new(database.as_context(Context::Orders), bus),
        history: PgEventHistory::new(database.as_context(Context::Operations)),
    }));
}

mod sweep_positions {
    use super::*;
    testkit::contract_sweep_positions!(store(Context::Catalogue, |database, bus| PgEvents::new(
        Context::Catalogue,
        database,
        bus
    )));
}

mod clients {
    use super::*;
    testkit::contract_clients!(store(Context::Identity, PgUsers::new));
}

mod password_changes {
    use super::*;
    testkit::contract_password_changes!(store(Context::Identity, PgUsers::new));
}

mod payment_lists {
    use super::*;
    testkit::contract_payment_lists!(store(Context::Payments, PgPayments::new));
}

mod payment_requests {
    use super::*;
    testkit::contract_payment_requests!(store(Context::Payments, PgPayments::new));
}

mod payments {
    use super::*;
    testkit::contract_payments!(store(Context::Payments, PgPayments::new));
}

mod personal_data {
    use super::*;
    testkit::contract_personal_data!(fixture(|database, bus| UsersAndExport {
        users: PgUsers::new(database.as_context(Context::Identity), bus.clone()),
        orders: PgOrders::new(database.as_context(Context::Orders), bus.clone()),
        export: PgUsers::new(database.as_role(DatabaseRole::Reader(Context::Identity)), bus),
    }));
}

mod saved_methods {
    use super::*;
    testkit::contract_saved_methods!(store(Context::Payments, PgPayments::new));
}

mod prices {
    use super::*;
    testkit::contract_prices!(store(Context::Orders, PgOrders::new));
}

mod jobs {
    use super::*;
    testkit::contract_jobs!(store(Context::Catalogue, |database, _| PgJobs::new(database)));
}

mod product_index {
    use super::*;
    testkit::contract_product_index!(store(Context::Catalogue, |database, _| PgProductIndex::new(database)));
}

mod second_factors {
    use super::*;
    testkit::contract_second_factors!(store(Context::Identity, PgUsers::new));
}

mod sessions {
    use super::*;
    testkit::contract_sessions!(store(Context::Identity, PgUsers::new));
}

mod stock {
    use super::*;
    testkit::contract_stock!(store(Context::Inventory, PgStock::new));
}

mod template_edits {
    use super::*;
    testkit::contract_template_edits!(store(Context::Notifications, PgContacts::new));
}

mod users {
    use super::*;
    testkit::contract_users!(store(Context::Identity, PgUsers::new));
}

mod verifications {
    use super::*;
    testkit::contract_verifications!(fixture(|database, bus| UsersAndTokens {
        users: PgUsers::new(database.as_context(Context::Identity), bus),
        tokens: adapters_auth::RandomTokens,
    }));
}

mod webhook_failures {
    use super::*;
    testkit::contract_webhook_failures!(store(Context::Notifications, PgWebhooks::new));
}

mod webhooks {
    use super::*;
    testkit::contract_webhooks!(store(Context::Notifications, PgWebhooks::new));
}

mod window_closing {
    use super::*;
    testkit::contract_window_closing!(fixture(|database, bus| WindowsAndClosing {
        windows: PgWindows::new(database.as_context(Context::Analytics)),
        closing: PgWindowClosing::new(database.as_context(Context::Analytics), bus),
    }));
}

mod window_figures {
    use super::*;
    testkit::contract_window_figures!(store(Context::Analytics, |database, _| PgWindows::new(database)));
}

mod windows {
    use super::*;
    testkit::contract_windows!(store(Context::Analytics, |database, _| PgWindows::new(database)));
}

mod preferences {
    use super::*;
    testkit::contract_preferences!(store(Context::Notifications, PgContacts::new));
}
