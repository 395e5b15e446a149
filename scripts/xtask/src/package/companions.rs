//! The files that a function's package has beside its binary.

use super::archive::PackageFile;
use crate::Result;
use std::{collections::BTreeMap, fs, path::Path};

/// Licences of the fonts, which have to go where the fonts go: name in the package and file in the sources.
const LICENCES: [(&str, &str); 2] =
    [("fonts/APACHE-2.0.txt", "LICENSE"), ("fonts/FONTS.txt", "shared/adapters-pdf/FONTS.txt")];

/// The files of each function that has any.
pub fn all(root: &Path, functions: &[&'static str]) -> Result<BTreeMap<&'static str, Vec<PackageFile>>> {
    let printing = [catalog::INVOICE_ISSUE.name, catalog::CREDIT_NOTE_ISSUE.name];
    let printing = printing.into_iter().filter(|name| functions.contains(name));
    printing.map(|name| Ok((name, fonts(root)?))).collect()
}

/// The fonts that `scripts/setup` installed, in the order of their names, and their licences.
fn fonts(root: &Path) -> Result<Vec<PackageFile>> {
    let tools = fs::read_to_string(root.join(".local/tools")).unwrap_or_default();
    let directory = tools.lines().find_map(|line| line.strip_prefix("fonts="));
    let directory = Path::new(directory.ok_or("the fonts of invoices are not installed: run scripts/setup")?);
    let unreadable = |error: std::io::Error| format!("{}: {error}; run scripts/setup", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".ttf") {
            found.push(PackageFile { name: format!("fonts/{name}"), path: path.clone() });
        }
    }
    if found.is_empty() {
        return Err(format!("{} has no font: run scripts/setup", directory.display()));
    }
    found.extend(LICENCES.map(|(name, path)| PackageFile { name: name.into(), path: root.join(path) }));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
