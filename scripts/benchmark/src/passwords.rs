//! `scripts/bench passwords`: what one password hash costs by the parameters of Argon2id, and how long it takes with the processor share of each
//! memory size.
//!
//! The package `argon2` is optimized alike in the development and the release profile, so that development builds are measured.

use crate::{
    figures::{self, milliseconds, percentile},
    process::Process,
    shaped::{Quota, SIZES, rested_call},
};
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use xtask::Result;

/// Parameters of Argon2id.
struct Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    source: &'static str,
}

/// Alternatives of the same strength, by their sources, and the one for machines with more memory.
const PARAMETERS: [Parameters; 6] = [
    of_owasp(47_104, 1),
    of_owasp(19_456, 2),
    of_owasp(12_288, 3),
    of_owasp(9_216, 4),
    of_owasp(7_168, 5),
    Parameters { memory_kib: 65_536, passes: 3, lanes: 4, source: "RFC 9106, section 4" },
];

const fn of_owasp(memory_kib: u32, passes: u32) -> Parameters {
    Parameters { memory_kib, passes, lanes: 1, source: "OWASP" }
}

/// Measures password hashes.
#[derive(Args)]
pub struct Arguments {
    /// Hashes with each parameters and memory size.
    #[arg(long, default_value_t = 10)]
    calls: usize,
    /// Write the table to docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let sizes = SIZES.map(|size| format!("{size} MB")).join(" | ");
    let mut table = format!(
        "| source | memory KiB | passes | lanes | CPU ms | {sizes} |\n|---|--:|--:|--:|--:|{}\n",
        "--:|".repeat(SIZES.len())
    );
    for parameters in PARAMETERS {
        let Parameters { memory_kib, passes, lanes, source } = parameters;
        eprintln!("bench: {memory_kib} KiB, {passes} passes");
        let measured = SIZES.map(|memory_mb| measure(&parameters, memory_mb, arguments.calls));
        let measured = measured.into_iter().collect::<Result<Vec<_>>>()?;
        let cpu: Vec<u64> = measured.iter().flat_map(|(_, cpu)| cpu).copied().collect();
        let took = measured.iter().map(|(took, _)| milliseconds(percentile(took, 50))).collect::<Vec<_>>().join(" | ");
        let cpu = milliseconds(percentile(&cpu, 50));
        writeln!(table, "| {source} | {memory_kib} | {passes} | {lanes} | {cpu} | {took} |").unwrap_or_default();
    }
    println!("{table}");
    let root = xtask::root();
    if arguments.save { figures::save_passwords(&root, &table, arguments.calls) } else { Ok(()) }
}

/// Wall-clock and CPU times of hashes by a function of this memory size, in microseconds.
fn measure(parameters: &Parameters, memory_mb: u32, calls: usize) -> Result<(Vec<u64>, Vec<u64>)> {
    let binary = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("password_hash");
    let quota = Quota::create(memory_mb)?;
    let mut process = Process::start(&binary, memory_mb, &[])?;
    quota.add(process.id())?;
    let Parameters { memory_kib, passes, lanes, .. } = parameters;
    let event = json!({ "memory_kib": memory_kib, "passes": passes, "lanes": lanes });
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..calls {
        let (took, cpu) = rested_call(&mut process, &event, |response| response["first"].is_u64())?;
        times.0.push(took);
        times.1.push(cpu);
    }
    Ok(times)
}
