//! `cargo xtask <verb>`: see `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks to its terminal")]

use clap::{Parser, Subcommand, ValueEnum};
use std::{process::ExitCode, time::Instant};
use xtask::{
    package::Build,
    scaffold::{Trigger, Wish},
};

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes what follows from the catalog and the domain: template.yaml, terraform/catalog.json, events/schemas,
    /// docs/topology.*, docs/state-machines.md.
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
    /// Begins a function: crate, catalog row, sample events, and a test that fails until it is written.
    New {
        /// Noun first, then what it does: order-note-add.
        name: String,
        /// The route that it serves: "POST /api/v1/orders/{id}/notes".
        #[arg(long, value_name = "METHOD PATH", required_unless_present = "on", conflicts_with = "on")]
        http: Option<String>,
        /// Who may call the route: public, customer, staff, or owner for a customer's own things.
        #[arg(long, default_value = "staff", requires = "http")]
        auth: String,
        /// The route creates or charges, and so requires an Idempotency-Key.
        #[arg(long, requires = "http")]
        idempotent: bool,
        /// The events that it consumes, with commas between: OrderPlaced.v1,OrderCancelled.v1.
        #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
        on: Vec<String>,
        /// The context that owns it; as other functions of its noun unless said.
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
            begin(Wish { name, context, trigger })
        }
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

fn begin(wish: Wish) -> xtask::Result<()> {
    let (root, name) = (xtask::root(), wish.name.clone());
    for path in xtask::scaffold::begin(&root, wish)? {
        println!("new: {path}");
    }
    xtask::scaffold::regenerate(&root)?;
    println!("new: {name} compiles and has a test that fails; begin with");
    println!("new:   cargo test -p quayside-tests functions::{}", name.replace('-', "_"));
    Ok(())
}
