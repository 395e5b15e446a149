//! The figures of the measured functions, and their table in docs/benchmark.md.

use crate::Arguments;
use std::{fmt::Write as _, fs, path::Path, process::Command, time::Instant};
use xtask::Result;

const PAGE: &str = "docs/benchmark.md";

/// Figures of one function. Times are in microseconds.
pub struct Figures {
    binary: &'static str,
    description: &'static str,
    /// From the start of the process to its first request for an event, one for each start.
    pub inits: Vec<u64>,
    /// First call of each process, one for each start.
    pub first_calls: Vec<u64>,
    /// Calls after warm-up.
    pub warm_calls: Vec<u64>,
    /// Peak memory of the process.
    pub peak_kib: u64,
    pub zip_bytes: u64,
}

impl Figures {
    pub const fn new(binary: &'static str, description: &'static str) -> Self {
        Self {
            binary,
            description,
            inits: Vec::new(),
            first_calls: Vec::new(),
            warm_calls: Vec::new(),
            peak_kib: 0,
            zip_bytes: 0,
        }
    }
}

/// Returns the smallest value that at least `percent` per cent of `values` do not exceed; 0 for no values.
pub fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

/// Microseconds since an instant.
pub fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Formats `dividend ÷ divisor` with two decimals.
pub fn ratio(dividend: u64, divisor: u64) -> String {
    let hundredths = (dividend * 100 + divisor / 2) / divisor.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Formats microseconds as milliseconds with two decimals.
pub fn milliseconds(microseconds: u64) -> String {
    ratio(microseconds, 1_000)
}

/// Returns the table in Markdown. The first row is the reference that cold starts are divided by.
pub fn table(figures: &[Figures]) -> String {
    let mut text = String::from(
        "| function | does | init p50 ms | ÷ bare | first call p50 ms | warm p50 ms | warm p99 ms | peak MiB | zip MiB |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let bare = figures.first().map_or(0, |first| percentile(&first.inits, 50));
    for one in figures {
        let init = percentile(&one.inits, 50);
        let cells = [
            one.binary.to_owned(),
            one.description.to_owned(),
            milliseconds(init),
            ratio(init, bare),
            milliseconds(percentile(&one.first_calls, 50)),
            milliseconds(percentile(&one.warm_calls, 50)),
            milliseconds(percentile(&one.warm_calls, 99)),
            ratio(one.peak_kib, 1 << 10),
            ratio(one.zip_bytes, 1 << 20),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
    }
    text
}

/// Returns the list item that names machine, compiler, commit and date of a run.
pub fn machine(root: &Path) -> String {
    let output_of = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(root).output();
        output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!(
        "- {} cores, {}; {}; commit {}; {}",
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        processor.trim_start_matches([' ', '\t', ':']),
        output_of("rustc", &["--version"]),
        output_of("git", &["rev-parse", "--short", "HEAD"]),
        output_of("date", &["-u", "+%Y-%m-%d"]),
    )
}

/// Writes the table with its legend to the page, and leaves the sections below it as they are.
pub fn save(root: &Path, table: &str, arguments: &Arguments) -> Result<()> {
    let text = format!(
        "# Benchmark\n\n\
         Written by `scripts/bench --save`. Release binaries are driven over the Lambda Runtime API on one machine. PostgreSQL is real and\n\
         local; AWS and the catalogue's API are fakes that respond at once. Ratios carry over to other machines, absolute times do not.\n\n\
         {table}\n\
         - init: from the start of the process to its first request for an event, median of {} starts; ÷ bare: relative to a minimal Rust\n\
         \x20 function in the same run\n\
         - first call: includes connecting to the database, without TLS; warm: {} sequential calls\n\
         - peak: VmHWM after the warm calls; zip: deflate level 9, as deployed\n\
         {}\n",
        arguments.starts,
        arguments.calls,
        machine(root),
    );
    let page = page(root);
    let sections = page.find("\n## ").map_or("", |at| &page[at..]);
    write(root, &[&text, sections])
}

/// Writes the results of `scripts/bench --shaped`, a section of the page.
pub fn save_shaped(root: &Path, table: &str, arguments: &Arguments) -> Result<()> {
    let text = format!(
        "## Processor shares of Lambda\n\n\
         Written by `scripts/bench --shaped --save`. A CPU cgroup gives the process the share that Lambda gives to each memory size (M/1769 of\n\
         a processor in periods of 20 ms) from its first request for an event on. Each call begins with an unused period. What decides is\n\
         whether the CPU time of a call fits into the share of one period (at 128 MB: 1.45 ms).\n\n\
         {table}\n\
         - medians and percentiles of {} first calls and of {} warm calls; GB-ms: duration rounded up to a millisecond, times memory\n\
         {}\n",
        arguments.starts,
        arguments.calls,
        machine(root),
    );
    save_section(root, "\n## Processor shares of Lambda\n", &text)
}

/// Writes the results of `scripts/bench passwords`, a section of the page.
pub fn save_passwords(root: &Path, table: &str, calls: usize) -> Result<()> {
    let text = format!(
        "## Password hashes\n\n\
         Written by `scripts/bench passwords --save`. CPU time of one hash by the parameters of Argon2id, and milliseconds that it takes in a\n\
         function of each memory size, with the processor share as above.\n\n\
         {table}\n\
         - medians of {calls} hashes with each size; no process uses a second processor\n\
         {}\n",
        machine(root),
    );
    save_section(root, "\n## Password hashes\n", &text)
}

/// Writes the results of `scripts/bench orders`, a section of the page.
pub fn save_orders(root: &Path, text: &str) -> Result<()> {
    save_section(root, "\n## Orders\n", text)
}

/// Writes the results of `scripts/bench records`, a section of the page.
pub fn save_records(root: &Path, text: &str) -> Result<()> {
    save_section(root, "\n## Records\n", text)
}

/// Writes the results of `scripts/bench timeline`, a section of the page.
pub fn save_timeline(root: &Path, text: &str) -> Result<()> {
    save_section(root, "\n## Timeline\n", text)
}

/// Replaces the section with this heading up to the next one, or adds it to the end.
fn save_section(root: &Path, heading: &str, text: &str) -> Result<()> {
    let page = page(root);
    let (before, rest) = page.split_at(page.find(heading).unwrap_or(page.len()));
    let after = rest.get(1..).and_then(|rest| rest.find("\n## ").map(|end| &rest[end..])).unwrap_or_default();
    write(root, &[before, text, after])
}

fn page(root: &Path) -> String {
    fs::read_to_string(root.join(PAGE)).unwrap_or_default()
}

fn write(root: &Path, parts: &[&str]) -> Result<()> {
    let text = parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join("\n\n");
    fs::write(root.join(PAGE), format!("{}\n", text.trim_end())).map_err(|error| format!("{PAGE}: {error}"))
}
