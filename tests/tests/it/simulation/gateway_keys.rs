//! A refund whose response is lost, and a gateway that is down until it has forgotten the key of the refund.
//!
//! The message becomes a dead letter when the retry window is over, which other worlds do not allow; what is moved is compared at the end.

use super::{
    backend::Memory,
    choices::Choices,
    commands::{Command, Plan},
    defects::Defect,
    rules::{self, Violation, rule},
    run,
    world::World,
};
use kernel::Timestamp;
use std::time::Duration;
use testkit::{Dependency, FaultPoint, Occurrence, build};

/// The first order of short schedules, which is paid.
const ORDER: usize = 0;
const CENTS: i64 = 70;
/// Longer than the gateway knows a key, with the longest backoff of the refund's message after it.
const OUTAGE: Duration = Duration::from_secs(25 * 3_600);
const BACKOFF: Duration = Duration::from_secs(16 * 60);
/// Steps within which each part of the run ends.
const STEPS: usize = 2_000;

/// Runs until `is_over`, or until nothing is left to do.
fn run_until(world: &mut World<Memory>, is_over: impl Fn(&World<Memory>) -> bool) -> Result<(), Violation> {
    for _ in 0..STEPS {
        if is_over(world) || !run::unchecked_step(world, &Choices::none())? {
            return Ok(());
        }
        world.read_stores();
    }
    Err("a run that ends".into())
}

fn with_forgotten_key(defect: Option<Defect>) -> Result<(), Violation> {
    let mut plan = Plan { search_lags: true, ..Plan::with(&[ORDER], true) };
    plan.commands.push((Command::Refund(ORDER, Some(CENTS)), Duration::from_secs(3)));
    let mut world = World::new(Memory::new(), build::noon(), 1, plan, defect);
    let (gateway, faults) = (world.platform.gateway(), world.platform.faults());
    run_until(&mut world, |_| !gateway.charges().is_empty())?;
    // The gateway makes the refund, and its response is lost.
    faults.fail(Dependency::Gateway, Occurrence::First(1), FaultPoint::After);
    run_until(&mut world, |_| !gateway.refunds().is_empty())?;
    faults.take_down(Dependency::Gateway);
    let over: Timestamp = world.clock.now() + OUTAGE;
    run_until(&mut world, |world| world.clock.now() >= over)?;
    world.clock.advance(BACKOFF);
    faults.restore(Dependency::Gateway);
    run_until(&mut world, |_| false)?;
    let given_up = world.given_up.take();
    rule!(given_up.iter().all(|(to, _)| *to == catalog::PAYMENT_REFUND.name), "dead letters: {given_up:?}");
    rules::always(&world)?;
    rules::when_idle(&world)?;
    rule!(!given_up.is_empty(), "no dead letter of the refund");
    Ok(())
}

#[test]
fn refund_is_made_once_although_the_gateway_has_forgotten_its_key() {
    assert_eq!(with_forgotten_key(None), Ok(()));
}

#[test]
fn retry_window_above_a_day_is_found() {
    let violation = with_forgotten_key(Some(Defect::RetriesForgottenKeys)).expect_err("a second refund");
    assert!(!violation.details.contains("dead letter"), "{violation}");
}
