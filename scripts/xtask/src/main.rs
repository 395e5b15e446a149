//! `cargo xtask <verb>`: see `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks to its terminal")]

use clap::{Parser, Subcommand, ValueEnum};
use std::{process::ExitCode, time::Instant};
use xtask::{
    package::Build,
    scaffold::{NewFunction, Trigger},
};

/// Tasks of this repository: generated files, packages, new functions.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes the files that are generated from the catalog and the domain: template.yaml, terraform/catalog.json,
    /// events/schemas, docs/topology.*, docs/state-machines.md, and the watch routes in Cargo.toml.
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
    /// Creates a function: crate, catalog row, sample events, and a test that fails until it is implemented.
    New {
        /// Noun first, then the action: order-note-add.
        name: String,
        /// The route: "POST /api/v1/orders/{id}/notes".
        #[arg(long, value_name = "METHOD PATH", required_unless_present = "on", conflicts_with = "on")]
        http: Option<String>,
        /// Who may call the route: public, customer, staff, or owner (the customer who owns it, or staff).
        #[arg(long, default_value = "staff", requires = "http")]
        auth: String,
        /// The route requires an Idempotency-Key, because it creates or charges.
        #[arg(long, requires = "http")]
        idempotent: bool,
        /// The events that it consumes, separated by commas: OrderPlaced.v1,OrderCancelled.v1.
        #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
        on: Vec<String>,
        /// The owning context. By default the context of functions with the same noun.
        #[arg(long)]
        context: Option<String>,
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
        Verb::New { name, http, auth, idempotent, on, context } => {
            let trigger = http.map_or(Trigger::On(on), |route| Trigger::Http { route, auth, idempotent });
            create(NewFunction { name, context, trigger })
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn codegen() -> xtask::Result<()> {
    let changed = xtask::codegen::write(&xtask::root())?;
    if changed.is_empty() {
        println!("codegen: all files are up to date");
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

fn create(function: NewFunction) -> xtask::Result<()> {
    let (root, name) = (xtask::root(), function.name.clone());
    for path in xtask::scaffold::create(&root, function)? {
        println!("new: {path}");
    }
    xtask::scaffold::regenerate(&root)?;
    println!("new: {name} compiles and has a failing test; run it with");
    println!("new:   cargo test -p quayside-tests functions::{}", name.replace('-', "_"));
    Ok(())
}
