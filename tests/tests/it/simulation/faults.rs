//! Random faults: dependencies that fail, a bus that rejects events, processes that crash.

use super::choices::{Choice, Choices};
use std::{cell::Cell, rc::Rc};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

/// Dependencies that fail independently.
const DEPENDENCIES: [Dependency; 11] = [
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

/// The faults of one schedule.
pub struct FaultInjector {
    platform: Platform,
    choices: Rc<Choices>,
    rejects_some: Rc<Cell<bool>>,
}

impl FaultInjector {
    /// An injector without active faults. Chooses whether processes interleave, and installs the bus that rejects events.
    pub fn begin(platform: &Platform, choices: &Rc<Choices>) -> Self {
        let injector = Self { platform: platform.clone(), choices: Rc::clone(choices), rejects_some: Rc::default() };
        let faults = platform.faults();
        if choices.choose(Choice::Interleave, 4) != 0 {
            choices.log(|| "processes interleave at each operation".to_owned());
            faults.interleave();
        }
        let (choices, rejects_some) = (Rc::clone(choices), Rc::clone(&injector.rejects_some));
        faults.reject_events(move |event| {
            let refuses = rejects_some.get() && choices.one_in(Choice::BusRejects, 2);
            if refuses {
                choices.log(|| format!("the bus rejects {}", event.event.row().name));
            }
            refuses
        });
        injector
    }

    /// Injects a fault or ends one in 11 of `odds` cases.
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
                let rejects_some = !self.rejects_some.get();
                choices.log(|| {
                    format!("the bus {}", if rejects_some { "rejects some events" } else { "accepts all events" })
                });
                self.rejects_some.set(rejects_some);
            }
            _ => {}
        }
    }

    /// Ends all faults.
    pub fn end(&self) {
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
