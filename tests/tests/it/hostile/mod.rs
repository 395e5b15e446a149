//! What the world really sends: each row is an input, the expected status, and the expected state afterwards.

mod access;
mod consent;
mod contacts;
mod disputes;
mod generated;
mod http;
mod limits;
mod logins;
mod money;
pub(crate) mod newer_events;
mod prices;
mod records;
mod redaction;
mod registrations;
mod routes;
mod sources;
mod strings;
mod tax;
mod text;
mod totals;
