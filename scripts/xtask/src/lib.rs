//! What the repository does to itself: generate files from the catalog, package functions, begin new ones.
//!
//! A library as well as a binary, so that the drift tests compare with the very code that writes.

pub mod codegen;
pub mod package;
pub mod scaffold;

use std::path::PathBuf;

/// A result whose error is a sentence for the person at the terminal.
pub type Result<T> = std::result::Result<T, String>;

/// The directory of the repository.
#[must_use]
pub fn root() -> PathBuf {
    // This package lies two directories down.
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
