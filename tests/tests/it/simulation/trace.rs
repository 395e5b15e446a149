//! A schedule as text, to replay and to shrink it: a seed, and the choices other than the default.

use super::choices::{Choice, Choices, DecisionPoint};
use std::{fmt, str::FromStr};

/// A schedule. Choices that it does not name have their default outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionTrace {
    /// The seed of ids.
    pub seed: u64,
    /// Choices in order, each with its outcome.
    pub choices: Vec<(DecisionPoint, usize)>,
}

impl ExecutionTrace {
    /// The recorded choices of a run.
    pub fn of(seed: u64, choices: &Choices) -> Self {
        Self { seed, choices: choices.non_default() }
    }
}

impl fmt::Display for ExecutionTrace {
    /// `17:12.Task.0=3,…`: the seed, then step, kind and index of each choice, and its outcome.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seed)?;
        for (n, ((step, kind, nth), outcome)) in self.choices.iter().enumerate() {
            write!(f, "{}{step}.{kind:?}.{nth}={outcome}", if n == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for ExecutionTrace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| format!("{part:?} is not part of a trace");
        let (seed, choices) = text.split_once(':').ok_or_else(|| wrong(text))?;
        let read = |part: &str| {
            let (point, outcome) = part.split_once('=')?;
            let mut point = point.split('.');
            let (step, name, nth) = (point.next()?, point.next()?, point.next()?);
            let kind = Choice::ALL.into_iter().find(|kind| format!("{kind:?}") == name)?;
            Some(((step.parse().ok()?, kind, nth.parse().ok()?), outcome.parse().ok()?))
        };
        let choices = choices.split(',').filter(|part| !part.is_empty());
        let choices = choices.map(|part| read(part).ok_or_else(|| wrong(part))).collect::<Result<_, _>>()?;
        Ok(Self { seed: seed.parse().map_err(|_| wrong(seed))?, choices })
    }
}

/// Removes choices from a trace while it still `fails`, in ever smaller chunks, until no single choice can be removed
/// (delta debugging).
pub fn shrink(mut trace: ExecutionTrace, fails: impl Fn(&ExecutionTrace) -> bool) -> ExecutionTrace {
    // Remove whole kinds of choices first: most are irrelevant, and fewer choices shrink faster.
    for kind in Choice::ALL {
        let choices = trace.choices.iter().filter(|((_, other, _), _)| *other != kind).copied().collect();
        let candidate = ExecutionTrace { choices, ..trace };
        if fails(&candidate) {
            trace = candidate;
        }
    }
    let mut size = trace.choices.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut smaller) = (0, false);
        while at < trace.choices.len() {
            let end = (at + size).min(trace.choices.len());
            let rest = [&trace.choices[..at], &trace.choices[end..]].concat();
            let candidate = ExecutionTrace { choices: rest, ..trace };
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
fn trace_round_trips_through_text() {
    let choices = Choices::recorded(3);
    for (n, kind) in Choice::ALL.into_iter().enumerate() {
        choices.begin_step();
        choices.choose(kind, 40 + n);
    }
    let trace = ExecutionTrace::of(3, &choices);
    assert!(trace.choices.len() > 10);
    assert_eq!(trace.to_string().parse(), Ok(trace));
    assert!("3:1.Nothing.0=1".parse::<ExecutionTrace>().is_err());
}

#[test]
fn shrinking_removes_irrelevant_choices() {
    let choices = (0..100).map(|step| ((step, Choice::Task, 0), 1)).collect();
    let needs = |trace: &ExecutionTrace| [13, 77].iter().all(|n| trace.choices.iter().any(|((step, ..), _)| step == n));
    let small = shrink(ExecutionTrace { seed: 1, choices }, needs);
    assert_eq!(small.choices.len(), 2);
}
