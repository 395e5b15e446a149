//! Tasks of this repository: generate files from the catalog, package functions, create new ones.
//!
//! A library as well as a binary, so that the structure tests compare files with the code that generates them.

pub mod codegen;
pub mod package;
pub mod scaffold;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A result whose error is a message for the terminal.
pub type Result<T> = std::result::Result<T, String>;

/// The root of the repository: the nearest parent of the working directory with a workspace manifest.
///
/// Found at run time and not at build time, because two clones may share a target directory.
#[must_use]
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let is_workspace = |directory: &&Path| {
        fs::read_to_string(directory.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.contains("\n[workspace]") || manifest.starts_with("[workspace]"))
    };
    here.ancestors().find(is_workspace).map_or_else(|| here.clone(), Path::to_path_buf)
}
