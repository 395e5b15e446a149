//! Random faults: dependencies that fail or are slow, a bus that rejects events, processes that crash or are cut at their timeout, one
//! context without its database, a database that only reads.

use super::{
    choices::{Choice, Choices},
    processes::Processes,
};
use catalog::Context;
use std::{cell::Cell, rc::Rc, time::Duration};
use testkit::{Access, Dependency, FaultPoint, InjectedFault, Occurrence, Platform};

/// Dependencies that fail independently.
pub const DEPENDENCIES: [Dependency; 11] = [
    Dependency::Database,
    Dependency::Bus,
    Dependency::Gateway,
    Dependency::Table,
    Dependency::Cache,
    Dependency::Email,
    Dependency::Documents,
    Dependency::Archive,
    Dependency::Log,
    Dependency::Stream,
    Dependency::DeadLetters,
];

/// Every point at which an operation can fail.
const FAULT_POINTS: [FaultPoint; 4] =
    [FaultPoint::Before, FaultPoint::After, FaultPoint::InFlight, FaultPoint::Uncommitted];

/// Seconds that an operation of a slow service takes.
const SLOW: [u64; 5] = [0, 1, 4, 12, 40];

/// Contexts whose database may be down alone.
const CONTEXTS: [Context; 4] = [Context::Orders, Context::Inventory, Context::Payments, Context::Notifications];

/// Faults that depend on what runs and that last until they are ended.
#[derive(Debug, Default)]
struct Lasting {
    /// The bus rejects some of the events that it gets.
    rejects_some: Cell<bool>,
    slow: Cell<Option<Dependency>>,
    without_database: Cell<Option<Context>>,
    only_reads: Cell<bool>,
    /// What is down for hours.
    down: Cell<Option<Dependency>>,
}

/// The faults of one schedule.
pub struct FaultInjector {
    platform: Platform,
    choices: Rc<Choices>,
    lasting: Rc<Lasting>,
}

impl Lasting {
    /// The faults of an operation of the invocation that is running.
    fn of(&self, dependency: Dependency, access: Access, processes: &Processes, choices: &Choices) -> InjectedFault {
        let is_slow = self.slow.get() == Some(dependency);
        let seconds = if is_slow { SLOW[choices.choose(Choice::Slow, SLOW.len())] } else { 0 };
        let is_over = processes.wait(Duration::from_secs(seconds));
        // What was asked for when time ran out is done or not.
        let crash = is_over.then(|| FAULT_POINTS[choices.choose(Choice::FaultPoint, FAULT_POINTS.len())]);
        if is_over {
            choices.log(|| format!("the invocation is cut at its timeout, {crash:?}"));
        }
        let context = processes.running().and_then(|process| process.context);
        let is_down = context.is_some() && context == self.without_database.get();
        let is_refused = self.only_reads.get() && access == Access::Write;
        let fails =
            dependency == Dependency::Database && (is_down || is_refused) || self.down.get() == Some(dependency);
        InjectedFault { crash, fail: fails.then_some(FaultPoint::Before) }
    }
}

impl FaultInjector {
    /// An injector without active faults. Chooses whether processes interleave, and installs the bus that rejects events. `processes` are
    /// those of stores in memory; on PostgreSQL, operations do not know for whom they run.
    pub fn begin(platform: &Platform, processes: Option<&Rc<Processes>>, choices: &Rc<Choices>) -> Self {
        let injector = Self { platform: platform.clone(), choices: Rc::clone(choices), lasting: Rc::default() };
        let faults = platform.faults();
        if choices.choose(Choice::Interleave, 4) != 0 {
            choices.log(|| "processes interleave at each operation".to_owned());
            faults.interleave();
        }
        if let Some(processes) = processes {
            let (processes, choices, lasting) =
                (Rc::clone(processes), Rc::clone(choices), Rc::clone(&injector.lasting));
            faults.intercept(move |dependency, access| lasting.of(dependency, access, &processes, &choices));
        }
        let (choices, lasting) = (Rc::clone(choices), Rc::clone(&injector.lasting));
        faults.reject_events(move |event| {
            let refuses = lasting.rejects_some.get() && choices.one_in(Choice::BusRejects, 2);
            if refuses {
                choices.log(|| format!("the bus rejects {}", event.event.row().name));
            }
            refuses
        });
        injector
    }

    /// Injects a fault or ends one in 14 of `odds` cases.
    pub fn next(&self, odds: usize) {
        let (choices, faults) = (&*self.choices, self.platform.faults());
        let kind = choices.choose(Choice::Fault, odds);
        match kind {
            0 => {
                let part = self.dependency();
                choices.log(|| format!("{part:?} is down"));
                faults.take_down(part);
            }
            1..=5 => {
                let part = self.dependency();
                choices.log(|| format!("{part:?} is up"));
                faults.restore(part);
            }
            6 | 7 => {
                let (part, point) = (self.dependency(), self.point());
                let count = 1 + choices.choose(Choice::Count, 6) as u64;
                let which = if kind == 6 { Occurrence::First(count) } else { Occurrence::Nth(count) };
                choices.log(|| format!("{part:?} fails, {which:?} of its operations, {point:?}"));
                faults.fail(part, which, point);
            }
            8 | 9 => {
                let point = self.point();
                let number = self.platform.operation_count() + 1 + choices.choose(Choice::Count, 6);
                choices.log(|| format!("the process crashes at operation {number}, {point:?}"));
                faults.crash(number, point);
            }
            10 => {
                let rejects_some = !self.lasting.rejects_some.get();
                choices.log(|| {
                    format!("the bus {}", if rejects_some { "rejects some events" } else { "accepts all events" })
                });
                self.lasting.rejects_some.set(rejects_some);
            }
            11 => {
                let slow = if self.lasting.slow.get().is_some() { None } else { Some(self.dependency()) };
                choices.log(|| format!("slow: {slow:?}"));
                self.lasting.slow.set(slow);
            }
            12 => {
                let context = CONTEXTS[choices.choose(Choice::Dependency, CONTEXTS.len())];
                let down = if self.lasting.without_database.get().is_some() { None } else { Some(context) };
                choices.log(|| format!("without a database: {down:?}"));
                self.lasting.without_database.set(down);
            }
            13 => {
                let only_reads = !self.lasting.only_reads.get();
                choices.log(|| format!("the database only reads: {only_reads}"));
                self.lasting.only_reads.set(only_reads);
            }
            _ => {}
        }
    }

    /// From now on, this dependency is down, or none: whatever else is injected or ended.
    pub fn set_down(&self, down: Option<Dependency>) {
        if self.lasting.down.replace(down) != down {
            self.choices.log(|| format!("down for hours: {down:?}"));
        }
    }

    /// Ends all faults but for what is down for hours.
    pub fn calm(&self) {
        let Lasting { rejects_some, slow, without_database, only_reads, .. } = &*self.lasting;
        rejects_some.set(false);
        slow.set(None);
        without_database.set(None);
        only_reads.set(false);
        DEPENDENCIES.into_iter().for_each(|one| self.platform.faults().restore(one));
    }

    pub fn end(&self) {
        self.lasting.slow.set(None);
        self.choices.log(|| "no faults from here on".to_owned());
        self.platform.faults().restore_all();
    }

    fn dependency(&self) -> Dependency {
        DEPENDENCIES[self.choices.choose(Choice::Dependency, DEPENDENCIES.len())]
    }

    fn point(&self) -> FaultPoint {
        FAULT_POINTS[self.choices.choose(Choice::FaultPoint, FAULT_POINTS.len())]
    }
}
