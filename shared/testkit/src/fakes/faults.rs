//! Fault injection: failing dependencies, events that the bus rejects, and crash points.

use super::Faults;
use domain::Event;
use kernel::Failure;

/// A dependency that can fail independently of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// PostgreSQL: all stores and the outbox.
    Database,
    /// The products table in DynamoDB.
    Table,
    Bus,
    /// Redis: the cache and the circuit breaker.
    Cache,
    Gateway,
    Email,
    Sms,
    Push,
    /// The receivers of webhooks.
    Webhooks,
    /// The S3 bucket of invoices.
    Documents,
    /// The S3 bucket of archived events.
    Archive,
    /// The event log in Kafka.
    Log,
    /// The analytics stream in Kinesis.
    Stream,
    /// The keys that sign access tokens.
    Keys,
    DeadLetters,
    /// The event source mappings of Lambda.
    Mappings,
}

impl Dependency {
    /// The name in the response of `/ready`.
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
            Self::Webhooks => "webhooks",
            Self::Documents => "documents",
            Self::Archive => "archive",
            Self::Log => "log",
            Self::Stream => "stream",
            Self::Keys => "keys",
            Self::DeadLetters => "dead-letters",
            Self::Mappings => "mappings",
        }
    }

    /// The failure of an operation while this dependency is down.
    pub fn down(self) -> Failure {
        Failure::unavailable(self.name(), "a fault is injected")
    }
}

/// Point of an operation at which a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    Before,
    /// After the effect: only the response is lost.
    After,
    /// After the request was sent: its effect may coincide with the next attempt. In-memory fakes apply it at once.
    InFlight,
    /// Between the start of the transaction and its commit, which never happens. In-memory fakes do nothing.
    Uncommitted,
}

impl FaultPoint {
    /// Whether an in-memory operation with this fault has no effect.
    fn is_before(self) -> bool {
        matches!(self, Self::Before | Self::Uncommitted)
    }
}

/// The operations that a fault applies to, counted from its injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    All,
    First(u64),
    /// Only the n-th, counted from 1.
    Nth(u64),
}

/// A durable operation that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    pub dependency: Dependency,
    /// For example `orders.place` or `bus.publish`.
    pub name: &'static str,
}

#[derive(Default)]
pub(super) struct Plan {
    pub operations: Vec<Operation>,
    pub interleaved: bool,
    rules: Vec<Rule>,
    crashes: Vec<(usize, FaultPoint)>,
    rejected: Option<Box<Rejected>>,
    hook: Option<Box<Hook>>,
}

type Rejected = dyn Fn(&Event) -> bool;
type Hook = dyn Fn(Dependency, Access) -> InjectedFault;

/// Whether an operation may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

struct Rule {
    dependency: Dependency,
    occurrence: Occurrence,
    point: FaultPoint,
    count: u64,
}

/// The faults injected into one operation.
#[derive(Debug, Default, Clone, Copy)]
pub struct InjectedFault {
    /// The process crashes here.
    pub crash: Option<FaultPoint>,
    /// The dependency fails here.
    pub fail: Option<FaultPoint>,
}

impl InjectedFault {
    pub(super) fn crashes(self, before: bool) -> bool {
        self.crash.is_some_and(|point| point.is_before() == before)
    }

    pub(super) fn fails(self, before: bool) -> bool {
        self.fail.is_some_and(|point| point.is_before() == before)
    }
}

impl Plan {
    pub fn begin(&mut self, dependency: Dependency, name: &'static str) -> InjectedFault {
        self.operations.push(Operation { dependency, name });
        let number = self.operations.len();
        let crash = self.crashes.iter().find(|(at, _)| *at == number).map(|(_, point)| *point);
        let fault = InjectedFault { crash, fail: self.failing(dependency) };
        self.with_hook(fault, dependency, Access::Write)
    }

    /// The faults of an operation that only reads.
    pub fn begin_query(&mut self, dependency: Dependency) -> InjectedFault {
        let fault = InjectedFault { crash: None, fail: self.failing(dependency) };
        self.with_hook(fault, dependency, Access::Read)
    }

    fn with_hook(&self, fault: InjectedFault, dependency: Dependency, access: Access) -> InjectedFault {
        let Some(hook) = &self.hook else { return fault };
        let more = hook(dependency, access);
        InjectedFault { crash: fault.crash.or(more.crash), fail: fault.fail.or(more.fail) }
    }

    fn failing(&mut self, dependency: Dependency) -> Option<FaultPoint> {
        let mut failing = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.dependency == dependency) {
            rule.count += 1;
            let hit = match rule.occurrence {
                Occurrence::All => true,
                Occurrence::First(n) => rule.count <= n,
                Occurrence::Nth(n) => rule.count == n,
            };
            if hit && failing.is_none() {
                failing = Some(rule.point);
            }
        }
        failing
    }

    /// Whether the dependency is down until it is restored.
    pub fn is_down(&self, dependency: Dependency) -> bool {
        self.rules.iter().any(|rule| rule.dependency == dependency && rule.occurrence == Occurrence::All)
    }

    pub fn accepts(&self, event: &Event) -> bool {
        self.rejected.as_ref().is_none_or(|rejected| !rejected(event))
    }
}

impl Faults {
    /// Makes these operations of `dependency` fail with `Unavailable`: without an effect at [`FaultPoint::Before`],
    /// with it at [`FaultPoint::After`].
    pub fn fail(&self, dependency: Dependency, occurrence: Occurrence, point: FaultPoint) {
        self.0.0.plan.borrow_mut().rules.push(Rule { dependency, occurrence, point, count: 0 });
    }

    /// Fails every operation of `dependency` until it is restored.
    pub fn take_down(&self, dependency: Dependency) {
        self.fail(dependency, Occurrence::All, FaultPoint::Before);
    }

    /// Removes the faults of `dependency`.
    pub fn restore(&self, dependency: Dependency) {
        self.0.0.plan.borrow_mut().rules.retain(|rule| rule.dependency != dependency);
    }

    /// Removes all faults, rejections and crash points.
    pub fn restore_all(&self) {
        let mut plan = self.0.0.plan.borrow_mut();
        plan.rules.clear();
        plan.crashes.clear();
        plan.rejected = None;
        plan.hook = None;
    }

    /// Asks `hook` for the faults of every operation that starts, in addition to the injected ones. It must not inject any itself.
    pub fn intercept(&self, hook: impl Fn(Dependency, Access) -> InjectedFault + 'static) {
        self.0.0.plan.borrow_mut().hook = Some(Box::new(hook));
    }

    /// Makes the bus reject the events for which `rejected` returns true.
    pub fn reject_events(&self, rejected: impl Fn(&Event) -> bool + 'static) {
        self.0.0.plan.borrow_mut().rejected = Some(Box::new(rejected));
    }

    /// Crashes the process at the durable operation `number`, counted from 1 since the platform was created. The
    /// process must run in [`super::Platform::run`]; elsewhere its future never completes.
    pub fn crash(&self, number: usize, point: FaultPoint) {
        self.0.0.plan.borrow_mut().crashes.push((number, point));
    }

    /// Records an operation that a real store starts, and returns the faults to inject into it.
    pub fn begin(&self, dependency: Dependency, name: &'static str) -> InjectedFault {
        self.0.0.plan.borrow_mut().begin(dependency, name)
    }

    /// Whether `dependency` is down until it is restored.
    pub fn is_down(&self, dependency: Dependency) -> bool {
        self.0.0.plan.borrow().is_down(dependency)
    }

    /// Whether operations of concurrent processes are interleaved.
    pub fn is_interleaved(&self) -> bool {
        self.0.0.plan.borrow().interleaved
    }

    /// Makes every operation yield once before it starts, so that concurrent processes interleave.
    pub fn interleave(&self) {
        self.0.0.plan.borrow_mut().interleaved = true;
    }
}
