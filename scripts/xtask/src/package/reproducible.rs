//! Checks that two builds of the same sources at different paths give equal zips.

use super::{Packaged, Request, archive::sha256, functions, package};
use crate::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Result of the comparison.
pub struct Compared {
    /// Name and SHA-256 of each zip that both builds agree on.
    pub equal: Vec<(&'static str, String)>,
    /// Functions whose zips differ.
    pub different: Vec<&'static str>,
}

/// Packages here, then from scratch in a copy of the sources at another path, and compares the zips.
pub fn check(request: &Request<'_>) -> Result<(Packaged, Compared)> {
    let packaged = package(request)?;
    let copy = Copy::of(request.root)?;
    let output = copy.0.join("target/lambda");
    let target = Some(copy.0.join("target"));
    package(&Request {
        root: &copy.0,
        build: request.build,
        functions: request.functions,
        output: output.clone(),
        target,
    })?;
    let mut compared = Compared { equal: Vec::new(), different: Vec::new() };
    for name in functions(request.functions)? {
        let digest = |directory: &Path| {
            let path = directory.join(name).join("bootstrap.zip");
            fs::read(&path).map(|content| sha256(&content)).map_err(|error| format!("{}: {error}", path.display()))
        };
        let first = digest(&request.output)?;
        if first == digest(&output)? {
            compared.equal.push((name, first));
        } else {
            compared.different.push(name);
        }
    }
    Ok((packaged, compared))
}

/// A copy of the files that git tracks, as they are in the working tree, in a temporary directory. Removed when dropped.
struct Copy(PathBuf);

impl Copy {
    fn of(root: &Path) -> Result<Self> {
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
        let listed = listed.map_err(|error| format!("git does not start: {error}"))?;
        if !listed.status.success() {
            return Err(String::from_utf8_lossy(&listed.stderr).trim().to_owned());
        }
        let copy = Self(std::env::temp_dir().join(format!("quayside-reproducible-{}", std::process::id())));
        let tracked = String::from_utf8_lossy(&listed.stdout).into_owned();
        // Not tracked, but required: it contains the path of cargo-lambda.
        for path in tracked.split_terminator('\0').chain([".local/tools"]) {
            let (from, to) = (root.join(path), copy.0.join(path));
            if from.exists() {
                to.parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| fs::copy(&from, &to))
                    .map_err(|error| format!("{}: {error}", to.display()))?;
            }
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("build: {} is left behind: {error}", self.0.display());
        }
    }
}
