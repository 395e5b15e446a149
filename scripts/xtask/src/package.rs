//! Packages functions: one cargo invocation, then `target/lambda/<name>/bootstrap` and `bootstrap.zip` for each.
//!
//! **Invariant:** a zip depends on the binary alone, never on the time or the machine, and is left alone while the binary
//! stays the same: `sam deploy` uploads by content and redeploys what changed.

use crate::Result;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::UNIX_EPOCH,
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Binary of ours that the local cloud runs beside the functions.
const LOCAL_KAFKA_TRIGGER: &str = "kafka-trigger";
/// Zipping is nearly all of the work and both cores are free by then.
const WORKERS: usize = 2;

/// For what the functions are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// This machine, built fast: the local cloud.
    Dev,
    /// This machine, built to run fast: benchmarks.
    Release,
    /// AWS: release for arm64, by cargo-lambda and zig.
    Arm64,
}

/// What packaging did.
pub struct Packaged {
    /// How many functions were looked at.
    pub looked_at: usize,
    /// Those whose zip is new.
    pub changed: Vec<&'static str>,
}

/// Builds and zips the named functions; all of them, and the local Kafka trigger, when none is named.
pub fn package(root: &Path, build: Build, names: &[String]) -> Result<Packaged> {
    let functions = chosen(names)?;
    let mut binaries = functions.clone();
    if names.is_empty() && build == Build::Dev {
        binaries.push(LOCAL_KAFKA_TRIGGER);
    }
    compile(root, build, &binaries)?;
    let changed = zip_all(root, build, &functions)?;
    Ok(Packaged { looked_at: functions.len(), changed })
}

fn chosen(names: &[String]) -> Result<Vec<&'static str>> {
    if names.is_empty() {
        return Ok(catalog::FUNCTIONS.iter().map(|function| function.name).collect());
    }
    let find = |name: &String| {
        catalog::find(name).map(|row| row.name).ok_or_else(|| format!("the catalog has no function {name}"))
    };
    names.iter().map(find).collect()
}

/// `--bin` without `--package`: features are then resolved for the whole workspace whatever is chosen, so that building
/// one function, all of them, or by `cargo lambda watch` shares every dependency.
pub fn compile(root: &Path, build: Build, binaries: &[&str]) -> Result<()> {
    let mut command = match build {
        Build::Dev | Build::Release => {
            let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            command.arg("build");
            command
        }
        Build::Arm64 => {
            let tool = cargo_lambda(root);
            let mut command = Command::new(&tool);
            command.args(["lambda", "build", "--arm64"]);
            command.env("PATH", with_directory_of(&tool));
            command
        }
    };
    if build != Build::Dev {
        command.arg("--release");
    }
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    if build == Build::Arm64 {
        for binary in binaries {
            unlink(&root.join("target/lambda").join(binary).join("bootstrap")).map_err(|error| error.to_string())?;
        }
    }
    let status = command.current_dir(root).status().map_err(|error| {
        format!("{} does not start: {error}; scripts/setup installs cargo-lambda", command.get_program().display())
    })?;
    if status.success() { Ok(()) } else { Err(format!("the build ended with {status}")) }
}

/// cargo-lambda from where `scripts/setup` put it, else from PATH.
fn cargo_lambda(root: &Path) -> PathBuf {
    let tools = fs::read_to_string(root.join(".local/tools")).unwrap_or_default();
    let installed = tools.lines().find_map(|line| line.strip_prefix("cargo-lambda="));
    installed.map_or_else(|| "cargo-lambda".into(), |directory| Path::new(directory).join("bin/cargo-lambda"))
}

/// PATH with the tool's own directory first: zig lies beside it.
fn with_directory_of(tool: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    match tool.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => format!("{}:{path}", directory.display()),
        _ => path,
    }
}

fn zip_all(root: &Path, build: Build, functions: &[&'static str]) -> Result<Vec<&'static str>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(name) = functions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = zip_one(root, build, name);
                    outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((*name, outcome));
                }
            });
        }
    });
    let mut changed = Vec::new();
    for (name, outcome) in outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        if outcome.map_err(|error| format!("{name}: {error}"))? {
            changed.push(name);
        }
    }
    changed.sort_unstable();
    Ok(changed)
}

/// Brings one function's zip up to date; whether it had to.
fn zip_one(root: &Path, build: Build, name: &str) -> std::io::Result<bool> {
    let directory = root.join("target/lambda").join(name);
    let bootstrap = directory.join("bootstrap");
    fs::create_dir_all(&directory)?;
    let binary = match build {
        Build::Dev => root.join("target/debug").join(name),
        Build::Release => root.join("target/release").join(name),
        Build::Arm64 => bootstrap.clone(),
    };
    let archive = directory.join("bootstrap.zip");
    let stamp = directory.join("bootstrap.stamp");
    let stamped = fs::read_to_string(&stamp).unwrap_or_default();
    let (seen_identity, seen_digest) = stamped.split_once('\n').unwrap_or_default();
    let identity = identity(&binary)?;
    if seen_identity == identity && archive.exists() && bootstrap.exists() {
        return Ok(false);
    }
    let content = fs::read(&binary)?;
    let digest = hexadecimal(&Sha256::digest(&content));
    if binary != bootstrap {
        replace_by_copy(&binary, &bootstrap)?;
    }
    let is_new = seen_digest.trim_end() != digest || !archive.exists();
    if is_new {
        // Under another name first: a zip that was cut short must not look finished.
        let unfinished = directory.join("bootstrap.zip.new");
        write_zip(&unfinished, &content)?;
        fs::rename(&unfinished, &archive)?;
    }
    fs::write(&stamp, format!("{identity}\n{digest}\n"))?;
    Ok(is_new)
}

/// What tells without reading it that a binary is the one that was packaged.
fn identity(binary: &Path) -> std::io::Result<String> {
    let found = fs::metadata(binary)?;
    let modified = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {} {}", binary.display(), found.len(), modified.as_nanos()))
}

/// A file of its own, never a link: cargo-lambda writes over what it finds there, and a link would let it write an arm64 binary
/// over what cargo takes for this machine's.
fn replace_by_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    unlink(to)?;
    fs::copy(from, to).map(drop)
}

fn unlink(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A zip with `content` as its bootstrap. Equal content gives equal bytes.
pub fn write_zip(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // Five times as fast as the best level, for a tenth more bytes.
        .compression_level(Some(1))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    archive.start_file("bootstrap", options)?;
    archive.write_all(content)?;
    archive.finish()?.flush()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
