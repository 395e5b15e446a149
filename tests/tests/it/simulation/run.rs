//! Runs of a world until all is quiet: every crash in turn, or what chance makes of a seed.

use super::{
    backend::Backend,
    chance::{Chance, Draw},
    commands::Plan,
    defects::Defect,
    faults::FaultInjector,
    rules::{self, Violation, rule},
    world::{MOST_AT_ONCE, World},
};
use kernel::Timestamp;
use std::{collections::BTreeSet, rc::Rc, time::Duration};
use testkit::FaultPoint;

/// Steps within which all must be quiet once nothing goes wrong any more.
const LIMIT: usize = 2_000;
/// Sweeps that this may take.
const SWEEPS: usize = 5;
/// After this the longest trouble is over. A queue gives a message up after more than seven hours of attempts.
const TROUBLE: Duration = Duration::from_secs(3 * 3600);

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Durable operations.
    pub operations: usize,
    /// Invocations.
    pub steps: usize,
    /// What happened in it, of what need not happen.
    pub saw: BTreeSet<&'static str>,
}

/// Runs in order, one task at a time, and dies at the operation `crash`.
pub fn in_order<S: Backend>(
    site: S,
    now: Timestamp,
    plan: Plan,
    crash: Option<(usize, FaultPoint)>,
    defect: Option<Defect>,
) -> Result<RunReport, Violation> {
    let mut world = World::new(site, now, 7, plan, defect);
    world.through_edge = true;
    if let Some((number, moment)) = crash {
        world.platform.faults().crash(number, moment);
    }
    let trail = until_quiet(&mut world, &Chance::none())?;
    let letters = world.platform.email_sender().sent().len();
    let due = rules::letters(&world.seen);
    rule!(crash.is_some() || letters == due, "{letters} letters, {due} were due, and nothing went wrong");
    Ok(trail)
}

/// Runs what `chance` makes of it: order, batches, copies, races, crashes and outages; then all heals. Ids follow from `seed`.
pub fn by_chance<S: Backend>(
    site: S,
    now: Timestamp,
    seed: u64,
    chance: &Rc<Chance>,
    defect: Option<Defect>,
) -> Result<RunReport, Violation> {
    let plan = Plan::drawn(chance, site.opens());
    let mut world = World::new(site, now, seed, plan, defect);
    world.through_edge = chance.one_in(Draw::ThroughEdge, 8);
    let trouble = FaultInjector::begin(&world.platform, chance);
    let over = now + TROUBLE;
    let (most, odds) = if world.plan.is_small { (60, 20) } else { (200, 40) };
    for _ in 0..chance.draw(Draw::Steps, most) {
        if world.clock.now() > over {
            break;
        }
        chance.begin_step();
        trouble.next(odds);
        // Where all is quiet nothing happens any more, whatever the trouble.
        if !step(&mut world, chance)? {
            break;
        }
    }
    trouble.end();
    until_quiet(&mut world, chance)
}

/// One step; `false` when all is quiet.
fn step<S: Backend>(world: &mut World<S>, chance: &Chance) -> Result<bool, Violation> {
    world.collect(chance);
    if world.is_quiet() {
        world.look();
        world.open_asks();
        if world.is_quiet() && !world.waits_for_time() {
            return Ok(false);
        }
    }
    let at_once = if chance.is_none() { 1 } else { 1 + chance.draw(Draw::AtOnce, MOST_AT_ONCE) };
    let mut tasks: Vec<_> = (0..at_once).map_while(|_| world.take(chance)).collect();
    tasks.extend(world.eager(&tasks, chance));
    if tasks.is_empty() {
        rule!(world.skip_time(), "it stands still: {} events wait", world.site.waiting());
        return Ok(true);
    }
    world.steps += tasks.len();
    world.work(tasks, chance);
    if world.looks() {
        world.look();
        rules::always(world)?;
    }
    Ok(true)
}

fn until_quiet<S: Backend>(world: &mut World<S>, chance: &Chance) -> Result<RunReport, Violation> {
    let sweeps = world.sweeps;
    for _ in 0..LIMIT {
        chance.begin_step();
        if !step(world, chance)? {
            world.look();
            rules::always(world)?;
            rules::at_rest(world)?;
            rule!(world.sweeps - sweeps <= SWEEPS, "it took {} sweeps", world.sweeps - sweeps);
            let operations = world.platform.operation_count();
            return Ok(RunReport { operations, steps: world.steps, saw: rules::saw(world) });
        }
    }
    let (messages, events, asks) =
        (world.line.len(), world.site.waiting(), world.asks.iter().filter(|ask| ask.is_open()));
    Err(Violation {
        rule: "quiet at last",
        seen: format!(
            "not quiet after {LIMIT} steps: {messages} messages, {events} events, {} asks, stream at {:?}, topics at {:?}",
            asks.count(),
            world.stream,
            world.topics.values().map(|(_, shelf)| shelf).collect::<Vec<_>>()
        ),
    })
}
