//! Business rules as pure functions: commands and current state in, new state and events out.
//!
//! **Invariant:** no async, no clock, no randomness, no I/O. Every business decision of the project is made here.
//!
//! Modules depend on each other in one direction: value types ([`money`], [`id`], [`text`], [`order_line`], [`order_status`] …), then
//! the payloads of events ([`event`]), then the rules ([`order`], [`payment`], [`stock`] …).

#[macro_use]
mod words;

pub mod account_status;
pub mod address;
pub mod canary;
pub mod channel;
pub mod client;
pub mod consumer;
pub mod credit_note;
pub mod dead_letter;
pub mod delivery_check;
pub mod event;
pub mod event_patch;
pub mod forecast;
pub mod id;
pub mod image;
pub mod invoice;
pub mod job;
pub mod json_lines;
pub mod ledger;
pub mod listing;
pub mod login_throttle;
pub mod message_limits;
pub mod message_template;
pub mod money;
pub mod notification;
pub mod order;
pub mod order_line;
pub mod order_number;
pub mod order_status;
pub mod password_reset;
pub mod payment;
pub mod payment_status;
pub mod personal_data;
pub mod product;
pub mod product_export;
pub mod product_import;
pub mod profile;
pub mod queue;
pub mod recipient;
pub mod reconciliation;
pub mod record;
pub mod record_batch;
pub mod redrive;
pub mod refused_action;
pub mod replay;
pub mod restore;
pub mod saved_method;
pub mod second_factor;
pub mod session;
pub mod shipping;
pub mod sms;
pub mod source;
pub mod stock;
pub mod stock_level;
pub mod tax;
pub mod text;
pub mod timeline;
pub mod totals;
pub mod user;
pub mod verification;
pub mod webhook;
pub mod window;

pub use event::{DomainEvent, Event};
pub use money::Money;
