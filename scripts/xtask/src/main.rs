//! `cargo xtask <verb>`: see `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks to its terminal")]

use clap::{Parser, Subcommand};
use std::process::ExitCode;

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
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Codegen => codegen(),
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
