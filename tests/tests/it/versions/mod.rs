//! Versions side by side, as during a deployment and after a rollback: old readers and new writers, new readers and old writers.
//!
//! `tests/golden` has the events of each release, which never change, and those of a fabricated release 0.2 that adds members and words.

mod golden;
mod next_release;
mod readers;
