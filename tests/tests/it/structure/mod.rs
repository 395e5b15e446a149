//! Locks: what the repository promises about itself, checked. Each complaint says what to do.
//!
//! They need no cloud and read nothing but the working tree: `cargo test -p quayside-tests structure`.

mod dependencies;
mod events;
mod fixtures;
mod functions;
mod generated;
mod idempotency;
mod names;
mod source_files;
mod sources;
mod template;

/// Fails with every complaint at once and with what mends them.
#[track_caller]
fn expect_none(complaints: &[String], mend: &str) {
    assert!(complaints.is_empty(), "\n  {}\n→ {mend}\n", complaints.join("\n  "));
}
