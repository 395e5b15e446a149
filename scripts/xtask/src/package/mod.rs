//! Packages functions: one cargo invocation, then `<output>/<function>/bootstrap` and `bootstrap.zip` for each.
//!
//! `invoice-issue` and `credit-note-issue` also have their fonts, which they read when a document needs them: `fonts/`, beside `bootstrap` and
//! in the zip.
//!
//! **Invariant:** a zip depends on its files alone, never on the time or the machine, and is not rewritten while they
//! stay the same: `sam deploy` uploads by content and redeploys what changed.

mod archive;
mod companions;
mod compile;
mod progress;
pub mod reproducible;

pub use archive::write_zip;
pub use compile::compile;

use crate::Result;
use std::path::{Path, PathBuf};

/// Binary of this workspace that the local cloud runs in addition to the functions.
const LOCAL_KAFKA_TRIGGER: &str = "kafka-trigger";

/// What the functions are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The local cloud on this machine: a development build.
    Dev,
    /// Lambda: the release profile, by cargo-lambda and zig.
    Release(Arch),
}

/// An architecture of Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// Graviton, the architecture that the template deploys to.
    Arm64,
    /// Intel and AMD: benchmarks on this machine.
    X86,
}

/// Which functions to package, and where to write them.
pub struct Request<'a> {
    /// Root of the workspace.
    pub root: &'a Path,
    pub build: Build,
    /// Functions by catalog name; all of them when empty. The local Kafka trigger is built with the functions that it invokes.
    pub functions: &'a [String],
    /// Directory that gets `<function>/bootstrap.zip`.
    pub output: PathBuf,
    /// Target directory, if not the one that cargo would choose.
    pub target: Option<PathBuf>,
}

pub struct Packaged {
    /// Number of functions that were packaged or found up to date.
    pub total: usize,
    /// Functions whose zip changed.
    pub changed: Vec<&'static str>,
}

/// Builds and zips functions.
pub fn package(request: &Request<'_>) -> Result<Packaged> {
    let functions = functions(request.functions)?;
    let mut binaries = functions.clone();
    let reads_kafka =
        |name: &&str| catalog::find(name).is_some_and(|row| matches!(row.trigger, catalog::Trigger::Kafka(_)));
    if request.build == Build::Dev && functions.iter().any(reads_kafka) {
        binaries.push(LOCAL_KAFKA_TRIGGER);
    }
    // Before the compiler runs, because a missing file fails.
    let companions = companions::all(request.root, &functions)?;
    let built = compile(request.root, request.build, &binaries, request.target.as_deref())?;
    let changed = archive::zip_all(&built, &companions, &functions, request.build, &request.output)?;
    Ok(Packaged { total: functions.len(), changed })
}

fn functions(names: &[String]) -> Result<Vec<&'static str>> {
    if names.is_empty() {
        return Ok(catalog::FUNCTIONS.iter().map(|function| function.name).collect());
    }
    let find = |name: &String| {
        catalog::find(name).map(|row| row.name).ok_or_else(|| format!("the catalog has no function {name}"))
    };
    names.iter().map(find).collect()
}
