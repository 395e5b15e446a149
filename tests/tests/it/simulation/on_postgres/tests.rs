//! The same schedules over PostgreSQL: by chance, and every statement cut before it, after it, and in the middle.

use super::{Server, Tally, beginning};
use crate::simulation::{
    chance::Chance,
    commands::Plan,
    defects::Defect,
    on_all_cores,
    rules::Violation,
    run::{self, RunReport},
    tell, told,
};
use std::{rc::Rc, time::Instant};
use testkit::{Dependency, FaultPoint};

/// Schedules by chance of a usual test run.
const SCHEDULES: u64 = 1_000;

fn by_chance(server: &Server, seed: u64, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::by_chance(server.schedule(), beginning(), seed, &Rc::new(Chance::of(seed)), defect)
}

fn in_order(server: &Server, crash: Option<(usize, FaultPoint)>) -> Result<RunReport, Violation> {
    run::in_order(server.schedule(), beginning(), Plan::full(), crash, None)
}

fn tell_cuts(tallies: &[Tally]) {
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    eprintln!(
        "  {} statements; cut before {}, after {}, left alone while they ran {} (of which {} were done), run and not committed {}",
        sum(|tally| tally.statements),
        sum(|tally| tally.before),
        sum(|tally| tally.after),
        sum(|tally| tally.sent),
        sum(|tally| tally.done),
        sum(|tally| tally.half),
    );
}

/// `QUAYSIDE_SEED` and `QUAYSIDE_SCHEDULES` as in `simulation::random_schedules_violate_no_invariant`.
#[test]
fn seeded() {
    let (seed, schedules) = (told("QUAYSIDE_SEED"), told("QUAYSIDE_SCHEDULES"));
    let schedules = schedules.unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let first = seed.unwrap_or(1);
    let started = Instant::now();
    let outcome = on_all_cores(first..first + schedules, |take, all| {
        let server = Server::new();
        let mut trails = vec![];
        while let Some(seed) = take() {
            match by_chance(&server, seed, None) {
                Ok(trail) => trails.push(trail),
                Err(broken) => return Some((seed, broken)),
            }
        }
        all.push((trails, server.tally()));
        None
    });
    let again =
        |seed| format!("QUAYSIDE_SEED={seed} cargo test -p quayside-tests simulation::on_postgres::tests::seeded");
    let all = outcome.unwrap_or_else(|(seed, broken)| panic!("seed {seed}: {broken}\nagain: {}", again(seed)));
    let (trails, tallies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    tell("on PostgreSQL", &trails.concat(), started);
    tell_cuts(&tallies);
}

/// Every statement of a run in order, each cut in every way that there is, with the process that sent it.
#[test]
fn a_crash_at_any_statement_is_made_good() {
    let operations = {
        let server = Server::new();
        let schedule = server.schedule();
        let platform = schedule.platform.clone();
        run::in_order(schedule, beginning(), Plan::full(), None, None).expect("a world where nothing goes wrong");
        platform.operations()
    };
    let statements = (1..).zip(&operations).filter(|(_, operation)| operation.dependency == Dependency::Database);
    let moments = [FaultPoint::Before, FaultPoint::Uncommitted, FaultPoint::InFlight, FaultPoint::After];
    let crashes: Vec<_> =
        statements.flat_map(|(number, operation)| moments.map(|moment| (number, moment, operation.name))).collect();
    let started = Instant::now();
    let outcome = on_all_cores(0..crashes.len() as u64, |take, all| {
        let server = Server::new();
        let mut trails = vec![];
        while let Some(n) = take() {
            let (number, moment, _) = crashes[usize::try_from(n).expect("few")];
            match in_order(&server, Some((number, moment))) {
                Ok(trail) => trails.push(trail),
                Err(broken) => return Some((n, broken)),
            }
        }
        all.push((trails, server.tally()));
        None
    });
    let all = outcome.unwrap_or_else(|(n, broken)| {
        let (number, moment, name) = crashes[usize::try_from(n).expect("few")];
        panic!("a crash {moment:?} operation {number}, {name:?}: {broken}")
    });
    let (trails, tallies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    tell("enumerated on PostgreSQL", &trails.concat(), started);
    tell_cuts(&tallies);
}

/// Where processes run one after another, the server decides nothing.
#[test]
fn the_same_seed_goes_the_same_way() {
    let server = Server::new();
    let run = |seed| {
        let schedule = server.schedule();
        let platform = schedule.platform.clone();
        let chance = Rc::new(Chance::of(seed));
        let outcome = run::by_chance(schedule, beginning(), seed, &chance, None);
        (
            platform.faults().is_interleaved(),
            format!("{outcome:?} {:?} {:?}", platform.operations(), platform.bus().published()),
        )
    };
    let mut compared = 0;
    for seed in 1..30 {
        let (is_interleaved, went) = run(seed);
        if !is_interleaved {
            assert_eq!(went, run(seed).1, "seed {seed}");
            compared += 1;
        }
    }
    assert!(compared > 2, "{compared} seeds");
}

/// That this checker finds something, too: defects that need nothing of the in-memory stores.
#[test]
fn seeded_defects_are_found() {
    const MOST: u64 = 300;
    let defects = [
        Defect::AcknowledgesOnError,
        Defect::AcknowledgesWholeBatch,
        Defect::PublishesBeforeCommit,
        Defect::ChargesWithNewKeyPerTry,
        Defect::RecordsEmailWithoutClaim,
        Defect::NumbersInvoiceTwice,
        Defect::NeverSweepsOutbox,
        Defect::CountsWithoutClaim,
    ];
    let server = Server::new();
    let missed: Vec<_> = defects
        .into_iter()
        .filter(|defect| {
            let found = (1..=MOST).find_map(|seed| Some((seed, by_chance(&server, seed, Some(*defect)).err()?)));
            if let Some((seed, broken)) = &found {
                let seen: String = broken.seen.chars().take(80).collect();
                eprintln!("{defect:?}, seed {seed}: {seen}");
            }
            found.is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
