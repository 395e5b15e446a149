//! `cargo xtask <verb>`: see `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints to its terminal")]

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode, time::Instant};
use xtask::{
    package::{self, Arch, Build, Request, reproducible},
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
    /// Writes the files that are generated from the catalog, the domain and the types of the API, and names those that change.
    Codegen,
    /// Builds functions and zips them for deployment into target/lambda; all of them unless some are named.
    Package {
        /// Build for Lambda, with the release profile and cargo-lambda; otherwise for the local cloud.
        #[arg(long)]
        release: bool,
        /// Build for Lambda on arm64, the architecture that template.yaml deploys to.
        #[arg(long, requires = "release")]
        arm64: bool,
        /// Build a second time in a copy of the sources at another path, and fail unless all zips are equal.
        #[arg(long, requires = "release")]
        check_reproducible: bool,
        /// Directory for <function>/bootstrap.zip; template.yaml refers to target/lambda.
        #[arg(long, value_name = "DIRECTORY", default_value = "target/lambda")]
        output: PathBuf,
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
        /// Who may call the route: public, customer, user (customers, staff and admins), staff, or owner (the customer who owns it, or staff).
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

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Codegen => codegen(),
        Verb::Package { release, arm64, check_reproducible, output, functions } => {
            let build = match (release, arm64) {
                (true, true) => Build::Release(Arch::Arm64),
                (true, false) => Build::Release(Arch::X86),
                (false, _) => Build::Dev,
            };
            let root = xtask::root();
            let output = root.join(output);
            package(&Request { root: &root, build, functions: &functions, output, target: None }, check_reproducible)
        }
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

fn package(request: &Request<'_>, check_reproducible: bool) -> xtask::Result<()> {
    let started = Instant::now();
    let (packaged, compared) = if check_reproducible {
        let (packaged, compared) = reproducible::check(request)?;
        (packaged, Some(compared))
    } else {
        (package::package(request)?, None)
    };
    let elapsed = started.elapsed();
    println!("package: {} of {} functions changed, {elapsed:.1?}", packaged.changed.len(), packaged.total);
    for name in packaged.changed {
        println!("package: {name}");
    }
    let Some(compared) = compared else { return Ok(()) };
    for (name, digest) in &compared.equal {
        println!("reproducible: {digest} {name}");
    }
    if compared.different.is_empty() {
        println!("reproducible: {} zips are equal in both builds", compared.equal.len());
        return Ok(());
    }
    Err(format!("these zips differ between two builds of the same sources: {}", compared.different.join(", ")))
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
