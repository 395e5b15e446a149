//! Chance that follows from a seed, or is told what to draw; and work at the same time whose turns it gives out.

use super::trace::ExecutionTrace;
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

/// Turns that pieces of work may take together before they are held to stand still.
const TURNS: usize = 100_000;

/// What is drawn. Each has one outcome that is the *usual* one: nothing goes wrong, and things go in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Draw {
    /// Whether messages go through the runners of `edge`.
    ThroughEdge,
    /// Whether processes take turns.
    TakeTurns,
    /// How many steps have trouble.
    Steps,
    /// What goes wrong now.
    Fault,
    /// Which part does.
    Dependency,
    /// Before or after it was done, or in between.
    FaultPoint,
    /// How often, or when.
    Count,
    /// How many tasks at once.
    AtOnce,
    /// Whether the next task is a message.
    Message,
    /// Which task is next.
    Task,
    /// How many records go in one batch, less one.
    Batch,
    /// Milliseconds that a step takes, less one.
    Millis,
    /// Whether a message comes twice.
    Copy,
    /// Whether what was done comes again all the same.
    Again,
    /// Whether a customer's answer is lost.
    Lost,
    /// Whose turn it is.
    Turn,
    /// Whether the bus takes an event while it is picky.
    Refuse,
    /// How much happens.
    Size,
    /// Which orders are placed.
    Orders,
    /// What becomes of a paid order that is short of stock.
    Policy,
    /// What else somebody wants.
    Deed,
    /// Of which order.
    Occurrence,
    /// How long they wait with it.
    Delay,
    /// Whether the gateway tells by itself.
    Mail,
    /// How often it tells one thing.
    News,
    /// Whether its news is there while we still ask.
    Eager,
    /// Whether a schedule runs twice at the same time.
    Twice,
}

impl Draw {
    /// Every draw, for names in traces.
    pub const ALL: [Self; 27] = [
        Self::ThroughEdge,
        Self::TakeTurns,
        Self::Steps,
        Self::Fault,
        Self::Dependency,
        Self::FaultPoint,
        Self::Count,
        Self::AtOnce,
        Self::Message,
        Self::Task,
        Self::Batch,
        Self::Millis,
        Self::Copy,
        Self::Again,
        Self::Lost,
        Self::Turn,
        Self::Refuse,
        Self::Size,
        Self::Orders,
        Self::Policy,
        Self::Deed,
        Self::Occurrence,
        Self::Delay,
        Self::Mail,
        Self::News,
        Self::Eager,
        Self::Twice,
    ];

    /// The outcome that is nothing special, of `n`.
    const fn usual(self, n: usize) -> usize {
        match self {
            Self::Millis => 19,
            Self::ThroughEdge | Self::Fault | Self::Batch | Self::Copy | Self::Again | Self::Lost | Self::Refuse => {
                n - 1
            }
            Self::Deed | Self::Mail | Self::Eager | Self::Twice => n - 1,
            _ => 0,
        }
    }
}

/// One draw of a run: in which step, of what, and the how manieth of those.
pub type DecisionPoint = (usize, Draw, usize);

/// Where outcomes come from.
#[derive(Debug)]
enum Source {
    /// The usual ones, always.
    Usual,
    /// They follow from a seed.
    Seed(Cell<u64>),
    /// The unusual ones are given, all others are usual.
    Given(HashMap<DecisionPoint, usize>),
}

/// Draws.
#[derive(Debug)]
pub struct Chance {
    source: Source,
    /// The step at hand.
    step: Cell<usize>,
    /// What was drawn that is not usual, and how often each was drawn in this step; only where somebody wants to know.
    record: Option<RefCell<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    counts: HashMap<Draw, usize>,
    unusual: Vec<(DecisionPoint, usize)>,
    said: Vec<String>,
}

impl Chance {
    /// No chance: everything goes its usual way.
    pub fn none() -> Self {
        Self { source: Source::Usual, step: Cell::new(0), record: None }
    }

    /// What follows from `seed`.
    pub fn of(seed: u64) -> Self {
        Self { source: Source::Seed(Cell::new(seed)), step: Cell::new(0), record: None }
    }

    /// What follows from the seed, and remembered.
    pub fn recorded(seed: u64) -> Self {
        Self { record: Some(RefCell::default()), ..Self::of(seed) }
    }

    /// What a trace says.
    pub fn given(trace: &ExecutionTrace) -> Self {
        let source = Source::Given(trace.draws.iter().copied().collect());
        Self { source, step: Cell::new(0), record: Some(RefCell::default()) }
    }

    /// From here on it is the next step.
    pub fn begin_step(&self) {
        self.step.set(self.step.get() + 1);
        if let Some(record) = &self.record {
            record.borrow_mut().counts.clear();
        }
    }

    /// A number below `n`, which is not 0.
    pub fn draw(&self, what: Draw, n: usize) -> usize {
        let Some(record) = &self.record else {
            return match &self.source {
                Source::Seed(state) => below(state, n),
                _ => what.usual(n).min(n - 1),
            };
        };
        let mut record = record.borrow_mut();
        let count = record.counts.entry(what).or_default();
        let place = (self.step.get(), what, *count);
        *count += 1;
        let usual = what.usual(n).min(n - 1);
        let drawn = match &self.source {
            Source::Seed(state) => below(state, n),
            Source::Given(draws) => draws.get(&place).copied().filter(|drawn| *drawn < n).unwrap_or(usual),
            Source::Usual => usual,
        };
        if drawn != usual {
            record.unusual.push((place, drawn));
        }
        drawn
    }

    /// True once in `n` times, and not usually.
    pub fn one_in(&self, what: Draw, n: usize) -> bool {
        self.draw(what, n) == 0
    }

    /// Whether it draws at all.
    pub fn is_none(&self) -> bool {
        matches!(self.source, Source::Usual)
    }

    /// Keeps in words what goes wrong, if somebody wants to know.
    pub fn say(&self, words: impl FnOnce() -> String) {
        if let Some(record) = &self.record {
            let line = format!("step {}: {}", self.step.get(), words());
            record.borrow_mut().said.push(line);
        }
    }

    /// What was drawn and was not usual.
    pub fn unusual(&self) -> Vec<(DecisionPoint, usize)> {
        self.record.as_ref().map(|record| record.borrow().unusual.clone()).unwrap_or_default()
    }

    /// What went wrong, in words.
    pub fn said(&self) -> Vec<String> {
        self.record.as_ref().map(|record| record.borrow().said.clone()).unwrap_or_default()
    }
}

/// SplitMix64, as `kernel::Ids` has it.
fn below(state: &Cell<u64>, n: usize) -> usize {
    state.set(state.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
    usize::try_from(mixed(state.get()) % n as u64).unwrap_or_default()
}

/// The finish of SplitMix64: neighbours become strangers.
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Does all of `work` at the same time, with turns by `chance`; what came of each, in order.
pub fn together<T>(mut work: Vec<LocalBoxFuture<'_, T>>, chance: &Chance) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut results: Vec<Option<T>> = work.iter().map(|_| None).collect();
    for _ in 0..TURNS {
        let turn = match results.iter().filter(|result| result.is_none()).count() {
            0 => break,
            1 => 0,
            several => chance.draw(Draw::Turn, several),
        };
        let mut open = (0..work.len()).filter(|n| results[*n].is_none());
        let n = open.nth(turn).expect("one of those that are open");
        if let Poll::Ready(result) = work[n].as_mut().poll(&mut context) {
            results[n] = Some(result);
        }
    }
    results.into_iter().map(|result| result.expect("work that comes to an end")).collect()
}
