//! Files and manifests of the working tree.

use std::{
    fs,
    path::{Path, PathBuf},
};
use toml_edit::DocumentMut;

/// Directories with source files.
const SOURCES: [&str; 4] = ["functions", "shared", "scripts", "tests"];

pub struct Source {
    /// Path from the root of the repository, with slashes.
    pub path: String,
    pub text: String,
}

/// Source files with this extension, in the order of their paths.
pub fn with_extension(extension: &str) -> Vec<Source> {
    let root = xtask::root();
    let mut found = Vec::new();
    for directory in SOURCES {
        collect(&root, &root.join(directory), extension, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The documents of the top level, of docs and of terraform, in the order of their paths.
pub fn documents() -> Vec<Source> {
    let root = xtask::root();
    let mut found = Vec::new();
    for directory in ["docs", "terraform"] {
        collect(&root, &root.join(directory), "md", &mut found);
    }
    for path in entries(&root).into_iter().filter(|path| path.extension().unwrap_or_default() == "md") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push(Source { path: name, text: fs::read_to_string(&path).expect("a document") });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The files of Terraform's configuration, in the order of their paths.
pub fn terraform() -> Vec<Source> {
    let root = xtask::root();
    let mut found = Vec::new();
    collect(&root, &root.join("terraform"), "tf", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Leaves out the packages that `npm install` puts beside a package.json.
fn collect(root: &Path, directory: &Path, extension: &str, found: &mut Vec<Source>) {
    for path in entries(directory) {
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                collect(root, &path, extension, found);
            }
        } else if path.extension().unwrap_or_default() == extension {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            // Another process may delete a file in the meantime.
            if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source { path: name, text });
            }
        }
    }
}

/// Entries of a directory in the order of their names; none if it does not exist.
pub fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Names of the subdirectories of a directory of the repository.
pub fn directories(of: &str) -> Vec<String> {
    let named = |path: PathBuf| path.is_dir().then(|| path.file_name()?.to_str().map(str::to_owned)).flatten();
    entries(&xtask::root().join(of)).into_iter().filter_map(named).collect()
}

/// The manifest of a workspace member.
pub struct Manifest {
    /// Path of its directory from the root of the repository.
    pub directory: String,
    pub document: DocumentMut,
}

impl Manifest {
    pub fn package(&self) -> &str {
        self.document["package"]["name"].as_str().unwrap_or_default()
    }

    /// Dependencies of all kinds and targets, each with the item that declares it.
    pub fn dependencies(&self) -> Vec<(&str, &toml_edit::Item)> {
        const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
        let targets = self.document.get("target").and_then(|item| item.as_table_like());
        let targets = targets.into_iter().flat_map(|table| table.iter().map(|(_, target)| target));
        std::iter::once(self.document.as_item())
            .chain(targets)
            .flat_map(|item| KINDS.into_iter().filter_map(move |kind| item.get(kind)?.as_table_like()))
            .flat_map(|table| table.iter())
            .collect()
    }
}

/// The manifests of all workspace members.
pub fn manifests() -> Vec<Manifest> {
    let named =
        |parent: &str| directories(parent).into_iter().map(|name| format!("{parent}/{name}")).collect::<Vec<_>>();
    let members = [named("functions"), named("shared"), named("scripts"), vec!["tests".to_owned()]].concat();
    let read = |directory: String| {
        let path = xtask::root().join(&directory).join("Cargo.toml");
        let text = fs::read_to_string(path).ok()?;
        let document = text.parse().unwrap_or_else(|error| panic!("{directory}/Cargo.toml: {error}"));
        Some(Manifest { directory, document })
    };
    members.into_iter().filter_map(read).collect()
}
