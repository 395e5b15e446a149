//! Structural tests: the repository's rules about itself. Each failure says how to correct it.
//!
//! They read the working tree and need no stack: `cargo test -p quayside-tests structure`.

mod alarms;
mod calls;
mod configuration;
mod contract;
mod contract_texts;
mod database_roles;
mod dependencies;
mod documents;
mod events;
mod fixtures;
mod functions;
mod generated;
mod idempotency;
mod keys;
mod modules;
mod names;
mod pages;
mod permissions;
mod personal_data;
mod protection;
mod queries;
mod secrets;
mod source_files;
mod sources;
mod stacks;
mod syntax;
mod template;
mod threat_model;

/// Fails with all complaints and with the way to correct them.
#[track_caller]
fn expect_none(complaints: &[String], remedy: &str) {
    assert!(complaints.is_empty(), "\n  {}\n→ {remedy}\n", complaints.join("\n  "));
}
