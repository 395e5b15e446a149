//! Postgres: the ports whose state lives there, over one connection that RDS Proxy can share.
//!
//! **Invariants.** A command is one statement or one function call: one round trip, and it commits whole or not at all, with its
//! inbox claim, its idempotency record and its outbox row. Statements are unnamed and below 16 KB, nothing is SET, prepared,
//! listened for or advisory-locked, so that the proxy never pins (`mark_published` sets one thing for its own transaction, inside the
//! server). Statements name no schema: a role finds its own by the default search path, and no other. A failure tells the client
//! nothing of SQL, and the log nothing of the rows.

mod contacts;
mod database;
mod failures;
mod fragments;
mod invoices;
mod keys;
mod ledger;
mod migrations;
mod orders;
mod outbox;
mod params;
mod payments;
mod probe;
mod rows;
mod settings;
mod stock;
mod sweep;
mod users;
mod windows;
mod wiring;
mod wishes;

pub use contacts::PgContacts;
pub use database::Database;
pub use invoices::PgInvoices;
pub use ledger::PgLedger;
pub use migrations::Migrator;
pub use orders::PgOrders;
pub use outbox::{Relay, UnreachableBus};
pub use payments::PgPayments;
pub use probe::PgProbe;
pub use settings::{PasswordFuture, PasswordSource, Settings, Tls};
pub use stock::PgStock;
pub use sweep::PgOutbox;
pub use users::PgUsers;
pub use windows::PgWindows;
pub use wiring::*;
