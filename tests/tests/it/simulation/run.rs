//! Runs of a world until all is quiet: every crash in turn, or what chance makes of a seed.

use super::{
    chance::{Chance, mixed},
    defects::Defect,
    rules::{self, Broken},
    shop::ASKS,
    world::World,
};
use std::{cell::Cell, rc::Rc};
use testkit::{Moment, Part, Which, build};

/// Steps within which all must be quiet once nothing goes wrong any more.
const LIMIT: usize = 2_000;
/// Sweeps that this may take.
const SWEEPS: usize = 5;
/// Seconds after which the longest trouble is over. A queue gives a message up after more than seven hours of attempts.
const TROUBLE_SECONDS: i64 = 3 * 3600;

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail {
    /// Durable operations.
    pub operations: usize,
    /// Invocations.
    pub steps: usize,
}

/// Runs in order, one task at a time, and dies before or after the operation `crash`.
pub fn in_order(crash: Option<(usize, Moment)>, defect: Option<Defect>) -> Result<Trail, Broken> {
    let mut world = World::new(7, ASKS, defect);
    world.through_edge = true;
    if let Some((number, moment)) = crash {
        world.platform.faults().crash(number, moment);
    }
    let trail = until_quiet(&mut world, None)?;
    if crash.is_none() {
        let letters = world.platform.mailer().sent().len();
        if letters != 3 {
            return Err(format!("{letters} letters although nothing went wrong"));
        }
    }
    Ok(trail)
}

/// Runs what follows from `seed`: order, batches, copies, races, crashes and outages; then all heals.
pub fn by_chance(seed: u64, defect: Option<Defect>) -> Result<Trail, Broken> {
    let chance = Chance::of(seed);
    let mut world = World::new(seed, ASKS, defect);
    world.through_edge = chance.one_in(8);
    let faults = world.platform.faults();
    if !chance.one_in(4) {
        faults.interleave();
    }
    let is_picky = Rc::new(Cell::new(false));
    let (picky, asked) = (Rc::clone(&is_picky), Cell::new(seed));
    faults.refuse_events(move |_| {
        asked.set(mixed(asked.get().wrapping_add(1)));
        picky.get() && asked.get() % 2 == 0
    });
    let over = build::at(TROUBLE_SECONDS);
    for _ in 0..chance.below(200) {
        if world.clock.now() > over {
            break;
        }
        trouble(&world, &chance, &is_picky);
        step(&mut world, Some(&chance))?;
    }
    faults.heal_all();
    until_quiet(&mut world, Some(&chance))
}

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

/// What goes wrong next, or is well again.
fn trouble(world: &World, chance: &Chance, is_picky: &Cell<bool>) {
    let faults = world.platform.faults();
    let part = PARTS[chance.below(PARTS.len())];
    match chance.below(40) {
        0 => faults.break_down(part),
        1..=5 => faults.heal(part),
        6 => {
            let moment = if chance.one_in(2) { Moment::Before } else { Moment::After };
            faults.fail(part, Which::First(1 + chance.below(4) as u64), moment);
        }
        7 => {
            let moment = if chance.one_in(2) { Moment::Before } else { Moment::After };
            faults.fail(part, Which::Nth(1 + chance.below(6) as u64), moment);
        }
        8 | 9 => {
            let number = world.platform.operations().len() + 1 + chance.below(6);
            faults.crash(number, if chance.one_in(2) { Moment::Before } else { Moment::After });
        }
        10 => is_picky.set(!is_picky.get()),
        _ => {}
    }
}

/// One step; `false` when all is quiet.
fn step(world: &mut World, chance: Option<&Chance>) -> Result<bool, Broken> {
    world.collect(chance);
    if world.is_quiet() {
        return Ok(false);
    }
    let at_once = chance.map_or(1, |chance| 1 + chance.below(3));
    let tasks: Vec<_> = (0..at_once).map_while(|_| world.take(chance)).collect();
    if tasks.is_empty() {
        return match world.skip_time() {
            true => Ok(true),
            false => Err(format!("it stands still: {} events wait", world.platform.outbox().waiting().len())),
        };
    }
    world.steps += tasks.len();
    world.work(tasks, chance);
    rules::always(world)?;
    Ok(true)
}

fn until_quiet(world: &mut World, chance: Option<&Chance>) -> Result<Trail, Broken> {
    let sweeps = world.sweeps;
    for _ in 0..LIMIT {
        if !step(world, chance)? {
            rules::at_rest(world)?;
            if world.sweeps - sweeps > SWEEPS {
                return Err(format!("it took {} sweeps", world.sweeps - sweeps));
            }
            return Ok(Trail { operations: world.platform.operations().len(), steps: world.steps });
        }
    }
    Err(format!(
        "not quiet after {LIMIT} steps: {} messages, {} events",
        world.line.len(),
        world.platform.outbox().waiting().len()
    ))
}
