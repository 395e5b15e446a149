//! `scripts/bench`: drives the real release binaries over the Lambda Runtime API and compares them with a bare function.
//!
//! PostgreSQL is real, in a database of its own that is dropped at the end. AWS and the catalogue's API are stand-ins in
//! this process that answer at once: what is measured is our code and the database, not an emulator.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks to its terminal")]

mod builds;
mod cloud;
mod database;
mod environment;
mod figures;
mod http;
mod orders;
mod process;
mod scenarios;

use clap::{Parser, Subcommand};
use figures::{Figures, percentile};
use process::Process;
use scenarios::Scenario;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use xtask::{
    Result,
    package::{self, Arch, Build},
};

/// The bare function's binary.
const BARE: &str = "bare";
/// What is measured: this machine runs it, and it is built as what goes to Lambda.
const RELEASE: Build = Build::Release(Arch::X86);

/// Where each binary is.
type Binaries = BTreeMap<String, PathBuf>;

/// Measures the release binaries of four functions beside a bare one.
#[derive(Parser)]
#[command(name = "scripts/bench", args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    instead: Option<Instead>,
    /// Warm calls of each function.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 30)]
    starts: usize,
    /// Measure development builds: quick, to try the bench itself.
    #[arg(long)]
    dev: bool,
    /// Keep the table in docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

/// What else can be measured.
#[derive(Subcommand)]
enum Instead {
    Orders(orders::Arguments),
    Builds(builds::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.instead {
        Some(Instead::Orders(arguments)) => orders::bench(arguments),
        Some(Instead::Builds(arguments)) => builds::bench(arguments),
        None => bench(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let build = if arguments.dev { Build::Dev } else { RELEASE };
    eprintln!("bench: building {}", if arguments.dev { "for development" } else { "for release, which takes minutes" });
    let helpers = package::compile(&root, Build::Dev, &scenarios::HELPERS.map(|row| row.name), None)?;
    let measured: Vec<_> = std::iter::once(BARE).chain(scenarios::MEASURED.map(|row| row.name)).collect();
    let measured = package::compile(&root, build, &measured, None)?;
    let database = database::Database::create()?;
    let stage = environment::Stage { cloud: cloud::start()?, database: &database };
    eprintln!("bench: preparing a database, a key, a token and stock");
    let scenarios = scenarios::prepare(&root, &helpers, &measured, &stage)?;
    let mut figures: Vec<_> = scenarios.iter().map(|scenario| Figures::new(scenario.binary, scenario.what)).collect();
    // Round and round, so that a moment's noise on the machine is everybody's.
    eprintln!("bench: {} cold starts of each", arguments.starts);
    for _ in 0..arguments.starts {
        for (scenario, figures) in scenarios.iter().zip(&mut figures) {
            let mut process = start(&measured, scenario, &stage)?;
            figures.inits.push(process.init_us());
            figures.firsts.push(process.call(&(scenario.event)(), scenario.is_good)?);
        }
    }
    for (scenario, figures) in scenarios.iter().zip(&mut figures) {
        eprintln!("bench: {} warm calls of {}", arguments.calls, scenario.binary);
        let mut process = start(&measured, scenario, &stage)?;
        for _ in 0..arguments.calls.div_ceil(10) {
            process.call(&(scenario.event)(), scenario.is_good)?;
        }
        for _ in 0..arguments.calls {
            figures.warm.push(process.call(&(scenario.event)(), scenario.is_good)?);
        }
        figures.peak_kib = process.peak_kib()?;
        figures.zip_bytes = zip_size(&root, build, &measured[scenario.binary])?;
    }
    let table = figures::table(&figures);
    println!("{table}");
    if arguments.save {
        figures::save(&root, &table, arguments)?;
    }
    let bare = percentile(&figures[0].inits, 50);
    let worst = figures[1..].iter().map(|one| percentile(&one.inits, 50)).max().unwrap_or_default();
    println!("worst init of ours ÷ bare init: {} (the aim is 1.5 or less)", figures::ratio(worst, bare));
    Ok(())
}

fn start<'a>(binaries: &Binaries, scenario: &Scenario, stage: &environment::Stage<'a>) -> Result<Process> {
    let variables = scenario.row.map_or_else(Vec::new, |row| stage.variables(row));
    Process::start(&binaries[scenario.binary], scenario.row.map_or(256, |row| row.memory_mb), &variables)
}

/// Size of the package, as `cargo xtask package` would make it.
fn zip_size(root: &Path, build: Build, binary: &Path) -> Result<u64> {
    let path = root.join("target/bench.zip");
    let content = fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let size = || {
        package::write_zip(&path, &content, build)?;
        let found = fs::metadata(&path)?.len();
        fs::remove_file(&path)?;
        Ok(found)
    };
    size().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
}
