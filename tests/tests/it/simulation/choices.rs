//! The nondeterministic choices of a schedule, from a seed or a trace, and the interleaving of concurrent work.

use super::trace::ExecutionTrace;
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

/// Polls after which concurrent work counts as deadlocked.
const TURNS: usize = 100_000;

/// A kind of choice. One outcome of each is the *default*: no fault, and tasks in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Choice {
    /// Whether messages go through the runners of `edge`.
    ThroughEdge,
    /// Whether concurrent processes interleave at every operation.
    Interleave,
    /// How many steps may inject faults.
    Steps,
    /// The fault to inject now.
    Fault,
    /// The dependency that fails.
    Dependency,
    /// Where in an operation it fails.
    FaultPoint,
    /// How often it fails, or after how many operations.
    Count,
    /// How many tasks run concurrently.
    Concurrency,
    /// Whether the next task is a queued message.
    Message,
    Task,
    /// Records of a batch, minus one.
    Batch,
    /// Milliseconds that a step takes, minus one.
    Millis,
    /// Whether a queue holds a message twice.
    Duplicate,
    /// Whether a message is redelivered although it was acknowledged.
    Redelivery,
    /// Whether a response is lost on its way to the client.
    LostResponse,
    /// The task that is polled next.
    Turn,
    /// Whether the bus accepts an event while it rejects some.
    BusRejects,
    /// Whether the schedule is small or large.
    Size,
    /// Which orders are placed.
    Orders,
    Policy,
    /// A further action of the customer or of staff.
    Action,
    /// The order that the action is about.
    ActionOrder,
    /// The delay before a command or a webhook.
    Delay,
    /// Whether the gateway sends webhooks.
    Webhooks,
    /// How often the gateway sends one webhook.
    WebhookCopies,
    /// Whether a webhook arrives before the response of the call it reports.
    EarlyWebhook,
    /// Whether a scheduled function runs twice concurrently.
    ConcurrentRun,
    /// How long an operation of a slow service takes.
    Slow,
    /// How far the clock of an invocation is ahead.
    Ahead,
    /// Whether a deployment is under way, and how long it takes.
    Deployment,
    /// Whether a message was written by a newer function, and whether its consumer is old.
    Newer,
    /// Whether a webhook comes days late.
    LateWebhook,
    /// Whether a message is lost on its way to a queue.
    Loss,
}

impl Choice {
    /// Every kind, to look up names in traces.
    pub const ALL: [Self; 33] = [
        Self::ThroughEdge,
        Self::Interleave,
        Self::Steps,
        Self::Fault,
        Self::Dependency,
        Self::FaultPoint,
        Self::Count,
        Self::Concurrency,
        Self::Message,
        Self::Task,
        Self::Batch,
        Self::Millis,
        Self::Duplicate,
        Self::Redelivery,
        Self::LostResponse,
        Self::Turn,
        Self::BusRejects,
        Self::Size,
        Self::Orders,
        Self::Policy,
        Self::Action,
        Self::ActionOrder,
        Self::Delay,
        Self::Webhooks,
        Self::WebhookCopies,
        Self::EarlyWebhook,
        Self::ConcurrentRun,
        Self::Slow,
        Self::Ahead,
        Self::Deployment,
        Self::Newer,
        Self::LateWebhook,
        Self::Loss,
    ];

    /// The default outcome of `n`.
    const fn default_of(self, n: usize) -> usize {
        match self {
            Self::Millis => 19,
            Self::ThroughEdge
            | Self::Fault
            | Self::Batch
            | Self::Duplicate
            | Self::Redelivery
            | Self::LostResponse
            | Self::BusRejects => n - 1,
            Self::Deployment | Self::Newer | Self::LateWebhook | Self::Loss => n - 1,
            Self::Action | Self::Webhooks | Self::EarlyWebhook | Self::ConcurrentRun => n - 1,
            _ => 0,
        }
    }
}

/// A choice of a run: its step, its kind, and its index among those of the kind in the step.
pub type DecisionPoint = (usize, Choice, usize);

/// The source of outcomes.
#[derive(Debug)]
enum Source {
    /// Every outcome is the default.
    Default,
    /// Outcomes are pseudorandom.
    Seed(Cell<u64>),
    /// The given outcomes, and the default for all other choices.
    Given(HashMap<DecisionPoint, usize>),
}

/// The choices of one run.
#[derive(Debug)]
pub struct Choices {
    source: Source,
    step: Cell<usize>,
    /// Outcomes other than the default, and counts per kind in this step, if they are recorded.
    record: Option<RefCell<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    counts: HashMap<Choice, usize>,
    non_default: Vec<(DecisionPoint, usize)>,
    log: Vec<String>,
}

impl Choices {
    /// The default for every choice.
    pub fn none() -> Self {
        Self { source: Source::Default, step: Cell::new(0), record: None }
    }

    /// Pseudorandom outcomes from `seed`.
    pub fn of(seed: u64) -> Self {
        Self { source: Source::Seed(Cell::new(seed)), step: Cell::new(0), record: None }
    }

    /// Pseudorandom outcomes from `seed`, which are recorded.
    pub fn recorded(seed: u64) -> Self {
        Self { record: Some(RefCell::default()), ..Self::of(seed) }
    }

    /// The outcomes of a trace, which are recorded.
    pub fn given(trace: &ExecutionTrace) -> Self {
        let source = Source::Given(trace.choices.iter().copied().collect());
        Self { source, step: Cell::new(0), record: Some(RefCell::default()) }
    }

    /// Starts the next step.
    pub fn begin_step(&self) {
        self.step.set(self.step.get() + 1);
        if let Some(record) = &self.record {
            record.borrow_mut().counts.clear();
        }
    }

    /// An outcome below `n`, which must not be 0.
    pub fn choose(&self, what: Choice, n: usize) -> usize {
        let Some(record) = &self.record else {
            return match &self.source {
                Source::Seed(state) => below(state, n),
                _ => what.default_of(n).min(n - 1),
            };
        };
        let mut record = record.borrow_mut();
        let count = record.counts.entry(what).or_default();
        let point = (self.step.get(), what, *count);
        *count += 1;
        let default = what.default_of(n).min(n - 1);
        let outcome = match &self.source {
            Source::Seed(state) => below(state, n),
            Source::Given(outcomes) => outcomes.get(&point).copied().filter(|outcome| *outcome < n).unwrap_or(default),
            Source::Default => default,
        };
        if outcome != default {
            record.non_default.push((point, outcome));
        }
        outcome
    }

    /// True for one outcome of `n`, and not by default.
    pub fn one_in(&self, what: Choice, n: usize) -> bool {
        self.choose(what, n) == 0
    }

    /// Whether every outcome is the default.
    pub fn is_none(&self) -> bool {
        matches!(self.source, Source::Default)
    }

    /// Adds a line to the log, if choices are recorded.
    pub fn log(&self, line: impl FnOnce() -> String) {
        if let Some(record) = &self.record {
            let line = format!("step {}: {}", self.step.get(), line());
            record.borrow_mut().log.push(line);
        }
    }

    /// The recorded outcomes other than the default.
    pub fn non_default(&self) -> Vec<(DecisionPoint, usize)> {
        self.record.as_ref().map(|record| record.borrow().non_default.clone()).unwrap_or_default()
    }

    pub fn log_lines(&self) -> Vec<String> {
        self.record.as_ref().map(|record| record.borrow().log.clone()).unwrap_or_default()
    }
}

/// SplitMix64, as in `kernel::Ids`.
fn below(state: &Cell<u64>, n: usize) -> usize {
    state.set(state.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
    usize::try_from(mixed(state.get()) % n as u64).unwrap_or_default()
}

/// The output function of SplitMix64.
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Runs all of `work` concurrently, polled in the order that `choices` gives. Returns the results in the order of `work`.
pub fn interleave<T>(mut work: Vec<LocalBoxFuture<'_, T>>, choices: &Choices) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut results: Vec<Option<T>> = work.iter().map(|_| None).collect();
    for _ in 0..TURNS {
        let turn = match results.iter().filter(|result| result.is_none()).count() {
            0 => break,
            1 => 0,
            several => choices.choose(Choice::Turn, several),
        };
        let mut open = (0..work.len()).filter(|n| results[*n].is_none());
        let n = open.nth(turn).expect("one of those that are open");
        if let Poll::Ready(result) = work[n].as_mut().poll(&mut context) {
            results[n] = Some(result);
        }
    }
    results.into_iter().map(|result| result.expect("work that comes to an end")).collect()
}
