//! `cargo xtask <verb>`: see `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks to its terminal")]

use clap::{Parser, Subcommand, ValueEnum};
use std::{process::ExitCode, time::Instant};
use xtask::package::Build;

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes what follows from the catalog: template.yaml, terraform/catalog.json, events/schemas, docs/topology.*.
    Codegen,
    /// Builds functions and zips them for deployment into target/lambda; all of them unless some are named.
    Package {
        /// dev for the local cloud, release for benchmarks; both for this machine.
        #[arg(long, value_enum, default_value_t = Profile::Dev)]
        profile: Profile,
        /// For AWS: release for arm64, with cargo-lambda.
        #[arg(long)]
        arm64: bool,
        /// A function by its catalog name; may be repeated.
        #[arg(long = "function", value_name = "NAME")]
        functions: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    Dev,
    Release,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Codegen => codegen(),
        Verb::Package { profile, arm64, functions } => package(profile, arm64, &functions),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn codegen() -> xtask::Result<()> {
    let changed = xtask::codegen::write(&xtask::root())?;
    if changed.is_empty() {
        println!("codegen: everything is up to date");
    }
    for path in changed {
        println!("codegen: {path}");
    }
    Ok(())
}

fn package(profile: Profile, arm64: bool, functions: &[String]) -> xtask::Result<()> {
    let build = match (arm64, profile) {
        (true, _) => Build::Arm64,
        (false, Profile::Release) => Build::Release,
        (false, Profile::Dev) => Build::Dev,
    };
    let started = Instant::now();
    let done = xtask::package::package(&xtask::root(), build, functions)?;
    let (changed, all) = (done.changed.len(), done.looked_at);
    println!("package: {changed} of {all} functions changed, {:.1?}", started.elapsed());
    for name in done.changed {
        println!("package: {name}");
    }
    Ok(())
}
