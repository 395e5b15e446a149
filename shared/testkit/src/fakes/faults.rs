//! Faults: which part does not answer, which event the bus does not take, and where a process dies.

use super::Faults;
use domain::Event;
use kernel::Failure;

/// A part of the platform that can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// Postgres: all stores of state, and the outbox.
    Database,
    /// DynamoDB: the products.
    Table,
    /// The event bus.
    Bus,
    /// Redis.
    Cache,
    /// The payment gateway.
    Gateway,
    /// Mail.
    Email,
    /// Text messages.
    Sms,
    /// Notices on devices.
    Push,
    /// The bucket of documents.
    Documents,
    /// The bucket of the archive.
    Archive,
    /// Kafka.
    Log,
    /// Kinesis.
    Stream,
    /// The signing keys.
    Keys,
    /// The queue of dead letters.
    DeadLetters,
}

impl Dependency {
    /// Name of the part, as `/ready` tells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Table => "products",
            Self::Bus => "bus",
            Self::Cache => "cache",
            Self::Gateway => "gateway",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Documents => "documents",
            Self::Archive => "archive",
            Self::Log => "log",
            Self::Stream => "stream",
            Self::Keys => "keys",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// What this part answers when it does not answer.
    pub fn down(self) -> Failure {
        Failure::unavailable(self.name(), "the faults of the test say so")
    }
}

/// Before an operation has its effect, or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// Nothing is done.
    Before,
    /// It is done, and nobody hears of it.
    After,
    /// It is sent, and nobody waits for it: it is done while the next attempt may be under way. A store in memory does it at once.
    InFlight,
    /// It is begun, and never committed. A store in memory does nothing.
    Uncommitted,
}

impl FaultPoint {
    /// Whether nothing comes of an operation of a store in memory.
    fn is_before(self) -> bool {
        matches!(self, Self::Before | Self::Uncommitted)
    }
}

/// Which of the operations to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// All of them.
    All,
    /// The first so many.
    First(u64),
    /// The n-th alone, from 1.
    Nth(u64),
}

/// A durable operation that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Of which part.
    pub part: Dependency,
    /// What it is: `orders.place`, `bus.publish`.
    pub name: &'static str,
}

#[derive(Default)]
pub(super) struct Plan {
    pub operations: Vec<Operation>,
    pub interleaved: bool,
    rules: Vec<Rule>,
    crashes: Vec<(usize, FaultPoint)>,
    refused: Option<Box<Refused>>,
}

type Refused = dyn Fn(&Event) -> bool;

struct Rule {
    part: Dependency,
    which: Occurrence,
    moment: FaultPoint,
    seen: u64,
}

/// What shall go wrong with an operation.
#[derive(Debug, Default, Clone, Copy)]
pub struct InjectedFault {
    /// The process dies.
    pub crash: Option<FaultPoint>,
    /// The part answers that it does not answer.
    pub fail: Option<FaultPoint>,
}

impl InjectedFault {
    pub(super) fn crashes(self, before: bool) -> bool {
        self.crash.is_some_and(|moment| moment.is_before() == before)
    }

    pub(super) fn fails(self, before: bool) -> bool {
        self.fail.is_some_and(|moment| moment.is_before() == before)
    }
}

impl Plan {
    pub fn durable(&mut self, part: Dependency, name: &'static str) -> InjectedFault {
        self.operations.push(Operation { part, name });
        let number = self.operations.len();
        let crash = self.crashes.iter().find(|(at, _)| *at == number).map(|(_, moment)| *moment);
        InjectedFault { crash, fail: self.failing(part) }
    }

    pub fn failing(&mut self, part: Dependency) -> Option<FaultPoint> {
        let mut failing = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.part == part) {
            rule.seen += 1;
            let hit = match rule.which {
                Occurrence::All => true,
                Occurrence::First(n) => rule.seen <= n,
                Occurrence::Nth(n) => rule.seen == n,
            };
            if hit && failing.is_none() {
                failing = Some(rule.moment);
            }
        }
        failing
    }

    /// Whether the part fails until it is healed.
    pub fn is_down(&self, part: Dependency) -> bool {
        self.rules.iter().any(|rule| rule.part == part && rule.which == Occurrence::All)
    }

    pub fn takes(&self, event: &Event) -> bool {
        self.refused.as_ref().is_none_or(|refused| !refused(event))
    }
}

impl Faults {
    /// The operations `which` of `part`, counted from now, answer `Unavailable`: [`FaultPoint::Before`] without an effect,
    /// [`FaultPoint::After`] although they had it.
    pub fn fail(&self, part: Dependency, which: Occurrence, moment: FaultPoint) {
        self.0.0.plan.borrow_mut().rules.push(Rule { part, which, moment, seen: 0 });
    }

    /// `part` does not answer until it is healed.
    pub fn take_down(&self, part: Dependency) {
        self.fail(part, Occurrence::All, FaultPoint::Before);
    }

    /// `part` answers again.
    pub fn restore(&self, part: Dependency) {
        self.0.0.plan.borrow_mut().rules.retain(|rule| rule.part != part);
    }

    /// Everything answers again, the bus takes every event, and nothing crashes any more.
    pub fn restore_all(&self) {
        let mut plan = self.0.0.plan.borrow_mut();
        plan.rules.clear();
        plan.crashes.clear();
        plan.refused = None;
    }

    /// The bus answers, but does not take the events that `refused` names.
    pub fn reject_events(&self, refused: impl Fn(&Event) -> bool + 'static) {
        self.0.0.plan.borrow_mut().refused = Some(Box::new(refused));
    }

    /// The process that does the durable operation `number` (from 1, counted from the beginning of the platform) dies there.
    /// It must run in [`super::Platform::run`]; outside of it, it stands still for ever.
    pub fn crash(&self, number: usize, moment: FaultPoint) {
        self.0.0.plan.borrow_mut().crashes.push((number, moment));
    }

    /// A real store begins an operation of `part`: counts it among those of the platform, and says what shall go wrong with it.
    pub fn begin(&self, part: Dependency, name: &'static str) -> InjectedFault {
        self.0.0.plan.borrow_mut().durable(part, name)
    }

    /// Whether `part` does not answer until it is healed.
    pub fn is_down(&self, part: Dependency) -> bool {
        self.0.0.plan.borrow().is_down(part)
    }

    /// Whether processes that run at the same time take turns.
    pub fn is_interleaved(&self) -> bool {
        self.0.0.plan.borrow().interleaved
    }

    /// From now on each operation gives way once before it begins, so that processes that run at the same time take turns.
    pub fn interleave(&self) {
        self.0.0.plan.borrow_mut().interleaved = true;
    }
}
