//! The whole platform in one process: the real handlers over the in-memory fakes, with a crash at every durable operation in turn, and
//! with pseudorandom duplicates, races, outages and crashes. `docs/correctness.md` lists the invariants; a failure prints the command
//! that replays it.

mod accounts;
mod amounts;
mod backend;
mod choices;
mod commands;
mod days;
mod defects;
mod dispatch;
mod faults;
mod gateway_keys;
mod losses;
mod messages;
mod on_postgres;
mod processes;
mod products;
mod requests;
mod rules;
mod run;
mod scale;
mod stream_position;
mod subscriptions;
mod trace;
mod webhooks;
mod world;

use backend::Memory;
use choices::Choices;
use commands::Plan;
use defects::Defect;
use rules::Violation;
use run::RunReport;
use std::{
    collections::BTreeMap,
    env,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};
use testkit::{FaultPoint, build};
use trace::ExecutionTrace;

/// Random schedules of a normal test run.
const SCHEDULES: u64 = 4_000;

/// The value of an environment variable.
fn env_var<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} cannot be parsed")))
}

fn in_order(plan: Plan, crash: Option<(usize, FaultPoint)>, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::in_order(Memory::new(), build::noon(), plan, crash, defect)
}

fn at_random(seed: u64, defect: Option<Defect>) -> Result<RunReport, Violation> {
    with_choices(seed, &Rc::new(Choices::of(seed)), defect)
}

fn with_choices(seed: u64, choices: &Rc<Choices>, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::at_random(Memory::new(), build::noon(), seed, choices, defect)
}

/// Runs a trace. Returns its log and its outcome.
fn replay(trace: &ExecutionTrace, defect: Option<Defect>) -> (Vec<String>, Result<RunReport, Violation>) {
    let choices = Rc::new(Choices::given(trace));
    let outcome = with_choices(trace.seed, &choices, defect);
    (choices.log_lines(), outcome)
}

/// The trace of a seed that violates a rule, and the smallest trace found that violates the same rule.
fn shrink_failure(seed: u64, violation: &Violation, defect: Option<Defect>) -> (ExecutionTrace, ExecutionTrace) {
    let choices = Rc::new(Choices::recorded(seed));
    drop(with_choices(seed, &choices, defect));
    let whole = ExecutionTrace::of(seed, &choices);
    let fails = |trace: &ExecutionTrace| replay(trace, defect).1.is_err_and(|other| other.rule == violation.rule);
    let small = trace::shrink(whole.clone(), fails);
    (whole, small)
}

/// Describes a failed random schedule: its seed, and a smaller schedule with the same failure.
fn describe_failure(seed: u64, violation: &Violation, defect: Option<Defect>) -> String {
    let (whole, small) = shrink_failure(seed, violation, defect);
    let (log, outcome) = replay(&small, defect);
    let seen = outcome.map_or_else(|violation| violation.details, |_| "nothing".to_owned());
    let (of, left) = (whole.choices.len(), small.choices.len());
    let mut text =
        format!("seed {seed}: {violation}\n{left} of {of} choices other than the default are enough for: {seen}\n");
    for line in log {
        text.extend(["  ", &line, "\n"]);
    }
    let again = "cargo test -p quayside-tests simulation::random_schedules_violate_no_invariant";
    text + &format!(
        "replay the whole schedule: QUAYSIDE_SEED={seed} {again}\nreplay the shrunk one: QUAYSIDE_REPLAY='{small}' {again}"
    )
}

/// All single crashes of a sequential run of `plan`: before and after each operation.
fn crashes(plan: &Plan) -> impl Iterator<Item = (usize, FaultPoint)> {
    let operations = in_order(plan.clone(), None, None).expect("a run without faults").operations;
    (1..=operations).flat_map(|number| [(number, FaultPoint::Before), (number, FaultPoint::After)])
}

fn print_statistics(what: &str, reports: &[RunReport], started: Instant) {
    let schedules = reports.len().max(1);
    let millis = usize::try_from(started.elapsed().as_millis()).unwrap_or(usize::MAX).max(1);
    let a_second = schedules * 1000 / millis;
    let operations = reports.iter().map(|report| report.operations).sum::<usize>() / schedules;
    let steps = reports.iter().map(|report| report.steps).sum::<usize>() / schedules;
    eprintln!(
        "{what}: {schedules} schedules in {millis} ms, {a_second} per second; on average {operations} durable operations \
         and {steps} steps per schedule"
    );
    let mut observed: BTreeMap<&str, usize> = BTreeMap::new();
    reports.iter().flat_map(|report| &report.observed).for_each(|what| *observed.entry(what).or_default() += 1);
    let observed: Vec<String> = observed.iter().map(|(what, count)| format!("{what} in {count}")).collect();
    eprintln!("  {}", observed.join(", "));
}

#[test]
fn crash_before_or_after_any_operation_is_recovered() {
    let started = Instant::now();
    let of = |plan: Plan| crashes(&plan).map(|crash| (plan.clone(), crash)).collect::<Vec<_>>();
    let all = [of(Plan::usual()), of(Plan::full()), of(Plan::unverified()), of(Plan::account())].concat();
    let outcome = on_all_cores(0..all.len() as u64, |take, reports| {
        while let Some(n) = take() {
            let (plan, crash) = &all[usize::try_from(n).expect("few")];
            match in_order(plan.clone(), Some(*crash), None) {
                Ok(report) => reports.push(report),
                Err(violation) => return Some((n, violation)),
            }
        }
        None
    });
    let reports = outcome.unwrap_or_else(|(n, violation)| {
        let (_, (number, point)) = &all[usize::try_from(n).expect("few")];
        panic!("a crash {point:?} operation {number}: {violation}")
    });
    print_statistics("single crashes", &reports, started);
}

/// Runs the schedules of `seeds` on all cores, each by `run`: the reports, and the first that failed.
fn on_all_cores<T: Send>(
    seeds: std::ops::Range<u64>,
    worker: impl Fn(&dyn Fn() -> Option<u64>, &mut Vec<T>) -> Option<(u64, Violation)> + Sync,
) -> Result<Vec<T>, (u64, Violation)> {
    let next = AtomicU64::new(seeds.start);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut reports = vec![];
        let failed = worker(&take, &mut reports);
        if failed.is_some() {
            next.store(seeds.end, Ordering::Relaxed);
        }
        (reports, failed)
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).collect()
    });
    let mut all = vec![];
    let mut first: Option<(u64, Violation)> = None;
    for (reports, failed) in outcomes {
        all.extend(reports);
        first = [first, failed].into_iter().flatten().min_by_key(|(seed, _)| *seed);
    }
    first.map_or(Ok(all), Err)
}

/// `QUAYSIDE_SEED=n` runs one schedule, or with `QUAYSIDE_SCHEDULES=m` the m schedules from there; `QUAYSIDE_REPLAY=…` runs
/// the trace that a failure printed.
#[test]
fn random_schedules_violate_no_invariant() {
    if let Some(trace) = env_var::<ExecutionTrace>("QUAYSIDE_REPLAY") {
        let (log, outcome) = replay(&trace, None);
        log.iter().for_each(|line| eprintln!("  {line}"));
        if let Err(violation) = outcome {
            panic!("{violation}");
        }
        return;
    }
    let (seed, schedules) = (env_var("QUAYSIDE_SEED"), env_var("QUAYSIDE_SCHEDULES"));
    let schedules = schedules.unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let first = seed.unwrap_or(1);
    let started = Instant::now();
    let outcome = on_all_cores(first..first + schedules, |take, reports| {
        while let Some(seed) = take() {
            match at_random(seed, None) {
                Ok(report) => reports.push(report),
                Err(violation) => return Some((seed, violation)),
            }
        }
        None
    });
    let reports = outcome.unwrap_or_else(|(seed, violation)| panic!("{}", describe_failure(seed, &violation, None)));
    print_statistics("random", &reports, started);
}

#[test]
fn same_seed_gives_the_same_run() {
    let run = |seed| format!("{:?}", at_random(seed, None));
    for seed in 1..20 {
        assert_eq!(run(seed), run(seed));
    }
}

/// How a defect was found: after how many schedules of each kind, and the rule that it violates.
struct Found {
    seeded: Option<(u64, Violation)>,
    /// Schedules with a single crash; tried on request, or if no random schedule found the defect.
    crashed: Option<(usize, Violation)>,
    /// How many random schedules find the defect, and of how many; counted on request.
    of_many: Option<(u64, u64)>,
}

impl Found {
    fn of(defect: Defect, try_crashes: bool) -> Self {
        const MOST: u64 = 3_000;
        let seeded = |seed| at_random(seed, Some(defect)).err().map(|violation| (seed, violation));
        let seeded = (1..=MOST).find_map(seeded);
        let crash =
            |(n, crash)| in_order(Plan::full(), Some(crash), Some(defect)).err().map(|violation| (n, violation));
        let crashed = || (1..).zip(crashes(&Plan::full())).find_map(crash);
        let of_many = env_var::<u64>("QUAYSIDE_RATES").map(|many| {
            let finds = |seed: &u64| at_random(*seed, Some(defect)).is_err();
            ((1..=many).filter(finds).count() as u64, many)
        });
        Self { crashed: if try_crashes || seeded.is_none() { crashed() } else { None }, seeded, of_many }
    }

    fn line(&self, description: &str) -> String {
        let or_dash = |n: Option<String>| n.unwrap_or_else(|| "-".to_owned());
        let crashed = or_dash(self.crashed.as_ref().map(|(n, _)| n.to_string()));
        let seeded = or_dash(self.seeded.as_ref().map(|(n, _)| n.to_string()));
        let violation =
            self.seeded.as_ref().map(|(_, violation)| violation).or(self.crashed.as_ref().map(|(_, one)| one));
        let seen: String = violation.map(|violation| violation.details.chars().take(90).collect()).unwrap_or_default();
        let of_many = self.of_many.map(|(found, many)| format!(" | {found} of {many}")).unwrap_or_default();
        format!("{description:<60} | {seeded:>9} | {crashed:>10} | {seen}{of_many}")
    }
}

/// `QUAYSIDE_CRASHES=1` also tries schedules with a single crash, which takes minutes. `QUAYSIDE_RATES=n` counts how many of the first
/// n random schedules find each defect: the measure for a change of the mix of schedules.
#[test]
fn every_seeded_defect_is_found() {
    let try_crashes = env_var::<u8>("QUAYSIDE_CRASHES").is_some();
    let outcome = on_all_cores(0..Defect::ALL.len() as u64, |take, all| {
        while let Some(n) = take() {
            let (defect, description) = Defect::ALL[usize::try_from(n).expect("few")];
            all.push((n, description, Found::of(defect, try_crashes)));
        }
        None
    });
    let mut all = outcome.unwrap_or_default();
    all.sort_by_key(|(n, ..)| *n);
    eprintln!("{:<60} | random    | one crash  | rule violated", "defect: schedules until it is found");
    all.iter().for_each(|(_, description, found)| eprintln!("{}", found.line(description)));
    let is_missed = |found: &Found| found.crashed.is_none() && found.seeded.is_none();
    let missed: Vec<_> =
        all.iter().filter(|(.., found)| is_missed(found)).map(|(_, description, _)| description).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// State and version reject redelivered events even without the inbox.
#[test]
fn orders_and_stock_stay_correct_without_inbox_deduplication() {
    for seed in 1..=400 {
        assert_eq!(at_random(seed, Some(Defect::SkipsInbox)).err(), None, "seed {seed}");
    }
}

/// A failure is only useful if few choices are needed to reproduce it.
#[test]
fn failing_schedule_is_shrunk_and_replays_from_its_text() {
    for defect in [Defect::NumbersInvoiceTwice, Defect::ChargesWithNewKeyPerTry, Defect::PublishesBeforeCommit] {
        let found = (1..).find_map(|seed| at_random(seed, Some(defect)).err().map(|violation| (seed, violation)));
        let (seed, violation) = found.expect("a seed that finds it");
        let (whole, small) = shrink_failure(seed, &violation, Some(defect));
        eprintln!("{defect:?}, {}", describe_failure(seed, &violation, Some(defect)));
        let read: ExecutionTrace = small.to_string().parse().expect("a trace");
        let again = replay(&read, Some(defect)).1.expect_err("the same failure");
        assert_eq!(again.rule, violation.rule);
        assert!(small.choices.len() * 4 <= whole.choices.len(), "{} of {}", small.choices.len(), whole.choices.len());
    }
}
