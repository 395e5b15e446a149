//! What goes wrong by chance: parts that fail, a bus that is picky, processes that die.

use super::chance::{Chance, Draw};
use std::{cell::Cell, rc::Rc};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

/// Parts that fail on their own.
const PARTS: [Dependency; 11] = [
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

/// Every moment at which an operation can fail.
const MOMENTS: [FaultPoint; 4] = [FaultPoint::Before, FaultPoint::After, FaultPoint::InFlight, FaultPoint::Uncommitted];

/// The trouble of one schedule.
pub struct FaultInjector {
    platform: Platform,
    chance: Rc<Chance>,
    is_picky: Rc<Cell<bool>>,
}

impl FaultInjector {
    /// Nothing is wrong yet. Whether processes take turns is settled here, and so is which events a picky bus takes.
    pub fn begin(platform: &Platform, chance: &Rc<Chance>) -> Self {
        let trouble = Self { platform: platform.clone(), chance: Rc::clone(chance), is_picky: Rc::default() };
        let faults = platform.faults();
        if chance.draw(Draw::TakeTurns, 4) != 0 {
            chance.say(|| "processes take turns at each operation".to_owned());
            faults.interleave();
        }
        let (chance, is_picky) = (Rc::clone(chance), Rc::clone(&trouble.is_picky));
        faults.reject_events(move |event| {
            let refuses = is_picky.get() && chance.one_in(Draw::Refuse, 2);
            if refuses {
                chance.say(|| format!("the bus refuses {}", event.event.row().name));
            }
            refuses
        });
        trouble
    }

    /// What goes wrong next, or is well again: in eleven cases of `odds` something is.
    pub fn next(&self, odds: usize) {
        let (chance, faults) = (&*self.chance, self.platform.faults());
        let kind = chance.draw(Draw::Fault, odds);
        match kind {
            0 => {
                let part = self.part();
                chance.say(|| format!("{part:?} is down"));
                faults.take_down(part);
            }
            1..=5 => {
                let part = self.part();
                chance.say(|| format!("{part:?} is well"));
                faults.restore(part);
            }
            6 | 7 => {
                let (part, moment) = (self.part(), self.moment());
                let count = 1 + chance.draw(Draw::Count, 6) as u64;
                let which = if kind == 6 { Occurrence::First(count) } else { Occurrence::Nth(count) };
                chance.say(|| format!("{part:?} fails, {which:?} of what comes, {moment:?}"));
                faults.fail(part, which, moment);
            }
            8 | 9 => {
                let moment = self.moment();
                let number = self.platform.operation_count() + 1 + chance.draw(Draw::Count, 6);
                chance.say(|| format!("whoever does operation {number} dies, {moment:?}"));
                faults.crash(number, moment);
            }
            10 => {
                let is_picky = !self.is_picky.get();
                chance.say(|| format!("the bus is {}", if is_picky { "picky" } else { "not picky any more" }));
                self.is_picky.set(is_picky);
            }
            _ => {}
        }
    }

    /// All is well from now on.
    pub fn end(&self) {
        self.chance.say(|| "all is well from here on".to_owned());
        self.platform.faults().restore_all();
    }

    fn part(&self) -> Dependency {
        PARTS[self.chance.draw(Draw::Dependency, PARTS.len())]
    }

    fn moment(&self) -> FaultPoint {
        MOMENTS[self.chance.draw(Draw::FaultPoint, MOMENTS.len())]
    }
}
