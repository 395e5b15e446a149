//! Days of simulated time: a dozen customers order in three currencies, a dependency is down for hours each day, other faults come for an hour
//! at a time, and messages are lost. Scheduled functions run throughout: sweeps with retention, delivery checks, reconciliation of payments,
//! and the comparison of the ledger with the gateway.

use super::{
    accounts,
    backend::{Backend, Memory},
    choices::{Choice, Choices, interleave},
    commands::{self, ACTIONS, Command, FIRST_OF_DAYS, OrderSpec, Plan, SOLE_CUSTOMER},
    defects::Defect,
    env_var,
    faults::{DEPENDENCIES, FaultInjector},
    on_all_cores,
    rules::{self, Violation, rule},
    run,
    world::{Task, World},
};
use domain::order::ShortfallPolicy;
use futures_util::FutureExt as _;
use kernel::Timestamp;
use ports::Ledger as _;
use std::{collections::BTreeSet, ops::RangeInclusive, rc::Rc, sync::LazyLock, time::Duration};
use testkit::{
    Dependency,
    build::{self, UserBuilder},
};

/// Schedules of a normal test run: each dependency is down in some of them. `QUAYSIDE_SEED=n` runs one.
const SCHEDULES: u64 = 3;
/// `QUAYSIDE_SCHEDULES=n` runs one schedule of days for so many short ones.
const SHORT_SCHEDULES: u64 = 200;
const ORDER_COUNT: usize = 40;
pub const CUSTOMERS: RangeInclusive<u64> = 101..=112;
/// Product number and quantity of the line of an order: dollars, euros, of which there are too few, and yen.
const LINES: [&[(u64, i64)]; 6] = [&[(3, 2)], &[(4, 1)], &[(5, 3)], &[(3, 1)], &[(4, 2)], &[(5, 1)]];

const HOUR: u64 = 3600;
/// Orders are placed within this time, and actions follow.
const ORDERING: Duration = Duration::from_secs(84 * HOUR);
/// When faults end.
const FAULT_PERIOD: Duration = Duration::from_secs(108 * HOUR);
/// An outage begins each day, and ends before a message is a day old.
const OUTAGES: u64 = 4;
const OUTAGE_HOURS: [u64; 4] = [1, 4, 11, 20];
/// One hour in so many has short faults.
const HOURS_BETWEEN_FAULTS: i64 = 6;
/// Faults per step in those hours, as [`FaultInjector::next`] takes them.
const ODDS: usize = 46;
/// One message in so many is lost.
const LOSSES: usize = 150;
/// Steps that a schedule takes at most.
const STEPS: usize = 60_000;
/// Time without faults until nothing is left to do: a webhook may be two days late.
const REST: Duration = Duration::from_secs(80 * HOUR);

/// The orders. One in five is declined at first.
pub static ORDERS: LazyLock<Vec<OrderSpec>> = LazyLock::new(|| {
    let customers: Vec<u64> = CUSTOMERS.collect();
    let order = |n: usize| {
        let declined = if n % 5 == 3 { "_chargeDeclined" } else { "" };
        let method: &'static str = format!("pm_card_visa{declined}_{n}").leak();
        OrderSpec { customer: customers[n % customers.len()], method, lines: LINES[n % LINES.len()] }
    };
    (0..ORDER_COUNT).map(order).collect()
});

/// The user with this number.
pub fn user(number: u64) -> UserBuilder {
    let user = if number == SOLE_CUSTOMER { build::user() } else { build::user().number(number) };
    user.id(accounts::customer(number))
}

/// A dependency that is down for hours.
#[derive(Debug)]
struct Outage {
    dependency: Dependency,
    from: Timestamp,
    to: Timestamp,
}

/// One outage each day. Three consecutive seeds have outages of all dependencies.
fn outages(seed: u64, start: Timestamp, choices: &Choices) -> Vec<Outage> {
    let outage = |day: u64| {
        let number = (seed + 3 * day) % DEPENDENCIES.len() as u64;
        let from = start + Duration::from_secs((24 * day + 2) * HOUR);
        let hours = OUTAGE_HOURS[choices.choose(Choice::Count, OUTAGE_HOURS.len())];
        let dependency = DEPENDENCIES[usize::try_from(number).expect("few")];
        Outage { dependency, from, to: from + Duration::from_secs(hours * HOUR) }
    };
    (0..OUTAGES).map(outage).collect()
}

fn plan(choices: &Choices) -> Plan {
    const WAITS: [u64; 6] = [0, 60, 40 * 60, 3 * HOUR, 9 * HOUR, 20 * HOUR];
    let mut plan = Plan { is_long: true, ..Plan::with(&[], true) };
    plan.policy = ShortfallPolicy::ALL[choices.choose(Choice::Policy, ShortfallPolicy::ALL.len())];
    plan.webhooks = choices.one_in(Choice::Webhooks, 2);
    let between = ORDERING.as_secs() / ORDER_COUNT as u64;
    for n in 0..ORDER_COUNT {
        let late = choices.choose(Choice::Delay, usize::try_from(between).expect("few")) as u64;
        let order = FIRST_OF_DAYS + n;
        plan.commands.push((Command::Place(order), Duration::from_secs(n as u64 * between + late)));
        for action in commands::actions(choices.choose(Choice::Action, ACTIONS + 4), order, order) {
            let wait = WAITS[choices.choose(Choice::Delay, WAITS.len())];
            plan.commands.push((action, Duration::from_secs(wait)));
        }
    }
    plan
}

impl<S: Backend> World<S> {
    /// Whether a message is lost on its way, in a long schedule.
    pub fn is_lost(&self, choices: &Choices) -> bool {
        self.plan.is_long && self.faults_ended.is_none() && choices.one_in(Choice::Loss, LOSSES)
    }
}

fn in_days(seed: u64, defect: Option<Defect>) -> Result<Report, Violation> {
    let choices = Rc::new(Choices::of(seed));
    let start = build::noon();
    let mut world = World::new(Memory::new(), start, seed, plan(&choices), defect);
    (world.through_edge, world.delivery_checks) = (true, true);
    world.begin_deployment(&choices);
    let outages = outages(seed, start, &choices);
    let outages = with_faults(&mut world, &choices, &outages)?;
    until_idle(&mut world, &choices)?;
    world.read_stores();
    rules::always(&world)?;
    rules::when_idle(&world)?;
    compared(&world)?;
    Ok(Report {
        currencies: world.seen.payments.values().map(|payment| payment.amount.currency.code()).collect(),
        outages,
        steps: world.steps,
        hours: (world.clock.now().as_second() - start.as_second()) / 3600,
        observed: rules::observed(&world),
    })
}

/// Runs until faults end, and returns the dependencies that were down.
fn with_faults(
    world: &mut World<Memory>,
    choices: &Rc<Choices>,
    outages: &[Outage],
) -> Result<BTreeSet<&'static str>, Violation> {
    let start = world.clock.now();
    let mut met = BTreeSet::new();
    let faults = FaultInjector::begin(&world.platform, Some(&world.processes), choices);
    while world.clock.now() < start + FAULT_PERIOD {
        choices.begin_step();
        let now = world.clock.now();
        let down = outages.iter().find(|outage| (outage.from..outage.to).contains(&now));
        faults.set_down(down.map(|outage| outage.dependency));
        met.extend(down.map(|outage| outage.dependency.name()));
        if (now.as_second() - start.as_second()) / 3600 % HOURS_BETWEEN_FAULTS == 0 {
            faults.next(ODDS);
        } else {
            faults.calm();
        }
        if !run::step(world, choices)? {
            break;
        }
        rule!(world.steps < STEPS, "{} steps until {}, before faults end", world.steps, world.clock.now());
    }
    faults.end();
    world.end_faults();
    Ok(met)
}

/// Runs without faults until nothing is left to do, and then for days in which only scheduled functions run: in the first, deliveries are
/// checked for the last time at the age of a day.
fn until_idle(world: &mut World<Memory>, choices: &Choices) -> Result<(), Violation> {
    until_nothing_is_left(world, choices)?;
    for seconds in std::iter::repeat_n(HOUR + 1, 30).chain(std::iter::repeat_n(24 * HOUR, 16)) {
        world.clock.advance(Duration::from_secs(seconds));
        let mut scheduled = vec![Task::Sweep];
        scheduled.extend((0..4).map(Task::Maintenance));
        scheduled.into_iter().for_each(|task| world.work(vec![task], choices));
        until_nothing_is_left(world, choices)?;
    }
    Ok(())
}

fn until_nothing_is_left(world: &mut World<Memory>, choices: &Choices) -> Result<(), Violation> {
    let end = world.clock.now() + REST;
    while run::step(world, choices)? {
        choices.begin_step();
        let now = world.clock.now();
        rule!(now < end && world.steps < STEPS, "not idle at {now} after {} steps", world.steps);
    }
    Ok(())
}

/// The ledger has been compared with the statement of the gateway to the last day, and nothing differs.
fn compared(world: &World<Memory>) -> Result<(), Violation> {
    let (from, now) = (build::noon(), world.clock.now());
    let (ledger, period) = (world.platform.ledger(), from..now);
    let report = interleave(vec![ledger.report(&period, 100).boxed_local()], &Choices::none()).pop().expect("a result");
    let report = report.map_err(|failure| Violation { rule: "a report", details: failure.to_string() })?;
    rule!(report.discrepancies.is_empty(), "the ledger differs from the statement: {:?}", report.discrepancies);
    let behind = report.progress.read_until.map(|until| now.as_second() - until.as_second());
    rule!(behind.is_some_and(|seconds| seconds < 2 * 86_400), "the statement is read until {behind:?} s ago");
    Ok(())
}

/// What happened in a schedule.
#[derive(Debug)]
struct Report {
    currencies: BTreeSet<&'static str>,
    outages: BTreeSet<&'static str>,
    steps: usize,
    hours: i64,
    observed: BTreeSet<&'static str>,
}

#[test]
fn days_with_outages_of_hours_and_lost_messages_violate_no_invariant() {
    let (seed, short) = (env_var("QUAYSIDE_SEED"), env_var::<u64>("QUAYSIDE_SCHEDULES"));
    let usual = if seed.is_some() { 1 } else { SCHEDULES };
    let (schedules, first) = (short.map_or(usual, |short| short.div_ceil(SHORT_SCHEDULES)), seed.unwrap_or(1));
    let outcome = on_all_cores(first..first + schedules, |take, reports| {
        while let Some(seed) = take() {
            match in_days(seed, None) {
                Ok(report) => reports.push(report),
                Err(violation) => return Some((seed, violation)),
            }
        }
        None
    });
    let reports = outcome
        .unwrap_or_else(|(seed, violation)| panic!("{violation}\nQUAYSIDE_SEED={seed} repeats this schedule of days"));
    let all =
        |of: fn(&Report) -> &BTreeSet<&'static str>| reports.iter().flat_map(of).copied().collect::<BTreeSet<_>>();
    let (steps, hours) =
        (reports.iter().map(|one| one.steps).sum::<usize>(), reports.iter().map(|one| one.hours).min());
    eprintln!(
        "{} schedules, {steps} steps, at least {hours:?} hours each: {:?}",
        reports.len(),
        all(|one| &one.observed)
    );
    if schedules >= SCHEDULES {
        assert_eq!(all(|one| &one.currencies).len(), 3);
        assert_eq!(all(|one| &one.outages).len(), DEPENDENCIES.len());
    }
}

/// What shows after hours, with lost messages or in several currencies.
#[test]
fn what_shows_in_days_is_found() {
    const MOST: u64 = 6;
    let defects = [
        Defect::NeverChecksDeliveries,
        Defect::NeverSweepsOutbox,
        Defect::NeverSweepsOrders,
        Defect::NeverReconcilesPayments,
        Defect::GivesUpAfterHours,
        Defect::PostsInAnotherCurrency,
    ];
    let outcome = on_all_cores(0..defects.len() as u64, |take, missed| {
        while let Some(n) = take() {
            let defect = defects[usize::try_from(n).expect("few")];
            match (1..=MOST).find_map(|seed| Some((seed, in_days(seed, Some(defect)).err()?))) {
                Some((seed, violation)) => eprintln!("{defect:?}: seed {seed}: {:.200}", violation.details),
                None => missed.push(defect),
            }
        }
        None
    });
    assert_eq!(outcome.unwrap_or_default(), []);
}
