//! `scripts/bench --shaped`: the measured functions with the share of a processor that AWS Lambda gives to each memory size.
//!
//! Lambda gives a function of M MB the time of M/1769 of a virtual processor, in periods of 20 ms, and the whole processor while it
//! initialises. Here a CPU cgroup does so: the process joins it after its first request for an event.

use crate::{
    BARE, Binaries,
    environment::Stage,
    figures::{milliseconds, percentile},
    process::Process,
    scenarios::Scenario,
};
use serde_json::Value;
use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use xtask::Result;

/// Memory sizes in MB.
pub const SIZES: [u32; 6] = [128, 256, 512, 1024, 1536, 1769];
/// Memory of a function with one virtual processor, in MB. Source: "Configure Lambda function memory" of the AWS documentation.
const ONE_PROCESSOR_MB: u32 = 1769;
/// Length of a period of Lambda's CPU quota.
const PERIOD_US: u32 = 20_000;

/// Figures of one function with one memory size. Times are in microseconds.
struct Shape {
    function: &'static str,
    memory_mb: u32,
    first_calls: Vec<u64>,
    first_cpu: Vec<u64>,
    warm_calls: Vec<u64>,
    warm_cpu: Vec<u64>,
}

/// Measures every scenario but the minimal function at every size, and returns the table in Markdown.
pub fn bench(
    binaries: &Binaries,
    scenarios: &[Scenario],
    stage: &Stage<'_>,
    starts: usize,
    calls: usize,
) -> Result<String> {
    let mut shapes = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.binary != BARE) {
        for memory_mb in SIZES {
            eprintln!("bench: {} with {memory_mb} MB", scenario.binary);
            shapes.push(measure(binaries, scenario, stage, memory_mb, (starts, calls))?);
        }
    }
    Ok(table(&shapes))
}

fn measure(
    binaries: &Binaries,
    scenario: &Scenario,
    stage: &Stage<'_>,
    memory_mb: u32,
    (starts, calls): (usize, usize),
) -> Result<Shape> {
    let quota = Quota::create(memory_mb)?;
    let variables = scenario.row.map_or_else(Vec::new, |row| stage.variables(row));
    let mut shape = Shape {
        function: scenario.binary,
        memory_mb,
        first_calls: Vec::new(),
        first_cpu: Vec::new(),
        warm_calls: Vec::new(),
        warm_cpu: Vec::new(),
    };
    for start in 0..starts.max(1) {
        let mut process = Process::start(&binaries[scenario.binary], memory_mb, &variables)?;
        quota.add(process.id())?;
        let (took, cpu) = call(&mut process, scenario)?;
        shape.first_calls.push(took);
        shape.first_cpu.push(cpu);
        // The other processes are for first calls.
        if start == 0 {
            for _ in 0..calls {
                let (took, cpu) = call(&mut process, scenario)?;
                shape.warm_calls.push(took);
                shape.warm_cpu.push(cpu);
            }
        }
    }
    Ok(shape)
}

fn call(process: &mut Process, scenario: &Scenario) -> Result<(u64, u64)> {
    rested_call(process, &(scenario.event)(), scenario.is_expected)
}

/// One call at the beginning of a period, and its wall-clock and CPU time in microseconds.
pub fn rested_call(process: &mut Process, event: &Value, is_expected: fn(&Value) -> bool) -> Result<(u64, u64)> {
    // A call that follows at once would be charged for the CPU time of the one before.
    #[expect(clippy::disallowed_methods, reason = "the quota is renewed by time alone")]
    thread::sleep(Duration::from_micros(u64::from(2 * PERIOD_US)));
    let before = process.cpu_us()?;
    let took = process.call(event, is_expected)?;
    Ok((took, process.cpu_us()?.saturating_sub(before)))
}

fn table(shapes: &[Shape]) -> String {
    let mut text = String::from(
        "| function | MB | first call p50 ms | its CPU ms | warm p50 ms | warm p99 ms | its CPU ms | GB-ms of a warm call |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for shape in shapes {
        let warm = percentile(&shape.warm_calls, 50);
        let cells = [
            shape.function.to_owned(),
            shape.memory_mb.to_string(),
            milliseconds(percentile(&shape.first_calls, 50)),
            milliseconds(percentile(&shape.first_cpu, 50)),
            milliseconds(warm),
            milliseconds(percentile(&shape.warm_calls, 99)),
            milliseconds(percentile(&shape.warm_cpu, 50)),
            milliseconds(warm.next_multiple_of(1_000) * u64::from(shape.memory_mb) / 1024),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
    }
    text
}

/// A CPU cgroup with the quota of one memory size. Dropping the value removes it.
pub struct Quota {
    directory: PathBuf,
}

impl Quota {
    pub fn create(memory_mb: u32) -> Result<Self> {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let root = if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/cpu" };
        let directory = PathBuf::from(root).join(format!("quayside-bench-{}-{memory_mb}", std::process::id()));
        let share_us = PERIOD_US * memory_mb / ONE_PROCESSOR_MB;
        let settings = if unified {
            vec![("cpu.max", format!("{share_us} {PERIOD_US}"))]
        } else {
            vec![("cpu.cfs_period_us", PERIOD_US.to_string()), ("cpu.cfs_quota_us", share_us.to_string())]
        };
        let quota = Self { directory };
        quota.write(&settings).map_err(|error| {
            format!("CPU cgroups are not writable here ({root}: {error}): this needs root and a cgroup file system")
        })?;
        Ok(quota)
    }

    fn write(&self, settings: &[(&str, String)]) -> io::Result<()> {
        fs::create_dir(&self.directory)?;
        settings.iter().try_for_each(|(name, value)| fs::write(self.directory.join(name), value))
    }

    pub fn add(&self, process: u32) -> Result<()> {
        let path = self.directory.join("cgroup.procs");
        fs::write(&path, process.to_string()).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // The kernel refuses while a process is in it; the last one was killed and waited for.
        if let Err(error) = fs::remove_dir(&self.directory) {
            eprintln!("bench: {}: {error}", self.directory.display());
        }
    }
}
