//! `benchmark drive`: has one function process given events, and prints what that took as JSON. `scripts/bench functions` runs it for each
//! function, with its environment in a running stack.

use crate::process::Process;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf};
use xtask::Result;

#[derive(Args)]
pub struct Arguments {
    /// File with the plan as JSON.
    plan: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    binary: PathBuf,
    memory_mb: u32,
    environment: BTreeMap<String, String>,
    /// The first event of each process; there are as many processes.
    first: Vec<Value>,
    /// Events of the last of them after its first one.
    warm: Vec<Value>,
}

/// Times are in microseconds.
#[derive(Default, Serialize)]
struct Driven {
    /// From the start of a process to its first request for an event.
    init: Vec<u64>,
    first_call: Vec<u64>,
    warm_call: Vec<u64>,
    /// CPU time of each warm call.
    warm_cpu: Vec<u64>,
    /// Peak resident memory of the last process.
    peak_kib: u64,
    /// The responses to the first event of all and to the last one.
    first: Value,
    last: Value,
}

/// Carries out one plan.
pub fn run(arguments: &Arguments) -> Result<()> {
    let path = arguments.plan.display();
    let text = fs::read_to_string(&arguments.plan).map_err(|error| format!("{path}: {error}"))?;
    let plan: Plan = serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
    let variables: Vec<_> = plan.environment.into_iter().collect();
    let (mut driven, mut last) = (Driven::default(), None);
    for event in &plan.first {
        // The one before must not run beside it.
        drop(last.take());
        let mut process = Process::start(&plan.binary, plan.memory_mb, &variables)?;
        driven.init.push(process.init_us());
        let (took, response) = process.invoke(event)?;
        driven.first_call.push(took);
        if driven.first_call.len() == 1 {
            driven.first = response.clone();
        }
        driven.last = response;
        last = Some(process);
    }
    let mut process = last.ok_or("the plan has no first event")?;
    for event in &plan.warm {
        let before = process.cpu_us()?;
        let (took, response) = process.invoke(event)?;
        driven.warm_cpu.push(process.cpu_us()?.saturating_sub(before));
        driven.warm_call.push(took);
        driven.last = response;
    }
    driven.peak_kib = process.peak_kib()?;
    println!("{}", serde_json::to_string(&driven).map_err(|error| error.to_string())?);
    Ok(())
}
