//! Stores on PostgreSQL, over one connection that RDS Proxy can multiplex.
//!
//! **Invariants.** A command is one statement or one function call, hence one round trip, and commits atomically with its inbox claim,
//! idempotency record and outbox rows. Statements are unnamed and below 16 KB, and no code uses `SET`, prepared statements, `LISTEN` or
//! advisory locks, so that the proxy never pins a connection (`mark_published` sets a variable inside the server, for its own transaction
//! only). Statements name no schema: the search path of a role contains only its own. Failures expose no SQL to the client and no row
//! contents to the log.

mod accounts;
mod clients;
mod contacts;
mod credit_notes;
mod database;
mod delivery_check;
mod errors;
mod event_history;
mod event_records;
mod events;
mod fragments;
mod handled_events;
mod idempotency;
mod invoices;
mod jobs;
mod ledger;
mod message_budgets;
mod migrations;
mod operator_actions;
mod order_administration;
mod orders;
mod outbox;
mod params;
mod passwords;
mod payments;
mod personal_data;
mod preferences;
mod probe;
mod product_index;
mod record_days;
mod record_store;
mod record_writer;
mod roles;
mod rows;
mod saved_methods;
mod second_factors;
mod sessions;
mod settings;
mod sources;
mod stock;
mod sweep;
mod template_edits;
mod token;
mod users;
mod verifications;
mod webhook_queue;
mod webhooks;
mod windows;
mod wiring;

pub use contacts::PgContacts;
pub use database::Database;
pub use event_history::PgEventHistory;
pub use event_records::PgEventRecords;
pub use events::PgEvents;
pub use handled_events::PgHandledEvents;
pub use invoices::PgInvoices;
pub use jobs::PgJobs;
pub use ledger::PgLedger;
pub use migrations::{Migrator, schema_checksum};
pub use operator_actions::PgOperatorActions;
pub use orders::PgOrders;
pub use outbox::{NoEvents, Relay};
pub use payments::PgPayments;
pub use probe::PgProbe;
pub use product_index::PgProductIndex;
pub use record_store::PgRecords;
pub use roles::PgRolePasswords;
pub use settings::{Login, PasswordFuture, PasswordSource, Settings, Tls};
pub use sources::PgSources;
pub use stock::PgStock;
pub use sweep::PgOutbox;
pub use users::PgUsers;
pub use webhooks::PgWebhooks;
pub use windows::{PgWindowClosing, PgWindows};
pub use wiring::*;
