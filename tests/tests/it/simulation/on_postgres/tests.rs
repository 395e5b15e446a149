//! The same schedules over PostgreSQL: random ones, and sequential ones with each statement cut at each point.

use super::{CutCounts, Server, beginning};
use crate::simulation::{
    choices::Choices,
    commands::Plan,
    defects::Defect,
    env_var, on_all_cores, print_statistics,
    rules::Violation,
    run::{self, RunReport},
};
use std::{rc::Rc, time::Instant};
use testkit::{Dependency, FaultPoint};

/// Random schedules of a normal test run; `scripts/test --full postgres` runs 2 000.
const SCHEDULES: u64 = 300;

fn at_random(server: &Server, seed: u64, defect: Option<Defect>) -> Result<RunReport, Violation> {
    run::at_random(server.schedule(), beginning(), seed, &Rc::new(Choices::of(seed)), defect)
}

fn in_order(server: &Server, crash: Option<(usize, FaultPoint)>) -> Result<RunReport, Violation> {
    run::in_order(server.schedule(), beginning(), Plan::full(), crash, None)
}

fn print_cuts(counts: &[CutCounts]) {
    let sum = |of: fn(&CutCounts) -> usize| counts.iter().map(of).sum::<usize>();
    eprintln!(
        "  {} statements; cut before {}, after {}, in flight {} (of which {} completed), executed and not committed {}",
        sum(|cut_counts| cut_counts.statements),
        sum(|cut_counts| cut_counts.before),
        sum(|cut_counts| cut_counts.after),
        sum(|cut_counts| cut_counts.in_flight),
        sum(|cut_counts| cut_counts.completed),
        sum(|cut_counts| cut_counts.uncommitted),
    );
}

/// `QUAYSIDE_SEED` and `QUAYSIDE_SCHEDULES` as in `simulation::random_schedules_violate_no_invariant`.
#[test]
fn random_schedules_violate_no_invariant() {
    let (seed, schedules) = (env_var("QUAYSIDE_SEED"), env_var("QUAYSIDE_SCHEDULES"));
    let schedules = schedules.unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let first = seed.unwrap_or(1);
    let started = Instant::now();
    let outcome = on_all_cores(first..first + schedules, |take, all| {
        let server = Server::new();
        let mut reports = vec![];
        while let Some(seed) = take() {
            match at_random(&server, seed, None) {
                Ok(report) => reports.push(report),
                Err(violation) => return Some((seed, violation)),
            }
        }
        all.push((reports, server.cut_counts()));
        None
    });
    let again = |seed| {
        format!(
            "QUAYSIDE_SEED={seed} cargo test -p quayside-tests simulation::on_postgres::tests::random_schedules_violate_no_invariant"
        )
    };
    let all = outcome.unwrap_or_else(|(seed, violation)| panic!("seed {seed}: {violation}\nreplay: {}", again(seed)));
    let (reports, counts): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    print_statistics("on PostgreSQL", &reports.concat(), started);
    print_cuts(&counts);
}

/// One of so many crashes is tried in the everyday run; `QUAYSIDE_ALL_CRASHES` tries all, as `scripts/test --full postgres` does.
const SAMPLED: usize = 9;

/// Each statement of a sequential run, cut at each fault point together with the process that sent it.
#[test]
fn crash_at_any_statement_is_recovered() {
    let operations = {
        let server = Server::new();
        let schedule = server.schedule();
        let platform = schedule.platform.clone();
        run::in_order(schedule, beginning(), Plan::full(), None, None).expect("a world where nothing goes wrong");
        platform.operations()
    };
    let statements = (1..).zip(&operations).filter(|(_, operation)| operation.dependency == Dependency::Database);
    let points = [FaultPoint::Before, FaultPoint::Uncommitted, FaultPoint::InFlight, FaultPoint::After];
    let crashes: Vec<_> =
        statements.flat_map(|(number, operation)| points.map(|point| (number, point, operation.name))).collect();
    let every = if std::env::var_os("QUAYSIDE_ALL_CRASHES").is_some() { 1 } else { SAMPLED };
    // There are four points for a statement, so that each ninth crash is at another point.
    let crashes: Vec<_> = crashes.into_iter().step_by(every).collect();
    let started = Instant::now();
    let outcome = on_all_cores(0..crashes.len() as u64, |take, all| {
        let server = Server::new();
        let mut reports = vec![];
        while let Some(n) = take() {
            let (number, point, _) = crashes[usize::try_from(n).expect("few")];
            match in_order(&server, Some((number, point))) {
                Ok(report) => reports.push(report),
                Err(violation) => return Some((n, violation)),
            }
        }
        all.push((reports, server.cut_counts()));
        None
    });
    let all = outcome.unwrap_or_else(|(n, violation)| {
        let (number, point, name) = crashes[usize::try_from(n).expect("few")];
        panic!("a crash {point:?} operation {number}, {name:?}: {violation}")
    });
    let (reports, counts): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    print_statistics("enumerated on PostgreSQL", &reports.concat(), started);
    print_cuts(&counts);
}

/// Runs without interleaving are deterministic on PostgreSQL, too.
#[test]
fn same_seed_gives_the_same_run() {
    let server = Server::new();
    let run = |seed| {
        let schedule = server.schedule();
        let platform = schedule.platform.clone();
        let choices = Rc::new(Choices::of(seed));
        let outcome = run::at_random(schedule, beginning(), seed, &choices, None);
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

/// The checker finds defects on PostgreSQL, too: those that do not need the in-memory stores.
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
            let found = (1..=MOST).find_map(|seed| Some((seed, at_random(&server, seed, Some(*defect)).err()?)));
            if let Some((seed, violation)) = &found {
                let seen: String = violation.details.chars().take(80).collect();
                eprintln!("{defect:?}, seed {seed}: {seen}");
            }
            found.is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
