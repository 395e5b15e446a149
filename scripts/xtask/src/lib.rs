//! What the repository does to itself: generate files from the catalog, package functions, begin new ones.
//!
//! A library as well as a binary, so that the structural tests compare with the very code that writes.

pub mod codegen;
pub mod package;
pub mod scaffold;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A result whose error is a sentence for the person at the terminal.
pub type Result<T> = std::result::Result<T, String>;

/// The directory of the repository: the nearest one upwards from here that holds a workspace.
///
/// Found at run time, never at build time: a target directory that two clones share must not lead one into the other.
#[must_use]
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let is_workspace = |directory: &&Path| {
        fs::read_to_string(directory.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.contains("\n[workspace]") || manifest.starts_with("[workspace]"))
    };
    here.ancestors().find(is_workspace).map_or_else(|| here.clone(), Path::to_path_buf)
}
