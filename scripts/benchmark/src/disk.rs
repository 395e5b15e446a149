//! The disk and the memory of this machine, on which the figures of large tables depend.

use crate::{
    figures::{micros, milliseconds, percentile},
    orders::message,
};
use std::{fs, io::Write as _, path::Path, time::Instant};
use xtask::Result;

/// Writes and syncs 256 MiB in /var/tmp, and refuses to begin if fewer than `needed` bytes are free there.
pub fn check(needed: u64) -> Result<String> {
    let directory = Path::new("/var/tmp").join(format!("quayside-bench-disk-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(message)?;
    let path = directory.join("probe");
    let began = Instant::now();
    let mut file = fs::File::create(&path).map_err(message)?;
    let block = vec![7_u8; 1 << 20];
    for _ in 0..256 {
        file.write_all(&block).map_err(message)?;
    }
    file.sync_all().map_err(message)?;
    let sequential = 256 * 1_000_000 / micros(began).max(1);
    let mut syncs = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        file.write_all(&block[..8_192]).map_err(message)?;
        file.sync_data().map_err(message)?;
        syncs.push(micros(began));
    }
    fs::remove_dir_all(&directory).map_err(message)?;
    let output =
        std::process::Command::new("df").args(["--output=avail", "-B1", "/var/tmp"]).output().map_err(message)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let free: u64 = text.lines().nth(1).and_then(|line| line.trim().parse().ok()).ok_or("df has no figure")?;
    if free < needed {
        return Err(format!("{free} bytes are free in /var/tmp, and {needed} are needed"));
    }
    Ok(format!(
        "disk: {sequential} MiB/s sequentially with sync, {} ms a sync of 8 KiB (median of 50), {} GiB free",
        milliseconds(percentile(&syncs, 50)),
        free >> 30
    ))
}

/// Memory of this machine, which caches what PostgreSQL does not.
pub fn memory_gib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    total.unwrap_or_default() >> 20
}
