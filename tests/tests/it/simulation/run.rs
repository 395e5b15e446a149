//! Runs a world until it is idle: sequentially with one crash, or with pseudorandom choices.

use super::{
    backend::Backend,
    choices::{Choice, Choices},
    commands::Plan,
    defects::Defect,
    faults::FaultInjector,
    rules::{self, Violation, rule},
    subscriptions,
    world::{MAX_CONCURRENCY, Task, World},
};
use kernel::Timestamp;
use std::{collections::BTreeSet, rc::Rc, time::Duration};
use testkit::FaultPoint;

/// Steps within which the world must become idle after the last fault.
const LIMIT: usize = 2_000;
/// Sweeps that this may take.
const SWEEPS: usize = 8;
/// Time after which a delivery check has looked at every event.
const CHECKED_AFTER: Duration = Duration::from_secs(3_601);
/// Time after which no fault is injected. A queue dead-letters a message that waits for a dependency only after a day, and one whose process dies
/// again and again after [`catalog::MAX_RECEIVES`] visibility timeouts.
const FAULT_PERIOD: Duration = Duration::from_secs(3 * 3600);

/// The seed of sequential runs. It has an endpoint of webhooks, so that they reach `webhook-enqueue`.
const SEQUENTIAL: u64 = 15;
const _: () = assert!(subscriptions::has_endpoint(SEQUENTIAL));

/// Statistics of a run.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Durable operations.
    pub operations: usize,
    /// Invocations.
    pub steps: usize,
    /// Optional situations that occurred.
    pub observed: BTreeSet<&'static str>,
}

/// Runs tasks in order, one at a time, and crashes at the operation `crash`.
pub fn in_order<S: Backend>(
    backend: S,
    now: Timestamp,
    plan: Plan,
    crash: Option<(usize, FaultPoint)>,
    defect: Option<Defect>,
) -> Result<RunReport, Violation> {
    let mut world = World::new(backend, now, SEQUENTIAL, plan, defect);
    world.through_edge = true;
    if let Some((number, point)) = crash {
        world.platform.faults().crash(number, point);
    }
    let report = until_idle(&mut world, &Choices::none())?;
    let emails = rules::notification_emails(&world.platform).len();
    let due = rules::expected_emails(&world);
    rule!(crash.is_some() || emails == due, "{emails} e-mails, {due} were due, and no fault was injected");
    Ok(report)
}

/// Runs tasks in order, loses message number `lost` permanently, and, with `delivery_checks`, advances the clock until a delivery check finds
/// nothing.
pub fn with_loss<S: Backend>(
    backend: S,
    now: Timestamp,
    plan: Plan,
    lost: Option<usize>,
    delivery_checks: bool,
) -> (World<S>, Result<(), Violation>) {
    let mut world = World::new(backend, now, SEQUENTIAL, plan, None);
    (world.through_edge, world.lost, world.delivery_checks) = (true, lost, delivery_checks);
    let outcome = until_delivered(&mut world);
    (world, outcome)
}

fn until_delivered<S: Backend>(world: &mut World<S>) -> Result<(), Violation> {
    let choices = Choices::none();
    for _ in 0..LIMIT {
        if step(world, &choices)? {
            continue;
        }
        if world.delivery_checks {
            world.clock.advance(CHECKED_AFTER);
            world.work(vec![Task::Sweep], &choices);
        }
        if world.backend.waiting() == 0 {
            world.read_stores();
            rules::always(world)?;
            return rules::when_idle(world);
        }
    }
    Err(Violation { rule: "delivered at the end", details: format!("not delivered after {LIMIT} steps") })
}

/// Runs with the order, batches, duplicates, races, crashes and outages that `choices` gives, and then without faults. Ids derive from `seed`.
pub fn at_random<S: Backend>(
    backend: S,
    now: Timestamp,
    seed: u64,
    choices: &Rc<Choices>,
    defect: Option<Defect>,
) -> Result<RunReport, Violation> {
    let plan = Plan::drawn(choices, backend.can_be_seeded());
    planned(backend, now, seed, plan, choices, defect)
}

/// As [`at_random`], with this plan.
pub fn planned<S: Backend>(
    backend: S,
    now: Timestamp,
    seed: u64,
    plan: Plan,
    choices: &Rc<Choices>,
    defect: Option<Defect>,
) -> Result<RunReport, Violation> {
    let mut world = World::new(backend, now, seed, plan, defect);
    world.through_edge = choices.one_in(Choice::ThroughEdge, 8);
    world.begin_deployment(choices);
    let processes = world.backend.commits_in_order().then_some(&world.processes);
    let faults = FaultInjector::begin(&world.platform, processes, choices);
    let over = now + FAULT_PERIOD;
    let (most, odds) = if world.plan.is_small { (60, 23) } else { (200, 46) };
    for _ in 0..choices.choose(Choice::Steps, most) {
        if world.clock.now() > over {
            break;
        }
        choices.begin_step();
        faults.next(odds);
        // An idle world stays idle whatever faults are injected.
        if !step(&mut world, choices)? {
            break;
        }
    }
    faults.end();
    world.end_faults();
    until_idle(&mut world, choices)
}

/// Runs one step, and checks what holds at all times. Returns `false` if the world is idle.
pub fn step<S: Backend>(world: &mut World<S>, choices: &Choices) -> Result<bool, Violation> {
    let before = world.steps;
    if !unchecked_step(world, choices)? {
        return Ok(false);
    }
    if world.steps > before && world.is_read_due() {
        world.read_stores();
        rules::always(world)?;
    }
    Ok(true)
}

/// As [`step`], without checks.
pub fn unchecked_step<S: Backend>(world: &mut World<S>, choices: &Choices) -> Result<bool, Violation> {
    world.collect(choices);
    if world.is_idle() {
        world.read_stores();
        world.schedule_commands();
        if world.is_idle() && !world.waits_for_time() {
            return Ok(false);
        }
    }
    let at_once = if choices.is_none() { 1 } else { 1 + choices.choose(Choice::Concurrency, MAX_CONCURRENCY) };
    let mut tasks: Vec<_> = (0..at_once).map_while(|_| world.take(choices)).collect();
    tasks.extend(world.early_webhook(&tasks, choices));
    if tasks.is_empty() {
        rule!(world.skip_time(), "stuck: {} events wait", world.backend.waiting());
        return Ok(true);
    }
    world.steps += tasks.len();
    world.work(tasks, choices);
    Ok(true)
}

fn until_idle<S: Backend>(world: &mut World<S>, choices: &Choices) -> Result<RunReport, Violation> {
    let sweeps = world.sweeps;
    for _ in 0..LIMIT {
        choices.begin_step();
        if !step(world, choices)? {
            world.read_stores();
            rules::always(world)?;
            rules::when_idle(world)?;
            rule!(world.sweeps - sweeps <= SWEEPS, "it took {} sweeps", world.sweeps - sweeps);
            let operations = world.platform.operation_count();
            return Ok(RunReport { operations, steps: world.steps, observed: rules::observed(world) });
        }
    }
    let (messages, events, requests) =
        (world.queue.len(), world.backend.waiting(), world.requests.iter().filter(|request| request.is_open()));
    Err(Violation {
        rule: "idle at the end",
        details: format!(
            "not idle after {LIMIT} steps: {messages} messages, {events} events, {} requests, stream at {:?}, topics at {:?}",
            requests.count(),
            world.stream,
            world.topics.values().map(|(_, position)| position).collect::<Vec<_>>()
        ),
    })
}
