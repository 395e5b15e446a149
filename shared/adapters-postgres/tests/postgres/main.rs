//! The stores against a real PostgreSQL. Each test has its own database.
//!
//! `DATABASE_URL` names a server and a superuser; `scripts/test` sets it. Without it these tests fail.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod backorders;
mod connection;
mod delivery_check;
mod erasure;
mod event_records;
mod fixtures;
mod identity;
mod invoices;
mod migrations;
mod notifications;
mod operator_actions;
mod orders;
mod outbox;
mod payments;
mod personal_data;
mod readers;
mod records;
mod reservation_machine;
mod retention;
mod rotation;
mod saved_methods;
mod stock;
mod stock_races;
mod windows;
