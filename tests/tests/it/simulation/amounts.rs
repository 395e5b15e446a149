//! A gateway that states another amount than it was asked to move, and one whose dashboard makes and returns refunds.

use super::{
    backend::{Backend, Memory},
    choices::Choices,
    commands::{Command, Plan},
    env_var, run,
};
use std::{rc::Rc, time::Duration};
use testkit::build;

/// Schedules of each test; `QUAYSIDE_SCHEDULES=n` runs more.
const SCHEDULES: u64 = 300;

fn schedules() -> u64 {
    env_var("QUAYSIDE_SCHEDULES").unwrap_or(SCHEDULES)
}

#[test]
fn gateway_that_states_another_amount_confirms_no_order() {
    let mut charged = 0;
    for seed in 1..=schedules() {
        let (choices, backend) = (Rc::new(Choices::of(seed)), Memory::new());
        let mut plan = Plan { misstates: true, ..Plan::drawn(&choices, backend.can_be_seeded()) };
        // What a customer or staff do to a confirmed order never becomes possible.
        plan.commands.retain(|(command, _)| !matches!(command, Command::Ship(_) | Command::Deliver(_)));
        let outcome = run::planned(backend, build::noon(), seed, plan, &choices, None);
        let report = outcome.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        charged += usize::from(report.observed.contains("answer of another amount"));
    }
    assert!(charged > usize::try_from(schedules() / 2).expect("few"), "{charged} schedules have a charge");
}

#[test]
fn refunds_in_the_dashboard_are_posted_once() {
    const DELAYS: [u64; 4] = [0, 2, 60, 4_000];
    let (mut refunded, mut returned) = (0, 0);
    for seed in 1..=schedules() {
        let (choices, backend) = (Rc::new(Choices::of(seed)), Memory::new());
        let mut plan = Plan { webhooks: true, ..Plan::drawn(&choices, backend.can_be_seeded()) };
        let orders: Vec<usize> = plan.orders().collect();
        for order in orders {
            let delay = |n: u64| Duration::from_secs(DELAYS[usize::try_from((seed + n) % 4).expect("few")]);
            plan.commands.push((Command::RefundAtGateway(order, Some(70)), delay(0)));
            if seed % 2 == 0 {
                plan.commands.push((Command::RefundAtGateway(order, None), delay(1)));
            }
            if seed % 3 == 0 {
                plan.commands.push((Command::ReturnRefunds(order), delay(2)));
            }
        }
        let outcome = run::planned(backend, build::noon(), seed, plan, &choices, None);
        let report = outcome.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        refunded += usize::from(report.observed.contains("refunded at the gateway"));
        returned += usize::from(report.observed.contains("refund returned"));
    }
    assert!(refunded > 100 && returned > 20, "{refunded} schedules with refunds, {returned} with returned ones");
}
