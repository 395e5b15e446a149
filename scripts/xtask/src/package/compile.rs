//! One invocation of cargo, or of cargo-lambda, for all binaries.

use super::{Arch, Build, progress::Progress};
use crate::Result;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

impl Arch {
    const fn flag(self) -> &'static str {
        match self {
            Self::Arm64 => "--arm64",
            Self::X86 => "--x86-64",
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86 => "x86_64-unknown-linux-gnu",
        }
    }
}

/// Builds binaries and returns where each one is.
///
/// `--bin` without `--package`, so that cargo resolves features for the whole workspace: builds of one function, of all functions and
/// by `cargo lambda watch` then share their dependencies.
pub fn compile(
    root: &Path,
    build: Build,
    binaries: &[&str],
    target: Option<&Path>,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = match build {
        Build::Dev => {
            let mut command = Command::new(cargo());
            // Without it, tokio lacks `test-util`, and `cargo test` compiles everything that uses tokio a second time.
            command.args(["build", "--features", "quayside-tests/development"]);
            command
        }
        Build::Release(arch) => cargo_lambda(root, arch)?,
    };
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    if let Some(target) = target {
        command.env("CARGO_TARGET_DIR", target);
    }
    command.args(["--message-format", "json-render-diagnostics"]).current_dir(root).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        format!("{} does not start: {error}; scripts/setup installs cargo-lambda", command.get_program().display())
    })?;
    let mut progress = Progress::new(binaries.len(), build != Build::Dev);
    let mut built = BTreeMap::new();
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.map_err(|error| format!("cargo's messages: {error}"))?;
        let Some(artifact) = artifact(&line) else { continue };
        if let Some(executable) = artifact.executable.filter(|_| binaries.contains(&artifact.name.as_str())) {
            let path = match build {
                Build::Dev => executable,
                Build::Release(arch) => lambda_directory(root, arch).join(&artifact.name).join("bootstrap"),
            };
            built.insert(artifact.name, path);
        }
        progress.show(built.len());
    }
    progress.end();
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("the build ended with {status}"));
    }
    match binaries.iter().find(|name| !built.contains_key(**name)) {
        Some(name) => Err(format!("cargo reported no binary {name}")),
        None => Ok(built),
    }
}

/// A compiled target, as cargo reports it.
struct Artifact {
    name: String,
    executable: Option<PathBuf>,
}

fn artifact(line: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(line).ok()?;
    (message["reason"] == "compiler-artifact").then(|| Artifact {
        name: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
        executable: message["executable"].as_str().map(PathBuf::from),
    })
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo_lambda(root: &Path, arch: Arch) -> Result<Command> {
    let tool = cargo_lambda_path(root);
    let mut command = Command::new(&tool);
    command.args(["lambda", "build", "--release", "--locked", "--quiet", arch.flag(), "--lambda-dir"]);
    command.arg(lambda_directory(root, arch));
    command.env("PATH", path_with(&[tool.parent().unwrap_or(Path::new("")), &root.join("scripts/local")])?);
    command.env("RUSTFLAGS", flags(root)?);
    // A release is compiled by rustc, whatever compiles the checks.
    command.env_remove("RUSTC_WORKSPACE_WRAPPER");
    Ok(command)
}

/// Where cargo-lambda puts every binary that it finds in the target directory, those of earlier builds included.
fn lambda_directory(root: &Path, arch: Arch) -> PathBuf {
    root.join("target/cargo-lambda").join(arch.target())
}

/// Compiler flags of a release. cargo-lambda adds the processor of the architecture.
///
/// Panic messages and symbols contain source paths: without the remapping, a binary depends on the paths of the clone and of cargo's home.
fn flags(root: &Path) -> Result<String> {
    let fetched = Command::new(cargo()).args(["fetch", "--locked", "--quiet"]).current_dir(root).status();
    if !fetched.is_ok_and(|status| status.success()) {
        return Err("cargo fetch --locked failed: is Cargo.lock up to date?".into());
    }
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .ok_or("CARGO_HOME and HOME are not set")?;
    // By name and not by path, because cargo derives symbol names from the flags.
    let mut flags =
        vec!["-C linker=quayside-link".to_owned(), format!("--remap-path-prefix={}=/quayside", root.display())];
    for registry in fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten() {
        flags.push(format!("--remap-path-prefix={}=/registry", registry.path().display()));
    }
    Ok(flags.join(" "))
}

/// The cargo-lambda that `scripts/setup` installed, else the one in PATH.
fn cargo_lambda_path(root: &Path) -> PathBuf {
    let tools = fs::read_to_string(root.join(".local/tools")).unwrap_or_default();
    let installed = tools.lines().find_map(|line| line.strip_prefix("cargo-lambda="));
    installed.map_or_else(|| "cargo-lambda".into(), |directory| Path::new(directory).join("bin/cargo-lambda"))
}

/// PATH with these directories first: zig is in that of cargo-lambda, the linker in scripts/local.
fn path_with(directories: &[&Path]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = directories
        .iter()
        .filter(|directory| !directory.as_os_str().is_empty())
        .map(|directory| directory.to_path_buf());
    env::join_paths(own.chain(env::split_paths(&path))).map_err(|error| format!("PATH: {error}"))
}
