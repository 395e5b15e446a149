//! A schedule as text: a seed, and what chance drew that is not usual. It replays, and it can be made smaller.

use super::chance::{Chance, DecisionPoint, Draw};
use std::{fmt, str::FromStr};

/// A schedule. Whatever it does not name is usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionTrace {
    /// Where ids come from.
    pub seed: u64,
    /// Draws in order, each with its outcome.
    pub draws: Vec<(DecisionPoint, usize)>,
}

impl ExecutionTrace {
    /// What `chance` drew.
    pub fn of(seed: u64, chance: &Chance) -> Self {
        Self { seed, draws: chance.unusual() }
    }
}

impl fmt::Display for ExecutionTrace {
    /// `17:12.Crash.0=3,…`: the step, the draw, the how manieth of it in that step, and its outcome.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seed)?;
        for (n, ((step, draw, nth), drawn)) in self.draws.iter().enumerate() {
            write!(f, "{}{step}.{draw:?}.{nth}={drawn}", if n == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for ExecutionTrace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| format!("{part:?} is no part of a trace");
        let (seed, draws) = text.split_once(':').ok_or_else(|| wrong(text))?;
        let read = |part: &str| {
            let (place, drawn) = part.split_once('=')?;
            let mut place = place.split('.');
            let (step, name, nth) = (place.next()?, place.next()?, place.next()?);
            let draw = Draw::ALL.into_iter().find(|draw| format!("{draw:?}") == name)?;
            Some(((step.parse().ok()?, draw, nth.parse().ok()?), drawn.parse().ok()?))
        };
        let draws = draws.split(',').filter(|part| !part.is_empty());
        let draws = draws.map(|part| read(part).ok_or_else(|| wrong(part))).collect::<Result<_, _>>()?;
        Ok(Self { seed: seed.parse().map_err(|_| wrong(seed))?, draws })
    }
}

/// Makes a trace smaller as long as `fails` says that it still does what it did: takes draws out in chunks, large ones first
/// (delta debugging), until no single one can go.
pub fn shrink(mut trace: ExecutionTrace, fails: impl Fn(&ExecutionTrace) -> bool) -> ExecutionTrace {
    // What only shuffles goes first, a kind at a time: mostly nothing hangs on it, and what is left is easier to cut.
    for kind in Draw::ALL {
        let draws = trace.draws.iter().filter(|((_, draw, _), _)| *draw != kind).copied().collect();
        let candidate = ExecutionTrace { draws, ..trace };
        if fails(&candidate) {
            trace = candidate;
        }
    }
    let mut size = trace.draws.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut smaller) = (0, false);
        while at < trace.draws.len() {
            let end = (at + size).min(trace.draws.len());
            let rest = [&trace.draws[..at], &trace.draws[end..]].concat();
            let candidate = ExecutionTrace { draws: rest, ..trace };
            if fails(&candidate) {
                (trace, smaller) = (candidate, true);
            } else {
                at = end;
            }
        }
        if size == 1 && !smaller {
            return trace;
        }
        if !smaller || size > 1 {
            size = (size / 2).max(1);
        }
    }
}

#[test]
fn a_trace_is_read_as_it_was_written() {
    let chance = Chance::recorded(3);
    for (n, draw) in Draw::ALL.into_iter().enumerate() {
        chance.begin_step();
        chance.draw(draw, 40 + n);
    }
    let trace = ExecutionTrace::of(3, &chance);
    assert!(trace.draws.len() > 10);
    assert_eq!(trace.to_string().parse(), Ok(trace));
    assert!("3:1.Nothing.0=1".parse::<ExecutionTrace>().is_err());
}

#[test]
fn what_does_not_matter_is_taken_out() {
    let draws = (0..100).map(|step| ((step, Draw::Task, 0), 1)).collect();
    let needs = |trace: &ExecutionTrace| [13, 77].iter().all(|n| trace.draws.iter().any(|((step, ..), _)| step == n));
    let small = shrink(ExecutionTrace { seed: 1, draws }, needs);
    assert_eq!(small.draws.len(), 2);
}
