//! `scripts/bench builds`: what each release profile costs to build, and the size and cold start of what it builds.
//!
//! A candidate is a set of overrides of `[profile.release]`, built from nothing in a target directory of its own. Cold starts of all
//! candidates are measured in alternation, so that noise on the machine affects them alike.

use crate::{
    cloud,
    database::Database,
    environment::Stage,
    figures::{self, percentile, ratio},
    process::Process,
};
use catalog::Function;
use clap::Args;
use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Instant, SystemTime},
};
use xtask::Result;

/// The candidate that sizes and starts are compared with.
const BASELINE: &str = "fat";
/// A crate that every function depends on; its modification time is advanced to measure a rebuild.
const SHARED_FILE: &str = "shared/domain/src/lib.rs";

/// A release profile to measure.
struct Candidate {
    name: &'static str,
    /// Values for `--config profile.release.<key>=<value>`.
    profile: &'static [(&'static str, &'static str)],
    /// Arguments for the linker, each passed as `-C link-arg=<argument>`.
    linker: &'static [&'static str],
}

/// Every key that any candidate sets is set by all of them, so that the table does not depend on the current profile.
const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: BASELINE,
        profile: &[("lto", "\"fat\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &[],
    },
    Candidate {
        name: "thin",
        profile: &[("lto", "\"thin\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &[],
    },
    Candidate {
        name: "off",
        profile: &[("lto", "\"off\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &[],
    },
    Candidate {
        name: "off, 16 units",
        profile: &[("lto", "\"off\""), ("opt-level", "\"s\""), ("codegen-units", "16"), ("panic", "\"unwind\"")],
        linker: &[],
    },
    Candidate {
        name: "off, speed",
        profile: &[("lto", "\"off\""), ("opt-level", "2"), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &[],
    },
    Candidate {
        name: "off, abort",
        profile: &[("lto", "\"off\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"abort\"")],
        linker: &[],
    },
    Candidate {
        name: "off, no PIE",
        profile: &[("lto", "\"off\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &["-no-pie"],
    },
    Candidate {
        name: "off, mold",
        profile: &[("lto", "\"off\""), ("opt-level", "\"s\""), ("codegen-units", "1"), ("panic", "\"unwind\"")],
        linker: &["-fuse-ld=mold"],
    },
];

/// Functions of each kind: a read and a write over HTTP, consumers with PostgreSQL, DynamoDB, mail and PDF, the authorizer, a schedule.
const SAMPLE: &[&Function] = &[
    catalog::ORDER_GET,
    catalog::ORDER_PLACE,
    catalog::STOCK_RESERVE,
    catalog::AUTHORIZER,
    catalog::PRODUCT_GET,
    catalog::PAYMENT_CHARGE,
    catalog::UPDATE_SEND,
    catalog::ORDER_SWEEP,
    catalog::WINDOW_AGGREGATE,
];

/// Measures release profiles: build time, size, cold start.
#[derive(Args)]
pub struct Arguments {
    /// A candidate by name; all of them unless given.
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,
    /// Build every function instead of a sample.
    #[arg(long)]
    all: bool,
    /// Build nothing: compare binaries in these directories, the first of which is the baseline.
    #[arg(long = "binaries", value_name = "NAME=DIRECTORY")]
    binaries: Vec<String>,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 30)]
    starts: usize,
}

/// What a build took, in milliseconds.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall_ms: u64,
    cpu_ms: u64,
}

/// One candidate with its binaries.
struct Built {
    name: String,
    directory: PathBuf,
    clean: Cost,
    changed: Cost,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let functions: Vec<_> = if arguments.all { catalog::FUNCTIONS.to_vec() } else { SAMPLE.to_vec() };
    let built = if arguments.binaries.is_empty() {
        let chosen = |candidate: &&Candidate| {
            arguments.profiles.is_empty() || arguments.profiles.iter().any(|name| name == candidate.name)
        };
        CANDIDATES
            .iter()
            .filter(chosen)
            .map(|candidate| build(&root, candidate, &functions))
            .collect::<Result<Vec<_>>>()?
    } else {
        arguments.binaries.iter().map(|given| existing(given)).collect::<Result<Vec<_>>>()?
    };
    let table = table(&root, &built, &functions, arguments)?;
    println!("{table}\n{}", figures::machine(&root));
    Ok(())
}

fn existing(given: &str) -> Result<Built> {
    let (name, directory) = given.split_once('=').ok_or_else(|| format!("{given}: write NAME=DIRECTORY"))?;
    Ok(Built { name: name.to_owned(), directory: directory.into(), clean: Cost::default(), changed: Cost::default() })
}

fn build(root: &Path, candidate: &Candidate, functions: &[&Function]) -> Result<Built> {
    let target = root.join("target/builds").join(candidate.name.replace([',', ' '], "-"));
    if target.exists() {
        fs::remove_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    }
    eprintln!("bench: {} from nothing, {} functions", candidate.name, functions.len());
    let clean = compile(root, candidate, functions, &target)?;
    let shared = root.join(SHARED_FILE);
    File::options()
        .append(true)
        .open(&shared)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(|error| format!("{SHARED_FILE}: {error}"))?;
    let changed = compile(root, candidate, functions, &target)?;
    Ok(Built { name: candidate.name.to_owned(), directory: target.join("release"), clean, changed })
}

fn compile(root: &Path, candidate: &Candidate, functions: &[&Function], target: &Path) -> Result<Cost> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--quiet", "--target-dir"]).arg(target).current_dir(root);
    for (key, value) in candidate.profile {
        command.arg("--config").arg(format!("profile.release.{key}={value}"));
    }
    for function in functions {
        command.args(["--bin", function.name]);
    }
    let flags: Vec<_> = candidate.linker.iter().map(|argument| format!("-C link-arg={argument}")).collect();
    command.env("RUSTFLAGS", flags.join(" "));
    let (started, cpu) = (Instant::now(), cpu_of_children()?);
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("the build of {} ended with {status}", candidate.name));
    }
    let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Cost { wall_ms, cpu_ms: cpu_of_children()? - cpu })
}

/// User and system milliseconds of all processes that this one has waited for.
fn cpu_of_children() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/stat").map_err(|error| format!("/proc/self/stat: {error}"))?;
    // Fields 16 and 17 of proc(5); the second field, the name, may hold blanks but ends with a parenthesis.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect::<Vec<_>>();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    // A tick is 10 ms on every Linux that this runs on.
    Ok((ticks(13) + ticks(14)) * 10)
}

/// Cold start and package of one function, as built by one candidate.
#[derive(Default)]
struct Weight {
    inits: Vec<u64>,
    zip_bytes: u64,
    binary_bytes: u64,
}

fn table(root: &Path, built: &[Built], functions: &[&Function], arguments: &Arguments) -> Result<String> {
    let database = Database::absent();
    let stage = Stage { cloud: cloud::start()?, database: &database };
    let present = |function: &&&Function| built.iter().all(|one| one.directory.join(function.name).exists());
    let functions: Vec<_> = functions.iter().filter(present).copied().collect();
    let mut weights: Vec<Vec<Weight>> =
        built.iter().map(|_| functions.iter().map(|_| Weight::default()).collect()).collect();
    eprintln!("bench: {} cold starts of {} functions", arguments.starts, functions.len());
    for _ in 0..arguments.starts {
        for (at, function) in functions.iter().enumerate() {
            for (one, weights) in built.iter().zip(&mut weights) {
                let binary = one.directory.join(function.name);
                let process = Process::start(&binary, function.memory_mb, &stage.variables(function))?;
                weights[at].inits.push(process.init_us());
            }
        }
    }
    for (one, weights) in built.iter().zip(&mut weights) {
        for (function, weight) in functions.iter().zip(weights) {
            let binary = one.directory.join(function.name);
            let content = fs::read(&binary).map_err(|error| format!("{}: {error}", binary.display()))?;
            weight.binary_bytes = content.len() as u64;
            weight.zip_bytes = crate::zip_size(root, crate::RELEASE, &binary)?;
        }
    }
    Ok(render(built, &weights, functions.len()))
}

fn render(built: &[Built], weights: &[Vec<Weight>], functions: usize) -> String {
    let mut text = String::from(
        "| profile | clean build s (CPU) | after a change s (CPU) | binary MiB | zip MiB | ÷ first | init p50 ms | − first |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let medians = |of: &dyn Fn(&Weight) -> u64| -> Vec<u64> {
        weights.iter().map(|row| percentile(&row.iter().map(of).collect::<Vec<_>>(), 50)).collect()
    };
    let (binaries, zips) = (medians(&|one| one.binary_bytes), medians(&|one| one.zip_bytes));
    let inits = medians(&|one| percentile(&one.inits, 50));
    for (at, one) in built.iter().enumerate() {
        let more = i64::try_from(inits[at]).unwrap_or_default() - i64::try_from(inits[0]).unwrap_or_default();
        let cells = [
            one.name.clone(),
            format!("{} ({})", one.clean.wall_ms / 1_000, one.clean.cpu_ms / 1_000),
            format!("{} ({})", one.changed.wall_ms / 1_000, one.changed.cpu_ms / 1_000),
            ratio(binaries[at], 1 << 20),
            ratio(zips[at], 1 << 20),
            ratio(zips[at], zips[0]),
            ratio(inits[at], 1_000),
            format!("{}{}", if more < 0 { "−" } else { "+" }, ratio(more.unsigned_abs(), 1_000)),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
    }
    writeln!(text, "\nMedians of {functions} functions.").unwrap_or_default();
    text
}
