//! The whole platform in one process, broken everywhere: the real handlers over the in-memory platform, with a crash at every
//! durable operation in turn, and by chance with copies, races, outages and several crashes. `docs/correctness.md` says what is
//! promised; a failure here says how to see it again.

mod backend;
mod chance;
mod commands;
mod defects;
mod dispatch;
mod faults;
mod on_postgres;
mod requests;
mod rules;
mod run;
mod stream_position;
mod trace;
mod world;

use backend::Memory;
use chance::Chance;
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

/// Schedules by chance of a usual test run.
const SCHEDULES: u64 = 4_000;

/// What an environment variable says.
fn told<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} cannot be read")))
}

fn in_order(plan: Plan, crash: Option<(usize, FaultPoint)>, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::in_order(Memory::new(), build::noon(), plan, crash, defect)
}

fn by_chance(seed: u64, defect: Option<Defect>) -> Result<RunReport, Violation> {
    by(seed, &Rc::new(Chance::of(seed)), defect)
}

fn by(seed: u64, chance: &Rc<Chance>, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::by_chance(Memory::new(), build::noon(), seed, chance, defect)
}

/// Runs a trace; what went wrong in it, in words, and what came of it.
fn replay(trace: &ExecutionTrace, defect: Option<Defect>) -> (Vec<String>, Result<RunReport, Violation>) {
    let chance = Rc::new(Chance::given(trace));
    let outcome = by(trace.seed, &chance, defect);
    (chance.said(), outcome)
}

/// The schedule of a seed that breaks a rule, and the smallest one found that breaks the same rule.
fn shrunk(seed: u64, broken: &Violation, defect: Option<Defect>) -> (ExecutionTrace, ExecutionTrace) {
    let chance = Rc::new(Chance::recorded(seed));
    drop(by(seed, &chance, defect));
    let whole = ExecutionTrace::of(seed, &chance);
    let fails = |trace: &ExecutionTrace| replay(trace, defect).1.is_err_and(|other| other.rule == broken.rule);
    let small = trace::shrink(whole.clone(), fails);
    (whole, small)
}

/// What is said of a schedule by chance that failed: its seed, and a smaller one that fails alike.
fn report(seed: u64, broken: &Violation, defect: Option<Defect>) -> String {
    let (whole, small) = shrunk(seed, broken, defect);
    let (words, outcome) = replay(&small, defect);
    let seen = outcome.map_or_else(|broken| broken.seen, |_| "nothing".to_owned());
    let (of, left) = (whole.draws.len(), small.draws.len());
    let mut text = format!("seed {seed}: {broken}\nof {of} things that were unusual {left} are enough for: {seen}\n");
    for line in words {
        text.extend(["  ", &line, "\n"]);
    }
    let again = "cargo test -p quayside-tests simulation::random_schedules_violate_no_invariant";
    text + &format!("again, whole: QUAYSIDE_SEED={seed} {again}\nand small: QUAYSIDE_REPLAY='{small}' {again}")
}

/// Every crash of a run in order of `plan`: each operation, before and after it.
fn crashes(plan: &Plan) -> impl Iterator<Item = (usize, FaultPoint)> {
    let operations = in_order(plan.clone(), None, None).expect("a world where nothing goes wrong").operations;
    (1..=operations).flat_map(|number| [(number, FaultPoint::Before), (number, FaultPoint::After)])
}

fn tell(what: &str, trails: &[RunReport], started: Instant) {
    let schedules = trails.len().max(1);
    let millis = usize::try_from(started.elapsed().as_millis()).unwrap_or(usize::MAX).max(1);
    let a_second = schedules * 1000 / millis;
    let operations = trails.iter().map(|trail| trail.operations).sum::<usize>() / schedules;
    let steps = trails.iter().map(|trail| trail.steps).sum::<usize>() / schedules;
    eprintln!(
        "{what}: {schedules} schedules in {millis} ms, {a_second} a second; a schedule has {operations} durable operations \
         and {steps} steps in the mean"
    );
    let mut saw: BTreeMap<&str, usize> = BTreeMap::new();
    trails.iter().flat_map(|trail| &trail.saw).for_each(|what| *saw.entry(what).or_default() += 1);
    let saw: Vec<String> = saw.iter().map(|(what, count)| format!("{what} in {count}")).collect();
    eprintln!("  {}", saw.join(", "));
}

#[test]
fn crash_before_or_after_any_operation_is_recovered() {
    let started = Instant::now();
    let of = |plan: Plan| crashes(&plan).map(|crash| (plan.clone(), crash)).collect::<Vec<_>>();
    let all = [of(Plan::usual()), of(Plan::full())].concat();
    let outcome = on_all_cores(0..all.len() as u64, |take, trails| {
        while let Some(n) = take() {
            let (plan, crash) = &all[usize::try_from(n).expect("few")];
            match in_order(plan.clone(), Some(*crash), None) {
                Ok(trail) => trails.push(trail),
                Err(broken) => return Some((n, broken)),
            }
        }
        None
    });
    let trails = outcome.unwrap_or_else(|(n, broken)| {
        let (_, (number, moment)) = &all[usize::try_from(n).expect("few")];
        panic!("a crash {moment:?} operation {number}: {broken}")
    });
    tell("enumerated", &trails, started);
}

/// Runs the schedules of `seeds` on all cores, each by `run`: the trails, and the first that failed.
fn on_all_cores<T: Send>(
    seeds: std::ops::Range<u64>,
    worker: impl Fn(&dyn Fn() -> Option<u64>, &mut Vec<T>) -> Option<(u64, Violation)> + Sync,
) -> Result<Vec<T>, (u64, Violation)> {
    let next = AtomicU64::new(seeds.start);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut trails = vec![];
        let failed = worker(&take, &mut trails);
        if failed.is_some() {
            next.store(seeds.end, Ordering::Relaxed);
        }
        (trails, failed)
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).collect()
    });
    let mut all = vec![];
    let mut first: Option<(u64, Violation)> = None;
    for (trails, failed) in outcomes {
        all.extend(trails);
        first = [first, failed].into_iter().flatten().min_by_key(|(seed, _)| *seed);
    }
    first.map_or(Ok(all), Err)
}

/// `QUAYSIDE_SEED=n` runs that schedule alone, or begins there where `QUAYSIDE_SCHEDULES=m` says how many; `QUAYSIDE_REPLAY=…` runs
/// what a failure printed.
#[test]
fn random_schedules_violate_no_invariant() {
    if let Some(trace) = told::<ExecutionTrace>("QUAYSIDE_REPLAY") {
        let (words, outcome) = replay(&trace, None);
        words.iter().for_each(|line| eprintln!("  {line}"));
        if let Err(broken) = outcome {
            panic!("{broken}");
        }
        return;
    }
    let (seed, schedules) = (told("QUAYSIDE_SEED"), told("QUAYSIDE_SCHEDULES"));
    let schedules = schedules.unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let first = seed.unwrap_or(1);
    let started = Instant::now();
    let outcome = on_all_cores(first..first + schedules, |take, trails| {
        while let Some(seed) = take() {
            match by_chance(seed, None) {
                Ok(trail) => trails.push(trail),
                Err(broken) => return Some((seed, broken)),
            }
        }
        None
    });
    let trails = outcome.unwrap_or_else(|(seed, broken)| panic!("{}", report(seed, &broken, None)));
    tell("seeded", &trails, started);
}

#[test]
fn the_same_seed_goes_the_same_way() {
    let run = |seed| format!("{:?}", by_chance(seed, None));
    for seed in 1..20 {
        assert_eq!(run(seed), run(seed));
    }
}

/// What found a defect: after how many schedules of each kind, and the rule that was broken.
struct Found {
    seeded: Option<(u64, Violation)>,
    /// The schedules with one crash, where somebody asked for those, too, or nothing else helped.
    crashed: Option<(usize, Violation)>,
    /// How many schedules by chance of how many, where somebody asked for that.
    of_many: Option<(u64, u64)>,
}

impl Found {
    fn of(defect: Defect, asked: bool) -> Self {
        const MOST: u64 = 3_000;
        let seeded = |seed| by_chance(seed, Some(defect)).err().map(|broken| (seed, broken));
        let seeded = (1..=MOST).find_map(seeded);
        let crash = |(n, crash)| in_order(Plan::full(), Some(crash), Some(defect)).err().map(|broken| (n, broken));
        let crashed = || (1..).zip(crashes(&Plan::full())).find_map(crash);
        let of_many = told::<u64>("QUAYSIDE_RATES").map(|many| {
            let finds = |seed: &u64| by_chance(*seed, Some(defect)).is_err();
            ((1..=many).filter(finds).count() as u64, many)
        });
        Self { crashed: if asked || seeded.is_none() { crashed() } else { None }, seeded, of_many }
    }

    fn line(&self, habit: &str) -> String {
        let by = |n: Option<String>| n.unwrap_or_else(|| "-".to_owned());
        let crashed = by(self.crashed.as_ref().map(|(n, _)| n.to_string()));
        let seeded = by(self.seeded.as_ref().map(|(n, _)| n.to_string()));
        let broken = self.seeded.as_ref().map(|(_, broken)| broken).or(self.crashed.as_ref().map(|(_, one)| one));
        let seen: String = broken.map(|broken| broken.seen.chars().take(90).collect()).unwrap_or_default();
        let of_many = self.of_many.map(|(found, many)| format!(" | {found} of {many}")).unwrap_or_default();
        format!("{habit:<60} | {seeded:>9} | {crashed:>10} | {seen}{of_many}")
    }
}

/// `QUAYSIDE_CRASHES=1` also says which of the schedules with one crash shows each defect; that takes minutes. `QUAYSIDE_RATES=n`
/// says how many of the first n schedules by chance do: what a change of the mix of schedules is to be judged by.
#[test]
fn every_seeded_defect_is_found() {
    let asked = told::<u8>("QUAYSIDE_CRASHES").is_some();
    let outcome = on_all_cores(0..Defect::ALL.len() as u64, |take, all| {
        while let Some(n) = take() {
            let (defect, habit) = Defect::ALL[usize::try_from(n).expect("few")];
            all.push((n, habit, Found::of(defect, asked)));
        }
        None
    });
    let mut all = outcome.unwrap_or_default();
    all.sort_by_key(|(n, ..)| *n);
    eprintln!("{:<60} | by chance | one crash  | rule broken", "defect: found after so many schedules");
    all.iter().for_each(|(_, habit, found)| eprintln!("{}", found.line(habit)));
    let is_missed = |found: &Found| found.crashed.is_none() && found.seeded.is_none();
    let missed: Vec<_> = all.iter().filter(|(.., found)| is_missed(found)).map(|(_, habit, _)| habit).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// Where an order or its stock hears something again without an inbox, its state and its version turn it away.
#[test]
fn orders_and_stock_stay_correct_without_inbox_deduplication() {
    for seed in 1..=400 {
        assert_eq!(by_chance(seed, Some(Defect::SkipsInbox)).err(), None, "seed {seed}");
    }
}

/// A failure that needs hundreds of coincidences to be read teaches nothing.
#[test]
fn a_schedule_that_fails_is_made_smaller_and_replays_from_its_text() {
    for defect in [Defect::NumbersInvoiceTwice, Defect::ChargesWithNewKeyPerTry, Defect::PublishesBeforeCommit] {
        let found = (1..).find_map(|seed| by_chance(seed, Some(defect)).err().map(|broken| (seed, broken)));
        let (seed, broken) = found.expect("a seed that finds it");
        let (whole, small) = shrunk(seed, &broken, Some(defect));
        eprintln!("{defect:?}, {}", report(seed, &broken, Some(defect)));
        let read: ExecutionTrace = small.to_string().parse().expect("a trace");
        let again = replay(&read, Some(defect)).1.expect_err("the same failure");
        assert_eq!(again.rule, broken.rule);
        assert!(small.draws.len() * 4 <= whole.draws.len(), "{} of {}", small.draws.len(), whole.draws.len());
    }
}
