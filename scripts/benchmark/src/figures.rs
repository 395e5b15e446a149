//! What was measured, and the table of it.

use crate::Arguments;
use std::{fmt::Write as _, fs, path::Path, process::Command};
use xtask::Result;

/// Where results are kept.
const PAGE: &str = "docs/benchmark.md";

/// Figures of one function, in microseconds where nothing else is said.
pub struct Figures {
    binary: &'static str,
    what: &'static str,
    /// Start of the process to first request for work, a start each.
    pub inits: Vec<u64>,
    /// First call of a process, a start each.
    pub firsts: Vec<u64>,
    /// Later calls.
    pub warm: Vec<u64>,
    /// Most memory of the process.
    pub peak_kib: u64,
    /// Size of the package.
    pub zip_bytes: u64,
}

impl Figures {
    /// None yet.
    pub const fn new(binary: &'static str, what: &'static str) -> Self {
        Self { binary, what, inits: Vec::new(), firsts: Vec::new(), warm: Vec::new(), peak_kib: 0, zip_bytes: 0 }
    }
}

/// The value that `percent` of all do not exceed.
pub fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

/// A quotient with two decimals.
pub fn ratio(of: u64, to: u64) -> String {
    let hundredths = (of * 100 + to / 2) / to.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn milliseconds(microseconds: u64) -> String {
    ratio(microseconds, 1_000)
}

/// The table, in Markdown. The first row is the baseline.
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
            one.what.to_owned(),
            milliseconds(init),
            ratio(init, bare),
            milliseconds(percentile(&one.firsts, 50)),
            milliseconds(percentile(&one.warm, 50)),
            milliseconds(percentile(&one.warm, 99)),
            ratio(one.peak_kib, 1 << 10),
            ratio(one.zip_bytes, 1 << 20),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
    }
    text
}

/// What it was measured on, as the last line of a page.
pub fn machine(root: &Path) -> String {
    let said = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(root).output();
        output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!(
        "- {} cores, {}; {}; commit {}; {}",
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        processor.trim_start_matches([' ', '\t', ':']),
        said("rustc", &["--version"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        said("date", &["-u", "+%Y-%m-%d"]),
    )
}

/// Keeps the table with what it was measured on.
pub fn save(root: &Path, table: &str, arguments: &Arguments) -> Result<()> {
    let text = format!(
        "# Benchmark\n\n\
         Written by `scripts/bench --save`. Release binaries, driven over the Lambda Runtime API on one machine; PostgreSQL is real\n\
         and local, AWS and the catalogue's API are stand-ins that answer at once. Ratios travel between machines, times do not.\n\n\
         {table}\n\
         - init: start of the process to its first request for work, median of {} starts; ÷ bare: against the least Rust function in the same run\n\
         - first call: includes connecting to the database, TLS to nobody; warm: {} calls one after the other\n\
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

/// Writes what `scripts/bench orders` measured, the last section of the page.
pub fn save_orders(root: &Path, text: &str) -> Result<()> {
    let page = page(root);
    let before = page.find("\n## Orders\n").map_or(page.as_str(), |at| &page[..at]);
    write(root, &[before, text])
}

fn page(root: &Path) -> String {
    fs::read_to_string(root.join(PAGE)).unwrap_or_default()
}

fn write(root: &Path, parts: &[&str]) -> Result<()> {
    let text = parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join("\n\n");
    fs::write(root.join(PAGE), format!("{}\n", text.trim_end())).map_err(|error| format!("{PAGE}: {error}"))
}
