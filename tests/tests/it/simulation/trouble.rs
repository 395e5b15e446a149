//! What goes wrong by chance: parts that fail, a bus that is picky, processes that die.

use super::chance::{Chance, Draw};
use std::{cell::Cell, rc::Rc};
use testkit::{Moment, Part, Platform, Which};

/// Parts that fail on their own.
const PARTS: [Part; 11] = [
    Part::Database,
    Part::Bus,
    Part::Gateway,
    Part::Table,
    Part::Cache,
    Part::Mail,
    Part::Documents,
    Part::Archive,
    Part::Log,
    Part::Stream,
    Part::DeadLetters,
];

/// Every moment at which an operation can fail.
const MOMENTS: [Moment; 4] = [Moment::Before, Moment::After, Moment::Sent, Moment::Half];

/// The trouble of one schedule.
pub struct Trouble {
    platform: Platform,
    chance: Rc<Chance>,
    is_picky: Rc<Cell<bool>>,
}

impl Trouble {
    /// Nothing is wrong yet. Whether processes take turns is settled here, and so is which events a picky bus takes.
    pub fn begin(platform: &Platform, chance: &Rc<Chance>) -> Self {
        let trouble = Self { platform: platform.clone(), chance: Rc::clone(chance), is_picky: Rc::default() };
        let faults = platform.faults();
        if chance.draw(Draw::TakeTurns, 4) != 0 {
            chance.say(|| "processes take turns at each operation".to_owned());
            faults.interleave();
        }
        let (chance, is_picky) = (Rc::clone(chance), Rc::clone(&trouble.is_picky));
        faults.refuse_events(move |event| {
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
        let kind = chance.draw(Draw::Trouble, odds);
        match kind {
            0 => {
                let part = self.part();
                chance.say(|| format!("{part:?} is down"));
                faults.break_down(part);
            }
            1..=5 => {
                let part = self.part();
                chance.say(|| format!("{part:?} is well"));
                faults.heal(part);
            }
            6 | 7 => {
                let (part, moment) = (self.part(), self.moment());
                let count = 1 + chance.draw(Draw::Count, 6) as u64;
                let which = if kind == 6 { Which::First(count) } else { Which::Nth(count) };
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
        self.platform.faults().heal_all();
    }

    fn part(&self) -> Part {
        PARTS[self.chance.draw(Draw::Part, PARTS.len())]
    }

    fn moment(&self) -> Moment {
        MOMENTS[self.chance.draw(Draw::Moment, MOMENTS.len())]
    }
}
