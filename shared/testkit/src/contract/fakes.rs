//! Runs the contract suites over the in-memory fakes.

use super::{
    Fixture, Observed, Observer, Reader,
    dead_letter_queues::QueuesAndDeadLetters,
    event_history::OrdersAndHistory,
    event_records::RecordsAndInbox,
    ledger::PaymentsAndLedger,
    migrations::MigrationsAndUsers,
    operator_actions::ActionsAndLog,
    outbox::OrdersAndOutbox,
    personal_data::UsersAndExport,
    product_snapshots::ProductSource,
    records::{Sources, WriterAndReader},
    role_secrets::NewSecret,
    storefront::StorefrontFixture,
    verifications::UsersAndTokens,
    window_closing::WindowsAndClosing,
};
use crate::{
    AnalyticsStream, Archive, Bus, DeadLetters, Documents, EmailSender, EventLog, Platform, Products, Records,
    SmsSender,
};
use domain::{Event, id::ClientId, product::Product, record::SourceName, text::Phone, window::StreamRecord};
use edge::DeadLetter;
use kernel::Failure;
use ports::{EmailMessage, EventLogRecord};

type Text = (Phone, String);

/// Four processes with interleaved operations on one platform.
fn interleaved<P>(port: impl Fn(&Platform) -> P) -> Fixture<P> {
    let platform = Platform::new();
    platform.faults().interleave();
    Fixture::new((0..4).map(|_| port(&platform)), &platform).with_outbox(platform.outbox())
}

impl Reader for Documents {
    async fn read(&self, link: &str) -> Result<Vec<u8>, Failure> {
        let key =
            link.strip_prefix("memory:///").and_then(|rest| rest.split('?').next()).expect("a link to a document");
        self.bytes(key).ok_or_else(|| Failure::not_found("document"))
    }
}

impl Reader for Archive {
    async fn read(&self, key: &str) -> Result<Vec<u8>, Failure> {
        let found = self.objects().remove(key).map(String::into_bytes);
        found.ok_or_else(|| Failure::not_found("object"))
    }
}

impl ProductSource for Products {
    async fn add(&self, product: &Product) {
        self.put(product);
    }
}

impl Sources for Records {
    async fn register(&self, source: &SourceName, writers: &[ClientId]) {
        Records::register(self, source, writers);
    }
}

macro_rules! observers {
    ($($handle:ident $received:ident $what:ident;)*) => {
        $(
            impl Observer<$what> for $handle {
                async fn received(&self, count: usize, mine: &dyn Fn(&$what) -> bool) -> Vec<$what> {
                    self.$received().into_iter().filter(|one| mine(one)).take(count).collect()
                }
            }
        )*
    };
}

observers! {
    Bus published Event;
    EventLog records EventLogRecord;
    AnalyticsStream records StreamRecord;
    EmailSender sent EmailMessage;
    SmsSender sent Text;
    DeadLetters messages DeadLetter;
}

/// Uses the fake as the port under test, and to inspect its state.
fn observed<P: Clone>(port: P) -> Observed<P, P> {
    Observed { observer: port.clone(), port }
}

macro_rules! fakes {
    ($($suite:ident $contract:ident $port:expr;)*) => {
        $(
            mod $suite {
                use super::*;
                crate::$contract!(async { interleaved($port) });
            }
        )*
    };
}

fakes! {
    accounts contract_accounts Platform::users;
    admins contract_admins Platform::users;
    archive contract_archive |on: &Platform| observed(on.archive());
    circuit_breaker contract_circuit_breaker Platform::circuit_breaker;
    client_secrets contract_client_secrets Platform::tokens;
    clients contract_clients Platform::users;
    sources contract_sources Platform::sources;
    bus contract_bus |on: &Platform| observed(on.bus());
    cache contract_cache Platform::cache;
    consumer_mappings contract_consumer_mappings Platform::queues;
    contacts contract_contacts Platform::contacts;
    message_budgets contract_message_budgets Platform::contacts;
    credit_notes contract_credit_notes Platform::invoices;
    dead_letters contract_dead_letters |on: &Platform| observed(on.dead_letters());
    documents contract_documents Platform::documents;
    analytics_stream contract_analytics_stream |on: &Platform| observed(on.analytics_stream());
    gateway contract_gateway Platform::gateway;
    invoices contract_invoices Platform::invoices;
    jobs contract_jobs Platform::jobs;
    ledger contract_ledger |on: &Platform| PaymentsAndLedger { payments: on.payments(), ledger: on.ledger() };
    message_templates contract_message_templates Platform::message_templates;
    event_history contract_event_history |on: &Platform| OrdersAndHistory { orders: on.orders(), history: on.outbox() };
    event_log contract_event_log |on: &Platform| observed(on.event_log());
    dead_letter_queues contract_dead_letter_queues |on: &Platform| {
        QueuesAndDeadLetters { queues: on.queues(), dead_letters: on.queues() }
    };
    operator_actions contract_operator_actions |on: &Platform| {
        ActionsAndLog { actions: on.operator_actions(), log: on.operator_actions(), records: on.event_records() }
    };
    event_records contract_event_records |on: &Platform| {
        RecordsAndInbox { records: on.event_records(), timeline: on.event_records(), inbox: on.handled_events() }
    };
    records contract_records |on: &Platform| {
        WriterAndReader { writer: on.records(), reader: on.records(), sources: on.records() }
    };
    record_archive contract_record_archive Platform::records;
    log_topics contract_log_topics Platform::log_topics;
    email_sender contract_email_sender |on: &Platform| observed(on.email_sender());
    migrations contract_migrations |on: &Platform| MigrationsAndUsers { migrations: on.migrations(), users: on.users() };
    personal_data contract_personal_data |on: &Platform| UsersAndExport { users: on.users(), orders: on.orders(), export: on.users() };
    prices contract_prices Platform::orders;
    product_snapshots contract_product_snapshots |on: &Platform| Observed { port: on.product_snapshots(), observer: on.products() };
    attempts contract_attempts Platform::payments;
    order_erasure contract_order_erasure Platform::orders;
    order_limits contract_order_limits Platform::orders;
    order_administration contract_order_administration Platform::orders;
    orders contract_orders Platform::orders;
    outbox contract_outbox |on: &Platform| OrdersAndOutbox { orders: on.orders(), outbox: on.outbox() };
    password_changes contract_password_changes Platform::users;
    password_strength contract_password_strength Platform::passwords;
    passwords contract_passwords Platform::passwords;
    payment_lists contract_payment_lists Platform::payments;
    payment_requests contract_payment_requests Platform::payments;
    payments contract_payments Platform::payments;
    saved_methods contract_saved_methods Platform::payments;
    image_objects contract_image_objects Platform::image_objects;
    invoice_renderer contract_invoice_renderer Platform::invoice_renderer;
    product_files contract_product_files Platform::product_files;
    product_index contract_product_index Platform::product_index;
    products contract_products Platform::products;
    push_sender contract_push_sender Platform::push_sender;
    rate_limiter contract_rate_limiter Platform::rate_limiter;
    request_sources contract_request_sources Platform::request_sources;
    revocations contract_revocations Platform::revocations;
    second_factors contract_second_factors Platform::users;
    sessions contract_sessions Platform::users;
    stock contract_stock Platform::stock;
    role_secrets contract_role_secrets |on: &Platform| {
        on.role_secrets().create("secret", "orders");
        NewSecret { port: on.role_secrets(), secret: "secret".to_owned(), role: "orders".to_owned() }
    };
    storefront contract_storefront |on: &Platform| {
        let account = crate::build::canary_account();
        on.storefront().register(&account);
        StorefrontFixture { port: on.storefront(), account }
    };
    sms_sender contract_sms_sender |on: &Platform| observed(on.sms_sender());
    sweep_positions contract_sweep_positions Platform::events;
    template_edits contract_template_edits Platform::contacts;
    tokens contract_tokens Platform::tokens;
    users contract_users Platform::users;
    verifications contract_verifications |on: &Platform| UsersAndTokens { users: on.users(), tokens: on.tokens() };
    webhook_failures contract_webhook_failures Platform::webhooks;
    webhooks contract_webhooks Platform::webhooks;
    window_closing contract_window_closing |on: &Platform| WindowsAndClosing { windows: on.windows(), closing: on.windows() };
    window_figures contract_window_figures Platform::windows;
    windows contract_windows Platform::windows;
    preferences contract_preferences Platform::contacts;
}
