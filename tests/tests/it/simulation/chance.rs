//! Chance that follows from a seed, and work at the same time whose turns it gives out.

use futures_util::future::LocalBoxFuture;
use std::cell::Cell;
use std::task::{Context, Poll, Waker};

/// Turns that pieces of work may take together before they are held to stand still.
const TURNS: usize = 100_000;

/// SplitMix64, as `kernel::Ids` has it.
#[derive(Debug)]
pub struct Chance(Cell<u64>);

impl Chance {
    /// What follows from `seed`.
    pub fn of(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        mixed(self.0.get())
    }

    /// A number below `n`, which is not 0.
    pub fn below(&self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// The finish of SplitMix64: neighbours become strangers.
pub fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Does all of `work` at the same time, with turns by `chance`; what came of each, in order.
pub fn together<T>(mut work: Vec<LocalBoxFuture<'_, T>>, chance: Option<&Chance>) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut results: Vec<Option<T>> = work.iter().map(|_| None).collect();
    for _ in 0..TURNS {
        let open: Vec<usize> = (0..work.len()).filter(|n| results[*n].is_none()).collect();
        let Some(first) = open.first() else { break };
        let n = chance.map_or(*first, |chance| open[chance.below(open.len())]);
        if let Poll::Ready(result) = work[n].as_mut().poll(&mut context) {
            results[n] = Some(result);
        }
    }
    results.into_iter().map(|result| result.expect("work that comes to an end")).collect()
}
