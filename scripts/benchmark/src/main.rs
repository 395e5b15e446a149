//! `scripts/bench`: drives the release binaries over the Lambda Runtime API and compares them with a minimal function.
//!
//! PostgreSQL is real, with a temporary database. AWS and the catalogue's API are fakes in this process that respond at once, so that
//! the figures are those of the functions and the database, not of an emulator.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints to its terminal")]

mod builds;
mod cloud;
mod database;
mod disk;
mod drive;
mod environment;
mod figures;
mod http;
mod orders;
mod outbox;
mod passwords;
mod process;
mod records;
mod scenarios;
mod shaped;
mod timeline;

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

/// Binary of the minimal function.
const BARE: &str = "bare";
/// The measured build: the release profile, for the architecture of this machine.
const RELEASE: Build = Build::Release(Arch::X86);

/// Path of each binary, by function name.
type Binaries = BTreeMap<String, PathBuf>;

/// Measures the release binaries of four functions and of a minimal function.
#[derive(Parser)]
#[command(name = "scripts/bench", args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    measurement: Option<Measurement>,
    /// Warm calls of each function.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 30)]
    starts: usize,
    /// Measure development builds: a quick check of the benchmark itself.
    #[arg(long)]
    dev: bool,
    /// Measure with the processor share that AWS Lambda gives to each memory size, instead.
    #[arg(long)]
    shaped: bool,
    /// Write the table to docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

#[derive(Subcommand)]
enum Measurement {
    Orders(orders::Arguments),
    Builds(builds::Arguments),
    Outbox(outbox::Arguments),
    Passwords(passwords::Arguments),
    Records(records::Arguments),
    Timeline(timeline::Arguments),
    Drive(drive::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.measurement {
        Some(Measurement::Orders(arguments)) => orders::bench(arguments),
        Some(Measurement::Builds(arguments)) => builds::bench(arguments),
        Some(Measurement::Outbox(arguments)) => outbox::bench(arguments),
        Some(Measurement::Passwords(arguments)) => passwords::bench(arguments),
        Some(Measurement::Records(arguments)) => records::bench(arguments),
        Some(Measurement::Timeline(arguments)) => timeline::bench(arguments),
        Some(Measurement::Drive(arguments)) => drive::run(arguments),
        None => bench(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let build = if arguments.dev { Build::Dev } else { RELEASE };
    eprintln!(
        "bench: building {}",
        if arguments.dev { "development binaries" } else { "release binaries, which takes minutes" }
    );
    let helpers = package::compile(&root, Build::Dev, &scenarios::HELPERS.map(|row| row.name), None)?;
    let measured: Vec<_> = std::iter::once(BARE).chain(scenarios::MEASURED.map(|row| row.name)).collect();
    let measured = package::compile(&root, build, &measured, None)?;
    let database = database::Database::create()?;
    let stage = environment::Stage { cloud: cloud::start()?, database: &database };
    eprintln!("bench: preparing a database, a signing key, a token and stock");
    let scenarios = scenarios::prepare(&root, &helpers, &measured, &stage)?;
    if arguments.shaped {
        let table = shaped::bench(&measured, &scenarios, &stage, arguments.starts, arguments.calls)?;
        println!("{table}");
        return if arguments.save { figures::save_shaped(&root, &table, arguments) } else { Ok(()) };
    }
    let mut figures: Vec<_> =
        scenarios.iter().map(|scenario| Figures::new(scenario.binary, scenario.description)).collect();
    // The functions alternate, so that noise on the machine affects all of them alike.
    eprintln!("bench: {} cold starts of each function", arguments.starts);
    for _ in 0..arguments.starts {
        for (scenario, figures) in scenarios.iter().zip(&mut figures) {
            let mut process = start(&measured, scenario, &stage)?;
            figures.inits.push(process.init_us());
            figures.first_calls.push(process.call(&(scenario.event)(), scenario.is_expected)?);
        }
    }
    for (scenario, figures) in scenarios.iter().zip(&mut figures) {
        eprintln!("bench: {} warm calls of {}", arguments.calls, scenario.binary);
        let mut process = start(&measured, scenario, &stage)?;
        for _ in 0..arguments.calls.div_ceil(10) {
            process.call(&(scenario.event)(), scenario.is_expected)?;
        }
        for _ in 0..arguments.calls {
            figures.warm_calls.push(process.call(&(scenario.event)(), scenario.is_expected)?);
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
    let slowest = figures[1..].iter().map(|one| percentile(&one.inits, 50)).max().unwrap_or_default();
    println!("slowest init ÷ bare init: {} (target: 1.5 or less)", figures::ratio(slowest, bare));
    Ok(())
}

fn start<'a>(binaries: &Binaries, scenario: &Scenario, stage: &environment::Stage<'a>) -> Result<Process> {
    let variables = scenario.row.map_or_else(Vec::new, |row| stage.variables(row));
    Process::start(&binaries[scenario.binary], scenario.row.map_or(256, |row| row.memory_mb), &variables)
}

/// Returns the size of the package in bytes, zipped as by `cargo xtask package`.
fn zip_size(root: &Path, build: Build, binary: &Path) -> Result<u64> {
    let path = root.join("target/bench.zip");
    let content = fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let zip = || {
        package::write_zip(&path, &content, build)?;
        let bytes = fs::metadata(&path)?.len();
        fs::remove_file(&path)?;
        Ok(bytes)
    };
    zip().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
}
