//! Locks: what the repository promises about itself, checked. Each complaint says what to do.
//!
//! They need no cloud and read nothing but the working tree: `cargo test -p quayside-tests drift`.

mod dependencies;
mod events;
mod fixtures;
mod functions;
mod generated;
mod idempotency;
mod names;
mod sources;
mod template;
mod tidy;

/// Fails with every complaint at once and with what mends them.
#[track_caller]
fn expect_none(complaints: &[String], mend: &str) {
    assert!(complaints.is_empty(), "\n  {}\n→ {mend}\n", complaints.join("\n  "));
}
