//! The working tree, as the locks see it.

use std::{
    fs,
    path::{Path, PathBuf},
};
use toml_edit::DocumentMut;

/// Directories that hold sources of ours.
const SOURCES: [&str; 4] = ["functions", "shared", "scripts", "tests"];

/// A file of ours.
pub struct Source {
    /// Path from the root of the repository, with slashes.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Files of ours with this extension, in the order of their paths.
pub fn with_extension(extension: &str) -> Vec<Source> {
    let root = xtask::root();
    let mut found = Vec::new();
    for directory in SOURCES {
        collect(&root, &root.join(directory), extension, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, directory: &Path, extension: &str, found: &mut Vec<Source>) {
    for path in entries(directory) {
        if path.is_dir() {
            collect(root, &path, extension, found);
        } else if path.extension().unwrap_or_default() == extension {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            // A file that goes away while we look is nobody's drift.
            if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source { path: name, text });
            }
        }
    }
}

/// What lies in a directory of the repository; nothing where there is none.
pub fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Names of the directories in a directory of the repository.
pub fn directories(of: &str) -> Vec<String> {
    let named = |path: PathBuf| path.is_dir().then(|| path.file_name()?.to_str().map(str::to_owned)).flatten();
    entries(&xtask::root().join(of)).into_iter().filter_map(named).collect()
}

/// A manifest of a member of the workspace.
pub struct Manifest {
    /// Path of its directory from the root of the repository.
    pub directory: String,
    /// The manifest.
    pub document: DocumentMut,
}

impl Manifest {
    /// `package.name`.
    pub fn package(&self) -> &str {
        self.document["package"]["name"].as_str().unwrap_or_default()
    }

    /// Every dependency, of whatever kind and for whatever target, with the item that declares it.
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

/// The manifest of every member of the workspace.
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
